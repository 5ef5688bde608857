//! An application from before the protocol: one call a job (contracts §4), and the result is its own.

use std::sync::Arc;
use std::time::Instant;

use monte_carlo_engine::SimulationConfig;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::link::Link;
use super::transport;
use super::verdict::{Class, Failure, Verdict, verdict};
use crate::simulator::Request;

/// After a call that failed, three more (the contract's "1 s, 2 s, 4 s").
const RETRIES: u32 = 3;

/// What an old application does by itself, or what only says how finely it is done.
const LEFT_TO_IT: [&str; 3] = ["paths", "seed", "historyReplicates"];

/// The names under which two readers look for one number (contracts §5).
const BOTH_NAMES: [(&str, &[(&str, &str)]); 2] = [
    (
        "riskMetrics",
        &[("valueAtRisk95", "var95"), ("valueAtRisk99", "var99"), ("expectedShortfall", "cvar95")],
    ),
    (
        "confidenceIntervals",
        &[
            ("return95Lower", "ci95Lower"),
            ("return95Upper", "ci95Upper"),
            ("return99Lower", "ci99Lower"),
            ("return99Upper", "ci99Upper"),
        ],
    ),
];

const ITS_OWN: &str = "An application on Ray Serve that does not speak this service's protocol computed this result: \
                       its numbers are its own, and cannot be recomputed by this service.";

/// The fields of `config` that an old application would not heed, though they decide what is asked.
pub(super) fn not_heeded(config: &SimulationConfig) -> Vec<String> {
    let fields = serde_json::to_value(config).unwrap_or_default();
    let names = fields.as_object().into_iter().flatten().map(|(name, _)| name);
    names.filter(|name| !LEFT_TO_IT.contains(&name.as_str())).cloned().collect()
}

/// The result, after some tries; or why there is none.
pub(super) async fn simulate(
    link: &Arc<Link>,
    request: &Request,
    deadline: Instant,
) -> Result<Value, String> {
    let document = document(request).map_err(|error| error.to_string())?;
    let mut pauses = (0..RETRIES).map(|retry| link.limits.old_pause * 2_u32.pow(retry));
    loop {
        let place = link.gate.clone().place().await;
        let bound = link.limits.old_call.min(deadline.saturating_duration_since(link.now()));
        let answer = link.caller.transport().simulate(document.clone(), bound).await;
        drop(place);
        let result = answer.and_then(|body| adopt(&body).map_err(Failure::Broken));
        transport::count(result.is_ok());
        let failure = match result {
            Ok(result) => {
                link.answered();
                return Ok(result);
            }
            Err(failure) => failure,
        };
        let why = match may_pass(failure) {
            (true, why) => why,
            (false, why) => return Err(why),
        };
        let pause = pauses.next().filter(|pause| link.now() + *pause < deadline);
        let Some(pause) = pause else { return Err(why) };
        tracing::warn!(why, "Ray Serve did not simulate the job; it is asked again");
        tokio::time::sleep(pause).await;
    }
}

/// Such an application has no mark, so its own refusals look like any other's: what it says of the request itself
/// (400, 422 and their like) it will say again.
fn may_pass(failure: Failure) -> (bool, String) {
    let is_its_word = matches!(&failure, Failure::Refused(refusal)
        if (400..500).contains(&refusal.status) && !matches!(refusal.status, 404 | 408 | 425 | 429));
    match verdict(failure) {
        Verdict::Again { class: Class::Slow, .. } => (!is_its_word, "no result in time".to_owned()),
        Verdict::Again { why, .. } => (!is_its_word, why),
        Verdict::Terminal { message, .. } => (false, message),
        Verdict::NotForUs(why) => (false, why),
    }
}

fn document(request: &Request) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Document<'a> {
        trade_history: &'a [monte_carlo_engine::Trade],
        pnl_data: monte_carlo_engine::PnlData,
    }
    let input = &request.input;
    serde_json::to_vec(&Document { trade_history: &input.trade_history, pnl_data: input.pnl_data })
}

