//! Random streams: one for each path, a function of the seed and the path's id alone.

pub(crate) mod bounded;
mod philox;
#[cfg(test)]
pub(crate) mod statistics;
mod streams;
mod xoshiro;

pub(crate) use streams::{Streams, Words};
pub(crate) use xoshiro::Stream;
