//! What became of one passed trader.

use serde_json::Value;

/// A probability that is surely smaller is shown as smaller, not as 0.
const SMALLEST_SHOWN: f64 = 0.0001;

/// What became of one passed trader.
pub(super) struct Outcome {
    pub(super) assessment_id: String,
    pub(super) trader: String,
    pub(super) tier: String,
    /// Closing trades, as the result counts them.
    pub(super) trades: Option<u64>,
    pub(super) job_id: String,
    pub(super) status: &'static str,
    pub(super) error: Option<String>,
    /// `null` where there is none.
    pub(super) result: Value,
}

impl Outcome {
    /// For sorting; whoever has no probability comes last.
    pub(super) fn breach(&self) -> f64 {
        self.result["breachProbability"]["value"].as_f64().unwrap_or(f64::INFINITY)
    }

    /// The probability of a breach with the larger half of its interval, or why there is none.
    pub(super) fn breach_text(&self) -> String {
        let breach = &self.result["breachProbability"];
        let part = |name: &str| breach[name].as_f64();
        match (part("value"), part("lower"), part("upper")) {
            (Some(_), Some(_), Some(upper)) if upper < SMALLEST_SHOWN => {
                format!("< {:.2} %", 100.0 * SMALLEST_SHOWN)
            }
            (Some(value), Some(lower), Some(upper)) => {
                let error = (upper - value).max(value - lower);
                format!("{:.2} % ± {:.2}", 100.0 * value, 100.0 * error)
            }
            _ => self.error.clone().unwrap_or_else(|| self.status.to_owned()),
        }
    }

    /// The 95 % interval that the history leaves open for a figure of the result, each end as `spelled`; empty where
    /// there is none.
    pub(super) fn history_text(&self, figure: &str, spelled: impl Fn(f64) -> String) -> String {
        let end = |name: &str| self.result[figure][name].as_f64();
        match (end("historyLower"), end("historyUpper")) {
            (Some(lower), Some(upper)) => format!("{} to {}", spelled(lower), spelled(upper)),
            _ => String::new(),
        }
    }
}
