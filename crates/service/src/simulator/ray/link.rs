//! What all jobs of this process share of Ray: the way there, whether it is there, the places, the rate.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use monte_carlo_engine::wire::{RequestDocument, tally_from_bytes};
use monte_carlo_engine::{Control, InputData, Plan, SimulationConfig, Subject, run_shard};
use serde_json::json;

use super::caller::Caller;
use super::cut::Rate;
use super::dialect::{self, Dialect};
use super::gate::Gate;
use super::limits::Limits;
use super::presence::{Presence, Step};
use super::transport::{self, Transport};

/// `ray_breaker_open`: 1 while Ray is left alone, else 0.
const BREAKER_OPEN: &str = "ray_breaker_open";

/// One `/health`: a connect of a second at the most, and an answer that waits for no simulation.
const HEALTH_BOUND: Duration = Duration::from_millis(2_500);
/// The tiny shard that shows that a Ray that was given up works again: a replica may have to start.
const PROBE_BOUND: Duration = Duration::from_secs(10);
/// Between two `/health` while one that was there does not answer.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// The state that jobs share.
pub(super) struct Link {
    pub(super) caller: Arc<Caller>,
    pub(super) gate: Arc<Gate>,
    pub(super) limits: Limits,
    rate: Mutex<Rate>,
    /// Shards that were answered as they should be.
    answers: AtomicU64,
    presence: Mutex<Presence>,
    /// One asks, the others hear of it.
    asking: tokio::sync::Mutex<()>,
}

/// Whether a job waits until it is known that Ray is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// It has somewhere else to go; it is found out behind its back.
    Leave,
    /// It has not.
    Wait,
}

impl Link {
    pub(super) fn new(transport: Transport, limits: Limits) -> Arc<Self> {
        metrics::gauge!(BREAKER_OPEN).set(0.0);
        Arc::new(Self {
            caller: Caller::new(transport),
            gate: Arc::default(),
            limits,
            rate: Mutex::new(Rate::assumed(limits.path_steps_per_second)),
            answers: AtomicU64::new(0),
            presence: Mutex::new(Presence::new(limits.trying)),
            asking: tokio::sync::Mutex::default(),
        })
    }

    /// What Ray speaks now; or why it is away.
    pub(super) async fn dialect(self: &Arc<Self>, patience: Patience) -> Result<Dialect, String> {
        loop {
            let turn = self.asking.lock().await;
            let step = self.presence().step(self.now());
            let answer = match step {
                Step::Use(dialect) => return Ok(dialect),
                Step::Away(why) => return Err(why),
                Step::Ask => self.ask().await,
                Step::Probe(why) if patience == Patience::Leave => {
                    let link = self.clone();
                    // Bounded by its two calls; it outlives the job, whose result does not wait for it.
                    tokio::spawn(async move {
                        let answer = link.probe().await;
                        link.heard(answer);
                    });
                    return Err(why);
                }
                Step::Probe(_) => self.probe().await,
            };
            match (&answer, self.heard(answer.clone())) {
                (Ok(dialect), _) => return Ok(dialect.clone()),
                (Err(why), true) => return Err(why.clone()),
                (Err(_), false) => {}
            }
            drop(turn);
            tokio::time::sleep(ASK_EVERY.mul_f64(0.75 + fastrand::f64() / 2.0)).await;
        }
    }

    /// Why Ray is left alone, while it is.
    pub(super) fn away(&self) -> Option<String> {
        self.presence().away().map(str::to_owned)
    }

    /// What it spoke when it was last asked.
    pub(super) fn last_dialect(&self) -> Option<Dialect> {
        self.presence().dialect().cloned()
    }

    /// So many shards were answered so far, of all jobs.
    pub(super) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// Has it answer a tiny shard, if it answers anybody: one more answer.
    pub(super) async fn try_it(&self) {
        let worked = self.tiny_shard().await;
        transport::count(worked.is_ok());
        match worked {
            Ok(()) => self.answered(),
            Err(why) => tracing::debug!(why, "Ray Serve does not answer a tiny shard either"),
        }
    }

