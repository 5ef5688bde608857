//! Puts the result together.

use super::distribution::Sorted;
use super::estimates::{about, by_batches, probability};
use super::history::{self, HistoryError};
use super::levels::Z95;
use super::shape::{
    ConfidenceIntervals, Distribution, Estimate, EventTimeErrors, Execution, FanErrors, MonteCarloErrors,
    Percentiles, Report, RiskMetrics,
};
use super::{digest, exact, fan, fitted, outcomes, rare, rules, worst_week};
use crate::kernel::DEPTH_ONE;
use crate::lattice::{ExactLaw, exact_law};
use crate::money::UNITS_PER_DOLLAR;
use crate::tally::{Batch, Draw, Figure, Moments, Replicate};
use crate::{ENGINE_VERSION, Plan, Tally};

/// Reports the merged tally of all shards of `plan`.
///
/// # Panics
/// Where the tally is of another plan, or holds no path.
pub fn report(plan: &Plan, tally: &Tally, execution: &Execution) -> Report {
    let plan = &*plan.settled(tally.paths());
    let view = View::new(plan, tally);
    let errors = HistoryError::new(plan, tally);
    let told =
        |figure| view.estimate(figure).map(|estimate| errors.beside(figure, estimate, view.noise(figure)));
    let certain = |figure| told(figure).expect("has a value from one path on");
    let mut warnings = plan.warnings.clone();
    let risk_metrics = view.risk_metrics();
    view.warn(&risk_metrics, &mut warnings);
    let precision = view.precision();
    if let Some(precision) = &precision {
        view.warn_of_precision(precision, &mut warnings);
    }
    let breach_probability = certain(Figure::Breach);
    let rare_breach = rare::breach(plan, tally, &breach_probability);
    let breaches = outcomes::breaches(&tally.events);
    let passes = outcomes::passes(&tally.events);
    let passed = plan.limits.pass.map(|_| view.passed());
    let exact =
        exact_law(plan).map(|law| exact::compared(&law, view.broken(), passed, view.paths, &mut warnings));
    let mut report = Report {
        confidence_intervals: view.confidence_intervals(),
        variance: view.variance(&view.all),
        standard_deviation: view.variance(&view.all).sqrt(),
        mean_return: view.mean_return(&view.all),
        paths_simulated: view.paths,
        precision,
        simulation_time_seconds: execution.simulation_time_seconds,
        trades_analyzed: plan.trades_analyzed as u64,
        current_balance: plan.applied.balance,
        peak_balance: plan.applied.peak_balance,
        breach_probability,
        rare_breach,
        breach_causes: outcomes::causes(&tally.events),
        ruin_probability: certain(Figure::Ruin),
        pass_probability: told(Figure::Pass),
        neither_probability: certain(Figure::Neither),
        exact,
        expected_payout: certain(Figure::Payout),
        expected_payout_weekly: told(Figure::PayoutWeekly),
        time_to_breach: outcomes::time(&breaches),
        time_to_pass: outcomes::time(&passes),
        percentiles: view.percentiles(),
        histograms: Distribution {
            final_balance: view.balances.bars(UNITS_PER_DOLLAR),
            horizon_return: None,
            drawdown: view.drawdowns.bars(DEPTH_ONE),
        },
        fan: fan::chart(plan, tally, |permille| view.final_balance(permille)),
        monte_carlo_errors: monte_carlo_errors(&view, fan::errors(plan, tally, &errors, told), told),
        risk_metrics,
        steps: plan.steps(),
        horizon_days: plan.horizon.days,
        level: plan.horizon.level,
        trades_per_day: plan.trades_per_day,
        model: plan.model,
        fitted: fitted::of(plan),
        block_length: plan.block_length,
        sizing: plan.sizing,
        stress: plan.stress,
        worst_week: worst_week::of(plan),
        rules: rules::as_applied(plan),
        seed: plan.seed,
        history_replicates: plan.histories,
        engine_version: ENGINE_VERSION,
        executed_on: execution.executed_on.clone(),
        assumptions: plan.assumptions.clone(),
        warnings,
        result_digest: String::new(),
    };
    report.assumptions.extend(report.rare_breach.map(|rare| rare::pointer(&rare, view.broken(), view.paths)));
    let headline =
        [("breachProbability", &report.breach_probability), ("expectedPayout", &report.expected_payout)];
    let larger = headline.iter().filter_map(|(name, estimate)| history::larger_error(name, estimate));
    report.assumptions.extend(larger.collect::<Vec<_>>());
    let value = serde_json::to_value(&report).unwrap_or_default();
    report.result_digest = digest::result_digest(&value);
    report
}

