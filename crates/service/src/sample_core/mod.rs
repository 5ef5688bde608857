//! A sample Core Service with a book of traders, for `dev` and for tests: a real HTTP server that speaks both
//! dialects of the contract, and the events that the platform would send for the same traders.
//!
//! Nothing here reads a clock or the environment: the same seed gives the same book, to the cent.

pub mod book;
pub mod dial;
pub mod events;
mod market;
pub mod server;
mod shapes;
mod trading;
