//! What paths draw from.

use super::{Fitted, Horizon, worst_week};
use crate::history::rows::Rows;
use crate::history::worst_week::Week;
use crate::models::{Filter, Process};

/// What paths draw from, and how.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    pub(super) rows: Rows,
    pub(super) process: Process,
    /// What a row does, where that depends on the rows before it.
    pub(super) filter: Option<Filter>,
}

impl Drawn {
    /// Rows that do the same whenever they come.
    pub(super) fn plain(rows: Rows, process: Process) -> Self {
        Self { rows, process, filter: None }
    }

    /// What the model has fitted, or else the history's own `rows` as `process` draws them; and the week around either.
    pub(super) fn of(
        rows: Rows,
        process: Process,
        fitted: Option<&Fitted>,
        week: Option<&Week>,
        horizon: &Horizon,
    ) -> Self {
        let drawn = match fitted {
            Some(fitted) => fitted.drawn(rows),
            None => Self::plain(rows, process),
        };
        let Some(week) = week else { return drawn };
        let last = week.last_row();
        let resume = fitted.map_or(last, |fitted| fitted.row_like(last));
        worst_week::around(week, resume, drawn, horizon)
    }
}
