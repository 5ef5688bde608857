//! Which fire is to be carried out now, given those that are accounted for. Pure.

use super::timetable::{Fire, Timetable};

/// A fire that is found at most so late is on time, whatever the policy: a process that restarts, or a database that
/// is away for some minutes, has missed nothing.
pub const ON_TIME_MS: i64 = 15 * 60 * 1_000;
/// A fire that was missed longer ago is not caught up: after three days, the length of a weekend with its Friday,
/// its day's risk is history.
pub const CATCH_UP_AGE_MAX_MS: i64 = 3 * 24 * 3_600 * 1_000;

/// What becomes of a night that was missed: no process was there, or none could work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// The latest one is carried out once; the ones before it are passed over.
    Once,
    /// It is passed over.
    Off,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing: no fire since the last one that is accounted for.
    Nothing,
    /// This fire is to be carried out.
    Run {
        fire: Fire,
        /// It was missed, and is caught up.
        is_late: bool,
    },
    /// This fire was missed and stays so.
    PassOver(Fire),
}

/// What is due at `now_ms`, where every fire up to `watermark_ms` is accounted for.
pub fn due(timetable: &Timetable, watermark_ms: i64, now_ms: i64, policy: CatchUp) -> Due {
    let Some(fire) = latest(timetable, watermark_ms, now_ms) else { return Due::Nothing };
    let age_ms = now_ms - fire.at_ms;
    match policy {
        _ if age_ms <= ON_TIME_MS => Due::Run { fire, is_late: false },
        CatchUp::Once if age_ms <= CATCH_UP_AGE_MAX_MS => Due::Run { fire, is_late: true },
        CatchUp::Once | CatchUp::Off => Due::PassOver(fire),
    }
}

/// The last fire after the watermark and not after now. Forward steps alone, so that every caller sees the same fires;
/// what lies further back than can be caught up is not looked at one by one.
fn latest(timetable: &Timetable, watermark_ms: i64, now_ms: i64) -> Option<Fire> {
    let mut latest = None;
    let mut after_ms = watermark_ms;
    while let Some(fire) = timetable.next_after(after_ms).filter(|fire| fire.at_ms <= now_ms) {
        latest = Some(fire);
        after_ms = fire.at_ms.max(now_ms - CATCH_UP_AGE_MAX_MS - 1);
    }
    latest
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::schedule::timetable::{expression, zone};

    fn ms(time: &str) -> i64 {
        time.parse::<Timestamp>().expect("a time").as_millisecond()
    }

    /// What is due of `0 2 * * *` in New York, told as the fire's day.
    fn told(watermark: &str, now: &str, policy: CatchUp) -> String {
        let timetable = Timetable::new(
            expression("0 2 * * *").expect("a cron"),
            zone("America/New_York").expect("a zone"),
        );
        match due(&timetable, ms(watermark), ms(now), policy) {
            Due::Nothing => "nothing".to_owned(),
            Due::Run { fire, is_late: false } => format!("run {}", fire.day),
            Due::Run { fire, is_late: true } => format!("catch up {}", fire.day),
            Due::PassOver(fire) => format!("pass over {}", fire.day),
        }
    }

    #[test]
    fn the_table_of_what_is_due() {
        use CatchUp::{Off, Once};
        // 02:00 in New York is 07:00Z in winter, 06:00Z in summer.
        let table = [
            ("2026-02-03T07:00:00Z", "2026-02-04T06:59:59Z", Once, "nothing"),
            ("2026-02-03T07:00:00Z", "2026-02-04T07:00:00Z", Once, "run 2026-02-04"),
            ("2026-02-03T07:00:00Z", "2026-02-04T07:00:00Z", Off, "run 2026-02-04"),
            ("2026-02-04T07:00:00Z", "2026-02-04T07:00:00Z", Once, "nothing"),
            ("2026-02-03T07:00:00Z", "2026-02-04T07:15:00Z", Off, "run 2026-02-04"),
            ("2026-02-03T07:00:00Z", "2026-02-04T07:15:01Z", Off, "pass over 2026-02-04"),
            ("2026-02-03T07:00:00Z", "2026-02-04T07:15:01Z", Once, "catch up 2026-02-04"),
            // Several missed: the latest, once.
            ("2026-02-01T07:00:00Z", "2026-02-04T20:00:00Z", Once, "catch up 2026-02-04"),
            ("2025-02-01T07:00:00Z", "2026-02-04T20:00:00Z", Once, "catch up 2026-02-04"),
            ("2026-02-01T07:00:00Z", "2026-02-04T20:00:00Z", Off, "pass over 2026-02-04"),
            // Caught up until the next fire, which has the day's name.
            ("2026-02-03T07:00:00Z", "2026-02-05T06:59:59Z", Once, "catch up 2026-02-04"),
            ("2026-02-03T07:00:00Z", "2026-02-05T07:00:00Z", Once, "run 2026-02-05"),
            // The gap of 8 March: 02:00 is skipped, 03:00 comes in its place, at 07:00Z too.
            ("2026-03-07T07:00:00Z", "2026-03-08T06:59:59Z", Once, "nothing"),
            ("2026-03-07T07:00:00Z", "2026-03-08T07:00:00Z", Once, "run 2026-03-08"),
            ("2026-03-08T07:00:00Z", "2026-03-09T06:00:00Z", Once, "run 2026-03-09"),
            // A clock that goes backwards.
            ("2026-02-04T07:00:00Z", "2026-02-03T07:00:00Z", Once, "nothing"),
        ];
        for (watermark, now, policy, expected) in table {
            assert_eq!(told(watermark, now, policy), expected, "{watermark} {now} {policy:?}");
        }
    }

    #[test]
    fn a_weekly_run_is_caught_up_for_three_days() {
        let fridays =
            Timetable::new(expression("0 18 * * FRI").expect("a cron"), zone("UTC").expect("a zone"));
        let at = |now: &str| due(&fridays, ms("2026-11-13T18:00:00Z"), ms(now), CatchUp::Once);
        assert!(matches!(at("2026-11-23T18:00:00Z"), Due::Run { is_late: true, .. }), "on Monday");
        assert!(matches!(at("2026-11-23T18:00:00.001Z"), Due::PassOver(_)));
        assert!(matches!(at("2026-11-26T18:00:00Z"), Due::PassOver(_)), "on Thursday");
    }

    #[test]
    fn a_year_of_minutes_is_not_counted_through() {
        let minutes = Timetable::new(expression("* * * * *").expect("a cron"), zone("UTC").expect("a zone"));
        let now_ms = ms("2026-11-24T12:00:30Z");
        let Due::Run { fire, is_late } = due(&minutes, now_ms - 365 * 86_400_000, now_ms, CatchUp::Once)
        else {
            panic!("a minute ago there was one")
        };
        assert_eq!((fire.at_ms, is_late), (ms("2026-11-24T12:00:00Z"), false));
    }
}
