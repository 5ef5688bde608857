//! `/simulations`: ask for one, look at one, look at many, end one or try it anew.

pub(super) mod bulk;
pub(super) mod by_hand;
pub(super) mod create;
mod cursor;
pub(super) mod daily;
pub(in crate::http) mod daily_view;
pub(super) mod get;
mod job_view;
pub(super) mod list;
mod order;
