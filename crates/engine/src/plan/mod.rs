//! A request made exact: rows, rules, steps, model and seed, and how its paths are cut into shards.

mod caveats;
mod drawn;
mod fitted;
mod horizon;
mod looks;
mod rare;
mod replicate;
mod seed;
mod shard;
mod stage;
mod worst_week;

pub use shard::Shard;

use drawn::Drawn;
pub(crate) use fitted::Fitted;
pub(crate) use horizon::Horizon;
pub(crate) use looks::Looks;
pub(crate) use rare::REPETITION_PATHS;
pub(crate) use replicate::REPLICATE_PATHS;

use crate::history::rate::Rate;
use crate::history::rebuild::{Closed, Past, rebuild};
use crate::history::rows::Rows;
use crate::history::stress::stressed;
use crate::history::worst_week::Week;
use crate::models::{Circular, Filter, Iid, MAX_RANGE, Process, Stationary, block_length};
use crate::rules::daily_loss::DailyThresholds;
use crate::rules::{Applied, Limits, Payouts, Start, Stop, WEEK, Withdrawals, max_risk};
use crate::scale::{MAX_TRAVEL, Scale};
use crate::tally::{Layout, Moves};
use crate::{FieldError, InputData, Level, Model, SimulationConfig, Sizing, Stress, Subject};

/// Path-steps that one job may take.
const WORK_MAX: u64 = 500_000_000_000;

/// A request that cannot be simulated; trying again will not help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The history has no closing trade.
    #[error("the account has no closing trades, so there is nothing to simulate from")]
    NoClosingTrades,
    /// A value is out of range or contradicts another.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// Paths times steps is more than one job may ask for.
    #[error("{paths} paths of {steps} steps are more than the {limit} path-steps that one job may take")]
    TooMuchWork {
        /// As asked.
        paths: u64,
        /// As asked, or by the trader's rate.
        steps: u64,
        /// The limit.
        limit: u64,
    },
}

/// Everything that decides a result's bits.
#[derive(Clone, Debug)]
pub struct Plan {
    /// All that may be simulated.
    pub(crate) paths: u64,
    /// Where fewer of them may be enough.
    pub(crate) looks: Option<Looks>,
    /// Weighted histories for the history error.
    pub(crate) histories: u32,
    pub(crate) seed: u64,
    pub(crate) horizon: Horizon,
    pub(crate) sizing: Sizing,
    /// As asked for.
    pub(crate) stress: Option<Stress>,
    pub(crate) model: Model,
    /// Mean block length in rows.
    pub(crate) block_length: f64,
    pub(crate) process: Process,
    pub(crate) rows: Rows,
    /// Rows of the history.
    pub(crate) past_rows: u32,
    /// What was fitted to them, where the model fits anything.
    pub(crate) fitted: Option<Fitted>,
    /// What a row does, where that depends on the rows before it.
    pub(crate) filter: Option<Filter>,
    /// The week that every path goes through once, where that was asked for.
    pub(crate) worst_week: Option<Week>,
    pub(crate) scale: Scale,
    pub(crate) applied: Applied,
    pub(crate) limits: Limits,
    /// The daily-loss rule for each of the rows, where there is one.
    pub(crate) daily_loss: Option<DailyThresholds>,
    pub(crate) start: Start,
    pub(crate) layout: Layout,
    /// What is paid out, where anything is.
    pub(crate) payouts: Option<Payouts>,
    /// Where paths pause, ascending; the last is the horizon.
    pub(crate) stops: Vec<Stop>,
    /// Closing trades in the history.
    pub(crate) trades_analyzed: usize,
    pub(crate) trades_per_day: f64,
    /// Sentences.
    pub(crate) assumptions: Vec<String>,
    /// Sentences.
    pub(crate) warnings: Vec<String>,
}

