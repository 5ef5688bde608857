//! The specification, row by row, on real parts. `./test specification` runs these alone.

mod core_service;
mod daily;
mod doctor;
mod endpoints;
mod healthcheck;
mod redis;
mod weeks;
