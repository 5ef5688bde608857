//! A job's input as it is stored: whole, and without its trades for lists.

use monte_carlo_engine::InputData;
use serde_json::{Map, Value, json};

/// The two forms of `inputData` that a job's row holds.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredInput {
    /// Everything: enough to recompute the job.
    pub full: Value,
    /// Everything but the trades, and `tradeCount`.
    pub summary: Value,
}

impl StoredInput {
    /// Both forms of `input`.
    ///
    /// # Errors
    /// Where a number is not finite and so has no JSON.
    pub fn new(input: &InputData) -> serde_json::Result<Self> {
        let full = serde_json::to_value(input)?;
        // Field by field: a copy of the whole would double the hundreds of megabytes of a long history.
        let rest = full.as_object().into_iter().flatten().filter(|(name, _)| *name != "tradeHistory");
        let mut summary: Map<_, _> = rest.map(|(name, value)| (name.clone(), value.clone())).collect();
        summary.insert("tradeCount".into(), json!(input.trade_history.len()));
        let summary = summary.into();
        Ok(Self { full, summary })
    }
}
