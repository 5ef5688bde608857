//! README's first command, as a stranger runs it: in an empty folder, with nothing installed and nothing set.

mod dev;

use std::collections::BTreeSet;
use std::time::Duration;

use dev::Dev;
use monte_carlo_service::sample_core::book::{Book, Outcome};
use serde_json::Value;
use tempfile::TempDir;

fn array(output: &str) -> Vec<Value> {
    serde_json::from_str(output).unwrap_or_else(|error| panic!("stdout is not one array: {error}\n{output}"))
}

fn ids(book: &[Value]) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    book.iter().map(|entry| (text(&entry["assessmentId"]), text(&entry["jobId"]))).collect()
}

#[test]
fn once_as_json_prints_one_entry_a_passed_trader_and_a_second_start_repeats_none() {
    let folder = TempDir::new().expect("a folder");
    let run = || {
        let (status, stdout, stderr) = Dev::start(folder.path(), &["--once", "--json"]).finish();
        assert!(status.success(), "{status}\n{stderr}");
        array(&stdout)
    };
    let first = run();
    assert_eq!(first.len(), 24, "one entry a passed trader");
    for entry in &first {
        assert_eq!(entry["status"], "completed", "{entry}");
        let breach = &entry["breachProbability"];
        let [lower, value, upper] =
            ["lower", "value", "upper"].map(|part| breach[part].as_f64().expect("a number"));
        assert!(0.0 <= lower && lower <= value && value <= upper && upper <= 1.0, "{entry}");
        assert!(upper - lower < 0.01, "Monte Carlo error of {} paths: {entry}", dev::PATHS);
    }
    let tiers: BTreeSet<_> = first.iter().map(|entry| entry["tier"].to_string()).collect();
    assert_eq!(tiers.len(), 4, "all four tiers: {tiers:?}");

    let second = run();
    assert_eq!(ids(&second), ids(&first), "the old jobs, under their ids");
    assert_eq!(second, first, "and their results");
}

#[test]
fn it_shows_a_table_says_where_it_serves_and_ends_at_ctrl_c() {
    let folder = TempDir::new().expect("a folder");
    let mut dev = Dev::start(folder.path(), &["--port", "0"]);
    let (api, broker) = dev.addresses();
    assert!(broker.starts_with("127.0.0.1:"), "{broker}");
    let answer = dev.ask(&api, "/ready");
    assert!(answer.contains(r#"{"status":"ready"}"#), "{answer}");
    dev.interrupt();
    let (status, stdout, stderr) = dev.finish();
    assert!(status.success(), "{status}\n{stderr}");
    for word in ["Trader", "Tier", "Breach probability", "Expected payout", "VaR 95", "Elite", "Starter"] {
        assert!(stdout.contains(word), "{word} is missing in\n{stdout}");
    }
}

#[test]
fn kcat_sends_an_event_to_its_broker_and_reads_the_answer() {
    let folder = TempDir::new().expect("a folder");
    let mut dev = Dev::start(folder.path(), &["--port", "0"]);
    let (_, broker) = dev.addresses();
    // A trader whom the sample Core Service knows and who has no job yet, for he failed.
    let assessment = Book::sample()
        .traders
        .iter()
        .find(|trader| trader.outcome == Outcome::Failed)
        .expect("not everybody passed")
        .assessment_id
        .clone();
    let event = format!(r#"{{"assessmentId":"{assessment}","userId":"u-1","status":"passed"}}"#);
    let kcat = |arguments: &[&str], input: &str| {
        let arguments = [&["-b", broker.as_str()], arguments].concat();
        dev::pipe("kcat", &arguments, input)
    };
    kcat(&["-P", "-t", "assessment.completed", "-k", &assessment, "-H", "correlation-id=from-kcat"], &event);
    let began = std::time::Instant::now();
    loop {
        let read = ["-C", "-e", "-q", "-t", "montecarlo.simulation-completed", "-f", "%k %h %s\n"];
        let answers = kcat(&read, "");
        if let Some(answer) = answers.lines().find(|line| line.starts_with(&format!("{assessment} "))) {
            assert!(answer.contains("correlation-id=from-kcat"), "{answer:.300}");
            assert!(answer.contains("event-id="), "{answer:.300}");
            assert!(answer.contains(r#""breachProbability""#), "{answer:.300}");
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "no answer among\n{answers:.1000}");
    }
    dev.interrupt();
    dev.finish();
}

#[test]
fn a_kill_in_the_middle_of_the_book_loses_nothing() {
    let folder = TempDir::new().expect("a folder");
    let interrupted = Dev::start(folder.path(), &["--once", "--json"]);
    interrupted.wait_for_jobs(folder.path(), Duration::from_secs(30));
    interrupted.kill();
    let (status, stdout, stderr) = Dev::start(folder.path(), &["--once", "--json"]).finish();
    assert!(status.success(), "{status}\n{stderr}");
    let book = array(&stdout);
    assert_eq!(book.len(), 24);
    assert!(book.iter().all(|entry| entry["status"] == "completed"));

    let undisturbed = TempDir::new().expect("a folder");
    let (_, stdout, _) = Dev::start(undisturbed.path(), &["--once", "--json"]).finish();
    let digests = |book: &[Value]| -> BTreeSet<String> {
        book.iter().map(|entry| entry["resultDigest"].as_str().expect("a digest").to_owned()).collect()
    };
    assert_eq!(digests(&book), digests(&array(&stdout)), "the same results as without the kill");
}

#[test]
fn wrong_use_is_told_and_has_its_exit_code() {
    let folder = TempDir::new().expect("a folder");
    let (status, _, stderr) = Dev::start(folder.path(), &["--onse"]).finish();
    assert_eq!(status.code(), Some(2));
    assert!(stderr.contains("--once"), "the nearest name: {stderr}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let (status, _, stderr) = Dev::start(folder.path(), &["--port", &port]).finish();
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("--port"), "how to mend it: {stderr}");
}
