//! The states of an account, laid out: a plane for each peak, and in it a place for each level below that peak.
//!
//! A plane above which the peak no longer matters is the last, the top: there the floor is locked, or a pass is certain,
//! or there is neither lock nor target, and then the top is the only plane.

use super::grid::Grid;
use super::problem::{Floor, Problem, Target};
use super::reach::Reach;

/// The accounts with one peak that are not broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plane {
    /// Its first place, that of an account at its peak (in the top: at the highest level kept).
    pub(super) first: usize,
    /// How many places: each one level lower than the one before.
    pub(super) len: usize,
    /// How many of the first are at or above the target.
    pub(super) passing: usize,
}

/// What the top plane's places count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Top {
    /// From the peak, wherever it is.
    Peak,
    /// From this level.
    Level(i64),
}

/// All states of an account.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ladder {
    /// By the peak's level, from level 0; the top last.
    pub(super) planes: Vec<Plane>,
    /// How many places in all.
    pub(super) states: usize,
    top: Top,
    /// Places and shares at the start.
    pub(super) opening: Vec<(usize, f64)>,
}

impl Ladder {
    /// Lays out the states of `problem` on `grid`; `None` where they are too many to count.
    pub(super) fn new(problem: &Problem, grid: &Grid, reach: &Reach) -> Option<Self> {
        let marks = Marks::new(problem, grid, reach);
        let (climbs, top, top_plane) = match problem.floor {
            Floor::Static(_) => (0, Top::Level(marks.highest), marks.locked()),
            Floor::Trailing { .. } => marks.where_the_peak_is_left_behind(problem),
        };
        let mut ladder = Self { planes: Vec::new(), states: 0, top, opening: Vec::new() };
        for plane in (0..climbs).map(|peak| marks.plane(peak)).chain([top_plane]) {
            ladder.planes.push(Plane { first: ladder.states, ..plane });
            ladder.states = ladder.states.saturating_add(plane.len);
            if ladder.states > super::CELLS_MAX {
                return None;
            }
        }
        ladder.open(&marks);
        Some(ladder)
    }

    /// Where an account at a level is whose peak is at another.
    pub(super) fn place(&self, peak: i64, level: i64) -> usize {
        let top = self.planes.len() - 1;
        let (plane, from) = match self.planes.get(peak as usize) {
            Some(plane) if (peak as usize) < top => (plane, peak),
            _ => (&self.planes[top], if let Top::Level(highest) = self.top { highest } else { peak }),
        };
        plane.first + ((from - level).max(0) as usize).min(plane.len - 1)
    }

    /// Spreads the start over the levels and peaks beside it, its mean kept.
    fn open(&mut self, marks: &Marks) {
        let drawdown = marks.peak - marks.start;
        for (peak, share) in beside(marks.peak) {
            for (below, part) in beside(drawdown) {
                let weight = share * part;
                if weight > 0.0 {
                    self.opening.push((self.place(peak, peak - below), weight));
                }
            }
        }
    }
}

/// The two whole numbers beside `level`, and the shares that keep its mean.
fn beside(level: f64) -> [(i64, f64); 2] {
    let below = level.floor();
    let part = level - below;
    [(below as i64, 1.0 - part), (below as i64 + 1, part)]
}

/// The problem's marks, in levels.
struct Marks {
    start: f64,
    peak: f64,
    /// A trailing floor's distance; 0 where it does not trail.
    distance: f64,
    /// Where the floor stops: the lock, or the static floor itself.
    ceiling: f64,
    /// No path gets to this level.
    lowest: i64,
    /// No path gets above it, or what gets above never gets back to matter.
    highest: i64,
    /// The lowest level that passes.
    target: Option<i64>,
    /// How far a path falls below any of its points.
    fall: f64,
    /// No peak gets to this level.
    peak_end: i64,
}

impl Marks {
    fn new(problem: &Problem, grid: &Grid, reach: &Reach) -> Self {
        let (distance, ceiling) = match problem.floor {
            Floor::Static(at) => (0.0, grid.level(at)),
            Floor::Trailing { distance, ceiling } => (distance / grid.spacing, grid.level(ceiling)),
        };
        let (start, peak) = (grid.level(problem.start), grid.level(problem.peak));
        let (up, fall) = (reach.up / grid.spacing, reach.down / grid.spacing);
        let target = problem.target.map(|target| grid.level(target.at).ceil() as i64);
        let risen = (start + up).ceil() as i64 + 1;
        let safe = (ceiling.max(target.map_or(f64::NEG_INFINITY, |at| at as f64)) + fall + 1.0).ceil() as i64;
        let highest = match target {
            Some(target) if problem.passes_at_once() => risen.min(target).max(start.ceil() as i64),
            _ => risen.min(safe),
        };
        Self {
            start,
            peak,
            distance,
            ceiling,
            lowest: (start - fall).floor() as i64 - 1,
            highest: highest.max(start.ceil() as i64),
            target,
            fall,
            peak_end: (start + up).max(peak).ceil() as i64 + 2,
        }
    }

    /// Where a trailing floor's planes end, and what the top is.
    fn where_the_peak_is_left_behind(&self, problem: &Problem) -> (i64, Top, Plane) {
        let beyond_all = (self.peak_end, Top::Peak, self.trailing());
        let locked = || {
            let climbs = ((self.ceiling + self.distance).ceil() as i64).max(0);
            let highest = self.highest.max(climbs);
            (climbs, Top::Level(highest), Self { highest, ..*self }.locked())
        };
        let settled = match (problem.target, self.target) {
            (Some(Target { minimum: ..=1, .. }), Some(level)) => {
                Some((level.max(2), Top::Peak, Plane { first: 0, len: 1, passing: 1 }))
            }
            _ if self.ceiling.is_finite() => None,
            (_, Some(level)) => {
                let plane = self.trailing();
                let climbs = (level as f64 + self.distance).ceil().max(0.0) as i64;
                Some((climbs, Top::Peak, Plane { passing: plane.len, ..plane }))
            }
            _ => Some((0, Top::Peak, self.trailing())),
        };
        let ends = [settled, self.ceiling.is_finite().then(locked), Some(beyond_all)];
        // The first of the nearest.
        ends.into_iter().flatten().reduce(|a, b| if b.0 < a.0 { b } else { a }).unwrap_or(beyond_all)
    }

    /// The accounts whose highest close is at `peak`.
    fn plane(&self, peak: i64) -> Plane {
        let floor = (peak as f64 - self.distance).min(self.ceiling).floor() as i64;
        let len = (peak - floor).clamp(1, self.deepest());
        Plane { first: 0, len: len as usize, passing: self.passing(peak, len) }
    }

    /// The accounts above a floor at a distance from the peak, wherever that is.
    fn trailing(&self) -> Plane {
        let len = (self.distance.ceil() as i64).clamp(1, self.deepest());
        Plane { first: 0, len: len as usize, passing: 0 }
    }

    /// The accounts above a floor that does not move.
    fn locked(&self) -> Plane {
        let len = (self.highest - (self.ceiling.floor() as i64).max(self.lowest)).max(1);
        Plane { first: 0, len: len as usize, passing: self.passing(self.highest, len) }
    }

    /// More places below a peak than any path takes.
    fn deepest(&self) -> i64 {
        ((self.peak - self.start).max(0.0) + self.fall).ceil() as i64 + 2
    }

    fn passing(&self, highest: i64, len: i64) -> usize {
        self.target.map_or(0, |target| (highest - target + 1).clamp(0, len)) as usize
    }
}
