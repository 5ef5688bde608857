//! Whether Ray is there, for all jobs of this process; pure, time comes in.
//!
//! ```text
//!            asked, healthy                    no answer for `trying`, or given up
//!  Unknown ────────────────▶ There (a dialect) ──────────────────────────────▶ Away (the breaker)
//!     │                        ▲                                                  │     ▲
//!     │                        └──────────────────────────────────────────────────┘     │
//!     │                                   the breaker's one probe, answered             │
//!     └─────────────────────────────────────────────────────────────────────────────────┘
//!                                     asked, no answer
//! ```
//!
//! Who was never there is away at once, so that a service without Ray pays one connect. Who was there a moment ago is
//! waited for: a proxy that restarts is back within half a minute.

use std::time::{Duration, Instant};

use super::dialect::Dialect;
use crate::breaker::{Breaker, Leave};

/// For so long a dialect is taken as known; then `/health` is asked again, which also tells how many replicas there are.
const FRESH: Duration = Duration::from_secs(10);
/// One `/health` without an answer opens the breaker: what is asked there is asked of nobody else.
const FAILURES_MAX: u32 = 1;

/// What is known of Ray.
#[derive(Debug)]
pub(super) struct Presence {
    /// How long one that was there is tried before it counts as away.
    trying: Duration,
    state: State,
}

#[derive(Debug)]
enum State {
    Unknown,
    There { dialect: Dialect, asked: Instant, last_good: Instant },
    Away { breaker: Breaker, why: String },
}

/// What to do for a job that wants Ray.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It speaks this.
    Use(Dialect),
    /// Ask `/health`, then say what was heard.
    Ask,
    /// It is away; this one caller finds out whether it is back, and says so.
    Probe(String),
    /// It is away, and nobody is to ask now.
    Away(String),
}

impl Presence {
    pub(super) fn new(trying: Duration) -> Self {
        Self { trying, state: State::Unknown }
    }

    /// What a job does now.
    pub(super) fn step(&mut self, now: Instant) -> Step {
        match &mut self.state {
            State::Unknown => Step::Ask,
            State::There { dialect, asked, .. } if now.saturating_duration_since(*asked) < FRESH => {
                Step::Use(dialect.clone())
            }
            State::There { .. } => Step::Ask,
            State::Away { breaker, why } => match breaker.admit(now) {
                Ok(_) => Step::Probe(why.clone()),
                Err(_) => Step::Away(why.clone()),
            },
        }
    }

    /// What [`Step::Ask`] or [`Step::Probe`] came to; says whether Ray counts as away now.
    pub(super) fn heard(&mut self, answer: Result<Dialect, String>, now: Instant) -> bool {
        match answer {
            Ok(dialect) => {
                self.state = State::There { dialect, asked: now, last_good: now };
                false
            }
            Err(why) => match &mut self.state {
                State::There { last_good, .. } if now.saturating_duration_since(*last_good) < self.trying => {
                    false
                }
                State::Away { breaker, why: last } => {
                    breaker.record(Leave::Probe, false, now);
                    *last = why;
                    true
                }
                State::Unknown | State::There { .. } => {
                    self.give_up(why, now);
                    true
                }
            },
        }
    }

    /// A call was answered as it should be.
    pub(super) fn answered(&mut self, now: Instant) {
        if let State::There { last_good, .. } = &mut self.state {
            *last_good = now;
        }
    }

    /// A call failed: what is known of Ray is asked anew before the next job.
    pub(super) fn doubt(&mut self, now: Instant) {
        if let State::There { asked, .. } = &mut self.state {
            *asked = now.checked_sub(FRESH).unwrap_or(now);
        }
    }

    /// A job got nothing out of it for as long as it may try: others leave it alone for a while.
    pub(super) fn give_up(&mut self, why: String, now: Instant) {
        if !matches!(self.state, State::Away { .. }) {
            let mut breaker = Breaker::opening_after(FAILURES_MAX);
            breaker.record(Leave::Usual, false, now);
            self.state = State::Away { breaker, why };
        }
    }

    /// Why it is left alone, while it is.
    pub(super) fn away(&self) -> Option<&str> {
        match &self.state {
            State::Away { why, .. } => Some(why),
            State::Unknown | State::There { .. } => None,
        }
    }

    /// What it spoke when it was last asked; `None` before that and while it is away.
    pub(super) fn dialect(&self) -> Option<&Dialect> {
        match &self.state {
            State::There { dialect, .. } => Some(dialect),
            State::Unknown | State::Away { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRYING: Duration = Duration::from_secs(60);
    const OURS: Dialect = Dialect::Shards { replicas: 2 };

    fn refused() -> Result<Dialect, String> {
        Err("connection refused".into())
    }

    #[test]
    fn who_was_never_there_is_away_at_once_and_probed_ever_more_rarely() {
        let (mut presence, mut now) = (Presence::new(TRYING), Instant::now());
        assert_eq!(presence.step(now), Step::Ask);
        assert!(presence.heard(refused(), now));
        let away = Step::Away("connection refused".into());
        assert_eq!(presence.step(now), away);
        for pause in [1, 2, 4, 8, 15, 15] {
            assert_eq!(presence.step(now + Duration::from_secs(pause) - Duration::from_millis(1)), away);
            now += Duration::from_secs(pause);
            assert_eq!(presence.step(now), Step::Probe("connection refused".into()));
            assert_eq!(presence.step(now), away, "one probe at a time");
            assert!(presence.heard(refused(), now));
        }
        now += Duration::from_secs(15);
        assert!(matches!(presence.step(now), Step::Probe(_)));
        assert!(!presence.heard(Ok(OURS), now));
        assert_eq!((presence.step(now), presence.away()), (Step::Use(OURS), None));
    }

    #[test]
    fn who_was_there_is_waited_for() {
        let (mut presence, begin) = (Presence::new(TRYING), Instant::now());
        presence.heard(Ok(OURS), begin);
        presence.answered(begin + Duration::from_secs(5));
        let then = begin + FRESH;
        assert_eq!(presence.step(then), Step::Ask);
        assert!(!presence.heard(refused(), then), "it was there a moment ago");
        assert_eq!((presence.step(then), presence.away()), (Step::Ask, None));
        let at_last = begin + Duration::from_secs(5) + TRYING;
        assert!(!presence.heard(refused(), at_last - Duration::from_millis(1)));
        assert!(presence.heard(refused(), at_last));
        assert_eq!(presence.away(), Some("connection refused"));
    }

    #[test]
    fn a_dialect_is_known_for_a_while_and_doubted_after_a_failure() {
        let (mut presence, begin) = (Presence::new(TRYING), Instant::now());
        presence.heard(Ok(Dialect::Old), begin);
        let later = begin + FRESH - Duration::from_millis(1);
        assert_eq!(presence.step(later), Step::Use(Dialect::Old));
        presence.doubt(later);
        assert_eq!(presence.step(later), Step::Ask);
        presence.heard(Ok(OURS), later);
        assert_eq!((presence.step(later), presence.dialect()), (Step::Use(OURS), Some(&OURS)));
    }

    #[test]
    fn a_job_that_gives_up_closes_the_door_for_others() {
        let (mut presence, now) = (Presence::new(TRYING), Instant::now());
        presence.heard(Ok(OURS), now);
        presence.give_up("no shard came back".into(), now);
        presence.give_up("another job, too".into(), now + Duration::from_millis(900));
        assert_eq!(presence.step(now), Step::Away("no shard came back".into()));
        assert!(
            matches!(presence.step(now + Duration::from_secs(1)), Step::Probe(_)),
            "the first pause stands"
        );
    }
}
