//! Servers that misbehave, each in its way.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use monte_carlo_service::core_service::client::{
    CoreServiceClient, CoreServiceSettings, Existence, SetupError,
};
use monte_carlo_service::core_service::error::CoreError;
use monte_carlo_service::jobs::machine::Fault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::support::{TOKEN, assessment, client_with, gather, serve, trace};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

async fn status(status: u16) -> CoreError {
    let status = StatusCode::from_u16(status).expect("a status");
    let url = serve(Router::new().fallback(async move || (status, JSON, "{}"))).await;
    gather(&url, &assessment("a")).await.expect_err("refused")
}

async fn body(answer: &'static str) -> CoreError {
    let url = serve(Router::new().fallback(async move || (JSON, answer))).await;
    gather(&url, &assessment("a")).await.expect_err("garbage")
}

#[tokio::test]
async fn each_status_has_its_meaning() {
    let call = "GET /assessments/a".to_owned();
    assert_eq!(status(404).await, CoreError::NotFound { call: call.clone() });
    for refused in [401, 403] {
        assert_eq!(status(refused).await, CoreError::Refused { call: call.clone(), status: refused });
    }
    for later in [429, 500, 502, 503] {
        let error = status(later).await;
        assert!(
            matches!(&error, CoreError::Server { call: of, status, .. } if (of, *status) == (&call, later)),
            "{error}"
        );
    }
    for odd in [204, 400, 410] {
        assert!(matches!(status(odd).await, CoreError::Garbage { .. }), "{odd}");
    }
}

#[tokio::test]
async fn garbage_is_named_with_its_place() {
    for (answer, part) in [
        ("<html>", "expected value"),
        ("{\"assessment\": {\"id\": 1}", "EOF"),
        ("[]", "not an object"),
        ("{\"error\": \"nothing\"}", "neither `assessment` nor an account"),
        ("{\"assessment\": {\"id\": 1, \"virtualAccount\": {\"currentBalance\": true}}}", "currentBalance"),
    ] {
        let error = body(answer).await;
        assert!(
            matches!(&error, CoreError::Garbage { cause, .. } if cause.contains(part)),
            "{part}: {error}"
        );
        assert!(matches!(error.fault(), Fault::Retry(_)));
    }
    let account = "{\"id\": \"a\", \"virtualAccount\": {\"balance\": 1, \"pnl\": 0}}";
    let app = Router::new()
        .route("/assessments/a", get(async move || (JSON, account)))
        .route("/trades", get(async || (JSON, "[{\"timestamp\": 1, \"pnl\": 1}, {\"pnl\": 1}]")));
    let error = gather(&serve(app).await, &assessment("a")).await.expect_err("a trade without a time");
    assert!(error.to_string().contains("[1]") && error.to_string().contains("timestamp"), "{error}");
}

#[tokio::test]
async fn a_page_of_html_is_no_answer() {
    let html = async || ([("content-type", "text/html")], "{\"id\": \"a\"}");
    let error = gather(&serve(Router::new().fallback(html)).await, &assessment("a")).await.expect_err("html");
    assert!(matches!(&error, CoreError::Garbage { cause, .. } if cause == "it is not JSON"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let app = Router::new()
        .route("/assessments/a", get(async || Redirect::temporary("/stolen")))
        .route("/stolen", get(async |_: Request| -> StatusCode { panic!("our token went there") }));
    let error = gather(&serve(app).await, &assessment("a")).await.expect_err("redirected");
    assert!(matches!(&error, CoreError::Garbage { cause, .. } if cause == "status 307"), "{error}");
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let endless = async || {
        let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1 << 20]));
        (JSON, Body::from_stream(chunks)).into_response()
    };
    let error =
        gather(&serve(Router::new().fallback(endless)).await, &assessment("a")).await.expect_err("cut");
    assert_eq!(error, CoreError::TooLarge { call: "GET /assessments/a".into(), limit: 1 << 20 });
}

#[tokio::test]
async fn silence_is_bounded() {
    let slow = async || {
        sleep(Duration::from_secs(60)).await;
        (JSON, "{}")
    };
    let url = serve(Router::new().fallback(slow)).await;
    let hasty = client_with(&url, None, Duration::from_millis(200));
    let begun = Instant::now();
    let error = hasty.gather(&assessment("a"), &trace()).await.expect_err("silent");
    assert!(
        matches!(&error, CoreError::Unreachable { cause, .. } if cause.contains("200 ms") || cause.contains("timed out")),
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_secs(5));
    let patient = client_with(&url, None, Duration::from_secs(60));
    assert_eq!(patient.exists(&assessment("a"), &trace()).await, Existence::Unknown);
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(patient.check(Duration::from_millis(100)).await.is_err());
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_the_networks_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    tokio::spawn(async move {
        let (mut caller, _) = listener.accept().await.expect("a call");
        let _ = caller.read(&mut [0; 4096]).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"id\"";
        caller.write_all(head.as_bytes()).await.expect("written");
    });
    let error = gather(&url, &assessment("a")).await.expect_err("cut off");
    assert!(matches!(error, CoreError::Unreachable { .. }), "{error}");
    assert!(matches!(error.fault(), Fault::Snooze(_)));

    let error = gather(&url, &assessment("a")).await.expect_err("nobody listens any more");
    assert!(matches!(&error, CoreError::Unreachable { cause, .. } if cause.contains("refused")), "{error}");
    assert!(!error.to_string().contains(TOKEN));
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let with = |base_url: &str, token: Option<&str>| {
        CoreServiceClient::new(&CoreServiceSettings {
            base_url: base_url.into(),
            token: token.map(Into::into),
            timeout: Duration::from_secs(1),
        })
        .err()
    };
    assert!(matches!(with("core:3000", None), Some(SetupError::Url(_))));
    assert!(matches!(with("ftp://core", None), Some(SetupError::Url(_))));
    assert!(matches!(with("http://core", Some("a\nb")), Some(SetupError::Token)));
}
