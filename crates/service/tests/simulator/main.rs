//! The client of Ray Serve against a stand-in that speaks the protocol, with the engine's own answers, and misbehaves as
//! it is told.

mod answers;
mod away;
mod faults;
mod jobs;
mod old;
mod stand_in;
