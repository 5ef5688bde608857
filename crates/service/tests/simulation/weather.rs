//! What goes wrong in one history. Each kind of fault is there in half of the histories, so that rare meetings of few
//! kinds are not drowned by all of them at once.

use fastrand::Rng;

/// How long faults last; afterwards everything works, and every job must end.
pub(crate) const STORM_MS: i64 = 30_000;

/// Which kinds of fault there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sky {
    Any,
    /// The database is away for everybody, and all else is well.
    Outages,
}

/// A blow to one process, or to the database.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Blow {
    /// The process is killed and comes back as another.
    Crash {
        process: usize,
        away_ms: i64,
    },
    /// The process stops as it should, giving back what it has in hand, and comes back as another.
    Stop {
        process: usize,
    },
    /// The process stands still; its clock goes on.
    Freeze {
        process: usize,
        ms: i64,
    },
    /// The process stands still, and so does its clock.
    Suspend {
        process: usize,
        ms: i64,
    },
    /// No call of the process comes through.
    Partition {
        process: usize,
        ms: i64,
    },
    /// No beat of the process comes through; all else does.
    Mute {
        process: usize,
        ms: i64,
    },
    /// The database's clock is set.
    ClockJump {
        ms: i64,
    },
    /// A person cancels a job, or has it tried anew.
    Cancel {
        job: usize,
    },
    Retry {
        job: usize,
    },
}

/// Chances, in a thousand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weather {
    /// Of a request, and of an answer.
    pub(crate) lost: u32,
    pub(crate) late: u32,
    pub(crate) doubled: u32,
    /// Of a transaction: refused with 40001, or committed and answered by a broken connection.
    pub(crate) refused: u32,
    pub(crate) ambiguous: u32,
    /// Of a step of an attempt.
    pub(crate) retry: u32,
    pub(crate) snooze: u32,
    pub(crate) terminal: u32,
    pub(crate) skip: u32,
    pub(crate) hang: u32,
    /// Of a message on its way to the broker.
    pub(crate) undelivered: u32,
    /// When, and what.
    pub(crate) blows: Vec<(i64, Blow)>,
}

impl Weather {
    /// Outages, with time between them to come home and to work.
    pub(crate) fn outages(rng: &mut Rng, processes: usize) -> Self {
        let mut weather = Self::default();
        let mut at_ms = 0;
        loop {
            let ms = rng.i64(500..12_000);
            at_ms += rng.i64(1_000..12_000);
            if at_ms + ms > STORM_MS {
                return weather;
            }
            weather.blows.extend((0..processes).map(|process| (at_ms, Blow::Partition { process, ms })));
            at_ms += ms;
        }
    }

    pub(crate) fn any(rng: &mut Rng, processes: usize, jobs: usize) -> Self {
        let mut weather = Self::default();
        for (chance, most) in [
            (&mut weather.lost, 150),
            (&mut weather.late, 150),
            (&mut weather.doubled, 150),
            (&mut weather.refused, 300),
            (&mut weather.ambiguous, 200),
            (&mut weather.retry, 250),
            (&mut weather.snooze, 250),
            (&mut weather.terminal, 30),
            (&mut weather.skip, 50),
            (&mut weather.hang, 100),
            (&mut weather.undelivered, 200),
        ] {
            if rng.bool() {
                *chance = rng.u32(1..=most);
            }
        }
        for kind in 0..9 {
            for _ in 0..if rng.bool() { rng.usize(1..=4) } else { 0 } {
                let (process, ms) = (rng.usize(0..processes), rng.i64(500..15_000));
                let job = rng.usize(0..jobs);
                let blow = match kind {
                    0 => Blow::Crash { process, away_ms: ms / 3 },
                    1 => Blow::Stop { process },
                    2 => Blow::Freeze { process, ms },
                    3 => Blow::Suspend { process, ms },
                    4 => Blow::Partition { process, ms },
                    5 => Blow::Mute { process, ms },
                    6 => Blow::ClockJump { ms: if rng.bool() { ms } else { -ms } },
                    7 => Blow::Cancel { job },
                    _ => Blow::Retry { job },
                };
                weather.blows.push((rng.i64(0..STORM_MS), blow));
            }
        }
        weather
    }
}
