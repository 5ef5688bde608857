//! What the lanes of a plan have in common, and how they take their steps.

use super::days::{Days, LookUpDays, WithDays};
use super::lane::{BROKE, EVENTS, LANES, LOST_DAY, Lanes, NO_EVENT, PASSED, mask};
use super::look_up::{self, LookUp};
use super::till::Till;
use crate::Level;
use crate::instructions::Kind;
use crate::kernel::End;
use crate::models::IndexProcess;
use crate::plan::Plan;
use crate::random::Streams;
use crate::rules::floor::{Drop, Follows};
use crate::rules::{Paid, Pass, Stop as PlanStop};
use crate::scale::{RUIN_LINE, Scale};
use crate::tally::Bins;

/// States of at most this size leave room for their differences in 32 bits.
const STATE_MAX: i64 = 1 << 29;

/// A state that no path reaches from above.
const BELOW_ALL: i64 = -(1 << 30);

/// A state that no path reaches from below.
const ABOVE_ALL: i64 = (1 << 30) - 1;

/// A plan's rows and rules in 32 bits.
#[derive(Clone, Debug)]
pub(crate) struct LaneCourse<'a> {
    rows: LaneRows<'a>,
    start: i32,
    peak: i32,
    floor: FloorBehind,
    pass: Option<PassAt>,
    /// The steps that the fan sees.
    pub(super) fan_stops: &'a [u32],
    /// The stops at which accounts ask for a payout.
    pub(super) requests: Vec<PlanStop>,
    pub(super) till: Option<Till>,
    pub(super) last_step: u32,
}

/// What the rows do.
#[derive(Clone, Debug)]
enum LaneRows<'a> {
    /// The step of each trade, and zeros up to a power of two, at least the rows of a table in registers.
    Trades(Vec<i32>),
    Days(Days<'a>),
}

/// The bins of one chunk at one stop.
pub(super) type Seen = [u16; LANES];

/// A stop's step, its bins, and where the lanes' states at it are noted.
type Stop<'s> = ((&'s u32, &'s Bins), &'s mut Seen);

/// The floor behind the highest close: one formula for floors that trail, lock or stand still.
#[derive(Clone, Copy, Debug)]
struct FloorBehind {
    distance: i32,
    lowest: i32,
    highest: i32,
}

#[derive(Clone, Copy, Debug)]
struct PassAt {
    at: i32,
    from_step: u32,
}

impl<'a> LaneCourse<'a> {
    /// `None` where a path of the plan does more than lanes do: money, an amount below a compounding peak, a consistency
    /// rule, payouts that leave the account, a minimum of trades over days of unlike many, a break at the start, states past
    /// 32 bits (ruin among them), or more than [`Days`] tell.
    pub(crate) fn of(plan: &'a Plan) -> Option<Self> {
        let (floor, start) = (plan.limits.floor, plan.start);
        let Scale::Log { base } = plan.scale else { return None };
        if start.x <= start.floor || plan.withdrawals().is_some() {
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
                FloorBehind { distance: 0, lowest: narrow(start.floor), highest: narrow(start.floor) }
            }
            (Follows::EveryClose | Follows::DayClose, Drop::Distance(distance)) if distance <= STATE_MAX => {
                FloorBehind {
                    distance: distance as i32,
                    lowest: narrow(floor.ruin),
                    highest: narrow(floor.ceiling),
                }
            }
            _ => return None,
        };
        let rows = match plan.horizon.level {
            Level::Day => LaneRows::Days(Days::of(plan)?),
            Level::Trade if plan.rows.trades.iter().any(|&step| step <= RUIN_LINE) => return None,
            Level::Trade => {
                let mut steps: Vec<i32> = plan.rows.trades.iter().map(|&step| step as i32).collect();
                steps.resize(steps.len().next_power_of_two().max(look_up::ROWS), 0);
                LaneRows::Trades(steps)
            }
        };
        let pass = match plan.limits.pass {
            None => None,
            Some(pass) => Some(PassAt::of(pass, plan)?),
        };
        Some(Self {
            rows,
            start: start.x as i32,
            peak: start.peak as i32,
            floor,
            pass,
            fan_stops: &plan.layout.stops,
            requests: plan
                .stops
                .iter()
                .copied()
                .filter(|stop| plan.payouts.is_some() && stop.pays())
                .collect(),
            till: plan.payouts.map(|payouts| Till { base, payouts }),
            last_step: plan.horizon.last_step,
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
            path: std::array::from_fn(|lane| offset + lane as u32),
        }
    }

