//! A process: the worker's three loops and the relay, as a shell round `worker::hold`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use monte_carlo_service::jobs::ids::LeaseToken;
use monte_carlo_service::jobs::machine::Ending;
use monte_carlo_service::worker::hold::{BEAT_BOUND, Contact, Hold};
use monte_carlo_service::worker::{POLL_EVERY, SWEEP_EVERY};

use crate::database::{Answer, Request};
use crate::world::{Address, Event, World};

/// Longest wait for an operation of the store.
const PATIENCE_MS: i64 = 15_000;
/// Between two claims or looks at the outbox after a failure.
pub(crate) const RETRY_MS: i64 = 1_000;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Timer {
    Boot,
    Claim,
    Beat,
    Sweep,
    Relay,
    Look(LeaseToken),
    Work(LeaseToken),
    Settle(LeaseToken),
    GiveUp(u32),
    Delivered,
}

/// What waits for an answer.
#[derive(Debug)]
pub(crate) enum Purpose {
    Claim { free: usize },
    Beat { sent: Vec<LeaseToken> },
    Save(LeaseToken),
    Settle(LeaseToken),
    Sweep,
    SettleSwept,
    Lease,
    Mark,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) purpose: Purpose,
    /// By its own clock.
    asked_at: Instant,
    /// In truth.
    asked_ms: i64,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Phase {
    Fetching,
    Saving,
    Simulating,
    Settling { ending: Ending, since_ms: i64, tries: u32 },
}

/// A job in hand.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) job: usize,
    pub(crate) hold: Hold,
    pub(crate) phase: Phase,
    pub(crate) progress: f64,
    pub(crate) input: u64,
    /// When the database was asked for it, and when it last granted more, in truth.
    pub(crate) claimed_ms: i64,
    pub(crate) asked_ms: i64,
    /// When a beat was answered without it.
    pub(crate) told_ms: Option<i64>,
    pub(crate) has_begun: bool,
}

#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) life: u32,
    pub(crate) is_alive: bool,
    pub(crate) is_stopping: bool,
    pub(crate) frozen_until_ms: i64,
    /// By so much its clock is behind.
    pub(crate) behind_ms: i64,
    /// The end of the last time that it stood still.
    pub(crate) disturbed_ms: i64,
    pub(crate) cut_until_ms: i64,
    pub(crate) mute_until_ms: i64,
    pub(crate) contact: Contact,
    pub(crate) hands: BTreeMap<u128, Held>,
    pub(crate) calls: BTreeMap<u32, Call>,
    next_call: u32,
    /// On their way to the broker, and acknowledged by it but not marked.
    pub(crate) unsent: Vec<usize>,
    pub(crate) unmarked: Vec<usize>,
}

impl Process {
    pub(crate) fn new(life: u32, now: Instant) -> Self {
        Self {
            life,
            is_alive: true,
            is_stopping: false,
            frozen_until_ms: 0,
            behind_ms: 0,
            disturbed_ms: i64::MIN,
            cut_until_ms: 0,
            mute_until_ms: 0,
            contact: Contact::new(now),
            hands: BTreeMap::new(),
            calls: BTreeMap::new(),
            next_call: 0,
            unsent: Vec::new(),
            unmarked: Vec::new(),
        }
    }
}

pub(crate) fn ms(duration: Duration) -> i64 {
    duration.as_millis() as i64
}

impl World {
    /// The time by the clock of a process.
    pub(crate) fn clock(&self, p: usize) -> Instant {
        self.origin + Duration::from_millis((self.now_ms - self.processes[p].behind_ms) as u64)
    }

    pub(crate) fn boot(&mut self, p: usize) {
        let life = self.processes[p].life + 1;
        let now = self.origin + Duration::from_millis(self.now_ms as u64);
        self.processes[p] = Process::new(life, now);
        self.ledger.beaten(p, now);
        for timer in [Timer::Claim, Timer::Beat, Timer::Sweep, Timer::Relay] {
            let after_ms = self.rng.i64(0..2_000);
            self.set(p, timer, after_ms);
        }
    }

    pub(crate) fn set(&mut self, p: usize, timer: Timer, after_ms: i64) {
        let of = Address { process: p, life: self.processes[p].life };
        self.schedule(after_ms, Event::Rings { of, timer });
    }

