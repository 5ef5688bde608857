//! From what is derived from Rust types to the JSON Schemas that both documents hold.

use monte_carlo_engine::Report;
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Integers up to here have one spelling in JSON and in a double.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// The result's schema and all that it refers to, by name.
pub(super) fn result() -> Map<String, Value> {
    let mut schemas: Vec<(String, RefOr<Schema>)> = vec![(Report::name().into_owned(), Report::schema())];
    Report::schemas(&mut schemas);
    let schemas = schemas.into_iter().map(|(name, schema)| (name, plain(json!(schema)))).collect();
    with_conditions(schemas)
}

/// Says what no derive can: which fields go together.
pub(super) fn with_conditions(mut schemas: Map<String, Value>) -> Map<String, Value> {
    for (name, keyword, condition) in conditions() {
        if let Some(schema) = schemas.get_mut(name) {
            schema[keyword] = condition;
        }
    }
    schemas
}

/// Writes whole numbers as such: a limit of `365.0` reads as if it were a fraction.
pub(super) fn plain(mut value: Value) -> Value {
    match &mut value {
        Value::Number(number) => match number.as_f64() {
            Some(whole) if number.is_f64() && whole.fract() == 0.0 && whole.abs() <= WHOLE_MAX => {
                json!(whole as i64)
            }
            _ => value,
        },
        Value::Array(items) => items.drain(..).map(plain).collect(),
        Value::Object(fields) => {
            std::mem::take(fields).into_iter().map(|(name, field)| (name, plain(field))).collect()
        }
        _ => value,
    }
}

fn conditions() -> [(&'static str, &'static str, Value); 6] {
    let locked_static = json!({
        "properties": {"kind": {"const": "static"}, "lock": {"type": "object"}},
        "required": ["kind", "lock"],
    });
    [
        ("SimulationRequest", "oneOf", exactly_one("string", ["assessmentId", "fundedAccountId"])),
        ("Drawdown", "oneOf", exactly_one("number", ["fraction", "amount"])),
        ("DailyLoss", "oneOf", exactly_one("number", ["fraction", "amount"])),
        ("ProfitTarget", "oneOf", exactly_one("number", ["fraction", "amount"])),
        ("Drawdown", "not", locked_static),
        ("SimulationConfig", "not", json!({"anyOf": contradictions()})),
    ]
}

/// What one field of a configuration forbids another.
fn contradictions() -> [Value; 7] {
    let fitted = json!({"enum": ["normal", "studentT", "skewed", "filtered"]});
    let there = |field: &str, schema: Value| json!({"properties": {field: schema}, "required": [field]});
    let days = [
        there("dailyLoss", json!({"type": "object"})),
        there("consistency", json!({"type": "object"})),
        there("minDays", json!({"type": "number", "exclusiveMinimum": 0})),
        there("drawdown", there("kind", json!({"const": "trailingEndOfDay"}))),
    ];
    let beyond_all = json!({"type": "number", "anyOf": [{"exclusiveMinimum": 1}, {"exclusiveMaximum": -1}]});
    [
        // So many paths, and as many as are needed.
        json!({
            "properties": {"paths": {"type": "number"}, "tolerance": {"type": "object"}},
            "required": ["paths", "tolerance"],
        }),
        // Blocks of a model that has none.
        json!({
            "properties": {
                "model": {"enum": ["iid", "normal", "studentT", "skewed", "regimes", "filtered"]},
                "blockLength": {"type": "number", "not": {"const": 1}},
            },
            "required": ["model", "blockLength"],
        }),
        // Parts of rows.
        json!({
            "properties": {
                "model": {"const": "circular"}, "blockLength": {"type": "number", "not": {"multipleOf": 1}},
            },
            "required": ["model", "blockLength"],
        }),
        // Days of a law of trades, asked for or needed by a rule.
        json!({"properties": {"model": fitted, "level": {"const": "day"}}, "required": ["model", "level"]}),
        json!({
            "properties": {"model": fitted, "level": {"type": "null"}, "rules": {"type": "object", "anyOf": days}},
            "required": ["model", "rules"],
        }),
        // More than the whole balance with each trade.
        json!({
            "properties": {"sizing": {"not": {"const": "fixed"}}, "stress": there("meanShift", beyond_all)},
            "required": ["stress"],
        }),
        // Too few to be an interval.
        there("historyReplicates", json!({"type": "number", "minimum": 1, "exclusiveMaximum": 40})),
    ]
}

/// One of the fields is there and not `null`, and the other is not.
fn exactly_one(kind: &str, fields: [&str; 2]) -> Value {
    json!(fields.map(|field| json!({"properties": {field: {"type": kind}}, "required": [field]})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_lose_their_point_and_others_nothing() {
        let value = json!({"a": [1.0, 0.5, -1e10, 1e300], "b": 2, "c": "1.0"});
        assert_eq!(plain(value).to_string(), r#"{"a":[1,0.5,-10000000000,1e+300],"b":2,"c":"1.0"}"#);
    }
}
