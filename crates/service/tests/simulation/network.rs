//! Between the processes, Kafka and the database: what is asked and answered may be lost, late or doubled, refused, or done
//! and denied.

use crate::database::{Answer, Request};
use crate::process::Timer;
use crate::world::{Address, Event, World};

impl World {
    /// A request goes out: it may be lost, late or doubled.
    pub(crate) fn send(&mut self, from: Address, call: u32, request: Request, wait_ms: i64) {
        let bound_ms = self.now_ms + wait_ms;
        let process = &self.processes[from.process];
        let is_beat = matches!(request, Request::Beat { .. });
        let is_cut = self.now_ms < process.cut_until_ms || is_beat && self.now_ms < process.mute_until_ms;
        if is_cut || self.chance(self.weather.lost) {
            return self.set(from.process, Timer::GiveUp(call), wait_ms);
        }
        // A claim that is repeated would take more; the store repeats what is harmless alone.
        if !matches!(request, Request::Claim { .. }) && self.chance(self.weather.doubled) {
            let after_ms = self.delay_ms();
            self.schedule(after_ms, Event::Arrives { from, call, request: request.clone(), bound_ms });
        }
        let after_ms = self.delay_ms();
        self.schedule(after_ms, Event::Arrives { from, call, request, bound_ms });
    }

    fn delay_ms(&mut self) -> i64 {
        if !self.chance(self.weather.late) {
            return self.rng.i64(1..20);
        }
        // As long as a beat is waited for, or as anything is.
        let most_ms = if self.rng.bool() { 2_000 } else { 20_000 };
        self.rng.i64(100..most_ms)
    }

    /// The database does what it is asked, or refuses; the answer may be lost, late or doubled.
    pub(crate) fn arrives(&mut self, from: Address, call: u32, request: &Request, bound_ms: i64) {
        let is_refused = self.chance(self.weather.refused);
        let mut answer = Answer::Failed;
        if !is_refused {
            let (done, is_due) = self.database.carry_out(request, self.now_ms, &mut self.ledger);
            self.charges_rightly(request, &done);
            if is_due {
                for p in 0..self.processes.len() {
                    self.set(p, Timer::Claim, 5);
                }
            }
            if !self.chance(self.weather.ambiguous) {
                answer = done;
            }
        }
        if self.processes[from.process].life != from.life {
            return;
        }
        let give_up = Event::Rings { of: from, timer: Timer::GiveUp(call) };
        let is_cut = self.now_ms < self.processes[from.process].cut_until_ms;
        if is_cut || self.chance(self.weather.lost) {
            return self.schedule(bound_ms - self.now_ms, give_up);
        }
        let after_ms = self.delay_ms();
        if self.now_ms + after_ms > bound_ms {
            self.schedule(bound_ms - self.now_ms, give_up);
        }
        if self.chance(self.weather.doubled) {
            self.schedule(after_ms, Event::Answers { to: from, call, answer: answer.clone() });
        }
        self.schedule(after_ms, Event::Answers { to: from, call, answer });
    }

    /// Kafka brings a message until its job is surely there.
    pub(crate) fn brings(&mut self, key: usize) {
        let is_written = !self.chance(self.weather.refused + self.weather.lost);
        if is_written {
            self.database.insert(key, self.now_ms);
            let jobs_of = self.database.records.iter().filter(|record| record.key == key).count();
            self.ledger.require(jobs_of == 1, || format!("message {key} made {jobs_of} jobs"));
        }
        if is_written && !self.chance(self.weather.ambiguous) {
            self.keys_taken.insert(key);
        }
        if !self.keys_taken.contains(&key) || self.chance(self.weather.doubled) {
            let after_ms = self.rng.i64(100..5_000);
            self.schedule(after_ms, Event::Brings { key });
        }
    }
}
