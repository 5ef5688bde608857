//! A worker on a store whose answers a test withholds, and with a simulator that does what the test says.

mod desk;
mod ending;
mod outages;
mod shaky;
