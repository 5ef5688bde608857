//! The three topics (contracts §2), without the prefix that a cluster may ask for.

use crate::jobs::events::EventKind;

/// What the platform sends.
pub const ASSESSMENT_COMPLETED: &str = "assessment.completed";

/// Every topic with its number of partitions, for brokers that we set up ourselves.
pub fn all() -> [(&'static str, i32); 3] {
    [(ASSESSMENT_COMPLETED, 6), (EventKind::Started.topic(), 3), (EventKind::Completed.topic(), 3)]
}
