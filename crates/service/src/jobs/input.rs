//! A job's input as it is stored: whole, and without its trades for lists.

use monte_carlo_engine::InputData;
use serde_json::{Value, json};

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
        let mut summary = full.clone();
        if let Some(fields) = summary.as_object_mut() {
            fields.remove("tradeHistory");
            fields.insert("tradeCount".into(), json!(input.trade_history.len()));
        }
        Ok(Self { full, summary })
    }
}
