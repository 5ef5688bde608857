//! Rows of one trade each, in 32 bits: trades, or days of one trade.

use super::course::Scratch;
use super::floor::Floor;
use super::lane::{Aligned, BROKE, EVENTS, LANES, LOST_DAY, LanePath, Lanes, NO_EVENT, PASSED, mask};
use super::look_up::Column;
use super::seen::Stops;
use super::steps::Steps;
use crate::Level;
use crate::instructions::Kind;
use crate::plan::Plan;
use crate::rules::daily_loss::{DailyLoss, DailyThresholds};
use crate::scale::RUIN_LINE;

/// What such rows do.
#[derive(Clone, Debug)]
pub(super) struct SingleRows<'a> {
    /// The step of each row.
    steps: Column,
    /// The state from which on each row loses too much for one day.
    losing: Option<(Column, &'a DailyThresholds)>,
}

impl<'a> SingleRows<'a> {
    /// `None` where a row has several trades, or ruins.
    pub(super) fn of(plan: &'a Plan) -> Option<Self> {
        if plan.rows.trades.iter().any(|&step| step <= RUIN_LINE) {
            return None;
        }
        if plan.horizon.level == Level::Trade {
            return Some(Self { steps: Column::new(plan.rows.trades.iter().copied()), losing: None });
        }
        if plan.rows.days.iter().any(|day| day.trades != 1) {
            return None;
        }
        let losing = |limited: &'a DailyThresholds| {
            (Column::new((0..plan.rows.len()).map(|row| limited.opens_in_log(row))), limited)
        };
        let steps = Column::new(plan.rows.days.iter().map(|day| day.step));
        Some(Self { steps, losing: plan.daily_loss.as_ref().map(losing) })
    }

    /// Takes the steps of a round by the rows drawn for each, and notes what the stops among them see. An event is
    /// the step alone until [`Self::resolve`].
    #[inline(always)]
    pub(super) fn walk(
        &self,
        floor: impl Floor,
        kind: impl Kind,
        lanes: &mut Lanes,
        steps: Steps,
        scratch: &mut Scratch,
        stops: Stops<'_>,
    ) {
        let [moves, loses_from, ..] = &mut scratch.found;
        self.steps.each(kind, steps.count(), &scratch.drawn, moves);
        if let Some((table, _)) = &self.losing {
            table.each(kind, steps.count(), &scratch.drawn, loses_from);
            tread::<true>(floor, lanes, steps, scratch, stops);
        } else {
            tread::<false>(floor, lanes, steps, scratch, stops);
        }
    }

    /// What the event of a path was, which `row` ended. A breach beats a pass, and when one move crosses two floors, the
    /// higher is the cause.
    #[inline(always)]
    pub(super) fn resolve(&self, floor: impl Floor, path: &mut LanePath, row: u32) {
        let floor = floor.below(path.peak);
        let broken = path.x <= floor;
        let mut lost = false;
        if let Some((loses_from, limited)) = &self.losing {
            let open = path.x.wrapping_sub(self.steps.at(row));
            lost = open >= loses_from.at(row);
            if lost & broken {
                lost = i64::from(floor) < limited.floor(i64::from(open));
            }
        }
        // Without a branch, for nothing predicts it.
        path.event |=
            (mask(lost) & LOST_DAY) | (mask(broken & !lost) & BROKE) | (mask(!broken & !lost) & PASSED);
    }
}

#[inline(always)]
fn tread<const LIMITED: bool>(
    floor: impl Floor,
    lanes: &mut Lanes,
    steps: Steps,
    scratch: &Scratch,
    mut stops: Stops<'_>,
) {
    // Copies, so that they stay in registers from step to step.
    let mut now = Aligned((lanes.x, lanes.peak, lanes.depth, lanes.event));
    let (x, peak, depth, event) = &mut now.0;
    for (index, step) in steps.each() {
        let (moves, loses_from) = (&scratch.found[0][index], &scratch.found[1][index]);
        let (passes_at, ended) = (steps.passes_at(step), step.wrapping_mul(EVENTS));
        // `STATE_MAX` leaves no sum or difference to overflow; wrapping ones need no check in each lane.
        for lane in 0..LANES {
            let goes_on = event[lane] == NO_EVENT;
            let lost = LIMITED & (x[lane] >= loses_from[lane]);
            x[lane] = x[lane].wrapping_add(moves[lane] & mask(goes_on) as i32);
            peak[lane] = peak[lane].max(x[lane]);
            depth[lane] = depth[lane].max(peak[lane].wrapping_sub(x[lane]));
            let ends = lost | (x[lane] <= floor.below(peak[lane])) | (x[lane] >= passes_at);
            event[lane] = if goes_on & ends { ended } else { event[lane] };
        }
        stops.see(step, x);
    }
    (lanes.x, lanes.peak, lanes.depth, lanes.event) = now.0;
}
