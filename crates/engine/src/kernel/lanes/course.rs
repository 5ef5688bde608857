//! What the lanes of a plan have in common, and how they take their steps.

use super::days::Days;
use super::floor::Behind;
use super::lane::{Aligned, BROKE, EVENTS, LANES, LanePath, Lanes, NO_EVENT, Numbers};
use super::rounds::{ROUND, Round, Rounds};
use super::seen::Stops;
use super::single::SingleRows;
use super::steps::{PassAt, Steps};
use super::till::Till;
use crate::instructions::Kind;
use crate::models::IndexProcess;
use crate::plan::Plan;
use crate::random::{Streams, Words};
use crate::rules::Stop;
use crate::scale::Scale;

/// States of at most this size leave room for their differences in 32 bits.
pub(super) const STATE_MAX: i64 = 1 << 29;

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

impl<'a> LaneCourse<'a> {
    /// `None` where a path of the plan does more than lanes do: money, an amount below a compounding peak, a consistency
    /// rule, payouts that leave the account, a deviation that moves, a minimum of trades over days of unlike many, a break at the start, states past
    /// 32 bits (ruin among them), or more than [`Days`] tell.
    pub(crate) fn of(plan: &'a Plan) -> Option<Self> {
        let start = plan.start;
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
        let rows = match SingleRows::of(plan) {
            Some(rows) => LaneRows::Single(rows),
            None => LaneRows::Days(Days::of(plan)?),
        };
        let pays = |stop: &Stop| plan.payouts.is_some() && stop.pays();
        let requests: Vec<Stop> = plan.stops.iter().copied().filter(pays).collect();
        Some(Self {
            rows,
            start: start.x as i32,
            peak: start.peak as i32,
            floor: Behind::of(plan)?,
            pass: PassAt::of(plan)?,
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
        let mut path = [0; LANES];
        for (path, id) in path.iter_mut().zip(offset..) {
            *path = id;
        }
        Lanes {
            streams,
            rows,
            x: [self.start; LANES],
            peak: [self.peak; LANES],
            day_peak: [self.peak; LANES],
            depth: [self.peak.wrapping_sub(self.start); LANES],
            event: [NO_EVENT; LANES],
            path,
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
        let steps = Steps::of(round, self.pass);
        let mut now = Aligned((lanes.streams.clone(), lanes.rows));
        let (streams, rows) = &mut now.0;
        process.several_each(streams, rows, round.done, &mut scratch.drawn[..steps.count()]);
        (lanes.streams, lanes.rows) = now.0;
        match (&self.rows, self.floor.still()) {
            (LaneRows::Single(rows), Some(still)) => rows.walk(still, kind, lanes, steps, scratch, stops),
            (LaneRows::Single(rows), None) => rows.walk(self.floor, kind, lanes, steps, scratch, stops),
            (LaneRows::Days(days), _) => days.walk(self.floor, kind, lanes, steps, scratch, stops),
        }
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
