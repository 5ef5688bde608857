//! The way to a neighbour stalls, is cut and slow, in an order and for as long as the seed says.

use super::proxy::{Proxy, Way};
use super::{Scene, house, two_replicas};
use crate::house::required;
use crate::own_server::{Kind, OwnServer};
use crate::passage::address;
use crate::service::Service;

/// Brings the three faults of a way, a second apart.
async fn trouble(scene: &mut Scene, proxy: &Proxy) {
    let mut faults = [Way::Stalled, Way::Cut, Way::Slow];
    scene.rng.shuffle(&mut faults);
    for fault in faults {
        scene.pass(500..1_500).await;
        proxy.be(fault);
        scene.pass(1_000..3_000).await;
        proxy.be(Way::Clear);
    }
    scene.mended();
}

async fn survive(mut scene: Scene, proxy: &Proxy, replicas: [Service; 2]) {
    trouble(&mut scene, proxy).await;
    scene.end_on(replicas).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_the_database() {
    let house = house().await;
    let (proxy, url) = Proxy::before(house.database_url()).await;
    let replicas = two_replicas(&house, &[("DATABASE_URL", &url)]).await;
    survive(Scene::begin("way_to_database", house).await, &proxy, replicas).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_kafka() {
    // Its door with TLS is the one that the proxy stands before; the platform goes by another.
    let proxy = Proxy::to("127.0.0.1:9").await;
    let kafka = OwnServer::kafka_behind(proxy.port);
    proxy.lead_to(format!("127.0.0.1:{}", kafka.port + 3));
    let house = house().await.with_broker(format!("127.0.0.1:{}", kafka.port)).await;
    let brokers = format!("127.0.0.1:{}", proxy.port);
    let ca_file = kafka.folder().join("tls/ca.pem").display().to_string();
    let variables = [("KAFKA_BROKERS", &*brokers), ("KAFKA_SECURITY", "tls"), ("KAFKA_CA_FILE", &ca_file)];
    let replicas = two_replicas(&house, &variables).await;
    survive(Scene::begin("way_to_kafka", house).await, &proxy, replicas).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_redis() {
    let house = house().await;
    let proxy = Proxy::to(&address(&required("TEST_REDIS_URL"))).await;
    let port = proxy.port.to_string();
    let replicas = two_replicas(&house, &[("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", &port)]).await;
    survive(Scene::begin("way_to_redis", house).await, &proxy, replicas).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_core_service() {
    let house = house().await;
    let (proxy, url) = Proxy::before(house.core_url()).await;
    let replicas = two_replicas(&house, &[("CORE_SERVICE_URL", &url)]).await;
    survive(Scene::begin("way_to_core_service", house).await, &proxy, replicas).await;
}

/// Where it is in doubt, the process simulates itself, to the same bits.
#[tokio::test(flavor = "multi_thread")]
async fn to_ray() {
    let house = house().await;
    let ray = OwnServer::start(Kind::Ray);
    let (proxy, url) = Proxy::before(&format!("http://127.0.0.1:{}", ray.port)).await;
    let replicas = two_replicas(&house, &[("SIMULATOR", "ray"), ("RAY_SERVE_URL", &url)]).await;
    let mut scene = Scene::begin("way_to_ray", house).await;
    let on_ray = calls(&replicas, "success").await;
    assert!(on_ray >= 1.0, "Ray simulates: {on_ray}");
    trouble(&mut scene, &proxy).await;
    let broken = calls(&replicas, "error").await;
    assert!(broken >= 1.0, "the way was in doubt: {broken}");
    scene.end_on(replicas).await;
}

/// Calls of Ray with this `status`, by all of the replicas.
async fn calls(replicas: &[Service], status: &str) -> f64 {
    let name = format!("ray_serve_requests_total{{status=\"{status}\"}}");
    let mut calls = 0.0;
    for replica in replicas {
        calls += replica.metric(&name).await;
    }
    calls
}
