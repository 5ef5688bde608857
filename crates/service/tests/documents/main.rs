//! The documents that the service gives of itself: their committed copies, and whether they tell the truth.

mod committed;
mod events;
mod results;
mod shapes;
