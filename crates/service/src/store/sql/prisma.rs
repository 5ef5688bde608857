//! The import of old jobs: a page of them a transaction, so that it can be broken off anywhere and begun again.
//!
//! Documents go from table to table within the database. What the old table has not got counts as NULL.

use std::collections::BTreeSet;

use super::SqlStore;
use super::arg::{Arg, args};
use super::fault::Fault;
use super::session::{Scope, Session};
use super::work::Work;
use crate::jobs::skip::SkipReason;
use crate::store::prisma::{ImportReport, OldJob, Refusal, Unfinished, Verdict, verdict};
use crate::store::{JobStatus, Origin, StoreError};

/// Old rows of one transaction. Forty with ten thousand trades each took three seconds, and the server ends a statement
/// after ten; a page that takes too long all the same is tried again in smaller ones.
const PAGE_ROWS: u32 = 40;
/// By how much smaller.
const PAGE_CUT: u32 = 8;

const SELECT_COLUMNS: &str = "
    SELECT column_name::text AS name FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = 'SimulationJob'";

/// Those without which a row is no job.
const COLUMNS_REQUIRED: [&str; 3] = ["id", "status", "createdAt"];

/// Of an assessment's imported jobs, the one that answers for it: the newest with a result, or else the newest.
const SELECT_BEARERS: &str = "
    SELECT given.assessment, (
        SELECT job.id FROM simulation_jobs AS job
        WHERE job.assessment_id = given.assessment AND job.origin = $2
        ORDER BY (job.status = 'completed' AND EXISTS (
                SELECT 1 FROM simulation_results AS result WHERE result.job_id = job.id)) DESC,
            job.created_at_ms DESC, job.id DESC
        LIMIT 1) AS bearer
    FROM {rows assessment:text}";

/// An earlier page may have given the key to a job that is not the one, as is seen now.
const TAKE_KEYS: &str = "
    UPDATE simulation_jobs AS job SET dedupe_key = NULL
    FROM {rows id:text dedupe_key:text}
    WHERE job.dedupe_key = given.dedupe_key AND job.id <> given.id AND job.origin = $3";

const GIVE_KEYS: &str = "
    UPDATE simulation_jobs AS job SET dedupe_key = given.dedupe_key
    FROM {rows id:text dedupe_key:text}
    WHERE job.id = given.id AND job.dedupe_key IS NULL
        AND NOT EXISTS (SELECT 1 FROM simulation_jobs AS bearer WHERE bearer.dedupe_key = given.dedupe_key)";

impl SqlStore {
    /// Imports every job of the old table that is not here yet; `watch` sees how far it has come. Ids, statuses, times and
    /// JSON stay what they are; no event is published for what the old service finished. Harmless when it is done again,
    /// or by two at once.
    ///
    /// # Errors
    /// [`StoreError::Failed`] where there is no such table, or it lacks a column that it must have.
    pub async fn import_prisma(
        &self,
        unfinished: Unfinished,
        watch: &mut (dyn FnMut(&ImportReport) + Send),
    ) -> Result<ImportReport, StoreError> {
        let table = self.runner.perform(&LookAtOldTable).await?;
        for column in COLUMNS_REQUIRED {
            if !table.columns.contains(column) {
                let what = match table.columns.is_empty() {
                    true => "there is no table \"SimulationJob\" in this database's schema".to_owned(),
                    false => format!("the table \"SimulationJob\" has no column \"{column}\""),
                };
                return Err(StoreError::Failed(what));
            }
        }
        let mut report = ImportReport::default();
        let (mut after, mut rows) = (None, PAGE_ROWS);
        loop {
            let import = ImportPage { table: &table, unfinished, after: after.as_deref(), rows };
            let (page, last) = match self.runner.perform(&import).await {
                Err(StoreError::Unavailable(_)) if rows > 1 => {
                    rows = (rows / PAGE_CUT).max(1);
                    continue;
                }
                outcome => outcome?,
            };
            let is_last = page.rows < u64::from(rows);
            report.add(page);
            watch(&report);
            if is_last {
                return Ok(report);
            }
            after = last;
            rows = (rows * 2).min(PAGE_ROWS);
        }
    }
}

/// What the old table has.
struct OldTable {
    columns: BTreeSet<String>,
}

