//! A batch of paths in lanes that stay full: a path that ends leaves its lane to the last that is still on its way.

use std::array;
use std::ops::Range;

use super::course::{LaneCourse, Seen};
use super::lane::{EVENTS, LANES, LOST_DAY, LanePath, Lanes, NO_EVENT, PASSED};
use super::till::Purses;
use crate::Tally;
use crate::instructions::Kind;
use crate::kernel::{Cause, End, LogDepth};
use crate::models::IndexProcess;
use crate::rules::Paid;
use crate::tally::Fan;

/// Paths of a batch: enough that few lanes stand empty near the end and that a stop's histogram, once fetched, serves
/// many; few enough to stay in the second-level cache.
const PATHS: usize = 2_048;

/// Groups of lanes of a batch.
const CHUNKS: usize = PATHS / LANES;

/// Steps between two looks at what has ended: its lanes idle until then, but a look costs as much as a step.
const ROUND: u32 = 8;

/// A path that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// Its id.
    pub(crate) path: u64,
    pub(crate) end: End,
    /// The final state.
    pub(crate) x: i64,
    pub(crate) depth: LogDepth,
    pub(crate) paid: Paid,
}

/// The paths of one batch.
#[derive(Debug)]
pub(crate) struct Batch {
    lanes: Vec<Lanes>,
    /// One for each of the lanes; apart, for they are seldom touched.
    purses: Vec<Purses>,
    gone: Gone,
    /// The bins of all lanes at the stops of a round: a row a stop.
    seen: Vec<Seen>,
}

/// The paths that have ended, in no order.
#[derive(Debug)]
struct Gone {
    ended: Vec<Ended>,
    /// Their states, where a fan must see them at every stop anew.
    standing: Vec<i32>,
}

impl Batch {
    /// The most paths that one walk takes.
    pub(crate) const PATHS: u64 = PATHS as u64;

    /// Room for the paths.
    pub(crate) fn new() -> Self {
        Self {
            lanes: Vec::with_capacity(CHUNKS),
            purses: vec![Purses::EMPTY; CHUNKS],
            gone: Gone { ended: Vec::with_capacity(PATHS), standing: Vec::with_capacity(PATHS) },
            seen: vec![[0; LANES]; CHUNKS * ROUND as usize],
        }
    }

