//! Where the database is.

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::forms::{number, truth};
use super::reader::Reader;
use super::variable::{Preset, Variable};

/// The most connections of one pool; CockroachDB and Postgres both suffer beyond a few hundred in all.
const CONNECTIONS_MAX: u32 = 1_000;

pub const DATABASE_URL: Variable = Variable::specified(
    "DATABASE_URL",
    Preset::Required,
    "a URL that begins with `postgres://`, `postgresql://`, `cockroachdb://` or `sqlite:`",
    "CockroachDB (or Postgres) connection string; `sqlite:<file>` for one process without a server.",
)
.secret();
pub const DATABASE_MAX_CONNECTIONS: Variable = Variable::ours(
    "DATABASE_MAX_CONNECTIONS",
    Preset::Value("16"),
    "a whole number from 1 to 1000",
    "Connections that one process opens at most.",
);
pub const MIGRATE_ON_START: Variable = Variable::ours(
    "MIGRATE_ON_START",
    Preset::Value("true"),
    "`true` or `false`",
    "Whether `serve` brings the schema up to date before it takes work; safe with several replicas.",
);

/// Which dialect the URL asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// CockroachDB or Postgres.
    Postgres,
    /// A file.
    Sqlite,
}

/// The database.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    pub kind: DatabaseKind,
    /// In the form that the driver takes: `cockroachdb://` is written `postgres://`. May hold a password.
    pub url: SecretString,
    pub max_connections: u32,
    pub migrate_on_start: bool,
}

impl DatabaseConfig {
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let url = reader.read(&DATABASE_URL, database_url);
        let max_connections = reader.read(&DATABASE_MAX_CONNECTIONS, number(1..=CONNECTIONS_MAX));
        let migrate_on_start = reader.read(&MIGRATE_ON_START, truth);
        let (kind, url) = url?;
        Some(Self { kind, url, max_connections: max_connections?, migrate_on_start: migrate_on_start? })
    }

    /// Which database it is, by host, port and name alone.
    pub fn place(&self) -> String {
        Url::parse(self.exposed_url()).map_or_else(
            |_| String::new(),
            |url| {
                let (host, port) = (url.host_str().unwrap_or_default(), url.port().unwrap_or_default());
                format!("{host}:{port}{}", url.path())
            },
        )
    }

    /// The URL, for the driver alone.
    pub fn exposed_url(&self) -> &str {
        self.url.expose_secret()
    }
}

fn database_url(text: &str) -> Option<(DatabaseKind, SecretString)> {
    let (scheme, rest) = text.split_once(':')?;
    match scheme {
        "sqlite" => (!rest.trim_matches('/').is_empty()).then(|| (DatabaseKind::Sqlite, text.into())),
        "postgres" | "postgresql" | "cockroachdb" => {
            let url = format!("postgres:{rest}");
            (rest.starts_with("//") && Url::parse(&url).is_ok_and(|url| url.path().len() > 1))
                .then(|| (DatabaseKind::Postgres, url.into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_dialects_and_writes_cockroach_as_postgres() {
        let read = |text| database_url(text).map(|(kind, url)| (kind, url.expose_secret().to_owned()));
        let postgres = |url: &str| Some((DatabaseKind::Postgres, url.to_owned()));
        assert_eq!(
            read("cockroachdb://root@db:26257/mc?sslmode=disable"),
            postgres("postgres://root@db:26257/mc?sslmode=disable")
        );
        assert_eq!(read("postgresql://u:p@db/mc"), postgres("postgres://u:p@db/mc"));
        assert_eq!(read("sqlite:data/mc.db"), Some((DatabaseKind::Sqlite, "sqlite:data/mc.db".into())));
        assert_eq!(read("sqlite::memory:"), Some((DatabaseKind::Sqlite, "sqlite::memory:".into())));
        for bad in [
            "",
            "mysql://db/x",
            "postgres:db",
            "sqlite:",
            "sqlite://",
            "db:5432/mc",
            "postgres://u@db:port/mc",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
