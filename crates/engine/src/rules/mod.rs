//! The firm's rules: what was asked, what of it is simulated, and the integers that the kernels compare with.

mod applied;
pub(crate) mod daily_loss;
pub(crate) mod floor;
mod limits;
mod payout;
mod withdrawal;

pub(crate) use applied::{Applied, MIN_PAYOUT, Rulebook, given_risk, max_risk};
pub(crate) use limits::{ConsistencyRule, Limits, Pass, Start};
pub(crate) use payout::{Paid, Payouts, Stop, Terms, WEEK};
pub(crate) use withdrawal::{Granted, MARK_LOCKED, Withdrawals};
