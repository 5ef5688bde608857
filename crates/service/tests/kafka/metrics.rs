//! What the platform's operators watch.

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::Instant;

use crate::cluster::{Cluster, PATIENCE, TOPIC, close, produce, read};

#[tokio::test(flavor = "multi_thread")]
async fn counts_messages_and_measures_lag() {
    let recorder = PrometheusBuilder::new().install_recorder().expect("the only recorder");
    let cluster = Cluster::embedded(&[(TOPIC, 1)]);
    produce(&cluster.producer(), 0..30).await;
    let mut consumer = cluster.consumer();
    let messages = read(&mut consumer, 30).await;
    consumer.store_offsets(&messages[..20]).expect("stored");

    let group = &cluster.settings.group_id;
    let lag = format!("kafka_consumer_lag{{topic=\"{TOPIC}\",partition=\"0\",group=\"{group}\"}}");
    let wait_for = async |consumer: &mut monte_carlo_service::kafka::consumer::Consumer, line: String| {
        let deadline = Instant::now() + PATIENCE;
        while !recorder.render().lines().any(|rendered| rendered == line) {
            assert!(Instant::now() < deadline, "no {line} in\n{}", recorder.render());
            consumer.next_batch(10, Duration::from_millis(100)).await.expect("a batch");
        }
    };
    wait_for(&mut consumer, format!("{lag} 10")).await;
    consumer.store_offsets(&messages).expect("stored");
    wait_for(&mut consumer, format!("{lag} 0")).await;
    assert!(recorder.render().contains(&format!("kafka_messages_consumed_total{{topic=\"{TOPIC}\"}}")));
    close(consumer).await;
}
