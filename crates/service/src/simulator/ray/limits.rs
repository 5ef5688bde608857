//! How long is waited and tried; tests are less patient.

use std::time::Duration;

use super::hedge::HEDGE_MIN;

/// The limits of one client.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a Ray that was there is tried without an answer before it is given up.
    pub trying: Duration,
    /// One call for a shard.
    pub shard_call: Duration,
    /// How long a call for a shard flies alone at the least, however quick others are.
    pub hedge_min: Duration,
    /// One call of an old application.
    pub old_call: Duration,
    /// Before the second call of an old application; twice that before the third, four times before the fourth.
    pub old_pause: Duration,
    /// Path-steps a second of one call, before any is measured.
    pub path_steps_per_second: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // More than twice what a proxy takes to restart.
            trying: Duration::from_secs(60),
            // Four times what the largest shard takes, for those that wait for a replica to start.
            shard_call: Duration::from_secs(120),
            hedge_min: HEDGE_MIN,
            // The contract's: such an application computes a whole job in it.
            old_call: Duration::from_secs(5 * 60),
            // The contract's: 1 s, 2 s, 4 s.
            old_pause: Duration::from_secs(1),
            // What one core does.
            path_steps_per_second: 200e6,
        }
    }
}
