//! `/health`, `/ready`, `/metrics`.

use std::sync::atomic::Ordering;

use reqwest::Method;

use crate::service::{Answer, Service};

#[tokio::test]
async fn health_is_exact_and_head_works() {
    let service = Service::start().await;
    let answer = service.get("/health").await;
    assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"status":"ok"}"#));
    assert_eq!(answer.header("x-correlation-id").len(), 36);
    let head = Answer::of(service.request(Method::HEAD, "/health").send().await.unwrap()).await;
    assert_eq!((head.status, head.text.as_str(), head.header("content-length")), (200, "", "15"));
}

#[tokio::test]
async fn ready_depends_on_what_is_required_alone() {
    let service = Service::start().await;
    let answer = service.get("/ready").await;
    assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"status":"ready"}"#));

    let verbose = service.get("/ready?verbose=1").await;
    assert_eq!(verbose.status, 200);
    insta::assert_snapshot!(verbose.text, @r#"{"checks":{"database":{"detail":"reachable and migrated","ok":true,"required":true},"kafka":{"detail":"no answer in 20 ms","ok":false,"required":false}},"status":"ready"}"#);

    service.books.is_unmigrated.store(true, Ordering::SeqCst);
    let answer = service.get("/ready").await;
    assert_eq!(answer.status, 503);
    insta::assert_snapshot!(answer.text, @r#"{"error":"database: migrations are missing","status":"not_ready"}"#);

    service.books.is_down.store(true, Ordering::SeqCst);
    let answer = service.get("/ready").await;
    assert_eq!(answer.status, 503);
    insta::assert_snapshot!(answer.text, @r#"{"error":"database: cannot be reached","status":"not_ready"}"#);
    assert_eq!(service.get("/health").await.status, 200, "a neighbour's fault is no reason to be restarted");
}

#[tokio::test]
async fn a_draining_service_is_not_ready() {
    let service = Service::start().await;
    service.draining.cancel();
    let answer = service.get("/ready").await;
    assert_eq!(answer.status, 503);
    insta::assert_snapshot!(answer.text, @r#"{"error":"the service is shutting down","status":"not_ready"}"#);
}

#[tokio::test]
async fn metrics_count_by_route_and_never_by_path() {
    let service = Service::start().await;
    service.get("/simulations/some-very-own-id").await;
    service.get("/no/such/route-ever").await;
    let brew = Method::from_bytes(b"BREWED").unwrap();
    service.request(brew, "/simulations").send().await.unwrap();
    let answer = service.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    for line in [
        r#"http_requests_total{method="GET",route="/simulations/{id}",status="404"}"#,
        r#"http_requests_total{method="GET",route="unmatched",status="404"}"#,
        r#"http_requests_total{method="other",route="/simulations",status="405"}"#,
        r#"http_request_duration_seconds_bucket{method="GET",route="/simulations/{id}",status="404",le="0.01"}"#,
        r#"http_request_duration_seconds_count{method="GET",route="/simulations/{id}",status="404"}"#,
    ] {
        assert!(answer.text.contains(line), "{line} is not in\n{}", answer.text);
    }
    for own in ["some-very-own-id", "route-ever", "BREWED"] {
        assert!(!answer.text.contains(own), "{own}");
    }
}
