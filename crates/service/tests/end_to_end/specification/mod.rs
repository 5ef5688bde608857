//! The specification, row by row, on real parts. `./test specification` runs these alone.

mod core_service;
mod daily;
mod database;
mod dead_letters;
mod doctor;
mod documents;
mod endpoints;
mod healthcheck;
mod kafka_security;
mod metrics;
mod page;
mod redis;
mod stack;
mod ten_thousand;
mod weeks;
