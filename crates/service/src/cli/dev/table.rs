//! What `dev` shows of the book: a table for people, one JSON array for scripts.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use serde_json::{Value, json};

use super::outcome::Outcome;
use crate::dashboard::dollars;

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

/// A line a passed trader, the riskiest last so that it stands next to the prompt: figures with what the paths leave open
/// (`±`), and beside them what a history of that length does.
pub(super) fn text(outcomes: &[Outcome]) -> String {
    let mut rows: Vec<&Outcome> = outcomes.iter().collect();
    rows.sort_by(|a, b| a.breach().total_cmp(&b.breach()));
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header([
        "Trader",
        "Tier",
        "Trades",
        "Breach probability",
        "history, 95 %",
        "Expected payout",
        "history, 95 %",
        "VaR 95",
    ]);
    for outcome in rows {
        let money = |name: &str| outcome.result[name]["value"].as_f64().map_or_else(none, dollars);
        let risk = outcome.result["riskMetrics"]["valueAtRisk95"].as_f64().map_or_else(none, dollars);
        let numbers = [
            outcome.trades.map_or_else(String::new, |trades| trades.to_string()),
            outcome.breach_text(),
            outcome.history_text("breachProbability", |share| format!("{:.1} %", 100.0 * share)),
            money("expectedPayout"),
            outcome.history_text("expectedPayout", dollars),
            risk,
        ];
        let numbers = numbers.map(|text| Cell::new(text).set_alignment(CellAlignment::Right));
        table.add_row([Cell::new(&outcome.trader), Cell::new(&outcome.tier)].into_iter().chain(numbers));
    }
    table.to_string()
}

fn none() -> String {
    "–".into()
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
                "breachProbability": {
                    "value": 0.1234, "lower": 0.1228, "upper": 0.1241, "historyLower": 0.031, "historyUpper": 0.41,
                },
                "expectedPayout": {"value": 12_345.6, "historyLower": 0, "historyUpper": 20_000},
                "riskMetrics": {"valueAtRisk95": 999.4},
            }),
        }
    }

    #[test]
    fn a_line_says_figures_and_both_their_errors() {
        let text = text(&[outcome()]);
        for part in
            ["Ada", "Elite", "37", "12.34 % ± 0.07", "3.1 % to 41.0 %", "$12,346", "$0 to $20,000", "$999"]
        {
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
}
