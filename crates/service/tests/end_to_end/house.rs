//! One isolated world for one test: a database, topics and a Core Service of its own.

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use monte_carlo_service::kafka::embedded::EmbeddedBroker;
use monte_carlo_service::kafka::topics as platform;
use monte_carlo_service::sample_core::book::Book;
use monte_carlo_service::sample_core::server::{Dialect, SampleCore};
use monte_carlo_service::store;
use monte_carlo_service::store::dead_letters::{DeadLetters as _, LetterKind};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::service::Service;
use crate::topics::{self, Outgoing, Published};
use crate::{ledger, story};

/// Which database and broker.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Neighbours {
    /// The servers that `./test` starts: PostgreSQL, Kafka, Redis.
    Real,
    /// A SQLite file and librdkafka's broker, in this process, so that it outlives the service's.
    Embedded,
}

pub(crate) struct House {
    pub(crate) book: Book,
    environment: Vec<(String, String)>,
    brokers: String,
    prefix: String,
    group_id: String,
    database_url: String,
    scratch: TempDir,
    core_url: String,
    core: SampleCore,
    _broker: Option<EmbeddedBroker>,
}

/// Paths of a job: enough that three kills hit running work, few enough for hundreds of jobs.
const PATHS: &str = "2000";

impl House {
    pub(crate) async fn build(neighbours: Neighbours) -> Self {
        let book = story::book();
        let core =
            SampleCore::start(book.clone(), ([127, 0, 0, 1], 0).into(), None).await.expect("a Core Service");
        let core_url = core.url(Dialect::Wrapped);
        let scratch = TempDir::new().expect("a scratch folder");
        let name = format!("e2e_{}", Uuid::new_v4().simple());
        let (database_url, brokers, prefix, broker) = match neighbours {
            Neighbours::Real => {
                (database(&name).await, required("TEST_KAFKA_BROKERS"), format!("{name}."), None)
            }
            Neighbours::Embedded => {
                let broker = EmbeddedBroker::start(&platform::all()).expect("an embedded broker");
                let file = scratch.path().join("jobs.db");
                let brokers = broker.bootstrap_servers().to_owned();
                (format!("sqlite:{}", file.display()), brokers, String::new(), Some(broker))
            }
        };
        let mut environment = vec![
            ("DATABASE_URL".to_owned(), database_url.clone()),
            ("KAFKA_BROKERS".to_owned(), brokers.clone()),
            ("KAFKA_TOPIC_PREFIX".to_owned(), prefix.clone()),
            ("KAFKA_GROUP_ID".to_owned(), name.clone()),
            ("CORE_SERVICE_URL".to_owned(), core_url.clone()),
            ("SIMULATOR".to_owned(), "local".to_owned()),
            ("SIMULATION_PATHS".to_owned(), PATHS.to_owned()),
            // Tests run at two o'clock too; those of the daily run set it.
            ("DAILY_SIMULATION_CRON".to_owned(), "off".to_owned()),
            // Some bring jobs of long ago; the test of what is deleted sets it.
            ("RETENTION_DAYS".to_owned(), "off".to_owned()),
        ];
        environment.extend(redis(neighbours));
        if neighbours == Neighbours::Real {
            topics::create(&brokers, &prefix).await;
        }
        Self {
            book,
            environment,
            brokers,
            prefix,
            group_id: name,
            database_url,
            scratch,
            core_url,
            core,
            _broker: broker,
        }
    }

    /// The same house with another database.
    pub(crate) fn with_database(mut self, url: String) -> Self {
        self.environment.push(("DATABASE_URL".to_owned(), url.clone()));
        self.database_url = url;
        self
    }

    /// The same house at another broker, with topics there.
    pub(crate) async fn with_broker(mut self, brokers: String) -> Self {
        topics::create(&brokers, &self.prefix).await;
        self.environment.push(("KAFKA_BROKERS".to_owned(), brokers.clone()));
        self.brokers = brokers;
        self
    }

    pub(crate) fn brokers(&self) -> &str {
        &self.brokers
    }