    /// What an account that ended at the state `x` is paid in all, where `paid` is what it had before the `request`-th stop: it
    /// asks at every later one, unless it broke.
    #[inline(always)]
    pub(super) fn paid_in_all(&self, request: usize, x: i32, end: End, paid: Paid) -> Paid {
        match &self.till {
            Some(till) if !end.broken() => till.pay_rest(&self.requests[request..], x, paid),
            _ => paid,
        }
    }

    /// Takes the steps after `done` up to `until`, and notes the bins of the states at the stops among them.
    #[inline(always)]
    pub(super) fn walk<'s, P: IndexProcess>(
        &self,
        process: &P,
        kind: impl Kind,
        lanes: &mut Lanes,
        (done, until): (u32, u32),
        stops: impl Iterator<Item = Stop<'s>>,
    ) {
        let trades = match &self.rows {
            LaneRows::Trades(steps) => steps.as_slice(),
            LaneRows::Days(days) => {
                let walk = WalkDays { course: self, days, process, lanes, steps: (done, until), stops };
                return days.look_up(kind, walk);
            }
        };
        match <&[i32; look_up::ROWS]>::try_from(trades) {
            #[cfg(target_arch = "x86_64")]
            Ok(table) if kind.permutes() => {
                // SAFETY: of this kind is only what `Instructions` runs where the machine has AVX-512.
                let table = unsafe { look_up::Permuted::new(table) };
                self.tread_by(process, table, lanes, (done, until), stops);
            }
            _ => self.tread_by(process, look_up::Loaded(trades), lanes, (done, until), stops),
        }
    }

    /// Where a day broke an account: which of its trades did, by which rule, and so what the fan's stops see from then on:
    /// `seen(at, lane, x)` for each lane and each of `stops`. Every event of the lanes is of the steps just taken.
    #[inline(always)]
    pub(super) fn resolve(&self, lanes: &mut Lanes, stops: &[u32], mut seen: impl FnMut(usize, usize, i32)) {
        let LaneRows::Days(days) = &self.rows else { return };
        let mut broken = 0_u32;
        for lane in 0..LANES {
            let event = lanes.event[lane];
            broken |= u32::from((event != NO_EVENT) & (event % EVENTS == BROKE)) << lane;
        }
        while broken != 0 {
            let lane = broken.trailing_zeros() as usize;
            broken &= broken.wrapping_sub(1);
            let mut path = lanes.lift(lane);
            let step = path.event / EVENTS;
            if days.replay(&mut path) {
                path.event += LOST_DAY;
            }
            (lanes.x[lane], lanes.depth[lane], lanes.event[lane]) = (path.x, path.depth, path.event);
            for at in (0..stops.len()).rev().take_while(|&at| stops[at] >= step) {
                seen(at, lane, path.x);
            }
        }
    }

    #[inline(always)]
    fn tread_by<'s, P: IndexProcess>(
        &self,
        process: &P,
        table: impl LookUp,
        lanes: &mut Lanes,
        steps: (u32, u32),
        stops: impl Iterator<Item = Stop<'s>>,
    ) {
        match self.pass {
            None => self.tread(process, table, lanes, steps, stops, |_, _| false),
            Some(PassAt { at, from_step }) => {
                let passes = |step, x| (x >= at) & (step >= from_step);
                self.tread(process, table, lanes, steps, stops, passes);
            }
        }
    }

    #[inline(always)]
    fn tread<'s, P: IndexProcess>(
        &self,
        process: &P,
        table: impl LookUp,
        lanes: &mut Lanes,
        (done, until): (u32, u32),
        stops: impl Iterator<Item = Stop<'s>>,
        passes: impl Fn(u32, i32) -> bool,
    ) {
        let FloorBehind { distance, lowest, highest } = self.floor;
        // A copy, so that it stays in registers from step to step.
        let mut now = lanes.clone();
        let mut stops = stops.peekable();
        for step in done + 1..=until {
            let (breaks, passing) = events_at(step);
            let moves = table.at(&now.rows);
            // `STATE_MAX` leaves no sum or difference to overflow; wrapping ones need no check in each lane.
            let Lanes { streams, rows, x, peak, depth, event, .. } = &mut now;
            for lane in 0..LANES {
                x[lane] = x[lane].wrapping_add(moves[lane] & mask(event[lane] == NO_EVENT) as i32);
                peak[lane] = peak[lane].max(x[lane]);
                depth[lane] = depth[lane].max(peak[lane].wrapping_sub(x[lane]));
                let floor = peak[lane].wrapping_sub(distance).min(highest).max(lowest);
                let broken = mask(x[lane] <= floor);
                let passed = mask(passes(step, x[lane])) & !broken;
                let happened = (broken & breaks) | (passed & passing) | !(broken | passed);
                event[lane] = event[lane].min(happened);
            }
            *rows = process.next_each(streams, rows, step);
            if let Some(((_, bins), seen)) = stops.next_if(|((stop, _), _)| **stop == step) {
                *seen = bins.index_each(x);
            }
        }
        *lanes = now;
    }
}

