//! Jobs of the service that was here before this one: rows of its table `"SimulationJob"`, in the same database, become
//! rows of ours. Its own rows are read and never changed.
//!
//! Here is what is decided; `sql::prisma` does it.

use serde::Serialize;

use super::JobStatus;

/// Longest id that a reader may ask for, in bytes.
pub(super) const ID_BYTES_MAX: i64 = 256;
/// Refusals that a report spells out; a table that is no good at all would fill the screen.
const REFUSALS_TOLD: usize = 20;

/// What becomes of jobs that the old service had not finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unfinished {
    /// They stay where they are. The old service may be at work on them, and would finish them a second time.
    #[default]
    Leave,
    /// They become `pending` here and are simulated here: for when the old service has ended.
    Take,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Rows of the old table.
    pub rows: u64,
    /// New here.
    pub imported: u64,
    /// Here already.
    pub existing: u64,
    /// Pending or running in the old table, and left there.
    pub unfinished: u64,
    /// Such as no job can be; left there.
    pub refused: u64,
    /// The first of those.
    pub refusals: Vec<Refusal>,
}

/// A row that was not imported, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    pub id: String,
    pub reason: &'static str,
}

impl ImportReport {
    /// Whether every old job is here.
    pub fn is_complete(&self) -> bool {
        self.unfinished + self.refused == 0
    }

    pub(super) fn add(&mut self, page: Self) {
        self.rows += page.rows;
        self.imported += page.imported;
        self.existing += page.existing;
        self.unfinished += page.unfinished;
        self.refused += page.refused;
        let room = REFUSALS_TOLD.saturating_sub(self.refusals.len());
        self.refusals.extend(page.refusals.into_iter().take(room));
    }
}

/// As much of an old row as the decision needs.
pub(super) struct OldJob {
    pub(super) id: String,
    pub(super) status: Option<String>,
    pub(super) has_assessment: bool,
    pub(super) has_account: bool,
    pub(super) is_dated: bool,
}

/// What becomes of an old row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is a finished job, as it is.
    Keep(JobStatus),
    /// It is a job to be done here; `started` where its start has been told already.
    Take {
        started: bool,
    },
    Leave,
    Refuse(&'static str),
}

/// Decides.
pub(super) fn verdict(old: &OldJob, unfinished: Unfinished) -> Verdict {
    if old.id.is_empty() || old.id.len() as i64 > ID_BYTES_MAX {
        return Verdict::Refuse("its id is empty or longer than 256 bytes");
    }
    if old.has_assessment == old.has_account {
        return Verdict::Refuse("it names not one of an assessment and a funded account");
    }
    if !old.is_dated {
        return Verdict::Refuse("it has no createdAt");
    }
    match (old.status.as_deref().and_then(JobStatus::parse), unfinished) {
        (Some(status @ (JobStatus::Completed | JobStatus::Failed)), _) => Verdict::Keep(status),
        (Some(JobStatus::Pending | JobStatus::Running), Unfinished::Leave) => Verdict::Leave,
        (Some(status), Unfinished::Take) => Verdict::Take { started: status == JobStatus::Running },
        (None, _) => Verdict::Refuse("its status is none of pending, running, completed and failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn old(status: &str) -> OldJob {
        OldJob {
            id: "job".into(),
            status: Some(status.into()),
            has_assessment: true,
            has_account: false,
            is_dated: true,
        }
    }

    #[test]
    fn every_row_has_its_verdict() {
        use Unfinished::{Leave, Take};
        for (status, unfinished, expected) in [
            ("completed", Leave, Verdict::Keep(JobStatus::Completed)),
            ("failed", Take, Verdict::Keep(JobStatus::Failed)),
            ("pending", Leave, Verdict::Leave),
            ("running", Leave, Verdict::Leave),
            ("pending", Take, Verdict::Take { started: false }),
            ("running", Take, Verdict::Take { started: true }),
        ] {
            assert_eq!(verdict(&old(status), unfinished), expected, "{status} {unfinished:?}");
        }
        for row in [
            OldJob { id: String::new(), ..old("completed") },
            OldJob { id: "x".repeat(257), ..old("completed") },
            OldJob { has_account: true, ..old("completed") },
            OldJob { has_assessment: false, ..old("completed") },
            OldJob { is_dated: false, ..old("completed") },
            OldJob { status: None, ..old("") },
            old("won"),
        ] {
            assert!(matches!(verdict(&row, Take), Verdict::Refuse(_)), "{:?}", row.status);
        }
    }

    #[test]
    fn a_report_tells_the_first_refusals_and_counts_them_all() {
        let mut report = ImportReport::default();
        for _ in 0..30 {
            let refusals = vec![Refusal { id: "a".into(), reason: "so" }];
            report.add(ImportReport { rows: 1, refused: 1, refusals, ..ImportReport::default() });
        }
        assert_eq!((report.rows, report.refused, report.refusals.len()), (30, 30, REFUSALS_TOLD));
        assert!(!report.is_complete());
    }
}
