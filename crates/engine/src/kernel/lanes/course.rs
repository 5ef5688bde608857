//! What the lanes of a plan have in common, and how they take their steps.

use std::array;

use super::days::Days;
use super::lane::{Aligned, BROKE, EVENTS, LANES, LanePath, Lanes, NO_EVENT, Numbers};
use super::rounds::{ROUND, Round, Rounds};
use super::seen::Stops;
use super::single::SingleRows;
use super::till::Till;
use crate::instructions::Kind;
use crate::models::IndexProcess;
use crate::plan::Plan;
use crate::random::{Streams, Words};
use crate::rules::floor::{Drop, Follows};
use crate::rules::{Pass, Stop};
use crate::scale::Scale;

/// States of at most this size leave room for their differences in 32 bits.
const STATE_MAX: i64 = 1 << 29;

/// A state that no path reaches from above.
const BELOW_ALL: i64 = -(1 << 30);

/// A state that no path reaches from below.
const ABOVE_ALL: i64 = (1 << 30) - 1;

/// What a group of lanes draws and looks up in a round; aligned as [`Lanes`] are.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Scratch {
    /// The rows of each step.
    pub(super) drawn: [Words; ROUND],
    /// What they do, by table.
    pub(super) found: [[Numbers; ROUND]; 5],
}

impl Scratch {
    pub(super) const EMPTY: Self = Self { drawn: [[0; LANES]; ROUND], found: [[[0; LANES]; ROUND]; 5] };
}

/// The steps of a round, and from where on an account passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    done: u32,
    until: u32,
    pass: PassAt,
}

impl Steps {
    /// How many.
    #[inline(always)]
    pub(super) fn count(self) -> usize {
        ((self.until - self.done) as usize).min(ROUND)
    }

    /// Each, and its place in the round.
    #[inline(always)]
    pub(super) fn each(self) -> impl Iterator<Item = (usize, u32)> {
        (0..self.count()).zip(self.done + 1..)
    }

    /// The state from which on an account passes at `step`.
    #[inline(always)]
    pub(super) fn passes_at(self, step: u32) -> i32 {
        if step >= self.pass.from_step { self.pass.at } else { i32::MAX }
    }
}

/// A plan's rows and rules in 32 bits.
#[derive(Clone, Debug)]
pub(crate) struct LaneCourse<'a> {
    rows: LaneRows<'a>,
    start: i32,
    peak: i32,
    floor: Behind,
    pass: PassAt,
    /// The steps that the fan sees.
    pub(super) fan_stops: &'a [u32],
    pub(super) rounds: Rounds,
    pub(super) till: Option<Till>,
    /// US dollars at the state 0.
    pub(super) base: f64,
    /// The balance at the start, units of 10⁻⁴ dollars.
    pub(super) opening: i64,
}