/// What the tally of a weighted history says of each figure; and its lattice, where that says more.
pub(crate) fn replicate(plan: &Plan, tally: &Tally, law: Option<&ExactLaw>, index: u32) -> Replicate {
    let view = View::new(plan, tally);
    let draw = |figure| {
        let sampled = Draw::of(figure, view.estimate(figure)?, view.paths);
        Some(law.and_then(|law| exact::draw(law, figure)).unwrap_or(sampled))
    };
    Replicate { index, draws: Figure::ALL.map(draw), fan: fan::draws(plan, tally) }
}

fn monte_carlo_errors(
    view: &View<'_>,
    fan: FanErrors,
    told: impl Fn(Figure) -> Option<Estimate>,
) -> MonteCarloErrors {
    let certain = |figure| told(figure).expect("has a value from one path on");
    let time = |mean, median| Some(EventTimeErrors { mean_steps: told(mean)?, median_steps: told(median)? });
    MonteCarloErrors {
        signed_var95: certain(Figure::SignedVar95),
        signed_var99: certain(Figure::SignedVar99),
        return95_lower: certain(Figure::Return95Lower),
        return95_upper: certain(Figure::Return95Upper),
        return99_lower: certain(Figure::Return99Lower),
        return99_upper: certain(Figure::Return99Upper),
        mean_return: told(Figure::MeanReturn),
        variance: told(Figure::Variance),
        standard_deviation: told(Figure::StandardDeviation),
        max_drawdown: told(Figure::MaxDrawdown),
        sharpe_ratio: told(Figure::Sharpe),
        sortino_ratio: told(Figure::Sortino),
        signed_cvar95: certain(Figure::SignedCvar95),
        signed_cvar99: certain(Figure::SignedCvar99),
        percentiles: Distribution {
            final_balance: Percentiles::each(|permille| {
                certain(Figure::Balance(permille)).mapped(|units| units / UNITS_PER_DOLLAR)
            }),
            horizon_return: Some(Percentiles::each(|permille| {
                certain(Figure::Balance(permille)).mapped(|units| view.horizon_return(units))
            })),
            drawdown: Percentiles::each(|permille| certain(Figure::Drawdown(permille))),
        },
        fan,
        time_to_breach: time(Figure::BreachMeanSteps, Figure::BreachMedianSteps),
        time_to_pass: time(Figure::PassMeanSteps, Figure::PassMedianSteps),
    }
}

/// The tally as distributions.
pub(super) struct View<'a> {
    pub(super) plan: &'a Plan,
    tally: &'a Tally,
    pub(super) paths: u64,
    pub(super) all: Batch,
    balances: Sorted,
    drawdowns: Sorted,
    /// The balance at the start, units of 10⁻⁴ dollars.
    pub(super) opening: f64,
    breach_times: Option<EventTimeErrors>,
    pass_times: Option<EventTimeErrors>,
}

impl<'a> View<'a> {
    pub(super) fn new(plan: &'a Plan, tally: &'a Tally) -> Self {
        let mut all = Batch::default();
        for batch in &tally.batches {
            all.merge(batch);
        }
        assert!(all.paths > 0, "a tally without paths has nothing to report");
        Self {
            plan,
            tally,
            paths: all.paths,
            all,
            balances: Sorted::new(&tally.final_state, all.paths),
            drawdowns: Sorted::new(&tally.drawdown, all.paths),
            opening: plan.opening() as f64,
            breach_times: outcomes::time_errors(&outcomes::breaches(&tally.events)),
            pass_times: outcomes::time_errors(&outcomes::passes(&tally.events)),
        }
    }

