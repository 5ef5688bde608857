//! One job on an application that speaks shards: sends them, merges what comes back as it comes, stage by stage.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use monte_carlo_engine::wire::{RequestDocument, tally_from_bytes};
use monte_carlo_engine::{Control, Plan, Shard, Tally};
use tokio_util::sync::CancellationToken;

use super::board::{Board, Next};
use super::cut::slowness;
use super::gate::Place;
use super::link::Link;
use super::losses::{After, Loss};
use super::transport;
use super::verdict::{Class, Failure, Verdict, verdict};
use super::{Cause, Left};
use crate::simulator::SimulatorError;

/// `ray_shard_failures_total{class}`.
pub(super) const FAILURES: &str = "ray_shard_failures_total";
/// `ray_shard_duration_seconds`, of calls that were answered.
pub(super) const DURATION: &str = "ray_shard_duration_seconds";
/// `ray_hedges_total{outcome}`: second calls for one shard, by whether they were needed.
pub(super) const HEDGES: &str = "ray_hedges_total";

/// What the frames of one job in flight may take of memory: they repeat its history.
const FRAMES_BYTES_MAX: usize = 32 << 20;

/// Why there is no tally from Ray.
pub(super) enum Stopped {
    /// The job is over.
    Failed(SimulatorError),
    /// The rest of it can be done elsewhere.
    Left(Box<Left>),
}

impl From<SimulatorError> for Stopped {
    fn from(error: SimulatorError) -> Self {
        Self::Failed(error)
    }
}

/// One job.
pub(super) struct Job {
    pub(super) link: Arc<Link>,
    pub(super) document: Arc<RequestDocument>,
    pub(super) plan: Arc<Plan>,
    pub(super) control: Arc<Control>,
    pub(super) replicas: u32,
    /// No call goes on past it.
    pub(super) deadline: Instant,
}

/// A call that ended.
struct Back {
    index: usize,
    sent: Instant,
    took: Duration,
    is_hedge: bool,
    /// `None` where another call for the same shard was quicker.
    outcome: Option<Result<Vec<u8>, Failure>>,
}

/// A stage's calls.
#[derive(Default)]
struct Calls {
    flying: FuturesUnordered<BoxFuture<'static, Back>>,
    /// Ends the calls for a shard.
    ends: HashMap<usize, CancellationToken>,
    frame_bytes: usize,
}

impl Job {
    /// The merged tally of all of the plan's stages.
    pub(super) async fn run(&self) -> Result<Tally, Stopped> {
        let mut merged = None;
        loop {
            let (shards, so_far) = self.next_stage(merged).await?;
            merged = so_far;
            // What lies before a stage is done, or will never be needed.
            let paths_done = shards.first().map_or(self.plan.paths_in_all(), |shard| shard.first_path);
            self.control.paths_done.fetch_max(paths_done, Ordering::Relaxed);
            if shards.is_empty() {
                let none = || SimulatorError::Engine("a plan without paths".to_owned());
                return merged.ok_or_else(|| none().into());
            }
            merged = Some(self.stage(shards, merged).await?);
        }
    }

    async fn next_stage(&self, merged: Option<Tally>) -> Result<(Vec<Shard>, Option<Tally>), SimulatorError> {
        let (plan, rate, replicas) = (self.plan.clone(), *self.link.rate(), self.replicas);
        off_the_runtime(move || {
            // How large the stage is shows only in its shards.
            let paths =
                plan.next_stage(merged.as_ref(), u64::MAX).iter().map(|shard| shard.paths).sum::<u64>();
            let path_steps = rate.shard_path_steps(paths.saturating_mul(plan.steps().into()), replicas);
            (plan.next_stage(merged.as_ref(), path_steps), merged)
        })
        .await
    }