    pub(crate) fn group_id(&self) -> &str {
        &self.group_id
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Another replica, not yet ready.
    pub(crate) fn service(&self) -> Service {
        self.service_with(&[])
    }

    /// Another replica, some of its variables set otherwise.
    pub(crate) fn service_with(&self, variables: &[(&str, &str)]) -> Service {
        self.service_by(&[], variables)
    }

    /// The same, started by a program that becomes it.
    pub(crate) fn service_by(&self, launcher: &[&str], variables: &[(&str, &str)]) -> Service {
        let log = self.scratch.path().join(format!("{}.log", Uuid::now_v7()));
        Service::start_by(launcher, &self.environment_with(variables), log)
    }

    /// Another command of the program, carried to its end.
    pub(crate) async fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_monte-carlo-service"));
        command.args(arguments).env_clear().envs(self.environment_with(variables)).stdin(Stdio::null());
        let ran = tokio::task::spawn_blocking(move || command.output()).await;
        ran.expect("it ends").expect("the program starts")
    }

    pub(crate) fn environment_with(&self, variables: &[(&str, &str)]) -> Vec<(String, String)> {
        let changed = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        self.environment.iter().cloned().chain(changed).collect()
    }

    pub(crate) fn database_url(&self) -> &str {
        &self.database_url
    }

    /// Its Core Service, to be made to misbehave.
    pub(crate) fn core(&self) -> &SampleCore {
        &self.core
    }

    pub(crate) fn core_url(&self) -> &str {
        &self.core_url
    }

    /// The platform sends its events.
    pub(crate) async fn tell(&self, events: &[Outgoing]) {
        topics::send(&self.brokers, &format!("{}assessment.completed", self.prefix), events).await;
    }

    /// Everything on one of our topics, once it holds `count` event ids; the relay may be a moment behind the jobs.
    pub(crate) async fn read_until(&self, topic: &str, count: usize) -> Vec<Published> {
        const BOUND: Duration = Duration::from_secs(30);
        let began = Instant::now();
        loop {
            let published = topics::read_all(&self.brokers, &format!("{}{topic}", self.prefix)).await;
            let ids: std::collections::HashSet<_> =
                published.iter().map(|e| &e.headers["event-id"]).collect();
            if ids.len() >= count {
                return published;
            }
            assert!(began.elapsed() < BOUND, "{topic} holds {} of {count} events", ids.len());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// How many messages are kept as poison.
    pub(crate) async fn poison(&self) -> usize {
        let store =
            store::open(&self.database_url, &store::StoreOptions::default()).expect("the database's URL");
        store.dead_letters(Some(LetterKind::Message), 1_000, None).await.expect("the database answers").len()
    }

    /// As the platform sent it with the assessment's event.
    pub(crate) fn correlation_id(&self, assessment_id: &str) -> String {
        let events = self.book.events();
        let event = events.iter().find(|event| event.key == assessment_id).expect("an event of the book");
        event.headers.iter().find(|(name, _)| name == "correlation-id").expect("it has one").1.clone()
    }
}

/// The digests of a run in which nothing went wrong, on the real servers; made once, checked whole.
pub(crate) async fn undisturbed() -> &'static BTreeMap<String, String> {
    static DIGESTS: OnceCell<BTreeMap<String, String>> = OnceCell::const_new();
    DIGESTS
        .get_or_init(|| async {
            let house = House::build(Neighbours::Real).await;
            let service = house.service().ready().await;
            house.tell(&story::events(&house.book)).await;
            let digests = ledger::settle(&house, &service).await;
            service.stop().await;
            digests
        })
        .await
}

pub(crate) async fn database(name: &str) -> String {
    let server = required("TEST_DATABASE_URL");
    let mut connection = PgConnection::connect(&server).await.expect("the test's PostgreSQL answers");
    let create: &'static str = format!(r#"CREATE DATABASE "{name}""#).leak();
    connection.execute(create).await.expect("a database of its own");
    let (base, _) = server.rsplit_once('/').expect("the URL names a database");
    format!("{base}/{name}")
}

fn redis(neighbours: Neighbours) -> Vec<(String, String)> {
    let address = match neighbours {
        Neighbours::Real => required("TEST_REDIS_URL"),
        // Nothing listens there: Redis may be away for ever.
        Neighbours::Embedded => "redis://127.0.0.1:1".to_owned(),
    };
    let (host, port) = address
        .trim_start_matches("redis://")
        .trim_end_matches('/')
        .rsplit_once(':')
        .expect("TEST_REDIS_URL is redis://HOST:PORT");
    vec![("REDIS_HOST".to_owned(), host.to_owned()), ("REDIS_PORT".to_owned(), port.to_owned())]
}

pub(crate) fn required(variable: &str) -> String {
    given(variable).unwrap_or_else(|| panic!("{variable} is not set: run ./test end-to-end"))
}

#[expect(clippy::disallowed_methods, reason = "what the tests are told comes from ./test")]
pub(crate) fn given(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}
