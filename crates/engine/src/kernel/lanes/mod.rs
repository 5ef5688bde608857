//! Paths side by side: [`LANES`] of them take the same step at the same time, in plain arrays that a compiler turns
//! into vector instructions. The state is 32 bits wide, so this serves the plans whose states all fit; every other plan
//! is walked path by path. Both give the same bits.

mod batch;
mod course;
mod days;
mod lane;
mod look_up;
mod till;

pub(crate) use batch::{Batch, Ended};
pub(crate) use course::LaneCourse;
pub(crate) use lane::{LANES, mask};
