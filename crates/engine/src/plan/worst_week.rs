//! The worst week of the history, once on every path.

use super::{Drawn, Horizon};
use crate::config::FieldError;
use crate::history::rebuild::Closed;
use crate::history::rows::Rows;
use crate::history::worst_week::Week;
use crate::models::{Around, Process, WorstWeek};

/// The worst week of the history, where the horizon holds it.
///
/// # Errors
/// Names the stress where the week has more rows than a path.
pub(super) fn of(closed: &[Closed], rows: &Rows, horizon: &Horizon) -> Result<Week, FieldError> {
    let week = Week::worst(closed, rows);
    let (needed, path) = (week.rows.len(), horizon.last_step);
    if needed <= path {
        return Ok(week);
    }
    Err(FieldError {
        field: "config.stress.worstWeek".to_owned(),
        message: format!(
            "the worst week has {needed} rows, more than the {path} of a path; ask for a longer horizon"
        ),
    })
}

/// What paths draw where they also go through the week; after it they go on as after their row `resume`.
pub(super) fn around(week: &Week, resume: u32, drawn: Drawn, horizon: &Horizon) -> Drawn {
    let Drawn { rows, process, filter } = drawn;
    let around = match process {
        Process::Iid(process) => Around::Iid(process),
        Process::Stationary(process) => Around::Stationary(process),
        Process::Circular(process) => Around::Circular(process),
        Process::Regimes(process) => Around::Regimes(process),
        // It is there already.
        process @ Process::WorstWeek(_) => return Drawn { rows, process, filter },
    };
    let process = WorstWeek::new(around, rows.len(), (week.rows.len(), resume), horizon.last_step);
    Drawn {
        rows: rows.around(&week.rows),
        process: Process::WorstWeek(process),
        filter: filter.map(|filter| filter.with_written(week.rows.trades.clone())),
    }
}
