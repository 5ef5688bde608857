//! One history: virtual time, a queue of what happens next, and a network between the processes and the database.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Instant;

use fastrand::Rng;

use crate::database::{Answer, Database, Request};
use crate::ledger::{Ledger, Move};
use crate::process::{Process, Timer};
use crate::weather::{Blow, STORM_MS, Sky, Weather};

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
    pub(crate) sky: Sky,
    pub(crate) weather: Weather,
    pub(crate) processes: Vec<Process>,
    pub(crate) ledger: Ledger,
    /// Rows of the outbox that it has.
    pub(crate) broker: BTreeSet<usize>,
    pub(crate) database: Database,
    /// When the clock was last set forward, and when each job was last cancelled: leases end with that.
    pub(crate) jumped_ms: i64,
    pub(crate) cancelled_ms: Vec<i64>,
    queue: BinaryHeap<Due>,
    scheduled: u64,
    keys: usize,
    pub(crate) keys_taken: BTreeSet<usize>,
    trace: Option<Vec<String>>,
}

/// A history that went as it must not.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) what: String,
    pub(crate) trace: Vec<String>,
}

/// Runs the history of a seed and tells what moved in it; runs it again with a trace where it goes wrong.
pub(crate) fn run(seed: u64, sky: Sky) -> Result<BTreeSet<Move>, Failure> {
    let mut world = World::new(seed, sky, false);
    let Err(what) = world.history() else { return Ok(world.ledger.moves) };
    let mut world = World::new(seed, sky, true);
    _ = world.history();
    let mut trace = world.trace.unwrap_or_default();
    trace.drain(..trace.len().saturating_sub(TRACE_LINES));
    Err(Failure { what, trace })
}

impl World {
    fn new(seed: u64, sky: Sky, is_traced: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let (processes, keys) = (rng.usize(1..=3), rng.usize(1..=4));
        let weather = match sky {
            Sky::Any => Weather::any(&mut rng, processes, keys),
            Sky::Outages => Weather::outages(&mut rng, processes),
        };
        let origin = Instant::now();
        let mut world = Self {
            origin,
            now_ms: 0,
            rng,
            sky,
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
