//! The store against a model of it, over random histories.

use std::collections::{BTreeMap, BTreeSet};

use monte_carlo_service::jobs::ids::{JobId, Lease};
use monte_carlo_service::store::{Beat, JobFilter, JobStatus, Store, Write};
use serde_json::json;

use crate::fixtures::{batch, claim, completed, failed, keyed, outbox, pending};
use crate::world::World;

const HISTORIES: u64 = 6;
const STEPS: usize = 50;
const LEASE_MS: i64 = 60_000;
const DEADLINE_MS: i64 = 20 * 60_000;
/// All times are multiples of this, and the database's clock is a little ahead of ours by then: what falls due at
/// the end of a step is due, and no decision hangs on the seconds that the test itself takes.
const STEP_MS: i64 = 20_000;

/// What we know of a job.
#[derive(Clone, Debug)]
struct Job {
    status: JobStatus,
    attempts: u32,
    snoozes: u32,
    due_ms: i64,
    lease: Option<Lease>,
    expires_ms: i64,
    deadline_ms: i64,
    started: bool,
}

/// The whole store, as far as it can be told in a few lines.
#[derive(Default)]
struct Model {
    now_ms: i64,
    jobs: BTreeMap<JobId, Job>,
    keys: BTreeSet<usize>,
    /// Every lease ever given.
    leases: Vec<Lease>,
}

