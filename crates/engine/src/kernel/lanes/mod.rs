//! Paths side by side: [`LANES`] of them take the same step at the same time, in plain arrays that a compiler turns
//! into vector instructions. The state is 32 bits wide, so this serves the plans whose states all fit; every other plan
//! is walked path by path. Both give the same bits.
//!
//! A [`Batch`] opens its paths in `lane`s and takes them through the `rounds` of the [`LaneCourse`], which is the plan in 32
//! bits. In a round every lane draws its rows, then looks up (`look_up`) what they do and walks its `steps` above its
//! `floor`: rows of one trade by `single`, days of several by `days`; what the fan's stops see on the way is noted by `seen`. What has ended is
//! written into the `ledger`, and its lane is filled; the `till` pays the others. When all have ended, the ledger adds
//! them to the tally.

mod batch;
mod course;
mod days;
mod floor;
mod lane;
mod ledger;
mod look_up;
mod rounds;
mod seen;
mod single;
mod steps;
mod till;

pub(crate) use batch::Batch;
pub(crate) use course::LaneCourse;
pub(crate) use lane::{LANES, Numbers, mask};
