//! One call with all that surrounds it: the breaker, its turn, bounded tries, and what is remembered and counted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::{CoreError, Effort};
use super::pace::Pace;
use super::retry::{self, SoFar};
use super::transport::{Call, Failed, Transport};
use crate::breaker::{Breaker, Leave};
use crate::telemetry::trace_context::TraceContext;

/// `core_service_requests_total{call,outcome}`: tries, and calls that were not sent.
pub const REQUESTS: &str = "core_service_requests_total";
/// `core_service_request_duration_seconds{call}`, of one try.
pub const REQUEST_DURATION: &str = "core_service_request_duration_seconds";
/// `core_service_breaker_open`: 1 while calls are held back, else 0.
pub const BREAKER_OPEN: &str = "core_service_breaker_open";

/// Failed tries in a row that open the breaker: three calls with all their tries, so that one bad moment does not.
const FAILURES_MAX: u32 = 9;
/// The longest wait for one's turn; beyond it the job is put back and its place is another's.
const TURN_MAX: Duration = Duration::from_secs(30);

pub(super) struct Caller {
    transport: Transport,
    timeout: Duration,
    pace: Option<Arc<dyn Pace>>,
    outage: Mutex<Outage>,
    refusal: Mutex<Option<String>>,
}

/// How Core Service has been of late.
struct Outage {
    breaker: Breaker,
    /// The last failure that the breaker counted.
    last: String,
}

impl Caller {
    pub(super) fn new(transport: Transport, timeout: Duration) -> Self {
        metrics::gauge!(BREAKER_OPEN).set(0.0);
        let breaker = Breaker::opening_after(FAILURES_MAX);
        let outage = Mutex::new(Outage { breaker, last: String::new() });
        Self { transport, timeout, pace: None, outage, refusal: Mutex::default() }
    }

    pub(super) fn paced(self, pace: Arc<dyn Pace>) -> Self {
        Self { pace: Some(pace), ..self }
    }

    /// What `read` makes of the answer, after some tries.
    pub(super) async fn json<T>(
        &self,
        call: &Call<'_>,
        trace: &TraceContext,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, CoreError> {
        let began = Instant::now();
        let mut tries = 0;
        loop {
            tries += 1;
            let leave = match self.leave(call, TURN_MAX).await {
                Ok(leave) => leave,
                Err(error) => return Err(counted(call, error)),
            };
            let sent = Instant::now();
            let answer = self.transport.json(call, trace, self.timeout, &read).await;
            let Failed { error, retry_after } = match self.noted(call, leave, sent, answer) {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let took = began.elapsed();
            let error = error.after(Effort { tries, took });
            let so_far = SoFar { tries, took, retry_after };
            // Where it has opened meanwhile, this failure says more than that nothing more was sent.
            let pause = retry::pause(&error, so_far, self.timeout, fastrand::f64());
            let Some(pause) = pause.filter(|_| self.held_back().is_none()) else { return Err(error) };
            tokio::time::sleep(pause).await;
        }
    }

    /// Whether the answer is a 200, in one try.
    pub(super) async fn head(
        &self,
        call: &Call<'_>,
        trace: &TraceContext,
        bound: Duration,
    ) -> Result<(), CoreError> {
        let began = Instant::now();
        let leave = self.leave(call, bound).await.map_err(|error| counted(call, error))?;
        let sent = Instant::now();
        let answer = self.transport.send(call, trace, bound.saturating_sub(began.elapsed())).await;
        self.noted(call, leave, sent, answer).map(drop).map_err(|failed| failed.error)
    }

    /// The same without leave or turn, and without a say in whether others have it.
    pub(super) async fn probe(
        &self,
        call: &Call<'_>,
        trace: &TraceContext,
        bound: Duration,
    ) -> Result<(), CoreError> {
        let sent = Instant::now();
        let answer = self.transport.send(call, trace, bound).await;
        count(call, sent, answer.as_ref().err());
        match answer {
            Ok(_) => Ok(()),
            Err(Failed { error, .. }) => {
                self.remember_refusal(&error);
                Err(error)
            }
        }
    }

    /// The last 401 or 403, until a call is answered again.
    pub(super) fn last_refusal(&self) -> Option<String> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why calls are held back, while the breaker is not closed.
    pub(super) fn held_back(&self) -> Option<String> {
        let outage = self.outage();
        let wait = outage.breaker.open_for(Instant::now())?;
        let until = if wait.is_zero() {
            "one call goes out to see whether it is back".to_owned()
        } else {
            format!("the next try is in {:.1} s", wait.as_secs_f64())
        };
        Some(format!("the breaker is open, {until}; {}", outage.last))
    }

    /// Waits for our turn, unless nobody may go.
    async fn leave(&self, call: &Call<'_>, wait_max: Duration) -> Result<Leave, CoreError> {
        if self.outage().breaker.open_for(Instant::now()).is_some_and(|wait| !wait.is_zero()) {
            return Err(self.left_alone(call));
        }
        if let Some(pace) = &self.pace {
            match pace.turn(wait_max).await {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(CoreError::NoTurn { call: call.name(), wait_s: wait_max.as_secs() }),
            }
        }
        let leave = self.outage().breaker.admit(Instant::now());
        leave.map_err(|_| self.left_alone(call))
    }

    fn left_alone(&self, call: &Call<'_>) -> CoreError {
        CoreError::LeftAlone { call: call.name(), last: self.outage().last.clone() }
    }

    /// Counts a try and remembers what it says of Core Service.
    fn noted<T>(
        &self,
        call: &Call<'_>,
        leave: Leave,
        sent: Instant,
        answer: Result<T, Failed>,
    ) -> Result<T, Failed> {
        count(call, sent, answer.as_ref().err());
        match &answer {
            Ok(_) => *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = None,
            Err(Failed { error, .. }) => self.remember_refusal(error),
        }
        let outage = answer.as_ref().err().map(|failed| &failed.error).filter(|error| error.is_outage());
        self.record(leave, outage);
        answer
    }

    fn record(&self, leave: Leave, failure: Option<&CoreError>) {
        let now = Instant::now();
        let mut outage = self.outage();
        let was_open = outage.breaker.open_for(now).is_some();
        outage.breaker.record(leave, failure.is_none(), now);
        let is_open = outage.breaker.open_for(now).is_some();
        if let Some(error) = failure {
            outage.last = error.to_string();
        }
        match (was_open, is_open) {
            (false, true) => {
                tracing::warn!(
                    error = outage.last,
                    "Core Service fails too often and is left alone for a while"
                );
            }
            (true, false) => tracing::info!("Core Service is back"),
            _ => {}
        }
        metrics::gauge!(BREAKER_OPEN).set(f64::from(u8::from(is_open)));
    }

    fn remember_refusal(&self, error: &CoreError) {
        if matches!(error, CoreError::Refused { .. }) {
            *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
    }

    fn outage(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(call: &Call<'_>, sent: Instant, failed: Option<&Failed>) {
    let outcome = failed.map_or("ok", |failed| failed.error.outcome());
    metrics::counter!(REQUESTS, "call" => call.kind.as_str(), "outcome" => outcome).increment(1);
    metrics::histogram!(REQUEST_DURATION, "call" => call.kind.as_str()).record(sent.elapsed().as_secs_f64());
}

/// A call that was not sent.
fn counted(call: &Call<'_>, error: CoreError) -> CoreError {
    metrics::counter!(REQUESTS, "call" => call.kind.as_str(), "outcome" => error.outcome()).increment(1);
    error
}
