//! No broker: everything stays bounded, says why, and mends by itself.

use std::net::SocketAddr;
use std::time::Duration;

use monte_carlo_service::kafka::KafkaError;
use monte_carlo_service::kafka::consumer::Consumer;
use monte_carlo_service::kafka::producer::{OutgoingMessage, PUBLISH_BOUND, Producer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use crate::cluster::{Cluster, TOPIC, numbers, produce, read, settings};

/// A port where nobody listens.
async fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("its address")
}

/// Passes connections on to a broker; clients learn its own address there.
async fn forward(from: SocketAddr, to: String) {
    let listener = TcpListener::bind(from).await.expect("the port is still free");
    while let Ok((mut inward, _)) = listener.accept().await {
        let to = to.clone();
        tokio::spawn(async move {
            let mut outward = TcpStream::connect(to).await.expect("the broker");
            let _ = tokio::io::copy_bidirectional(&mut inward, &mut outward).await;
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_comes_late_is_found() {
    let cluster = Cluster::embedded(&[(TOPIC, 1)]);
    let port = free_port().await;
    let early = settings(&port.to_string(), &cluster.settings.topic_prefix);
    let mut consumer = Consumer::start(&early, &[TOPIC]).expect("starts without a broker");

    let begun = Instant::now();
    let batch = consumer.next_batch(10, Duration::from_secs(1)).await.expect("no error");
    assert!(batch.is_empty());
    assert!(begun.elapsed() >= Duration::from_secs(1), "no busy loop");
    let probe = consumer.probe();
    let refused = probe.check().expect_err("nobody is there");
    assert!(matches!(refused, KafkaError::Unreachable(_)), "{refused}");
    let cause = probe.last_error().expect("a cause");
    assert!(cause.contains("Connection refused"), "{cause}");

    tokio::spawn(forward(port, cluster.settings.brokers.clone()));
    produce(&cluster.producer(), 0..5).await;
    assert_eq!(numbers(&read(&mut consumer, 5).await), (0..5).collect::<Vec<_>>());
    assert_eq!(probe.last_error(), None, "it works again");
    crate::cluster::close(consumer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_every_call_ends() {
    let nowhere = settings(&free_port().await.to_string(), "");
    let producer = Producer::start(&nowhere).expect("starts without a broker");
    let message = OutgoingMessage { topic: TOPIC, key: Some("k"), payload: "{}", headers: &[] };
    let answers = timeout(PUBLISH_BOUND, producer.send(&[message.clone(), message])).await.expect("bounded");
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    assert!(producer.last_error().is_some());
    assert!(producer.check(Duration::from_millis(500)).await.is_err());

    let consumer = Consumer::start(&nowhere, &[TOPIC]).expect("starts without a broker");
    let bound = Duration::from_secs(10);
    assert!(timeout(bound * 2, consumer.close(bound)).await.expect("bounded"), "nothing to wait for");
}