impl OldTable {
    /// The column of `old`, or nothing of its type.
    fn column(&self, name: &str, kind: &str) -> String {
        if self.columns.contains(name) { format!(r#"old."{name}"::{kind}"#) } else { format!("NULL::{kind}") }
    }

    /// Prisma writes UTC, into columns with a zone or without one.
    fn time_ms(&self, name: &str) -> String {
        if self.columns.contains(name) {
            format!(r#"round(extract(epoch FROM old."{name}") * 1000)::int8"#)
        } else {
            "NULL::int8".to_owned()
        }
    }

    /// A document; JSON's null is as good as none.
    fn document(&self, name: &str) -> String {
        format!("nullif({}, 'null'::jsonb)", self.column(name, "jsonb"))
    }

    /// What was simulated; of a job to be done here, only what can be, and otherwise it is fetched.
    fn input(&self) -> String {
        let input = self.document("inputData");
        format!(
            "CASE WHEN given.status <> 'pending' OR (jsonb_typeof({input}->'tradeHistory') = 'array'
                 AND jsonb_typeof({input}->'pnlData') = 'object') THEN {input} END"
        )
    }

    fn select_page(&self, is_first: bool) -> String {
        let (assessment, account) =
            (self.column("assessmentId", "text"), self.column("fundedAccountId", "text"));
        let after = if is_first { "" } else { "WHERE old.id > $2" };
        format!(
            r#"SELECT old.id::text AS id, lower(old.status::text) AS status, {assessment} IS NOT NULL AS has_assessment,
                   {account} IS NOT NULL AS has_account, old."createdAt" IS NOT NULL AS is_dated
               FROM "SimulationJob" AS old {after}
               ORDER BY old.id LIMIT $1 FOR UPDATE"#
        )
    }

    fn insert_jobs(&self) -> String {
        let input = self.input();
        let created = self.time_ms("createdAt");
        format!(
            r#"INSERT INTO simulation_jobs (
                   id, assessment_id, funded_account_id, origin, status, config, input_summary, error, progress, claims,
                   correlation_id, traceparent, run_after_ms, created_at_ms, started_at_ms, completed_at_ms)
               SELECT old.id, {assessment}, {account}, $4::text, given.status, $5::text,
                   (CASE WHEN jsonb_typeof(({input})->'tradeHistory') = 'array'
                       THEN (({input}) - 'tradeHistory')
                           || jsonb_build_object('tradeCount', jsonb_array_length(({input})->'tradeHistory'))
                       ELSE ({input}) END)::text,
                   {error}, CASE WHEN given.status = 'completed' THEN 1 ELSE 0 END, given.claims,
                   {{uuid}}::text,
                   '00-' || replace({{uuid}}::text, '-', '') || '-' || substr(replace({{uuid}}::text, '-', ''), 1, 16) || '-01',
                   {created}, {created}, {started},
                   CASE WHEN given.status <> 'pending' THEN {completed} END
               FROM {{rows id:text status:text claims:int8}} JOIN "SimulationJob" AS old ON old.id = given.id
               WHERE true
               ON CONFLICT (id) DO NOTHING
               RETURNING id, assessment_id"#,
            assessment = self.column("assessmentId", "text"),
            account = self.column("fundedAccountId", "text"),
            error = self.column("error", "text"),
            started = self.time_ms("startedAt"),
            completed = self.time_ms("completedAt"),
        )
    }

    fn insert_inputs(&self) -> String {
        let input = self.input();
        format!(
            r#"INSERT INTO simulation_inputs (job_id, input)
               SELECT old.id, ({input})::text
               FROM {{rows id:text status:text}} JOIN "SimulationJob" AS old ON old.id = given.id
               WHERE ({input}) IS NOT NULL"#
        )
    }

    fn insert_results(&self) -> String {
        let result = self.document("result");
        format!(
            r#"INSERT INTO simulation_results (job_id, result)
               SELECT old.id, ({result})::text
               FROM {{rows id:text status:text}} JOIN "SimulationJob" AS old ON old.id = given.id
               WHERE given.status <> 'pending' AND {result} IS NOT NULL"#
        )
    }

    /// Whoever asks for completed jobs relies on a result.
    fn insert_skips(&self) -> String {
        let result = self.document("result");
        format!(
            r#"INSERT INTO simulation_skips (job_id, reason)
               SELECT old.id, $3::text
               FROM {{rows id:text status:text}} JOIN "SimulationJob" AS old ON old.id = given.id
               WHERE given.status = 'completed' AND {result} IS NULL"#
        )
    }
}

struct LookAtOldTable;

impl Work for LookAtOldTable {
    type Answer = OldTable;
    const OPERATION: &'static str = "look_at_old_table";
    const SCOPE: Scope = Scope::Read;
    const REPEATABLE: bool = true;

