//! The fan chart and its errors.

use super::distribution::{rank, ranks_about, ranks_of_noise};
use super::estimates::probability;
use super::history::HistoryError;
use super::outcomes;
use super::shape::{Estimate, FanChart, FanErrors, Intervals, Percentiles};
use crate::money::UNITS_PER_DOLLAR;
use crate::plan::REPLICATE_PATHS;
use crate::tally::{Draw, FanDraw, Figure, PERCENTILES, Place};
use crate::{Plan, Tally};

/// The balance's percentiles and the shares of broken and passed paths at the watched steps. `last` gives the last
/// step's percentiles from the final balances, which are known more exactly.
pub(super) fn chart(plan: &Plan, tally: &Tally, last: impl Fn(u64) -> f64) -> FanChart {
    let paths = tally.paths();
    let steps: Vec<u32> = std::iter::once(0).chain(plan.layout.stops.iter().copied()).collect();
    let between = (0..steps.len() - 2).map(|stop| tally.fan.at_ranks(stop, own_ranks(paths)));
    let between: Vec<[Place; PERCENTILES.len()]> = between.collect();
    let balance = Percentiles::of(std::array::from_fn(|which| {
        let states = between.iter().map(|places| places[which].state);
        let balances = std::iter::once(plan.start.x).chain(states).map(|x| plan.scale.balance(x));
        balances.chain(std::iter::once(last(PERCENTILES[which].into()))).collect()
    }));
    let shares = |by_step: &[u64]| {
        outcomes::counts_by(by_step, &steps).map(|count| count as f64 / paths as f64).collect()
    };
    FanChart {
        balance,
        floor: vec![plan.applied.floor_at_start().unwrap_or(0.0).max(0.0); steps.len()],
        breached: shares(&outcomes::breaches(&tally.events)),
        passed: plan.limits.pass.map(|_| shares(&outcomes::passes(&tally.events))),
        steps,
    }
}

/// The errors of the [`chart`]. Of the start there are none; `told` gives the figures of the last step with theirs.
pub(super) fn errors(
    plan: &Plan,
    tally: &Tally,
    history: &HistoryError<'_>,
    told: impl Fn(Figure) -> Option<Estimate>,
) -> FanErrors {
    let certain = |figure| told(figure).expect("has a value from one path on");
    let start =
        [outcomes::breaches(&tally.events), outcomes::passes(&tally.events)].map(|by_step| by_step[0]);
    let [broken, passed] = start.map(|count| history.sure(count as f64 / tally.paths() as f64));
    let opening = history.sure(plan.scale.balance(plan.start.x));
    let mut steps = vec![StepErrors { balances: [opening; PERCENTILES.len()], broken, passed: Some(passed) }];
    steps.extend(between(plan, tally, history));
    steps.push(StepErrors {
        balances: PERCENTILES
            .map(|permille| certain(Figure::Balance(permille)).mapped(|units| units / UNITS_PER_DOLLAR)),
        broken: certain(Figure::Breach),
        passed: told(Figure::Pass),
    });
    FanErrors {
        balance: Percentiles::of(std::array::from_fn(|which| {
            intervals(&steps, |step| Some(step.balances[which]))
        })),
        breached: intervals(&steps, |step| Some(step.broken)),
        passed: plan.limits.pass.map(|_| intervals(&steps, |step| step.passed)),
    }
}

/// What the tally of a weighted history says of its fan before the last step.
pub(super) fn draws(plan: &Plan, tally: &Tally) -> Vec<FanDraw> {
    let steps = &plan.layout.stops[..plan.layout.stops.len() - 1];
    let counts = |by_step: Vec<u64>| outcomes::counts_by(&by_step, steps).collect::<Vec<_>>();
    let broken = counts(outcomes::breaches(&tally.events));
    let passed = counts(outcomes::passes(&tally.events));
    let ranks = own_ranks(tally.paths());
    let at = |stop: usize| FanDraw {
        balances: tally.fan.at_ranks(stop, ranks).map(|place| plan.scale.balance_units(place.state)),
        broken: broken[stop] as u16,
        passed: passed[stop] as u16,
    };
    (0..steps.len()).map(at).collect()
}

/// The errors at one step: balances in US dollars, shares of broken and of passed paths.
struct StepErrors {
    balances: [Estimate; PERCENTILES.len()],
    broken: Estimate,
    passed: Option<Estimate>,
}

