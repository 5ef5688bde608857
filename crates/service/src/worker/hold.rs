//! How far a worker may trust its leases, and what it does when it may not. Pure; time comes in.
//!
//! A lease lives by the database's clock, of which the worker knows only the answers. So it counts from when it *asked*:
//! the database granted the lease no earlier, and holds it for at least [`LEASE_MS`] from then, or up to the attempt's
//! deadline.

use std::time::{Duration, Instant};

use super::{BEAT_EVERY, LEASE_MS};
use crate::store::Write;

/// What is left of a lease when its work is cancelled, so that it has ended when another worker begins.
pub const SPARE: Duration = Duration::from_secs(1);
/// So long after a question that was answered, work goes on. Then it is cancelled, and nothing is claimed.
pub const SILENCE_MAX: Duration = Duration::from_millis(LEASE_MS).saturating_sub(SPARE);
/// Between two beats while the database is away: several fit into what is left of a lease.
pub const BEAT_RETRY_EVERY: Duration = Duration::from_millis(500);
/// A beat that hangs is worth as much as one that fails.
pub const BEAT_BOUND: Duration = Duration::from_millis(1_500);
/// Between two looks of an attempt at its own lease.
pub const LOOK_EVERY: Duration = Duration::from_millis(50);
/// So much longer than a beat's pause without an answer, and the database may have been away: for others too.
const GAP_MAX: Duration = BEAT_EVERY.saturating_add(SPARE);
/// So long after an outage nothing is swept: whoever was cut off by it brings its jobs home first, within a try that hangs, a
/// pause and the wait for a connection. A process that has just begun knows no better.
pub const RETURN_SPAN: Duration = Duration::from_secs(6);
/// Tries to bring an outcome home; about a minute with the pauses between them, after which the lease is surely gone.
pub const SETTLE_TRIES: u32 = 30;
/// Between two of them.
pub const SETTLE_PAUSE: Duration = Duration::from_secs(2);

/// When the database last answered, counted from the question, and since when it has without a gap.
#[derive(Clone, Copy, Debug)]
pub struct Contact {
    asked_at: Instant,
    unbroken_since: Instant,
}

/// One lease, as its worker sees it.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    contact: Contact,
    ends_at: Instant,
    is_lost: bool,
}

/// What a worker does with a job in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The lease surely holds: go on.
    Kept,
    /// The database says that it is gone: stop.
    Lost,
    /// It may be gone, for the database has been silent for so long, through no fault of the job: stop, and give it back.
    CutOff,
    /// The deadline is near: stop. The sweeper that ends the attempt says so.
    Late,
}

/// What a worker does with an outcome that it has tried to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Homecoming {
    /// It is over: written, or refused for good.
    Over(Write),
    /// It is tried again after a pause.
    Again(Duration),
}

impl Contact {
    /// At the start, when there is nothing to lose yet.
    pub const fn new(now: Instant) -> Self {
        Self { asked_at: now, unbroken_since: now }
    }

    /// A question of that moment was answered; answers may overtake each other.
    pub fn answered(&mut self, asked_at: Instant) {
        if asked_at.saturating_duration_since(self.asked_at) > GAP_MAX {
            self.unbroken_since = asked_at;
        }
        self.asked_at = self.asked_at.max(asked_at);
    }

    /// Whether leases that ran out tell of workers that are gone, and not of a database that was away. To be asked when the
    /// leases are known, too: what hangs through an outage is answered after it.
    pub fn may_sweep(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.asked_at) <= GAP_MAX
            && now.saturating_duration_since(self.unbroken_since) >= RETURN_SPAN
    }

    /// Whether leases may have run out since.
    pub fn is_cut_off(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.asked_at) >= SILENCE_MAX
    }
}

impl Hold {
    /// Of a claim that was asked for at that moment, and of the deadline that was asked for with it.
    pub fn new(asked_at: Instant, deadline: Duration) -> Self {
        let ends_at = asked_at + deadline.saturating_sub(SPARE);
        Self { contact: Contact::new(asked_at), ends_at, is_lost: false }
    }

    /// A beat of that moment was answered.
    pub fn answered(&mut self, asked_at: Instant, still_held: bool) {
        if still_held {
            self.contact.answered(asked_at);
        } else {
            self.is_lost = true;
        }
    }

    /// What to do with the job now.
    pub fn standing(&self, now: Instant) -> Standing {
        match () {
            () if self.is_lost => Standing::Lost,
            () if self.ends_at <= now => Standing::Late,
            () if self.contact.is_cut_off(now) => Standing::CutOff,
            () => Standing::Kept,
        }
    }
}

/// How long to wait before the next beat.
pub const fn beat_pause(was_answered: bool) -> Duration {
    if was_answered { BEAT_EVERY } else { BEAT_RETRY_EVERY }
}