impl Plan {
    /// Turns a request into a plan; checks the configuration and the input first. Without `config.paths`,
    /// `default_paths` are planned.
    ///
    /// # Errors
    /// [`PlanError`] where the request cannot be simulated.
    pub fn new(
        subject: &Subject,
        input: &InputData,
        config: &SimulationConfig,
        default_paths: u64,
    ) -> Result<Self, PlanError> {
        config.validate()?;
        config.validate_payouts()?;
        input.validate()?;
        let asked = config.paths.unwrap_or(default_paths);
        SimulationConfig { paths: Some(asked), ..SimulationConfig::default() }.validate()?;

        let sizing = config.sizing.unwrap_or(Sizing::Proportional);
        let past = rebuild(input, sizing, max_risk(subject, input))?;
        let rate = Rate::of(&past.closed);
        let horizon = Horizon::new(config, &rate)?;
        let paths = match &config.tolerance {
            None => asked,
            Some(tolerance) => looks::budget(tolerance, horizon.steps)?,
        };
        let work = paths.saturating_mul(u64::from(horizon.steps));
        if work > WORK_MAX {
            return Err(PlanError::TooMuchWork { paths, steps: horizon.steps.into(), limit: WORK_MAX });
        }

        // The process is the history's own, stressed or not, so that the same rows follow each other on the same paths.
        let mut rows = rows(horizon.level, &past.closed);
        let (model, process, block_length) = index_process(config, &rows.steps())?;
        let mut worst_week = None;
        if let Some(stress) = &config.stress {
            let closed = stressed(&past, sizing, stress)?;
            rows = self::rows(horizon.level, &closed);
            if stress.worst_week == Some(true) {
                worst_week = Some(worst_week::of(&closed, &rows, &horizon)?);
            }
        }
        let past_rows = rows.len();
        let fitted = Fitted::new(model, horizon.level, &rows)?;
        let drawn = Drawn::of(rows, process, fitted.as_ref(), worst_week.as_ref(), &horizon);
        let Drawn { rows, process, filter } = drawn;
        check_travel(&rows, filter.as_ref(), horizon.steps)?;
        let steps = fitted.as_ref().map_or_else(|| rows.steps(), |fitted| fitted.spread(rows.steps()));

        let applied = Applied::new(subject, input, config.rules.as_ref(), horizon.level);
        let scale = match sizing {
            Sizing::Proportional => Scale::Log { base: applied.balance },
            Sizing::Fixed => Scale::Money,
        };
        let limits = Limits::new(&applied, scale);
        let start = limits.start(&applied, scale);
        let payouts = Payouts::new(&applied, scale);
        if let Some(tolerance) = &config.tolerance {
            looks::check_metric(tolerance, &limits, payouts.as_ref())?;
        }
        let moves = moves(&steps, block_length, fitted.as_ref(), worst_week.as_ref());
        let layout = Layout::new(horizon.steps, moves, start.x);
        let stops = stops(&layout, payouts.is_some().then_some(&applied), &horizon, &rate);
        let mut plan = Self {
            paths,
            looks: config.tolerance.map(|tolerance| Looks::new(tolerance, config.history_replicates)),
            histories: config.history_replicates.unwrap_or_else(|| replicate::default_count(paths)),
            seed: config.seed.unwrap_or_else(|| seed::of_subject(subject)),
            horizon,
            sizing,
            stress: config.stress,
            model,
            block_length,
            process,
            daily_loss: limits.daily_loss.map(|limit| DailyThresholds::new(limit, &rows)),
            layout,
            payouts,
            stops,
            rows,
            past_rows,
            fitted,
            filter,
            worst_week,
            scale,
            applied,
            limits,
            start,
            trades_analyzed: past.closed.len(),
            trades_per_day: rate.trades_per_day(),
            assumptions: Vec::new(),
            warnings: Vec::new(),
        };
        plan.assumptions = caveats::assumptions(&plan, subject, input, &past);
        plan.warnings = caveats::warnings(&plan, input, &past);
        Ok(plan)
    }

    /// The same plan with another fan: `stops` steps evenly spaced, the last of them the horizon, with at most `bins`
    /// bins of balances, the same bins at every step. Nothing but the fan changes in the result.
    ///
    /// # Errors
    /// [`FieldError`] where there are more stops than steps, none of either, or more than 2²⁴ counters.
    pub fn with_fan(self, stops: u32, bins: u32) -> Result<Self, FieldError> {
        let layout = self.layout.with_fan(stops, bins)?;
        let stops = Stop::at_the_fan_of(&layout.stops, &self.stops);
        Ok(Self { layout, stops, ..self })
    }

    /// Paths to simulate; with a tolerance, the most that it may take.
    pub fn paths(&self) -> u64 {
        self.paths
    }

