//! Processes die: SIGKILL, and another is started at once: elsewhere, under another name, or in their place.

use std::time::{Duration, Instant};

use super::{Scene, house, named, replica, two_replicas};

#[tokio::test(flavor = "multi_thread")]
async fn one_replica_of_two_is_killed() {
    let house = house().await;
    let [mut one, other] = two_replicas(&house, &[]).await;
    let mut scene = Scene::begin("killed_once", house).await;
    scene.pass(0..2_000).await;
    one.kill();
    scene.mended();
    // Its partitions move on when its session has ended.
    one = replica(&scene.house, &[]);
    scene.end(&other).await;
    one.ready().await.stop().await;
    other.stop().await;
}

/// The only one that there is: nobody takes its partitions over.
#[tokio::test(flavor = "multi_thread")]
async fn the_only_replica_is_killed() {
    let house = house().await;
    let service = named(&house, "one", &[]).ready().await;
    let mut scene = Scene::begin("killed_alone", house).await;
    scene.pass(0..2_000).await;
    service.kill();
    scene.mended();
    let service = named(&scene.house, "one", &[]).ready().await;
    scene.end(&service).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_two_seconds_one_is_killed_for_half_a_minute() {
    const EVERY: Duration = Duration::from_secs(2);
    const LONG: Duration = Duration::from_secs(30);
    let house = house().await;
    let mut replicas = two_replicas(&house, &[]).await;
    let mut names = ["one", "other"];
    let mut scene = Scene::begin("killed_every_2_s", house).await;
    let mut turns = tokio::time::interval(EVERY);
    let began = Instant::now();
    for turn in 0.. {
        turns.tick().await;
        if began.elapsed() >= LONG {
            break;
        }
        // The older one: it had the most time to take work on.
        let [older, _] = &mut replicas;
        std::mem::replace(older, named(&scene.house, names[0], &[])).kill();
        scene.mended();
        replicas.rotate_left(1);
        names.rotate_left(1);
        assert!(turn < 16, "one each two seconds");
    }
    let [one, other] = replicas;
    let one = one.ready().await;
    scene.end(&one).await;
    one.stop().await;
    other.ready().await.stop().await;
}
