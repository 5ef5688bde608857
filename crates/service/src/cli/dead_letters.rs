//! `dead-letters`: what went wrong for good, and another look at it. Jobs that it makes wait are simulated by the replicas that
//! serve.

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use monte_carlo_engine::EpochMs;
use serde_json::json;

use super::{configuration_faults, environment, failed};
use crate::config::Config;
use crate::dead_letters::{LetterOffice, Replay};
use crate::http::LetterView;
use crate::runtime::adapters::connect_store;
use crate::store::Store as _;
use crate::store::dead_letters::{Letter, LetterKind, LetterName};

/// Not every letter that was asked for is there, or could be carried out.
const EXIT_INCOMPLETE: u8 = 3;
/// Letters that are shown unless asked otherwise: a screenful.
const LIMIT_DEFAULT: u32 = 20;
/// Letters that one look at the database brings; each may hold 64 KiB.
const PAGE: u32 = 100;
/// A reason in a table is cut here; `show` has the whole.
const REASON_CHARS_MAX: usize = 120;

/// What `dead-letters` is told.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  dead-letters\n  dead-letters list --kind job --json\n  dead-letters replay --all\n\n\
                  Exit codes: 0 done, 1 the database failed, 2 wrong arguments or variables, 3 a letter is not there, or could \
                  still not be carried out."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List them, newest first (the default)
    List(List),
    /// Show all of one: its reason and its payload
    Show {
        /// As `list` gave it
        id: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Read a message again, and order what it asks for; have a failed job tried anew
    Replay {
        /// As `list` gave it
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        /// All there are now
        #[arg(long)]
        all: bool,
        /// With --all, only those of this kind
        #[arg(long, requires = "all")]
        kind: Option<Kind>,
        /// Print one JSON object a letter
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct List {
    /// Only those of this kind
    #[arg(long)]
    kind: Option<Kind>,
    /// The most that are shown
    #[arg(long, default_value_t = LIMIT_DEFAULT, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print one JSON object a letter
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Messages that could not be read
    Message,
    /// Jobs that failed and that nobody cancelled
    Job,
}

impl From<Kind> for LetterKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Message => Self::Message,
            Kind::Job => Self::Job,
        }
    }
}

