//! What strikes a process, the database's clock or a job.

use monte_carlo_service::jobs::machine;

use crate::process::Timer;
use crate::weather::Blow;
use crate::world::{Event, World};

impl World {
    pub(crate) fn strikes(&mut self, blow: Blow) {
        let now_ms = self.now_ms;
        match blow {
            Blow::Crash { process: p, away_ms } => self.crash(p, away_ms),
            Blow::Stop { process: p } => {
                if self.processes[p].is_alive && self.processes[p].frozen_until_ms <= now_ms {
                    self.stop(p);
                    let away_ms = self.rng.i64(100..3_000);
                    self.schedule(1_000, Event::Strikes(Blow::Crash { process: p, away_ms }));
                }
            }
            Blow::Freeze { process: p, ms } => self.freeze(p, ms),
            Blow::Suspend { process: p, ms } => {
                self.freeze(p, ms);
                self.processes[p].behind_ms += ms;
            }
            Blow::Partition { process: p, ms } => self.processes[p].cut_until_ms = now_ms + ms,
            Blow::Mute { process: p, ms } => self.processes[p].mute_until_ms = now_ms + ms,
            Blow::ClockJump { ms } => {
                self.database.clock_ahead_ms += ms;
                if ms > 0 {
                    self.jumped_ms = now_ms;
                }
            }
            Blow::Cancel { job } => self.asks(job, &machine::Event::CancelAsked),
            Blow::Retry { job } => self.asks(job, &machine::Event::Retried),
        }
    }

    fn crash(&mut self, p: usize, away_ms: i64) {
        if self.processes[p].is_alive {
            self.processes[p].is_alive = false;
            self.processes[p].hands.clear();
            self.processes[p].frozen_until_ms = 0;
            self.set(p, Timer::Boot, away_ms);
        }
    }

    fn freeze(&mut self, p: usize, ms: i64) {
        let process = &mut self.processes[p];
        process.frozen_until_ms = process.frozen_until_ms.max(self.now_ms) + ms;
        process.disturbed_ms = process.frozen_until_ms;
    }

    /// A person asks something of a job.
    fn asks(&mut self, job: usize, event: &machine::Event) {
        if job < self.database.records.len()
            && self.database.step(job, event, (self.now_ms, 0.0, 0), &mut self.ledger).is_ok()
        {
            self.cancelled_ms[job] = self.now_ms;
        }
    }
}
