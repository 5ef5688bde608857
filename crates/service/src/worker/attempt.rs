//! One attempt at one job: fetch, plan, simulate, report, settle.

use std::sync::Arc;
use std::time::Duration;

use monte_carlo_engine::{Execution, InputData, Plan, PlanError, SimulationConfig, report};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::fault::{AttemptError, Verdict, verdict};
use super::hands::{Held, Place};
use super::hold::{BEAT_BOUND, Homecoming, LOOK_EVERY, Standing, homecoming};
use super::{SIMULATION_DURATION, Worker, count};
use crate::core_service::client::Gathered;
use crate::jobs::events;
use crate::jobs::input::StoredInput;
use crate::jobs::machine::{Action, Ending, Event, Situation, step};
use crate::simulator::{Assignment, Outcome, Request, SimulatorError};
use crate::store::{ClaimedJob, Origin, Settlement, Settler, StoreError, Write};
use crate::telemetry::clock::now_ms;

/// Carries one job to its outcome and writes it.
pub(super) async fn carry(worker: Arc<Worker>, job: ClaimedJob, held: Arc<Held>, place: Place) {
    let span = tracing::info_span!(
        "job",
        job.id = %job.lease.job,
        subject.id = job.subject.id(),
        correlation_id = job.trace.correlation_id,
        attempt = job.job.attempts,
    );
    async {
        let began = Instant::now();
        let outcome = tokio::select! {
            outcome = simulate(&worker, &job, &held) => outcome,
            error = cut_off(&held) => Err(error),
        };
        let took = began.elapsed();
        if let Some(ended) = ended(&job, outcome, took)
            && settle(&worker, &job, &ended.settlement).await == Write::Applied
        {
            let state = &ended.settlement.next.state;
            ended.actions.iter().for_each(|action| worker.follow(*action));
            count::ended(&ended.ending, state);
            metrics::histogram!(SIMULATION_DURATION, "status" => count::status(state))
                .record(took.as_secs_f64());
        }
    }
    .instrument(span)
    .await;
    drop(place);
}

/// How an attempt ended, what is to be written of it, and what to do once that is written.
struct Ended {
    ending: Ending,
    settlement: Settlement,
    actions: &'static [Action],
}

/// Ends the attempt when its lease is lost or may be, or the worker stops, whatever it waits for.
async fn cut_off(held: &Held) -> AttemptError {
    while !held.is_cancelled() {
        match held.standing() {
            Standing::Kept => tokio::time::sleep(LOOK_EVERY).await,
            Standing::Lost | Standing::Late => held.lose(),
            Standing::CutOff => {
                held.give_back();
                return AttemptError::CutOff;
            }
        }
    }
    if held.is_lost() { AttemptError::LeaseLost } else { AttemptError::Stopping }
}

async fn simulate(worker: &Worker, job: &ClaimedJob, held: &Held) -> Result<Value, AttemptError> {
    let mut config: SimulationConfig = decode(&job.config)?;
    config.history_replicates = config.history_replicates.or(worker.settings.default_history_replicates);
    let input = match &job.input {
        Some(stored) => decode(stored)?,
        None => fetch(worker, job).await?,
    };
    let request =
        Request { subject: job.subject.clone(), input, config, default_paths: worker.settings.default_paths };
    let assignment = off_the_runtime(move || {
        let plan = Plan::new(&request.subject, &request.input, &request.config, request.default_paths)?;
        Ok::<_, PlanError>(Assignment { request, plan: Arc::new(plan) })
    });
    let assignment = assignment.await??;
    let plan = assignment.plan.clone();
    held.expect_paths(plan.paths_in_all());
    let began = Instant::now();
    let outcome = worker.simulator.simulate(assignment, held.control.clone()).await.map_err(|error| {
        if matches!(error, SimulatorError::Cancelled) && !held.is_lost() {
            AttemptError::Stopping
        } else {
            error.into()
        }
    })?;
    let (tally, executed_on) = match outcome {
        Outcome::Tally { tally, executed_on } => (tally, executed_on),
        Outcome::Foreign(result) => return Ok(result),
    };
    let execution = Execution {
        executed_on: executed_on.to_owned(),
        simulation_time_seconds: began.elapsed().as_secs_f64(),
    };
    let result = off_the_runtime(move || serde_json::to_value(report(&plan, &tally, &execution))).await?;
    result.map_err(|error| AttemptError::Internal(error.to_string()))
}

