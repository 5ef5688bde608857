//! What happens within an attempt: Core Service and the simulator, which take their time, fail, push back and hang.

use monte_carlo_service::jobs::ids::LeaseToken;
use monte_carlo_service::jobs::machine::{Ending, Fault};
use monte_carlo_service::jobs::skip::SkipReason;
use monte_carlo_service::store::Write;
use monte_carlo_service::worker::hold::LOOK_EVERY;

use crate::database::{Answer, Request};
use crate::home::written;
use crate::process::{Phase, Purpose, Timer, ms};
use crate::world::World;

/// Between two of these, something may go wrong.
const PROGRESS_STEP: f64 = 0.25;

impl World {
    /// Goes on with an attempt, unless it was cancelled meanwhile.
    pub(crate) fn work(&mut self, p: usize, token: LeaseToken) {
        let process = &mut self.processes[p];
        let Some(held) = process.hands.get_mut(&token.0.as_u128()) else { return };
        held.has_begun = true;
        let disturbed_ms = process.disturbed_ms;
        let ignored_ms =
            held.told_ms.filter(|told| *told > disturbed_ms).map_or(0, |told| self.now_ms - told);
        let is_fetching = match held.phase {
            Phase::Fetching => true,
            Phase::Simulating => false,
            Phase::Saving | Phase::Settling { .. } => return,
        };
        self.ledger.require(ignored_ms <= ms(LOOK_EVERY), || {
            format!("process {p} works {ignored_ms} ms after it was told that the job is another's")
        });
        self.works_rightly(p, token);
        if self.chance(self.weather.hang) {
            return;
        }
        if let Some(ending) = self.mishap(is_fetching) {
            return self.end(p, token, ending);
        }
        if is_fetching { self.save(p, token) } else { self.advance(p, token) }
    }

    fn mishap(&mut self, is_fetching: bool) -> Option<Ending> {
        match () {
            () if self.chance(self.weather.snooze) => Some(Ending::Faulted(Fault::Snooze("429".into()))),
            () if self.chance(self.weather.retry) => Some(Ending::Faulted(Fault::Retry("a panic".into()))),
            () if self.chance(self.weather.terminal) => {
                Some(Ending::Faulted(Fault::Terminal("no good".into())))
            }
            () if is_fetching && self.chance(self.weather.skip) => {
                Some(Ending::Skipped(SkipReason::NoClosingTrades))
            }
            () => None,
        }
    }

    fn save(&mut self, p: usize, token: LeaseToken) {
        let input = self.rng.u64(1..);
        let Some(held) = self.processes[p].hands.get_mut(&token.0.as_u128()) else { return };
        (held.input, held.phase) = (input, Phase::Saving);
        let job = held.job;
        self.ask(p, Request::SaveInput { job, token, input }, Purpose::Save(token));
    }

    pub(crate) fn saved(&mut self, p: usize, token: LeaseToken, answer: &Answer) {
        let Some(held) = self.processes[p].hands.get_mut(&token.0.as_u128()) else { return };
        if held.phase != Phase::Saving {
            return;
        }
        match written(answer) {
            Some(Write::Applied) => {
                held.phase = Phase::Simulating;
                self.set(p, Timer::Work(token), 1);
            }
            Some(Write::Stale) => _ = self.processes[p].hands.remove(&token.0.as_u128()),
            None => self.end(p, token, Ending::Faulted(Fault::Snooze("the database".into()))),
        }
    }

    fn advance(&mut self, p: usize, token: LeaseToken) {
        let after_ms = self.rng.i64(10..4_000);
        let Some(held) = self.processes[p].hands.get_mut(&token.0.as_u128()) else { return };
        if held.progress >= 1.0 {
            return self.end(p, token, Ending::Simulated);
        }
        held.progress += PROGRESS_STEP;
        self.set(p, Timer::Work(token), after_ms);
    }
}