    /// A call was answered as it should be.
    pub(super) fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.presence().answered(self.now());
    }

    /// A call failed.
    pub(super) fn doubt(&self) {
        self.presence().doubt(self.now());
    }

    /// A job got nothing out of it.
    pub(super) fn give_up(&self, why: &str) {
        self.presence().give_up(why.to_owned(), self.now());
        self.show();
    }

    pub(super) fn rate(&self) -> MutexGuard<'_, Rate> {
        self.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The runtime's clock, which tests hold still.
    pub(super) fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn heard(&self, answer: Result<Dialect, String>) -> bool {
        match &answer {
            Ok(Dialect::Shards { replicas }) => self.gate.has_replicas(*replicas),
            Ok(Dialect::Old | Dialect::Other(_)) => {}
            Err(why) => tracing::warn!(why, "Ray Serve did not say how it is"),
        }
        let is_away = self.presence().heard(answer, self.now());
        self.show();
        is_away
    }

    fn show(&self) {
        let is_away = self.presence().away().is_some();
        metrics::gauge!(BREAKER_OPEN).set(f64::from(u8::from(is_away)));
    }

    async fn ask(&self) -> Result<Dialect, String> {
        let answer = self.caller.transport().health(HEALTH_BOUND).await.and_then(|body| dialect::read(&body));
        transport::count(answer.is_ok());
        answer
    }

    /// `/health`, and where shards are spoken, a tiny one: a proxy may be healthy with nobody behind it.
    async fn probe(&self) -> Result<Dialect, String> {
        let dialect = self.ask().await?;
        if matches!(dialect, Dialect::Shards { .. }) {
            let worked = self.tiny_shard().await;
            transport::count(worked.is_ok());
            worked?;
        }
        Ok(dialect)
    }

    async fn tiny_shard(&self) -> Result<(), String> {
        let (document, plan) = tiny_job().map_err(|error| error.to_string())?;
        let shard = plan.shards(1).first().copied().ok_or("a plan without paths")?;
        let frame = document.frame(shard, PROBE_BOUND.as_millis() as u64);
        let answer = self.caller.shard(frame, PROBE_BOUND).await;
        let answer = answer.map_err(|failure| format!("it does not answer a shard: {failure:?}"))?;
        let tally = tally_from_bytes(&plan, shard, &answer).map_err(|error| error.to_string())?;
        let ours = run_shard(&plan, shard, &Control::default()).map_err(|error| error.to_string())?;
        if tally == ours { Ok(()) } else { Err("its engine counts otherwise than ours".to_owned()) }
    }

    fn presence(&self) -> MutexGuard<'_, Presence> {
        self.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One path of one step over two trades.
pub(super) fn tiny_job() -> anyhow::Result<(RequestDocument, Plan)> {
    let input: InputData = serde_json::from_value(json!({
        "tradeHistory": [{"id": "1", "pnl": 90, "timestamp": 0}, {"id": "2", "pnl": -80, "timestamp": 86_400_000}],
        "pnlData": {"balance": 10_010, "peak": 10_090, "realized": 10, "unrealized": 0},
    }))?;
    let config: SimulationConfig =
        serde_json::from_value(json!({"paths": 1, "steps": 1, "historyReplicates": 0}))?;
    let subject = Subject::FundedAccount("probe".to_owned());
    let plan = Plan::new(&subject, &input, &config, 1)?;
    Ok((RequestDocument::new(&subject, &input, &config, 1)?, plan))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tiny_job_is_one_shard() {
        let (_, plan) = tiny_job().unwrap();
        assert_eq!(plan.shards(1).len(), 1);
        assert!(run_shard(&plan, plan.shards(1)[0], &Control::default()).is_ok());
    }
}
