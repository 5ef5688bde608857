//! What a job is and the rules by which it moves. Pure: no database, no clock; the `worker` carries out what it says.

pub mod events;
pub mod ids;
pub mod input;
pub mod machine;
pub mod skip;
