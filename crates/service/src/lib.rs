//! Monte Carlo Service: hears that an assessment was completed, simulates what the account may do next, stores
//! the result and publishes it.
//!
//! One event walks one way: `kafka` → `intake` → `store` → `worker` → `core_service` → `simulator` →
//! `store` → `kafka` (relay). `http` is a second door into `store`'s queue and a window on it.

mod breaker;
pub mod cli;
pub mod config;
pub mod core_service;
mod dashboard;
pub mod dead_letters;
pub mod doctor;
pub mod documents;
pub mod fleet;
pub mod http;
pub mod intake;
pub mod jobs;
pub mod kafka;
pub mod retention;
pub mod runtime;
pub mod sample_core;
pub mod schedule;
pub mod signals;
pub mod simulator;
pub mod store;
pub mod telemetry;
pub mod worker;
