//! What calls that brought nothing say of their shard and of Ray, and how long to wait. Pure; time and jitter come in.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::verdict::Class;

/// Failures of one shard in flight, of whatever cause, while Ray answers others, after which it is suspected of killing
/// replicas. A cluster that loses every third call still loses fewer than one shard in five thousand so often.
pub(super) const SHARD_FAILURES_MAX: u32 = 8;
/// A shard is lost so often with nobody else answered, before it is found out whether Ray answers at all: a replica that
/// dies, or a proxy, takes a call or two with it.
const UNCLEAR_LOSSES_MAX: u32 = 2;
/// The engine failing at one shard on so many calls fails everywhere.
pub(super) const SHARD_PANICS_MAX: u32 = 3;
/// The first pause after a failure; doubles with each in a row.
const PAUSE_BASE: Duration = Duration::from_millis(250);
/// The longest: a proxy that is back is noticed within it.
const PAUSE_MAX: Duration = Duration::from_secs(4);
/// The longest `Retry-After` that is heeded; whoever asks for more is asked again sooner.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(10);
/// All of a stage.
#[derive(Debug)]
pub(super) struct Losses {
    records: HashMap<usize, Record>,
    /// Nothing is sent before; failures in a row prolong it.
    held_until: Option<Instant>,
    failures_in_a_row: u32,
    /// The first failure since Ray answered anybody.
    failing_since: Option<Instant>,
    /// What Ray had answered then.
    answers: u64,
    /// How long Ray is tried without an answer.
    trying: Duration,
}

/// A call that brought nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    pub(super) class: Class,
    pub(super) sent: Instant,
    /// What the answer asked to be left alone for.
    pub(super) asked: Option<Duration>,
    pub(super) now: Instant,
    /// A fresh random number in 0 .. 1.
    pub(super) jitter: f64,
    /// Answers of Ray to this process so far, to whatever job.
    pub(super) answers: u64,
}

/// How a shard has failed.
#[derive(Debug, Default)]
struct Record {
    /// Calls that were lost or too slow.
    losses: u32,
    /// The first of them, and those since whose last one Ray had answered others.
    failures: u32,
    panics: u32,
    /// What Ray had answered at the last of these.
    answers: u64,
}

/// What a failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Go on.
    GoOn,
    /// The engine fails at this shard wherever it runs.
    Poison,
    /// This shard is lost each time, while others are answered.
    Suspect,
    /// Go on, but find out first whether Ray answers anybody: nothing says so, and nothing speaks against it.
    Ask,
    /// Nothing comes back from Ray.
    GiveUp,
}

impl Losses {
    pub(super) fn new(trying: Duration) -> Self {
        Self {
            records: HashMap::new(),
            held_until: None,
            failures_in_a_row: 0,
            failing_since: None,
            answers: 0,
            trying,
        }
    }

    /// Until when nothing is sent, if that lies ahead.
    pub(super) fn held_until(&self, now: Instant) -> Option<Instant> {
        self.held_until.filter(|&until| now < until)
    }

    /// A call was answered. A hold stays: what was asked for is kept, also where another call comes back meanwhile.
    pub(super) fn answered(&mut self) {
        (self.failures_in_a_row, self.failing_since) = (0, None);
    }

    /// A call for the shard `index` brought nothing: when it may be sent again, and what to do else.
    pub(super) fn note(&mut self, index: usize, loss: Loss) -> (Instant, After) {
        let Loss { class, now, answers, .. } = loss;
        if self.answers != answers {
            (self.answers, self.failing_since) = (answers, None);
        }
        let failing_since = *self.failing_since.get_or_insert(now);
        let due = now + self.pause(index, &loss);
        let record = self.records.entry(index).or_default();
        let is_unclear = record.add(class, answers);
        let after = if record.panics >= SHARD_PANICS_MAX {
            After::Poison
        } else if record.failures >= SHARD_FAILURES_MAX {
            After::Suspect
        } else if now.saturating_duration_since(failing_since) >= self.trying {
            After::GiveUp
        } else if is_unclear {
            After::Ask
        } else {
            After::GoOn
        };
        (due, after)
    }

    /// The pause of this shard; where Ray itself is the cause, that of all.
    fn pause(&mut self, index: usize, loss: &Loss) -> Duration {
        let &Loss { class, sent, asked, now, jitter, .. } = loss;
        if !matches!(class, Class::Away | Class::Busy) {
            let before = self.records.get(&index).map_or(0, |record| record.losses + record.panics);
            return backed_off(before, jitter);
        }
        // One round of calls that meet the same closed door is one failure.
        if self.held_until.is_none_or(|until| sent >= until) {
            let ours = backed_off(self.failures_in_a_row, jitter);
            let pause = asked.map_or(ours, |asked| asked.min(RETRY_AFTER_MAX).max(ours));
            self.failures_in_a_row += 1;
            self.held_until = Some(now + pause);
        }
        Duration::ZERO
    }
}

