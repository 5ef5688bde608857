//! The client of Core Service against the sample server, and against servers that misbehave.

mod accounts;
mod book;
mod breaker;
mod dialects;
mod dialled;
mod faults;
mod pace;
mod paging;
mod support;
