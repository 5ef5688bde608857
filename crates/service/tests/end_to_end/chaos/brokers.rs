//! Kafka ends and comes back; members of the group come and go.

use std::time::Duration;

use monte_carlo_service::kafka::consumer::Consumer;
use monte_carlo_service::kafka::security::Security;
use monte_carlo_service::kafka::settings::{GroupProtocol, KafkaSettings};
use monte_carlo_service::kafka::topics::ASSESSMENT_COMPLETED;

use super::{Scene, house, two_replicas};
use crate::own_server::{Kind, OwnServer};

#[tokio::test(flavor = "multi_thread")]
async fn kafka_is_restarted() {
    let mut kafka = OwnServer::start(Kind::Kafka);
    let house = house().await.with_broker(format!("127.0.0.1:{}", kafka.port)).await;
    let replicas = two_replicas(&house, &[]).await;
    let mut scene = Scene::begin("kafka_restarted", house).await;
    scene.pass(0..2_000).await;
    kafka.stop();
    kafka.start_again();
    scene.mended();
    scene.end_on(replicas).await;
}

/// Each second another member comes and the one before it goes: strangers that take partitions and record nothing.
#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_every_second() {
    const SECONDS: u32 = 8;
    const GOODBYE_BOUND: Duration = Duration::from_secs(5);
    let house = house().await;
    let replicas = two_replicas(&house, &[]).await;
    let settings = KafkaSettings {
        brokers: house.brokers().to_owned(),
        client_id: "stranger".to_owned(),
        group_id: house.group_id().to_owned(),
        group_instance_id: None,
        group_protocol: GroupProtocol::Classic,
        topic_prefix: house.prefix().to_owned(),
        security: Security::Plaintext,
    };
    let mut scene = Scene::begin("rebalance_storm", house).await;
    let mut stranger: Option<Consumer> = None;
    for _ in 0..SECONDS {
        let next = Consumer::start(&settings, &[ASSESSMENT_COMPLETED]).expect("a member");
        if let Some(before) = stranger.replace(next) {
            before.close(GOODBYE_BOUND).await;
        }
        scene.pass(500..1_500).await;
    }
    if let Some(last) = stranger {
        last.close(GOODBYE_BOUND).await;
    }
    scene.mended();
    scene.end_on(replicas).await;
}