    async fn stage(&self, shards: Vec<Shard>, merged: Option<Tally>) -> Result<Tally, Stopped> {
        let mut board = Board::new(shards, &self.link.limits);
        let mut merged = merged;
        let mut calls = Calls::default();
        let mut turn: Option<BoxFuture<'static, Place>> = None;
        loop {
            let next = board.next(self.link.now());
            let sending = match next {
                Next::Send(index) => Some((index, false)),
                Next::Hedge(index) => Some((index, true)),
                Next::Wait(_) => None,
                Next::Done => {
                    let none = || SimulatorError::Engine("a stage without shards".to_owned());
                    return merged.ok_or_else(|| none().into());
                }
            };
            let sending = sending.filter(|_| calls.has_room());
            match sending {
                // Kept while other calls come back, so that the place in the line is kept too.
                Some(_) if turn.is_none() => turn = Some(Box::pin(self.link.gate.clone().place())),
                Some(_) => {}
                None => turn = None,
            }
            tokio::select! {
                Some(back) = calls.flying.next() => {
                    if let Err(judged) = self.take(back, &mut board, &mut calls, &mut merged).await {
                        return Err(match judged {
                            Judged::Failed(error) => error.into(),
                            Judged::Left(cause, why) => {
                                Stopped::Left(Box::new(Left { cause, why, shards: Some(board.left()), merged }))
                            }
                        });
                    }
                }
                place = given(turn.as_mut()) => {
                    turn = None;
                    if let Some((index, is_hedge)) = sending {
                        self.send(index, is_hedge, place, &mut board, &mut calls)?;
                    }
                }
                () = until(next) => {}
            }
        }
    }

    fn send(
        &self,
        index: usize,
        is_hedge: bool,
        place: Place,
        board: &mut Board,
        calls: &mut Calls,
    ) -> Result<(), SimulatorError> {
        let (shard, now) = (board.shard(index), self.link.now());
        let bound = self.link.limits.shard_call.min(self.deadline.saturating_duration_since(now));
        if bound.is_zero() {
            return Err(SimulatorError::Late);
        }
        board.sent(index, now);
        let end = calls.ends.entry(index).or_default().clone();
        let frame = self.document.frame(shard, bound.as_millis() as u64);
        calls.frame_bytes = frame.len();
        let link = self.link.clone();
        calls.flying.push(Box::pin(async move {
            let outcome = end.run_until_cancelled(link.caller.shard(frame, bound)).await;
            drop(place);
            Back { index, sent: now, took: link.now().saturating_duration_since(now), is_hedge, outcome }
        }));
        Ok(())
    }

    /// Takes in what a call came to.
    async fn take(
        &self,
        back: Back,
        board: &mut Board,
        calls: &mut Calls,
        merged: &mut Option<Tally>,
    ) -> Result<(), Judged> {
        let Back { index, sent, took, is_hedge, outcome } = back;
        let shard = board.shard(index);
        let failure = match outcome {
            None => return Ok(()),
            // Two calls for one shard may both come back before either is ended.
            Some(Ok(_)) if board.is_done(index) => return Ok(()),
            Some(Ok(bytes)) => self.merge(shard, bytes, merged).await.map_err(Judged::Failed)?.err(),
            Some(Err(failure)) => Some(failure),
        };
        if let Some(failure) = failure {
            transport::count(false);
            if self.note_failure(failure, index, sent, board)? == After::Ask {
                self.link.try_it().await;
            }
            return Ok(());
        }
        self.note_answer(shard, took);
        if board.answered(index, took) {
            let outcome = if is_hedge { "won" } else { "lost" };
            metrics::counter!(HEDGES, "outcome" => outcome).increment(1);
        }
        if let Some(end) = calls.ends.remove(&index) {
            end.cancel();
        }
        Ok(())
    }

    /// Reads an answer and adds it, on a thread that may block.
    async fn merge(
        &self,
        shard: Shard,
        bytes: Vec<u8>,
        merged: &mut Option<Tally>,
    ) -> Result<Result<(), Failure>, SimulatorError> {
        let (plan, mut sum) = (self.plan.clone(), merged.take());
        let (outcome, sum) = off_the_runtime(move || {
            let read = tally_from_bytes(&plan, shard, &bytes);
            let outcome = read.map_err(Failure::Wire).map(|tally| match &mut sum {
                None => sum = Some(tally),
                Some(sum) => sum.merge(&tally),
            });
            (outcome, sum)
        })
        .await?;
        *merged = sum;
        Ok(outcome)
    }

    fn note_answer(&self, shard: Shard, took: Duration) {
        let path_steps = shard.paths * u64::from(self.plan.steps());
        transport::count(true);
        metrics::histogram!(DURATION).record(took.as_secs_f64());
        metrics::counter!("simulated_path_steps_total").increment(path_steps);
        self.control.paths_done.fetch_add(shard.paths, Ordering::Relaxed);
        self.link.rate().measured(path_steps, took);
        self.link.gate.answered(slowness(path_steps, took));
        self.link.answered();
    }

