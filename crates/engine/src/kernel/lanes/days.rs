//! Rows that are days of several trades, in 32 bits: what a whole day does to an account, without walking its trades.

use super::course::Scratch;
use super::floor::Floor;
use super::lane::{Aligned, BROKE, EVENTS, LANES, LOST_DAY, LanePath, Lanes, NO_EVENT, PASSED, mask};
use super::look_up::Column;
use super::seen::Stops;
use super::steps::Steps;
use crate::history::rows::Day;
use crate::instructions::Kind;
use crate::kernel::account::Close;
use crate::kernel::{Account, DayTable, LogDepth, Table};
use crate::plan::Plan;
use crate::rules::daily_loss::Unlimited;
use crate::rules::floor::{Drop, Follows};
use crate::scale::RUIN_LINE;

/// No account opens a day so high that it loses too much.
const NEVER: i64 = i64::MAX;

/// The days of a plan, and how they break accounts.
#[derive(Clone, Debug)]
pub(super) struct Days<'a> {
    plan: &'a Plan,
    /// Each day's step from its open to its close, its lowest close, its highest, its deepest fall (0 where it is never
    /// deeper than from the open), and the open from which on it loses too much.
    tables: [Column; 5],
    /// A fall this deep breaks, where the floor follows every close.
    breaking_depth: i32,
    /// All ones where the floor follows the days' closes, and not every close.
    by_day: i32,
}

impl<'a> Days<'a> {
    /// `None` where a day can do what its extremes do not tell: ruin, or lock a floor that follows every close.
    pub(super) fn of(plan: &'a Plan) -> Option<Self> {
        let (days, floor) = (&plan.rows.days, plan.limits.floor);
        if days.is_empty() || plan.rows.trades.iter().any(|&step| step <= RUIN_LINE) {
            return None;
        }
        let breaking_depth = match floor.drop {
            _ if floor.follows != Follows::EveryClose => i32::MAX,
            Drop::Distance(distance) if floor.ceiling == i64::MAX => distance as i32,
            _ => return None,
        };
        let opens = |row| plan.daily_loss.as_ref().map_or(NEVER, |limited| limited.opens_in_log(row));
        let table = |of: fn(&Day) -> i64| Column::new(days.iter().map(of));
        Some(Self {
            plan,
            tables: [
                table(|day| day.step),
                table(|day| day.low),
                table(|day| day.high),
                table(|day| day.fall),
                Column::new((0..plan.rows.len()).map(opens)),
            ],
            breaking_depth,
            by_day: -i32::from(floor.follows == Follows::DayClose),
        })
    }

    /// Takes the steps of a round by the days drawn for each, and notes what the stops among them see: exact but for
    /// a day that breaks the account, before which it stands still until [`Self::replay`].
    #[inline(always)]
    pub(super) fn walk(
        &self,
        floor: impl Floor,
        kind: impl Kind,
        lanes: &mut Lanes,
        steps: Steps,
        scratch: &mut Scratch,
        mut stops: Stops<'_>,
    ) {
        for (table, found) in self.tables.iter().zip(&mut scratch.found) {
            table.each(kind, steps.count(), &scratch.drawn, found);
        }
        let (by_day, breaking_depth) = (self.by_day, self.breaking_depth);
        // Copies, so that they stay in registers from step to step.
        let mut now = Aligned((lanes.x, lanes.peak, lanes.day_peak, lanes.depth, lanes.event));
        let (x, peak, day_peak, depth, event) = &mut now.0;
        for (index, step) in steps.each() {
            let (passes_at, at) = (steps.passes_at(step), step.wrapping_mul(EVENTS));
            let [moves, lows, highs, falls, loses_from] = scratch.found.each_ref().map(|found| &found[index]);
            for lane in 0..LANES {
                let goes_on = mask(event[lane] == NO_EVENT);
                let (open, low) = (x[lane], x[lane].wrapping_add(lows[lane]));
                let followed = (day_peak[lane] & by_day) | (peak[lane] & !by_day);
                let fall = peak[lane].wrapping_sub(low).max(falls[lane]);
                let breaks = mask(low <= floor.below(followed))
                    | mask(open >= loses_from[lane])
                    | mask(fall >= breaking_depth);
                let holds = goes_on & !breaks;
                x[lane] = open.wrapping_add(moves[lane] & holds as i32);
                peak[lane] = peak[lane].max(open.wrapping_add(highs[lane] & holds as i32));
                day_peak[lane] = day_peak[lane].max(x[lane]);
                depth[lane] = depth[lane].max(fall & holds as i32);
                let broken = goes_on & !holds;
                let passed = holds & mask(x[lane] >= passes_at);
                let happened = at | (broken & BROKE) | (passed & PASSED) | !(broken | passed);
                event[lane] = event[lane].min(happened);
            }
            stops.see(step, x);
        }
        (lanes.x, lanes.peak, lanes.day_peak, lanes.depth, lanes.event) = now.0;
    }

    /// Walks the trades of the day `row` that breaks `path`, which stands at the day's open, up to the one that does.
    pub(super) fn replay(&self, path: &mut LanePath, row: u32) {
        let plan = self.plan;
        let (peak, day_peak) = (i64::from(path.peak), i64::from(path.day_peak));
        let mut account = Account {
            x: i64::from(path.x),
            peak,
            day_peak,
            floor: plan.limits.floor.level(if self.by_day == 0 { peak } else { day_peak }),
            depth: LogDepth::of(i64::from(path.depth)),
        };
        let close = match &plan.daily_loss {
            None => {
                DayTable::new(&plan.rows, plan.limits.floor, Unlimited).advance(row, &mut (), &mut account)
            }
            Some(limited) => {
                DayTable::new(&plan.rows, plan.limits.floor, limited).advance(row, &mut (), &mut account)
            }
        };
        assert_ne!(close, Close::Holds, "a day that breaks an account side by side breaks it by itself");
        (path.x, path.depth) = (account.x as i32, account.depth.distance() as i32);
        path.event = path.event / EVENTS * EVENTS + if close == Close::DayLost { LOST_DAY } else { BROKE };
    }
}
