//! TLS and passwords on a real broker: what gets in, and what those who stay outside are told.

use std::path::PathBuf;
use std::time::Duration;

use monte_carlo_service::kafka::consumer::Consumer;
use monte_carlo_service::kafka::producer::Producer;
use monte_carlo_service::kafka::security::Security;
use monte_carlo_service::kafka::settings::KafkaSettings;
use tokio::time::Instant;

use crate::cluster::{Cluster, PARTITIONS, PATIENCE, TOPIC, close, numbers, produce, read, required};

const TOPICS: [(&str, i32); 1] = [(TOPIC, PARTITIONS)];
/// As `tests/servers/kafka/run` makes it.
const PASSWORD: &str = "correct horse";

fn ca_file() -> Option<PathBuf> {
    Some(required("TEST_KAFKA_CA_FILE").into())
}

fn scram(password: &str) -> Security {
    Security::Scram { ca_file: ca_file(), username: "service".into(), password: password.into() }
}

/// The real cluster's other doors, onto the same topics.
async fn cluster(brokers: &str, security: Security) -> Cluster {
    let mut cluster = Cluster::real(&TOPICS).await;
    cluster.settings.brokers = required(brokers);
    cluster.settings.security = security;
    cluster
}

async fn round_trip(cluster: Cluster) {
    produce(&cluster.producer(), 0..20).await;
    let mut consumer = cluster.consumer();
    let messages = read(&mut consumer, 20).await;
    assert_eq!(numbers(&messages), (0..20).collect::<Vec<_>>());
    consumer.probe().check().expect("reachable");
    consumer.store_offsets(&messages).expect("stored");
    close(consumer).await;
}

/// Both clients stay outside, each says why, and neither says the password.
async fn refused(settings: &KafkaSettings, cause: &str) {
    let producer = Producer::start(settings).expect("starts");
    let mut consumer = Consumer::start(settings, &[TOPIC]).expect("starts");
    let probe = consumer.probe();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let batch = consumer.next_batch(10, Duration::from_millis(100)).await.expect("no error");
        assert!(batch.is_empty(), "{batch:?}");
        let said = [
            producer.check(Duration::from_millis(500)).await.expect_err("no way in").to_string(),
            probe.check().expect_err("no way in").to_string(),
        ];
        assert!(
            said.iter().all(|text| !text.contains("horse") && !text.contains("wrong staple")),
            "{said:?}"
        );
        if said.iter().all(|text| text.contains(cause)) {
            break;
        }
        assert!(Instant::now() < deadline, "{cause:?} is not in {said:?}");
    }
    close(consumer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_password_gets_in() {
    round_trip(cluster("TEST_KAFKA_SCRAM_BROKERS", scram(PASSWORD)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_needs_no_password() {
    round_trip(cluster("TEST_KAFKA_TLS_BROKERS", Security::Tls { ca_file: ca_file() }).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_named_as_the_cause() {
    let cluster = cluster("TEST_KAFKA_SCRAM_BROKERS", scram("wrong staple")).await;
    refused(&cluster.settings, "Authentication failed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_authority_is_named_as_the_cause() {
    for (brokers, security) in [
        ("TEST_KAFKA_TLS_BROKERS", Security::Tls { ca_file: None }),
        (
            "TEST_KAFKA_SCRAM_BROKERS",
            Security::Scram { ca_file: None, username: "service".into(), password: PASSWORD.into() },
        ),
    ] {
        refused(&cluster(brokers, security).await.settings, "certificate verify failed").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_the_wrong_kind_is_told_so() {
    let plain = cluster("TEST_KAFKA_TLS_BROKERS", Security::Plaintext).await;
    refused(&plain.settings, "does KAFKA_SECURITY fit these brokers?").await;
    let nobody = cluster("TEST_KAFKA_SCRAM_BROKERS", Security::Tls { ca_file: ca_file() }).await;
    refused(&nobody.settings, "does KAFKA_SECURITY fit these brokers?").await;
    let tls = cluster("TEST_KAFKA_BROKERS", Security::Tls { ca_file: ca_file() }).await;
    refused(&tls.settings, "SSL handshake failed").await;
}
