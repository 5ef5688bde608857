//! The worker's claims and beats, and what an attempt does about its lease: a shell round `worker::hold`.

use std::time::{Duration, Instant};

use monte_carlo_service::jobs::ids::LeaseToken;
use monte_carlo_service::jobs::machine::{Ending, Fault};
use monte_carlo_service::worker::hold::{Hold, LOOK_EVERY, SILENCE_MAX, SPARE, Standing, beat_pause};

use crate::database::{Answer, DEADLINE_MS, Request};
use crate::process::{Held, Phase, Purpose, RETRY_MS, Timer, ms};
use crate::world::World;

/// Jobs in hand at once.
const PLACES: usize = 2;

impl World {
    pub(crate) fn claim(&mut self, p: usize) {
        let now = self.clock(p);
        let process = &self.processes[p];
        let free = PLACES - process.hands.len().min(PLACES);
        let is_claiming = process.calls.values().any(|call| matches!(call.purpose, Purpose::Claim { .. }));
        if process.is_stopping || is_claiming {
            return;
        }
        if free == 0 || process.contact.is_cut_off(now) {
            return self.set(p, Timer::Claim, RETRY_MS);
        }
        self.ledger.claims(p, now);
        self.ask(p, Request::Claim { limit: free }, Purpose::Claim { free });
    }

    pub(crate) fn take(
        &mut self,
        p: usize,
        (job, token, input): (usize, LeaseToken, Option<u64>),
        asked_at: Instant,
        asked_ms: i64,
    ) {
        let hold = Hold::new(asked_at, Duration::from_millis(DEADLINE_MS));
        let phase = if input.is_some() { Phase::Simulating } else { Phase::Fetching };
        let held = Held {
            job,
            hold,
            phase,
            progress: 0.0,
            input: input.unwrap_or_default(),
            claimed_ms: asked_ms,
            asked_ms,
            told_ms: None,
            has_begun: false,
        };
        let is_kept = hold.standing(self.clock(p)) == Standing::Kept;
        self.processes[p].hands.insert(token.0.as_u128(), held);
        if !is_kept || self.processes[p].is_stopping {
            return self.end(p, token, Ending::Released);
        }
        self.set(p, Timer::Work(token), 1);
        let ends_ms = asked_ms + DEADLINE_MS as i64 - ms(SPARE) - self.now_ms;
        for runs_out_ms in [asked_ms + ms(SILENCE_MAX) - self.now_ms, ends_ms] {
            self.set(p, Timer::Look(token), runs_out_ms);
        }
    }

    pub(crate) fn beaten(
        &mut self,
        p: usize,
        sent: &[LeaseToken],
        answer: Answer,
        asked_at: Instant,
        asked_ms: i64,
    ) {
        let was_answered = matches!(answer, Answer::Held(_));
        if let Answer::Held(still_held) = answer {
            self.processes[p].contact.answered(asked_at);
            self.ledger.beaten(p, asked_at);
            for token in sent {
                let is_held = still_held.contains(token);
                let Some(held) = self.processes[p].hands.get_mut(&token.0.as_u128()) else { continue };
                held.hold.answered(asked_at, is_held);
                if is_held {
                    held.asked_ms = held.asked_ms.max(asked_ms);
                } else {
                    held.told_ms = Some(self.now_ms);
                    let after_ms = self.rng.i64(0..ms(LOOK_EVERY));
                    self.set(p, Timer::Look(*token), after_ms);
                }
            }
        }
        self.set(p, Timer::Beat, ms(beat_pause(was_answered)));
    }

    /// The attempt looks at its lease. Here it does so when that may have changed, and not all the time between.
    pub(crate) fn look(&mut self, p: usize, token: LeaseToken) {
        let now = self.clock(p);
        let Some(held) = self.processes[p].hands.get(&token.0.as_u128()) else { return };
        if matches!(held.phase, Phase::Settling { .. }) {
            return;
        }
        match held.hold.standing(now) {
            Standing::Kept => {
                let runs_out_ms = held.asked_ms + ms(SILENCE_MAX) - self.now_ms;
                self.set(p, Timer::Look(token), runs_out_ms.max(ms(LOOK_EVERY)));
                self.works_rightly(p, token);
            }
            Standing::Lost | Standing::Late => {
                self.ledger.require(held.has_begun, || {
                    format!("process {p} dropped job {}, which it had claimed too late to begin", held.job)
                });
                self.processes[p].hands.remove(&token.0.as_u128());
            }
            Standing::CutOff => {
                let silence = Fault::Snooze("the database".into());
                self.end(p, token, Ending::Faulted(silence));
            }
        }
    }
}