fn decode<T: serde::de::DeserializeOwned>(stored: &Value) -> Result<T, AttemptError> {
    T::deserialize(stored).map_err(|error| AttemptError::Unreadable(error.to_string()))
}

/// The account and its whole history, stored before they are used: what is simulated can always be recomputed.
async fn fetch(worker: &Worker, job: &ClaimedJob) -> Result<InputData, AttemptError> {
    let input = match job.origin {
        Origin::Kafka | Origin::Api | Origin::Import => {
            worker.core_service.gather(&job.subject, &job.trace).await?
        }
        Origin::Daily => match worker.core_service.gather_active(&job.subject, &job.trace).await? {
            Gathered::Input(input) => *input,
            Gathered::NotActive => return Err(AttemptError::NotActive),
        },
    };
    let stored = StoredInput::new(&input).map_err(|error| AttemptError::Internal(error.to_string()))?;
    match worker.store.save_input(&job.lease, &stored).await? {
        Write::Applied => Ok(input),
        Write::Stale => Err(AttemptError::LeaseLost),
    }
}

/// Runs what takes milliseconds of a core on a thread that may block.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AttemptError> {
    tokio::task::spawn_blocking(work).await.map_err(|panic| AttemptError::Internal(panic.to_string()))
}

/// What is to be written of what happened; `None` where nothing may be.
fn ended(job: &ClaimedJob, outcome: Result<Value, AttemptError>, took: Duration) -> Option<Ended> {
    let (ending, result) = match outcome {
        Ok(result) => (Ending::Simulated, Some(result)),
        Err(error) => match verdict(&error, job.origin) {
            Verdict::Stale => {
                tracing::warn!(%error, "the attempt ends without a word: the job is no longer ours");
                return None;
            }
            Verdict::Skip(reason) => (Ending::Skipped(reason), None),
            Verdict::Release => (Ending::Released, None),
            Verdict::Fault(fault) => {
                tracing::warn!(%error, ?fault, "the attempt failed");
                (Ending::Faulted(fault), None)
            }
        },
    };
    let event = Event::Ended { token: job.lease.token, ending: ending.clone() };
    let held_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    let (next, actions) = match step(&job.job, &event, Situation { now_ms: held_ms, jitter: fastrand::f64() })
    {
        Ok(stepped) => stepped,
        Err(refused) => {
            tracing::error!(%refused, "the job machine refused its own worker");
            return None;
        }
    };
    let announced = result.as_ref().filter(|_| actions.contains(&Action::AnnounceCompleted));
    let outbox =
        announced.map(|result| events::completed(&job.lease.job, &job.subject, &job.trace, result, now_ms()));
    let result = result.filter(|_| actions.contains(&Action::StoreResult));
    let next = next.counted_from(held_ms);
    let settlement = Settlement { by: Settler::Holder, next, result, outbox };
    Some(Ended { ending, settlement, actions })
}

/// Brings the outcome home, through short outages of the database; the fence refuses it if it comes too late.
async fn settle(worker: &Worker, job: &ClaimedJob, settlement: &Settlement) -> Write {
    for attempt in 1.. {
        let settling = worker.store.settle(&job.lease, settlement);
        let answer = match &settlement.result {
            Some(_) => settling.await,
            // A few bytes: what hangs is as good as lost, and after an outage there is no time to lose.
            None => timeout(BEAT_BOUND, settling)
                .await
                .unwrap_or_else(|late| Err(StoreError::Unavailable(late.to_string()))),
        };
        let answer = match answer {
            Ok(write) => Some(write),
            Err(error) => {
                tracing::warn!(%error, attempt, "the outcome could not be written yet");
                None
            }
        };
        match homecoming(answer, attempt) {
            Homecoming::Again(pause) => tokio::time::sleep(pause).await,
            Homecoming::Over(Write::Stale) if attempt == 1 || !is_there(worker, job, settlement).await => {
                break;
            }
            Homecoming::Over(_) => {
                tracing::info!(state = ?settlement.next.state, "the attempt is settled");
                return Write::Applied;
            }
        }
    }
    tracing::warn!("the outcome came too late: the job is no longer ours");
    Write::Stale
}

/// Whether a result that is refused now is there already, to the second that it took: the answer to an earlier try was lost.
/// Of other outcomes nobody can tell whose they are.
async fn is_there(worker: &Worker, job: &ClaimedJob, settlement: &Settlement) -> bool {
    let Some(result) = &settlement.result else { return false };
    let there = worker.store.job(&job.lease.job).await;
    there.is_ok_and(|there| there.is_some_and(|there| there.result.as_ref() == Some(result)))
}
