//! When the daily run is due: a cron expression, read in a time zone. Pure; time comes in.
//!
//! A local time that the clocks skip fires at the end of the gap; one that they repeat fires once, at its first
//! coming; an expression with a step (`*/30`) fires in both.

use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

const HOUR_MS: i64 = 3_600 * 1_000;
/// The longest gap in a zone's local time, and the night before it: Samoa left out a day when it crossed the date line.
const GAP_HOURS_MAX: i64 = 48;

/// The moments at which the daily run begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Timetable {
    cron: Cron,
    zone: TimeZone,
}

/// One of those moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fire {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// The day that it is there and then, or should have been.
    pub day: Date,
}

/// What makes no timetable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimetableError {
    #[error("not a cron expression: {0}")]
    Cron(String),
    #[error("a cron expression that never comes true")]
    Never,
    #[error("no time zone of that name")]
    Zone,
}

impl Timetable {
    /// The timetable of an expression in a zone.
    pub fn new(cron: Cron, zone: TimeZone) -> Self {
        Self { cron, zone }
    }

    /// The first fire after `after_ms`; `None` beyond what a calendar holds.
    pub fn next_after(&self, after_ms: i64) -> Option<Fire> {
        // The search gives up at a gap of a whole day; from within the gap it does not. And where a zone changes its law and
        // not its clocks (Nuuk, October 2023), it may find again what it comes from, for ever.
        let starts = (0..=GAP_HOURS_MAX).map(|hours| after_ms.saturating_add(hours * HOUR_MS));
        let next = starts
            .filter_map(|start_ms| zoned(start_ms, &self.zone))
            .filter_map(|start| self.cron.find_next_occurrence(&start, false).ok())
            .find(|next| next.timestamp().as_millisecond() > after_ms)?;
        Some(Fire { at_ms: next.timestamp().as_millisecond(), day: self.day_of(&next) })
    }

    /// The day that a fire is for. One whose time the clocks skip comes at the end of the gap; in Nuuk that is midnight, and
    /// the day is still the one that had no such time.
    fn day_of(&self, fire: &Zoned) -> Date {
        if self.cron.is_time_matching(fire).unwrap_or(true) {
            return fire.date();
        }
        let moment = fire.timestamp();
        let before = self.zone.to_offset(moment - SignedDuration::from_millis(1));
        before.to_datetime(moment).date()
    }
}

impl fmt::Display for Timetable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.cron.as_str(), self.zone.iana_name().unwrap_or("UTC"))
    }
}

/// A cron expression of five fields: minute, hour, day of the month, month, day of the week.
///
/// # Errors
/// [`TimetableError::Cron`], [`TimetableError::Never`].
pub fn expression(text: &str) -> Result<Cron, TimetableError> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = parser.parse(text).map_err(|error| TimetableError::Cron(error.to_string()))?;
    let epoch = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    cron.find_next_occurrence(&epoch, false).map_err(|_| TimetableError::Never)?;
    Ok(cron)
}

/// A zone by its name in the IANA database.
///
/// # Errors
/// [`TimetableError::Zone`].
pub fn zone(name: &str) -> Result<TimeZone, TimetableError> {
    TimeZone::get(name).map_err(|_| TimetableError::Zone)
}

/// The day that it is in `zone`.
pub fn day_at(ms: i64, zone: &TimeZone) -> Option<Date> {
    zoned(ms, zone).map(|zoned| zoned.date())
}