    fn loss(&self, units: f64) -> f64 {
        (self.opening - units) / UNITS_PER_DOLLAR
    }

    fn horizon_return(&self, units: f64) -> f64 {
        (units - self.opening) / self.opening
    }

    fn mean_return(&self, batch: &Batch) -> f64 {
        batch.profit.mean(batch.paths) / self.opening
    }

    fn variance(&self, batch: &Batch) -> f64 {
        batch.profit.variance(batch.paths) / (self.opening * self.opening)
    }

    /// The downside deviation about 0 of the horizon return, over all paths.
    fn downside(&self, batch: &Batch) -> f64 {
        (batch.downside_squares as f64 / batch.paths as f64).sqrt() / self.opening
    }

    fn annual(&self) -> f64 {
        (365.0 / self.plan.horizon.days).sqrt()
    }

    fn sharpe(&self, batch: &Batch) -> Option<f64> {
        ratio(self.mean_return(batch) * self.annual(), self.variance(batch).sqrt())
    }

    fn sortino(&self, batch: &Batch) -> Option<f64> {
        ratio(self.mean_return(batch) * self.annual(), self.downside(batch))
    }

    fn max_drawdown(&self, batch: &Batch) -> f64 {
        batch.drawdown.mean(batch.paths) / DEPTH_ONE
    }

    fn risk_metrics(&self) -> RiskMetrics {
        let signed_cvar = |permille| self.loss(self.balances.lowest_mass(permille).0);
        let (signed_var95, signed_var99) = (self.signed_var(950), self.signed_var(990));
        let (signed_cvar95, signed_cvar99) = (signed_cvar(50), signed_cvar(10));
        RiskMetrics {
            value_at_risk95: signed_var95.max(0.0),
            value_at_risk99: signed_var99.max(0.0),
            expected_shortfall: signed_cvar95.max(0.0),
            var95: signed_var95.max(0.0),
            var99: signed_var99.max(0.0),
            cvar95: signed_cvar95.max(0.0),
            cvar99: signed_cvar99.max(0.0),
            signed_var95,
            signed_var99,
            signed_cvar95,
            signed_cvar99,
            max_drawdown: self.max_drawdown(&self.all),
            sharpe_ratio: self.sharpe(&self.all),
            sortino_ratio: self.sortino(&self.all),
        }
    }

    /// The quantile of the loss, dollars.
    fn signed_var(&self, permille: u64) -> f64 {
        self.loss(self.balances.upper(permille).mean())
    }

    /// Dollars.
    fn final_balance(&self, permille: u64) -> f64 {
        self.balances.lower(permille).mean() / UNITS_PER_DOLLAR
    }

    fn return_quantile(&self, permille: u64) -> f64 {
        self.horizon_return(self.balances.lower(permille).mean())
    }

    fn confidence_intervals(&self) -> ConfidenceIntervals {
        let [low95, high95, low99, high99] = [25, 975, 5, 995].map(|permille| self.return_quantile(permille));
        ConfidenceIntervals {
            return95_lower: low95,
            return95_upper: high95,
            return99_lower: low99,
            return99_upper: high99,
            ci95_lower: low95,
            ci95_upper: high95,
            ci99_lower: low99,
            ci99_upper: high99,
        }
    }

    fn percentiles(&self) -> Distribution<Percentiles> {
        Distribution {
            final_balance: Percentiles::each(|permille| self.final_balance(permille.into())),
            horizon_return: Some(Percentiles::each(|permille| self.return_quantile(permille.into()))),
            drawdown: Percentiles::each(|permille| self.drawdown(permille.into())),
        }
    }

    fn payout(&self, of: impl Fn(&Batch) -> &Moments) -> Estimate {
        let mean = |batch: &Batch| of(batch).mean(batch.paths) / UNITS_PER_DOLLAR;
        let value = mean(&self.all);
        by_batches(value, &self.tally.batches, |batch| Some(mean(batch))).unwrap_or_else(|| {
            // Too few paths for batches: the plain standard error.
            let deviation = of(&self.all).variance(self.paths).sqrt() / UNITS_PER_DOLLAR;
            about(value, Z95 * deviation / (self.paths as f64).sqrt())
        })
    }

