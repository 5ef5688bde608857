//! How long what has ended is kept.

use std::time::Duration;

use super::forms::number;
use super::reader::Reader;
use super::variable::{Preset, Variable};
use crate::schedule::due::CATCH_UP_AGE_MAX_MS;
use crate::schedule::trigger::DAYS_BACK_MAX;

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// The shortest span: a day's run may be asked for so many days back, lasts to the end of that day, and goes on for as long
/// as it is caught up; until then its jobs must be there, or they would be made again. Longer, too, than any result counts as
/// recent.
pub const DAYS_MIN: u64 = DAYS_BACK_MAX as u64 + 1 + CATCH_UP_AGE_MAX_MS as u64 / DAY.as_millis() as u64;
/// Longer is for ever: `off`.
const DAYS_MAX: u64 = 3_650;

pub const RETENTION_DAYS: Variable = Variable::ours(
    "RETENTION_DAYS",
    Preset::Value("90"),
    "a whole number from 35 to 3650, or `off`",
    "Days after which an ended job goes, with its input, result and events, and so do daily runs and messages that could not be read; \
     `off` keeps all for ever. An event that comes again makes no second job for 400 days more.",
);

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionConfig {
    /// `None`: for ever.
    pub keep: Option<Duration>,
}

impl RetentionConfig {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let days = reader.read(&RETENTION_DAYS, |text| match text {
            "off" => Some(None),
            text => number(DAYS_MIN..=DAYS_MAX)(text).map(Some),
        });
        Some(Self { keep: days?.map(|days| DAY * days as u32) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::daily::SKIP_RECENT_HOURS_MAX;

    #[test]
    fn the_shortest_span_is_longer_than_anybody_looks_back() {
        assert!(RETENTION_DAYS.expected.contains(&format!("from {DAYS_MIN} to {DAYS_MAX},")));
        // A recent result was ordered within the span, or in the two days before.
        const { assert!(DAYS_MIN * 24 >= SKIP_RECENT_HOURS_MAX + 48) };
    }
}
