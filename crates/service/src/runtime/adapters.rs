//! From the configuration to the adapters behind the service's traits.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use super::probes::{CoreServiceProbe, KafkaProbe, RayProbe, RedisProbe};
use crate::config::Config;
use crate::config::daily::DailyConfig;
use crate::config::database::DatabaseKind;
use crate::config::redis::RedisConfig;
use crate::config::simulator::{Fallback, SimulatorConfig, SimulatorKind};
use crate::core_service::client::{CoreServiceClient, CoreServiceSettings, install_tls_provider};
use crate::core_service::pace::{LocalPace, Pace, Rate};
use crate::fleet::link::{Link, RedisSettings, Tls};
use crate::fleet::pace::FleetPace;
use crate::fleet::results::{Book, CachedJobs, short_hash};
use crate::http::job_reader::{FromStore, JobReader};
use crate::http::readiness::{DatabaseProbe, Probe, Probes, Readiness};
use crate::kafka::consumer::Consumer;
use crate::kafka::producer::{Producer, Publisher};
use crate::kafka::settings::KafkaSettings;
use crate::kafka::topics;
use crate::schedule::DailyRunner;
use crate::signals::{RedisWakeUps, Signals};
use crate::simulator::Simulator;
use crate::simulator::local::LocalSimulator;
use crate::simulator::ray::RaySimulator;
use crate::simulator::ray::limits::Limits;
use crate::store::by_hand::ByHand;
use crate::store::daily::DailyRuns;
use crate::store::dead_letters::DeadLetters;
use crate::store::retention::Retention;
use crate::store::{self, SqlStore, Store, StoreOptions};
use crate::telemetry::clock::now_ms;
use crate::telemetry::metrics;
use crate::worker::WorkerSettings;

/// How long one dependency may take to say how it is.
const PROBE_BOUND: Duration = Duration::from_secs(1);

/// Everything that a process works with; `serve` and `dev` differ in nothing else.
pub struct Adapters {
    pub store: Arc<dyn Store>,
    pub daily_runs: Arc<dyn DailyRuns>,
    pub by_hand: Arc<dyn ByHand>,
    pub dead_letters: Arc<dyn DeadLetters>,
    pub retention: Arc<dyn Retention>,
    pub jobs: Arc<dyn JobReader>,
    pub core_service: Arc<CoreServiceClient>,
    pub simulator: Arc<dyn Simulator>,
    pub signals: Arc<Signals>,
    pub consumer: Consumer,
    pub publisher: Arc<dyn Publisher>,
    pub readiness: Arc<dyn Readiness>,
    pub metrics: PrometheusHandle,
    pub worker: WorkerSettings,
    pub daily: DailyConfig,
    /// How long jobs are kept once they have ended; `None`: for ever.
    pub keep: Option<Duration>,
    /// Bring the schema up to date before anything else.
    pub migrate: bool,
    /// Where the API listens.
    pub listen: SocketAddr,
}

/// Whether there are other replicas to share wake-ups, results and limits with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeUps {
    /// Within this process: there are no others.
    InProcess,
    /// Over Redis too.
    Redis,
}

/// Makes the adapters; none of them needs its neighbour to be there yet. `stop` ends what runs behind them.
///
/// # Errors
/// Where a setting makes no adapter at all.
pub fn connect(config: &Config, wake_ups: WakeUps, stop: &CancellationToken) -> anyhow::Result<Adapters> {
    let recorder = metrics::with_buckets(PrometheusBuilder::new())?
        .install_recorder()
        .context("the metrics recorder was installed twice")?;
    metrics::begin();

    let store = connect_store(config)?;
    let link = match wake_ups {
        WakeUps::InProcess => None,
        WakeUps::Redis => Some(connect_redis(&config.redis)?),
    };
    let core_service = connect_core_service(config, link.as_ref())?;
    let kafka = kafka_settings(config);
    kafka.security.keep_fresh(stop);
    let consumer = Consumer::start(&kafka, &[topics::ASSESSMENT_COMPLETED])?;
    let publisher = Arc::new(Producer::start(&kafka)?);
    let mut probes: Vec<Arc<dyn Probe>> = vec![
        Arc::new(DatabaseProbe(store.clone())),
        Arc::new(KafkaProbe(consumer.probe())),
        Arc::new(CoreServiceProbe(core_service.clone())),
    ];
    let simulator: Arc<dyn Simulator> = match connect_ray(&config.simulator)? {
        None => Arc::new(LocalSimulator::new(config.simulator.threads)?),
        Some(ray) => {
            probes.push(Arc::new(RayProbe(ray.clone())));
            ray
        }
    };
    let jobs = jobs(config, store.clone(), link.as_ref());
    let signals = match link {
        None => Arc::new(Signals::default()),
        Some(link) => {
            let redis = Arc::new(RedisWakeUps::new(link));
            probes.push(Arc::new(RedisProbe(redis.clone())));
            redis.connect(stop)
        }
    };
    Ok(Adapters {
        store: store.clone(),
        daily_runs: store.clone(),
        by_hand: store.clone(),
        dead_letters: store.clone(),
        retention: store,
        jobs,
        core_service,
        simulator,
        signals,
        consumer,
        publisher,
        readiness: Arc::new(Probes::new(probes, PROBE_BOUND)),
        metrics: recorder,
        worker: WorkerSettings {
            concurrency: config.worker.concurrency as usize,
            default_paths: config.simulator.default_paths,
            default_history_replicates: config.simulator.default_history_replicates,
            shutdown_grace: config.worker.shutdown_grace,
        },
        daily: config.daily.clone(),
        keep: config.retention.keep,
        migrate: config.database.migrate_on_start,
        listen: config.http.address(),
    })
}

