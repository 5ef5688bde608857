//! Shards over this machine's cores, on threads of their own, so that the async runtime never waits for arithmetic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use monte_carlo_engine::{Cancelled, Control, Plan, Shard, Tally, run_shard};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::oneshot;

use super::{Simulator, SimulatorError};

/// About a quarter of a second on one core: short enough to share cores fairly and to show progress, long enough that
/// merging tallies costs nothing.
pub const SHARD_PATH_STEPS: u64 = 50_000_000;

/// Runs shards on a pool of threads that all jobs share, a shard of each job in turn.
pub struct LocalSimulator {
    pool: Arc<ThreadPool>,
}

impl LocalSimulator {
    /// A simulator with `threads` threads.
    ///
    /// # Errors
    /// Where the system refuses a thread.
    pub fn new(threads: usize) -> Result<Self, ThreadPoolBuildError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("simulator-{index}"))
            .build()?;
        Ok(Self { pool: Arc::new(pool) })
    }
}

#[async_trait]
impl Simulator for LocalSimulator {
    async fn simulate(&self, plan: Arc<Plan>, control: Arc<Control>) -> Result<Tally, SimulatorError> {
        let (done, outcome) = oneshot::channel();
        let shards = plan.shards(SHARD_PATH_STEPS);
        let lanes = self.pool.current_num_threads().min(shards.len());
        let work = Arc::new(Work {
            plan,
            control,
            shards,
            next: AtomicUsize::new(0),
            merged: Mutex::new(Merged { tally: None, shards_done: 0, done: Some(done) }),
        });
        for _ in 0..lanes {
            advance(&self.pool, &work);
        }
        outcome.await.unwrap_or_else(|_| Err(SimulatorError::Engine("a simulation thread vanished".into())))
    }

    fn name(&self) -> &'static str {
        "local"
    }
}

/// One job's shards, and what they have added up to.
struct Work {
    plan: Arc<Plan>,
    control: Arc<Control>,
    shards: Vec<Shard>,
    next: AtomicUsize,
    merged: Mutex<Merged>,
}

struct Merged {
    tally: Option<Tally>,
    shards_done: usize,
    /// Taken by whoever has the last word: the last shard, or the first failure.
    done: Option<oneshot::Sender<Result<Tally, SimulatorError>>>,
}

/// Queues the job's next shard behind whatever other jobs have queued, so that jobs take turns.
fn advance(pool: &Arc<ThreadPool>, work: &Arc<Work>) {
    let Some(&shard) = work.shards.get(work.next.fetch_add(1, Ordering::Relaxed)) else { return };
    let (again, work) = (pool.clone(), work.clone());
    pool.spawn_fifo(move || {
        let ran = catch_unwind(AssertUnwindSafe(|| run_shard(&work.plan, shard, &work.control)));
        let outcome = match ran {
            Ok(Ok(tally)) => {
                metrics::counter!("simulated_path_steps_total")
                    .increment(shard.paths * u64::from(work.plan.steps()));
                Ok(tally)
            }
            Ok(Err(Cancelled)) => Err(SimulatorError::Cancelled),
            Err(panic) => Err(SimulatorError::Engine(message_of(panic.as_ref()))),
        };
        if work.record(outcome) {
            advance(&again, &work);
        }
    });
}

impl Work {
    /// Adds one shard's outcome; says whether the job goes on.
    fn record(&self, outcome: Result<Tally, SimulatorError>) -> bool {
        let mut merged = self.merged.lock().unwrap_or_else(PoisonError::into_inner);
        let word = match outcome {
            Err(error) => Err(error),
            Ok(tally) => {
                merged.shards_done += 1;
                let sum = match merged.tally.take() {
                    None => tally,
                    Some(mut sum) => {
                        sum.merge(&tally);
                        sum
                    }
                };
                if merged.shards_done < self.shards.len() {
                    merged.tally = Some(sum);
                    return merged.done.is_some();
                }
                Ok(sum)
            }
        };
        if let Some(done) = merged.done.take() {
            // The job may have gone away meanwhile; then nobody listens, and nothing is lost.
            drop(done.send(word));
        }
        false
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use monte_carlo_engine::{Execution, SimulationConfig, Subject, report};
    use serde_json::json;

    use super::*;

    fn plan(paths: u64, steps: u32) -> Arc<Plan> {
        let trades: Vec<_> = (0..60)
            .map(|day| {
                let pnl = [90, -70, 150, -160, 20][day % 5];
                json!({"id": day.to_string(), "pnl": pnl, "timestamp": day * 86_400_000})
            })
            .collect();
        let input = serde_json::from_value(json!({
            "tradeHistory": trades,
            "pnlData": {"balance": 50_360, "peak": 50_400, "realized": 360, "unrealized": 0},
        }));
        let config =
            SimulationConfig { paths: Some(paths), steps: Some(steps), ..SimulationConfig::default() };
        let subject = Subject::FundedAccount("acc-1".into());
        Arc::new(Plan::new(&subject, &input.unwrap(), &config, 1).unwrap())
    }

    async fn digest(threads: usize, plan: &Arc<Plan>) -> String {
        let control = Arc::new(Control::default());
        let tally =
            LocalSimulator::new(threads).unwrap().simulate(plan.clone(), control.clone()).await.unwrap();
        assert_eq!(control.paths_done.load(Ordering::Relaxed), plan.paths_in_all());
        let execution = Execution { executed_on: "local".into(), simulation_time_seconds: 0.0 };
        report(plan, &tally, &execution).result_digest
    }

    #[tokio::test]
    async fn any_number_of_threads_and_shards_gives_the_same_bits() {
        let plan = plan(60_000, 2_000);
        assert!(plan.shards(SHARD_PATH_STEPS).len() > 2, "the test needs several shards");
        assert_eq!(digest(1, &plan).await, digest(3, &plan).await);
    }

    #[tokio::test]
    async fn a_cancelled_job_ends_soon_and_says_so() {
        let (plan, control) = (plan(100_000_000, 5_000), Arc::new(Control::default()));
        let simulator = LocalSimulator::new(2).unwrap();
        let began = Instant::now();
        let (outcome, ()) = tokio::join!(simulator.simulate(plan, control.clone()), async {
            while control.paths_done.load(Ordering::Relaxed) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            control.cancel.store(true, Ordering::Relaxed);
        });
        assert!(matches!(outcome, Err(SimulatorError::Cancelled)));
        assert!(began.elapsed() < Duration::from_secs(30), "hours of work end within moments");
    }

    #[tokio::test]
    async fn a_small_job_does_not_wait_for_a_large_one() {
        let simulator = LocalSimulator::new(1).unwrap();
        let (large, small) = (Arc::new(Control::default()), Arc::new(Control::default()));
        let ((), large_outcome) = tokio::join!(
            async {
                simulator.simulate(plan(1_000, 10), small).await.unwrap();
                large.cancel.store(true, Ordering::Relaxed);
            },
            simulator.simulate(plan(100_000_000, 5_000), large.clone())
        );
        assert!(matches!(large_outcome, Err(SimulatorError::Cancelled)), "it was not even half done");
    }
}
