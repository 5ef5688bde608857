//! Redis forgets and dies.

use super::{Scene, house, two_replicas};
use crate::redis_server::RedisServer;

#[tokio::test(flavor = "multi_thread")]
async fn it_is_emptied_killed_and_comes_back_empty() {
    let house = house().await;
    let mut redis = RedisServer::start();
    let port = redis.port.to_string();
    let replicas = two_replicas(&house, &[("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", &port)]).await;
    let mut scene = Scene::begin("redis_killed_and_flushed", house).await;
    for _ in 0..2 {
        redis.ask(&["FLUSHALL"]);
        scene.pass(0..1_000).await;
        redis.kill();
        scene.pass(1_000..2_000).await;
        redis.start_again();
        scene.pass(0..1_000).await;
        redis.ask(&["FLUSHALL"]);
    }
    scene.mended();
    scene.end_on(replicas).await;
}
