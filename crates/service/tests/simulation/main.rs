//! Whole histories of workers, a store, a network, clocks and neighbours, all in memory and each from one seed: crashes,
//! pauses longer than a lease, lost and late answers, refused and ambiguous commits, clocks that are set. The job machine
//! and the worker's decisions are the ones of production; the rest is the thinnest shell that can drive them.
//!
//! `SIMULATION_SEED=n cargo test --release -p monte-carlo-service --test simulation replay` plays one history again.

mod attempt;
mod blows;
mod database;
mod home;
mod lease;
mod ledger;
mod network;
mod process;
mod trust;
mod weather;
mod world;

use std::collections::BTreeSet;

use crate::ledger::Move;
use crate::weather::Sky;

const SEEDS: u64 = 10_000;

/// Seeds that showed a fault, and what it was. A seed tells its story as long as the simulation draws as it did then.
const FOUND: [(u64, &str); 5] = [
    (6, "an attempt looked at its lease only after a beat had failed, which may be too late"),
    (21, "a claim was trusted from its answer on, however late that came"),
    (25, "a lease was trusted beyond the deadline that ends it"),
    (228, "a sweep took a job whose worker had beaten since the sweep had looked"),
    (9_018, "silence was counted from the answer to a beat, and the lease lives from the question"),
];

/// All that can become of an event. What is not here never happens.
const MOVES: [Move; 26] = [
    ("beat", "running"),
    ("beat", "stale"),
    ("cancel", "failed"),
    ("cancel", "illegal"),
    ("claimed", "illegal"),
    ("claimed", "running"),
    ("fault", "failed"),
    ("fault", "pending"),
    ("fault", "stale"),
    ("fetched", "running"),
    ("fetched", "stale"),
    ("released", "pending"),
    ("released", "stale"),
    ("retried", "illegal"),
    ("retried", "pending"),
    ("silent", "failed"),
    ("silent", "pending"),
    ("silent", "stale"),
    ("simulated", "completed"),
    ("simulated", "stale"),
    ("skipped", "skipped"),
    ("skipped", "stale"),
    ("snooze", "pending"),
    ("snooze", "stale"),
    ("terminal", "failed"),
    ("terminal", "stale"),
];

fn see(seed: u64) -> BTreeSet<Move> {
    see_under(Sky::Any, seed)
}

fn see_under(sky: Sky, seed: u64) -> BTreeSet<Move> {
    world::run(seed, sky).unwrap_or_else(|failure| {
        panic!("{}\n\nSIMULATION_SEED={seed}: {}", failure.trace.join("\n"), failure.what)
    })
}

#[test]
fn ten_thousand_histories_end_well_and_leave_no_move_untried() {
    let moves: BTreeSet<Move> = (0..SEEDS).flat_map(see).collect();
    assert_eq!(moves, BTreeSet::from(MOVES));
}

#[test]
fn outages_of_the_database_alone_charge_no_job_that_somebody_has_in_hand() {
    let moves: BTreeSet<Move> = (0..SEEDS).flat_map(|seed| see_under(Sky::Outages, seed)).collect();
    assert!(moves.contains(&("snooze", "pending")), "whoever was cut off came home: {moves:?}");
    assert!(moves.iter().all(|(event, _)| *event != "fault"), "an outage was no neighbour's: {moves:?}");
}

#[test]
fn what_was_found_once_stays_mended() {
    for (seed, _) in FOUND {
        see(seed);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the edge of the tests")]
fn replay() {
    if let Ok(seed) = std::env::var("SIMULATION_SEED") {
        see(seed.parse().expect("a number"));
    }
}
