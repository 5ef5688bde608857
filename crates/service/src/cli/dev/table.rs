//! What `dev` shows of the book: a table for people, one JSON array for scripts.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use serde_json::{Value, json};

use super::outcome::Outcome;

/// One entry a passed trader.
pub(super) fn json(outcomes: &[Outcome]) -> Value {
    outcomes
        .iter()
        .map(|outcome| {
            let result = |field: &str| outcome.result.get(field).cloned();
            let mut entry = json!({
                "assessmentId": outcome.assessment_id,
                "trader": outcome.trader,
                "tier": outcome.tier,
                "trades": outcome.trades,
                "jobId": outcome.job_id,
                "status": outcome.status,
            });
            for field in ["breachProbability", "expectedPayout", "pathsSimulated", "resultDigest"] {
                entry[field] = result(field).unwrap_or_default();
            }
            entry["valueAtRisk95"] = outcome.result["riskMetrics"]["valueAtRisk95"].clone();
            if let Some(error) = &outcome.error {
                entry["error"] = json!(error);
            }
            entry
        })
        .collect()
}

/// A line a passed trader, the riskiest last so that it stands next to the prompt.
pub(super) fn text(outcomes: &[Outcome]) -> String {
    let mut rows: Vec<&Outcome> = outcomes.iter().collect();
    rows.sort_by(|a, b| a.breach().total_cmp(&b.breach()));
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header([
        "Trader",
        "Tier",
        "Trades",
        "Breach probability",
        "Expected payout",
        "VaR 95",
    ]);
    for outcome in rows {
        table.add_row(vec![
            Cell::new(&outcome.trader),
            Cell::new(&outcome.tier),
            Cell::new(outcome.trades.map_or_else(String::new, |trades| trades.to_string()))
                .set_alignment(CellAlignment::Right),
            Cell::new(outcome.breach_text()).set_alignment(CellAlignment::Right),
            Cell::new(dollars(&outcome.result["expectedPayout"]["value"]))
                .set_alignment(CellAlignment::Right),
            Cell::new(dollars(&outcome.result["riskMetrics"]["valueAtRisk95"]))
                .set_alignment(CellAlignment::Right),
        ]);
    }
    table.to_string()
}

fn dollars(value: &Value) -> String {
    let Some(value) = value.as_f64() else { return "–".into() };
    let digits = format!("{:.0}", value.abs());
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    let sign = if value <= -0.5 { "−" } else { "" };
    format!("{sign}${}", groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        Outcome {
            assessment_id: "asm-1".into(),
            trader: "Ada".into(),
            tier: "Elite".into(),
            trades: Some(37),
            job_id: "job-1".into(),
            status: "completed",
            error: None,
            result: json!({
                "breachProbability": {"value": 0.1234, "lower": 0.1228, "upper": 0.1241},
                "expectedPayout": {"value": 12_345.6},
                "riskMetrics": {"valueAtRisk95": 999.4},
            }),
        }
    }

    #[test]
    fn a_line_says_probability_error_and_dollars() {
        let text = text(&[outcome()]);
        for part in ["Ada", "Elite", "37", "12.34 % ± 0.07", "$12,346", "$999"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn a_tiny_probability_is_not_shown_as_nought() {
        let tiny = Outcome {
            result: json!({"breachProbability": {"value": 0.0, "lower": 0.0, "upper": 3.8e-6}}),
            ..outcome()
        };
        assert!(text(&[tiny]).contains("< 0.01 %"));
    }

    #[test]
    fn a_failed_job_says_why() {
        let failed = Outcome {
            status: "failed",
            error: Some("no closing trades".into()),
            result: Value::Null,
            ..outcome()
        };
        assert!(text(std::slice::from_ref(&failed)).contains("no closing trades"));
        assert_eq!(json(&[failed])[0]["error"], "no closing trades");
    }

    #[test]
    fn dollars_are_grouped() {
        for (value, expected) in
            [(0.0, "$0"), (-0.2, "$0"), (1_234_567.0, "$1,234,567"), (-1_000.0, "−$1,000")]
        {
            assert_eq!(dollars(&json!(value)), expected);
        }
        assert_eq!(dollars(&Value::Null), "–");
    }
}
