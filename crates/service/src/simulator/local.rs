//! Shards over this machine's cores, on threads of their own, so that the async runtime never waits for arithmetic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use monte_carlo_engine::{Cancelled, Control, Plan, Shard, Tally, run_shard};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::oneshot;

use super::{Assignment, Outcome, Simulator, SimulatorError};

/// About a quarter of a second on one core: short enough to share cores fairly and to show progress, long enough that
/// merging tallies costs nothing.
pub const SHARD_PATH_STEPS: u64 = 50_000_000;

/// Runs a plan's stages, one after the other, on a pool of threads that all jobs share, a shard of each job in turn.
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

    /// The merged tally of all of the plan's stages.
    ///
    /// # Errors
    /// [`SimulatorError::Cancelled`], [`SimulatorError::Engine`].
    pub async fn run(&self, plan: Arc<Plan>, control: Arc<Control>) -> Result<Tally, SimulatorError> {
        self.take_over(plan, control, Vec::new(), None).await
    }

    /// The same for a plan that was begun elsewhere: `shards` are left of its stage at hand, and all others that were
    /// handed out are in `merged`.
    pub(super) async fn take_over(
        &self,
        plan: Arc<Plan>,
        control: Arc<Control>,
        shards: Vec<Shard>,
        merged: Option<Tally>,
    ) -> Result<Tally, SimulatorError> {
        let (done, outcome) = oneshot::channel();
        let begun = !shards.is_empty();
        let stage = Stage { shards: Vec::new(), next: 0, shards_done: 0, merged, done: Some(done) };
        let work = Arc::new(Work { plan, control, stage: Mutex::new(stage) });
        if begun {
            enter_stage(&self.pool, &work, shards, work.stage());
        } else {
            enter_next_stage(&self.pool, &work);
        }
        outcome.await.unwrap_or_else(|_| Err(SimulatorError::Engine("a simulation thread vanished".into())))
    }
}

#[async_trait]
impl Simulator for LocalSimulator {
    async fn simulate(
        &self,
        assignment: Assignment,
        control: Arc<Control>,
    ) -> Result<Outcome, SimulatorError> {
        // The history is in the plan; a long one need not be held twice.
        let Assignment { plan, request: _ } = assignment;
        let tally = self.run(plan, control).await?;
        Ok(Outcome::tally(tally, "local"))
    }
}

/// One job.
struct Work {
    plan: Arc<Plan>,
    control: Arc<Control>,
    stage: Mutex<Stage>,
}

/// The shards of the plan's stage at hand, and what all have added up to.
struct Stage {
    shards: Vec<Shard>,
    /// The first that nobody has taken.
    next: usize,
    shards_done: usize,
    merged: Option<Tally>,
    /// Taken by whoever has the last word: the last shard, or the first failure.
    done: Option<oneshot::Sender<Result<Tally, SimulatorError>>>,
}

/// What a shard's outcome leaves to do.
#[derive(PartialEq, Eq)]
enum Then {
    /// Take the next shard.
    Advance,
    /// All shards of the stage are merged.
    NextStage,
    /// The job is over.
    Leave,
}

/// Asks the plan for its next stage and sets as many threads on it as it has shards; without one, the job is done.
fn enter_next_stage(pool: &Arc<ThreadPool>, work: &Arc<Work>) {
    let mut stage = work.stage();
    let shards = work.plan.next_stage(stage.merged.as_ref(), SHARD_PATH_STEPS);
    // What lies before a stage is done, or will never be needed.
    let paths_done = shards.first().map_or(work.plan.paths_in_all(), |shard| shard.first_path);
    work.control.paths_done.fetch_max(paths_done, Ordering::Relaxed);
    if shards.is_empty() {
        let outcome =
            stage.merged.take().ok_or_else(|| SimulatorError::Engine("a plan without paths".into()));
        return stage.finish(outcome);
    }
    enter_stage(pool, work, shards, stage);
}

/// Sets as many threads on a stage as it has shards.
fn enter_stage(
    pool: &Arc<ThreadPool>,
    work: &Arc<Work>,
    shards: Vec<Shard>,
    mut stage: MutexGuard<'_, Stage>,
) {
    let lanes = pool.current_num_threads().min(shards.len());
    (stage.shards, stage.next, stage.shards_done) = (shards, 0, 0);
    drop(stage);
    for _ in 0..lanes {
        advance(pool, work);
    }
}

