//! What "equal to the bit" compares.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Says how the work was done, not what it found.
const LEFT_OUT: [&str; 3] = ["simulationTimeSeconds", "executedOn", "resultDigest"];

/// Integers above this are not exact in a double, so not every JSON store keeps them.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// SHA-256, as lower-case hex, of the result's canonical JSON less `simulationTimeSeconds`, `executedOn` and
/// `resultDigest` at its top level.
///
/// Canonical: keys sorted, no white space, every number as the double that it names, in the shortest form that reads
/// back as that double, integers without a fraction. So it is the same for a result that went through a store that
/// reorders keys, or writes `1.0` as `1`.
pub fn result_digest(result: &Value) -> String {
    let canonical = match result {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(key, _)| !LEFT_OUT.contains(&key.as_str()));
            canonical(&Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect()))
        }
        other => canonical(other),
    };
    Sha256::digest(canonical.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), number_text),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(fields) => object(fields),
        other => other.to_string(),
    }
}

fn object(fields: &Map<String, Value>) -> String {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_by_key(|(key, _)| key.as_str());
    let pairs =
        sorted.iter().map(|(key, value)| format!("{}:{}", Value::String((*key).clone()), canonical(value)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < EXACT_MAX {
        (number as i64).to_string()
    } else {
        Value::from(number).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::result_digest;
    use serde_json::json;

    #[test]
    fn ignores_order_form_and_how_the_work_was_done() {
        let one = json!({"b": 1.0, "a": [0.1, -0.0, 1e300], "executedOn": "ray", "resultDigest": "x"});
        let other = json!({"a": [0.1, 0, 1e300], "b": 1, "simulationTimeSeconds": 2.5});
        assert_eq!(result_digest(&one), result_digest(&other));
        assert_ne!(result_digest(&one), result_digest(&json!({"b": 1, "a": [0.1, 0, 1e299]})));
        assert_ne!(result_digest(&json!({"a": {"executedOn": 1}})), result_digest(&json!({"a": {}})));
    }

    #[test]
    fn reads_a_number_however_a_store_writes_it() {
        let read = |text: &str| result_digest(&serde_json::from_str(text).expect("JSON"));
        assert_eq!(read("[1.2345e-7, 1e20, 250]"), read("[0.00000012345, 100000000000000000000, 250.00]"));
        // A double whose shortest form needs all 17 digits: a careless reader is one bit off.
        let (value, text) = (0.1 + 0.2, "0.30000000000000004");
        assert_eq!(result_digest(&json!([value])), read(&format!("[{text}]")));
    }

    #[test]
    fn is_the_hash_of_the_canonical_text() {
        // printf '{"a":[0.1,null],"b":1}' | sha256sum
        let expected = "39c1a64c21a6f8de09a139e8a8f12acd4e39794c412cb94d97fe61fcecd3e883";
        assert_eq!(result_digest(&json!({"b": 1.0, "a": [0.1, null]})), expected);
    }
}
