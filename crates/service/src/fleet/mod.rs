//! What the replicas share over Redis. Never the truth: each part says what it does without, and does it.
//!
//! `link` is the way there, bounded in time; `results` serves completed jobs from it; `pace` keeps one limit on calls for
//! all. (Wake-ups live in `signals`.)

mod cause;
pub mod link;
pub mod pace;
pub mod results;
