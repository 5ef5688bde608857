//! What must always hold, said apart from the code that is to keep it, and looked at after every event.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use monte_carlo_service::jobs::ids::LeaseToken;
use monte_carlo_service::jobs::machine::{
    ATTEMPTS_MAX, Action, CANCELLED, Ending, Event, Fault, Job, Refused, State,
};

use monte_carlo_service::worker::LEASE_MS;

use crate::database::{Kind, Record, Row};

/// What one job has been through.
#[derive(Clone, Debug, Default)]
struct Account {
    /// Attempts that count: its claims, less those that ended in a snooze or a release.
    charged: u32,
    claims: u32,
    finishes: u32,
    last_token: u128,
}

#[derive(Default)]
pub(crate) struct Ledger {
    accounts: Vec<Account>,
    /// When each process last asked for what a beat was answered with, by its own clock.
    beaten_at: BTreeMap<usize, Instant>,
    /// Which events met which outcomes.
    pub(crate) moves: BTreeSet<Move>,
    /// The first thing that must not be.
    pub(crate) violation: Option<String>,
}

/// An event, and what became of it: the job's next status, or a refusal.
pub(crate) type Move = (&'static str, &'static str);

type Outcome = Result<(Job, &'static [Action]), Refused>;

impl Ledger {
    pub(crate) fn require(&mut self, holds: bool, rule: impl FnOnce() -> String) {
        if !holds && self.violation.is_none() {
            self.violation = Some(rule());
        }
    }

    /// A job was asked to move.
    pub(crate) fn stepped(&mut self, index: usize, job: &Job, event: &Event, outcome: &Outcome, now_ms: i64) {
        if self.accounts.len() <= index {
            self.accounts.resize_with(index + 1, Account::default);
        }
        self.moves.insert((event_name(event), outcome_name(outcome)));
        match outcome {
            Ok((next, _)) => {
                self.moved(index, job, event, next, now_ms);
                self.charged(index, job, event, next);
            }
            Err(_) => self.require(may_be_refused(job, event, now_ms), || {
                format!("job {index} was refused {event:?}, to which it is entitled: {job:?}")
            }),
        }
    }

    fn moved(&mut self, index: usize, job: &Job, event: &Event, next: &Job, now_ms: i64) {
        let is_reopened = matches!((&job.state, event), (State::Failed { .. }, Event::Retried));
        self.require(!job.state.is_final() || is_reopened, || {
            format!("job {index} was final and moved: {job:?} {event:?}")
        });
        if let Some(named) = named(event) {
            let holder = matches!(job.state, State::Running { token, .. } if token == named);
            self.require(holder, || format!("job {index} obeyed a claim that is not the current: {event:?}"));
        }
        if let (&State::Running { deadline_at_ms, .. }, Event::Beat { .. }) = (&job.state, event) {
            self.require(now_ms < deadline_at_ms, || format!("job {index} was extended after its deadline"));
        }
        if let (&State::Running { expires_at_ms, .. }, Event::Ended { ending: Ending::Silent, .. }) =
            (&job.state, event)
        {
            self.require(expires_at_ms <= now_ms, || format!("job {index} was swept while its lease held"));
        }
        if let (&State::Running { progress: before, .. }, &State::Running { progress: after, .. }) =
            (&job.state, &next.state)
        {
            self.require(before <= after, || {
                format!("progress of job {index} fell from {before} to {after}")
            });
        }
        if let State::Running { expires_at_ms, deadline_at_ms, .. } = next.state {
            self.require(expires_at_ms <= deadline_at_ms, || {
                format!("job {index} has a lease beyond its end")
            });
        }
        if let &Event::Claimed { token: LeaseToken(token), .. } = event {
            let is_due = matches!(job.state, State::Pending { due_at_ms, .. } if due_at_ms <= now_ms);
            self.require(is_due, || format!("job {index} was claimed before it was due"));
            let last = std::mem::replace(&mut self.accounts[index].last_token, token.as_u128());
            self.require(last < token.as_u128(), || format!("job {index} was claimed twice by one token"));
        }
    }

    fn charged(&mut self, index: usize, job: &Job, event: &Event, next: &Job) {
        let account = &mut self.accounts[index];
        match event {
            Event::Claimed { .. } => {
                account.charged += 1;
                account.claims += 1;
            }
            Event::Ended { ending: Ending::Released | Ending::Faulted(Fault::Snooze(_)), .. } => {
                account.charged -= 1;
            }
            Event::Ended { ending: Ending::Simulated, .. } => account.finishes += 1,
            Event::Retried => account.charged = 0,
            _ => {}
        }
        let Account { charged, claims, .. } = *account;
        self.require(next.attempts == charged && next.claims == claims, || {
            format!(
                "job {index} is charged {} of {claims}, and should be {charged}: {event:?}",
                next.attempts
            )
        });
        self.require(next.attempts <= ATTEMPTS_MAX, || format!("job {index} was tried too often: {next:?}"));
        if let Event::Ended { ending: Ending::Silent | Ending::Faulted(Fault::Retry(_)), .. } = event {
            let gave_up = next.state.is_final();
            self.require(gave_up == (job.attempts == ATTEMPTS_MAX), || {
                format!("job {index} was given up at another attempt than the last: {next:?}")
            });
        }
        if let Event::CancelAsked = event {
            let is_cancelled = matches!(&next.state, State::Failed { reason } if reason == CANCELLED);
            self.require(is_cancelled, || format!("job {index} was cancelled and is {next:?}"));
        }
    }

    /// A process begins anew, or a beat of that moment was answered, by its own clock.
    pub(crate) fn beaten(&mut self, process: usize, asked_at: Instant) {
        self.beaten_at.insert(process, asked_at);
    }

    /// A process claims. What it cannot beat for, it must not take.
    pub(crate) fn claims(&mut self, process: usize, now: Instant) {
        let silent = now.saturating_duration_since(self.beaten_at[&process]);
        self.require(silent < Duration::from_millis(LEASE_MS), || {
            format!("process {process} claims after {silent:?} without a beat")
        });
    }

    /// A job's row was written, with all that goes with it.
    pub(crate) fn written(&mut self, index: usize, record: &Record, outbox: &[Row]) {
        let Account { finishes, claims, .. } = self.accounts[index];
        let row = |kind| outbox.iter().filter(move |row| row.job == index && row.kind == kind);
        let is_completed = record.job.state == State::Completed;
        self.require(finishes <= 1, || format!("job {index} was finished {finishes} times"));
        self.require(record.result.is_some() == is_completed, || {
            format!("job {index} has {:?} and is {:?}", record.result, record.job.state)
        });
        self.require(row(Kind::Completed).count() == usize::from(is_completed), || {
            format!("job {index} is {:?}, which its messages do not say", record.job.state)
        });
        self.require(row(Kind::Started).count() == usize::from(claims > 0), || {
            format!("job {index} was claimed {claims} times, which its messages do not say")
        });
        if let Some((_, input)) = record.result {
            self.require(record.input == Some(input), || format!("job {index} has another's input"));
        }
        if let (Some(started), Some(completed)) = (row(Kind::Started).next(), row(Kind::Completed).next()) {
            self.require(started.created_at_ms < completed.created_at_ms, || {
                format!("job {index} was completed before it was started")
            });
        }
    }
}

/// The claim that an event names.
fn named(event: &Event) -> Option<LeaseToken> {
    match *event {
        Event::Beat { token, .. } | Event::Fetched { token } | Event::Ended { token, .. } => Some(token),
        Event::Claimed { .. } | Event::CancelAsked | Event::Retried => None,
    }
}

fn event_name(event: &Event) -> &'static str {
    match event {
        Event::Claimed { .. } => "claimed",
        Event::Beat { .. } => "beat",
        Event::Fetched { .. } => "fetched",
        Event::CancelAsked => "cancel",
        Event::Retried => "retried",
        Event::Ended { ending, .. } => match ending {
            Ending::Simulated => "simulated",
            Ending::Skipped(_) => "skipped",
            Ending::Released => "released",
            Ending::Silent => "silent",
            Ending::Faulted(Fault::Retry(_)) => "fault",
            Ending::Faulted(Fault::Snooze(_)) => "snooze",
            Ending::Faulted(Fault::Terminal(_)) => "terminal",
        },
    }
}

fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Err(Refused::Stale) => "stale",
        Err(Refused::Illegal { .. }) => "illegal",
        Ok((job, _)) => match job.state {
            State::Pending { .. } => "pending",
            State::Running { .. } => "running",
            State::Completed => "completed",
            State::Skipped { .. } => "skipped",
            State::Failed { .. } => "failed",
        },
    }
}

/// Whether a refusal is right: a holder may always speak, but not beat beyond its deadline.
fn may_be_refused(job: &Job, event: &Event, now_ms: i64) -> bool {
    match (&job.state, event) {
        (&State::Running { token, expires_at_ms, deadline_at_ms, .. }, event) => match event {
            Event::Beat { token: named, .. } => *named != token || deadline_at_ms <= now_ms,
            Event::Ended { token: named, ending: Ending::Silent } => {
                *named != token || now_ms < expires_at_ms
            }
            Event::Ended { token: named, .. } | Event::Fetched { token: named } => *named != token,
            Event::Claimed { .. } | Event::Retried => true,
            Event::CancelAsked => false,
        },
        (&State::Pending { due_at_ms, .. }, Event::Claimed { .. }) => now_ms < due_at_ms,
        (State::Pending { .. }, Event::CancelAsked) | (State::Failed { .. }, Event::Retried) => false,
        _ => true,
    }
}
