//! The client of Core Service against the sample server, and against servers that misbehave.

mod accounts;
mod book;
mod dialects;
mod faults;
mod paging;
mod support;
