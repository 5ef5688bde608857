//! Walks paths: one by one, the plain reference, or side by side in lanes, to the same bits.

mod account;
mod depth;
mod lanes;
mod table;
mod walk;

pub(crate) use account::{Account, Cause, Close, End};
pub(crate) use depth::{DEPTH_ONE, Depth, LogDepth, MoneyDepth, OwnPeak};
pub(crate) use lanes::{Batch, LANES, LaneCourse, Numbers, mask};
pub(crate) use table::{DayTable, Steps, Table, TradeTable};
pub(crate) use walk::{AnyGate, Course, Gate, Watch};
