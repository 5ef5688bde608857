//! How an outcome is brought home, and what was sent by the relay.

use monte_carlo_service::jobs::ids::LeaseToken;
use monte_carlo_service::jobs::machine::Ending;
use monte_carlo_service::store::Write;
use monte_carlo_service::worker::LEASE_MS;
use monte_carlo_service::worker::hold::{Homecoming, homecoming};

use crate::database::{Answer, Request};
use crate::process::{Phase, Purpose, Timer, ms};
use crate::world::World;

impl World {
    /// The attempt is over, and its outcome is to be brought home.
    pub(crate) fn end(&mut self, p: usize, token: LeaseToken, ending: Ending) {
        if let Some(held) = self.processes[p].hands.get_mut(&token.0.as_u128()) {
            held.phase = Phase::Settling { ending, since_ms: self.now_ms, tries: 0 };
            self.settle(p, token);
        }
    }

    pub(crate) fn settle(&mut self, p: usize, token: LeaseToken) {
        let jitter = self.rng.f64();
        let Some(held) = self.processes[p].hands.get_mut(&token.0.as_u128()) else { return };
        let (job, input) = (held.job, held.input);
        if let Phase::Settling { ending, tries, .. } = &mut held.phase {
            *tries += 1;
            let request = Request::Settle { job, token, ending: ending.clone(), jitter, input };
            self.ask(p, request, Purpose::Settle(token));
        }
    }

    pub(crate) fn settled(&mut self, p: usize, token: LeaseToken, answer: &Answer) {
        let Some(held) = self.processes[p].hands.get(&token.0.as_u128()) else { return };
        let Phase::Settling { since_ms, tries, .. } = held.phase else { return };
        match homecoming(written(answer), tries) {
            Homecoming::Over(_) => {
                let tried_ms = self.now_ms - since_ms;
                self.ledger.require(written(answer).is_some() || tried_ms >= LEASE_MS as i64, || {
                    format!("process {p} dropped an outcome after {tried_ms} ms, unanswered")
                });
                self.processes[p].hands.remove(&token.0.as_u128());
            }
            Homecoming::Again(pause) => self.set(p, Timer::Settle(token), ms(pause)),
        }
    }

    /// Gives back what is in hand.
    pub(crate) fn stop(&mut self, p: usize) {
        self.processes[p].is_stopping = true;
        let tokens: Vec<u128> = self.processes[p].hands.keys().copied().collect();
        for token in tokens {
            if !matches!(self.processes[p].hands[&token].phase, Phase::Settling { .. }) {
                self.end(p, LeaseToken(uuid::Uuid::from_u128(token)), Ending::Released);
            }
        }
    }

    pub(crate) fn relay(&mut self, p: usize) {
        let unmarked = self.processes[p].unmarked.clone();
        if unmarked.is_empty() {
            self.ask(p, Request::LeaseOutbox, Purpose::Lease);
        } else {
            self.ask(p, Request::MarkPublished { rows: unmarked }, Purpose::Mark);
        }
    }

    /// The broker has what it got, and its word on some of it came back.
    pub(crate) fn delivered(&mut self, p: usize) {
        for row in std::mem::take(&mut self.processes[p].unsent) {
            if !self.chance(self.weather.undelivered) {
                self.broker.insert(row);
                if !self.chance(self.weather.undelivered) {
                    self.processes[p].unmarked.push(row);
                }
            }
        }
        self.relay(p);
    }
}

pub(crate) fn written(answer: &Answer) -> Option<Write> {
    match answer {
        Answer::Written(write) => Some(*write),
        _ => None,
    }
}
