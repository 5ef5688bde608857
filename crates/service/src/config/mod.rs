//! The environment, read once, at start, into typed structs; one file a topic, each variable declared beside
//! the struct that it fills.
//!
//! [`VARIABLES`] is the one table of what can be set; the README and `.env.example` are checked against it.

pub mod core_service;
pub mod daily;
pub mod database;
mod faults;
mod forms;
pub mod http;
pub mod kafka;
pub mod kafka_security;
mod reader;
pub mod redis;
pub mod retention;
pub mod simulator;
pub mod telemetry;
mod variable;
pub mod worker;

pub use faults::{ConfigFault, ConfigFaults};
pub use reader::Lookup;
pub use variable::{Preset, Source, Variable};

use reader::Reader;

/// Every variable that is read, in the order in which people look for them: the specification's first.
pub const VARIABLES: &[Variable] = &[
    database::DATABASE_URL,
    redis::REDIS_HOST,
    redis::REDIS_PORT,
    redis::REDIS_PASSWORD,
    kafka::KAFKA_BROKERS,
    kafka::KAFKA_CLIENT_ID,
    kafka::KAFKA_GROUP_ID,
    simulator::RAY_SERVE_URL,
    core_service::CORE_SERVICE_URL,
    kafka::AWS_REGION,
    http::PORT,
    telemetry::NODE_ENV,
    http::HOST,
    redis::REDIS_USER,
    redis::REDIS_TLS,
    redis::REDIS_CA_FILE,
    redis::REDIS_KEY_PREFIX,
    database::DATABASE_MAX_CONNECTIONS,
    database::MIGRATE_ON_START,
    kafka::KAFKA_GROUP_INSTANCE_ID,
    kafka::KAFKA_GROUP_PROTOCOL,
    kafka::KAFKA_TOPIC_PREFIX,
    kafka_security::KAFKA_SECURITY,
    kafka_security::KAFKA_CA_FILE,
    kafka_security::KAFKA_USERNAME,
    kafka_security::KAFKA_PASSWORD,
    core_service::CORE_SERVICE_TOKEN,
    core_service::CORE_SERVICE_TIMEOUT_MS,
    core_service::CORE_SERVICE_MAX_CALLS_PER_SECOND,
    simulator::SIMULATOR,
    simulator::SIMULATOR_FALLBACK,
    simulator::SIMULATION_PATHS,
    simulator::SIMULATION_HISTORY_REPLICATES,
    simulator::SIMULATION_THREADS,
    worker::WORKER_CONCURRENCY,
    worker::SHUTDOWN_GRACE_SECONDS,
    daily::DAILY_SIMULATION_CRON,
    daily::DAILY_SIMULATION_TZ,
    daily::DAILY_SKIP_RECENT_HOURS,
    daily::DAILY_CATCH_UP,
    retention::RETENTION_DAYS,
    telemetry::LOG_LEVEL,
];

/// All that can be set. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Config {
    pub database: database::DatabaseConfig,
    pub redis: redis::RedisConfig,
    pub kafka: kafka::KafkaConfig,
    pub core_service: core_service::CoreServiceConfig,
    pub simulator: simulator::SimulatorConfig,
    pub http: http::HttpConfig,
    pub worker: worker::WorkerConfig,
    pub daily: daily::DailyConfig,
    pub retention: retention::RetentionConfig,
    pub telemetry: telemetry::TelemetryConfig,
}

impl Config {
    /// Reads every variable through `lookup`.
    ///
    /// # Errors
    /// All variables that are wrong or missing, together.
    pub fn from_lookup(lookup: &Lookup<'_>) -> Result<Self, ConfigFaults> {
        let reader = Reader::new(lookup);
        let config = Self::read(&reader);
        reader.finish(config)
    }

    fn read(reader: &Reader<'_>) -> Option<Self> {
        let database = database::DatabaseConfig::read(reader);
        let redis = redis::RedisConfig::read(reader);
        let kafka = kafka::KafkaConfig::read(reader);
        let core_service = core_service::CoreServiceConfig::read(reader);
        let simulator = simulator::SimulatorConfig::read(reader);
        let http = http::HttpConfig::read(reader);
        let worker = worker::WorkerConfig::read(reader);
        let daily = daily::DailyConfig::read(reader);
        let retention = retention::RetentionConfig::read(reader);
        let telemetry = telemetry::TelemetryConfig::read(reader);
        Some(Self {
            database: database?,
            redis: redis?,
            kafka: kafka?,
            core_service: core_service?,
            simulator: simulator?,
            http: http?,
            worker: worker?,
            daily: daily?,
            retention: retention?,
            telemetry: telemetry?,
        })
    }
}