    /// Path ids in all: those of the result's paths, of those on weighted histories, and of the repetitions that a search for
    /// rare breaches may need, in this order.
    pub fn paths_in_all(&self) -> u64 {
        self.first_path_of_repetitions() + u64::from(self.most_repetitions()) * REPETITION_PATHS
    }

    /// The id of the first path of the first repetition: all of the weighted histories' lie before.
    pub(crate) fn first_path_of_repetitions(&self) -> u64 {
        self.paths + u64::from(self.histories) * REPLICATE_PATHS
    }

    /// Whether some trade can make a path lose, on a day that ends well too.
    pub(crate) fn has_losing_trade(&self) -> bool {
        self.filter.is_some() || self.rows.trades.iter().any(|&step| step < 0)
    }

    /// Whether nothing in the history can make a path lose.
    pub(crate) fn has_no_losing_row(&self) -> bool {
        self.filter.is_none() && self.rows.steps().iter().all(|&step| step >= 0)
    }

    /// Rows in one path.
    pub fn steps(&self) -> u32 {
        self.horizon.steps
    }

    /// Whether rows are trades or days.
    pub fn level(&self) -> Level {
        self.horizon.level
    }

    /// The seed of all streams.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What payouts take out of accounts, where they take anything.
    pub(crate) fn withdrawals(&self) -> Option<&Withdrawals> {
        self.payouts.as_ref()?.withdrawals.as_ref()
    }

    /// The balance at the start, units of 10⁻⁴ dollars.
    pub(crate) fn opening(&self) -> i64 {
        self.scale.balance_units(self.start.x)
    }
}

/// Where paths pause: at the fan's steps, and at the requests of rules that `pay` out.
fn stops(layout: &Layout, pay: Option<&Applied>, horizon: &Horizon, rate: &Rate) -> Vec<Stop> {
    let Some(applied) = pay else { return Stop::all(&layout.stops, &[], &[]) };
    let scheduled = match &applied.payout {
        Some(schedule) => horizon.request_rows(rate, schedule.every_days),
        None => vec![horizon.steps],
    };
    Stop::all(&layout.stops, &scheduled, &horizon.request_rows(rate, WEEK))
}

/// What paths of the plan add up.
fn moves<'a>(rows: &'a [i64], block: f64, fitted: Option<&Fitted>, week: Option<&Week>) -> Moves<'a> {
    Moves {
        rows,
        block: fitted.map_or(block, Fitted::block_length),
        once: week.map_or((0, 0), Week::extremes),
    }
}

fn rows(level: Level, closed: &[Closed]) -> Rows {
    match level {
        Level::Trade => Rows::by_trade(closed),
        Level::Day => Rows::by_day(closed),
    }
}

fn check_travel(rows: &Rows, filter: Option<&Filter>, steps: u32) -> Result<(), FieldError> {
    let farthest = filter.map_or(rows.farthest(), Filter::farthest);
    if farthest.saturating_mul(i64::from(steps)) <= MAX_TRAVEL {
        return Ok(());
    }
    Err(FieldError {
        field: "config.steps".to_owned(),
        message: format!(
            "{steps} rows as large as the largest of this history add up past the engine's fixed point"
        ),
    })
}

fn index_process(config: &SimulationConfig, steps: &[i64]) -> Result<(Model, Process, f64), FieldError> {
    let rows = steps.len() as u32;
    let model = config.model.unwrap_or(Model::Stationary);
    if !matches!(model, Model::Stationary | Model::Circular) {
        return Ok((model, Process::Iid(Iid::new(rows)), 1.0));
    }
    let length = config.block_length.unwrap_or_else(|| {
        let series: Vec<f64> = steps.iter().map(|&step| step as f64).collect();
        let length = block_length::choose(&series);
        if model == Model::Circular { Circular::length_for(length, rows) } else { length }
    });
    let most = MAX_RANGE / f64::from(rows);
    if length > most {
        return Err(FieldError {
            field: "config.blockLength".to_owned(),
            message: format!("must be at most {most} for a history of {rows} rows; it is {length}"),
        });
    }
    if length == 1.0 {
        // Blocks of one row are the IID bootstrap; its kernel draws the same law faster.
        return Ok((model, Process::Iid(Iid::new(rows)), 1.0));
    }
    if model == Model::Circular {
        return Ok((model, Process::Circular(Circular::new(rows, length as u32)), length));
    }
    let process = Stationary::new(rows, length);
    Ok((model, Process::Stationary(process), process.length()))
}
