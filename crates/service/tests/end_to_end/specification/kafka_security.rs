//! A secured cluster: the service works over SCRAM, by either protocol of the group, and says what keeps it out.

use std::time::{Duration, Instant};

use crate::house::{House, Neighbours, required};
use crate::ledger;
use crate::service::Service;
use crate::topics::Outgoing;

/// As `tests/servers/kafka/run` makes it.
const PASSWORD: &str = "correct horse";
const PASSED: usize = 5;

/// Variables for the broker's door with TLS and passwords.
fn scram(password: &str) -> Vec<(&'static str, String)> {
    vec![
        ("KAFKA_BROKERS", required("TEST_KAFKA_SCRAM_BROKERS")),
        ("KAFKA_SECURITY", "scram".to_owned()),
        ("KAFKA_CA_FILE", required("TEST_KAFKA_CA_FILE")),
        ("KAFKA_USERNAME", "service".to_owned()),
        ("KAFKA_PASSWORD", password.to_owned()),
    ]
}

fn service(house: &House, variables: &[(&str, String)]) -> Service {
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    house.service_with(&variables)
}

/// The platform's events of a few passed traders.
fn events(house: &House) -> Vec<Outgoing> {
    let passed: Vec<_> = house.book.passed().take(PASSED).map(|trader| &trader.assessment_id).collect();
    let events = house.book.events().into_iter().filter(|event| passed.contains(&&event.key));
    events
        .map(|event| Outgoing {
            key: Some(event.key),
            payload: event.payload.into_bytes(),
            headers: event.headers,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_in_and_go_out_over_scram_by_either_protocol() {
    for protocol in ["classic", "consumer"] {
        let house = House::build(Neighbours::Real).await;
        let mut variables = scram(PASSWORD);
        variables.push(("KAFKA_GROUP_PROTOCOL", protocol.to_owned()));
        let service = service(&house, &variables).ready().await;
        house.tell(&events(&house)).await;
        ledger::completed(&service, PASSED).await;
        for topic in ["montecarlo.simulation-started", "montecarlo.simulation-completed"] {
            assert_eq!(house.read_until(topic, PASSED).await.len(), PASSED, "{protocol}: {topic}");
        }
        assert!(!service.log().contains(PASSWORD), "the log tells the password");
        service.stop().await;
    }
}

/// Waits until `/ready?verbose=1` says `cause` of Kafka.
async fn says(service: &Service, cause: &str) {
    let began = Instant::now();
    loop {
        let answer = service.answer("/ready?verbose=1", 503).await;
        let kafka = &answer["checks"]["kafka"];
        assert_eq!(kafka["ok"], false, "{answer}");
        let detail = kafka["detail"].as_str().expect("a detail");
        if detail.contains(cause) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{cause:?} is not in {detail:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_says_why_the_brokers_keep_us_out() {
    let house = House::build(Neighbours::Real).await;
    let wrong_password = service(&house, &scram("wrong staple"));
    let mut variables = scram(PASSWORD);
    variables.retain(|(name, _)| *name != "KAFKA_CA_FILE");
    let unknown_authority = service(&house, &variables);
    says(&wrong_password, "Authentication failed").await;
    says(&unknown_authority, "certificate verify failed").await;
    for service in [&wrong_password, &unknown_authority] {
        // No address, no port: anybody may read this one.
        let told = serde_json::json!({"status": "not_ready", "error": "kafka: cannot be reached"});
        assert_eq!(service.answer("/ready", 503).await, told);
    }
    let answer = wrong_password.answer("/ready?verbose=1", 503).await.to_string();
    assert!(!answer.contains("staple") && !wrong_password.log().contains("staple"), "{answer}");
    wrong_password.stop().await;
    unknown_authority.stop().await;
}

/// No MSK is at hand, so this goes as far as one can without: the token is made in the background, reaches the library by
/// its callback, and the library offers it to a broker, which knows another mechanism.
#[cfg(feature = "msk-iam")]
#[tokio::test(flavor = "multi_thread")]
async fn msk_iam_signs_with_what_the_default_chain_finds() {
    let house = House::build(Neighbours::Real).await;
    let mut variables = scram(PASSWORD);
    variables.retain(|(name, _)| !matches!(*name, "KAFKA_USERNAME" | "KAFKA_PASSWORD"));
    variables.extend([
        ("KAFKA_SECURITY", "msk-iam".to_owned()),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]);
    let without = service(&house, &variables);
    variables.extend([
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI-EXAMPLE".to_owned()),
    ]);
    let with = service(&house, &variables);
    says(&without, "no AWS credentials").await;
    says(&with, "SCRAM-SHA-512").await;
    assert!(!with.log().contains("wJalrXUtnFEMI"), "the log tells the secret key");
    without.stop().await;
    with.stop().await;
}