    /// A figure with its Monte Carlo interval; none where it has no value, or the paths are too few to tell its error.
    pub(super) fn estimate(&self, figure: Figure) -> Option<Estimate> {
        let batched = |statistic: &dyn Fn(&Batch) -> Option<f64>| {
            by_batches(statistic(&self.all)?, &self.tally.batches, statistic)
        };
        match figure {
            Figure::Breach | Figure::Ruin | Figure::Pass | Figure::Neither => {
                self.events(figure).map(|events| probability(events, self.paths))
            }
            Figure::Payout => Some(self.payout(|batch| &batch.payout)),
            Figure::PayoutWeekly => {
                let is_paid = self.plan.payouts.is_some() && self.plan.withdrawals().is_none();
                is_paid.then(|| self.payout(|batch| &batch.weekly_payout))
            }
            Figure::SignedVar95 => Some(self.var_error(950)),
            Figure::SignedVar99 => Some(self.var_error(990)),
            Figure::SignedCvar95 => Some(self.shortfall_error(50)),
            Figure::SignedCvar99 => Some(self.shortfall_error(10)),
            Figure::Return95Lower => Some(self.quantile_error(25)),
            Figure::Return95Upper => Some(self.quantile_error(975)),
            Figure::Return99Lower => Some(self.quantile_error(5)),
            Figure::Return99Upper => Some(self.quantile_error(995)),
            Figure::MeanReturn => batched(&|batch| Some(self.mean_return(batch))),
            Figure::Variance => batched(&|batch| Some(self.variance(batch))),
            Figure::StandardDeviation => batched(&|batch| Some(self.variance(batch).sqrt())),
            Figure::MaxDrawdown => batched(&|batch| Some(self.max_drawdown(batch))),
            Figure::Sharpe => batched(&|batch| self.sharpe(batch)),
            Figure::Sortino => batched(&|batch| self.sortino(batch)),
            Figure::Balance(permille) => Some(self.balance_error(permille.into())),
            Figure::Drawdown(permille) => Some(self.drawdown_error(permille.into())),
            Figure::BreachMeanSteps => Some(self.breach_times?.mean_steps),
            Figure::BreachMedianSteps => Some(self.breach_times?.median_steps),
            Figure::PassMeanSteps => Some(self.pass_times?.mean_steps),
            Figure::PassMedianSteps => Some(self.pass_times?.median_steps),
        }
    }

    /// Of a quantile, its standard error with as few paths as a weighted history has: those few say less of it themselves,
    /// least of all near the ends of a distribution.
    fn noise(&self, figure: Figure) -> Option<f64> {
        let balance = |permille: f64| self.balances.noise(permille / 1_000.0);
        Some(match figure {
            Figure::SignedVar95 => balance(50.0) / UNITS_PER_DOLLAR,
            Figure::SignedVar99 => balance(10.0) / UNITS_PER_DOLLAR,
            Figure::Return95Lower => balance(25.0) / self.opening,
            Figure::Return95Upper => balance(975.0) / self.opening,
            Figure::Return99Lower => balance(5.0) / self.opening,
            Figure::Return99Upper => balance(995.0) / self.opening,
            Figure::Balance(permille) => balance(permille.into()),
            Figure::Drawdown(permille) => self.drawdowns.noise(f64::from(permille) / 1_000.0) / DEPTH_ONE,
            _ => return None,
        })
    }

    /// Paths on which the event came whose share the figure is.
    pub(super) fn events(&self, figure: Figure) -> Option<u64> {
        match figure {
            Figure::Breach => Some(self.broken()),
            Figure::Ruin => Some(self.tally.ruined),
            Figure::Pass => self.plan.limits.pass.map(|_| self.passed()),
            Figure::Neither => Some(self.paths - self.broken() - self.passed()),
            _ => None,
        }
    }

    fn broken(&self) -> u64 {
        self.tally.broken()
    }

