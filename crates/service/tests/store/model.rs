//! The store against the job machine, over random histories: whatever the SQL does to a job, [`step`] says the same.

use std::collections::{BTreeMap, BTreeSet};

use monte_carlo_service::jobs::events;
use monte_carlo_service::jobs::ids::JobId;
use monte_carlo_service::jobs::machine::{
    Action, CANCELLED, Ending, Event, Fault, Job, Refused, Situation, State, step,
};
use monte_carlo_service::jobs::skip::SkipReason;
use monte_carlo_service::store::by_hand::{ByHand, Moved};
use monte_carlo_service::store::{
    Beat, ClaimRequest, ClaimedJob, JobFilter, JobRecord, JobStatus, Settlement, Settler, Store, Write,
};
use serde_json::json;

use crate::fixtures::{batch, input, keyed, outbox, request};
use crate::world::World;

const HISTORIES: u64 = 6;
const STEPS: usize = 60;
const LEASE_MS: u64 = 60_000;
const DEADLINE_MS: u64 = 5 * 60_000;
/// All times are multiples of this, and the database's clock is a little ahead of ours by then: what falls due at
/// the end of a step is due, and no decision hangs on the seconds that the test itself takes.
const STEP_MS: i64 = 20_000;

/// What the store must hold.
#[derive(Default)]
struct Model {
    now_ms: i64,
    jobs: BTreeMap<JobId, Job>,
    keys: BTreeSet<usize>,
    /// Every claim ever made, as its worker knows it.
    claims: Vec<ClaimedJob>,
    /// Messages and inputs that the machine asked for.
    announced: usize,
    inputs: BTreeSet<JobId>,
}

pub(crate) async fn agrees_with_the_store(world: &World) {
    for seed in 0..HISTORIES {
        for table in
            ["simulation_jobs", "outbox", "simulation_results", "simulation_inputs", "simulation_skips"]
        {
            world.execute(&format!("DELETE FROM {table}")).await;
        }
        let mut random = fastrand::Rng::with_seed(seed);
        let mut model = Model::default();
        for _ in 0..STEPS {
            model.step(world, &mut random).await;
        }
        model.compare(world, seed).await;
    }
}

impl Model {
    async fn step(&mut self, world: &World, random: &mut fastrand::Rng) {
        match random.u8(0..16) {
            0..3 => self.record(world, random).await,
            3..5 => self.claim(world).await,
            5..8 => self.settle(world, random).await,
            8 => self.save_input(world, random).await,
            9 => self.beat(world, random).await,
            10..12 => self.sweep(world, random).await,
            12 => self.cancel(world, random).await,
            13 => self.retry(world, random).await,
            _ => {
                let ms = STEP_MS * random.i64(1..6);
                world.pass_ms(ms).await;
                self.now_ms += ms;
            }
        }
    }

