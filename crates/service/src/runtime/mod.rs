//! Joins the rooms: starts every loop of one process, and stops them in the order in which nothing is lost.

pub mod adapters;
mod backlog;
mod probes;
pub mod stop_signal;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::adapters::Adapters;
use crate::http;
use crate::http::server::Server;
use crate::intake;
use crate::jobs::ids::WorkerId;
use crate::kafka::relay::Relay;
use crate::retention::Cleaner;
use crate::schedule::scheduler::Scheduler;
use crate::schedule::trigger::Trigger;
use crate::store::Store;
use crate::worker::{Worker, WorkerSettings};

/// After the grace, from which no neighbour that hangs may keep us: until what was given back is in the database and
/// Kafka's group is left …
const HANDS_BOUND: Duration = Duration::from_millis(700);
/// … then until the relay has sent what the last jobs left in the outbox, and the API has ended its last answers …
const GOODBYE_BOUND: Duration = Duration::from_millis(800);
/// … and, from the grace's end, until the process ends whatever hangs: within the two seconds that are promised.
pub const END_BOUND: Duration = Duration::from_millis(1_800);
/// Between two tries to bring the schema up to date while the database is away.
const MIGRATE_RETRY_EVERY: Duration = Duration::from_secs(2);
/// How often histograms that nobody scrapes are emptied.
const METRICS_UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// The loops of one process.
pub struct Running {
    /// Where the API listens.
    pub address: SocketAddr,
    grace: Duration,
    stop: CancellationToken,
    stop_at_last: CancellationToken,
    broken: CancellationToken,
    migrated: CancellationToken,
    schedule_and_cleaner: [JoinHandle<()>; 2],
    intake_and_worker: [JoinHandle<()>; 2],
    relay_and_api: [JoinHandle<()>; 2],
}

/// Starts every loop; a neighbour that is down is waited for, not an error.
///
/// # Errors
/// Where the API's address cannot be had.
pub async fn start(adapters: Adapters) -> io::Result<Running> {
    let timeouts = http::limits::Timeouts::default();
    let server = Server::bind(adapters.listen, timeouts).await?;
    let address = server.local_addr()?;
    let (stop, stop_at_last) = (CancellationToken::new(), CancellationToken::new());
    let (broken, migrated) = (CancellationToken::new(), CancellationToken::new());
    // Waits for the schema before it works; says so if it breaks.
    let looped = |until: &CancellationToken, work: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>| {
        let (until, migrated, alarm) = (until.clone(), migrated.clone(), Alarm(broken.clone()));
        tokio::spawn(async move {
            let _alarm = alarm;
            if until.run_until_cancelled(migrated.cancelled()).await.is_some() {
                work.await;
            }
        })
    };

    let router = api(&adapters, timeouts, stop.clone());
    let scheduler = Scheduler {
        runner: adapters.daily_runner(),
        timetable: adapters.daily.timetable.clone(),
        catch_up: adapters.daily.catch_up,
    };
    let worker = Worker {
        store: adapters.store.clone(),
        core_service: adapters.core_service,
        simulator: adapters.simulator,
        signals: adapters.signals.clone(),
        settings: WorkerSettings { ..adapters.worker },
        id: WorkerId::random(),
    };
    let cleaner = adapters.keep.map(|keep| Cleaner { store: adapters.retention, keep });
    let relay = Relay::new(adapters.store.clone(), adapters.publisher, adapters.signals.outbox());
    let intake = intake::run(adapters.consumer, adapters.store.clone(), adapters.signals, stop.clone());

    let (watched, there) = (adapters.store.clone(), migrated.clone());
    tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
        there.cancelled().await;
        backlog::watch(watched).await;
    }));
    tokio::spawn(
        stop.clone()
            .run_until_cancelled_owned(migrate(adapters.migrate.then_some(adapters.store), migrated.clone())),
    );
    tokio::spawn(stop.clone().run_until_cancelled_owned(upkeep(adapters.metrics)));
    Ok(Running {
        address,
        grace: adapters.worker.shutdown_grace,
        schedule_and_cleaner: [
            looped(&stop, Box::pin(scheduler.run(stop.clone()))),
            looped(&stop, Box::pin(clean(cleaner, stop.clone()))),
        ],
        intake_and_worker: [
            looped(&stop, Box::pin(intake)),
            looped(&stop, Box::pin(worker.run(stop.clone()))),
        ],
        relay_and_api: [
            looped(&stop_at_last, Box::pin(relay.run(stop_at_last.clone()))),
            tokio::spawn(serve(server, router, stop_at_last.clone())),
        ],
        stop,
        stop_at_last,
        broken,
        migrated,
    })
}