impl Adapters {
    /// What carries daily runs out.
    pub(super) fn daily_runner(&self) -> DailyRunner {
        DailyRunner {
            store: self.daily_runs.clone(),
            core_service: self.core_service.clone(),
            signals: self.signals.clone(),
            skip_recent: self.daily.skip_recent,
            clock: Arc::new(now_ms),
        }
    }
}

/// The client of Core Service, which keeps the fleet's pace over `link`, or its own without.
///
/// # Errors
/// Where a setting makes no client.
pub fn connect_core_service(
    config: &Config,
    link: Option<&Arc<Link>>,
) -> anyhow::Result<Arc<CoreServiceClient>> {
    install_tls_provider();
    let client = CoreServiceClient::new(&CoreServiceSettings {
        base_url: config.core_service.url.to_string(),
        token: config.core_service.token.clone(),
        timeout: config.core_service.timeout,
    })?;
    Ok(Arc::new(client.paced(pace(config, link))))
}

/// The client of Ray Serve, where paths are computed there.
fn connect_ray(config: &SimulatorConfig) -> anyhow::Result<Option<Arc<RaySimulator>>> {
    let SimulatorKind::Ray(fallback) = config.kind else { return Ok(None) };
    install_tls_provider();
    let fallback = match fallback {
        Fallback::Local => Some(LocalSimulator::new(config.threads)?),
        Fallback::Nothing => None,
    };
    let ray =
        RaySimulator::new(&config.ray_serve_url, fallback, Limits::default()).map_err(anyhow::Error::msg)?;
    Ok(Some(Arc::new(ray)))
}

/// The way to Redis.
///
/// # Errors
/// Where a setting makes no address, or the file of authorities cannot be read.
pub fn connect_redis(config: &RedisConfig) -> anyhow::Result<Arc<Link>> {
    install_tls_provider();
    let tls = match (config.tls, &config.ca_file) {
        (false, _) => Tls::Off,
        (true, None) => Tls::PublicAuthorities,
        (true, Some(file)) => {
            let unread = || format!("REDIS_CA_FILE {} cannot be read", file.display());
            Tls::Authorities(std::fs::read(file).with_context(unread)?)
        }
    };
    let settings = RedisSettings {
        host: config.host.clone(),
        port: config.port,
        tls,
        user: config.user.clone(),
        password: config.password.clone(),
        key_prefix: config.key_prefix.clone(),
    };
    Ok(Arc::new(Link::new(&settings).context("Redis' settings (REDIS_…) make no address")?))
}

/// Whoever calls the same Core Service shares its limit.
fn pace(config: &Config, link: Option<&Arc<Link>>) -> Arc<dyn Pace> {
    let rate = Rate(config.core_service.max_calls_per_second);
    match link {
        None => Arc::new(LocalPace::new(rate)),
        Some(link) => {
            let neighbour = short_hash(config.core_service.url.as_str());
            Arc::new(FleetPace::new(link.clone(), &neighbour, rate))
        }
    }
}

/// A SQLite file has one reader, whom the way to Redis would only delay.
fn jobs(config: &Config, store: Arc<dyn Store>, link: Option<&Arc<Link>>) -> Arc<dyn JobReader> {
    match (link, config.database.kind) {
        (Some(link), DatabaseKind::Postgres) => {
            let book = Book::of(&config.database.place(), config.database.exposed_url());
            Arc::new(CachedJobs::new(store, link.clone(), book))
        }
        (None, _) | (_, DatabaseKind::Sqlite) => Arc::new(FromStore(store)),
    }
}

/// The store alone.
///
/// # Errors
/// Where the URL makes no store.
pub fn connect_store(config: &Config) -> anyhow::Result<Arc<SqlStore>> {
    let options =
        StoreOptions { connections_max: config.database.max_connections, ..StoreOptions::default() };
    Ok(Arc::new(store::open(config.database.exposed_url(), &options)?))
}

/// Which Kafka.
pub fn kafka_settings(config: &Config) -> KafkaSettings {
    KafkaSettings {
        brokers: config.kafka.bootstrap_servers(),
        client_id: config.kafka.client_id.clone(),
        group_id: config.kafka.group_id.clone(),
        group_instance_id: config.kafka.group_instance_id.clone(),
        group_protocol: config.kafka.group_protocol,
        topic_prefix: config.kafka.topic_prefix.clone(),
        security: config.kafka.security.clone(),
    }
}