    fn passed(&self) -> u64 {
        outcomes::passes(&self.tally.events).iter().sum()
    }

    /// The balances, in units, between which a quantile lies: from the lower rank's bin's lower border to the upper one's
    /// upper border, for within a bin no more is known.
    fn interval(&self, rank: u64, permille: u64) -> (f64, f64) {
        let (low, high) = self.balances.rank_interval(rank, permille as f64 / 1_000.0);
        let units = |x| self.plan.scale.balance_units(x) as f64;
        (
            low.keys.map_or_else(|| low.mean(), |(lowest, _)| units(lowest)),
            high.keys.map_or_else(|| high.mean(), |(_, highest)| units(highest)),
        )
    }

    fn quantile_error(&self, permille: u64) -> Estimate {
        self.balance_error(permille).mapped(|units| self.horizon_return(units))
    }

    /// Units of 10⁻⁴ dollars.
    fn balance_error(&self, permille: u64) -> Estimate {
        let (lower, upper) = self.interval(self.balances.lower_rank(permille), permille);
        Estimate { lower, upper, ..Estimate::of(self.balances.lower(permille).mean()) }
    }

    fn drawdown_error(&self, permille: u64) -> Estimate {
        let rank = self.drawdowns.lower_rank(permille);
        let (low, high) = self.drawdowns.rank_interval(rank, permille as f64 / 1_000.0);
        Estimate {
            lower: low.keys.map_or_else(|| low.mean(), |(lowest, _)| lowest as f64) / DEPTH_ONE,
            upper: high.keys.map_or_else(|| high.mean(), |(_, highest)| highest as f64) / DEPTH_ONE,
            ..Estimate::of(self.drawdown(permille))
        }
    }

    /// Fraction of the peak.
    fn drawdown(&self, permille: u64) -> f64 {
        self.drawdowns.lower(permille).mean() / DEPTH_ONE
    }

    fn var_error(&self, permille: u64) -> Estimate {
        let rank = self.balances.upper_rank(permille);
        let (low, high) = self.interval(rank, permille);
        Estimate { lower: self.loss(high), upper: self.loss(low), ..Estimate::of(self.signed_var(permille)) }
    }

    /// `Var(ES) ≈ (Var(tail) + (1 − a)(ES − VaR)²) / (n a)` for the tail's mass `a`: Manistre & Hancock (2005).
    fn shortfall_error(&self, permille: u64) -> Estimate {
        let (mean, tail_variance) = self.balances.lowest_mass(permille);
        let (value, mass) = (self.loss(mean), permille as f64 / 1_000.0);
        let tail = tail_variance / (UNITS_PER_DOLLAR * UNITS_PER_DOLLAR);
        let beyond = value - self.signed_var(1_000 - permille);
        let between = (1.0 - mass) * beyond * beyond;
        about(value, Z95 * ((tail + between) / (self.paths as f64 * mass)).sqrt())
    }

    fn warn(&self, risk: &RiskMetrics, warnings: &mut Vec<String>) {
        if risk.sharpe_ratio.is_none() {
            warnings
                .push("The horizon return is the same on every path: sharpeRatio has no value.".to_owned());
        }
        if risk.sortino_ratio.is_none() {
            warnings.push("No path ends with a loss: sortinoRatio has no value.".to_owned());
        }
        let stated = [5, 10, 25, 50, 250, 500, 750, 950, 975, 990, 995].map(|q| self.balances.lower(q));
        let lowest_is_ruin = self.plan.scale.ruin() < 0;
        if stated.iter().any(|bin| bin.keys.is_none() && !(lowest_is_ruin && bin.sum == 0)) {
            warnings.push("A stated quantile of the balance falls outside the histogram's range.".to_owned());
        }
        if self.tally.clamped > 0 {
            warnings.push(format!(
                "{} paths passed the largest balance that the engine counts and were held there.",
                self.tally.clamped
            ));
        }
    }
}

fn ratio(numerator: f64, denominator: f64) -> Option<f64> {
    let ratio = numerator / denominator;
    (denominator > 0.0 && ratio.is_finite()).then_some(ratio)
}
