//! Every way to be refused: status, code, field.

use std::sync::atomic::Ordering;

use reqwest::Method;

use crate::service::{Answer, Service, brisk};

fn refusal(status: u16, code: &str, field: &str) -> (u16, String, Option<String>) {
    (status, code.to_owned(), (!field.is_empty()).then(|| field.to_owned()))
}

#[tokio::test]
async fn bad_orders() {
    let service = Service::start().await;
    let long_id = format!(r#"{{"assessmentId": "{}"}}"#, "é".repeat(129));
    let deep = format!(r#"{{"assessmentId": "a", "config": {}1{}}}"#, "[".repeat(500), "]".repeat(500));
    let deeper = format!(
        r#"{{"assessmentId": "a", "inputData": {{"x": {}1{}}}}}"#,
        "{\"a\":[".repeat(500),
        "]}".repeat(500)
    );
    let input = |input: &str| format!(r#"{{"assessmentId": "a", "inputData": {input}}}"#);
    let trades = |trades: &str| {
        input(&format!(r#"{{"tradeHistory": [{trades}], "pnlData": {{"balance": 1, "peak": 1}}}}"#))
    };
    let good = r#"{"pnl": 1, "timestamp": 0}"#;
    let cases = [
        // Not JSON at all.
        ("", "invalid_json", ""),
        ("{", "invalid_json", ""),
        ("{\"assessmentId\": \"a\"} x", "invalid_json", ""),
        ("{\"assessmentId\": \"\u{1}\"}", "invalid_json", ""),
        ("{\"assessmentId\": \"a\", \"config\": {\"blockLength\": 1e999}}", "invalid_json", ""),
        (&deep, "invalid_request", "config"),
        (&deeper, "invalid_request", "inputData.tradeHistory"),
        // Not an order.
        ("null", "invalid_request", ""),
        ("[\"a\"]", "invalid_request", ""),
        ("{}", "invalid_request", "assessmentId"),
        (r#"{"assessmentId": "a", "fundedAccountId": "f"}"#, "invalid_request", "fundedAccountId"),
        (r#"{"assessmentId": ""}"#, "invalid_request", "assessmentId"),
        (r#"{"fundedAccountId": "a\u0000"}"#, "invalid_request", "fundedAccountId"),
        (&long_id, "invalid_request", "assessmentId"),
        (r#"{"assessmentId": 7}"#, "invalid_request", "assessmentId"),
        (r#"{"assessmentId": "a", "assessmentId": "b"}"#, "invalid_request", "assessmentId"),
        (r#"{"assessmentId": "a", "inputdata": {}}"#, "invalid_request", "inputdata"),
        // Config is strict, down to the leaves.
        (r#"{"assessmentId": "a", "config": [5]}"#, "invalid_request", "config"),
        (r#"{"assessmentId": "a", "config": {"path": 5}}"#, "invalid_request", "config.path"),
        (r#"{"assessmentId": "a", "config": {"paths": "5"}}"#, "invalid_request", "config.paths"),
        (r#"{"assessmentId": "a", "config": {"paths": -5}}"#, "invalid_request", "config.paths"),
        (r#"{"assessmentId": "a", "config": {"paths": 1, "paths": 2}}"#, "invalid_request", "config.paths"),
        (r#"{"assessmentId": "a", "config": {"model": "garch"}}"#, "invalid_request", "config.model"),
        (r#"{"assessmentId": "a", "config": {"rules": "none"}}"#, "invalid_request", "config.rules"),
        (
            r#"{"assessmentId": "a", "config": {"rules": {"drawdown": {"kind": "trailing", "fraction": "x"}}}}"#,
            "invalid_request",
            "config.rules.drawdown.fraction",
        ),
        (
            r#"{"assessmentId": "a", "config": {"rules": {"drawdown": {"fraction": 0.1}}}}"#,
            "invalid_request",
            "config.rules.drawdown.kind",
        ),
        // The history.
        (&input("[]"), "invalid_request", "inputData"),
        (&input("{}"), "invalid_request", "inputData.tradeHistory"),
        (&input(r#"{"tradeHistory": []}"#), "invalid_request", "inputData.pnlData"),
        (
            &trades(&format!(r#"{good}, {good}, {good}, {{"pnl": "1", "timestamp": 0}}"#)),
            "invalid_request",
            "inputData.tradeHistory[3].pnl",
        ),
        (&trades(r#"{"timestamp": 0}"#), "invalid_request", "inputData.tradeHistory[0].pnl"),
        (
            &trades(r#"{"pnl": 1, "timestamp": "yesterday"}"#),
            "invalid_request",
            "inputData.tradeHistory[0].timestamp",
        ),
    ];
    for (body, code, field) in cases {
        let answer = service.post(body.to_owned()).await;
        assert_eq!(answer.refusal(), refusal(400, code, field), "{body}: {}", answer.text);
    }
    assert!(service.books.created.lock().unwrap().is_empty());
}

#[tokio::test]
async fn refusals_say_what_was_expected() {
    let service = Service::start().await;
    insta::assert_snapshot!(service.post("{\"assessmentId\": \"a\",\n x}").await.text, @r#"{"error":"the body is not JSON: key must be a string at line 2 column 2","code":"invalid_json"}"#);
    insta::assert_snapshot!(service.post(r#"{"assessmentId": "a", "config": {"paths": "5"}}"#).await.text, @r#"{"error":"invalid type: string \"5\", expected a whole number, not negative at line 1 column 45","code":"invalid_request","field":"config.paths"}"#);
    insta::assert_snapshot!(service.post(r#"{"assessmentId": "a", "inputdata": 1}"#).await.text, @r#"{"error":"unknown field `inputdata`, expected one of `assessmentId`, `fundedAccountId`, `config`, `inputData` at line 1 column 33","code":"invalid_request","field":"inputdata"}"#);
    insta::assert_snapshot!(service.get("/simulations?status=done").await.text, @r#"{"error":"must be one of pending, running, completed, failed","code":"invalid_request","field":"status"}"#);
}

#[tokio::test]
async fn a_refusal_never_quotes_a_whole_body() {
    let service = Service::start().await;
    let name = "é".repeat(100_000);
    for body in [
        format!(r#"{{"{name}": 1}}"#),
        format!(r#"{{"assessmentId": "a", "config": {{"model": "{name}"}}}}"#),
        format!(r#"{{"assessmentId": "a", "config": {{"{name}": 1}}}}"#),
    ] {
        let answer = service.post(body).await;
        assert_eq!(answer.refusal().0, 400);
        assert!(answer.text.len() < 2_000);
    }
}

#[tokio::test]
async fn a_history_that_cannot_be_simulated() {
    let service = Service::start().await;
    let order = |trades: &str, config: &str| {
        format!(
            r#"{{"assessmentId": "a", "config": {config},
                "inputData": {{"tradeHistory": [{trades}], "pnlData": {{"balance": 100, "peak": 100}}}}}}"#
        )
    };
    let won = r#"{"pnl":1,"timestamp":0}"#;
    for (body, field) in [
        (order("", "{}"), "inputData.tradeHistory"),
        (order(r#"{"pnl": 0, "type": "open", "timestamp": 0}"#, "{}"), "inputData.tradeHistory"),
        (order(&vec![won; 200_001].join(","), "{}"), "inputData.tradeHistory"),
        (order(won, r#"{"paths": 100000000, "steps": 100000}"#), "config.paths"),
    ] {
        let answer = service.post(body).await;
        assert_eq!(answer.refusal(), refusal(422, "cannot_simulate", field), "{}", answer.text);
    }
    let answer = service.post(order(won, r#"{"paths": 0}"#)).await;
    assert_eq!(answer.refusal(), refusal(400, "invalid_request", "config.paths"));
}

#[tokio::test]
async fn bad_idempotency_keys() {
    let service = Service::start().await;
    for key in ["", "two words", "caf\u{e9}", &"k".repeat(256)] {
        let answer = service.post_with_key(key, r#"{"assessmentId": "a"}"#).await;
        assert_eq!(answer.refusal(), refusal(400, "invalid_request", "Idempotency-Key"), "{key}");
    }
    let longest = service.post_with_key(&"k".repeat(255), r#"{"assessmentId": "a"}"#).await;
    assert_eq!(longest.status, 202);
}

#[tokio::test]
async fn bad_queries() {
    let service = Service::start().await;
    let cursor_of_nothing = "3a3a";
    for (query, field) in [
        ("status=done", "status"),
        ("status=", "status"),
        ("status=failed&status=failed", "status"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("cursor=", "cursor"),
        ("cursor=zz", "cursor"),
        (&format!("cursor={cursor_of_nothing}"), "cursor"),
        (&format!("cursor={}", "0".repeat(2_000)), "cursor"),
        ("assessmentId=", "assessmentId"),
        ("assessmentId=%00", "assessmentId"),
        ("assessmentID=a", "assessmentID"),
        ("offset=5", "offset"),
    ] {
        let answer = service.get(&format!("/simulations?{query}")).await;
        assert_eq!(answer.refusal(), refusal(400, "invalid_request", field), "{query}");
    }
    assert_eq!(service.get("/simulations?limit=200").await.status, 200);
}

#[tokio::test]
async fn wrong_types_routes_and_methods() {
    let service = Service::start().await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let request = service.request(Method::POST, "/simulations").header("content-type", kind);
        let answer = Answer::of(request.body(r#"{"assessmentId": "a"}"#).send().await.unwrap()).await;
        assert_eq!(answer.refusal(), refusal(415, "unsupported_media_type", ""), "{kind}");
    }
    let untyped = service.request(Method::POST, "/simulations").body("{}");
    assert_eq!(Answer::of(untyped.send().await.unwrap()).await.status, 415);

    let packed = service.request(Method::POST, "/simulations").header("content-type", "application/json");
    let answer = Answer::of(packed.header("content-encoding", "gzip").body("{}").send().await.unwrap()).await;
    assert_eq!(answer.refusal(), refusal(415, "unsupported_encoding", ""));

    for path in ["/docs/", "/simulations/", "/simulations/a/b", "/Health", "/%00", "/metrics/x"] {
        assert_eq!(service.get(path).await.refusal(), refusal(404, "route_not_found", ""), "{path}");
    }
    for (method, path, allow) in [
        (Method::DELETE, "/simulations", "GET,HEAD,POST"),
        (Method::PUT, "/simulations/j-1", "GET,HEAD"),
        (Method::POST, "/health", "GET,HEAD"),
        (Method::from_bytes(b"BREW").unwrap(), "/ready", "GET,HEAD"),
    ] {
        let answer = Answer::of(service.request(method, path).send().await.unwrap()).await;
        assert_eq!(answer.refusal(), refusal(405, "method_not_allowed", ""), "{path}");
        assert_eq!(answer.header("allow"), allow);
    }
}

#[tokio::test]
async fn faults_of_ours_tell_nothing_of_the_inside() {
    let service = Service::start_with(brisk()).await;
    for (id, expected) in [
        ("panics", refusal(500, "internal", "")),
        ("corrupt", refusal(500, "internal", "")),
        ("hangs", refusal(503, "timeout", "")),
    ] {
        let answer = service.get(&format!("/simulations/{id}")).await;
        assert_eq!(answer.refusal(), expected);
        assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    }
    service.books.is_down.store(true, Ordering::SeqCst);
    for answer in [
        service.get("/simulations").await,
        service.get("/simulations/j-1").await,
        service.post(r#"{"assessmentId": "a"}"#).await,
    ] {
        assert_eq!(answer.refusal(), refusal(503, "database_unavailable", ""));
        assert_eq!(answer.header("retry-after"), "2");
        assert!(!answer.text.contains("hunter2") && !answer.text.contains("SELECT"), "{}", answer.text);
    }
    assert_eq!(service.wakes.load(Ordering::SeqCst), 0);
}
