//! The specification, row by row, on real parts. `./test specification` runs these alone.

mod daily;
mod doctor;
mod endpoints;
mod healthcheck;
mod weeks;
