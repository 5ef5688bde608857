//! `doctor`: shows what was found, a table for people or JSON for scripts.

use std::process::ExitCode;

use clap::Args;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};

use super::{configuration_faults, environment, failed};
use crate::config::Config;
use crate::doctor::{self, Report, State};

/// Exit codes: 0 no fault (there may be warnings), 1 a fault, 2 a wrong configuration or wrong use.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments) -> ExitCode {
    let config = match Config::from_lookup(&environment) {
        Ok(config) => config,
        Err(faults) => return configuration_faults(&faults),
    };
    let report = match doctor::examine(&config).await {
        Ok(report) => report,
        Err(error) => return failed(&error),
    };
    if arguments.json {
        match serde_json::to_string_pretty(&report) {
            Ok(json) => println!("{json}"),
            Err(error) => return failed(&error.into()),
        }
    } else {
        println!("{}", text(&report));
    }
    if report.healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The table, then what to mend: the worst last, so that it stands next to the prompt.
fn text(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["Check", "State", "Found"]);
    for finding in &report.findings {
        table.add_row([finding.check, word(finding.state), &finding.found]);
    }
    let mut lines = vec![table.to_string()];
    for state in [State::Warning, State::Fault] {
        for finding in report.findings.iter().filter(|finding| finding.state == state) {
            if let Some(mend) = &finding.mend {
                lines.push(format!("\n{} {}: {}\n  {mend}", word(state), finding.check, finding.found));
            }
        }
    }
    lines.push(if report.healthy { "\nNo fault was found.".to_owned() } else { String::new() });
    lines.join("\n").trim_end().to_owned()
}

fn word(state: State) -> &'static str {
    match state {
        State::Ok => "ok",
        State::Warning => "warning",
        State::Fault => "FAULT",
        State::Unknown => "unknown",
    }
}
