//! How fast; run with `--ignored speed --nocapture`.

use std::time::Instant;

use monte_carlo_service::store::Store;
use serde_json::json;

use crate::fixtures::{batch, claim, completed, keyed};
use crate::world::{Kind, World};

const ROWS: usize = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn speed() {
    for kind in [Kind::Sqlite, Kind::ReadCommitted, Kind::Serializable] {
        let world = World::new(kind).await.expect("a database");
        world.see(measure(&world)).await;
    }
}

async fn measure(world: &World) {
    let started = Instant::now();
    for first in (0..ROWS).step_by(1_000) {
        let jobs = (first..first + 1_000).map(|i| keyed(&i.to_string())).collect();
        world.store.record_intake(&batch(jobs)).await.expect("records");
    }
    report(world.kind, "inserts in batches of 1,000", ROWS, started);
    let (started, mut claimed) = (Instant::now(), Vec::new());
    for _ in 0..ROWS / 2 / 32 {
        claimed.extend(claim(&*world.store, 32).await);
    }
    report(world.kind, "claims in batches of 32", claimed.len(), started);
    let started = Instant::now();
    for job in claimed.iter().take(500) {
        world.store.settle(&job.lease, &completed(job, &json!({"a": 1}))).await.expect("settles");
    }
    report(world.kind, "settlements, one by one", 500, started);
}

fn report(kind: Kind, what: &str, count: usize, started: Instant) {
    println!("{kind:?}: {what}: {:.0} a second", count as f64 / started.elapsed().as_secs_f64());
}
