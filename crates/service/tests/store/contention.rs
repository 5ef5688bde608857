//! Transactions that are refused are tried again, and counted.

use std::sync::OnceLock;

use futures::future::join_all;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use monte_carlo_service::store::{IdempotencyKey, Store};

use crate::fixtures::{batch, claim, job, keyed, patiently};
use crate::world::{Kind, World};

fn metrics() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| PrometheusBuilder::new().install_recorder().expect("the first recorder"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn serialization_failures_are_met_and_overcome() {
    let metrics = metrics();
    let world = World::new(Kind::Serializable).await;
    world
        .see(async {
            let key = IdempotencyKey { key: "k".into(), body_hash: "aa".into() };
            let jobs = (0..100).map(|i| keyed(&i.to_string())).collect();
            world.store.record_intake(&batch(jobs)).await.expect("records");
            for _ in 0..20 {
                join_all((0..8).map(|_| async {
                    let job = job("a");
                    patiently(|| world.store.create(&job, Some(&key))).await;
                    claim(&*world.store, 1).await;
                }))
                .await;
            }
            assert!(world.store.retries() > 0);
            let shown = metrics.render();
            let counted = shown.lines().any(|line| {
                line.starts_with("database_transaction_retries_total{") && line.contains("code=\"40001\"")
            });
            assert!(counted, "{shown}");
        })
        .await;
}
