//! The documents as the running service gives them, and against AsyncAPI's own schema.

use std::process::Command;

use serde_json::Value;

use crate::house::{House, Neighbours, required};

#[tokio::test(flavor = "multi_thread")]
async fn the_service_serves_what_its_commands_print() {
    let house = House::build(Neighbours::Real).await;
    let service = house.service().ready().await;
    for name in ["openapi", "asyncapi"] {
        let served = service.get(&format!("/{name}.json")).await;
        let printed = Command::new(env!("CARGO_BIN_EXE_monte-carlo-service"))
            .arg(name)
            .env_clear()
            .output()
            .expect("the program runs without any environment");
        assert!(printed.status.success() && printed.stderr.is_empty(), "{printed:?}");
        let printed: Value = serde_json::from_slice(&printed.stdout).expect("JSON alone");
        assert_eq!(printed, served);
    }
    service.stop().await;
}

#[test]
fn the_asyncapi_document_is_one_by_asyncapis_own_schema() {
    let path = std::path::Path::new(&required("TEST_ASYNCAPI_DIR"))
        .join("node_modules/@asyncapi/specs/schemas/3.0.0.json");
    let schema = std::fs::read(path).expect("AsyncAPI's schema is prepared");
    let schema: Value = serde_json::from_slice(&schema).expect("it is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a JSON Schema");
    let document = monte_carlo_service::documents::asyncapi::document();
    let faults: Vec<String> =
        validator.iter_errors(&document).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let mut broken = document;
    broken["operations"]["hearOfAssessments"]["action"] = "listen".into();
    assert!(!validator.is_valid(&broken), "the schema refuses what is wrong");
}