    /// What the machine says of it; a job that moves is moved.
    fn expect(&mut self, id: &JobId, event: &Event) -> Result<&'static [Action], Refused> {
        let job = self.jobs.get_mut(id).expect("ours");
        let (next, actions) = step(job, event, Situation { now_ms: self.now_ms, jitter: 0.0 })?;
        *job = next;
        for action in actions {
            match action {
                Action::AnnounceStarted | Action::AnnounceCompleted => self.announced += 1,
                Action::StoreInput => _ = self.inputs.insert(id.clone()),
                _ => {}
            }
        }
        Ok(actions)
    }

    fn expect_write(&mut self, id: &JobId, event: &Event) -> Write {
        match self.expect(id, event) {
            Ok(_) => Write::Applied,
            Err(Refused::Stale) => Write::Stale,
            Err(refused) => panic!("{refused}"),
        }
    }

    async fn record(&mut self, world: &World, random: &mut fastrand::Rng) {
        let keys: Vec<usize> = (0..random.usize(1..5)).map(|_| random.usize(0..40)).collect();
        let jobs: Vec<_> = keys.iter().map(|key| keyed(&key.to_string())).collect();
        let mut inserted = 0;
        for (key, job) in keys.iter().zip(&jobs) {
            if self.keys.insert(*key) {
                inserted += 1;
                self.jobs.insert(job.id.clone(), Job::new(self.now_ms));
            }
        }
        let outcome = world.store.record_intake(&batch(jobs)).await.expect("records");
        assert_eq!((outcome.inserted, outcome.duplicates), (inserted, keys.len() as u64 - inserted));
    }

    async fn claim(&mut self, world: &World) {
        let request = ClaimRequest { lease_ms: LEASE_MS, deadline_ms: DEADLINE_MS, ..request(1_000) };
        for taken in world.store.claim(request).await.expect("claims") {
            let token = taken.lease.token;
            let event = Event::Claimed { token, lease_ms: LEASE_MS, deadline_ms: DEADLINE_MS };
            self.expect(&taken.lease.job, &event).expect("was due");
            let expected = self.jobs[&taken.lease.job].clone().counted_from(self.now_ms);
            // Its age alone has the time in it that the test itself takes.
            assert_eq!(taken.job, Job { started_at_ms: taken.job.started_at_ms, ..expected });
            self.claims.push(taken);
        }
        let now_ms = self.now_ms;
        let is_left =
            |job: &Job| matches!(job.state, State::Pending { due_at_ms, .. } if due_at_ms <= now_ms);
        assert!(!self.jobs.values().any(is_left), "all that was due is taken");
    }

    /// As a worker does it: by what it knows of its claim, which may be long over.
    async fn settle(&mut self, world: &World, random: &mut fastrand::Rng) {
        let Some(claimed) = random.choice(self.claims.clone()) else { return };
        let event = Event::Ended { token: claimed.lease.token, ending: any_ending(random) };
        let (next, actions) =
            step(&claimed.job, &event, Situation { now_ms: 0, jitter: 0.0 }).expect("by its own claim");
        let mut settlement = Settlement { by: Settler::Holder, next, result: None, outbox: None };
        if actions.contains(&Action::StoreResult) {
            settlement.result = Some(json!({"of": claimed.lease.token.0.to_string()}));
            settlement.outbox =
                Some(events::completed(&claimed.lease.job, &claimed.subject, &claimed.trace, &json!({}), 0));
        }
        let is_moved = round_up(&mut settlement.next);
        let write = world.store.settle(&claimed.lease, &settlement).await.expect("settles");
        assert_eq!(write, self.expect_write(&claimed.lease.job, &event));
        if write == Write::Applied && is_moved {
            let job = self.jobs.get_mut(&claimed.lease.job).expect("ours");
            job.state = settlement.next.counted_from(-self.now_ms).state;
        }
    }

    async fn save_input(&mut self, world: &World, random: &mut fastrand::Rng) {
        let Some(claimed) = random.choice(self.claims.clone()) else { return };
        let write = world.store.save_input(&claimed.lease, &input(1)).await.expect("answers");
        let event = Event::Fetched { token: claimed.lease.token };
        assert_eq!(write, self.expect_write(&claimed.lease.job, &event));
    }

    async fn beat(&mut self, world: &World, random: &mut fastrand::Rng) {
        let mut beats = Vec::new();
        for claimed in &self.claims {
            beats.push(Beat { lease: claimed.lease.clone(), progress: random.f64() });
        }
        let held = world.store.beat(&beats, LEASE_MS).await.expect("beats");
        for Beat { lease, progress } in beats {
            let event = Event::Beat { token: lease.token, lease_ms: LEASE_MS, progress };
            let write = self.expect_write(&lease.job, &event);
            assert_eq!(held.contains(&lease), write == Write::Applied, "{lease:?}");
        }
    }

    async fn sweep(&mut self, world: &World, random: &mut fastrand::Rng) {
        let expired = world.store.expired(1_000).await.expect("lists");
        let now_ms = self.now_ms;
        let ran_out =
            |job: &&Job| matches!(job.state, State::Running { expires_at_ms, .. } if expires_at_ms <= now_ms);
        assert_eq!(expired.len(), self.jobs.values().filter(ran_out).count());
        if random.bool() {
            self.beat(world, random).await;
        }
        for gone in expired {
            let event = Event::Ended { token: gone.lease.token, ending: Ending::Silent };
            let (next, _) = step(&gone.job, &event, Situation { now_ms: 0, jitter: 0.0 }).expect("ran out");
            let settlement = Settlement { by: Settler::Sweeper, next, result: None, outbox: None };
            let write = world.store.settle(&gone.lease, &settlement).await.expect("settles");
            assert_eq!(write, self.expect_write(&gone.lease.job, &event));
        }
    }

    async fn cancel(&mut self, world: &World, random: &mut fastrand::Rng) {
        let Some(id) = random.choice(self.jobs.keys().cloned().collect::<Vec<_>>()) else { return };
        let was_cancelled = self.jobs[&id].state == State::Failed { reason: CANCELLED.to_owned() };
        let moved = world.store.cancel(&id).await.expect("answers");
        match self.expect(&id, &Event::CancelAsked) {
            Err(_) if !was_cancelled => assert!(matches!(moved, Moved::Refused(_)), "{moved:?}"),
            _ => assert_eq!(moved, Moved::Done),
        }
    }

    async fn retry(&mut self, world: &World, random: &mut fastrand::Rng) {
        let Some(id) = random.choice(self.jobs.keys().cloned().collect::<Vec<_>>()) else { return };
        let moved = world.store.retry(&id).await.expect("answers");
        match self.expect(&id, &Event::Retried) {
            Err(_) => assert!(matches!(moved, Moved::Refused(_)), "{moved:?}"),
            Ok(_) => assert_eq!(moved, Moved::Done),
        }
    }

    async fn compare(&self, world: &World, seed: u64) {
        let listed = world.store.jobs(&JobFilter::default(), 1_000, None).await.expect("lists");
        assert_eq!(listed.len(), self.jobs.len(), "seed {seed}");
        for record in &listed {
            let job = &self.jobs[&record.id];
            assert_eq!(seen(record), expected(job), "seed {seed} {job:?}");
            assert_eq!(record.started_at_ms.is_some(), job.started_at_ms.is_some(), "seed {seed} {job:?}");
        }
        assert_eq!(outbox(&*world.store).await.len(), self.announced, "seed {seed}");
        let inputs = world.number("SELECT count(*) FROM simulation_inputs").await;
        assert_eq!(inputs as usize, self.inputs.len(), "seed {seed}");
    }
}

