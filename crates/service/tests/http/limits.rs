//! Sizes, waits, and the end of the service, seen from a socket.

use std::time::{Duration, Instant};

use monte_carlo_service::http::limits::LARGE_BODIES_MAX;
use monte_carlo_service::http::server::Stopped;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::service::{GRACE, Service, brisk};

const MIB: usize = 1024 * 1024;
/// The head of an order of 30 bytes by someone who waits for leave to send it.
const HEAD: &str = "POST /simulations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 30\r\n\r\n";

/// An order of exactly `length` bytes.
fn order(length: usize) -> String {
    let start = r#"{"assessmentId": "a"}"#;
    format!("{start}{}", " ".repeat(length - start.len()))
}

async fn converse(service: &Service, sent: &str) -> String {
    let mut socket = TcpStream::connect(service.address).await.unwrap();
    socket.write_all(sent.as_bytes()).await.unwrap();
    let mut heard = String::new();
    tokio::time::timeout(Duration::from_secs(10), socket.read_to_string(&mut heard)).await.unwrap().unwrap();
    heard
}

/// Hears that the server has begun to read the body.
async fn expect_leave(socket: &mut TcpStream) {
    const LEAVE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut heard = [0; LEAVE.len()];
    socket.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, LEAVE);
}

#[tokio::test]
async fn the_largest_body_is_taken_and_the_next_refused() {
    let service = Service::start().await;
    assert_eq!(service.post(order(8 * MIB)).await.status, 202);
    let answer = service.post(order(8 * MIB + 1)).await;
    assert_eq!(answer.refusal(), (413, "body_too_large".into(), None));
    // A simple client sends all before it listens; cut off meanwhile, it would never hear why.
    let body = order(20 * MIB);
    let head =
        "POST /simulations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let heard = converse(&service, &format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;
    assert!(heard.starts_with("HTTP/1.1 413 "), "{heard}");
}

#[tokio::test]
async fn who_waits_for_leave_is_refused_before_a_byte_is_sent() {
    let service = Service::start().await;
    let head = "POST /simulations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 9000000\r\n\r\n";
    let heard = converse(&service, head).await;
    assert!(heard.starts_with("HTTP/1.1 413 "), "{heard}");
}

#[tokio::test]
async fn a_chunked_body_is_counted_too() {
    let service = Service::start().await;
    let chunk = " ".repeat(MIB);
    let chunks = futures::stream::iter((0..9).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
    let answer = service.post(reqwest::Body::wrap_stream(chunks)).await;
    assert_eq!(answer.refusal().0, 413);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let service = Service::start_with(brisk()).await;
    let head = "POST /simulations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let heard = converse(&service, head).await;
    assert!(heard.starts_with("HTTP/1.1 408 "), "{heard}");
    assert!(heard.contains("request_timeout"));
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let timeouts =
        monte_carlo_service::http::limits::Timeouts { head: Duration::from_millis(100), ..brisk() };
    let service = Service::start_with(timeouts).await;
    assert_eq!(converse(&service, "GET /health HT").await, "");
}

#[tokio::test]
async fn a_slow_sender_of_much_does_not_keep_others_out() {
    let service = Service::start_with(brisk()).await;
    let head = "POST /simulations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 8000000\r\n\r\n";
    let mut slow = Vec::new();
    for _ in 0..LARGE_BODIES_MAX {
        let mut socket = TcpStream::connect(service.address).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(" ".repeat(MIB).as_bytes()).await.unwrap();
        slow.push(socket);
    }
    assert_eq!(service.post(order(100)).await.status, 202, "small orders need no place");
    assert_eq!(service.post(order(MIB)).await.status, 202, "a large one gets it once the slow are refused");
}

#[tokio::test]
async fn a_shutdown_lets_requests_finish_and_takes_no_more() {
    let service = Service::start().await;
    let mut idle = TcpStream::connect(service.address).await.unwrap();
    assert_eq!(service.get("/health").await.status, 200, "and keeps this connection open");
    let mut busy = TcpStream::connect(service.address).await.unwrap();
    busy.write_all(HEAD.as_bytes()).await.unwrap();
    expect_leave(&mut busy).await;

    let started = Instant::now();
    service.shutdown.cancel();
    busy.write_all(order(30).as_bytes()).await.unwrap();
    let mut heard = String::new();
    busy.read_to_string(&mut heard).await.unwrap();
    assert!(heard.starts_with("HTTP/1.1 202 "), "{heard}");
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "an idle connection is closed");
    assert_eq!(service.stopped.await.unwrap(), Stopped { cut: 0 });
    assert!(started.elapsed() < GRACE, "nobody was waited for");
    assert!(TcpStream::connect(service.address).await.is_err());
}

#[tokio::test]
async fn the_grace_ends() {
    let service = Service::start().await;
    let mut hanging = TcpStream::connect(service.address).await.unwrap();
    hanging.write_all(HEAD.as_bytes()).await.unwrap();
    expect_leave(&mut hanging).await;
    let started = Instant::now();
    service.shutdown.cancel();
    assert_eq!(service.stopped.await.unwrap(), Stopped { cut: 1 });
    assert!(started.elapsed() >= GRACE);
}
