//! `monte-carlo-bench-ray URL PID whole|door`: the service's simulator on the Ray Serve at URL, whose processes are below PID,
//! beside the one in this process, on the same jobs, in turns. `door` leaves out the work that takes seconds. The last
//! line is for `run`. `bench/README.md` says what is measured.

mod costs;
mod jobs;
mod sides;

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::jobs::{Book, Job};
use crate::sides::{Side, Sides, digest};

/// Of the work that takes seconds: each side so often.
const LARGE_TURNS: usize = 5;
/// Of small jobs: each side so often.
const SMALL_TURNS: usize = 200;
/// What the large job should take here, at the least.
const LARGE_TAKES: Duration = Duration::from_secs(6);
/// Jobs of a million paths at once.
const BOOK: usize = 24;
/// Jobs of one shard each, and how many of them fly.
const SHARDS: usize = 2_000;
const SHARDS_AT_ONCE: usize = 16;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, pid, extent] = arguments.as_slice() else {
        return Err("usage: monte-carlo-bench-ray URL PID whole|door".into());
    };
    let sides = Sides::new(url)?;
    let book = Book::read().await?;
    sides.both(&book.job(0, &small())?).await?;

    let server = pid.parse()?;
    let efficiency = if extent == "whole" { Some(large(&sides, &book, server).await?) } else { None };
    let overhead_ms = door(&sides, &book).await?;
    let rate = shards_a_second(&sides, &book, server).await?;
    println!(
        "{}",
        json!({"efficiency": efficiency, "p50_overhead_ms": overhead_ms, "shard_rps": rate.round()})
    );
    Ok(())
}

/// Some milliseconds of one core.
fn small() -> Value {
    json!({"paths": 10_000, "historyReplicates": 0})
}

/// One large job, then a book of jobs of a million paths: how much of what this process does in the time Ray does.
async fn large(sides: &Sides, book: &Book, server: u32) -> Result<f64, Failure> {
    let tried = 2_000_000_u64;
    let config = |paths: u64| json!({"paths": paths, "steps": 252});
    let trial = book.job(0, &config(tried))?;
    let began = Instant::now();
    sides.run(Side::Here, &trial).await?;
    let paths = tried * (LARGE_TAKES.as_secs_f64() / began.elapsed().as_secs_f64()).ceil().max(1.0) as u64;
    let job = book.job(0, &config(paths))?;
    println!("{:<44}{:>9}{:>9}{:>7}", "", "here", "Ray", "ratio");
    let one = in_turns(sides, &[job], LARGE_TURNS).await?;
    let efficiency = tell_seconds(&format!("one job of {} M paths x 252 steps", paths / 1_000_000), &one);
    let alone = book.job(0, &json!({"paths": 1_000_000, "steps": 252, "historyReplicates": 0}))?;
    let [request, answer] = sides::frame_bytes(&alone, &sides.run(Side::Here, &alone).await?)?;
    println!("a shard of a million such paths: request {:.1} KB, answer {:.1} KB", kb(request), kb(answer));
    let jobs: Vec<Job> =
        (0..BOOK).map(|trader| book.job(trader, &config(1_000_000))).collect::<Result<_, _>>()?;
    let many = in_turns(sides, &jobs, LARGE_TURNS).await?;
    tell_seconds(&format!("{BOOK} jobs of 1 M paths x 252 steps, at once"), &many);
    let before = costs::seconds(server)?;
    try_join_all(jobs.iter().map(|job| sides.run(Side::Ray, job))).await?;
    tell_costs(&before, server, BOOK)?;
    Ok(efficiency)
}

/// Seconds of each side, for all jobs at once, a turn of the one after a turn of the other.
async fn in_turns(sides: &Sides, jobs: &[Job], turns: usize) -> Result<[Vec<f64>; 2], Failure> {
    let mut seconds = [Vec::new(), Vec::new()];
    for _ in 0..turns {
        let mut digests = Vec::new();
        for (side, seconds) in [Side::Here, Side::Ray].into_iter().zip(&mut seconds) {
            let began = Instant::now();
            let tallies = try_join_all(jobs.iter().map(|job| sides.run(side, job))).await?;
            seconds.push(began.elapsed().as_secs_f64());
            digests
                .push(jobs.iter().zip(&tallies).map(|(job, tally)| digest(job, tally)).collect::<Vec<_>>());
        }
        if digests[0] != digests[1] {
            return Err("Ray's results are not those of this process".into());
        }
    }
    Ok(seconds)
}

fn tell_seconds(what: &str, [here, ray]: &[Vec<f64>; 2]) -> f64 {
    let (here, ray) = (quantile(here, 0.5), quantile(ray, 0.5));
    println!("{what:<44}{here:>7.2} s{ray:>7.2} s{:>7.2}", here / ray);
    here / ray
}

/// What Ray adds to a small job, ms.
async fn door(sides: &Sides, book: &Book) -> Result<f64, Failure> {
    let [here, ray] = in_turns(sides, &[book.job(0, &small())?], SMALL_TURNS).await?;
    let ms = |seconds: &[f64], share| quantile(seconds, share) * 1e3;
    let overhead = ms(&ray, 0.5) - ms(&here, 0.5);
    println!(
        "a job of 10,000 paths: median {:.1} ms here, {:.1} ms on Ray (95 %: {:.1} ms, {:.1} ms)",
        ms(&here, 0.5),
        ms(&ray, 0.5),
        ms(&here, 0.95),
        ms(&ray, 0.95)
    );
    Ok(overhead)
}

/// Jobs of one shard that take no time to speak of, and what each costs the processes that it goes through.
async fn shards_a_second(sides: &Sides, book: &Book, server: u32) -> Result<f64, Failure> {
    let job = book.job(0, &json!({"paths": 1_000, "historyReplicates": 0}))?;
    let before = costs::seconds(server)?;
    let began = Instant::now();
    let mut done =
        futures::stream::iter(0..SHARDS).map(|_| sides.run(Side::Ray, &job)).buffer_unordered(SHARDS_AT_ONCE);
    while let Some(outcome) = done.next().await {
        outcome?;
    }
    let rate = SHARDS as f64 / began.elapsed().as_secs_f64();
    println!("{SHARDS} jobs of one shard of 1,000 paths, {SHARDS_AT_ONCE} at once: {rate:.0} a second");
    tell_costs(&before, server, SHARDS)?;
    Ok(rate)
}

/// What each of so many jobs cost the processes that it went through.
fn tell_costs(before: &BTreeMap<String, f64>, server: u32, jobs: usize) -> Result<(), Failure> {
    let spent = costs::seconds(server)?.into_iter().map(|(kind, seconds)| {
        let seconds = seconds - before.get(&kind).copied().unwrap_or(0.0);
        format!("{kind} {:.2}", seconds * 1e3 / jobs as f64)
    });
    println!("ms of a core for each: {}", spent.collect::<Vec<_>>().join(", "));
    Ok(())
}

fn kb(bytes: usize) -> f64 {
    bytes as f64 / 1e3
}

fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}