/// What the machine tells of a job, as readers see it.
type Seen = (JobStatus, u32, bool, Option<SkipReason>, Option<String>);

fn seen(record: &JobRecord) -> Seen {
    (record.status, record.attempts, record.result.is_some(), record.skipped, record.error.clone())
}

fn expected(job: &Job) -> Seen {
    let attempts = job.attempts;
    match &job.state {
        State::Pending { last_error, .. } => (JobStatus::Pending, attempts, false, None, last_error.clone()),
        State::Running { .. } => (JobStatus::Running, attempts, false, None, None),
        State::Completed => (JobStatus::Completed, attempts, true, None, None),
        State::Skipped { reason } => (JobStatus::Completed, attempts, false, Some(*reason), None),
        State::Failed { reason } => (JobStatus::Failed, attempts, false, None, Some(reason.clone())),
    }
}

fn any_ending(random: &mut fastrand::Rng) -> Ending {
    match random.u8(0..8) {
        0 => Ending::Simulated,
        1 => Ending::Skipped(SkipReason::NoClosingTrades),
        2 => Ending::Faulted(Fault::Terminal("no good".into())),
        3 => Ending::Released,
        4..6 => Ending::Faulted(Fault::Retry("bad luck".into())),
        _ => Ending::Faulted(Fault::Snooze("Core is down".into())),
    }
}

/// Moves a back-off to a multiple of the steps.
fn round_up(next: &mut Job) -> bool {
    match &mut next.state {
        State::Pending { due_at_ms, .. } if *due_at_ms > 0 => {
            *due_at_ms = 3 * STEP_MS;
            true
        }
        _ => false,
    }
}
