//! One history: virtual time, a queue of what happens next, and a network between the processes and the database.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Instant;

use fastrand::Rng;
use monte_carlo_service::jobs::ids::LeaseToken;
use monte_carlo_service::jobs::machine::{self, State};

use crate::database::{Answer, Database, Request};
use crate::ledger::{Ledger, Move};
use crate::process::{Held, Phase, Process, Timer};
use crate::weather::{Blow, STORM_MS, Weather};

/// By then every job must have ended. Far more than the pauses of five attempts and a deadline each.
const PATIENCE_MS: i64 = 20 * 60 * 1_000;
/// Events that are shown of a history that went wrong.
const TRACE_LINES: usize = 120;

/// A process in one of its lives; what is meant for an earlier one reaches nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) process: usize,
    pub(crate) life: u32,
}

#[derive(Debug)]
pub(crate) enum Event {
    /// At the database. Nobody waits any more at `bound_ms`.
    Arrives {
        from: Address,
        call: u32,
        request: Request,
        bound_ms: i64,
    },
    Answers {
        to: Address,
        call: u32,
        answer: Answer,
    },
    Rings {
        of: Address,
        timer: Timer,
    },
    /// A message about a finished assessment, which Kafka brings until it is taken.
    Brings {
        key: usize,
    },
    Strikes(Blow),
    ClearsUp,
}

struct Due {
    at: Reverse<(i64, u64)>,
    event: Event,
}

pub(crate) struct World {
    pub(crate) origin: Instant,
    pub(crate) now_ms: i64,
    pub(crate) rng: Rng,
    pub(crate) weather: Weather,
    pub(crate) processes: Vec<Process>,
    pub(crate) ledger: Ledger,
    /// Rows of the outbox that it has.
    pub(crate) broker: BTreeSet<usize>,
    database: Database,
    /// When the clock was last set forward, and when each job was last cancelled: leases end with that.
    jumped_ms: i64,
    cancelled_ms: Vec<i64>,
    queue: BinaryHeap<Due>,
    scheduled: u64,
    keys: usize,
    keys_taken: BTreeSet<usize>,
    trace: Option<Vec<String>>,
}

/// A history that went as it must not.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) what: String,
    pub(crate) trace: Vec<String>,
}

/// Runs the history of a seed and tells what moved in it; runs it again with a trace where it goes wrong.
pub(crate) fn run(seed: u64) -> Result<BTreeSet<Move>, Failure> {
    let mut world = World::new(seed, false);
    let Err(what) = world.history() else { return Ok(world.ledger.moves) };
    let mut world = World::new(seed, true);
    _ = world.history();
    let mut trace = world.trace.unwrap_or_default();
    trace.drain(..trace.len().saturating_sub(TRACE_LINES));
    Err(Failure { what, trace })
}

impl World {
    fn new(seed: u64, is_traced: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let (processes, keys) = (rng.usize(1..=3), rng.usize(1..=4));
        let weather = Weather::any(&mut rng, processes, keys);
        let origin = Instant::now();
        let mut world = Self {
            origin,
            now_ms: 0,
            rng,
            weather,
            processes: (0..processes).map(|_| Process::new(0, origin)).collect(),
            ledger: Ledger::default(),
            broker: BTreeSet::new(),
            database: Database::default(),
            jumped_ms: i64::MIN,
            cancelled_ms: vec![i64::MIN; keys],
            queue: BinaryHeap::new(),
            scheduled: 0,
            keys,
            keys_taken: BTreeSet::new(),
            trace: is_traced.then(Vec::new),
        };
        (0..processes).for_each(|p| world.boot(p));
        for key in 0..keys {
            let at_ms = world.rng.i64(0..STORM_MS / 2);
            world.schedule(at_ms, Event::Brings { key });
        }
        for (at_ms, blow) in world.weather.blows.clone() {
            world.schedule(at_ms, Event::Strikes(blow));
        }
        world.schedule(STORM_MS, Event::ClearsUp);
        world
    }

    fn history(&mut self) -> Result<(), String> {
        while let Some(Due { at: Reverse((at_ms, _)), event }) = self.queue.pop() {
            self.now_ms = at_ms;
            if let Some(trace) = &mut self.trace {
                trace.push(format!("{at_ms:>7} {event:?}"));
            }
            self.happens(event);
            if let Some(violation) = self.ledger.violation.take() {
                return Err(violation);
            }
            if self.now_ms > STORM_MS && self.keys_taken.len() == self.keys && self.database.is_at_rest() {
                break;
            }
            if self.now_ms > PATIENCE_MS {
                return Err(format!("after {PATIENCE_MS} ms not all is done: {:?}", self.database.records));
            }
        }
        self.end_is_well()
    }

