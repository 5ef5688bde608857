//! One stage of one job: which shards wait, fly, are done, and what to do next. Pure; time and jitter come in.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use monte_carlo_engine::Shard;

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
/// A shard that flies so many times as long as half of the others did is sent once more, elsewhere.
const HEDGE_FACTOR: u32 = 3;
/// Never sooner: what is over in a moment is not worth a second call.
const HEDGE_MIN: Duration = Duration::from_secs(1);
/// Never later: no shard is cut to take longer.
const HEDGE_MAX: Duration = Duration::from_secs(30);
/// So many shards must be done before their median says anything.
const HEDGE_SAMPLE: usize = 3;
/// The durations that the median is of: the latest.
const DURATIONS_MAX: usize = 63;

/// All shards of a stage.
#[derive(Debug)]
pub(super) struct Board {
    shards: Vec<Shard>,
    is_done: Vec<bool>,
    done: usize,
    /// The first that was never sent.
    fresh: usize,
    /// Those that failed, and when they may be sent again.
    again: Vec<(Instant, usize)>,
    flying: Vec<Flight>,
    records: HashMap<usize, Record>,
    durations: Vec<Duration>,
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

/// A shard under way, once or twice.
#[derive(Debug)]
struct Flight {
    index: usize,
    sent: Instant,
    copies: u8,
    is_hedged: bool,
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

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Send this shard.
    Send(usize),
    /// Send this shard once more beside the call that is under way.
    Hedge(usize),
    /// Nothing before that, or before a call comes back.
    Wait(Option<Instant>),
    /// Every shard is done.
    Done,
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

impl Board {
    pub(super) fn new(shards: Vec<Shard>, trying: Duration) -> Self {
        Self {
            is_done: vec![false; shards.len()],
            shards,
            done: 0,
            fresh: 0,
            again: Vec::new(),
            flying: Vec::new(),
            records: HashMap::new(),
            durations: Vec::new(),
            held_until: None,
            failures_in_a_row: 0,
            failing_since: None,
            answers: 0,
            trying,
        }
    }

    pub(super) fn shard(&self, index: usize) -> Shard {
        self.shards[index]
    }

    /// The shards that are not done, for whoever takes over.
    pub(super) fn left(self) -> Vec<Shard> {
        self.shards
            .into_iter()
            .zip(self.is_done)
            .filter_map(|(shard, is_done)| (!is_done).then_some(shard))
            .collect()
    }

    /// What to do now. The same until [`Self::sent`], [`Self::answered`] or [`Self::failed`] is said.
    pub(super) fn next(&self, now: Instant) -> Next {
        if self.done == self.shards.len() {
            return Next::Done;
        }
        if let Some(until) = self.held_until.filter(|&until| now < until) {
            return Next::Wait(Some(until));
        }
        let due = self.again.iter().filter(|(due, _)| *due <= now).min();
        if let Some(&(_, index)) = due {
            return Next::Send(index);
        }
        if self.fresh < self.shards.len() {
            return Next::Send(self.fresh);
        }
        let hedge_after = self.hedge_after();
        let slowest = self.flying.iter().filter(|flight| !flight.is_hedged).min_by_key(|flight| flight.sent);
        let hedge_at = slowest.map(|flight| flight.sent + hedge_after);
        match slowest {
            Some(flight) if now >= flight.sent + hedge_after => Next::Hedge(flight.index),
            _ => Next::Wait(self.again.iter().map(|&(due, _)| due).chain(hedge_at).min()),
        }
    }

    /// [`Next::Send`] or [`Next::Hedge`] was done.
    pub(super) fn sent(&mut self, index: usize, now: Instant) {
        if index == self.fresh {
            self.fresh += 1;
        }
        self.again.retain(|&(_, waiting)| waiting != index);
        match self.flying.iter_mut().find(|flight| flight.index == index) {
            Some(flight) => {
                flight.copies += 1;
                flight.is_hedged = true;
            }
            None => self.flying.push(Flight { index, sent: now, copies: 1, is_hedged: false }),
        }
    }

    /// Whether a call has brought the shard's tally.
    pub(super) fn is_done(&self, index: usize) -> bool {
        self.is_done[index]
    }

    /// A call brought the shard's tally, the first to do so; says whether there were two.
    pub(super) fn answered(&mut self, index: usize, took: Duration) -> bool {
        let was_hedged = self.flying.iter().any(|flight| flight.index == index && flight.is_hedged);
        self.flying.retain(|flight| flight.index != index);
        self.again.retain(|&(_, waiting)| waiting != index);
        debug_assert!(!self.is_done[index], "a tally counts once");
        self.is_done[index] = true;
        self.done += 1;
        if self.durations.len() == DURATIONS_MAX {
            self.durations.remove(0);
        }
        self.durations.push(took);
        // A hold stays: what was asked for is kept, also where another call comes back meanwhile.
        (self.failures_in_a_row, self.failing_since) = (0, None);
        was_hedged
    }

