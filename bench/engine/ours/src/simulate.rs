//! Plans and runs, through the engine's public face.

use std::error::Error;
use std::iter;
use std::sync::atomic::{AtomicUsize, Ordering};

use monte_carlo_engine::{Control, Plan, SimulationConfig, Subject, Tally, run_shard};
use serde_json::json;

use crate::history::History;

/// A fan of every day, as engine benchmarks have it.
const FULL_BINS: u32 = 2_048;

/// Shards of each thread: a few, so that a thread that is late keeps nobody waiting long.
const SHARDS: u64 = 4;

/// `counts`: the history's rules, a fan of one step. `full`: a fan of every step. `product`: what a platform gets that
/// asks for nothing but the fan of every step: stationary bootstrap, the rules of a funded account, the weighted
/// histories of the history's error.
pub(crate) fn plan(history: &History, mode: &str, paths: u64, steps: u32) -> Result<Plan, Box<dyn Error>> {
    let mut config = json!({"paths": paths, "steps": steps, "seed": 7});
    if mode != "product" {
        config["model"] = json!("iid");
        // The peers know one history, the one that they are given.
        config["historyReplicates"] = json!(0);
        config["rules"] = history.rules.clone();
        config["level"] = json!(if history.has_daily_loss { "day" } else { "trade" });
    }
    let config: SimulationConfig = serde_json::from_value(config)?;
    let plan = Plan::new(&Subject::Assessment("bench".to_owned()), &history.input, &config, paths)?;
    Ok(match mode {
        "counts" => plan.with_fan(1, 512)?,
        "full" | "product" => plan.with_fan(steps, FULL_BINS)?,
        other => return Err(format!("no mode is called {other}").into()),
    })
}

/// The tally of all paths; threads take a shard after the other.
pub(crate) fn run(plan: &Plan, threads: usize) -> Tally {
    let shares = threads as u64 * SHARDS;
    let shards = plan.shards((plan.paths() * u64::from(plan.steps())).div_ceil(shares));
    let (control, next) = (Control::default(), AtomicUsize::new(0));
    let work = || {
        let mine = iter::from_fn(|| shards.get(next.fetch_add(1, Ordering::Relaxed)));
        sum(mine.map(|&shard| run_shard(plan, shard, &control).expect("nobody cancels")))
    };
    let all = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let ours = work();
        let theirs = others.into_iter().map(|thread| thread.join().expect("no thread panics"));
        sum(theirs.chain([ours]).flatten())
    });
    all.expect("a plan has a shard")
}

fn sum(tallies: impl Iterator<Item = Tally>) -> Option<Tally> {
    tallies.reduce(|mut sum, more| {
        sum.merge(&more);
        sum
    })
}