/// Queues the job's next shard behind whatever other jobs have queued, so that jobs take turns.
fn advance(pool: &Arc<ThreadPool>, work: &Arc<Work>) {
    let Some(shard) = work.take() else { return };
    let (again, work) = (pool.clone(), work.clone());
    pool.spawn_fifo(move || {
        let outcome = caught(|| run_shard(&work.plan, shard, &work.control)).and_then(|ran| match ran {
            Ok(tally) => {
                metrics::counter!("simulated_path_steps_total")
                    .increment(shard.paths * u64::from(work.plan.steps()));
                Ok(tally)
            }
            Err(Cancelled) => Err(SimulatorError::Cancelled),
        });
        match work.record(outcome) {
            Then::Advance => advance(&again, &work),
            Then::NextStage => {
                if let Err(error) = caught(|| enter_next_stage(&again, &work)) {
                    work.stage().finish(Err(error));
                }
            }
            Then::Leave => {}
        }
    });
}

impl Work {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Shard> {
        let mut stage = self.stage();
        let shard = stage.shards.get(stage.next).copied();
        stage.next += 1;
        shard
    }

    /// Adds one shard's outcome.
    fn record(&self, outcome: Result<Tally, SimulatorError>) -> Then {
        let mut stage = self.stage();
        let tally = match outcome {
            Err(error) => {
                stage.finish(Err(error));
                return Then::Leave;
            }
            Ok(tally) => tally,
        };
        stage.shards_done += 1;
        match &mut stage.merged {
            None => stage.merged = Some(tally),
            Some(sum) => sum.merge(&tally),
        }
        if stage.done.is_none() {
            Then::Leave
        } else if stage.shards_done < stage.shards.len() {
            Then::Advance
        } else {
            Then::NextStage
        }
    }
}

impl Stage {
    fn finish(&mut self, outcome: Result<Tally, SimulatorError>) {
        if let Some(done) = self.done.take() {
            // The job may have gone away meanwhile; then nobody listens, and nothing is lost.
            drop(done.send(outcome));
        }
    }
}

fn caught<T>(work: impl FnOnce() -> T) -> Result<T, SimulatorError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| SimulatorError::Engine(message_of(panic.as_ref())))
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
        let tally = LocalSimulator::new(threads).unwrap().run(plan.clone(), control.clone()).await.unwrap();
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
    async fn each_stage_follows_from_the_last_and_progress_never_falls() {
        let trades: Vec<_> = (0..40)
            .map(|day| {
                let pnl = [450, -500][day % 2];
                json!({"id": day.to_string(), "pnl": pnl, "timestamp": day * 86_400_000})
            })
            .collect();
        let input = json!({
            "tradeHistory": trades, "startingBalance": 100_000,
            "pnlData": {"balance": 99_000, "peak": 100_450, "realized": -1_000, "unrealized": 0},
        });
        let config = json!({
            "sizing": "fixed", "steps": 400, "level": "trade", "rules": {"drawdown": {"kind": "static", "amount": 60_000}},
            "tolerance": {"metric": "meanReturn", "standardError": 0.000_06, "maxPaths": 1_000_000},
        });
        let subject = Subject::Assessment("a".into());
        let (input, config) =
            (serde_json::from_value(input).unwrap(), serde_json::from_value(config).unwrap());
        let plan = Arc::new(Plan::new(&subject, &input, &config, 1).unwrap());
        let (control, simulator) = (Arc::new(Control::default()), LocalSimulator::new(2).unwrap());
        let (tally, seen) = tokio::join!(simulator.run(plan.clone(), control.clone()), async {
            let mut seen = Vec::new();
            while control.paths_done.load(Ordering::Relaxed) < plan.paths_in_all() {
                seen.push(control.paths_done.load(Ordering::Relaxed));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            seen
        });
        assert!(seen.is_sorted() && seen.len() > 2, "{seen:?}");
        let execution = Execution { executed_on: "local".into(), simulation_time_seconds: 0.0 };
        let result = report(&plan, &tally.unwrap(), &execution);
        let precision = result.precision.unwrap();
        assert!(
            precision.reached && precision.paths > 100_000 && precision.paths < 1_000_000,
            "{precision:?}"
        );
        assert_eq!(result.paths_simulated, precision.paths);
        assert!(
            result.breach_probability.history_upper.is_some(),
            "weighted histories come after the last look"
        );
        assert!(result.rare_breach.is_some(), "and so do repetitions for rare breaches");
        assert_eq!(control.paths_done.load(Ordering::Relaxed), plan.paths_in_all());
        assert_eq!(digest(3, &plan).await, result.result_digest, "other threads");
    }

    #[tokio::test]
    async fn a_cancelled_job_ends_soon_and_says_so() {
        let (plan, control) = (plan(100_000_000, 5_000), Arc::new(Control::default()));
        let simulator = LocalSimulator::new(2).unwrap();
        let began = Instant::now();
        let (outcome, ()) = tokio::join!(simulator.run(plan, control.clone()), async {
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
                simulator.run(plan(1_000, 10), small).await.unwrap();
                large.cancel.store(true, Ordering::Relaxed);
            },
            simulator.run(plan(100_000_000, 5_000), large.clone())
        );
        assert!(matches!(large_outcome, Err(SimulatorError::Cancelled)), "it was not even half done");
    }
}
