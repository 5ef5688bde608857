//! A batch of paths in lanes that stay full: a path that ends leaves its lane to the last that is still on its way.

use super::course::LaneCourse;
use super::lane::{LANES, LanePath, Lanes, NO_EVENT};
use crate::Tally;
use crate::kernel::{Cause, End, LogDepth};
use crate::models::IndexProcess;

/// Paths of a batch: enough that few lanes stand empty near the end, few enough to stay in the first-level cache.
const PATHS: usize = 512;

/// A path that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// Its id.
    pub(crate) path: u64,
    pub(crate) end: End,
    /// The final state.
    pub(crate) x: i64,
    pub(crate) depth: LogDepth,
}

/// The paths of one batch.
#[derive(Debug)]
pub(crate) struct Batch {
    lanes: Vec<Lanes>,
    /// Final states of the paths that have ended.
    ended: Vec<i32>,
}

impl Batch {
    /// Paths that one walk takes.
    pub(crate) const PATHS: u64 = PATHS as u64;

    /// Room for the paths.
    pub(crate) fn new() -> Self {
        Self { lanes: Vec::with_capacity(PATHS / LANES), ended: Vec::with_capacity(PATHS) }
    }

    /// Walks the paths `first_path .. first_path + PATHS` of `seed`; hands each to `finish` when it has ended.
    #[inline(always)]
    pub(crate) fn walk<P: IndexProcess>(
        &mut self,
        course: &LaneCourse<'_>,
        process: &P,
        (seed, first_path): (u64, u64),
        tally: &mut Tally,
        mut finish: impl FnMut(&mut Tally, Ended),
    ) {
        self.lanes.clear();
        self.ended.clear();
        for offset in (0..PATHS).step_by(LANES) {
            self.lanes.push(course.open(process, seed, first_path, offset as u32));
        }
        let mut under_way = PATHS;
        let mut done = 0;
        for (stop, &until) in course.stops.iter().enumerate() {
            let until = until.min(course.last_step);
            for lanes in &mut self.lanes[..under_way.div_ceil(LANES)] {
                course.walk(process, lanes, done, until);
            }
            done = until;
            self.settle(&mut under_way, |path, end| finish(tally, ended(path, first_path, end)));
            let (full, rest) = (under_way / LANES, under_way % LANES);
            for lanes in &self.lanes[..full] {
                tally.fan.see_each(stop, &lanes.x);
            }
            if rest > 0 {
                tally.fan.see_each(stop, &self.lanes[full].x[..rest]);
            }
            tally.fan.see_each(stop, &self.ended);
        }
        for index in 0..under_way {
            let path = self.lanes[index / LANES].lift(index % LANES);
            finish(tally, ended(&path, first_path, End { step: course.last_step, cause: None }));
        }
    }

    /// Hands over what has ended, and closes the gaps.
    #[inline(always)]
    fn settle(&mut self, under_way: &mut usize, mut finish: impl FnMut(&LanePath, End)) {
        for chunk in (0..under_way.div_ceil(LANES)).rev() {
            if self.lanes[chunk].event.iter().fold(NO_EVENT, |least, &event| least.min(event)) == NO_EVENT {
                continue;
            }
            // Backwards, so that the last path, which fills the gap, has been looked at.
            for lane in (0..LANES.min(*under_way - chunk * LANES)).rev() {
                let path = self.lanes[chunk].lift(lane);
                if path.event == NO_EVENT {
                    continue;
                }
                let cause = if path.event & 1 == 1 { Cause::Pass } else { Cause::Drawdown };
                finish(&path, End { step: path.event >> 1, cause: Some(cause) });
                self.ended.push(path.x);
                *under_way -= 1;
                let last = self.lanes[*under_way / LANES].lift(*under_way % LANES);
                self.lanes[chunk].put(lane, &last);
            }
        }
    }
}

fn ended(path: &LanePath, first_path: u64, end: End) -> Ended {
    Ended {
        path: first_path + u64::from(path.path),
        end,
        x: i64::from(path.x),
        depth: LogDepth::of(i64::from(path.depth)),
    }
}
