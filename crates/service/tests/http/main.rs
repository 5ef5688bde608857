//! The API over real TCP: answers, refusals, limits. Behind it stands a store in memory, for the API's sake alone.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod books;
mod by_hand;
mod create;
mod daily;
mod dead_letters;
mod fuzz;
mod limits;
mod overview;
mod probes;
mod read;
mod refusals;
mod service;
