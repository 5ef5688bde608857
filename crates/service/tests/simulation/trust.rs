//! Whether who works may work.

use monte_carlo_service::jobs::ids::LeaseToken;
use monte_carlo_service::jobs::machine::{Ending, State};
use monte_carlo_service::store::Write;
use monte_carlo_service::worker::hold::SPARE;

use crate::database::{Answer, DEADLINE_MS, Request};
use crate::process::{Held, Phase, ms};
use crate::weather::Sky;
use crate::world::World;

impl World {
    /// A process works under a lease that holds, and alone. It cannot know better where it stood still since it claimed, the
    /// clock by which its lease lives was set forward, or a person took the job away.
    pub(crate) fn works_rightly(&mut self, p: usize, token: LeaseToken) {
        let Some(held) = self.processes[p].hands.get(&token.0.as_u128()) else { return };
        let job = held.job;
        if !self.could_know(p, held) {
            return;
        }
        let others =
            (0..self.processes.len()).filter(|other| *other != p && self.is_surely_working(*other, job));
        let others: Vec<usize> = others.collect();
        let now_ms = self.database.now_ms(self.now_ms);
        let state = &self.database.records[job].job.state;
        let holds = matches!(state, State::Running { token: current, expires_at_ms, .. }
            if *current == token && now_ms < *expires_at_ms);
        self.ledger.require(holds, || format!("process {p} works on job {job} without a lease: {state:?}"));
        self.ledger.require(others.is_empty(), || format!("job {job} is worked on by {p} and {others:?}"));
    }

    /// Where nothing but the database was away, no attempt is charged for silence that its worker could still bring home. (A
    /// claim that came about unnoticed is in nobody's hands.)
    pub(crate) fn charges_rightly(&mut self, request: &Request, answer: &Answer) {
        let (Request::Settle { job, token, ending: Ending::Silent, .. }, Answer::Written(Write::Applied)) =
            (request, answer)
        else {
            return;
        };
        let in_time = |held: &Held| self.now_ms - held.claimed_ms < DEADLINE_MS as i64 - ms(SPARE);
        let mut hands = self.processes.iter().map(|process| process.hands.get(&token.0.as_u128()));
        let held = hands.any(|held| held.is_some_and(in_time));
        self.ledger.require(self.sky != Sky::Outages || !held, || {
            format!("job {job} was charged for an outage, and its worker has it in hand")
        });
    }

    fn is_surely_working(&self, p: usize, job: usize) -> bool {
        let process = &self.processes[p];
        let works = |held: &Held| held.job == job && !matches!(held.phase, Phase::Settling { .. });
        process.is_alive && process.hands.values().any(|held| works(held) && self.could_know(p, held))
    }

    fn could_know(&self, p: usize, held: &Held) -> bool {
        let taken_away_ms = self.jumped_ms.max(self.cancelled_ms[held.job]);
        held.claimed_ms > self.processes[p].disturbed_ms.max(taken_away_ms)
    }
}
