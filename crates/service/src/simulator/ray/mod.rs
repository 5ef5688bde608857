//! Paths on Ray Serve (contracts §4).
//!
//! `link` learns from `/health` what the other side speaks: shards of this engine (`shards`), or one call a job with a
//! result of its own (`old`). `caller` makes the calls for shards, and ends those that nobody waits for any more. What to do
//! is decided in pure files: whether Ray is there (`presence`), how many shards fly at once (`pace`), how large they are
//! (`cut`), what an answer means (`verdict`) and what those that bring nothing say (`losses`), which shard is sent next
//! (`board`), or twice (`hedge`). A shard is a function of the job and its path ids, so it may be sent twice, and whatever
//! Ray leaves undone the simulator of this process does: the result has the same bits.

mod board;
mod caller;
mod cut;
pub mod dialect;
mod gate;
mod hedge;
pub mod limits;
mod link;
mod losses;
mod old;
mod pace;
mod presence;
mod shards;
pub mod transport;
mod verdict;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use monte_carlo_engine::wire::RequestDocument;
use monte_carlo_engine::{Control, Plan, Shard, Tally};
use reqwest::Url;

use self::dialect::Dialect;
use self::limits::Limits;
use self::link::{Link, Patience};
use self::shards::{Job, Stopped, off_the_runtime};
use self::transport::Transport;
use super::local::LocalSimulator;
use super::{Assignment, Outcome, Request, Simulator, SimulatorError};

/// `simulation_fallbacks_total{cause}`: jobs that this process did for Ray.
const FALLBACKS: &str = "simulation_fallbacks_total";

/// A job's time on Ray: the attempt's 20 minutes less what fetching and settling take.
const JOB_BOUND: Duration = Duration::from_secs(18 * 60);

/// Runs jobs on Ray Serve, and here where it cannot.
pub struct RaySimulator {
    link: Arc<Link>,
    fallback: Option<LocalSimulator>,
}

/// Why a job is not done on Ray, as the metric names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// It is not there.
    Away,
    /// It was there, and nothing came back for as long as it is tried.
    GaveUp,
    /// Its results have other bits, or it takes no such request.
    OtherEngine,
    /// It is an old application that does not know what is asked, or did not simulate it.
    Old,
}

/// What Ray leaves to be done.
struct Left {
    cause: Cause,
    why: String,
    /// Of the stage at hand; `None` where nothing was begun.
    shards: Option<Vec<Shard>>,
    merged: Option<Tally>,
}

impl RaySimulator {
    /// A client of the Ray Serve at `base`; without `fallback` jobs wait for it. It calls nobody yet.
    ///
    /// # Errors
    /// A phrase, where no HTTP client can be made.
    pub fn new(base: &Url, fallback: Option<LocalSimulator>, limits: Limits) -> Result<Self, String> {
        Ok(Self { link: Link::new(Transport::new(base)?, limits), fallback })
    }

    /// Why Ray is left alone, while it is.
    pub fn away(&self) -> Option<String> {
        self.link.away()
    }

    /// What it spoke when it was last asked.
    pub fn last_dialect(&self) -> Option<Dialect> {
        self.link.last_dialect()
    }

    async fn carry(&self, assignment: Assignment, control: &Arc<Control>) -> Result<Outcome, SimulatorError> {
        let Assignment { request, plan } = assignment;
        let deadline = self.link.now() + JOB_BOUND;
        let patience = if self.fallback.is_some() { Patience::Leave } else { Patience::Wait };
        let left = match self.link.dialect(patience).await {
            Ok(Dialect::Shards { replicas }) => {
                match self.by_shards(request, &plan, control, replicas, deadline).await {
                    Ok(tally) => return Ok(Outcome::tally(tally, "ray")),
                    Err(Stopped::Failed(error)) => return Err(error),
                    Err(Stopped::Left(left)) => *left,
                }
            }
            Ok(Dialect::Old) => match self.by_one_call(&request, deadline).await? {
                Ok(result) => return Ok(result),
                Err(left) => left,
            },
            Ok(Dialect::Other(why)) => Left::all(Cause::OtherEngine, why),
            Err(why) => Left::all(Cause::Away, why),
        };
        self.here(left, plan, control.clone()).await
    }

    async fn by_shards(
        &self,
        request: Request,
        plan: &Arc<Plan>,
        control: &Arc<Control>,
        replicas: u32,
        deadline: Instant,
    ) -> Result<Tally, Stopped> {
        let document = off_the_runtime(move || {
            RequestDocument::new(&request.subject, &request.input, &request.config, request.default_paths)
        });
        let document = match document.await? {
            Ok(document) => Arc::new(document),
            Err(error) => {
                let left = Left::all(Cause::OtherEngine, error.to_string());
                return Err(Stopped::Left(Box::new(left)));
            }
        };
        let (link, plan, control) = (self.link.clone(), plan.clone(), control.clone());
        Job { link, document, plan, control, replicas, deadline }.run().await
    }

    /// An old application's result, or what is left.
    async fn by_one_call(
        &self,
        request: &Request,
        deadline: Instant,
    ) -> Result<Result<Outcome, Left>, SimulatorError> {
        let missed = old::not_heeded(&request.config);
        if let Some(field) = missed.first() {
            let why = format!("an old application does not heed config.{}", missed.join(", config."));
            if self.fallback.is_none() {
                let message = format!("{why}; with SIMULATOR_FALLBACK=local this process computes such jobs");
                return Err(SimulatorError::Refused { message, field: Some(format!("config.{field}")) });
            }
            return Ok(Err(Left::all(Cause::Old, why)));
        }
        match old::simulate(&self.link, request, deadline).await {
            Ok(result) => Ok(Ok(Outcome::Foreign(result))),
            Err(why) => {
                self.link.doubt();
                Ok(Err(Left::all(Cause::Old, why)))
            }
        }
    }

    /// Does what is left in this process.
    async fn here(
        &self,
        left: Left,
        plan: Arc<Plan>,
        control: Arc<Control>,
    ) -> Result<Outcome, SimulatorError> {
        let Left { cause, why, shards, merged } = left;
        let Some(local) = &self.fallback else { return Err(SimulatorError::Unavailable(why)) };
        metrics::counter!(FALLBACKS, "cause" => cause.as_str()).increment(1);
        tracing::warn!(why, cause = cause.as_str(), "Ray Serve does not finish the job; this process does");
        let executed_on = if merged.is_some() { "ray+local" } else { "local" };
        let tally = match shards {
            None => local.run(plan, control).await?,
            Some(shards) => local.take_over(plan, control, shards, merged).await?,
        };
        Ok(Outcome::tally(tally, executed_on))
    }
}

#[async_trait]
impl Simulator for RaySimulator {
    async fn simulate(
        &self,
        assignment: Assignment,
        control: Arc<Control>,
    ) -> Result<Outcome, SimulatorError> {
        // What is dropped here is ended at the other side (`caller`).
        tokio::select! {
            outcome = self.carry(assignment, &control) => outcome,
            () = cancelled(&control) => Err(SimulatorError::Cancelled),
        }
    }
}

/// Waits until the job's worker stops it.
async fn cancelled(control: &Control) {
    const LOOK_EVERY: Duration = Duration::from_millis(50);
    while !control.cancel.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

impl Cause {
    fn as_str(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::GaveUp => "gave_up",
            Self::OtherEngine => "other_engine",
            Self::Old => "old_application",
        }
    }
}

impl Left {
    fn all(cause: Cause, why: String) -> Self {
        Self { cause, why, shards: None, merged: None }
    }
}
