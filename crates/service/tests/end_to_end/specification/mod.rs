//! The specification, row by row, on real parts. `./test specification` runs these alone.

mod doctor;
mod endpoints;
