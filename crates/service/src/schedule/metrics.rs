//! What the daily run counts.

const RUNS: &str = "daily_runs_total";
const ACCOUNTS: &str = "daily_accounts_total";

/// Counts a run.
pub(super) fn count_run(outcome: &'static str) {
    metrics::counter!(RUNS, "outcome" => outcome).increment(1);
}

/// Counts accounts.
pub fn count_accounts(outcome: &'static str, accounts: u64) {
    metrics::counter!(ACCOUNTS, "outcome" => outcome).increment(accounts);
}
