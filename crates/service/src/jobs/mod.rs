//! A job's life: what it is, the pure rules by which it moves, and the worker that carries it through.

pub mod events;
pub mod fault;
pub mod ids;
pub mod input;
pub mod lifecycle;
pub mod worker;
