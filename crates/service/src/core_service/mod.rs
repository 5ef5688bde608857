//! Core Service: where accounts and histories come from (contracts §3).
//!
//! It speaks one of two dialects; which, shows only in the shape of its answers. Questions go out in a form that
//! both understand, answers are read tolerantly, and what a dialect does not say is assumed and said.
//!
//! A call passes, from the outside in: `calls` (the breaker, its turn in the pace, bounded tries, metrics), then
//! `transport` (one GET, its failures sorted by class).

mod account;
mod active_accounts;
pub mod calls;
pub mod client;
pub mod error;
mod history;
pub mod pace;
mod retry;
pub(crate) mod tiers;
mod transport;
mod wire;
