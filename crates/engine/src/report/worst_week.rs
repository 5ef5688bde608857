//! The week that every path goes through.

use super::shape::WorstWeek;
use crate::money::UNITS_PER_DOLLAR;
use crate::scale::{LOG_ONE, Scale};
use crate::{EpochMs, Plan};

/// A UTC day, milliseconds.
const DAY_MS: i64 = 86_400_000;

/// Letters of `YYYY-MM-DD`.
const DATE: usize = 10;

/// As readers see it, where there is one.
pub(super) fn of(plan: &Plan) -> Option<WorstWeek> {
    let week = plan.worst_week.as_ref()?;
    let change = match plan.scale {
        Scale::Log { .. } => libm::expm1(week.sum as f64 / LOG_ONE),
        Scale::Money => week.sum as f64 / UNITS_PER_DOLLAR,
    };
    Some(WorstWeek {
        first_day: date(*week.utc_days.start()),
        last_day: date(*week.utc_days.end()),
        rows: week.rows.len(),
        trades: week.trades,
        change,
    })
}

fn date(utc_day: i64) -> String {
    EpochMs(utc_day * DAY_MS).to_string().chars().take(DATE).collect()
}