    fn note_failure(
        &self,
        failure: Failure,
        index: usize,
        sent: Instant,
        board: &mut Board,
    ) -> Result<After, Judged> {
        let (class, why, asked) = match verdict(failure) {
            Verdict::Again { class, why, after } => (class, why, after),
            Verdict::Terminal { message, field } => {
                return Err(Judged::Failed(SimulatorError::Refused { message, field }));
            }
            Verdict::NotForUs(why) => {
                self.link.doubt();
                return Err(Judged::Left(Cause::OtherEngine, why));
            }
        };
        let now = self.link.now();
        metrics::counter!(FAILURES, "class" => class.as_str()).increment(1);
        let Shard { first_path, paths } = board.shard(index);
        tracing::debug!(class = class.as_str(), why, first_path, paths, "a shard did not come back");
        if matches!(class, Class::Busy | Class::Slow) {
            self.link.gate.pushed_back(sent, now);
        }
        self.link.doubt();
        let shard = format!("the shard of {paths} paths from {first_path} on");
        let loss = Loss { class, sent, asked, now, jitter: fastrand::f64(), answers: self.link.answers() };
        match board.failed(index, loss) {
            after @ (After::GoOn | After::Ask) => Ok(after),
            After::Poison => {
                Err(Judged::Failed(SimulatorError::Poison(format!("{shard} failed wherever it ran: {why}"))))
            }
            After::Suspect => {
                let told = format!("{shard} is lost each time while others are answered: {why}");
                Err(Judged::Failed(SimulatorError::Engine(told)))
            }
            After::GiveUp => {
                self.link.give_up(&why);
                Err(Judged::Left(Cause::GaveUp, why))
            }
        }
    }
}

/// What ends a job on Ray.
enum Judged {
    Failed(SimulatorError),
    Left(Cause, String),
}

impl Calls {
    /// Whether memory has room for one more frame; there is always room for one.
    fn has_room(&self) -> bool {
        self.flying.is_empty() || (self.flying.len() + 1) * self.frame_bytes <= FRAMES_BYTES_MAX
    }
}

/// The place that was asked for, once it is given.
async fn given(turn: Option<&mut BoxFuture<'static, Place>>) -> Place {
    match turn {
        Some(turn) => turn.await,
        None => std::future::pending().await,
    }
}

/// The moment that [`Next::Wait`] names, if it names one.
async fn until(next: Next) {
    match next {
        Next::Wait(Some(until)) => tokio::time::sleep_until(until.into()).await,
        _ => std::future::pending().await,
    }
}

/// Runs what takes milliseconds of a core on a thread that may block.
pub(super) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, SimulatorError> {
    tokio::task::spawn_blocking(work).await.map_err(|panic| SimulatorError::Engine(panic.to_string()))
}

#[cfg(test)]
mod tests {
    use monte_carlo_engine::run_shard;
    use monte_carlo_engine::wire::tally_to_bytes;

    use super::super::limits::Limits;
    use super::super::link::tiny_job;
    use super::super::transport::Transport;
    use super::*;

    /// Both calls for it come back before either is ended.
    #[tokio::test]
    async fn a_shard_that_is_answered_twice_counts_once() {
        crate::core_service::client::install_tls_provider();
        let (document, plan) = tiny_job().unwrap();
        let transport = Transport::new(&"http://127.0.0.1:9".parse().unwrap()).unwrap();
        let job = Job {
            link: Link::new(transport, Limits::default()),
            document: Arc::new(document),
            plan: Arc::new(plan),
            control: Arc::default(),
            replicas: 1,
            deadline: Instant::now(),
        };
        let shard = job.plan.shards(1)[0];
        let tally = run_shard(&job.plan, shard, &job.control).unwrap();
        job.control.paths_done.store(0, Ordering::Relaxed);
        let mut board = Board::new(vec![shard], &job.link.limits);
        let (mut calls, mut merged) = (Calls::default(), None);
        for is_hedge in [false, true] {
            board.sent(0, job.link.now());
            let bytes = tally_to_bytes(&job.plan, shard, &tally);
            let (sent, took) = (job.link.now(), Duration::ZERO);
            let back = Back { index: 0, sent, took, is_hedge, outcome: Some(Ok(bytes)) };
            assert!(job.take(back, &mut board, &mut calls, &mut merged).await.is_ok());
        }
        assert!(merged == Some(tally), "its paths are in the sum twice");
        assert_eq!(job.control.paths_done.load(Ordering::Relaxed), shard.paths);
    }
}