    /// A call brought nothing.
    pub(super) fn failed(&mut self, index: usize, loss: Loss) -> After {
        if self.is_done[index] {
            return After::GoOn;
        }
        let Loss { class, now, answers, .. } = loss;
        if self.answers != answers {
            (self.answers, self.failing_since) = (answers, None);
        }
        let failing_since = *self.failing_since.get_or_insert(now);
        let pause = self.pause(index, &loss);
        self.lands(index, now + pause);
        let record = self.records.entry(index).or_default();
        let mut is_unclear = false;
        match class {
            Class::Away | Class::Busy => {}
            Class::Panicked => record.panics += 1,
            Class::Lost | Class::Slow => {
                let is_its_own = record.losses == 0 || record.answers != answers;
                record.losses += 1;
                record.failures += u32::from(is_its_own);
                record.answers = answers;
                is_unclear = !is_its_own && record.losses > UNCLEAR_LOSSES_MAX;
            }
        }
        if record.panics >= SHARD_PANICS_MAX {
            After::Poison
        } else if record.failures >= SHARD_FAILURES_MAX {
            After::Suspect
        } else if now.saturating_duration_since(failing_since) >= self.trying {
            After::GiveUp
        } else if is_unclear {
            After::Ask
        } else {
            After::GoOn
        }
    }