    /// Walks the `paths` of `seed`, whole lanes and at most [`Self::PATHS`]; hands each to `finish` when it has ended.
    #[inline(always)]
    pub(crate) fn walk<P: IndexProcess>(
        &mut self,
        course: &LaneCourse<'_>,
        process: &P,
        kind: impl Kind,
        (seed, paths): (u64, Range<u64>),
        tally: &mut Tally,
        finish: impl Fn(&mut Tally, &Ended),
    ) {
        let first_path = paths.start;
        let mut under_way = (paths.end - first_path) as usize;
        self.lanes.clear();
        self.gone.ended.clear();
        self.gone.standing.clear();
        if course.till.is_some() {
            self.purses.fill(Purses::EMPTY);
        }
        for offset in (0..under_way).step_by(LANES) {
            self.lanes.push(course.open(process, seed, first_path, offset as u32));
        }
        let (mut done, mut stop, mut request) = (0, 0, 0);
        let last_stop = course.fan_stops.len() - 1;
        while done < course.last_step && under_way > 0 {
            let requested_at = course.requests.get(request).map_or(u32::MAX, |at| at.step);
            let until = course.last_step.min(done + ROUND).min(requested_at);
            let next_stop = stop + course.fan_stops[stop..].iter().take_while(|&&at| at <= until).count();
            let fan_stops = &course.fan_stops[stop..next_stop];
            let bins: [_; ROUND as usize] = array::from_fn(|at| tally.fan.bins((stop + at).min(last_stop)));
            for (index, lanes) in self.lanes[..under_way.div_ceil(LANES)].iter_mut().enumerate() {
                let stops = fan_stops.iter().zip(&bins).zip(self.seen[index..].iter_mut().step_by(CHUNKS));
                course.walk(process, kind, lanes, (done, until), stops);
                let seen = &mut self.seen;
                course.resolve(lanes, fan_stops, |at, lane, x| {
                    seen[at * CHUNKS + index][lane] = bins[at].index_each(&[x])[0];
                });
            }
            for at in 0..fan_stops.len() {
                let row = self.seen[at * CHUNKS..][..CHUNKS].as_flattened();
                tally.fan.see_each(stop + at, &row[..under_way]);
                see_standing(stop + at, &self.gone.standing, tally);
            }
            (done, stop) = (until, next_stop);
            let Self { lanes, purses, gone, .. } = self;
            settle(lanes, purses, &mut under_way, |path, end, paid| {
                let paid = course.paid_in_all(request, path.x, end, paid);
                gone.add(Ended::of(path, first_path, end, paid), stop, &mut tally.fan);
            });
            if let Some(till) = &course.till
                && until == requested_at
            {
                let chunks = under_way.div_ceil(LANES);
                for (lanes, purses) in self.lanes[..chunks].iter().zip(&mut self.purses) {
                    till.pay_each(course.requests[request], &lanes.x, purses);
                }
                request += 1;
            }
        }
        let end = End { step: course.last_step, cause: None };
        for index in 0..under_way {
            let (chunk, lane) = (index / LANES, index % LANES);
            let path = self.lanes[chunk].lift(lane);
            let paid = course.paid_in_all(request, path.x, end, self.purses[chunk].lift(lane));
            self.gone.add(Ended::of(&path, first_path, end, paid), stop, &mut tally.fan);
        }
        for stop in stop..course.fan_stops.len() {
            see_standing(stop, &self.gone.standing, tally);
        }
        for ended in &self.gone.ended {
            finish(tally, ended);
        }
    }
}

impl Ended {
    #[inline(always)]
    fn of(path: &LanePath, first_path: u64, end: End, paid: Paid) -> Self {
        Self {
            path: first_path + u64::from(path.path),
            end,
            x: i64::from(path.x),
            depth: LogDepth::of(i64::from(path.depth)),
            paid,
        }
    }
}

impl Gone {
    /// Adds a path that `fan` has still to see at its `stop`-th stop and at all later ones.
    #[inline(always)]
    fn add(&mut self, path: Ended, stop: usize, fan: &mut Fan) {
        if fan.lets_stay() {
            fan.stay(stop, path.x);
        } else {
            self.standing.push(path.x as i32);
        }
        self.ended.push(path);
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

/// Hands over what has ended, and closes the gaps.
#[inline(always)]
fn settle(
    all: &mut [Lanes],
    purses: &mut [Purses],
    under_way: &mut usize,
    mut finish: impl FnMut(&LanePath, End, Paid),
) {
    for chunk in (0..under_way.div_ceil(LANES)).rev() {
        if all[chunk].event.iter().fold(NO_EVENT, |least, &event| least.min(event)) == NO_EVENT {
            continue;
        }
        // Backwards, so that the last path, which fills the gap, has been looked at.
        for lane in (0..LANES.min(*under_way - chunk * LANES)).rev() {
            let path = all[chunk].lift(lane);
            if path.event == NO_EVENT {
                continue;
            }
            let cause = match path.event % EVENTS {
                PASSED => Cause::Pass,
                LOST_DAY => Cause::DailyLoss,
                _ => Cause::Drawdown,
            };
            finish(&path, End { step: path.event / EVENTS, cause: Some(cause) }, purses[chunk].lift(lane));
            *under_way -= 1;
            let (last_chunk, last_lane) = (*under_way / LANES, *under_way % LANES);
            let (last, paid) = (all[last_chunk].lift(last_lane), purses[last_chunk].lift(last_lane));
            all[chunk].put(lane, &last);
            purses[chunk].put(lane, paid);
        }
    }
}
