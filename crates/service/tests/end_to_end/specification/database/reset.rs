//! `migrate --dev`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::house::{House, Neighbours};

use super::{execute, json, number};

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_drops_our_tables_alone_and_never_in_production() {
    for neighbours in [Neighbours::Real, Neighbours::Embedded] {
        let house = House::build(neighbours).await;
        assert!(house.run(&["migrate"], &[]).await.status.success());
        let service = house.service().ready().await;
        let (status, _) =
            service.post("/simulations", &serde_json::json!({"assessmentId": "nobody-knows"})).await;
        assert_eq!(status, 404, "Core Service is asked");
        let trader = house.book.passed().next().expect("a passed trader").assessment_id.clone();
        let (_, created) = service.post("/simulations", &serde_json::json!({"assessmentId": trader})).await;
        service.stop().await;
        let job = format!("/simulations/{}", created["jobId"].as_str().expect("an id"));

        let asked = house.run(&["migrate", "--dev"], &[]).await;
        assert_eq!(asked.status.code(), Some(2), "nobody is there to be asked");
        let refused = house.run(&["migrate", "--dev", "--yes"], &[("NODE_ENV", "production")]).await;
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("NODE_ENV is production"));
        let service = house.service().ready().await;
        assert_eq!(service.get(&job).await["id"], created["jobId"], "nothing was dropped");
        service.stop().await;

        if neighbours == Neighbours::Real {
            execute(&house, "CREATE TABLE theirs AS SELECT 1 AS one").await;
        }
        for _ in 0..2 {
            let reset = house.run(&["migrate", "--dev", "--yes", "--json"], &[("NODE_ENV", "test")]).await;
            assert_eq!(reset.status.code(), Some(0), "{reset:?}");
            assert_eq!(json(&reset)["migrated"], true);
        }
        if neighbours == Neighbours::Real {
            assert_eq!(number(&house, "SELECT count(*) FROM theirs").await, 1);
        }
        let service = house.service().ready().await;
        // By its id a finished job may still be read from Redis, for some minutes.
        assert_eq!(service.get("/simulations").await["jobs"], serde_json::json!([]));
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sits_at_a_terminal_is_asked() {
    let house = House::build(Neighbours::Real).await;
    assert!(house.run(&["migrate"], &[]).await.status.success());
    execute(&house, "INSERT INTO simulation_skips VALUES ('a', 'b')").await;
    let (code, asked) = at_a_terminal(&house, "no\n").await;
    assert_eq!(code, Some(2), "{asked}");
    assert!(asked.contains("on 127.0.0.1") && asked.contains("nothing was done"), "{asked}");
    assert_eq!(number(&house, "SELECT count(*) FROM simulation_skips").await, 1);
    let (code, asked) = at_a_terminal(&house, "yes\n").await;
    assert_eq!(code, Some(0), "{asked}");
    assert_eq!(number(&house, "SELECT count(*) FROM simulation_skips").await, 0);
}

/// `script` gives the program a terminal, and types the answer there.
async fn at_a_terminal(house: &House, answer: &'static str) -> (Option<i32>, String) {
    let program = concat!(env!("CARGO_BIN_EXE_monte-carlo-service"), " migrate --dev");
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", program, "/dev/null"]);
    script.env_clear().env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh").envs(house.environment_with(&[]));
    script.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut script = script.spawn().expect("script runs");
    script.stdin.as_mut().expect("a pipe").write_all(answer.as_bytes()).expect("it reads");
    let ended = tokio::task::spawn_blocking(move || script.wait_with_output()).await;
    let output = ended.expect("it ends").expect("it was ours");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}
