//! What the daily run counts.

const RUNS: &str = "daily_runs_total";
const ACCOUNTS: &str = "daily_accounts_total";

/// Says what the metrics are, once the recorder is installed.
pub fn describe() {
    metrics::describe_counter!(
        RUNS,
        "Daily runs by outcome: opened, caught_up, passed_over, by_hand when they begin; finished, failed (to go on \
         later), given_up when a pass over the accounts ends"
    );
    metrics::describe_counter!(
        ACCOUNTS,
        "Accounts of daily runs by outcome: created, existing, recently_simulated, unusable_id; later, by their jobs, \
         no_closing_trades, account_not_found, account_not_active"
    );
}

/// Counts a run.
pub(super) fn count_run(outcome: &'static str) {
    metrics::counter!(RUNS, "outcome" => outcome).increment(1);
}

/// Counts accounts.
pub fn count_accounts(outcome: &'static str, accounts: u64) {
    metrics::counter!(ACCOUNTS, "outcome" => outcome).increment(accounts);
}
