//! The database: there, of which version, in step with our clock, migrated, writable.

use super::Finding;
use crate::store::{Examination, Store};
use crate::telemetry::clock;

const REACHABLE: &str = "database";
const CLOCK: &str = "database.clock";
const MIGRATIONS: &str = "database.migrations";
const WRITABLE: &str = "database.writable";

/// Leases live by the database's clock alone; signatures for AWS bear five minutes, and people compare times in logs.
const SKEW_MS_MAX: i64 = 5_000;

pub(super) async fn examine(store: &dyn Store) -> Vec<Finding> {
    let asked_at_ms = clock::now_ms();
    match store.examine().await {
        Ok(examination) => judge(&examination, asked_at_ms, clock::now_ms()),
        Err(error) => {
            let found = error.to_string();
            let mend = mend(&found);
            let mut findings = vec![Finding::fault(REACHABLE, found, mend)];
            findings.extend(
                [CLOCK, MIGRATIONS, WRITABLE].map(|check| Finding::unknown(check, "the database is away")),
            );
            findings
        }
    }
}

/// By the driver's words: TLS fails in ways that no running database mends.
fn mend(found: &str) -> &'static str {
    if found.contains("certificate not valid for name") {
        "Name the server in DATABASE_URL by a host name that its certificate bears."
    } else if found.contains("certificate") || found.contains("No such file") {
        "Let `sslrootcert` in DATABASE_URL name the file with the certificate of the authority that signed the server's."
    } else if found.contains("does not support TLS") {
        "Switch TLS on in the server, or, where nobody listens in between, take `sslmode=verify-full` out of DATABASE_URL."
    } else {
        "Check DATABASE_URL and that the database runs: `kubectl get pods`, then `SELECT 1` with \
         `cockroach sql --url \"$DATABASE_URL\"` or `psql \"$DATABASE_URL\"`."
    }
}

/// `from_ms` and `to_ms`: our clock before and after the database looked at its own.
fn judge(examination: &Examination, from_ms: i64, to_ms: i64) -> Vec<Finding> {
    let Examination { version, now_ms, missing_migrations, refusal } = examination;
    // "PostgreSQL 15.8 on x86_64…", "CockroachDB CCL v24.1.0 (x86_64…"
    let version = version.split(" on ").next().unwrap_or_default();
    let version = version.split(" (").next().unwrap_or_default();
    let skew_ms = now_ms - now_ms.clamp(&from_ms, &to_ms);
    let clock = if skew_ms.abs() > SKEW_MS_MAX {
        let found = format!("the database's clock is {} ms {} ours", skew_ms.abs(), side(skew_ms));
        Finding::warning(CLOCK, found, "Run NTP (chrony) on the machine whose clock is wrong.")
    } else {
        Finding::ok(CLOCK, format!("in step to {} ms", skew_ms.abs().max(to_ms - from_ms)))
    };
    let (migrations, writable) = match (missing_migrations.as_slice(), refusal) {
        ([], None) => {
            (Finding::ok(MIGRATIONS, "all are there"), Finding::ok(WRITABLE, "its user may read and write"))
        }
        ([], Some(refusal)) => (
            Finding::ok(MIGRATIONS, "all are there"),
            Finding::fault(
                WRITABLE,
                refusal,
                "Grant the user of DATABASE_URL SELECT, INSERT, UPDATE and DELETE on our tables, and name a server \
                 that takes writes, not a replica.",
            ),
        ),
        (missing, _) => (
            Finding::fault(
                MIGRATIONS,
                format!("{} are missing: {missing:?}", missing.len()),
                "Run `monte-carlo-service migrate` with the right to create tables, or set MIGRATE_ON_START=true.",
            ),
            Finding::unknown(WRITABLE, "the schema is not there yet"),
        ),
    };
    vec![Finding::ok(REACHABLE, version), clock, migrations, writable]
}

fn side(skew_ms: i64) -> &'static str {
    if skew_ms > 0 { "ahead of" } else { "behind" }
}

#[cfg(test)]
mod tests {
    use super::super::State::{Fault, Ok, Unknown, Warning};
    use super::*;

    fn examination() -> Examination {
        Examination {
            version: "CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu, built 2024)".to_owned(),
            now_ms: 100_000,
            missing_migrations: Vec::new(),
            refusal: None,
        }
    }

    fn states(examination: &Examination, from_ms: i64, to_ms: i64) -> Vec<super::super::State> {
        judge(examination, from_ms, to_ms).iter().map(|finding| finding.state).collect()
    }

    #[test]
    fn a_sound_database_is_named_by_its_version() {
        let findings = judge(&examination(), 99_990, 100_010);
        assert_eq!(findings[0].found, "CockroachDB CCL v24.1.0");
        assert_eq!(states(&examination(), 99_990, 100_010), [Ok, Ok, Ok, Ok]);
    }

    #[test]
    fn a_clock_is_wrong_beyond_the_time_of_the_question() {
        assert_eq!(states(&examination(), 90_000, 101_000)[1], Ok, "a slow answer is no skew");
        let behind = judge(&examination(), 105_001, 105_100).remove(1);
        assert_eq!(behind.state, Warning);
        assert!(behind.found.contains("5001 ms behind"), "{}", behind.found);
        let ahead = judge(&examination(), 90_000, 94_999).remove(1);
        assert!(ahead.found.contains("5001 ms ahead"), "{}", ahead.found);
    }

    #[test]
    fn each_fault_is_one() {
        let unmigrated = Examination { missing_migrations: vec![14, 15], ..examination() };
        assert_eq!(states(&unmigrated, 100_000, 100_000), [Ok, Ok, Fault, Unknown]);
        let read_only = Examination { refusal: Some("permission denied".to_owned()), ..examination() };
        assert_eq!(states(&read_only, 100_000, 100_000), [Ok, Ok, Ok, Fault]);
    }
}
