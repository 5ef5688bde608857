//! The few words in which our two dialects differ. Statements are written once, with these in braces:
//!
//! | placeholder | meaning |
//! |---|---|
//! | `{now}` | the database's clock, in milliseconds, one value a statement |
//! | `{version}` | what the server calls itself |
//! | `{uuid}` | a fresh random UUID, another for each row |
//! | `{least}`, `{greatest}` | of their arguments |
//! | `{skip_locked}` | lock the rows that no one else has locked |
//! | `{by index}` | use this index; SQLite, without statistics, takes any equality for better than a short partial index |
//! | `{rows a:text b:int8}` | a table `given` of the rows bound by [`Session::each`](super::session::Session::each) |

/// Which SQL a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Dialect {
    /// PostgreSQL and CockroachDB: nothing that one of the two lacks.
    Postgres,
    Sqlite,
}

impl Dialect {
    /// The statement in this dialect.
    pub(super) fn render(self, template: &str) -> String {
        let mut sql = String::with_capacity(template.len() + 256);
        let mut rest = template;
        while let Some((before, opened)) = rest.split_once('{') {
            let (placeholder, after) = opened.split_once('}').unwrap_or((opened, ""));
            sql.push_str(before);
            self.push(placeholder, &mut sql);
            rest = after;
        }
        sql.push_str(rest);
        sql
    }

    fn push(self, placeholder: &str, sql: &mut String) {
        // `statement_timestamp` is stable within a statement, so that an index serves a comparison with it.
        let word = match (self, placeholder) {
            (Self::Postgres, "now") => "floor(extract(epoch FROM statement_timestamp()) * 1000)::int8",
            (Self::Sqlite, "now") => "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)",
            (Self::Postgres, "version") => "version()",
            (Self::Sqlite, "version") => "'SQLite ' || sqlite_version()",
            (Self::Postgres, "uuid") => "gen_random_uuid()",
            (Self::Sqlite, "uuid") => "randomblob(16)",
            (Self::Postgres, "least") => "least",
            (Self::Sqlite, "least") => "min",
            (Self::Postgres, "greatest") => "greatest",
            (Self::Sqlite, "greatest") => "max",
            (Self::Postgres, "skip_locked") => "FOR UPDATE SKIP LOCKED",
            // There is one writer at a time.
            (Self::Sqlite, "skip_locked") => "",
            (Self::Postgres, other) if other.starts_with("by ") => "",
            (Self::Sqlite, other) if other.starts_with("by ") => {
                sql.push_str("INDEXED ");
                return sql.push_str(&other.replacen("by", "BY", 1));
            }
            (_, other) => return self.push_rows(other.trim_start_matches("rows "), sql),
        };
        sql.push_str(word);
    }

    fn push_rows(self, columns: &str, sql: &mut String) {
        let columns: Vec<(&str, &str)> =
            columns.split_whitespace().filter_map(|column| column.split_once(':')).collect();
        let joined = |each: &dyn Fn(usize, &str, &str) -> String| {
            let parts = columns.iter().enumerate().map(|(i, (name, kind))| each(i + 1, name, kind));
            parts.collect::<Vec<_>>().join(", ")
        };
        let table = match self {
            Self::Postgres => format!(
                "unnest({}) AS given({})",
                joined(&|i, _, kind| format!("${i}::{kind}[]")),
                joined(&|_, name, _| name.to_owned())
            ),
            Self::Sqlite => format!("(SELECT {}) AS given", joined(&|i, name, _| format!("${i} AS {name}"))),
        };
        sql.push_str(&table);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_the_words_of_each_dialect() {
        let template = "SELECT {least}(a, $3) FROM {rows a:int8 b:text} {skip_locked}{by it}";
        assert_eq!(
            Dialect::Postgres.render(template),
            "SELECT least(a, $3) FROM unnest($1::int8[], $2::text[]) AS given(a, b) FOR UPDATE SKIP LOCKED"
        );
        assert_eq!(
            Dialect::Sqlite.render(template),
            "SELECT min(a, $3) FROM (SELECT $1 AS a, $2 AS b) AS given INDEXED BY it"
        );
    }
}
