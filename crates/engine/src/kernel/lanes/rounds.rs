//! A plan's steps in rounds: between two of them what has ended is taken out of the lanes.

use std::ops::Range;

use crate::rules::Stop;

/// The most steps of a round: the lanes of what has ended idle until its end, but to take it out costs as much as steps.
pub(super) const ROUND: usize = 8;

/// Some steps, and what is done at their end.
#[derive(Clone, Debug)]
pub(super) struct Round {
    /// Steps done before.
    pub(super) done: u32,
    /// Steps done after.
    pub(super) until: u32,
    /// The fan's stops among the steps after `done`.
    pub(super) stops: Range<usize>,
    /// The request at which accounts are paid when the steps are done.
    pub(super) request: Option<Stop>,
}

/// What a path that ended has before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    /// The first of the fan's stops that has not seen it.
    pub(super) stop: u32,
    /// Requests by the schedule asked for.
    pub(super) scheduled: u32,
    /// Requests by the week.
    pub(super) weekly: u32,
}

/// All rounds of a plan.
#[derive(Clone, Debug)]
pub(super) struct Rounds {
    rounds: Vec<Round>,
    /// Of paths that end within each round; and, last, of those that have no event in any.
    ahead: Vec<Ahead>,
}

impl Rounds {
    /// Up to `last_step`; the fan's stops and the requests, both ascending, may go on after it.
    pub(super) fn new(last_step: u32, fan_stops: &[u32], requests: &[Stop]) -> Self {
        let (mut rounds, mut ahead) = (Vec::new(), Vec::new());
        let (mut done, mut stop, mut asked) = (0, 0, 0);
        let left = |stop: usize, asked: usize| Ahead {
            stop: stop as u32,
            scheduled: requests[asked..].iter().filter(|request| request.scheduled).count() as u32,
            weekly: requests[asked..].iter().filter(|request| request.weekly).count() as u32,
        };
        while done < last_step {
            let request = requests.get(asked).copied();
            let until = last_step
                .min(done.saturating_add(ROUND as u32))
                .min(request.map_or(u32::MAX, |request| request.step));
            let next_stop = stop + fan_stops[stop..].iter().take_while(|&&at| at <= until).count();
            let request = request.filter(|request| request.step == until);
            rounds.push(Round { done, until, stops: stop..next_stop, request });
            ahead.push(left(next_stop, asked));
            asked += usize::from(request.is_some());
            (done, stop) = (until, next_stop);
        }
        ahead.push(left(stop, asked));
        Self { rounds, ahead }
    }

    /// Each, in order.
    #[inline(always)]
    pub(super) fn each(&self) -> &[Round] {
        &self.rounds
    }

    /// Of a path that ended in a round, by the round's index; or in none, by how many there are.
    #[inline(always)]
    pub(super) fn ahead(&self, round: u32) -> Ahead {
        self.ahead[round as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::Rounds;
    use crate::rules::Stop;

    #[test]
    fn end_at_requests_and_after_eight_steps() {
        let requests: Vec<Stop> = Stop::all(&[], &[12], &[5, 12, 30]);
        let rounds = Rounds::new(22, &[1, 5, 6, 22, 30], &requests);
        let seen: Vec<_> = rounds
            .each()
            .iter()
            .map(|round| {
                (round.done, round.until, round.stops.clone(), round.request.map(|request| request.step))
            })
            .collect();
        assert_eq!(
            seen,
            [(0, 5, 0..2, Some(5)), (5, 12, 2..3, Some(12)), (12, 20, 3..3, None), (20, 22, 3..4, None),]
        );
        let ahead: Vec<_> = (0..5)
            .map(|round| rounds.ahead(round))
            .map(|ahead| (ahead.stop, ahead.scheduled, ahead.weekly))
            .collect();
        // Who ends in a round that a request ends has that request before him.
        assert_eq!(ahead, [(2, 1, 3), (3, 1, 2), (3, 0, 1), (4, 0, 1), (4, 0, 1)]);
    }
}