    async fn run(&self, session: &mut Session) -> Result<OldTable, Fault> {
        if session.dialect() == super::dialect::Dialect::Sqlite {
            return Err(Fault::Misuse("the old table is one of PostgreSQL or CockroachDB, not of SQLite"));
        }
        let rows = session.run(SELECT_COLUMNS, args![]).await?.rows;
        let columns = rows.iter().map(|row| row.get("name")).collect::<Result<_, sqlx::Error>>()?;
        Ok(OldTable { columns })
    }
}

struct ImportPage<'a> {
    table: &'a OldTable,
    unfinished: Unfinished,
    /// The last id of the page before.
    after: Option<&'a str>,
    rows: u32,
}

impl Work for ImportPage<'_> {
    /// With the page's last id.
    type Answer = (ImportReport, Option<String>);
    const OPERATION: &'static str = "import_page";
    const SCOPE: Scope = Scope::Transaction;
    /// The second time would count as existing what the first had imported.
    const REPEATABLE: bool = false;

    async fn run(&self, session: &mut Session) -> Result<Self::Answer, Fault> {
        let Self { table, unfinished, after, rows } = self;
        let mut args = args![*rows];
        args.extend(after.map(Arg::from));
        let page = session.run(&table.select_page(after.is_none()), args).await?.rows;
        let mut report = ImportReport { rows: page.len() as u64, ..ImportReport::default() };
        let (mut wanted, mut last) = (Vec::new(), None);
        for row in &page {
            let old = OldJob {
                id: row.get("id")?,
                status: row.get("status")?,
                has_assessment: row.get("has_assessment")?,
                has_account: row.get("has_account")?,
                is_dated: row.get("is_dated")?,
            };
            last = Some(old.id.clone());
            match verdict(&old, *unfinished) {
                Verdict::Keep(status) => wanted.push((old.id, status, 0)),
                Verdict::Take { started } => wanted.push((old.id, JobStatus::Pending, i64::from(started))),
                Verdict::Leave => report.unfinished += 1,
                Verdict::Refuse(reason) => {
                    report.refused += 1;
                    report.refusals.push(Refusal { id: old.id, reason });
                }
            }
        }
        report.imported = import(session, table, &wanted).await?;
        report.existing = wanted.len() as u64 - report.imported;
        Ok((report, last))
    }
}

/// Inserts what is new of (id, status, claims), with its documents and keys; how many that are.
async fn import(
    session: &mut Session,
    table: &OldTable,
    wanted: &[(String, JobStatus, i64)],
) -> Result<u64, Fault> {
    let origin = Origin::Import.as_str();
    let rows: Vec<_> =
        wanted.iter().map(|(id, status, claims)| args![id, status.as_str(), *claims]).collect();
    let inserted =
        session.each(&table.insert_jobs(), &rows, &[Arg::from(origin), Arg::from("{}")]).await?.rows;
    let (mut new, mut assessments) = (BTreeSet::<String>::new(), BTreeSet::<String>::new());
    for row in &inserted {
        new.insert(row.get("id")?);
        assessments.extend(row.get::<Option<String>>("assessment_id")?);
    }
    let documented: Vec<_> = wanted
        .iter()
        .filter(|(id, ..)| new.contains(id))
        .map(|(id, status, _)| args![id, status.as_str()])
        .collect();
    session.each(&table.insert_inputs(), &documented, &[]).await?;
    session.each(&table.insert_results(), &documented, &[]).await?;
    session.each(&table.insert_skips(), &documented, &[Arg::from(SkipReason::ResultNotKept.code())]).await?;

    let assessments: Vec<_> = assessments.iter().map(|assessment| args![assessment]).collect();
    let mut keys = Vec::new();
    for row in session.each(SELECT_BEARERS, &assessments, &[Arg::from(origin)]).await?.rows {
        let key = format!("kafka:{}", row.get::<String>("assessment")?);
        keys.push(args![row.get::<String>("bearer")?, key]);
    }
    session.each(TAKE_KEYS, &keys, &[Arg::from(origin)]).await?;
    session.each(GIVE_KEYS, &keys, &[]).await?;
    Ok(new.len() as u64)
}