impl Running {
    /// Waits until the schema is up to date, and the loops may work.
    pub async fn migrated(&self) {
        self.migrated.cancelled().await;
    }

    /// Waits until a loop breaks, which none should.
    pub async fn broken(&self) {
        self.broken.cancelled().await;
    }

    /// Stops: no more intake and claims, then the work in hand, then the outbox and the API. Ends within the worker's
    /// grace and [`END_BOUND`].
    pub async fn stop(self) {
        self.stop.cancel();
        let hands = async {
            join(self.schedule_and_cleaner).await;
            join(self.intake_and_worker).await;
        };
        if tokio::time::timeout(self.grace + HANDS_BOUND, hands).await.is_err() {
            tracing::warn!("a neighbour does not answer; what is in hand is left to its leases");
        }
        self.stop_at_last.cancel();
        if tokio::time::timeout(GOODBYE_BOUND, join(self.relay_and_api)).await.is_err() {
            tracing::warn!("the outbox could not be emptied; what is left leaves at the next start");
        }
    }
}

async fn join<const N: usize>(tasks: [JoinHandle<()>; N]) {
    for task in tasks {
        if let Err(error) = task.await {
            tracing::error!(%error, "a loop had broken");
        }
    }
}

fn api(adapters: &Adapters, timeouts: http::limits::Timeouts, draining: CancellationToken) -> Router {
    let signals = adapters.signals.clone();
    http::router(http::Dependencies {
        store: adapters.store.clone(),
        by_hand: adapters.by_hand.clone(),
        dead_letters: adapters.dead_letters.clone(),
        jobs: adapters.jobs.clone(),
        subjects: adapters.core_service.clone(),
        daily: Arc::new(Trigger { runner: adapters.daily_runner(), zone: adapters.daily.zone.clone() }),
        readiness: adapters.readiness.clone(),
        wake: Arc::new(move || signals.jobs_due()),
        default_paths: adapters.worker.default_paths,
        metrics: adapters.metrics.clone(),
        draining,
        timeouts,
    })
}

async fn serve(server: Server, router: Router, stop: CancellationToken) {
    // A little less, to say what was cut.
    server.serve(router, stop, GOODBYE_BOUND * 3 / 4).await;
}

/// Brings the schema up to date, however long the database is away; then the loops may work.
async fn migrate(store: Option<Arc<dyn Store>>, migrated: CancellationToken) {
    if let Some(store) = store {
        while let Err(error) = store.migrate().await {
            tracing::warn!(%error, "the schema cannot be brought up to date yet");
            tokio::time::sleep(MIGRATE_RETRY_EVERY).await;
        }
    }
    migrated.cancel();
}

/// Where nothing is kept for ever.
async fn clean(cleaner: Option<Cleaner>, stop: CancellationToken) {
    if let Some(cleaner) = cleaner {
        cleaner.run(stop).await;
    }
}

async fn upkeep(metrics: metrics_exporter_prometheus::PrometheusHandle) {
    loop {
        tokio::time::sleep(METRICS_UPKEEP_EVERY).await;
        metrics.run_upkeep();
    }
}

/// Held by a loop; a loop that panics sets it off, so that the process ends and is started anew instead of limping.
struct Alarm(CancellationToken);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.cancel();
        }
    }
}
