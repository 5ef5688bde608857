//! What the service says about itself: time, traces, logs and counters.

pub mod clock;
pub mod logs;
pub mod metrics;
pub mod trace_context;
