//! A process: the worker's three loops and the relay, as a shell round `worker::hold`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use monte_carlo_service::jobs::ids::LeaseToken;
use monte_carlo_service::jobs::machine::Ending;
use monte_carlo_service::store::Write;
use monte_carlo_service::worker::hold::{
    BEAT_BOUND, Contact, Hold, Homecoming, LOOK_EVERY, SILENCE_MAX, SPARE, Standing, beat_pause, homecoming,
};
use monte_carlo_service::worker::{LEASE_MS, POLL_EVERY, SWEEP_EVERY};

use crate::database::{Answer, DEADLINE_MS, Request};
use crate::world::{Address, Event, World};

/// Jobs in hand at once.
const PLACES: usize = 2;
/// Longest wait for an operation of the store.
const PATIENCE_MS: i64 = 15_000;
/// Between two claims or looks at the outbox after a failure.
const RETRY_MS: i64 = 1_000;

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
    purpose: Purpose,
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
    asked_ms: i64,
    /// When a beat was answered without it.
    pub(crate) told_ms: Option<i64>,
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
    contact: Contact,
    pub(crate) hands: BTreeMap<u128, Held>,
    calls: BTreeMap<u32, Call>,
    next_call: u32,
    /// On their way to the broker, and acknowledged by it but not marked.
    pub(crate) unsent: Vec<usize>,
    unmarked: Vec<usize>,
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
    fn clock(&self, p: usize) -> Instant {
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
        let bound_ms = if matches!(purpose, Purpose::Beat { .. }) { ms(BEAT_BOUND) } else { PATIENCE_MS };
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
            Timer::Sweep => self.ask(p, Request::Expired, Purpose::Sweep),
            Timer::Relay => self.relay(p),
            Timer::Look(token) => self.look(p, token),
            Timer::Work(token) => self.work(p, token),
            Timer::Settle(token) => self.settle(p, token),
            Timer::GiveUp(call) => self.answered(p, call, Answer::Failed),
            Timer::Delivered => self.delivered(p),
        }
    }

    fn claim(&mut self, p: usize) {
        let now = self.clock(p);
        let process = &self.processes[p];
        let free = PLACES - process.hands.len().min(PLACES);
        let is_claiming = process.calls.values().any(|call| matches!(call.purpose, Purpose::Claim { .. }));
        if process.is_stopping || is_claiming {
            return;
        }
        if free == 0 || process.contact.is_cut_off(now) {
            return self.set(p, Timer::Claim, RETRY_MS);
        }
        self.ledger.claims(p, now);
        self.ask(p, Request::Claim { limit: free }, Purpose::Claim { free });
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
                if let Answer::Expired(expired) = answer {
                    for (job, token) in expired {
                        let request =
                            Request::Settle { job, token, ending: Ending::Silent, jitter: 0.0, input: 0 };
                        self.ask(p, request, Purpose::SettleSwept);
                    }
                }
                let pause = ms(SWEEP_EVERY) * 3 / 4 + self.rng.i64(0..ms(SWEEP_EVERY) / 2);
                self.set(p, Timer::Sweep, pause);
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

    fn take(
        &mut self,
        p: usize,
        (job, token, input): (usize, LeaseToken, Option<u64>),
        asked_at: Instant,
        asked_ms: i64,
    ) {
        let hold = Hold::new(asked_at, Duration::from_millis(DEADLINE_MS));
        let phase = if input.is_some() { Phase::Simulating } else { Phase::Fetching };
        let held = Held {
            job,
            hold,
            phase,
            progress: 0.0,
            input: input.unwrap_or_default(),
            claimed_ms: asked_ms,
            asked_ms,
            told_ms: None,
        };
        let is_kept = hold.standing(self.clock(p)) == Standing::Kept;
        self.processes[p].hands.insert(token.0.as_u128(), held);
        if !is_kept || self.processes[p].is_stopping {
            return self.end(p, token, Ending::Released);
        }
        self.set(p, Timer::Work(token), 1);
        let ends_ms = asked_ms + DEADLINE_MS as i64 - ms(SPARE) - self.now_ms;
        for runs_out_ms in [asked_ms + ms(SILENCE_MAX) - self.now_ms, ends_ms] {
            self.set(p, Timer::Look(token), runs_out_ms);
        }
    }

    fn beaten(&mut self, p: usize, sent: &[LeaseToken], answer: Answer, asked_at: Instant, asked_ms: i64) {
        let was_answered = matches!(answer, Answer::Held(_));
        if let Answer::Held(still_held) = answer {
            self.processes[p].contact.answered(asked_at);
            self.ledger.beaten(p, asked_at);
            for token in sent {
                let is_held = still_held.contains(token);
                let Some(held) = self.processes[p].hands.get_mut(&token.0.as_u128()) else { continue };
                held.hold.answered(asked_at, is_held);
                if is_held {
                    held.asked_ms = held.asked_ms.max(asked_ms);
                } else {
                    held.told_ms = Some(self.now_ms);
                    let after_ms = self.rng.i64(0..ms(LOOK_EVERY));
                    self.set(p, Timer::Look(*token), after_ms);
                }
            }
        }
        self.set(p, Timer::Beat, ms(beat_pause(was_answered)));
    }

    /// The attempt looks at its lease. Here it does so when that may have changed, and not all the time between.
    fn look(&mut self, p: usize, token: LeaseToken) {
        let now = self.clock(p);
        let Some(held) = self.processes[p].hands.get(&token.0.as_u128()) else { return };
        if matches!(held.phase, Phase::Settling { .. }) {
            return;
        }
        match held.hold.standing(now) {
            Standing::Kept => {
                let runs_out_ms = held.asked_ms + ms(SILENCE_MAX) - self.now_ms;
                self.set(p, Timer::Look(token), runs_out_ms.max(ms(LOOK_EVERY)));
                self.works_rightly(p, token);
            }
            Standing::Lost | Standing::CutOff => {
                self.processes[p].hands.remove(&token.0.as_u128());
            }
        }
    }

    /// The attempt is over, and its outcome is to be brought home.
    pub(crate) fn end(&mut self, p: usize, token: LeaseToken, ending: Ending) {
        if let Some(held) = self.processes[p].hands.get_mut(&token.0.as_u128()) {
            held.phase = Phase::Settling { ending, since_ms: self.now_ms, tries: 0 };
            self.settle(p, token);
        }
    }

    fn settle(&mut self, p: usize, token: LeaseToken) {
        let jitter = self.rng.f64();
        let Some(held) = self.processes[p].hands.get_mut(&token.0.as_u128()) else { return };
        let (job, input) = (held.job, held.input);
        if let Phase::Settling { ending, tries, .. } = &mut held.phase {
            *tries += 1;
            let request = Request::Settle { job, token, ending: ending.clone(), jitter, input };
            self.ask(p, request, Purpose::Settle(token));
        }
    }

    fn settled(&mut self, p: usize, token: LeaseToken, answer: &Answer) {
        let Some(held) = self.processes[p].hands.get(&token.0.as_u128()) else { return };
        let Phase::Settling { since_ms, tries, .. } = held.phase else { return };
        match homecoming(written(answer), tries) {
            Homecoming::Over(_) => {
                let tried_ms = self.now_ms - since_ms;
                self.ledger.require(written(answer).is_some() || tried_ms >= LEASE_MS as i64, || {
                    format!("process {p} dropped an outcome after {tried_ms} ms, unanswered")
                });
                self.processes[p].hands.remove(&token.0.as_u128());
            }
            Homecoming::Again(pause) => self.set(p, Timer::Settle(token), ms(pause)),
        }
    }

    /// Gives back what is in hand.
    pub(crate) fn stop(&mut self, p: usize) {
        self.processes[p].is_stopping = true;
        let tokens: Vec<u128> = self.processes[p].hands.keys().copied().collect();
        for token in tokens {
            if !matches!(self.processes[p].hands[&token].phase, Phase::Settling { .. }) {
                self.end(p, LeaseToken(uuid::Uuid::from_u128(token)), Ending::Released);
            }
        }
    }

    fn relay(&mut self, p: usize) {
        let unmarked = self.processes[p].unmarked.clone();
        if unmarked.is_empty() {
            self.ask(p, Request::LeaseOutbox, Purpose::Lease);
        } else {
            self.ask(p, Request::MarkPublished { rows: unmarked }, Purpose::Mark);
        }
    }

    /// The broker has what it got, and its word on some of it came back.
    fn delivered(&mut self, p: usize) {
        for row in std::mem::take(&mut self.processes[p].unsent) {
            if !self.chance(self.weather.undelivered) {
                self.broker.insert(row);
                if !self.chance(self.weather.undelivered) {
                    self.processes[p].unmarked.push(row);
                }
            }
        }
        self.relay(p);
    }
}

pub(crate) fn written(answer: &Answer) -> Option<Write> {
    match answer {
        Answer::Written(write) => Some(*write),
        _ => None,
    }
}