/// What the rows do.
#[derive(Clone, Debug)]
enum LaneRows<'a> {
    Single(SingleRows<'a>),
    Days(Days<'a>),
}

/// Where the floor stands.
pub(super) trait Floor: Copy {
    /// Below the highest close that it follows.
    fn below(self, peak: i32) -> i32;
}

/// The floor behind the highest close: one formula for floors that trail, lock or stand still.
#[derive(Clone, Copy, Debug)]
struct Behind {
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
struct Still(i32);

impl Floor for Still {
    #[inline(always)]
    fn below(self, _peak: i32) -> i32 {
        self.0
    }
}

#[derive(Clone, Copy, Debug)]
struct PassAt {
    at: i32,
    from_step: u32,
}

impl<'a> LaneCourse<'a> {
    /// `None` where a path of the plan does more than lanes do: money, an amount below a compounding peak, a consistency
    /// rule, payouts that leave the account, a deviation that moves, a minimum of trades over days of unlike many, a break at the start, states past
    /// 32 bits (ruin among them), or more than [`Days`] tell.
    pub(crate) fn of(plan: &'a Plan) -> Option<Self> {
        let (floor, start) = (plan.limits.floor, plan.start);
        let Scale::Log { base } = plan.scale else { return None };
        if start.x <= start.floor || plan.withdrawals().is_some() || plan.filter.is_some() {
            return None;
        }
        if plan.limits.pass.is_some_and(|pass| pass.consistency.is_some()) {
            return None;
        }
        let travel = plan.rows.farthest().saturating_mul(i64::from(plan.horizon.steps) + 1);
        if travel.saturating_add(start.x.abs().max(start.peak.abs())) > STATE_MAX {
            return None;
        }
        let floor = match (floor.follows, floor.drop) {
            (Follows::Nothing, _) => {
                Behind { distance: 0, lowest: narrow(start.floor), highest: narrow(start.floor) }
            }
            (Follows::EveryClose | Follows::DayClose, Drop::Distance(distance)) if distance <= STATE_MAX => {
                Behind {
                    distance: distance as i32,
                    lowest: narrow(floor.ruin),
                    highest: narrow(floor.ceiling),
                }
            }
            _ => return None,
        };
        let rows = match SingleRows::of(plan) {
            Some(rows) => LaneRows::Single(rows),
            None => LaneRows::Days(Days::of(plan)?),
        };
        let pass = match plan.limits.pass {
            None => PassAt { at: i32::MAX, from_step: u32::MAX },
            Some(pass) => PassAt::of(pass, plan)?,
        };
        let pays = |stop: &Stop| plan.payouts.is_some() && stop.pays();
        let requests: Vec<Stop> = plan.stops.iter().copied().filter(pays).collect();
        Some(Self {
            rows,
            start: start.x as i32,
            peak: start.peak as i32,
            floor,
            pass,
            fan_stops: &plan.layout.stops,
            rounds: Rounds::new(plan.horizon.last_step, &plan.layout.stops, &requests),
            till: plan.payouts.map(Till::new),
            base,
            opening: plan.opening(),
        })
    }

    /// The paths from `first_path` on, the `offset`-th of its batch, at their start.
    #[inline(always)]
    pub(super) fn open<P: IndexProcess>(
        &self,
        process: &P,
        seed: u64,
        first_path: u64,
        offset: u32,
    ) -> Lanes {
        let mut streams = Streams::of_paths(seed, first_path + u64::from(offset));
        let rows = process.first_each(&mut streams);
        Lanes {
            streams,
            rows,
            x: [self.start; LANES],
            peak: [self.peak; LANES],
            day_peak: [self.peak; LANES],
            depth: [self.peak.wrapping_sub(self.start); LANES],
            event: [NO_EVENT; LANES],
            path: array::from_fn(|lane| offset + lane as u32),
        }
    }

    /// Takes the steps of a round: first all its rows are drawn, for they depend on nothing that happens to an account;
    /// then what they do is looked up, and the accounts walk.
    #[inline(always)]
    pub(super) fn walk<P: IndexProcess>(
        &self,
        process: &P,
        kind: impl Kind,
        lanes: &mut Lanes,
        round: &Round,
        scratch: &mut Scratch,
        stops: Stops<'_>,
    ) {
        let steps = Steps { done: round.done, until: round.until, pass: self.pass };
        let mut now = Aligned((lanes.streams.clone(), lanes.rows));
        let (streams, rows) = &mut now.0;
        process.several_each(streams, rows, round.done, &mut scratch.drawn[..steps.count()]);
        (lanes.streams, lanes.rows) = now.0;
        match (&self.rows, self.still()) {
            (LaneRows::Single(rows), Some(still)) => rows.walk(still, kind, lanes, steps, scratch, stops),
            (LaneRows::Single(rows), None) => rows.walk(self.floor, kind, lanes, steps, scratch, stops),
            (LaneRows::Days(days), _) => days.walk(self.floor, kind, lanes, steps, scratch, stops),
        }
    }

    fn still(&self) -> Option<Still> {
        (self.floor.lowest == self.floor.highest).then_some(Still(self.floor.lowest))
    }

    /// How an account ended, which its lane does not tell, and in which state it was left; and whether that is another
    /// state than its lane's. `drawn` are the rows of the round after `done` steps.
    #[inline(always)]
    pub(super) fn resolve(
        &self,
        path: &mut LanePath,
        done: u32,
        drawn: &[Words; ROUND],
        lane: usize,
    ) -> bool {
        let row = drawn[(path.step() - done - 1) as usize & (ROUND - 1)][lane];
        match &self.rows {
            LaneRows::Single(rows) => {
                rows.resolve(self.floor, path, row);
                false
            }
            LaneRows::Days(days) if path.event % EVENTS == BROKE => {
                days.replay(path, row);
                true
            }
            LaneRows::Days(_) => false,
        }
    }
}

impl PassAt {
    /// `None` where the step from which enough trades are done differs from path to path.
    fn of(pass: Pass, plan: &Plan) -> Option<Self> {
        let trades_a_row = match plan.rows.days.as_slice() {
            [] => 1,
            [first, rest @ ..] => {
                let is_even = pass.min_trades == 0 || rest.iter().all(|day| day.trades == first.trades);
                is_even.then_some(u64::from(first.trades))?
            }
        };
        let step = pass.min_trades.div_ceil(trades_a_row).max(u64::from(pass.min_rows));
        Some(Self { at: narrow(pass.at), from_step: u32::try_from(step).unwrap_or(u32::MAX) })
    }
}

fn narrow(state: i64) -> i32 {
    state.clamp(BELOW_ALL, ABOVE_ALL) as i32
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::LaneCourse;
    use crate::{Plan, Subject};

    fn plan(config: Value) -> Plan {
        let trade = |n: i64, pnl: f64| json!({"id": n.to_string(), "type": "close", "pnl": pnl, "timestamp": n * 45_000_000});
        let trades: Vec<Value> =
            [400.0, -300.0, 250.0, -120.0].into_iter().zip(1..).map(|(pnl, n)| trade(n, pnl)).collect();
        let input = json!({
            "tradeHistory": trades,
            "pnlData": {"balance": 100_230, "peak": 100_400, "realized": 230, "unrealized": 0},
        });
        let input = serde_json::from_value(input).expect("an input");
        let config = serde_json::from_value(config).expect("a configuration");
        Plan::new(&Subject::FundedAccount("f".to_owned()), &input, &config, 1_000).expect("a plan")
    }

    #[test]
    fn serves_what_the_platform_asks_by_default_and_leaves_the_rest() {
        let is_served = |config| LaneCourse::of(&plan(config)).is_some();
        assert!(is_served(json!({})));
        assert!(is_served(json!({"rules": "assessment", "model": "iid", "steps": 2_000})));
        assert!(is_served(json!({"rules": {"drawdown": {"kind": "static", "amount": 3_000}}})));
        assert!(is_served(json!({"level": "day"})));
        assert!(is_served(json!({"level": "day", "rules": {"minDays": 2}})));
        assert!(
            !is_served(json!({"level": "day", "rules": {"minTrades": 2}})),
            "days of two trades and of three"
        );
        assert!(is_served(json!({"rules": {"dailyLoss": {"amount": 1_000, "of": "initial"}}})));
        assert!(!is_served(json!({"sizing": "fixed"})));
        assert!(!is_served(json!({"rules": {"drawdown": {"kind": "trailing", "amount": 3_000}}})));
        assert!(!is_served(json!({"steps": 100_000})), "100,000 · 0.4 % of log-equity · 2²⁴ is past 2²⁹");
    }
}
