//! The shapes of `POST /simulations/daily`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schedule::trigger::DailyReport;

/// What may be asked; the body may also be absent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DailyOrder {
    /// `YYYY-MM-DD`, today in the schedule's zone unless given.
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", format = Date)]
    pub(crate) date: Option<String>,
}

/// What a finished run did.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = DailyCounts)]
pub(crate) struct DailyCountsView {
    /// The local day.
    pub(crate) date: String,
    /// Active accounts that were dealt with: the sum of all below.
    pub(crate) accounts: u64,
    /// Jobs that are new.
    pub(crate) created: u64,
    /// Accounts that had the day's job.
    pub(crate) existing: u64,
    /// Accounts without a simulation that day, by the reason; those that are 0 are absent.
    pub(crate) skipped: BTreeMap<String, u64>,
}

impl From<&DailyReport> for DailyCountsView {
    fn from(report: &DailyReport) -> Self {
        let counts = &report.counts;
        let mut skipped = counts.skipped.clone();
        skipped.insert("recently_simulated".to_owned(), counts.recently_simulated);
        skipped.insert("unusable_id".to_owned(), counts.unusable_id);
        skipped.retain(|_, accounts| *accounts > 0);
        Self {
            date: report.day.to_string(),
            accounts: counts.accounts(),
            created: counts.created,
            existing: counts.existing,
            skipped,
        }
    }
}
