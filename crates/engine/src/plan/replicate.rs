//! The plan on a history weighted anew.

use super::{Drawn, Plan, moves, worst_week};
use crate::kernel::LANES;
use crate::models::{Circular, Iid, MAX_RANGE, Process, Reweighting, Stationary};
use crate::random::Stream;
use crate::rules::Stop;
use crate::rules::daily_loss::DailyThresholds;

/// Paths on each weighted history; it decides results, so it is not the lanes' own number, but a multiple of it.
pub(crate) const REPLICATE_PATHS: u64 = 512;
const _: () = assert!(REPLICATE_PATHS.is_multiple_of(LANES as u64), "no path is left over for one by one");

/// Streams of the weights, apart from all paths'.
const WEIGHT_STREAMS: u64 = 1 << 56;

/// Streams of the paths on weighted histories, apart from the history's own.
const PATH_STREAMS: u64 = 1 << 48;

/// Weighted histories unless the caller says how many: with fewer, the ends of a 95 % interval would hang on a handful of
/// them; more than the larger number would cost more than the paths themselves.
pub(super) fn default_count(paths: u64) -> u32 {
    (paths / 2_048).clamp(200, 400) as u32
}

impl Plan {
    /// The same request on the `index`-th weighted history: other rows, of the same kind and from the same start.
    pub(crate) fn replicate(&self, index: u32) -> Self {
        let reweighting = self.reweighting();
        let order = reweighting.draw(&mut Stream::of_path(self.seed, WEIGHT_STREAMS + u64::from(index)));
        let around = match &self.process {
            Process::WorstWeek(process) => &process.around(),
            process => process,
        };
        let mut drawn = match &self.fitted {
            Some(fitted) => fitted.drawn_anew(&self.rows, &order, &self.horizon),
            None => self.picked(around, &order, reweighting),
        };
        if let Some(week) = &self.worst_week {
            let last = week.last_row();
            let resume = match &self.fitted {
                Some(fitted) => fitted.row_like(last),
                // Anywhere, where the week is not in this history.
                None => order.iter().position(|&row| row == last).unwrap_or(0) as u32,
            };
            drawn = worst_week::around(week, resume, drawn, &self.horizon);
        }
        let Drawn { rows, process, filter } = drawn;
        let steps = self.fitted.as_ref().map_or_else(|| rows.steps(), |fitted| fitted.spread(rows.steps()));
        let moves = moves(&steps, self.block_length, self.fitted.as_ref(), self.worst_week.as_ref());
        let layout = self.layout.of_replicate(moves, self.start.x);
        let daily_loss = self.limits.daily_loss.map(|limit| DailyThresholds::new(limit, &rows));
        let stops = Stop::at_the_fan_of(&layout.stops, &self.stops);
        Self { process, rows, filter, daily_loss, layout, stops, ..self.clone() }
    }

    /// The history's rows in the order drawn, and the process that walks them.
    fn picked(&self, process: &Process, order: &[u32], reweighting: Reweighting) -> Drawn {
        let count = order.len() as u32;
        let length = reweighting.length_within(self.block_length, order.len());
        let process = match process {
            Process::Iid(_) | Process::Regimes(_) | Process::WorstWeek(_) => Process::Iid(Iid::new(count)),
            Process::Circular(_) => Process::Circular(Circular::new(count, length.round() as u32)),
            Process::Stationary(_) => {
                Process::Stationary(Stationary::new(count, length.min(MAX_RANGE / f64::from(count))))
            }
        };
        Drawn::plain(self.rows.picked(order), process)
    }

    fn reweighting(&self) -> Reweighting {
        Reweighting::new(self.past_rows, self.block_length)
    }

    /// The id of the first path on the `index`-th weighted history.
    pub(crate) fn first_path_of_replicate(index: u32) -> u64 {
        PATH_STREAMS + u64::from(index) * REPLICATE_PATHS
    }

    /// Weights that a weighted history draws.
    pub(crate) fn weights(&self) -> u32 {
        self.past_rows.div_ceil(self.rows_per_weight())
    }

