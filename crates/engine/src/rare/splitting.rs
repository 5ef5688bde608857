//! Generations of particles: the farthest are killed, and others' paths copied in their place.

use std::ops::Range;
use std::sync::atomic::Ordering;

use super::closeness::{BROKEN, Closeness};
use super::particle::{Field, Particle};
use crate::kernel::{DayTable, Table, TradeTable};
use crate::models::{IndexProcess, Process};
use crate::plan::REPETITION_PATHS;
use crate::random::Stream;
use crate::random::bounded::Bounded;
use crate::rules::daily_loss::Unlimited;
use crate::tally::{Repetition, Repetitions};
use crate::{Cancelled, Control, Level, Plan};

/// Particles of a repetition: enough that a generation seldom dies out where rows are few and ties many, few enough that
/// some dozens of repetitions are affordable. It decides results.
pub(crate) const PARTICLES: usize = 128;

/// Streams of the particles, apart from those of paths and of weighted histories: 2³² for each repetition.
const PARTICLE_STREAMS: u64 = 3 << 56;

/// Streams of one repetition. The first chooses whose paths are copied, each other is of one life.
const STREAMS_EACH: u64 = 1 << 32;

/// A repetition whose living stand for less than this ends with 0: 2⁻⁴⁰, a millionth of a millionth, by which the estimate
/// is too small at most. It bounds the work: each generation kills a half or more, so no more than forty come, and a particle
/// lives 21 times on average at most.
const WEIGHT_MIN: f64 = 1.0 / (1_u64 << 40) as f64;

/// The repetitions `indices`.
///
/// # Errors
/// [`Cancelled`] once [`Control::cancel`] is seen, at the end of a path.
pub(crate) fn run_repetitions(
    plan: &Plan,
    indices: Range<u32>,
    control: &Control,
) -> Result<Repetitions, Cancelled> {
    if indices.is_empty() {
        return Ok(Repetitions::default());
    }
    if let Some(filter) = &plan.filter {
        let table = TradeTable::new(filter, plan.limits.floor);
        return in_field(plan, &plan.process, table, |field| repeat_each(plan, field, indices, control));
    }
    match &plan.process {
        Process::Iid(process) => with_table(plan, process, indices, control),
        Process::Stationary(process) => with_table(plan, process, indices, control),
        Process::Circular(process) => with_table(plan, process, indices, control),
        process @ (Process::Regimes(_) | Process::WorstWeek(_)) => {
            with_table(plan, process, indices, control)
        }
    }
}

fn with_table<P: IndexProcess>(
    plan: &Plan,
    process: &P,
    indices: Range<u32>,
    control: &Control,
) -> Result<Repetitions, Cancelled> {
    let (rows, floor) = (&plan.rows, plan.limits.floor);
    match (plan.horizon.level, &plan.daily_loss) {
        (Level::Trade, _) => {
            let table = TradeTable::new(rows.trades.as_slice(), floor);
            in_field(plan, process, table, |field| repeat_each(plan, field, indices, control))
        }
        (Level::Day, None) => {
            let table = DayTable::new(rows, floor, Unlimited);
            in_field(plan, process, table, |field| repeat_each(plan, field, indices, control))
        }
        (Level::Day, Some(limited)) => {
            let table = DayTable::new(rows, floor, limited);
            in_field(plan, process, table, |field| repeat_each(plan, field, indices, control))
        }
    }
}

