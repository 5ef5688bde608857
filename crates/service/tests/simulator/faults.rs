//! What goes wrong with single calls, and what may not go wrong with the job.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use monte_carlo_engine::Control;
use monte_carlo_service::simulator::ray::limits::Limits;
use monte_carlo_service::simulator::{Simulator, SimulatorError};

use crate::jobs::{client, client_alone, client_with, executed_on, limits, outcome, usual};
use crate::stand_in::{Act, Call, StandIn};

/// Every call for a shard but the last of `tries` meets `act`. On a busy machine an answer may take seconds, and a hedge
/// would be a call more.
async fn survives(act: Act, tries: usize) {
    let no_hedges = Limits { hedge_min: Duration::MAX, ..limits() };
    let ray = StandIn::start().await;
    let told = format!("{act:?}");
    ray.acts(move |call| if call.of_shard + 1 < tries { act.clone() } else { Act::Answer });
    assert_eq!(executed_on(&client_with(&ray.url, no_hedges), &usual()).await, "ray", "{told}");
    assert_eq!(ray.calls_for_one_max(), tries, "{told}");
    assert_eq!(ray.shard_calls(), ray.shards_seen() * tries, "{told}: no call more than it takes");
    let ended = ray.cancelled(|_| true).await;
    assert!(ended.is_empty(), "{told}: what was answered is not ended: {ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_cut_or_changed_or_of_another_shard_are_asked_for_again() {
    futures::join!(
        survives(Act::Cut, 3),
        survives(Act::Flip, 3),
        survives(Act::OtherShard, 2),
        survives(Act::Unmarked, 2),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_infrastructure_says_is_no_last_word() {
    futures::join!(
        survives(Act::Status(500), 3),
        survives(Act::Status(404), 2),
        survives(Act::Status(408), 2),
        survives(Act::Status(422), 2),
        survives(Act::Status(502), 2),
        survives(Act::Status(503), 2),
        survives(Act::Status(504), 2),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_our_own_code_says_may_pass_too() {
    futures::join!(
        survives(Act::Marked(400, "bad_frame"), 2),
        survives(Act::Marked(429, "busy"), 2),
        survives(Act::Marked(504, "deadline"), 2),
        survives(Act::Marked(500, "engine_failed"), 3),
    );
}

/// A call in three is lost, in one way or another, over and over.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_survives_a_cluster_that_loses_a_third_of_all_calls() {
    let ray = StandIn::start().await;
    ray.acts(|Call { number, .. }| match number % 12 {
        0 => Act::Cut,
        3 => Act::Status(500),
        6 => Act::Flip,
        9 => Act::Status(404),
        _ => Act::Answer,
    });
    let client = client(&ray.url);
    for _ in 0..3 {
        assert_eq!(executed_on(&client, &usual()).await, "ray");
    }
    assert!(ray.shard_calls() < ray.shards_seen() * 3 * 2, "{} calls", ray.shard_calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_is_asked_for_is_kept() {
    let ray = StandIn::start().await;
    ray.acts(|call| if call.number == 0 { Act::RetryAfter(429, 1) } else { Act::Answer });
    let began = std::time::Instant::now();
    assert_eq!(executed_on(&client(&ray.url), &usual()).await, "ray");
    assert!(began.elapsed() >= Duration::from_secs(1));
}

/// By its own bound: a hedge comes to its aid after half a minute at the soonest.
#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_hangs_is_cut_off_and_sent_again() {
    const SOONER: Duration = Duration::from_secs(20);
    let ray = StandIn::start().await;
    ray.acts(|call| if call.number == 1 { Act::Hang } else { Act::Answer });
    let limits = Limits { shard_call: Duration::from_millis(700), hedge_min: Duration::MAX, ..limits() };
    let client = client_with(&ray.url, limits);
    let done = tokio::time::timeout(SOONER, executed_on(&client, &usual())).await;
    assert_eq!(done, Ok("ray"), "its call is bounded");
    assert_eq!(ray.shard_calls(), ray.shards_seen() + 1);
}

/// Its time-out is two minutes away.
#[tokio::test(flavor = "multi_thread")]
async fn the_slowest_shard_is_sent_once_more_and_the_first_answer_counts() {
    let ray = StandIn::start().await;
    ray.acts(|call| if call.shard.first_path == 0 && call.of_shard == 0 { Act::Hang } else { Act::Answer });
    assert_eq!(executed_on(&client(&ray.url), &usual()).await, "ray");
    assert_eq!(ray.calls_for_one_max(), 2, "one hedge");
    while ray.inner.in_flight() > 0 {
        tokio::task::yield_now().await;
    }
    let lost = ray.calls_for(0).remove(0);
    ray.cancelled(|ended| ended.contains(&lost)).await;
}

/// Of two shards that hang, one is answered by its hedge: its other call ends while the job goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_shard_is_done_is_hung_up() {
    // Longer than any call flies alone.
    const BOUND: Duration = Duration::from_secs(60);
    let (ray, hangs) = (StandIn::start().await, OnceLock::new());
    ray.acts(move |call| match (call.shard.first_path, call.of_shard) {
        (0, 0) => Act::Hang,
        (first, _) if first > 0 && *hangs.get_or_init(|| first) == first => Act::Hang,
        _ => Act::Answer,
    });
    let (client, job, control) = (client(&ray.url), usual(), Arc::new(Control::default()));
    let hung_up = async {
        while ray.shard_calls() < ray.shards_seen() + 2 || ray.inner.in_flight() > 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let watch = async {
        let is_hung_up = tokio::time::timeout(BOUND, hung_up).await.is_ok();
        control.cancel.store(true, Ordering::Relaxed);
        is_hung_up
    };
    let (outcome, is_hung_up) = tokio::join!(client.simulate(job, control.clone()), watch);
    assert!(is_hung_up, "{} calls are there yet", ray.inner.in_flight());
    assert!(matches!(outcome, Err(SimulatorError::Cancelled)), "it has one shard to go: {outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_the_engine_fails_at_everywhere_fails_its_job() {
    let ray = StandIn::start().await;
    ray.acts(|call| if call.shard.first_path == 0 { Act::Marked(500, "engine_failed") } else { Act::Answer });
    let outcome = outcome(&client(&ray.url), &usual()).await;
    assert!(
        matches!(&outcome, Err(SimulatorError::Poison(why)) if why.contains("engine_failed")),
        "{outcome:?}"
    );
    assert_eq!(ray.calls_for_one_max(), 3);
}

/// It may be what kills them. The pauses between its calls are a quarter of a minute.
#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_is_lost_each_time_while_others_are_answered_fails_its_job() {
    const BOUND: Duration = Duration::from_secs(60);
    let ray = StandIn::start().await;
    // The tiny shard that is tried meanwhile has one path.
    ray.acts(|call| match (call.shard.first_path, call.shard.paths) {
        (0, 2..) => Act::Status(500),
        _ => Act::Answer,
    });
    let client = client(&ray.url);
    let outcome =
        tokio::time::timeout(BOUND, outcome(&client, &usual())).await.expect("it is not tried for ever");
    assert!(
        matches!(&outcome, Err(SimulatorError::Engine(why)) if why.contains("from 0 on is lost each time")),
        "{outcome:?}"
    );
    assert_eq!(client.away(), None, "it answers others");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_simulated_is_said_with_its_field() {
    let ray = StandIn::start().await;
    ray.acts(|_| Act::Marked(422, "cannot_be_simulated"));
    let outcome = outcome(&client(&ray.url), &usual()).await;
    assert!(
        matches!(&outcome, Err(SimulatorError::Refused { field: Some(field), .. }) if field == "config.steps"),
        "{outcome:?}"
    );
    assert!(ray.shard_calls() <= 4, "two for each replica may fly already; none is tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_engine_is_left_to_its_own() {
    let ray = StandIn::start().await;
    // An update in the middle of the job: what was computed before is ours.
    ray.says(crate::stand_in::ours(1));
    ray.acts(|call| if call.number < 2 { Act::Answer } else { Act::Marked(409, "engine_version") });
    assert_eq!(executed_on(&client(&ray.url), &usual()).await, "ray+local");
    let outcome = outcome(&client_alone(&ray.url), &usual()).await;
    assert!(matches!(&outcome, Err(SimulatorError::Unavailable(_))), "{outcome:?}");

    // To one of its own no call of those is still on its way.
    let ray = StandIn::start().await;
    let mut health = crate::stand_in::ours(2);
    health["engine"] = "other".into();
    ray.says(health);
    let client = client(&ray.url);
    assert_eq!(executed_on(&client, &usual()).await, "local");
    assert_eq!(ray.shard_calls(), 0, "it is not even asked");
    assert_eq!(client.away(), None);
    assert_eq!(ray.inner.health_calls.load(Ordering::SeqCst), 1);
}