/// Those at the steps between the start and the last.
fn between(plan: &Plan, tally: &Tally, history: &HistoryError<'_>) -> Vec<StepErrors> {
    let paths = tally.paths();
    let steps = &plan.layout.stops[..plan.layout.stops.len() - 1];
    let broken = outcomes::breaches(&tally.events);
    let passed = outcomes::passes(&tally.events);
    let counts = outcomes::counts_by(&broken, steps).zip(outcomes::counts_by(&passed, steps));
    let at = |((stop, &step), (broken, passed)): ((usize, &u32), (u64, u64))| {
        let fans = history.fans(stop);
        let beside = |figure: Figure, estimate: Estimate, draw: &dyn Fn(&FanDraw) -> Draw| {
            let draws = fans.as_ref().map(|fans| fans.iter().map(|fan| Some(draw(fan))).collect());
            history.by_step(step, figure, estimate, draws)
        };
        let balances = Balances::at(plan, tally, stop);
        let balance = |which: usize| {
            let error = balances.noise[which];
            let draw = |fan: &FanDraw| Draw { value: fan.balances[which] as f64, error };
            let estimate = beside(Figure::Balance(PERCENTILES[which]), balances.told[which], &draw);
            // To the unit in which balances are told.
            estimate.mapped(|units| units.round() / UNITS_PER_DOLLAR)
        };
        let share = |figure, count, draw: fn(&FanDraw) -> u16| {
            let draw = |fan: &FanDraw| {
                Draw::of_share(f64::from(draw(fan)) / REPLICATE_PATHS as f64, REPLICATE_PATHS)
            };
            beside(figure, probability(count, paths), &draw)
        };
        StepErrors {
            balances: std::array::from_fn(balance),
            broken: share(Figure::Breach, broken, |fan| fan.broken),
            passed: plan.limits.pass.map(|_| share(Figure::Pass, passed, |fan| fan.passed)),
        }
    };
    steps.iter().enumerate().zip(counts).map(at).collect()
}

/// The balance's percentiles at one step, in the order of [`PERCENTILES`], units of 10⁻⁴ dollars.
struct Balances {
    /// With their Monte Carlo intervals, the bins' width included.
    told: [Estimate; PERCENTILES.len()],
    /// Their standard errors with as few paths as a weighted history has.
    noise: [f64; PERCENTILES.len()],
}

impl Balances {
    fn at(plan: &Plan, tally: &Tally, stop: usize) -> Self {
        let paths = tally.paths();
        let units = |x| plan.scale.balance_units(x) as f64;
        let own = tally.fan.at_ranks(stop, own_ranks(paths));
        let between = |ranks: [(u64, u64); PERCENTILES.len()]| {
            let [low, high] = [ranks.map(|(low, _)| low), ranks.map(|(_, high)| high)]
                .map(|ranks| tally.fan.at_ranks(stop, ranks));
            std::array::from_fn::<_, { PERCENTILES.len() }, _>(|which| (low[which], high[which]))
        };
        let interval =
            between(PERCENTILES.map(|permille| {
                ranks_about(rank(permille.into(), paths), f64::from(permille) / 1_000.0, paths)
            }));
        let noise = between(PERCENTILES.map(|permille| ranks_of_noise(f64::from(permille) / 1_000.0, paths)));
        Self {
            told: std::array::from_fn(|which| {
                let (low, high) = interval[which];
                Estimate {
                    lower: units(low.lowest),
                    upper: units(high.highest),
                    ..Estimate::of(units(own[which].state))
                }
            }),
            noise: noise.map(|(low, high)| (units(high.state) - units(low.state)) / 2.0),
        }
    }
}

/// The percentiles' ranks among `count` states.
fn own_ranks(count: u64) -> [u64; PERCENTILES.len()] {
    PERCENTILES.map(|permille| rank(permille.into(), count))
}

fn intervals(steps: &[StepErrors], of: impl Fn(&StepErrors) -> Option<Estimate>) -> Intervals {
    let series = |end: fn(Estimate) -> Option<f64>| -> Option<Vec<f64>> {
        steps.iter().filter_map(&of).map(end).collect()
    };
    Intervals {
        lower: steps.iter().filter_map(&of).map(|estimate| estimate.lower).collect(),
        upper: steps.iter().filter_map(&of).map(|estimate| estimate.upper).collect(),
        history_lower: series(|estimate| estimate.history_lower),
        history_upper: series(|estimate| estimate.history_upper),
    }
}
