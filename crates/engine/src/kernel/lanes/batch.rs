//! A batch of paths in lanes that stay full: a path that ends leaves its lane to the last that is still on its way.

use std::ops::Range;

use super::course::{LaneCourse, Scratch};
use super::lane::{LANES, Lanes, NO_EVENT};
use super::ledger::Ledger;
use super::rounds::{ROUND, Round};
use super::seen::{Seen, Stops};
use super::till::{Purses, units_each};
use crate::Tally;
use crate::instructions::Kind;
use crate::models::IndexProcess;

/// Paths of a batch: enough that few lanes stand empty near the end and that a stop's histogram, once fetched, serves
/// many; few enough to stay in the second-level cache.
const PATHS: usize = 4_096;

/// The paths of one batch.
#[derive(Debug)]
pub(crate) struct Batch {
    lanes: Vec<Lanes>,
    /// What their accounts have been paid, where anyone is paid; apart, for it is seldom touched.
    purses: Vec<Purses>,
    /// Paths in lanes; the lanes after theirs hold what is nobody's.
    under_way: usize,
    /// The places of the paths that ended within a round, ascending.
    holes: Vec<usize>,
    scratch: Box<Scratch>,
    ledger: Ledger,
    /// The bins of all lanes at the stops of a round: a row a stop.
    seen: Vec<Seen>,
    /// The states of what has ended, where a fan must see them at every stop anew.
    standing: Vec<i32>,
}

impl Batch {
    /// The most paths that one walk takes.
    pub(crate) const PATHS: u64 = PATHS as u64;

    /// For paths of `steps` steps.
    pub(crate) fn new(steps: u32) -> Self {
        Self {
            lanes: Vec::new(),
            purses: Vec::new(),
            under_way: 0,
            holes: Vec::new(),
            scratch: Box::new(Scratch::EMPTY),
            ledger: Ledger::new(steps),
            seen: Vec::new(),
            standing: Vec::new(),
        }
    }

    /// Walks the `paths` of `seed`, whole lanes and at most [`Self::PATHS`], and adds them to the tally, but for their
    /// events, which [`Self::close`] adds.
    #[inline(always)]
    pub(crate) fn walk<P: IndexProcess>(
        &mut self,
        course: &LaneCourse<'_>,
        process: &P,
        kind: impl Kind,
        (seed, paths): (u64, Range<u64>),
        tally: &mut Tally,
    ) {
        self.open(course, process, (seed, &paths));
        let mut next_stop = 0;
        for (index, round) in course.rounds.each().iter().enumerate() {
            if self.under_way == 0 {
                break;
            }
            self.take(course, process, kind, (index, round), tally);
            self.count(round, tally);
            self.fill();
            next_stop = round.stops.end;
            if let (Some(till), Some(request)) = (&course.till, round.request) {
                let request = (request.scheduled, request.weekly);
                for (lanes, purses) in
                    self.lanes.iter().zip(&mut self.purses).take(self.under_way.div_ceil(LANES))
                {
                    till.pay_each(request, &units_each(course.base, &lanes.x), purses);
                }
            }
        }
        let rounds = course.rounds.each().len();
        for place in 0..self.under_way {
            let path = self.lanes[place / LANES].lift(place % LANES);
            self.ledger.write(&path, rounds);
            if let Some(purses) = self.purses.get(place / LANES) {
                self.ledger.write_paid(path.path, purses.lift(place % LANES));
            }
            if !tally.fan.lets_stay() {
                self.standing.push(path.x);
            }
        }
        for stop in next_stop..course.fan_stops.len() {
            see_standing(stop, &self.standing, tally);
        }
        self.ledger.close(course, paths.start, tally);
    }

    /// Adds what only the whole run needs: the last act.
    pub(crate) fn close(self, tally: &mut Tally) {
        self.ledger.add_events(tally);
    }

    #[inline(always)]
    fn open<P: IndexProcess>(
        &mut self,
        course: &LaneCourse<'_>,
        process: &P,
        (seed, paths): (u64, &Range<u64>),
    ) {
        self.under_way = (paths.end - paths.start) as usize;
        let chunks = self.under_way / LANES;
        self.lanes.clear();
        for chunk in 0..chunks {
            self.lanes.push(course.open(process, seed, paths.start, (chunk * LANES) as u32));
        }
        self.purses.clear();
        self.purses.resize(if course.till.is_some() { chunks } else { 0 }, Purses::EMPTY);
        self.seen.resize(chunks * ROUND, [0; LANES]);
        self.standing.clear();
        self.ledger.open(chunks, course.till.is_some());
    }

