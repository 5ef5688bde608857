//! `daily`: the daily run by hand. It makes the jobs; the replicas that serve simulate them.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use jiff::civil::Date;

use super::{configuration_faults, environment, failed};
use crate::config::Config;
use crate::core_service::client::install_tls_provider;
use crate::http::DailyCountsView;
use crate::runtime::adapters::{connect_core_service, connect_store};
use crate::schedule::DailyRunner;
use crate::schedule::trigger::{DailyDoor as _, Trigger, TriggerError};
use crate::signals::Signals;
use crate::store::Store as _;
use crate::telemetry::clock::now_ms;

/// The run is not finished; it is open, and whoever serves carries it on.
const EXIT_UNFINISHED: u8 = 3;
/// The day is none that can be run; as for any other wrong argument.
const EXIT_USAGE: u8 = 2;
/// How long the run is waited for: ten thousand accounts take seconds, so this is for a slow Core Service.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// What `daily` is told.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 every account is dealt with, 1 the database failed, 2 wrong arguments or variables, \
                        3 Core Service failed; the run goes on by itself where the service runs."
)]
pub(super) struct Arguments {
    /// The day, YYYY-MM-DD [default: today in DAILY_SIMULATION_TZ]
    #[arg(long)]
    date: Option<Date>,
    /// Print one JSON object on stdout instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments) -> ExitCode {
    let config = match Config::from_lookup(&environment) {
        Ok(config) => config,
        Err(faults) => return configuration_faults(&faults),
    };
    match daily(arguments, &config).await {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

async fn daily(arguments: &Arguments, config: &Config) -> anyhow::Result<ExitCode> {
    install_tls_provider();
    let store = connect_store(config)?;
    if config.database.migrate_on_start {
        store.migrate().await?;
    }
    let runner = DailyRunner {
        store,
        core_service: connect_core_service(config, None)?,
        // Nobody works in this process; other processes find the jobs at their next poll.
        signals: Arc::new(Signals::default()),
        skip_recent: config.daily.skip_recent,
        clock: Arc::new(now_ms),
    };
    let trigger = Trigger { runner, zone: config.daily.zone.clone() };
    match trigger.run(arguments.date, PATIENCE).await {
        Ok(report) => {
            print(&DailyCountsView::from(&report), arguments.json)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error @ TriggerError::Day { .. }) => {
            eprintln!("error: --date {error}");
            Ok(ExitCode::from(EXIT_USAGE))
        }
        Err(error @ TriggerError::Unfinished { .. }) => {
            eprintln!("error: {error}");
            Ok(ExitCode::from(EXIT_UNFINISHED))
        }
        Err(TriggerError::Store(error)) => Err(error.into()),
    }
}

fn print(counts: &DailyCountsView, as_json: bool) -> anyhow::Result<()> {
    let text = if as_json { serde_json::to_string(counts)? } else { table(counts) };
    writeln!(std::io::stdout(), "{text}").context("stdout cannot be written")
}

fn table(counts: &DailyCountsView) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["Daily run", counts.date.as_str()]);
    let mut row = |name: &str, accounts: u64| {
        table.add_row(vec![Cell::new(name), Cell::new(accounts).set_alignment(CellAlignment::Right)]);
    };
    row("Accounts", counts.accounts);
    row("  created", counts.created);
    row("  existing", counts.existing);
    for (reason, accounts) in &counts.skipped {
        row(&format!("  skipped: {}", reason.replace('_', " ")), *accounts);
    }
    table.to_string()
}
