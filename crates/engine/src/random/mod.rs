//! Random streams: one for each path, a function of the seed and the path's id alone.

pub(crate) mod bounded;
mod philox;
mod xoshiro;

pub(crate) use xoshiro::Stream;
