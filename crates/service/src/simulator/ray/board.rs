//! One stage of one job: which shards wait, fly, are done, and what to do next. Pure; time and jitter come in.

use std::time::{Duration, Instant};

use monte_carlo_engine::Shard;

use super::hedge::Durations;
use super::limits::Limits;
use super::losses::{After, Loss, Losses};

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
    losses: Losses,
    durations: Durations,
}

/// A shard under way, once or twice.
#[derive(Debug)]
struct Flight {
    index: usize,
    sent: Instant,
    copies: u8,
    is_hedged: bool,
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

impl Board {
    pub(super) fn new(shards: Vec<Shard>, limits: &Limits) -> Self {
        Self {
            is_done: vec![false; shards.len()],
            shards,
            done: 0,
            fresh: 0,
            again: Vec::new(),
            flying: Vec::new(),
            losses: Losses::new(limits.trying),
            durations: Durations::new(limits.hedge_min),
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
        if let Some(until) = self.losses.held_until(now) {
            return Next::Wait(Some(until));
        }
        let due = self.again.iter().filter(|(due, _)| *due <= now).min();
        if let Some(&(_, index)) = due {
            return Next::Send(index);
        }
        if self.fresh < self.shards.len() {
            return Next::Send(self.fresh);
        }
        let hedge_after = self.durations.hedge_after();
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
        self.durations.add(took);
        self.losses.answered();
        was_hedged
    }

    /// A call brought nothing.
    pub(super) fn failed(&mut self, index: usize, loss: Loss) -> After {
        if self.is_done[index] {
            return After::GoOn;
        }
        let (due, after) = self.losses.note(index, loss);
        self.lands(index, due);
        after
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hedge::{HEDGE_FACTOR, HEDGE_MAX, HEDGE_SAMPLE};
    use super::super::verdict::Class;
    use super::*;

    fn board(shards: u64) -> Board {
        let shards = (0..shards).map(|index| Shard { first_path: index * 10, paths: 10 });
        Board::new(shards.collect(), &Limits { trying: TRYING, ..Limits::default() })
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
        let (mut board, mut now) = (board(9), Instant::now());
        board.sent(0, now);
        for (other, pause_ms) in (1..).zip([250, 500, 1_000, 2_000, 4_000, 4_000]) {
            assert_eq!(fails_when(&mut board, 0, Class::Lost, now, other as u64), After::GoOn);
            let due = now + Duration::from_millis(pause_ms);
            let before = due - Duration::from_millis(1);
            assert_eq!(board.next(before), Next::Send(other), "others do not wait for it");
            board.sent(other, before);
            board.answered(other, SECOND);
            assert_eq!(
                board.next(due),
                Next::Send(0),
                "whoever is due goes before those that were never sent"
            );
            now = due;
            board.sent(0, now);
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