/// The events of a step: a breach, and a pass.
#[inline(always)]
fn events_at(step: u32) -> (u32, u32) {
    let at = step.wrapping_mul(EVENTS);
    (at.wrapping_add(BROKE), at.wrapping_add(PASSED))
}

/// Takes steps that are days.
struct WalkDays<'w, 'c, 'a, P, S> {
    course: &'c LaneCourse<'a>,
    days: &'c Days<'a>,
    process: &'w P,
    lanes: &'w mut Lanes,
    steps: (u32, u32),
    stops: S,
}

impl<'s, P: IndexProcess, S: Iterator<Item = Stop<'s>>> WithDays for WalkDays<'_, '_, '_, P, S> {
    /// Each day from its extremes: exact but for a day that breaks the account, before which it stands still until
    /// [`LaneCourse::resolve`].
    #[inline(always)]
    fn with<L: LookUpDays>(self, table: L) {
        let FloorBehind { distance, lowest, highest } = self.course.floor;
        let (by_day, breaking_depth) = (self.days.by_day, self.days.breaking_depth);
        let PassAt { at, from_step } =
            self.course.pass.unwrap_or(PassAt { at: i32::MAX, from_step: u32::MAX });
        // A copy, so that it stays in registers from step to step.
        let mut now = self.lanes.clone();
        let mut stops = self.stops.peekable();
        let (done, until) = self.steps;
        for step in done + 1..=until {
            let (breaks, passing) = events_at(step);
            let moves = table.at(&now.rows);
            let Lanes { streams, rows, x, peak, day_peak, depth, event, .. } = &mut now;
            let next = self.process.next_each(streams, rows, step);
            for lane in 0..LANES {
                let goes_on = mask(event[lane] == NO_EVENT);
                let (open, low) = (x[lane], x[lane].wrapping_add(moves.low[lane]));
                let followed =
                    if L::SINGLE { peak[lane] } else { (day_peak[lane] & by_day) | (peak[lane] & !by_day) };
                let floor = followed.wrapping_sub(distance).min(highest).max(lowest);
                let crosses = mask(low <= floor) | mask(open >= moves.loses_from[lane]);
                let holds;
                if L::SINGLE {
                    holds = goes_on & !crosses;
                    x[lane] = open.wrapping_add(moves.step[lane] & holds as i32);
                    peak[lane] = peak[lane].max(x[lane]);
                    depth[lane] = depth[lane].max(peak[lane].wrapping_sub(x[lane]));
                } else {
                    let fall = peak[lane].wrapping_sub(low).max(moves.fall[lane]);
                    holds = goes_on & !(crosses | mask(fall >= breaking_depth));
                    x[lane] = open.wrapping_add(moves.step[lane] & holds as i32);
                    peak[lane] = peak[lane].max(open.wrapping_add(moves.high[lane] & holds as i32));
                    day_peak[lane] = day_peak[lane].max(x[lane]);
                    depth[lane] = depth[lane].max(fall & holds as i32);
                }
                let broken = goes_on & !holds;
                let passed = holds & mask((x[lane] >= at) & (step >= from_step));
                let happened = (broken & breaks) | (passed & passing) | !(broken | passed);
                event[lane] = event[lane].min(happened);
                let moves_on = mask(event[lane] == NO_EVENT);
                rows[lane] = (next[lane] & moves_on) | (rows[lane] & !moves_on);
            }
            if let Some(((_, bins), seen)) = stops.next_if(|((stop, _), _)| **stop == step) {
                *seen = bins.index_each(x);
            }
        }
        *self.lanes = now;
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
