//! What the paths of a batch came to, by path, and from there into the tally, a group of paths at a time.

use super::course::LaneCourse;
use super::lane::{EVENTS, LANES, LanePath, NO_EVENT, Numbers, PASSED};
use super::till::{Purses, Units, units_each};
use crate::exponential::whole_number;
use crate::kernel::LogDepth;
use crate::random::Words;
use crate::rules::Paid;
use crate::tally::{EventCounts, FinishedEach, SumsEach, Tally};

/// [`LANES`] paths in a row; aligned as [`Lanes`](super::lane::Lanes) are.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Page {
    /// The final states.
    x: Numbers,
    /// The greatest distances below the peak.
    depth: Numbers,
    event: Words,
    /// The round within which each ended; or how many there are.
    round: Words,
}

/// All paths of a batch.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    pages: Vec<Page>,
    /// What they have been paid, where anyone is paid.
    purses: Vec<Purses>,
    events: EventCounts,
}

impl Ledger {
    const BLANK: Page =
        Page { x: [0; LANES], depth: [0; LANES], event: [NO_EVENT; LANES], round: [0; LANES] };

    /// For paths of `steps` steps.
    pub(super) fn new(steps: u32) -> Self {
        Self { pages: Vec::new(), purses: Vec::new(), events: EventCounts::new(steps) }
    }

    /// Opens `pages` blank pages.
    pub(super) fn open(&mut self, pages: usize, pays: bool) {
        self.pages.clear();
        self.pages.resize(pages, Self::BLANK);
        self.purses.clear();
        self.purses.resize(if pays { pages } else { 0 }, Purses::EMPTY);
    }

    /// Writes down a path that ended within the `round`-th round, or in none.
    #[inline(always)]
    pub(super) fn write(&mut self, path: &LanePath, round: usize) {
        let (page, lane) = (path.path as usize / LANES, path.path as usize % LANES);
        let page = &mut self.pages[page];
        page.x[lane] = path.x;
        page.depth[lane] = path.depth;
        page.event[lane] = path.event;
        page.round[lane] = round as u32;
    }

    /// Writes down what a path has been paid.
    #[inline(always)]
    pub(super) fn write_paid(&mut self, path: u32, paid: Paid) {
        self.purses[path as usize / LANES].put(path as usize % LANES, paid);
    }

    /// Adds all paths, of which `first_path` is the first, to the tally.
    #[inline(always)]
    pub(super) fn close(&mut self, course: &LaneCourse<'_>, first_path: u64, tally: &mut Tally) {
        let mut sums = SumsEach::NONE;
        for (index, page) in self.pages.iter().enumerate() {
            let units = units_each(course.base, &page.x);
            let mut finished = FinishedEach {
                x: page.x,
                balance: whole_each(&units),
                drawdown: LogDepth::fraction_each(&page.depth),
                paid: None,
            };
            if let Some(till) = &course.till {
                let mut left = ([0; LANES], [0; LANES]);
                for lane in 0..LANES {
                    let asks = page.event[lane] == NO_EVENT || page.event[lane] % EVENTS == PASSED;
                    let ahead = course.rounds.ahead(page.round[lane]);
                    left.0[lane] = if asks { ahead.scheduled as i32 } else { 0 };
                    left.1[lane] = if asks { ahead.weekly as i32 } else { 0 };
                }
                let purses = &mut self.purses[index];
                till.pay_rest_each((&left.0, &left.1), &units, purses);
                finished.paid = Some([whole_each(&purses.scheduled), whole_each(&purses.weekly)]);
            }
            tally.add_each(&finished, &mut sums, course.opening);
            self.events.add_each(&page.event);
            if tally.fan.lets_stay() {
                let mut stops = [0; LANES];
                for (stop, &round) in stops.iter_mut().zip(&page.round) {
                    *stop = course.rounds.ahead(round).stop as usize;
                }
                tally.fan.stay_each(&stops, &page.x);
            }
        }
        sums.add_to(&mut tally.batches, first_path);
    }

    /// Adds what ended them.
    pub(super) fn add_events(&self, tally: &mut Tally) {
        self.events.add_to(&mut tally.events);
    }
}

#[inline(always)]
fn whole_each(units: &Units) -> [i64; LANES] {
    let mut whole = [0; LANES];
    for lane in 0..LANES {
        whole[lane] = whole_number(units[lane]);
    }
    whole
}