impl Record {
    /// Says whether it is unclear whose fault it is.
    fn add(&mut self, class: Class, answers: u64) -> bool {
        match class {
            Class::Away | Class::Busy => false,
            Class::Panicked => {
                self.panics += 1;
                false
            }
            Class::Lost | Class::Slow => {
                let is_its_own = self.losses == 0 || self.answers != answers;
                self.losses += 1;
                self.failures += u32::from(is_its_own);
                self.answers = answers;
                !is_its_own && self.losses > UNCLEAR_LOSSES_MAX
            }
        }
    }
}

/// Doubles with each failure; jittered over its upper half.
fn backed_off(before: u32, jitter: f64) -> Duration {
    let ceiling = (PAUSE_BASE * 2_u32.pow(before.min(8))).min(PAUSE_MAX);
    ceiling / 2 + (ceiling / 2).mul_f64(jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRYING: Duration = Duration::from_secs(60);
    const SECOND: Duration = Duration::from_secs(1);

    /// What a failure leads to after so many answers of Ray to whomever.
    fn fails(losses: &mut Losses, index: usize, class: Class, now: Instant, answers: u64) -> After {
        losses.note(index, Loss { class, sent: now, asked: None, now, jitter: 1.0, answers }).1
    }

    #[test]
    fn a_shard_that_the_engine_fails_at_is_poison() {
        let (mut losses, now) = (Losses::new(TRYING), Instant::now());
        for failure in 1..=SHARD_PANICS_MAX {
            let wanted = if failure < SHARD_PANICS_MAX { After::GoOn } else { After::Poison };
            assert_eq!(fails(&mut losses, 0, Class::Panicked, now, 0), wanted);
        }
    }

    #[test]
    fn a_shard_that_is_lost_each_time_is_suspect_only_while_others_are_answered() {
        let (mut losses, now) = (Losses::new(TRYING), Instant::now());
        for failure in 1..=SHARD_FAILURES_MAX {
            let wanted = if failure < SHARD_FAILURES_MAX { After::GoOn } else { After::Suspect };
            assert_eq!(fails(&mut losses, 0, Class::Lost, now, failure.into()), wanted);
        }
        assert_eq!(fails(&mut losses, 1, Class::Lost, now, 9), After::GoOn, "each for itself");
    }

    #[test]
    fn losses_while_nobody_is_answered_speak_against_no_shard_and_it_is_asked_what_they_mean() {
        let (mut losses, mut now) = (Losses::new(TRYING), Instant::now());
        for loss in 1..=100 {
            let wanted = if loss <= UNCLEAR_LOSSES_MAX { After::GoOn } else { After::Ask };
            assert_eq!(fails(&mut losses, 0, Class::Lost, now, 0), wanted);
        }
        assert_eq!(fails(&mut losses, 0, Class::Away, now, 0), After::GoOn, "a closed door says enough");
        // Ray is well each time: the shard is at fault, and the minute begins anew.
        for answers in 1..u64::from(SHARD_FAILURES_MAX) {
            now += TRYING - SECOND;
            let wanted = if answers + 1 < SHARD_FAILURES_MAX.into() { After::GoOn } else { After::Suspect };
            assert_eq!(fails(&mut losses, 0, Class::Slow, now, answers), wanted, "{answers}");
        }
    }

    #[test]
    fn ray_is_given_up_after_a_minute_without_an_answer_and_not_before() {
        for class in [Class::Away, Class::Busy, Class::Lost, Class::Slow] {
            let (mut losses, begin) = (Losses::new(TRYING), Instant::now());
            let last = begin + TRYING;
            assert_eq!(fails(&mut losses, 0, class, begin, 0), After::GoOn);
            assert_eq!(fails(&mut losses, 1, class, last - Duration::from_millis(1), 0), After::GoOn);
            losses.answered();
            assert_eq!(fails(&mut losses, 3, class, last, 0), After::GoOn, "it was answered meanwhile");
            assert_eq!(fails(&mut losses, 4, class, last + TRYING, 0), After::GiveUp);
        }
    }

    #[test]
    fn answers_to_other_jobs_show_that_ray_is_there() {
        let (mut losses, begin) = (Losses::new(TRYING), Instant::now());
        assert_eq!(fails(&mut losses, 0, Class::Away, begin, 0), After::GoOn);
        assert_eq!(fails(&mut losses, 1, Class::Away, begin + TRYING, 1), After::GoOn);
        assert_eq!(fails(&mut losses, 2, Class::Away, begin + TRYING * 2, 1), After::GiveUp);
    }
}
