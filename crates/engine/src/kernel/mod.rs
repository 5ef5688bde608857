//! Walks paths: the plain scalar reference.

mod account;
mod depth;
mod table;
mod walk;

pub(crate) use account::{Account, Cause, End};
pub(crate) use depth::{DEPTH_ONE, Depth, LogDepth, MoneyDepth};
pub(crate) use table::{DayTable, Table, TradeTable};
pub(crate) use walk::{Course, Watch};
