//! `dev`: the main job on embedded parts. The same loops as `serve`, other adapters, and a platform that sends events.

mod book_run;
mod outcome;
mod table;

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use self::outcome::Outcome;
use super::{configuration_faults, environment, failed};
use crate::config::Config;
use crate::kafka::embedded::EmbeddedBroker;
use crate::kafka::producer::{OutgoingMessage, Producer};
use crate::kafka::security::Security;
use crate::kafka::settings::{GroupProtocol, KafkaSettings};
use crate::kafka::topics;
use crate::runtime::adapters::{WakeUps, connect};
use crate::runtime::{self, Running, stop_signal};
use crate::sample_core::book::Book;
use crate::sample_core::server::{Dialect, SampleCore};
use crate::store::Store;
use crate::telemetry::logs;

/// The sample Core Service's: nobody asks for it but the service.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What `dev` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the SQLite file that keeps the jobs
    #[arg(long, default_value = "./data")]
    data_dir: PathBuf,
    /// Exit when the book is done
    #[arg(long)]
    once: bool,
    /// Print one JSON array on stdout instead of a table
    #[arg(long)]
    json: bool,
    /// Port of the API on 127.0.0.1 [default: PORT or 3002; any free one with --once]
    #[arg(long)]
    port: Option<u16>,
}

pub(super) async fn run(arguments: &Arguments) -> ExitCode {
    match dev(arguments).await {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

async fn dev(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let asked = stop_signal::listen()?;
    eprintln!("Starting the sample Core Service, the embedded broker and the service …");
    let data_dir = &arguments.data_dir;
    std::fs::create_dir_all(data_dir)
        .with_context(|| format!("the data folder {} cannot be made", data_dir.display()))?;
    let book = Book::sample();
    let core = SampleCore::start(book.clone(), ANY_PORT, None).await.context("the sample Core Service")?;
    let broker = EmbeddedBroker::start(&topics::all()).context("the embedded broker")?;
    let config = match Config::from_lookup(&|name| embedded(name, arguments, &core, &broker)) {
        Ok(config) => config,
        Err(faults) => return Ok(configuration_faults(&faults)),
    };
    logs::start(&logs::LogSettings { json: false, filter: config.telemetry.log_filter.clone() });

    let behind = CancellationToken::new();
    let adapters = connect(&config, WakeUps::InProcess, &behind)?;
    let store = adapters.store.clone();
    let running = runtime::start(adapters)
        .await
        .with_context(|| format!("cannot listen on {}; choose another --port", config.http.address()))?;
    let code = tokio::select! {
        code = show(arguments, &book, store.as_ref(), &running, &broker) => code?,
        () = asked.cancelled() => ExitCode::SUCCESS,
        () = running.broken() => ExitCode::FAILURE,
    };
    running.stop().await;
    behind.cancel();
    Ok(code)
}

/// The environment, with the embedded parts in place of the neighbours.
fn embedded(name: &str, arguments: &Arguments, core: &SampleCore, broker: &EmbeddedBroker) -> Option<String> {
    match name {
        "DATABASE_URL" => Some(format!("sqlite:{}", arguments.data_dir.join("monte-carlo.db").display())),
        "KAFKA_BROKERS" => Some(broker.bootstrap_servers().to_owned()),
        // The new protocol joins the embedded broker's group in a tenth of a second, the classic one in three.
        "KAFKA_GROUP_PROTOCOL" => Some("consumer".to_owned()),
        "KAFKA_TOPIC_PREFIX" | "KAFKA_SECURITY" | "KAFKA_CA_FILE" | "KAFKA_USERNAME" | "KAFKA_PASSWORD"
        | "CORE_SERVICE_TOKEN" | "REDIS_PASSWORD" => None,
        "CORE_SERVICE_URL" => Some(core.url(Dialect::Wrapped)),
        // The book is what is shown; a folder of last week would bring its missed night along.
        "DAILY_SIMULATION_CRON" if arguments.once => Some("off".to_owned()),
        "SIMULATOR" => environment(name).or_else(|| Some("local".to_owned())),
        "DAILY_CATCH_UP" => environment(name).or_else(|| Some("off".to_owned())),
        "MIGRATE_ON_START" => Some("true".to_owned()),
        // Its jobs are shown whenever the folder is opened again.
        "RETENTION_DAYS" => Some("off".to_owned()),
        "HOST" => Some("127.0.0.1".to_owned()),
        "PORT" => match arguments.port {
            Some(port) => Some(port.to_string()),
            None if arguments.once => Some("0".to_owned()),
            None => environment(name),
        },
        // Lines of log would tear the progress bar.
        "LOG_LEVEL" => environment(name).or_else(|| Some("warn".to_owned())),
        _ => environment(name),
    }
}

/// Sends the book's events, follows them, shows what came of them, and serves on where asked to.
async fn show(
    arguments: &Arguments,
    book: &Book,
    store: &dyn Store,
    running: &Running,
    broker: &EmbeddedBroker,
) -> anyhow::Result<ExitCode> {
    publish(book, broker).await?;
    running.migrated().await;
    let outcomes = book_run::follow(book, store).await?;
    print(arguments, &outcomes)?;
    let failed = outcomes.iter().any(|outcome| outcome.result.is_null());
    if arguments.once {
        return Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    eprintln!("API     http://{}", running.address);
    eprintln!(
        "Kafka   {}   (topics {})",
        broker.bootstrap_servers(),
        topics::all().map(|(name, _)| name).join(", ")
    );
    eprintln!("Serving until Ctrl-C.");
    std::future::pending().await
}

/// As the platform would: the service hears of the traders from Kafka alone.
async fn publish(book: &Book, broker: &EmbeddedBroker) -> anyhow::Result<()> {
    let platform = Producer::start(&KafkaSettings {
        brokers: broker.bootstrap_servers().to_owned(),
        client_id: "platform".to_owned(),
        group_id: String::new(),
        group_instance_id: None,
        group_protocol: GroupProtocol::default(),
        topic_prefix: String::new(),
        security: Security::Plaintext,
    })?;
    let events = book.events();
    let messages: Vec<OutgoingMessage<'_>> = events
        .iter()
        .map(|event| OutgoingMessage {
            topic: topics::ASSESSMENT_COMPLETED,
            key: Some(&event.key),
            payload: &event.payload,
            headers: &event.headers,
        })
        .collect();
    for report in platform.send(&messages).await {
        report.context("the embedded broker did not take an event")?;
    }
    Ok(())
}

fn print(arguments: &Arguments, outcomes: &[Outcome]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&table::json(outcomes))?)?;
    } else {
        writeln!(out, "{}", table::text(outcomes))?;
    }
    Ok(())
}