pub(super) async fn run(arguments: &Arguments) -> ExitCode {
    let config = match Config::from_lookup(&environment) {
        Ok(config) => config,
        Err(faults) => return configuration_faults(&faults),
    };
    match carry_out(arguments, &config).await {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Whoever reads has seen enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

async fn carry_out(arguments: &Arguments, config: &Config) -> anyhow::Result<ExitCode> {
    let store = connect_store(config)?;
    if config.database.migrate_on_start {
        store.migrate().await?;
    }
    let office = LetterOffice { letters: store.clone(), by_hand: store };
    match &arguments.command {
        None => list(&office, &arguments.list).await,
        Some(Command::List(wish)) => list(&office, wish).await,
        Some(Command::Show { id, json }) => show(&office, id, *json).await,
        Some(Command::Replay { id: Some(id), json, .. }) => replay_one(&office, id, *json).await,
        Some(Command::Replay { id: None, kind, json, .. }) => {
            replay_all(&office, kind.map(LetterKind::from), *json).await
        }
    }
}

async fn list(office: &LetterOffice, wish: &List) -> anyhow::Result<ExitCode> {
    let kind = wish.kind.map(LetterKind::from);
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["Kind", "Since", "Reason", "Id"]);
    let (mut shown, mut after) = (0, None);
    let is_all = loop {
        // One more than asked tells whether there are more.
        let page =
            office.letters.dead_letters(kind, PAGE.min(wish.limit - shown + 1), after.as_ref()).await?;
        let is_last = page.is_empty();
        for letter in page {
            if shown == wish.limit {
                break;
            }
            shown += 1;
            after = Some(letter.clone());
            if wish.json {
                print(&serde_json::to_string(&LetterView::from(letter))?)?;
            } else {
                let reason: String = reason(&letter).chars().take(REASON_CHARS_MAX).collect();
                table.add_row([
                    word(&letter),
                    &EpochMs(letter.at_ms()).to_string(),
                    &reason,
                    &letter.name().to_string(),
                ]);
            }
        }
        if is_last || shown == wish.limit {
            break is_last;
        }
    };
    if !wish.json && shown > 0 {
        print(&table.to_string())?;
    }
    if shown == 0 {
        eprintln!("There are no dead letters.");
    } else if !is_all {
        eprintln!("The newest {shown}; there may be more, which --limit shows.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(office: &LetterOffice, id: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let Some(letter) = office.letters.dead_letter(&LetterName::from(id)).await? else {
        eprintln!("error: there is no dead letter {id:?}; `dead-letters list` shows those that there are");
        return Ok(ExitCode::from(EXIT_INCOMPLETE));
    };
    let view = LetterView::from(letter);
    let text = if as_json { serde_json::to_string(&view)? } else { serde_json::to_string_pretty(&view)? };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

async fn replay_one(office: &LetterOffice, id: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let name = LetterName::from(id);
    let replay = office.replay(&name).await?;
    tell(&name, &replay, as_json)?;
    Ok(if is_done(&replay) { ExitCode::SUCCESS } else { ExitCode::from(EXIT_INCOMPLETE) })
}

/// From the newest to the oldest, each once: what fails again meanwhile is not met a second time.
async fn replay_all(
    office: &LetterOffice,
    kind: Option<LetterKind>,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let (mut done, mut left, mut after) = (0_u64, 0_u64, None);
    loop {
        let page: Vec<Letter> = office.letters.dead_letters(kind, PAGE, after.as_ref()).await?;
        let Some(last) = page.last().cloned() else { break };
        for letter in page {
            let name = letter.name();
            let replay = office.replay(&name).await?;
            // Whoever was quicker than this one has told it.
            if replay == Replay::Gone {
                continue;
            }
            tell(&name, &replay, as_json)?;
            if is_done(&replay) { done += 1 } else { left += 1 }
        }
        after = Some(last);
    }
    eprintln!("{done} carried out, {left} left as they are.");
    Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_INCOMPLETE) })
}

fn is_done(replay: &Replay) -> bool {
    matches!(replay, Replay::Job(_) | Replay::Nothing)
}

/// On stdout what was done, on stderr what was not; as JSON all on stdout.
fn tell(name: &LetterName, replay: &Replay, as_json: bool) -> anyhow::Result<()> {
    let id = name.to_string();
    if as_json {
        let told = match replay {
            Replay::Job(job) => json!({"id": id, "outcome": "job", "jobId": job}),
            Replay::Nothing => json!({"id": id, "outcome": "nothing"}),
            Replay::StillUnreadable(reason) => {
                json!({"id": id, "outcome": "still_unreadable", "reason": reason})
            }
            Replay::Gone => json!({"id": id, "outcome": "not_found"}),
        };
        return print(&told.to_string());
    }
    match replay {
        Replay::Job(job) => print(&format!("{id}: job {job}")),
        Replay::Nothing => print(&format!("{id}: read; the trader did not pass, and nothing is simulated")),
        Replay::StillUnreadable(reason) => {
            eprintln!("{id}: still cannot be read: {reason}");
            Ok(())
        }
        Replay::Gone => {
            eprintln!(
                "error: there is no dead letter {id:?}; `dead-letters list` shows those that there are"
            );
            Ok(())
        }
    }
}

fn word(letter: &Letter) -> &'static str {
    match letter {
        Letter::Message(_) => LetterKind::Message.as_str(),
        Letter::Job(_) => LetterKind::Job.as_str(),
    }
}

fn reason(letter: &Letter) -> &str {
    match letter {
        Letter::Message(letter) => &letter.message.reason,
        Letter::Job(job) => &job.reason,
    }
}

fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("stdout cannot be written")
}
