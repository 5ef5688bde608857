//! The image's own health check: the program asks the service beside it, and answers by its exit code.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::house::{House, Neighbours};
use crate::service::free_port;

/// A check that hangs as long as this hangs for ever; its own limit is 2 s.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

/// Its exit code, and what it says.
async fn healthcheck(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut check = Command::new(env!("CARGO_BIN_EXE_monte-carlo-service"))
        .arg("healthcheck")
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let began = Instant::now();
    while check.try_wait().expect("it was ours").is_none() {
        if began.elapsed() > ENDS_WITHIN {
            check.kill().expect("it can be killed");
            panic!("it does not end");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ended = check.wait_with_output().expect("it was ours");
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_lives_is_healthy_and_one_that_is_gone_is_not() {
    let house = House::build(Neighbours::Real).await;
    let service = house.service().ready().await;
    let port = service.url.rsplit_once(':').expect("a port").1.to_owned();
    let here: &[_] = &[("PORT", port.as_str())];
    assert_eq!(healthcheck(&[], here).await, (Some(0), String::new()));
    assert_eq!(healthcheck(&["--ready"], here).await, (Some(0), String::new()));
    service.stop().await;
    let (code, said) = healthcheck(&[], here).await;
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("GET http://127.0.0.1:{port}/health")), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_database_is_away_lives_and_is_not_ready() {
    let house = House::build(Neighbours::Real).await;
    let nowhere = format!("postgres://postgres@127.0.0.1:{}/postgres", free_port());
    let service = house.service_with(&[("DATABASE_URL", &nowhere)]);
    service.answer("/ready", 503).await;
    let port = service.url.rsplit_once(':').expect("a port").1.to_owned();
    let here: &[_] = &[("PORT", port.as_str())];
    assert_eq!(healthcheck(&[], here).await, (Some(0), String::new()));
    let (code, said) = healthcheck(&["--ready"], here).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("503") && said.contains("database"), "{said}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_takes_the_connection_and_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let port = silent.local_addr().expect("it is bound").port().to_string();
    let (code, said) = healthcheck(&[], &[("PORT", &port)]).await;
    assert_eq!(code, Some(1), "{said}");
}

/// Somebody else on that port, who sends us on: not the service.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_no_answer() {
    let other = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let port = other.local_addr().expect("it is bound").port().to_string();
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = other.accept().await {
            let _ = caller.read(&mut [0; 1024]).await;
            let _ = caller
                .write_all(
                    b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                )
                .await;
        }
    });
    let (code, said) = healthcheck(&[], &[("PORT", &port)]).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("302"), "{said}");
}

/// Engines give meanings of their own to the other codes.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_environment_is_a_fault_of_the_same_kind() {
    for (port, says) in [("http", "PORT: expected"), ("0", "PORT is 0")] {
        let (code, said) = healthcheck(&[], &[("PORT", port)]).await;
        assert_eq!(code, Some(1));
        assert!(said.contains(says), "{said}");
    }
}
