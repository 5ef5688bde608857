//! A schema of one of the documents, to hold values against.

use jsonschema::Validator;
use serde_json::{Value, json};

/// The schema of that name, with all that it refers to.
pub(crate) fn shape(document: &Value, name: &str) -> Validator {
    assert!(document["components"]["schemas"][name].is_object(), "there is no schema {name}");
    let schema =
        json!({"$ref": format!("#/components/schemas/{name}"), "components": document["components"]});
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a JSON Schema")
}

/// Panics with every fault of `value`.
pub(crate) fn fits(shape: &Validator, value: &Value) {
    let faults: Vec<String> =
        shape.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{value}:\n{}", faults.join("\n"));
}
