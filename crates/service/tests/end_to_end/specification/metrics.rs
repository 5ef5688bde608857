//! `/metrics` of the real process, after real work: every name, its labels, what Prometheus' own tool says of them, and
//! that callers cannot make series.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures::future::join_all;
use monte_carlo_service::telemetry::metrics::{Kind, METRICS};
use reqwest::Method;
use serde_json::json;

use crate::house::{House, Neighbours};
use crate::ledger;
use crate::service::Service;

/// What the platform's operators watch already (contracts §6).
const OPERATORS: [(&str, &[&str]); 7] = [
    ("http_request_duration_seconds", &["method", "route", "status"]),
    ("http_requests_total", &["method", "route", "status"]),
    ("kafka_consumer_lag", &["group", "partition", "topic"]),
    ("kafka_messages_consumed_total", &["topic"]),
    ("ray_serve_requests_total", &["status"]),
    ("simulation_duration_seconds", &["status"]),
    ("simulation_jobs_total", &["status"]),
];

async fn scrape(service: &Service) -> String {
    let answer = reqwest::get(format!("{}/metrics", service.url)).await.expect("the service answers");
    answer.text().await.expect("text")
}

/// Every metric with the label names of its series; a histogram's parts count as one, without `le`.
fn shown(text: &str) -> BTreeMap<String, BTreeSet<Vec<String>>> {
    let histograms = METRICS.iter().filter(|metric| matches!(metric.kind, Kind::Histogram(_)));
    let histograms: BTreeSet<&str> = histograms.map(|metric| metric.name).collect();
    let mut shown = BTreeMap::<String, BTreeSet<Vec<String>>>::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').expect("a series and its value");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let whole = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        let name = whole.filter(|whole| histograms.contains(whole)).unwrap_or(name);
        // No value of ours holds a quote or a comma.
        let labels = labels.trim_end_matches('}').split(',').filter_map(|label| label.split_once('='));
        let mut labels: Vec<_> =
            labels.map(|(label, _)| label.to_owned()).filter(|label| label != "le").collect();
        labels.sort();
        shown.entry(name.to_owned()).or_default().insert(labels);
    }
    shown
}

fn promtool(arguments: &[&str], input: &str) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut tool = Command::new("promtool")
        .args(arguments)
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is there: run ./test specification");
    tool.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
    let said = tool.wait_with_output().expect("it ends");
    let text = [said.stdout, said.stderr].concat();
    assert!(said.status.success(), "promtool {arguments:?}: {}", String::from_utf8_lossy(&text));
}

/// Waits until the series is at least `least`.
async fn reaches(service: &Service, series: &str, least: f64) {
    let began = Instant::now();
    loop {
        let value = service.metric(series).await;
        if value >= least {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{series} is {value}, not {least}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_told_is_in_the_table_and_pleases_prometheus() {
    let house = House::build(Neighbours::Real).await;
    let service = house.service().ready().await;
    let first = scrape(&service).await;
    promtool(&["check", "metrics"], &first);
    let first = shown(&first);
    for metric in METRICS.iter().filter(|metric| !metric.from_the_start.is_empty()) {
        assert!(first.contains_key(metric.name), "{} is not there from the start", metric.name);
    }
    for (name, labels) in OPERATORS {
        let labels: Vec<_> = labels.iter().map(|&label| label.to_owned()).collect();
        assert_eq!(first.get(name), Some(&BTreeSet::from([labels])), "{name}, before anything has happened");
    }

    // Core Service is away: the jobs wait, and that shows.
    house.core().dial().down(503);
    let events = house.book.events().into_iter().filter(|event| event.payload.contains("\"passed\"")).take(3);
    let events: Vec<_> = events
        .map(|event| crate::topics::Outgoing {
            key: Some(event.key),
            payload: event.payload.into_bytes(),
            headers: event.headers,
        })
        .collect();
    house.tell(&events).await;
    reaches(&service, r#"simulation_queue_jobs{status="pending"}"#, 3.0).await;
    reaches(&service, r#"simulation_queue_oldest_age_seconds{status="pending"}"#, 0.001).await;
    reaches(&service, r#"simulation_retries_total{class="neighbour"}"#, 1.0).await;
    house.core().dial().recover();
    ledger::completed(&service, 3).await;
    reaches(&service, r#"simulation_jobs_total{status="completed"}"#, 3.0).await;
    reaches(&service, r#"outbox_published_total{topic="montecarlo.simulation-completed"}"#, 3.0).await;

    let after = scrape(&service).await;
    promtool(&["check", "metrics"], &after);
    let seen = shown(&after);
    let listed: BTreeMap<_, _> = METRICS
        .iter()
        .map(|metric| {
            let mut labels: Vec<_> = metric.labels.iter().map(|&label| label.to_owned()).collect();
            labels.sort();
            (metric.name.to_owned(), BTreeSet::from([labels]))
        })
        .collect();
    assert_eq!(seen, listed, "all of the table, with its labels, and nothing else");

    assert_eq!(service.metric(r#"kafka_messages_consumed_total{topic="assessment.completed"}"#).await, 3.0);
    assert_eq!(service.metric(r#"intake_events_total{outcome="accepted"}"#).await, 3.0);
    assert_eq!(service.metric("monte_carlo_service_info{").await, 1.0);
    assert_eq!(service.metric(r#"simulation_duration_seconds_count{status="completed"}"#).await, 3.0);
    assert!(service.metric("process_resident_memory_bytes").await > 1e6);
    let steps = 3.0 * 2_000.0;
    assert!(service.metric("simulated_path_steps_total").await >= steps, "3 jobs of 2,000 paths each");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_odd_requests_make_no_series() {
    let house = House::build(Neighbours::Embedded).await;
    let service = house.service().ready().await;
    service.post("/simulations", &json!({})).await;
    let before = scrape(&service).await.lines().count();
    let http = reqwest::Client::new();
    for chunk in 0..20 {
        let requests = (0..50).map(|index| {
            let odd = format!("odd{}", chunk * 50 + index);
            let (method, path) = match index % 5 {
                0 => (Method::GET, format!("/{odd}/x")),
                1 => (Method::GET, format!("/simulations/{odd}")),
                2 => (
                    Method::from_bytes(odd.to_uppercase().as_bytes()).expect("a method"),
                    "/simulations".to_owned(),
                ),
                3 => (Method::POST, format!("/simulations?{odd}={odd}")),
                _ => (Method::GET, format!("/simulations?status={odd}")),
            };
            http.request(method, format!("{}{path}", service.url)).body(odd).send()
        });
        for answer in join_all(requests).await {
            assert!(answer.expect("an answer").status().is_client_error());
        }
    }
    let after = scrape(&service).await;
    assert!(!after.to_lowercase().contains("odd"), "a caller's words became labels");
    // A few pairs of route and status that were new, each a counter and a histogram with its bounds.
    let grown = after.lines().count() - before;
    assert!(grown < 8 * 20, "{grown} lines of metrics came of 1,000 requests");
    service.stop().await;
}

#[test]
fn the_example_alerts_fire_when_they_should() {
    promtool(&["check", "rules", "docs/alerts.yml"], "");
    promtool(&["test", "rules", "tests/specification/alerts/cases.yml"], "");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/alerts.yml");
    let rules = std::fs::read_to_string(path).expect("the alerts");
    let told = ["http_request_duration_seconds_bucket", "http_requests_total", "kafka_consumer_lag"];
    for name in told {
        let metric = name.trim_end_matches("_bucket");
        assert!(rules.contains(name) && METRICS.iter().any(|known| known.name == metric), "{name}");
    }
}