pub(crate) async fn agrees_with_the_store(world: &World) {
    for seed in 0..HISTORIES {
        for table in ["simulation_jobs", "outbox", "simulation_results", "simulation_inputs"] {
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
        match random.u8(0..12) {
            0..3 => self.record(world, random).await,
            3..5 => self.claim(world).await,
            5..8 => self.settle(world, random).await,
            8 => self.beat(world).await,
            9 => self.sweep(world).await,
            _ => {
                let ms = STEP_MS * random.i64(1..6);
                world.pass_ms(ms).await;
                self.now_ms += ms;
            }
        }
    }

    async fn record(&mut self, world: &World, random: &mut fastrand::Rng) {
        let keys: Vec<usize> = (0..random.usize(1..5)).map(|_| random.usize(0..40)).collect();
        let jobs: Vec<_> = keys.iter().map(|key| keyed(&key.to_string())).collect();
        let mut inserted = 0;
        for (key, job) in keys.iter().zip(&jobs) {
            if self.keys.insert(*key) {
                inserted += 1;
                let job_state = Job {
                    status: JobStatus::Pending,
                    attempts: 0,
                    snoozes: 0,
                    due_ms: self.now_ms,
                    lease: None,
                    expires_ms: 0,
                    deadline_ms: 0,
                    started: false,
                };
                self.jobs.insert(job.id.clone(), job_state);
            }
        }
        let outcome = world.store.record_intake(&batch(jobs)).await.expect("records");
        assert_eq!((outcome.inserted, outcome.duplicates), (inserted, keys.len() as u64 - inserted));
    }

    async fn claim(&mut self, world: &World) {
        let claimed = claim(&*world.store, 1_000).await;
        let now_ms = self.now_ms;
        let due: BTreeSet<JobId> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.status == JobStatus::Pending && job.due_ms <= now_ms)
            .map(|(id, _)| id.clone())
            .collect();
        assert_eq!(claimed.iter().map(|job| job.lease.job.clone()).collect::<BTreeSet<_>>(), due);
        for taken in claimed {
            let job = self.jobs.get_mut(&taken.lease.job).expect("ours");
            job.status = JobStatus::Running;
            job.attempts += 1;
            job.started = true;
            job.expires_ms = now_ms + LEASE_MS;
            job.deadline_ms = now_ms + DEADLINE_MS;
            assert_eq!((taken.attempts, taken.snoozes), (job.attempts, job.snoozes));
            job.lease = Some(taken.lease.clone());
            self.leases.push(taken.lease);
        }
    }

    async fn settle(&mut self, world: &World, random: &mut fastrand::Rng) {
        let Some(lease) = random.choice(self.leases.clone()) else { return };
        let now_ms = self.now_ms;
        let job = self.jobs.get_mut(&lease.job).expect("ours");
        let (attempts, snoozes) = (random.u32(0..5), random.u32(0..5));
        let (settlement, status) = match random.u8(0..4) {
            0 => (failed("so"), JobStatus::Failed),
            1 => {
                let record = world.store.job(&lease.job).await.expect("reads").expect("is there");
                let mut done = completed_of(&lease, &record.subject);
                done.result = Some(json!({"of": lease.token.0.to_string()}));
                (done, JobStatus::Completed)
            }
            due => {
                let due_in_ms = i64::from(due - 2) * 3 * STEP_MS;
                job.due_ms = if job.lease.as_ref() == Some(&lease) { now_ms + due_in_ms } else { job.due_ms };
                (pending(attempts, snoozes, due_in_ms as u64, None), JobStatus::Pending)
            }
        };
        let write = world.store.settle(&lease, &settlement).await.expect("settles");
        if job.lease.as_ref() != Some(&lease) {
            assert_eq!(write, Write::Stale);
            return;
        }
        assert_eq!(write, Write::Applied);
        job.status = status;
        job.lease = None;
        if status == JobStatus::Pending {
            (job.attempts, job.snoozes) = (attempts, snoozes);
        }
    }

    async fn beat(&mut self, world: &World) {
        let beats: Vec<Beat> =
            self.leases.iter().map(|lease| Beat { lease: lease.clone(), progress: 0.5 }).collect();
        let held = world.store.beat(&beats, LEASE_MS as u64).await.expect("beats");
        let now_ms = self.now_ms;
        let mut expected = 0;
        for job in self.jobs.values_mut().filter(|job| job.lease.is_some() && job.deadline_ms > now_ms) {
            expected += 1;
            job.expires_ms = (now_ms + LEASE_MS).min(job.deadline_ms);
            assert!(held.iter().any(|lease| Some(lease) == job.lease.as_ref()));
        }
        assert_eq!(held.len(), expected);
    }

    async fn sweep(&mut self, world: &World) {
        let expired = world.store.expired(1_000).await.expect("lists");
        let now_ms = self.now_ms;
        let late = self.jobs.values().filter(|job| job.lease.is_some() && job.expires_ms <= now_ms).count();
        assert_eq!(expired.len(), late);
        for gone in expired {
            let job = self.jobs.get_mut(&gone.lease.job).expect("ours");
            assert_eq!((gone.attempts, gone.snoozes), (job.attempts, job.snoozes));
            let back = pending(gone.attempts, 0, 0, Some("silence"));
            assert_eq!(world.store.settle(&gone.lease, &back).await.expect("settles"), Write::Applied);
            (job.status, job.lease, job.snoozes, job.due_ms) = (JobStatus::Pending, None, 0, now_ms);
        }
    }

    async fn compare(&self, world: &World, seed: u64) {
        let listed = world.store.jobs(&JobFilter::default(), 1_000, None).await.expect("lists");
        assert_eq!(listed.len(), self.jobs.len(), "seed {seed}");
        for record in listed {
            let job = &self.jobs[&record.id];
            assert_eq!((record.status, record.attempts), (job.status, job.attempts), "seed {seed} {job:?}");
            assert_eq!(record.result.is_some(), job.status == JobStatus::Completed, "seed {seed} {job:?}");
            assert_eq!(record.started_at_ms.is_some(), job.started, "seed {seed} {job:?}");
        }
        let started = self.jobs.values().filter(|job| job.started).count();
        let done = self.jobs.values().filter(|job| job.status == JobStatus::Completed).count();
        assert_eq!(outbox(&*world.store).await.len(), started + done, "seed {seed}");
    }
}

fn completed_of(
    lease: &Lease,
    subject: &monte_carlo_engine::Subject,
) -> monte_carlo_service::store::Settlement {
    let claimed = monte_carlo_service::store::ClaimedJob {
        lease: lease.clone(),
        subject: subject.clone(),
        origin: monte_carlo_service::store::Origin::Kafka,
        config: json!({}),
        input: None,
        trace: monte_carlo_service::telemetry::trace_context::TraceContext::continue_from(None, None, None),
        attempts: 1,
        snoozes: 0,
        age_ms: 0,
    };
    completed(&claimed, &json!({}))
}
