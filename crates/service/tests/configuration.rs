//! The environment: what is read, what is refused and how that is said, and that README and `.env.example` tell
//! the truth about it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use monte_carlo_service::config::database::DatabaseKind;
use monte_carlo_service::config::simulator::{Fallback, SimulatorKind};
use monte_carlo_service::config::{Config, ConfigFaults, Preset, Source, VARIABLES};
use monte_carlo_service::schedule::due::CatchUp;

const URL: (&str, &str) = ("DATABASE_URL", "postgres://app:hunter2@db:26257/monte_carlo");

fn config(values: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
    let values: HashMap<_, _> = values.iter().copied().collect();
    Config::from_lookup(&|name| values.get(name).map(|&value| value.to_owned()))
}

fn root(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

#[test]
fn a_database_url_is_all_it_takes() {
    let config = config(&[URL]).unwrap();
    assert_eq!(config.database.kind, DatabaseKind::Postgres);
    assert_eq!(config.database.exposed_url(), URL.1);
    assert_eq!((config.redis.host.as_str(), config.redis.port), ("localhost", 6379));
    assert!(config.redis.password.is_none());
    assert_eq!(config.kafka.bootstrap_servers(), "localhost:9092");
    assert_eq!(config.kafka.client_id, "monte-carlo-service");
    assert_eq!(config.kafka.group_id, "monte-carlo-service-group");
    assert_eq!(config.kafka.group_instance_id, None);
    assert_eq!(config.kafka.topic_prefix, "");
    assert_eq!(config.kafka.aws_region, "us-east-1");
    assert_eq!(config.simulator.ray_serve_url.as_str(), "http://ray-head-svc:8000/");
    assert_eq!(config.simulator.kind, SimulatorKind::Ray(Fallback::Local));
    assert_eq!(config.simulator.default_paths, 1_000_000);
    assert_eq!(config.simulator.default_history_replicates, None);
    assert!(config.simulator.threads >= 1);
    assert_eq!(config.core_service.url.as_str(), "http://core-service/");
    assert_eq!(config.core_service.timeout.as_millis(), 10_000);
    assert_eq!(config.http.address().to_string(), "0.0.0.0:3002");
    assert_eq!(config.worker.concurrency, 4);
    assert_eq!(config.worker.shutdown_grace.as_secs(), 25);
    assert_eq!(config.daily.timetable.unwrap().to_string(), "0 2 * * * UTC");
    assert_eq!((config.daily.skip_recent, config.daily.catch_up), (None, CatchUp::Once));
    assert_eq!(config.retention.keep, Some(Duration::from_secs(90 * 24 * 3_600)));
    assert!(!config.telemetry.logs_json());
    assert_eq!(config.telemetry.log_filter, "info");
}

#[test]
fn values_are_taken_over_and_trimmed() {
    let config = config(&[
        ("DATABASE_URL", "  sqlite:data/mc.db\n"),
        ("KAFKA_BROKERS", "a:1, b:2"),
        ("NODE_ENV", "production"),
        ("HOST", "::1"),
        ("PORT", "0"),
        ("SIMULATOR_FALLBACK", "none"),
        ("SIMULATION_HISTORY_REPLICATES", "0"),
        ("SIMULATION_THREADS", "7"),
        ("LOG_LEVEL", "info,sqlx=warn"),
        ("MIGRATE_ON_START", "false"),
        ("DAILY_SIMULATION_CRON", "30 1 * * MON-FRI"),
        ("DAILY_SIMULATION_TZ", "America/New_York"),
        ("DAILY_SKIP_RECENT_HOURS", "12"),
        ("DAILY_CATCH_UP", "off"),
    ])
    .unwrap();
    assert_eq!(config.database.exposed_url(), "sqlite:data/mc.db");
    assert!(!config.database.migrate_on_start);
    assert_eq!(config.kafka.brokers, ["a:1", "b:2"]);
    assert_eq!(config.simulator.default_history_replicates, Some(0));
    assert_eq!(config.simulator.threads, 7);
    assert_eq!(config.simulator.kind, SimulatorKind::Ray(Fallback::Nothing));
    assert_eq!(config.http.address().to_string(), "[::1]:0");
    assert_eq!(config.daily.skip_recent.unwrap().as_secs(), 12 * 3_600);
    assert_eq!(config.daily.catch_up, CatchUp::Off);
    let timetable = config.daily.timetable.unwrap().to_string();
    assert!(timetable.ends_with(" America/New_York"), "{timetable}");
    assert!(config.telemetry.logs_json());
}

#[test]
fn the_daily_run_may_be_off() {
    let config = config(&[URL, ("DAILY_SIMULATION_CRON", "off")]).unwrap();
    assert!(config.daily.timetable.is_none());
}

#[test]
fn what_has_ended_is_kept_for_some_weeks_at_least_or_for_ever() {
    let keep = |days| config(&[URL, ("RETENTION_DAYS", days)]).map(|config| config.retention.keep);
    assert_eq!(keep("off").unwrap(), None);
    assert_eq!(keep("35").unwrap(), Some(Duration::from_secs(35 * 24 * 3_600)));
    for days in ["34", "0", "3651", "-1", "7d"] {
        assert_eq!(keep(days).unwrap_err().faults.len(), 1, "{days}");
    }
}

#[test]
fn a_kubernetes_service_named_redis_is_no_fault() {
    let config = config(&[URL, ("REDIS_PORT", "tcp://10.96.0.1:6380")]).unwrap();
    assert_eq!(config.redis.port, 6380);
}

#[test]
fn an_empty_value_counts_as_absent() {
    let config = config(&[URL, ("PORT", ""), ("REDIS_PASSWORD", " ")]).unwrap();
    assert_eq!(config.http.port, 3002);
    assert!(config.redis.password.is_none());
}

#[test]
fn every_fault_is_reported_at_once_by_name() {
    let faults = config(&[
        ("REDIS_PORT", "0"),
        ("KAFKA_BROKERS", "localhost"),
        ("CORE_SERVICE_URL", "https://svc:hunter2@core"),
        ("SIMULATION_PATHS", "100000001"),
        ("SIMULATOR", "spark"),
        ("SIMULATOR_FALLBACK", "ray"),
        ("PORT", "http"),
        ("LOG_LEVEL", "loud=,"),
        ("MIGRATE_ON_START", "yes"),
        ("DAILY_SIMULATION_CRON", "61 2 * * *"),
        ("DAILY_SIMULATION_TZ", "Mars/Olympus"),
    ])
    .unwrap_err();
    insta::assert_snapshot!(faults, @r#"
    12 environment variables are wrong:
      DATABASE_URL: required, expected a URL that begins with `postgres://`, `postgresql://`, `cockroachdb://` or `sqlite:`
      MIGRATE_ON_START: expected `true` or `false`, got "yes"
      REDIS_PORT: expected a port from 1 to 65535, got "0"
      KAFKA_BROKERS: expected a comma-separated list of `host:port`, got "localhost"
      CORE_SERVICE_URL: expected an `http://` or `https://` URL without credentials or query, got "https://[hidden]@core"
      SIMULATOR_FALLBACK: expected `local` or `none`, got "ray"
      SIMULATOR: expected `ray` or `local`, got "spark"
      SIMULATION_PATHS: expected a whole number from 1 to 100000000, got "100000001"
      PORT: expected a port from 0 to 65535, got "http"
      DAILY_SIMULATION_CRON: expected a cron expression of five fields, or `off`, got "61 2 * * *"
      DAILY_SIMULATION_TZ: expected a time zone of the IANA database, such as `America/New_York`, got "Mars/Olympus"
      LOG_LEVEL: expected a level (`error`, `warn`, `info`, `debug`, `trace`) or `target=level` pairs, comma-separated, got "loud=,"
    "#);
}

#[test]
fn every_variable_that_has_a_form_refuses_what_is_not_of_it() {
    for variable in VARIABLES.iter().filter(|variable| variable.expected != "any text") {
        let result = config(&[URL, (variable.name, "!\u{1f4a5} hunter2")]);
        let faults = result.expect_err(variable.name).faults;
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].variable, variable.name);
        assert!(faults[0].message.contains(variable.expected));
        assert_eq!(faults[0].message.contains("hunter2"), !variable.secret, "{}", faults[0].message);
    }
}