    fn end_is_well(&self) -> Result<(), String> {
        if self.database.records.len() != self.keys {
            return Err(format!("{} messages made {} jobs", self.keys, self.database.records.len()));
        }
        match (0..self.database.outbox.len()).find(|row| !self.broker.contains(row)) {
            Some(row) => Err(format!("the broker never got {:?}", self.database.outbox[row])),
            None => Ok(()),
        }
    }

    pub(crate) fn schedule(&mut self, after_ms: i64, event: Event) {
        self.scheduled += 1;
        self.queue.push(Due { at: Reverse((self.now_ms + after_ms.max(0), self.scheduled)), event });
    }

    pub(crate) fn chance(&mut self, in_a_thousand: u32) -> bool {
        in_a_thousand > 0 && self.rng.u32(0..1_000) < in_a_thousand
    }

    fn happens(&mut self, event: Event) {
        let of = match event {
            Event::Answers { to, .. } => Some(to),
            Event::Rings { of, .. } => Some(of),
            _ => None,
        };
        if let Some(Address { process, life }) = of {
            let Process { life: current, is_alive, frozen_until_ms, .. } = self.processes[process];
            if life != current || !is_alive && !matches!(event, Event::Rings { timer: Timer::Boot, .. }) {
                return;
            }
            if self.now_ms < frozen_until_ms {
                return self.schedule(frozen_until_ms - self.now_ms, event);
            }
        }
        match event {
            Event::Arrives { from, call, request, bound_ms } => self.arrives(from, call, &request, bound_ms),
            Event::Answers { to, call, answer } => self.answered(to.process, call, answer),
            Event::Rings { of, timer } => self.rings(of.process, timer),
            Event::Brings { key } => self.brings(key),
            Event::Strikes(blow) => self.strikes(blow),
            Event::ClearsUp => {
                self.weather = Weather::default();
                for process in &mut self.processes {
                    (process.cut_until_ms, process.mute_until_ms) = (0, 0);
                }
            }
        }
    }

    /// A request goes out: it may be lost, late or doubled.
    pub(crate) fn send(&mut self, from: Address, call: u32, request: Request, wait_ms: i64) {
        let bound_ms = self.now_ms + wait_ms;
        let process = &self.processes[from.process];
        let is_beat = matches!(request, Request::Beat { .. });
        let is_cut = self.now_ms < process.cut_until_ms || is_beat && self.now_ms < process.mute_until_ms;
        if is_cut || self.chance(self.weather.lost) {
            return self.set(from.process, Timer::GiveUp(call), wait_ms);
        }
        // A claim that is repeated would take more; the store repeats what is harmless alone.
        if !matches!(request, Request::Claim { .. }) && self.chance(self.weather.doubled) {
            let after_ms = self.delay_ms();
            self.schedule(after_ms, Event::Arrives { from, call, request: request.clone(), bound_ms });
        }
        let after_ms = self.delay_ms();
        self.schedule(after_ms, Event::Arrives { from, call, request, bound_ms });
    }

    fn delay_ms(&mut self) -> i64 {
        if !self.chance(self.weather.late) {
            return self.rng.i64(1..20);
        }
        // As long as a beat is waited for, or as anything is.
        let most_ms = if self.rng.bool() { 2_000 } else { 20_000 };
        self.rng.i64(100..most_ms)
    }

    /// The database does what it is asked, or refuses; the answer may be lost, late or doubled.
    fn arrives(&mut self, from: Address, call: u32, request: &Request, bound_ms: i64) {
        let is_refused = self.chance(self.weather.refused);
        let mut answer = Answer::Failed;
        if !is_refused {
            let (done, is_due) = self.database.carry_out(request, self.now_ms, &mut self.ledger);
            if is_due {
                for p in 0..self.processes.len() {
                    self.set(p, Timer::Claim, 5);
                }
            }
            if !self.chance(self.weather.ambiguous) {
                answer = done;
            }
        }
        if self.processes[from.process].life != from.life {
            return;
        }
        let give_up = Event::Rings { of: from, timer: Timer::GiveUp(call) };
        let is_cut = self.now_ms < self.processes[from.process].cut_until_ms;
        if is_cut || self.chance(self.weather.lost) {
            return self.schedule(bound_ms - self.now_ms, give_up);
        }
        let after_ms = self.delay_ms();
        if self.now_ms + after_ms > bound_ms {
            self.schedule(bound_ms - self.now_ms, give_up);
        }
        if self.chance(self.weather.doubled) {
            self.schedule(after_ms, Event::Answers { to: from, call, answer: answer.clone() });
        }
        self.schedule(after_ms, Event::Answers { to: from, call, answer });
    }