/// The result in both dialects, marked as its maker's own.
fn adopt(body: &[u8]) -> Result<Value, String> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| "the answer is not JSON".to_owned())?;
    let Value::Object(mut result) = answer else { return Err("the answer is not an object".to_owned()) };
    if !result.get("riskMetrics").is_some_and(Value::is_object) {
        return Err("the answer has no `riskMetrics`".to_owned());
    }
    for (group, pairs) in BOTH_NAMES {
        if let Some(Value::Object(numbers)) = result.get_mut(group) {
            pairs.iter().for_each(|(one, other)| both(numbers, one, other));
        }
    }
    result.remove("resultDigest");
    result.insert("engineVersion".to_owned(), json!("unknown"));
    result.insert("executedOn".to_owned(), json!("ray"));
    result.insert("replayable".to_owned(), json!(false));
    let warnings = result.entry("warnings").or_insert_with(|| json!([]));
    match warnings {
        Value::Array(warnings) => warnings.push(json!(ITS_OWN)),
        other => *other = json!([other.take(), ITS_OWN]),
    }
    Ok(Value::Object(result))
}

/// Puts a number under both of its names, where it has one.
fn both(numbers: &mut Map<String, Value>, one: &str, other: &str) {
    let number = |name: &str| numbers.get(name).filter(|value| value.is_number()).cloned();
    match (number(one), number(other)) {
        (Some(number), None) => numbers.insert(other.to_owned(), number),
        (None, Some(number)) => numbers.insert(one.to_owned(), number),
        (None, None) | (Some(_), Some(_)) => None,
    };
}

#[cfg(test)]
mod tests {
    use super::super::verdict::Refusal;
    use super::*;

    fn refused(status: u16) -> Failure {
        Failure::Refused(Refusal { status, ..Refusal::default() })
    }

    #[test]
    fn a_result_in_one_dialect_is_in_both_and_marked() {
        let answer = json!({
            "riskMetrics": {"var95": 10.5, "valueAtRisk99": 20, "cvar95": 15, "sharpeRatio": null},
            "confidenceIntervals": {"return95Lower": -0.1, "ci95Lower": -0.1, "ci99Upper": 0.3},
            "pathsSimulated": 1_000_000, "warnings": ["its own"], "resultDigest": "x", "more": [1],
        });
        let result = adopt(answer.to_string().as_bytes()).expect("a result");
        for (at, wanted) in [
            ("/riskMetrics/valueAtRisk95", json!(10.5)),
            ("/riskMetrics/var99", json!(20)),
            ("/riskMetrics/expectedShortfall", json!(15)),
            ("/riskMetrics/sharpeRatio", json!(null)),
            ("/confidenceIntervals/return99Upper", json!(0.3)),
            ("/executedOn", json!("ray")),
            ("/engineVersion", json!("unknown")),
            ("/replayable", json!(false)),
            ("/warnings", json!(["its own", ITS_OWN])),
            ("/more", json!([1])),
        ] {
            assert_eq!(result.pointer(at), Some(&wanted), "{at}");
        }
        assert_eq!(result.get("resultDigest"), None, "a digest of ours says what it is not");
        for garbage in ["<html>", "[]", "{}", "{\"riskMetrics\": 1}"] {
            assert!(adopt(garbage.as_bytes()).is_err(), "{garbage}");
        }
    }

    #[test]
    fn only_what_decides_the_question_is_missed() {
        let config = |value: Value| serde_json::from_value(value).expect("a configuration");
        assert!(not_heeded(&config(json!({"paths": 10, "seed": 1, "historyReplicates": 0}))).is_empty());
        assert_eq!(not_heeded(&config(json!({"rules": "funded", "paths": 10}))), ["rules"]);
    }

    #[test]
    fn what_it_says_of_the_request_is_not_asked_again() {
        for (status, wanted) in
            [(400, false), (422, false), (404, true), (408, true), (429, true), (500, true), (503, true)]
        {
            assert_eq!(may_pass(refused(status)).0, wanted, "{status}");
        }
        assert!(may_pass(Failure::NotConnected("refused".into())).0 && may_pass(Failure::TimedOut).0);
    }
}