#[test]
fn debug_shows_no_secret() {
    let secrets: Vec<_> = VARIABLES
        .iter()
        .filter(|v| v.secret && v.name != "DATABASE_URL")
        .map(|v| (v.name, "hunter2"))
        .collect();
    assert_eq!(secrets.len(), 3);
    let scram = [URL, ("KAFKA_SECURITY", "scram"), ("KAFKA_USERNAME", "service")];
    let shown = format!("{:?}", config(&[&secrets[..], &scram].concat()).unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("REDACTED"));
}

#[test]
fn kafkas_security_is_whole_or_refused() {
    let faults = |values: &[(&str, &str)]| config(&[&[URL], values].concat()).unwrap_err().to_string();
    let authority = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(authority.path(), "-----BEGIN CERTIFICATE-----\n").unwrap();
    let all = [
        ("KAFKA_CA_FILE", authority.path().to_str().unwrap()),
        ("KAFKA_USERNAME", "service"),
        ("KAFKA_PASSWORD", "hunter2"),
    ];
    insta::assert_snapshot!(faults(&all), @r"
    3 environment variables are wrong:
      KAFKA_CA_FILE: is set, but KAFKA_SECURITY is not tls, scram or msk-iam, so it would not be used
      KAFKA_USERNAME: is set, but KAFKA_SECURITY is not scram, so it would not be used
      KAFKA_PASSWORD: is set, but KAFKA_SECURITY is not scram, so it would not be used
    ");
    insta::assert_snapshot!(faults(&[&all[..], &[("KAFKA_SECURITY", "tls")]].concat()), @r"
    2 environment variables are wrong:
      KAFKA_USERNAME: is set, but KAFKA_SECURITY is not scram, so it would not be used
      KAFKA_PASSWORD: is set, but KAFKA_SECURITY is not scram, so it would not be used
    ");
    insta::assert_snapshot!(faults(&[("KAFKA_SECURITY", "scram")]), @r"
    2 environment variables are wrong:
      KAFKA_USERNAME: required where KAFKA_SECURITY is scram
      KAFKA_PASSWORD: required where KAFKA_SECURITY is scram
    ");
    insta::assert_snapshot!(faults(&[("KAFKA_SECURITY", "tls"), ("KAFKA_CA_FILE", "Cargo.toml")]), @r#"
    1 environment variable is wrong:
      KAFKA_CA_FILE: expected a file of PEM certificates, got "Cargo.toml"
    "#);
    for kind in ["tls", "scram"] {
        let fit = if kind == "tls" { &all[..1] } else { &all[..] };
        config(&[&[URL, ("KAFKA_SECURITY", kind)], fit].concat()).expect(kind);
    }
    let msk_iam = config(&[URL, ("KAFKA_SECURITY", "msk-iam"), ("AWS_REGION", "eu-west-1")]);
    assert_eq!(msk_iam.is_ok(), cfg!(feature = "msk-iam"), "{msk_iam:?}");
}

#[test]
fn a_long_value_is_cut() {
    let faults = config(&[URL, ("PORT", &"é".repeat(10_000))]).unwrap_err();
    assert!(faults.to_string().chars().count() < 250);
}

#[test]
fn the_table_lists_what_the_code_reads_and_nothing_else() {
    let read = RefCell::new(Vec::new());
    let _ = Config::from_lookup(&|name| {
        read.borrow_mut().push(name.to_owned());
        None
    });
    let read = read.into_inner();
    let listed: BTreeSet<_> = VARIABLES.iter().map(|variable| variable.name.to_owned()).collect();
    assert_eq!(read.iter().cloned().collect::<BTreeSet<_>>(), listed);
    assert_eq!(read.len(), VARIABLES.len(), "a variable is read twice");
    assert_eq!(listed.len(), VARIABLES.len(), "a variable is listed twice");
}

#[test]
fn the_readme_holds_the_table() {
    let mut table = String::from("| variable | default | expected | meaning |\n|---|---|---|---|\n");
    for variable in VARIABLES {
        let name = match variable.source {
            Source::Specification => format!("**`{}`**", variable.name),
            Source::Ours => format!("`{}`", variable.name),
        };
        let default = match variable.default {
            Preset::Required => "required".to_owned(),
            Preset::Value(value) => format!("`{value}`"),
            Preset::Nothing => "none".to_owned(),
            Preset::Found(how) => how.to_owned(),
        };
        let secret = if variable.secret { " Secret." } else { "" };
        let (expected, meaning) = (variable.expected, variable.meaning);
        writeln!(table, "| {name} | {default} | {expected} | {meaning}{secret} |").unwrap();
    }
    let readme = root("README.md");
    let section = readme
        .split_once("<!-- variables -->\n")
        .and_then(|(_, rest)| rest.split_once("<!-- /variables -->"))
        .map(|(section, _)| section.trim_matches('\n'));
    assert_eq!(section, Some(table.trim_end()), "put this between the markers in README.md:\n{table}");
}

#[test]
fn the_example_environment_lists_each_variable_once() {
    let lines: Vec<String> = VARIABLES
        .iter()
        .map(|variable| {
            let value = match variable.default {
                Preset::Value(value) => value,
                Preset::Required | Preset::Nothing | Preset::Found(_) => "",
            };
            let comment = if variable.secret || value.is_empty() { "# " } else { "" };
            format!("{comment}{}={value}", variable.name)
        })
        .collect();
    let example = root(".env.example");
    let named = |line: &&str| {
        let name = line.trim_start_matches("# ").split('=').next().unwrap_or_default();
        line.contains('=') && !name.contains(' ')
    };
    let found: Vec<_> = example.lines().filter(named).collect();
    assert_eq!(found, lines, "write these lines into .env.example:\n{}", lines.join("\n"));
}