/// What follows on the `tries`th try to write an outcome; `None` where there was no answer. An outcome that came about
/// unnoticed is refused at the next try, and changes nothing then.
pub const fn homecoming(answer: Option<Write>, tries: u32) -> Homecoming {
    match answer {
        Some(write) => Homecoming::Over(write),
        None if tries < SETTLE_TRIES => Homecoming::Again(SETTLE_PAUSE),
        None => Homecoming::Over(Write::Stale),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn a_lease_is_trusted_from_the_question_on_and_no_longer_than_it_surely_holds() {
        let start = Instant::now();
        let mut hold = Hold::new(start, Duration::from_secs(60));
        assert_eq!(hold.standing(after(start, 4_999)), Standing::Kept);
        assert_eq!(hold.standing(after(start, 5_000)), Standing::CutOff);
        hold.answered(after(start, 2_000), true);
        assert_eq!(hold.standing(after(start, 6_999)), Standing::Kept);
        assert_eq!(hold.standing(after(start, 7_000)), Standing::CutOff, "however late the answer came");
        hold.answered(after(start, 1_000), true);
        assert_eq!(hold.standing(after(start, 6_999)), Standing::Kept, "an answer that was overtaken");
    }

    #[test]
    fn no_lease_is_trusted_beyond_the_attempts_deadline() {
        let start = Instant::now();
        let mut hold = Hold::new(start, Duration::from_secs(20));
        hold.answered(after(start, 18_000), true);
        assert_eq!(hold.standing(after(start, 18_999)), Standing::Kept);
        assert_eq!(hold.standing(after(start, 19_000)), Standing::Late);
        assert_eq!(
            hold.standing(after(start, 30_000)),
            Standing::Late,
            "whatever else there is: it is charged"
        );
    }

    #[test]
    fn nothing_is_swept_until_an_outage_has_been_over_for_a_while() {
        let start = Instant::now();
        let mut contact = Contact::new(start);
        let answered_until = |contact: &mut Contact, from_ms, to_ms| {
            (from_ms..=to_ms).step_by(2_000).for_each(|at_ms| contact.answered(after(start, at_ms)));
        };
        answered_until(&mut contact, 2_000, 4_000);
        assert!(!contact.may_sweep(after(start, 5_999)), "it has just begun");
        assert!(contact.may_sweep(after(start, 6_000)));
        answered_until(&mut contact, 6_000, 20_000);
        assert!(contact.may_sweep(after(start, 23_000)));
        assert!(!contact.may_sweep(after(start, 23_001)), "a beat is missing");
        contact.answered(after(start, 23_001));
        assert!(!contact.may_sweep(after(start, 23_002)), "it was missing");
        answered_until(&mut contact, 25_000, 29_000);
        assert!(!contact.may_sweep(after(start, 29_000)));
        assert!(contact.may_sweep(after(start, 29_001)));
    }

    #[test]
    fn whoever_was_cut_off_comes_home_before_its_job_is_swept() {
        // A connection is waited for for two seconds.
        assert!(BEAT_BOUND + SETTLE_PAUSE + Duration::from_secs(2) < RETURN_SPAN);
        assert!(GAP_MAX < SILENCE_MAX, "who is cut off is so by a gap that a sweeper sees too");
    }

    #[test]
    fn what_is_lost_stays_lost() {
        let start = Instant::now();
        let mut hold = Hold::new(start, Duration::from_secs(60));
        hold.answered(start, false);
        assert_eq!(hold.standing(start), Standing::Lost);
        hold.answered(after(start, 1), true);
        assert_eq!(hold.standing(after(start, 1)), Standing::Lost);
    }

    #[test]
    fn a_beat_and_its_retries_fit_into_a_lease() {
        assert_eq!(beat_pause(true), BEAT_EVERY);
        assert_eq!(beat_pause(false), BEAT_RETRY_EVERY);
        assert!(BEAT_EVERY + BEAT_BOUND + BEAT_RETRY_EVERY < SILENCE_MAX, "a second beat may still save it");
        assert!(SILENCE_MAX + LOOK_EVERY < Duration::from_millis(LEASE_MS));
    }

    #[test]
    fn an_outcome_is_brought_home_through_an_outage_of_a_minute() {
        assert_eq!(homecoming(Some(Write::Applied), 1), Homecoming::Over(Write::Applied));
        assert_eq!(homecoming(Some(Write::Stale), 1), Homecoming::Over(Write::Stale));
        assert_eq!(homecoming(None, 1), Homecoming::Again(SETTLE_PAUSE));
        assert_eq!(homecoming(None, SETTLE_TRIES), Homecoming::Over(Write::Stale));
    }
}
