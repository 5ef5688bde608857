//! `sslmode=verify-full`: the right server is taken, any other is told by its fault.

use std::path::Path;

use serde_json::Value;

use super::json;
use super::tls_server::TlsServer;
use crate::house::{House, Neighbours};

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_connection_is_to_the_right_server_or_is_none() {
    let house = House::build(Neighbours::Real).await;
    let server = TlsServer::start();
    let url = |host: &str, authority: &Path| {
        let (port, authority) = (server.port(), authority.display());
        format!(
            "postgres://postgres:hunter2@{host}:{port}/postgres?sslmode=verify-full&sslrootcert={authority}"
        )
    };

    let right = url("localhost", &server.authority());
    let migrated = house.run(&["migrate"], &[("DATABASE_URL", &right)]).await;
    assert!(migrated.status.success(), "{migrated:?}");
    let found = database(&house, &right).await;
    assert_eq!(found["state"], "ok", "{found}");
    // CockroachDB's own word for it, and the platform's scheme.
    let found = database(&house, &right.replace("postgres://", "cockroachdb://")).await;
    assert_eq!(found["state"], "ok", "{found}");

    let elsewhere = url("127.0.0.1", &server.authority());
    told(&database(&house, &elsewhere).await, "not valid for name", "host name");
    let unknown = url("localhost", &server.stranger());
    told(&database(&house, &unknown).await, "UnknownIssuer", "sslrootcert");
    let plain = format!("{}?sslmode=verify-full", house.database_url());
    told(&database(&house, &plain).await, "does not support TLS", "sslmode");
    let nowhere = url("localhost", Path::new("/nowhere/ca.crt"));
    told(&database(&house, &nowhere).await, "No such file", "sslrootcert");
}

/// What `doctor` says of the database.
async fn database(house: &House, url: &str) -> Value {
    let output = house.run(&["doctor", "--json"], &[("DATABASE_URL", url)]).await;
    let report = json(&output);
    assert!(!format!("{output:?}").contains("hunter2"), "{report}");
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().find(|finding| finding["check"] == "database").expect("it was looked at").clone()
}

fn told(finding: &Value, found: &str, mend: &str) {
    assert_eq!(finding["state"], "fault", "{finding}");
    assert!(finding["found"].as_str().is_some_and(|text| text.contains(found)), "{finding}");
    assert!(finding["mend"].as_str().is_some_and(|text| text.contains(mend)), "{finding}");
}
