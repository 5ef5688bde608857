//! `migrate`: brings the database's schema up to date; in development, away with everything first; or with the jobs of
//! the service that was here before.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use reqwest::Url;
use serde_json::json;

use super::{EXIT_CONFIGURATION, configuration_faults, environment, failed};
use crate::config::Config;
use crate::config::database::DatabaseKind;
use crate::config::telemetry::Environment;
use crate::runtime::adapters::connect_store;
use crate::store::prisma::{ImportReport, Unfinished};
use crate::store::{SqlStore, Store as _};

/// Not every old job is here.
const EXIT_INCOMPLETE: u8 = 3;
/// Rows between two words on how far the import has come.
const ROWS_BETWEEN_WORDS: u64 = 10_000;

/// What `migrate` is told.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, 1 the database failed, 2 wrong arguments or variables, 3 old jobs were left \
                        where they are."
)]
pub(super) struct Arguments {
    /// Drop our tables, with every job in them, and make them anew; never where NODE_ENV=production
    #[arg(long, conflicts_with = "from_prisma")]
    dev: bool,
    /// Do not ask before --dev drops
    #[arg(long, requires = "dev")]
    yes: bool,
    /// Import the jobs of the old table "SimulationJob" of the same database; may be run again
    #[arg(long)]
    from_prisma: bool,
    /// Import pending and running jobs too, to be simulated here: only once the old service has ended
    #[arg(long, requires = "from_prisma")]
    take_unfinished: bool,
    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments) -> ExitCode {
    let config = match Config::from_lookup(&environment) {
        Ok(config) => config,
        Err(faults) => return configuration_faults(&faults),
    };
    if arguments.dev
        && let Err(refusal) = may_reset(&config, arguments.yes)
    {
        eprintln!("error: {refusal}");
        return ExitCode::from(EXIT_CONFIGURATION);
    }
    match migrate(arguments, &config).await {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

async fn migrate(arguments: &Arguments, config: &Config) -> anyhow::Result<ExitCode> {
    let store = connect_store(config)?;
    if arguments.dev {
        store.reset().await?;
        eprintln!("The schema was made anew; it is empty.");
    } else {
        store.migrate().await?;
        eprintln!("The schema is up to date.");
    }
    if arguments.from_prisma {
        return import(arguments, &store).await;
    }
    if arguments.json {
        print(&json!({"migrated": true}).to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether every table of ours may be dropped; asks, where somebody is there to be asked.
fn may_reset(config: &Config, is_sure: bool) -> Result<(), String> {
    if config.telemetry.environment == Environment::Production {
        return Err("--dev drops every job, and NODE_ENV is production; nothing was done".to_owned());
    }
    if is_sure {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err("--dev drops every job; say --yes where nobody can be asked".to_owned());
    }
    eprint!("Drop every job in {} and make the tables anew? Type yes: ", whereabouts(config));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(|error| error.to_string())?;
    if answer.trim() == "yes" { Ok(()) } else { Err("nothing was done".to_owned()) }
}

/// Which database, without the secret.
fn whereabouts(config: &Config) -> String {
    let url = config.database.exposed_url();
    match config.database.kind {
        DatabaseKind::Sqlite => url.to_owned(),
        DatabaseKind::Postgres => Url::parse(url).map_or_else(
            |_| "the database".to_owned(),
            |url| {
                format!("{} on {}", url.path().trim_start_matches('/'), url.host_str().unwrap_or("localhost"))
            },
        ),
    }
}

async fn import(arguments: &Arguments, store: &SqlStore) -> anyhow::Result<ExitCode> {
    let unfinished = if arguments.take_unfinished { Unfinished::Take } else { Unfinished::Leave };
    let mut told = 0;
    let mut watch = |report: &ImportReport| {
        if report.rows >= told + ROWS_BETWEEN_WORDS {
            told = report.rows;
            eprintln!("{} old rows seen, {} imported …", report.rows, report.imported);
        }
    };
    let report = store.import_prisma(unfinished, &mut watch).await.context(
        "the import ended early; what is imported is whole, and `migrate --from-prisma` goes on from there",
    )?;
    if arguments.json {
        print(&serde_json::to_string(&report)?)?;
    } else {
        print(&text(&report))?;
    }
    for refusal in &report.refusals {
        eprintln!("not imported: job {:?}: {}", refusal.id, refusal.reason);
    }
    if report.unfinished > 0 {
        eprintln!(
            "{} jobs are pending or running and were left to the old service. Once they have ended, run this again; if \
             the old service is gone, run it with --take-unfinished, and they are simulated here.",
            report.unfinished
        );
    }
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_INCOMPLETE) })
}

fn text(report: &ImportReport) -> String {
    let ImportReport { rows, imported, existing, unfinished, refused, .. } = report;
    format!(
        "{rows} old rows: {imported} imported, {existing} here already, {unfinished} unfinished, {refused} refused"
    )
}

fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("stdout cannot be written")
}