fn zoned(ms: i64, zone: &TimeZone) -> Option<Zoned> {
    Timestamp::from_millisecond(ms).ok().map(|time| time.to_zoned(zone.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fires(cron: &str, zone_name: &str, after: &str, count: usize) -> Vec<String> {
        let timetable = Timetable::new(expression(cron).expect("a cron"), zone(zone_name).expect("a zone"));
        let mut at_ms = ms(after);
        let mut fires = Vec::new();
        for _ in 0..count {
            let fire = timetable.next_after(at_ms).expect("another fire");
            assert!(fire.at_ms > at_ms);
            at_ms = fire.at_ms;
            fires.push(format!("{} of {}", Timestamp::from_millisecond(at_ms).expect("a time"), fire.day));
        }
        fires
    }

    fn ms(time: &str) -> i64 {
        time.parse::<Timestamp>().expect("a time").as_millisecond()
    }

    #[test]
    fn a_night_is_a_night_in_its_own_zone() {
        assert_eq!(
            fires("0 2 * * *", "UTC", "2026-11-24T02:00:00Z", 2),
            ["2026-11-25T02:00:00Z of 2026-11-25", "2026-11-26T02:00:00Z of 2026-11-26"]
        );
        assert_eq!(
            fires("0 2 * * *", "Pacific/Auckland", "2026-11-24T00:00:00Z", 1),
            ["2026-11-24T13:00:00Z of 2026-11-25"],
            "the day there, not in Greenwich"
        );
    }

    #[test]
    fn a_skipped_time_fires_once_at_the_end_of_the_gap() {
        assert_eq!(
            fires("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", 2),
            ["2026-03-08T07:00:00Z of 2026-03-08", "2026-03-09T06:30:00Z of 2026-03-09"],
            "at 03:00, for 02:30 does not come"
        );
    }

    #[test]
    fn a_time_that_is_skipped_up_to_midnight_fires_for_the_day_that_it_is_missing_from() {
        assert_eq!(
            fires("30 23 * * *", "America/Nuuk", "2026-03-27T12:00:00Z", 3),
            [
                "2026-03-28T01:30:00Z of 2026-03-27",
                "2026-03-29T01:00:00Z of 2026-03-28",
                "2026-03-30T00:30:00Z of 2026-03-29",
            ],
            "23:00 on the 28th is 00:00 on the 29th"
        );
        assert_eq!(
            fires("0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", 1),
            ["2026-04-23T22:00:00Z of 2026-04-24"],
            "and one that is skipped from midnight on for the day that begins at 01:00"
        );
    }

    #[test]
    fn a_repeated_time_fires_once_and_a_step_in_both() {
        assert_eq!(
            fires("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2),
            ["2026-11-01T05:30:00Z of 2026-11-01", "2026-11-02T06:30:00Z of 2026-11-02"]
        );
        assert_eq!(
            fires("*/30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 5),
            [
                "2026-11-01T05:00:00Z of 2026-11-01",
                "2026-11-01T05:30:00Z of 2026-11-01",
                "2026-11-01T06:00:00Z of 2026-11-01",
                "2026-11-01T06:30:00Z of 2026-11-01",
                "2026-11-02T06:00:00Z of 2026-11-02",
            ]
        );
    }

    #[test]
    fn a_day_that_a_zone_left_out_has_no_fire() {
        // Samoa crossed the date line: there was no 30 December 2011.
        assert_eq!(
            fires("0 2 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 2),
            ["2011-12-29T12:00:00Z of 2011-12-29", "2011-12-30T12:00:00Z of 2011-12-31"]
        );
    }

    /// Summer time takes an hour at most. Longer gaps are a zone's change of its place: Samoa's day, and a research station's
    /// three hours (Antarctica/Casey), in which a night is passed over.
    const GAP_SECONDS_MAX: i32 = 2 * 3_600;
    /// So far around a change of the clocks.
    const AROUND_HOURS: i64 = 60;

    /// The days that a zone has around a moment, by what its clocks show every quarter of an hour.
    fn days_around(moment: Timestamp, zone: &TimeZone) -> Vec<Date> {
        let at_ms = |quarter| moment.as_millisecond() + quarter * HOUR_MS / 4;
        let quarters = -4 * AROUND_HOURS..=4 * AROUND_HOURS;
        let mut days: Vec<Date> = quarters.filter_map(|quarter| day_at(at_ms(quarter), zone)).collect();
        // A change at midnight may set them back into the day before.
        days.sort();
        days.dedup();
        // The first and the last of them may have begun earlier and end later.
        days[1..days.len() - 1].to_vec()
    }

    #[test]
    fn whatever_a_zone_does_to_its_clocks_each_of_its_days_has_one_night() {
        let crons = ["0 0 * * *", "30 0 * * *", "30 1 * * *", "0 2 * * *", "30 2 * * *", "59 23 * * *"];
        let crons = crons.map(|cron| expression(cron).expect("a cron"));
        let begin = Timestamp::from_millisecond(ms("2007-01-01T00:00:00Z")).expect("a time");
        let end = Timestamp::from_millisecond(ms("2038-01-01T00:00:00Z")).expect("a time");
        // Many names stand for one history.
        let mut seen = std::collections::HashSet::new();
        for name in jiff::tz::db().available() {
            let zone = zone(name.as_str()).expect("it is in the database");
            let changes = zone.following(begin).take_while(|change| change.timestamp() < end);
            for (moment, offset) in changes.map(|change| (change.timestamp(), change.offset())) {
                let before = zone.to_offset(moment - SignedDuration::from_secs(1));
                let is_long = offset.seconds() - before.seconds() > GAP_SECONDS_MAX;
                if is_long || !seen.insert((moment, before, offset)) {
                    continue;
                }
                let days = days_around(moment, &zone);
                for cron in &crons {
                    let timetable = Timetable::new(cron.clone(), zone.clone());
                    let mut at_ms = moment.as_millisecond() - AROUND_HOURS * HOUR_MS;
                    let mut fired = Vec::new();
                    while let Some(fire) = timetable.next_after(at_ms)
                        && fire.at_ms <= moment.as_millisecond() + AROUND_HOURS * HOUR_MS
                    {
                        assert!(fire.at_ms > at_ms, "{timetable} stands still at {at_ms}");
                        let days_then = [fire.at_ms - 1, fire.at_ms].map(|at_ms| day_at(at_ms, &zone));
                        assert!(days_then.contains(&Some(fire.day)), "{timetable}: {fire:?}");
                        at_ms = fire.at_ms;
                        fired.push(fire.day);
                    }
                    fired.retain(|day| days.contains(day));
                    assert_eq!(fired, days, "{timetable} around {moment}");
                }
            }
        }
        println!("{} changes of the world's clocks", seen.len());
        assert!(seen.len() > 1_000, "{} changes of the world's clocks", seen.len());
    }

    #[test]
    fn what_is_no_timetable_is_refused() {
        for text in ["", "61 2 * * *", "0 25 * * *", "0 2 * *", "0 0 2 * * *", "0 2 * * * 2026", "midnight"] {
            assert!(matches!(expression(text), Err(TimetableError::Cron(_))), "{text}");
        }
        assert_eq!(expression("0 2 30 2 *"), Err(TimetableError::Never), "30 February");
        for name in ["", "Mars/Olympus", "UTC+1"] {
            assert_eq!(zone(name), Err(TimetableError::Zone), "{name}");
        }
    }
}
