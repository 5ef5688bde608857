//! Numbers and moments as people read them.

use monte_carlo_engine::EpochMs;
use serde_json::Value;

/// Below this share of a percent a probability is written as "under".
const PERCENT_MIN: f64 = 0.01;

/// An estimate's value and its 95 % intervals, as a result holds them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub(super) value: f64,
    /// What the number of paths leaves open.
    pub(super) simulation: (f64, f64),
    /// What a history of this length leaves open; none where it was not asked for, or in an older result.
    pub(super) history: Option<(f64, f64)>,
}

impl Estimate {
    /// The estimate of that name; an older result may lack it.
    pub(super) fn of(result: &Value, name: &str) -> Option<Self> {
        let number = |field: &str| result[name][field].as_f64();
        let interval = |lower: &str, upper: &str| Some((number(lower)?, number(upper)?));
        Some(Self {
            value: number("value")?,
            simulation: interval("lower", "upper")?,
            history: interval("historyLower", "historyUpper"),
        })
    }
}

/// `12.3 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p > 0.0 && p < PERCENT_MIN => format!("under {PERCENT_MIN} %"),
        p if p < 100.0 && p > 100.0 - PERCENT_MIN => format!("over {} %", 100.0 - PERCENT_MIN),
        p if p < 10.0 => format!("{p:.2} %"),
        p => format!("{p:.1} %"),
    }
}

/// `$12,345`, to the dollar.
pub(crate) fn dollars(amount: f64) -> String {
    let whole = format!("{:.0}", amount.abs());
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if amount < 0.0 && whole != "0" { "−" } else { "" };
    format!("{sign}${grouped}")
}

/// `2026-11-24 08:50:05 UTC`.
pub(super) fn moment(at_ms: i64) -> String {
    let text = EpochMs(at_ms).to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

/// `3 minutes ago`; clocks of two machines may differ, so the future is now.
pub(super) fn ago(then_ms: i64, now_ms: i64) -> String {
    const UNITS: [(i64, &str); 4] =
        [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    let passed = now_ms.saturating_sub(then_ms);
    let unit = UNITS.iter().find(|(length_ms, _)| passed >= *length_ms);
    unit.map_or_else(
        || "just now".to_owned(),
        |(length_ms, name)| {
            let count = passed / length_ms;
            format!("{count} {name}{} ago", if count == 1 { "" } else { "s" })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_read_as_people_write_them() {
        let percents = [0.0, 0.000_01, 0.012_34, 0.5, 0.999_99, 1.0].map(percent);
        assert_eq!(percents, ["0.00 %", "under 0.01 %", "1.23 %", "50.0 %", "over 99.99 %", "100.0 %"]);
        let amounts = [0.0, -0.2, 999.6, -1_234_567.0].map(dollars);
        assert_eq!(amounts, ["$0", "$0", "$1,000", "−$1,234,567"]);
        assert_eq!(moment(1_795_510_205_123), "2026-11-24 08:50:05 UTC");
    }

    #[test]
    fn the_past_is_told_in_its_largest_unit() {
        let told = [0, 1_000, 59_999, 60_000, 7_200_000, 200_000_000].map(|passed| ago(0, passed));
        assert_eq!(
            told,
            ["just now", "1 second ago", "59 seconds ago", "1 minute ago", "2 hours ago", "2 days ago"]
        );
        assert_eq!(ago(5_000, 0), "just now");
    }

    #[test]
    fn an_estimate_is_whole_or_none() {
        let result = json!({
            "p": {"value": 0.1, "lower": 0.05, "upper": 0.2},
            "both": {"value": 0.1, "lower": 0.05, "upper": 0.2, "historyLower": 0, "historyUpper": 0.7},
            "old": 0.1,
            "half": {"value": 1, "lower": 0},
        });
        let alone = Estimate { value: 0.1, simulation: (0.05, 0.2), history: None };
        assert_eq!(Estimate::of(&result, "p"), Some(alone));
        assert_eq!(Estimate::of(&result, "both"), Some(Estimate { history: Some((0.0, 0.7)), ..alone }));
        for name in ["old", "half", "none"] {
            assert_eq!(Estimate::of(&result, name), None);
        }
    }
}
