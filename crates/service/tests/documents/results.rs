//! What the engine reports has the shape that the documents give it: no field more, none less.

use monte_carlo_engine::{Control, Execution, InputData, Plan, Shard, Subject, report, run_shard};
use monte_carlo_service::http;
use serde_json::{Value, json};

use crate::shapes::{fits, shape};

/// Dollars, again and again.
const PNLS: [f64; 4] = [310.5, -280.0, 95.0, -120.0];

/// A result under `rules`, as it is stored.
pub(crate) fn result(rules: &Value) -> Value {
    let trades: Vec<Value> = (0..40)
        .map(|n| json!({"id": format!("t{n}"), "pnl": PNLS[n % 4], "timestamp": 86_400_000 * n}))
        .collect();
    let input: InputData = serde_json::from_value(
        json!({"tradeHistory": trades, "pnlData": {"balance": 10_055, "peak": 10_400, "realized": 55}}),
    )
    .expect("an input");
    let config = serde_json::from_value(json!({"paths": 2_000, "rules": rules})).expect("a config");
    let plan = Plan::new(&Subject::FundedAccount("acc-1".to_owned()), &input, &config, 1).expect("a plan");
    let shard = Shard { first_path: 0, paths: plan.paths() };
    let tally = run_shard(&plan, shard, &Control::default()).expect("nobody cancels");
    let execution = Execution { executed_on: "local".to_owned(), simulation_time_seconds: 0.5 };
    serde_json::to_value(report(&plan, &tally, &execution)).expect("a report is JSON")
}

#[test]
fn results_fit_their_schema_field_by_field() {
    let document = http::openapi();
    let schema = shape(&document, "SimulationResult");
    for rules in [
        json!("funded"),
        json!({"profitTarget": {"fraction": 0.05}, "timeLimitDays": 20, "minTrades": 5,
            "drawdown": {"kind": "trailing", "amount": 400, "lock": {"offset": 0}}}),
        json!({}),
    ] {
        let result = result(&rules);
        fits(&schema, &result);
        documented(&document, &document["components"]["schemas"]["SimulationResult"], &result, "result");

        let mut broken = result.clone();
        broken["breachProbability"]["lower"] = json!("0.1");
        assert!(!schema.is_valid(&broken));
        let mut broken = result;
        broken.as_object_mut().expect("an object").remove("resultDigest");
        assert!(!schema.is_valid(&broken));
    }
}

/// Every field has a schema: a new one cannot slip in undocumented.
fn documented(document: &Value, schema: &Value, value: &Value, path: &str) {
    let Some(fields) = value.as_object() else { return };
    for (name, value) in fields {
        let inner =
            property(document, schema, name).unwrap_or_else(|| panic!("{path}.{name} is not documented"));
        documented(document, inner, value, &format!("{path}.{name}"));
    }
}

fn property<'a>(document: &'a Value, schema: &'a Value, name: &str) -> Option<&'a Value> {
    if let Some(reference) = schema["$ref"].as_str() {
        return property(document, document.pointer(&reference[1..])?, name);
    }
    let parts =
        ["allOf", "oneOf"].into_iter().flat_map(|keyword| schema[keyword].as_array().into_iter().flatten());
    schema["properties"]
        .get(name)
        .or_else(|| parts.into_iter().find_map(|part| property(document, part, name)))
}