    /// A call for the shard ended; where it was the last, the shard is due at `due`.
    fn lands(&mut self, index: usize, due: Instant) {
        if let Some(flight) = self.flying.iter_mut().find(|flight| flight.index == index) {
            flight.copies -= 1;
        }
        if self.flying.iter().any(|flight| flight.index == index && flight.copies == 0) {
            self.flying.retain(|flight| flight.index != index);
            self.again.push((due, index));
        }
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

    fn hedge_after(&self) -> Duration {
        if self.durations.len() < HEDGE_SAMPLE {
            return HEDGE_MAX;
        }
        let mut sorted = self.durations.clone();
        sorted.sort_unstable();
        (sorted[sorted.len() / 2] * HEDGE_FACTOR).clamp(HEDGE_MIN, HEDGE_MAX)
    }
}

/// Doubles with each failure; jittered over its upper half.
fn backed_off(before: u32, jitter: f64) -> Duration {
    let ceiling = (PAUSE_BASE * 2_u32.pow(before.min(8))).min(PAUSE_MAX);
    ceiling / 2 + (ceiling / 2).mul_f64(jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn board(shards: u64) -> Board {
        let shards = (0..shards).map(|index| Shard { first_path: index * 10, paths: 10 });
        Board::new(shards.collect(), TRYING)
    }

    /// Sends all that may be sent.
    fn send_all(board: &mut Board, now: Instant) {
        while let Next::Send(index) = board.next(now) {
            board.sent(index, now);
        }
    }

    fn fails(board: &mut Board, index: usize, class: Class, now: Instant) -> After {
        fails_when(board, index, class, now, 0)
    }

    /// After so many answers of Ray to whomever.
    fn fails_when(board: &mut Board, index: usize, class: Class, now: Instant, answers: u64) -> After {
        board.failed(index, Loss { class, sent: now, asked: None, now, jitter: 1.0, answers })
    }

    const TRYING: Duration = Duration::from_secs(60);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn shards_are_sent_once_and_done_when_all_are_answered() {
        let (mut board, now) = (board(3), Instant::now());
        for index in 0..3 {
            assert_eq!(board.next(now), Next::Send(index));
            assert_eq!(board.next(now), Next::Send(index), "it is only an opinion until it is sent");
            board.sent(index, now);
        }
        for index in [2, 0, 1] {
            assert!(!matches!(board.next(now), Next::Done | Next::Send(_)));
            assert!(!board.answered(index, SECOND), "one call was enough");
        }
        assert_eq!(board.next(now), Next::Done);
        assert!(board.left().is_empty());
    }

    #[test]
    fn a_lost_shard_waits_longer_each_time_and_others_go_on() {
        let (mut board, mut now) = (board(2), Instant::now());
        board.sent(0, now);
        for (answers, pause_ms) in (0..).zip([250, 500, 1_000, 2_000, 4_000, 4_000]) {
            assert_eq!(fails_when(&mut board, 0, Class::Lost, now, answers), After::GoOn);
            assert_eq!(board.next(now), Next::Send(1), "others do not wait for it");
            let due = now + Duration::from_millis(pause_ms);
            board.sent(1, now);
            assert_eq!(board.next(now), Next::Wait(Some(due)));
            fails(&mut board, 1, Class::Away, now);
            board.held_until = None;
            now = due;
            assert_eq!(board.next(now), Next::Send(1), "whoever is due first goes first");
            board.sent(1, now);
            assert!(!board.is_done(1));
            assert_eq!(board.next(now), Next::Send(0));
            board.sent(0, now);
            fails(&mut board, 1, Class::Away, now);
            board.held_until = None;
        }
    }

    #[test]
    fn a_closed_door_holds_all_shards_and_one_round_counts_once() {
        let (mut board, begin) = (board(5), Instant::now());
        for index in 0..3 {
            board.sent(index, begin);
        }
        for index in 0..3 {
            assert_eq!(fails(&mut board, index, Class::Away, begin), After::GoOn);
        }
        let pause = Duration::from_millis(250);
        assert_eq!(board.next(begin), Next::Wait(Some(begin + pause)));
        let next = begin + pause;
        send_all(&mut board, next);
        for index in 0..5 {
            fails(&mut board, index, Class::Busy, next);
        }
        assert_eq!(board.next(next), Next::Wait(Some(next + pause * 2)));
        let after = next + pause * 2;
        send_all(&mut board, after);
        board.answered(4, SECOND);
        assert_eq!(fails(&mut board, 0, Class::Away, after), After::GoOn);
        assert_eq!(board.next(after), Next::Wait(Some(after + pause)), "an answer begins the count anew");
    }

    #[test]
    fn a_wait_that_is_asked_for_is_kept_within_reason() {
        for (asked_s, wanted_ms) in [(0, 250), (2, 2_000), (3_600, 10_000)] {
            let (mut board, now) = (board(1), Instant::now());
            board.sent(0, now);
            let asked = Some(Duration::from_secs(asked_s));
            board.failed(0, Loss { class: Class::Busy, sent: now, asked, now, jitter: 1.0, answers: 0 });
            assert_eq!(board.next(now), Next::Wait(Some(now + Duration::from_millis(wanted_ms))));
        }
    }

    #[test]
    fn the_slowest_is_sent_once_more_and_no_third_time() {
        let (mut board, begin) = (board(5), Instant::now());
        send_all(&mut board, begin);
        for index in 0..HEDGE_SAMPLE {
            board.answered(index, SECOND);
        }
        let at = begin + SECOND * HEDGE_FACTOR;
        assert_eq!(board.next(begin + SECOND), Next::Wait(Some(at)));
        assert_eq!(board.next(at), Next::Hedge(3));
        board.sent(3, at);
        assert_eq!(board.next(at), Next::Hedge(4));
        board.sent(4, at);
        assert_eq!(board.next(at + SECOND * 100), Next::Wait(None), "one hedge at the most");
        // Of the two calls one is lost: the other may yet come back.
        assert_eq!(fails(&mut board, 3, Class::Lost, at), After::GoOn);
        assert_eq!(board.next(at + SECOND), Next::Wait(None));
        assert!(board.answered(3, SECOND * 4), "there were two");
        assert_eq!(fails(&mut board, 3, Class::Lost, at), After::GoOn, "what comes too late changes nothing");
        assert_eq!(board.left(), [Shard { first_path: 40, paths: 10 }]);
    }

    #[test]
    fn a_hedge_waits_for_a_sample_and_for_shards_that_were_never_sent() {
        let (mut board, begin) = (board(3), Instant::now());
        board.sent(0, begin);
        board.sent(1, begin);
        assert_eq!(board.next(begin + HEDGE_MAX), Next::Send(2));
        board.sent(2, begin);
        assert_eq!(board.next(begin), Next::Wait(Some(begin + HEDGE_MAX)), "nothing is known yet");
        assert_eq!(board.next(begin + HEDGE_MAX), Next::Hedge(0));
    }

    #[test]
    fn a_shard_that_the_engine_fails_at_is_poison() {
        let (mut board, now) = (board(2), Instant::now());
        for failure in 1..=SHARD_PANICS_MAX {
            board.sent(0, now);
            let wanted = if failure < SHARD_PANICS_MAX { After::GoOn } else { After::Poison };
            assert_eq!(fails(&mut board, 0, Class::Panicked, now), wanted);
        }
    }

    #[test]
    fn a_shard_that_is_lost_each_time_is_suspect_only_while_others_are_answered() {
        let (mut board, now) = (board(2), Instant::now());
        for failure in 1..=SHARD_FAILURES_MAX {
            board.sent(0, now);
            let wanted = if failure < SHARD_FAILURES_MAX { After::GoOn } else { After::Suspect };
            assert_eq!(fails_when(&mut board, 0, Class::Lost, now, u64::from(failure)), wanted);
        }
        assert_eq!(fails_when(&mut board, 1, Class::Lost, now, 9), After::GoOn, "each for itself");
    }

    #[test]
    fn losses_while_nobody_is_answered_speak_against_no_shard_and_it_is_asked_what_they_mean() {
        let (mut board, mut now) = (board(1), Instant::now());
        for loss in 1..=100 {
            board.sent(0, now);
            let wanted = if loss <= UNCLEAR_LOSSES_MAX { After::GoOn } else { After::Ask };
            assert_eq!(fails(&mut board, 0, Class::Lost, now), wanted);
        }
        // It is well each time: the shard is at fault, and the minute begins anew.
        for answers in 1..u64::from(SHARD_FAILURES_MAX) {
            now += TRYING - SECOND;
            board.sent(0, now);
            let after = fails_when(&mut board, 0, Class::Slow, now, answers);
            let wanted = if answers + 1 < SHARD_FAILURES_MAX.into() { After::GoOn } else { After::Suspect };
            assert_eq!(after, wanted, "{answers}");
        }
        assert_eq!(fails(&mut self::board(1), 0, Class::Away, now), After::GoOn);
    }

    #[test]
    fn answers_to_other_jobs_show_that_ray_is_there() {
        let (mut board, begin) = (board(9), Instant::now());
        assert_eq!(fails_when(&mut board, 0, Class::Away, begin, 0), After::GoOn);
        assert_eq!(fails_when(&mut board, 1, Class::Away, begin + TRYING, 1), After::GoOn);
        assert_eq!(fails_when(&mut board, 2, Class::Away, begin + TRYING * 2, 1), After::GiveUp);
    }

    #[test]
    fn ray_is_given_up_after_a_minute_without_an_answer_and_not_before() {
        for class in [Class::Away, Class::Busy, Class::Lost, Class::Slow] {
            let (mut board, begin) = (board(9), Instant::now());
            let last = begin + TRYING;
            let sent = |board: &mut Board, index, now| {
                board.sent(index, now);
                fails(board, index, class, now)
            };
            assert_eq!(sent(&mut board, 0, begin), After::GoOn);
            assert_eq!(sent(&mut board, 1, last - Duration::from_millis(1)), After::GoOn);
            board.answered(2, SECOND);
            assert_eq!(sent(&mut board, 3, last), After::GoOn, "it was answered meanwhile");
            assert_eq!(sent(&mut board, 4, last + TRYING), After::GiveUp);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// However calls end, every shard is answered once or left over, none flies more than twice, and a job whose
        /// calls fail now and then is done in the end.
        #[test]
        fn every_shard_is_done_once(
            count in 1..40_u64,
            ends in prop::collection::vec((0..100_u8, 0..3_000_u64, 0.0..1.0_f64), 1..400),
        ) {
            let (mut board, mut now) = (board(count), Instant::now());
            let mut flying: Vec<(usize, Instant)> = Vec::new();
            let mut ends = ends.into_iter().cycle();
            let (mut rounds, mut calls) = (0, 0);
            while board.next(now) != Next::Done {
                rounds += 1;
                prop_assert!(rounds < 100_000, "it does not stick");
                if let Next::Send(index) | Next::Hedge(index) = board.next(now) {
                    board.sent(index, now);
                    flying.push((index, now));
                    let copies = flying.iter().filter(|(other, _)| *other == index).count();
                    prop_assert!(copies <= 2 && !board.is_done(index));
                    if flying.len() < 8 {
                        continue;
                    }
                }
                let (end, took_ms, jitter) = ends.next().expect("it cycles");
                now += Duration::from_millis(took_ms);
                if flying.is_empty() {
                    continue;
                }
                let (index, sent) = flying.remove(usize::from(end) % flying.len());
                calls += 1;
                match end {
                    // Every third call is a good one, however unlucky the others are.
                    0..60 => if !board.is_done(index) { board.answered(index, now - sent); },
                    _ if calls % 3 == 0 => if !board.is_done(index) { board.answered(index, now - sent); },
                    60..80 => {
                        board.failed(index, Loss { class: Class::Away, sent, asked: None, now, jitter, answers: 0 });
                    }
                    _ => {
                        board.failed(index, Loss { class: Class::Lost, sent, asked: None, now, jitter, answers: 0 });
                    }
                }
                if board.is_done(index) {
                    flying.retain(|(other, _)| *other != index);
                }
            }
            prop_assert!(board.left().is_empty());
        }
    }
}