    /// Takes the steps of a round, and writes down what ended within it.
    #[inline(always)]
    fn take<P: IndexProcess>(
        &mut self,
        course: &LaneCourse<'_>,
        process: &P,
        kind: impl Kind,
        (index, round): (usize, &Round),
        tally: &Tally,
    ) {
        let chunks = self.lanes.len();
        let fan_stops = &course.fan_stops[round.stops.clone()];
        let last_stop = course.fan_stops.len() - 1;
        let mut bins = [tally.fan.bins(last_stop); ROUND];
        for (bins, stop) in bins.iter_mut().zip(round.stops.clone()) {
            *bins = tally.fan.bins(stop);
        }
        let stays = tally.fan.lets_stay();
        self.holes.clear();
        for chunk in 0..self.under_way.div_ceil(LANES) {
            let lanes = &mut self.lanes[chunk];
            let stops = Stops::new(fan_stops, &bins, &mut self.seen[chunk..], chunks);
            course.walk(process, kind, lanes, round, &mut self.scratch, stops);
            let mut ended = 0_u32;
            for lane in 0..LANES {
                ended |= u32::from(lanes.event[lane] != NO_EVENT) << lane;
            }
            let live = self.under_way - chunk * LANES;
            if live < LANES {
                ended &= !(u32::MAX << live);
            }
            while ended != 0 {
                let lane = ended.trailing_zeros() as usize;
                ended &= ended.wrapping_sub(1);
                let mut path = lanes.lift(lane);
                if course.resolve(&mut path, round.done, &self.scratch.drawn, lane) {
                    let step = path.step();
                    for at in (0..fan_stops.len()).rev().take_while(|&at| fan_stops[at] >= step) {
                        self.seen[at * chunks + chunk][lane] = bins[at].index_each(&[path.x])[0];
                    }
                }
                self.ledger.write(&path, index);
                if let Some(purses) = self.purses.get(chunk) {
                    self.ledger.write_paid(path.path, purses.lift(lane));
                }
                if !stays {
                    self.standing.push(path.x);
                }
                self.holes.push(chunk * LANES + lane);
            }
        }
    }

    /// Counts what the stops of a round saw. What ended within it is seen where it ended, and standing from the next round on.
    #[inline(always)]
    fn count(&mut self, round: &Round, tally: &mut Tally) {
        let before = self.standing.len() - if self.standing.is_empty() { 0 } else { self.holes.len() };
        for (at, stop) in round.stops.clone().enumerate() {
            let row = self.seen[at * self.lanes.len()..][..self.lanes.len()].as_flattened();
            tally.fan.see_each(stop, &row[..self.under_way]);
            see_standing(stop, &self.standing[..before], tally);
        }
    }

    /// Fills the places of what ended with what is under way at the end of the lanes.
    #[inline(always)]
    fn fill(&mut self) {
        let live = self.under_way - self.holes.len();
        let (mut last, mut behind) = (self.under_way, self.holes.len());
        for &hole in &self.holes {
            if hole >= live {
                break;
            }
            last -= 1;
            // What ended among the last has no need to move.
            while behind > 0 && self.holes[behind - 1] == last {
                behind -= 1;
                last -= 1;
            }
            let path = self.lanes[last / LANES].lift(last % LANES);
            self.lanes[hole / LANES].put(hole % LANES, &path);
            if let Some(purses) = self.purses.get(last / LANES) {
                let paid = purses.lift(last % LANES);
                self.purses[hole / LANES].put(hole % LANES, paid);
            }
        }
        self.under_way = live;
    }
}

/// Shows the `stop`-th stop the states of what ended before.
#[inline(always)]
fn see_standing(stop: usize, standing: &[i32], tally: &mut Tally) {
    let bins = tally.fan.bins(stop);
    let (whole, rest) = standing.as_chunks::<LANES>();
    for states in whole {
        tally.fan.see_each(stop, &bins.index_each(states));
    }
    for &state in rest {
        tally.fan.see_each(stop, &bins.index_each(&[state]));
    }
}