/// What `work` makes of the field of the plan's particles.
pub(super) fn in_field<P: IndexProcess, T: Table, R>(
    plan: &Plan,
    process: &P,
    table: T,
    work: impl FnOnce(&Field<'_, P, T>) -> R,
) -> R {
    let requests: Vec<u32> = plan.stops.iter().filter(|stop| stop.scheduled).map(|stop| stop.step).collect();
    work(&Field {
        process,
        table,
        closeness: Closeness::of_paths(plan),
        last_step: plan.horizon.last_step,
        withdrawals: plan.withdrawals().map(|withdrawals| (withdrawals, requests.as_slice())),
    })
}

/// The repetitions in their field.
pub(super) fn repeat_each<P: IndexProcess, T: Table>(
    plan: &Plan,
    field: &Field<'_, P, T>,
    indices: Range<u32>,
    control: &Control,
) -> Result<Repetitions, Cancelled> {
    let mut repetitions = Repetitions::default();
    for index in indices {
        repetitions.add(repeat(plan, field, index, control)?);
        control.paths_done.fetch_add(REPETITION_PATHS, Ordering::Relaxed);
    }
    Ok(repetitions)
}

fn repeat<P: IndexProcess, T: Table>(
    plan: &Plan,
    field: &Field<'_, P, T>,
    index: u32,
    control: &Control,
) -> Result<Repetition, Cancelled> {
    let mut streams = Streams::of_repetition(plan.seed, index);
    let mut choice = streams.next();
    let mut lives = Vec::with_capacity(PARTICLES);
    for _ in 0..PARTICLES {
        look(control)?;
        lives.push(Life::of(Particle::open(plan, &field.table, streams.next()), field));
    }
    let (mut weight, mut generations) = (1.0, 0);
    while let Some(level) = level(&lives) {
        let (dead, mut alive): (Vec<usize>, Vec<usize>) =
            (0..PARTICLES).partition(|&particle| lives[particle].closest <= level);
        weight *= alive.len() as f64 / PARTICLES as f64;
        generations += 1;
        if weight < WEIGHT_MIN {
            break;
        }
        shuffle(&mut alive, &mut choice);
        for (particle, &parent) in dead.into_iter().zip(alive.iter().cycle()) {
            look(control)?;
            lives[particle] = lives[parent].branch(level, streams.next(), field);
        }
    }
    let broken = lives.iter().filter(|life| life.broke).count();
    let probability = if weight < WEIGHT_MIN { 0.0 } else { weight * broken as f64 / PARTICLES as f64 };
    Ok(Repetition { index, probability, generations, paths: streams.lives() })
}

/// In any order, each as likely: so the living are copied equally often, but for one time more that chance gives to some.
/// Their mean numbers of copies are equal, which is all that an unbiased estimate needs, and vary less than if each copy's parent
/// were drawn anew.
fn shuffle(particles: &mut [usize], choice: &mut Stream) {
    for left in (2..=particles.len()).rev() {
        particles.swap(left - 1, Bounded::below(left as u32).draw(choice) as usize);
    }
}

/// How close the farther half came, at and below which particles are killed; none where enough of them broke.
fn level<M>(lives: &[Life<M>]) -> Option<f64> {
    let mut closest: Vec<f64> = lives.iter().map(|life| life.closest).collect();
    closest.sort_by(f64::total_cmp);
    let level = closest[PARTICLES / 2 - 1];
    (level < BROKEN).then_some(level)
}

/// A particle from where its own stream begins to the end of its path.
struct Life<M> {
    birth: Particle<M>,
    /// How close it came, before its birth too: it was born closer than ever before.
    closest: f64,
    broke: bool,
}

impl<M: Clone> Life<M> {
    fn of<P: IndexProcess, T: Table<Memory = M>>(birth: Particle<M>, field: &Field<'_, P, T>) -> Self {
        let mut walker = birth.clone();
        let closest = walker.walk_above(field, f64::INFINITY);
        Self { birth, closest, broke: walker.is_broken() }
    }

    /// A copy of this path up to where it first came closer than `level`, which goes on with `stream`.
    fn branch<P: IndexProcess, T: Table<Memory = M>>(
        &self,
        level: f64,
        stream: Stream,
        field: &Field<'_, P, T>,
    ) -> Self {
        let mut walker = self.birth.clone();
        walker.walk_above(field, level);
        Self::of(walker.with_stream(stream), field)
    }
}

/// Hands out the streams of one repetition.
struct Streams {
    seed: u64,
    first: u64,
    used: u64,
}

impl Streams {
    fn of_repetition(seed: u64, index: u32) -> Self {
        Self { seed, first: PARTICLE_STREAMS + u64::from(index) * STREAMS_EACH, used: 0 }
    }

    fn next(&mut self) -> Stream {
        self.used += 1;
        Stream::of_path(self.seed, self.first + self.used - 1)
    }

    /// All but the first stream.
    fn lives(&self) -> u64 {
        self.used - 1
    }
}

fn look(control: &Control) -> Result<(), Cancelled> {
    if control.cancel.load(Ordering::Relaxed) { Err(Cancelled) } else { Ok(()) }
}
