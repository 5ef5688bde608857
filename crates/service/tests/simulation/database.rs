//! The store: every operation is a step of the machine, carried out with what else it asks for in one go.

use monte_carlo_service::jobs::ids::LeaseToken;
use monte_carlo_service::jobs::machine::{Action, Ending, Event, Job, Refused, Situation, State, step};
use monte_carlo_service::store::Write;
use monte_carlo_service::worker::LEASE_MS;
use uuid::Uuid;

use crate::ledger::Ledger;

/// Hard limit of an attempt; in production it is longer, and so would be every history.
pub(crate) const DEADLINE_MS: u64 = 25_000;
/// How long messages belong to one relay.
const OUTBOX_LEASE_MS: i64 = 10_000;
/// By the clock of 1970, so that nothing rests on a time near zero.
const EPOCH_MS: i64 = 1_700_000_000_000;

/// What a process asks of the store.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Claim { limit: usize },
    Beat { beats: Vec<(usize, LeaseToken, f64)> },
    SaveInput { job: usize, token: LeaseToken, input: u64 },
    Settle { job: usize, token: LeaseToken, ending: Ending, jitter: f64, input: u64 },
    Expired,
    LeaseOutbox,
    MarkPublished { rows: Vec<usize> },
}

/// What it answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// An error: it was not done, or it was.
    Failed,
    Claimed(Vec<(usize, LeaseToken, Option<u64>)>),
    Held(Vec<LeaseToken>),
    Written(Write),
    Expired(Vec<(usize, LeaseToken)>),
    Outbox(Vec<usize>),
    Marked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Started,
    Completed,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) job: usize,
    pub(crate) kind: Kind,
    pub(crate) created_at_ms: i64,
    pub(crate) is_published: bool,
    leased_until_ms: i64,
}

/// One job's row, and what lies beside it.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) key: usize,
    pub(crate) job: Job,
    pub(crate) input: Option<u64>,
    /// The claim that it came from, and the input.
    pub(crate) result: Option<(LeaseToken, u64)>,
}

#[derive(Default)]
pub(crate) struct Database {
    pub(crate) records: Vec<Record>,
    pub(crate) outbox: Vec<Row>,
    pub(crate) clock_ahead_ms: i64,
    tokens: u128,
}

impl Database {
    pub(crate) fn now_ms(&self, now_ms: i64) -> i64 {
        EPOCH_MS + now_ms + self.clock_ahead_ms
    }

    /// Inserts the job of a key, once.
    pub(crate) fn insert(&mut self, key: usize, now_ms: i64) {
        if self.records.iter().all(|record| record.key != key) {
            let job = Job::new(self.now_ms(now_ms));
            self.records.push(Record { key, job, input: None, result: None });
        }
    }

    /// Whether all jobs have ended, and all of it is told.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.records.iter().all(|record| record.job.state.is_final())
            && self.outbox.iter().all(|row| row.is_published)
    }

    /// Moves a job on; its row, its documents and its messages change together or not at all.
    pub(crate) fn step(
        &mut self,
        index: usize,
        event: &Event,
        (now_ms, jitter, input): (i64, f64, u64),
        ledger: &mut Ledger,
    ) -> Result<&'static [Action], Refused> {
        let now_ms = self.now_ms(now_ms);
        let record = &mut self.records[index];
        let outcome = step(&record.job, event, Situation { now_ms, jitter });
        ledger.stepped(index, &record.job, event, &outcome, now_ms);
        let (next, actions) = outcome?;
        record.job = next;
        for action in actions {
            match (action, event) {
                (Action::AnnounceStarted, _) => announce(&mut self.outbox, index, Kind::Started, now_ms),
                (Action::AnnounceCompleted, _) => announce(&mut self.outbox, index, Kind::Completed, now_ms),
                (Action::StoreInput, _) => record.input = Some(input),
                (Action::StoreResult, &Event::Ended { token, .. }) => record.result = Some((token, input)),
                _ => {}
            }
        }
        ledger.written(index, record, &self.outbox);
        Ok(actions)
    }

    /// Carries a request out. The second answer is whether somebody may take a job at once.
    pub(crate) fn carry_out(
        &mut self,
        request: &Request,
        now_ms: i64,
        ledger: &mut Ledger,
    ) -> (Answer, bool) {
        match request {
            Request::Claim { limit } => (self.claim(*limit, now_ms, ledger), false),
            Request::Beat { beats } => {
                let mut held = Vec::new();
                for &(job, token, progress) in beats {
                    let event = Event::Beat { token, lease_ms: LEASE_MS, progress };
                    if self.step(job, &event, (now_ms, 0.0, 0), ledger).is_ok() {
                        held.push(token);
                    }
                }
                (Answer::Held(held), false)
            }
            &Request::SaveInput { job, token, input } => {
                self.write(job, &Event::Fetched { token }, (now_ms, 0.0, input), ledger)
            }
            &Request::Settle { job, token, ref ending, jitter, input } => {
                let event = Event::Ended { token, ending: ending.clone() };
                self.write(job, &event, (now_ms, jitter, input), ledger)
            }
            Request::Expired => {
                let now_ms = self.now_ms(now_ms);
                let expired =
                    self.records.iter().enumerate().filter_map(|(index, record)| match record.job.state {
                        State::Running { token, expires_at_ms, .. } if expires_at_ms <= now_ms => {
                            Some((index, token))
                        }
                        _ => None,
                    });
                (Answer::Expired(expired.collect()), false)
            }
            Request::LeaseOutbox => {
                let now_ms = self.now_ms(now_ms);
                let mut rows = Vec::new();
                for (index, row) in self.outbox.iter_mut().enumerate() {
                    if !row.is_published && row.leased_until_ms <= now_ms {
                        row.leased_until_ms = now_ms + OUTBOX_LEASE_MS;
                        rows.push(index);
                    }
                }
                (Answer::Outbox(rows), false)
            }
            Request::MarkPublished { rows } => {
                rows.iter().for_each(|row| self.outbox[*row].is_published = true);
                (Answer::Marked, false)
            }
        }
    }

    fn claim(&mut self, limit: usize, now_ms: i64, ledger: &mut Ledger) -> Answer {
        let mut claimed = Vec::new();
        for index in 0..self.records.len() {
            if claimed.len() < limit && matches!(self.records[index].job.state, State::Pending { .. }) {
                self.tokens += 1;
                let token = LeaseToken(Uuid::from_u128(self.tokens));
                let event = Event::Claimed { token, lease_ms: LEASE_MS, deadline_ms: DEADLINE_MS };
                if self.step(index, &event, (now_ms, 0.0, 0), ledger).is_ok() {
                    claimed.push((index, token, self.records[index].input));
                }
            }
        }
        Answer::Claimed(claimed)
    }

    fn write(
        &mut self,
        job: usize,
        event: &Event,
        with: (i64, f64, u64),
        ledger: &mut Ledger,
    ) -> (Answer, bool) {
        match self.step(job, event, with, ledger) {
            Ok(actions) => (Answer::Written(Write::Applied), actions.contains(&Action::WakeWorkers)),
            Err(_) => (Answer::Written(Write::Stale), false),
        }
    }
}

/// After the message that it follows, though the clock has been set back.
fn announce(outbox: &mut Vec<Row>, job: usize, kind: Kind, now_ms: i64) {
    let follows = outbox.iter().find(|row| row.job == job && kind == Kind::Completed);
    let created_at_ms = follows.map_or(now_ms, |row| now_ms.max(row.created_at_ms + 1));
    outbox.push(Row { job, kind, created_at_ms, is_published: false, leased_until_ms: 0 });
}