    pub(crate) fn ask(&mut self, p: usize, request: Request, purpose: Purpose) {
        let is_short = match (&purpose, &request) {
            (Purpose::Settle(_), Request::Settle { ending, .. }) => *ending != Ending::Simulated,
            (purpose, _) => matches!(purpose, Purpose::Beat { .. }),
        };
        let bound_ms = if is_short { ms(BEAT_BOUND) } else { PATIENCE_MS };
        let (asked_at, asked_ms) = (self.clock(p), self.now_ms);
        let process = &mut self.processes[p];
        process.next_call += 1;
        process.calls.insert(process.next_call, Call { purpose, asked_at, asked_ms });
        let (from, call) = (Address { process: p, life: process.life }, process.next_call);
        self.send(from, call, request, bound_ms);
    }

    pub(crate) fn rings(&mut self, p: usize, timer: Timer) {
        match timer {
            Timer::Boot => self.boot(p),
            Timer::Claim => self.claim(p),
            Timer::Beat => {
                let hands = &self.processes[p].hands;
                let beats: Vec<_> = hands
                    .iter()
                    .map(|(token, held)| (held.job, LeaseToken(uuid::Uuid::from_u128(*token)), held.progress))
                    .collect();
                let sent = beats.iter().map(|(_, token, _)| *token).collect();
                self.ask(p, Request::Beat { beats }, Purpose::Beat { sent });
            }
            Timer::Sweep => self.sweep(p),
            Timer::Relay => self.relay(p),
            Timer::Look(token) => self.look(p, token),
            Timer::Work(token) => self.work(p, token),
            Timer::Settle(token) => self.settle(p, token),
            Timer::GiveUp(call) => self.answered(p, call, Answer::Failed),
            Timer::Delivered => self.delivered(p),
        }
    }

    fn sweep(&mut self, p: usize) {
        if self.processes[p].contact.may_sweep(self.clock(p)) {
            self.ask(p, Request::Expired, Purpose::Sweep);
        } else {
            self.sweep_later(p);
        }
    }

    fn sweep_later(&mut self, p: usize) {
        let pause = ms(SWEEP_EVERY) * 3 / 4 + self.rng.i64(0..ms(SWEEP_EVERY) / 2);
        self.set(p, Timer::Sweep, pause);
    }

    /// An answer, or that there will be none.
    pub(crate) fn answered(&mut self, p: usize, number: u32, answer: Answer) {
        let Some(call) = self.processes[p].calls.remove(&number) else { return };
        match (call.purpose, answer) {
            (Purpose::Claim { free }, Answer::Claimed(claimed)) => {
                let pause = if claimed.len() == free { 0 } else { ms(POLL_EVERY) };
                for (job, token, input) in claimed {
                    self.take(p, (job, token, input), call.asked_at, call.asked_ms);
                }
                self.set(p, Timer::Claim, pause);
            }
            (Purpose::Claim { .. }, _) => self.set(p, Timer::Claim, RETRY_MS),
            (Purpose::Beat { sent }, answer) => self.beaten(p, &sent, answer, call.asked_at, call.asked_ms),
            (Purpose::Save(token), answer) => self.saved(p, token, &answer),
            (Purpose::Settle(token), answer) => self.settled(p, token, &answer),
            (Purpose::Sweep, answer) => {
                if let Answer::Expired(expired) = answer
                    && self.processes[p].contact.may_sweep(self.clock(p))
                {
                    for (job, token) in expired {
                        let request =
                            Request::Settle { job, token, ending: Ending::Silent, jitter: 0.0, input: 0 };
                        self.ask(p, request, Purpose::SettleSwept);
                    }
                }
                self.sweep_later(p);
            }
            (Purpose::SettleSwept, _) => {}
            (Purpose::Lease, Answer::Outbox(rows)) if !rows.is_empty() => {
                self.processes[p].unsent = rows;
                let after_ms = self.rng.i64(1..500);
                self.set(p, Timer::Delivered, after_ms);
            }
            (Purpose::Lease, _) => self.set(p, Timer::Relay, RETRY_MS),
            (Purpose::Mark, answer) => {
                if let Answer::Marked = answer {
                    self.processes[p].unmarked.clear();
                }
                self.set(p, Timer::Relay, RETRY_MS);
            }
        }
    }
}