    /// Kafka brings a message until its job is surely there.
    fn brings(&mut self, key: usize) {
        let is_written = !self.chance(self.weather.refused + self.weather.lost);
        if is_written {
            self.database.insert(key, self.now_ms);
            let jobs_of = self.database.records.iter().filter(|record| record.key == key).count();
            self.ledger.require(jobs_of == 1, || format!("message {key} made {jobs_of} jobs"));
        }
        if is_written && !self.chance(self.weather.ambiguous) {
            self.keys_taken.insert(key);
        }
        if !self.keys_taken.contains(&key) || self.chance(self.weather.doubled) {
            let after_ms = self.rng.i64(100..5_000);
            self.schedule(after_ms, Event::Brings { key });
        }
    }

    fn strikes(&mut self, blow: Blow) {
        let now_ms = self.now_ms;
        match blow {
            Blow::Crash { process: p, away_ms } => self.crash(p, away_ms),
            Blow::Stop { process: p } => {
                if self.processes[p].is_alive && self.processes[p].frozen_until_ms <= now_ms {
                    self.stop(p);
                    let away_ms = self.rng.i64(100..3_000);
                    self.schedule(1_000, Event::Strikes(Blow::Crash { process: p, away_ms }));
                }
            }
            Blow::Freeze { process: p, ms } => self.freeze(p, ms),
            Blow::Suspend { process: p, ms } => {
                self.freeze(p, ms);
                self.processes[p].behind_ms += ms;
            }
            Blow::Partition { process: p, ms } => self.processes[p].cut_until_ms = now_ms + ms,
            Blow::Mute { process: p, ms } => self.processes[p].mute_until_ms = now_ms + ms,
            Blow::ClockJump { ms } => {
                self.database.clock_ahead_ms += ms;
                if ms > 0 {
                    self.jumped_ms = now_ms;
                }
            }
            Blow::Cancel { job } => self.asks(job, &machine::Event::CancelAsked),
            Blow::Retry { job } => self.asks(job, &machine::Event::Retried),
        }
    }

    fn crash(&mut self, p: usize, away_ms: i64) {
        if self.processes[p].is_alive {
            self.processes[p].is_alive = false;
            self.processes[p].hands.clear();
            self.processes[p].frozen_until_ms = 0;
            self.set(p, Timer::Boot, away_ms);
        }
    }

    fn freeze(&mut self, p: usize, ms: i64) {
        let process = &mut self.processes[p];
        process.frozen_until_ms = process.frozen_until_ms.max(self.now_ms) + ms;
        process.disturbed_ms = process.frozen_until_ms;
    }

    /// A person asks something of a job.
    fn asks(&mut self, job: usize, event: &machine::Event) {
        if job < self.database.records.len()
            && self.database.step(job, event, (self.now_ms, 0.0, 0), &mut self.ledger).is_ok()
        {
            self.cancelled_ms[job] = self.now_ms;
        }
    }

    /// A process works under a lease that holds, and alone. It cannot know better where it stood still since it claimed, the
    /// clock by which its lease lives was set forward, or a person took the job away.
    pub(crate) fn works_rightly(&mut self, p: usize, token: LeaseToken) {
        let Some(held) = self.processes[p].hands.get(&token.0.as_u128()) else { return };
        let job = held.job;
        if !self.could_know(p, held) {
            return;
        }
        let others =
            (0..self.processes.len()).filter(|other| *other != p && self.is_surely_working(*other, job));
        let others: Vec<usize> = others.collect();
        let now_ms = self.database.now_ms(self.now_ms);
        let state = &self.database.records[job].job.state;
        let holds = matches!(state, State::Running { token: current, expires_at_ms, .. }
            if *current == token && now_ms < *expires_at_ms);
        self.ledger.require(holds, || format!("process {p} works on job {job} without a lease: {state:?}"));
        self.ledger.require(others.is_empty(), || format!("job {job} is worked on by {p} and {others:?}"));
    }

    fn is_surely_working(&self, p: usize, job: usize) -> bool {
        let process = &self.processes[p];
        let works = |held: &Held| held.job == job && !matches!(held.phase, Phase::Settling { .. });
        process.is_alive && process.hands.values().any(|held| works(held) && self.could_know(p, held))
    }

    fn could_know(&self, p: usize, held: &Held) -> bool {
        let taken_away_ms = self.jumped_ms.max(self.cancelled_ms[held.job]);
        held.claimed_ms > self.processes[p].disturbed_ms.max(taken_away_ms)
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}
