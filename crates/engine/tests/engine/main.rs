//! What the engine promises, tested from outside: one binary, so that the shared accounts are compiled once.

mod another_fan;
mod brownian;
mod closed_forms;
mod definitions;
mod fitted;
mod garbage;
mod golden;
mod history_error;
mod instructions;
mod lattice;
mod metamorphic;
mod payouts;
mod percentile_errors;
mod platform_rules;
mod precision;
mod rare_breaches;
mod regimes;
mod requests;
mod risk_by_hand;
mod rules_asked_for;
mod same_bits;
mod small_histories;
mod stress;
mod support;
mod wire;
mod withdrawals;
