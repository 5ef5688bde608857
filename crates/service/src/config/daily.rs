//! When the daily run is, and whom it passes over.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::forms::number;
use super::reader::Reader;
use super::variable::{Preset, Variable};
use crate::schedule::due::CatchUp;
use crate::schedule::timetable::{self, Timetable};

/// The longest span that counts as recent: a month, beyond which a result says nothing of an account.
pub(super) const SKIP_RECENT_HOURS_MAX: u64 = 31 * 24;

pub const DAILY_SIMULATION_CRON: Variable = Variable::ours(
    "DAILY_SIMULATION_CRON",
    Preset::Value("0 2 * * *"),
    "a cron expression of five fields, or `off`",
    "When the daily run begins, which simulates every active funded account, once a local day.",
);
pub const DAILY_SIMULATION_TZ: Variable = Variable::ours(
    "DAILY_SIMULATION_TZ",
    Preset::Value("UTC"),
    "a time zone of the IANA database, such as `America/New_York`",
    "Time zone of that expression, and of the days.",
);
pub const DAILY_SKIP_RECENT_HOURS: Variable = Variable::ours(
    "DAILY_SKIP_RECENT_HOURS",
    Preset::Value("0"),
    "a whole number from 0 to 744",
    "The daily run passes over accounts with a result that is at most so old; 0 passes over none.",
);
pub const DAILY_CATCH_UP: Variable = Variable::ours(
    "DAILY_CATCH_UP",
    Preset::Value("once"),
    "`once` or `off`",
    "What becomes of nights in which no process was there: the last one is caught up, if it is less than three days ago, or none is.",
);

/// The daily run.
#[derive(Clone, Debug, PartialEq)]
pub struct DailyConfig {
    /// `None`: off.
    pub timetable: Option<Timetable>,
    /// Whose days count, for runs by hand too.
    pub zone: TimeZone,
    pub skip_recent: Option<Duration>,
    pub catch_up: CatchUp,
}

impl DailyConfig {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let cron = reader.read(&DAILY_SIMULATION_CRON, |text| match text {
            "off" => Some(None),
            text => timetable::expression(text).ok().map(Some),
        });
        let zone = reader.read(&DAILY_SIMULATION_TZ, |text| timetable::zone(text).ok());
        let skip_recent_hours = reader.read(&DAILY_SKIP_RECENT_HOURS, number(0..=SKIP_RECENT_HOURS_MAX));
        let catch_up = reader.read(&DAILY_CATCH_UP, |text| match text {
            "once" => Some(CatchUp::Once),
            "off" => Some(CatchUp::Off),
            _ => None,
        });
        let (cron, zone, hours) = (cron?, zone?, skip_recent_hours?);
        Some(Self {
            timetable: cron.map(|cron| Timetable::new(cron, zone.clone())),
            zone,
            skip_recent: (hours > 0).then(|| Duration::from_secs(hours * 3_600)),
            catch_up: catch_up?,
        })
    }
}
