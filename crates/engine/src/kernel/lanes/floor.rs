//! Where the total-drawdown rule's floor stands, in 32 bits.

use super::course::STATE_MAX;
use crate::plan::Plan;
use crate::rules::floor::{Drop, Follows};

/// A state that no path reaches from above.
const BELOW_ALL: i64 = -(1 << 30);

/// A state that no path reaches from below.
const ABOVE_ALL: i64 = (1 << 30) - 1;

/// Where the floor stands.
pub(super) trait Floor: Copy {
    /// Below the highest close that it follows.
    fn below(self, peak: i32) -> i32;
}

/// The floor behind the highest close: one formula for floors that trail, lock or stand still.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behind {
    distance: i32,
    lowest: i32,
    highest: i32,
}

impl Floor for Behind {
    #[inline(always)]
    fn below(self, peak: i32) -> i32 {
        peak.wrapping_sub(self.distance).min(self.highest).max(self.lowest)
    }
}

/// A floor that stands still, in fewer instructions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Still(i32);

impl Floor for Still {
    #[inline(always)]
    fn below(self, _peak: i32) -> i32 {
        self.0
    }
}

impl Behind {
    /// `None` where it stands by an amount of money below a compounding peak.
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        let floor = plan.limits.floor;
        match (floor.follows, floor.drop) {
            (Follows::Nothing, _) => {
                let at = narrow(plan.start.floor);
                Some(Self { distance: 0, lowest: at, highest: at })
            }
            (Follows::EveryClose | Follows::DayClose, Drop::Distance(distance)) if distance <= STATE_MAX => {
                Some(Self {
                    distance: distance as i32,
                    lowest: narrow(floor.ruin),
                    highest: narrow(floor.ceiling),
                })
            }
            _ => None,
        }
    }

    /// The floor where it never moves.
    pub(super) fn still(self) -> Option<Still> {
        (self.lowest == self.highest).then_some(Still(self.lowest))
    }
}

/// A state of any size as one that paths cannot pass.
pub(super) fn narrow(state: i64) -> i32 {
    state.clamp(BELOW_ALL, ABOVE_ALL) as i32
}