    /// Rows that share a weight in a weighted history.
    pub(crate) fn rows_per_weight(&self) -> u32 {
        self.reweighting().block
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::models::{IndexProcess, Process};
    use crate::random::Stream;
    use crate::rules::daily_loss::DailyLoss;
    use crate::{Plan, Subject};

    /// A plan for a funded account that closed these trades, each of so many dollars and at so many milliseconds.
    fn planned(trades: impl Iterator<Item = (i64, i64)>, pnl_data: &Value, asked: Value) -> Plan {
        let trades: Vec<Value> = trades
            .zip(0..)
            .map(|((pnl, at), n)| json!({"id": n.to_string(), "type": "close", "pnl": pnl, "timestamp": at}))
            .collect();
        let input = json!({"tradeHistory": trades, "pnlData": pnl_data});
        Plan::new(
            &Subject::FundedAccount("f".to_owned()),
            &serde_json::from_value(input).expect("an input"),
            &serde_json::from_value(asked).expect("a configuration"),
            1_000,
        )
        .expect("a plan")
    }

    #[test]
    fn the_rules_of_a_weighted_history_are_those_of_its_own_rows() {
        let pnls = [40, -80, 300, -20, -130, 60, 90, -70];
        let plan = planned(
            pnls.into_iter().zip((0..).map(|n| n * 43_200_000)),
            &json!({"balance": 10_190, "peak": 10_320, "realized": 190, "unrealized": 0}),
            json!({"sizing": "fixed", "steps": 20, "rules": {"dailyLoss": {"amount": 75, "of": "dayStart"}}}),
        );
        let (mut broken, mut held) = (0, 0);
        for replicate in (0..20).map(|index| plan.replicate(index)) {
            let thresholds = replicate.daily_loss.as_ref().expect("a daily-loss rule");
            for (day, row) in (0..).zip(&replicate.rows.days) {
                let breaks = thresholds.breaks_in(day, 100_000_000);
                assert_eq!(breaks, row.low <= -750_000);
                *(if breaks { &mut broken } else { &mut held }) += 1;
            }
            let requests = |plan: &Plan| {
                let paying = plan.stops.iter().filter(|stop| stop.pays());
                paying.map(|stop| (stop.step, stop.scheduled, stop.weekly)).collect::<Vec<_>>()
            };
            assert_eq!(requests(&replicate), requests(&plan));
            let seen: Vec<u32> = replicate.stops.iter().filter(|s| s.fan.is_some()).map(|s| s.step).collect();
            assert_eq!(seen, replicate.layout.stops);
        }
        assert!(broken > 0 && held > 0, "{broken} {held}");
    }

    #[test]
    fn after_the_worst_week_comes_what_came_after_it() {
        // Forty trades, one a day and no two alike; those of the days 12 to 18 lose.
        let pnls = (0..40).map(|n| if (12..19).contains(&n) { -500 - n } else { 10 + n });
        let plan = planned(
            pnls.zip((0..).map(|n| n * 86_400_000)),
            &json!({"balance": 97_350, "peak": 100_000, "realized": -2_650, "unrealized": 0}),
            json!({
                "sizing": "fixed", "steps": 20, "level": "trade", "model": "stationary", "blockLength": 13,
                "stress": {"worstWeek": true}, "rules": {},
            }),
        );
        // Of forty paths at the week's last row, on how many the next is the one after the history's row of −518.
        let goes_on = |plan: &Plan| {
            let Process::WorstWeek(process) = &plan.process else { panic!("a week") };
            let own = (plan.rows.trades.len() - 7) / 2;
            let last = plan.rows.trades.iter().position(|&step| step == -5_180_000).expect("it was drawn");
            let follows = |path: &u64| {
                let stream = &mut Stream::of_path(5, *path);
                process.next(stream, own as u32 + 6, 7) as usize == own + 7 + (last + 1) % own
            };
            (0..40).filter(follows).count()
        };
        // A block goes on 12 times of 13, and on the thousands of rows of a weighted history nearly always.
        assert!(goes_on(&plan) >= 32, "{}", goes_on(&plan));
        for index in 0..8 {
            assert!(goes_on(&plan.replicate(index)) >= 38, "{index}");
        }
    }
}
