//! A rare breach, from the repetitions of the splitting.

use serde::Serialize;

use super::levels::student_quantile;
use super::shape::Estimate;
use crate::rare::PARTICLES;
use crate::tally::Repetition;
use crate::{Plan, Tally};

/// The chance of a breach by the horizon where so few paths broke that their share says little; it holds the Monte Carlo error
/// alone, as `breachProbability` and for the same history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RareBreach {
    /// The chance: the mean of the repetitions.
    pub probability: f64,
    /// Its standard error, from the spread of the repetitions; absent where none met a breach.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pub standard_error: Option<f64>,
    /// The 95 % interval's lower end; 0 where no repetition met a breach.
    pub lower: f64,
    /// The 95 % interval's upper end; where no repetition met a breach, that of `breachProbability`.
    pub upper: f64,
    /// How it was found.
    pub method: RareMethod,
    /// Independent repetitions.
    pub repetitions: u32,
    /// Particles in each.
    pub particles: u32,
    /// Generations of a repetition, on average: each keeps the closer half of the particles or fewer.
    pub levels: f64,
    /// Paths walked, whole ones or from where they were copied.
    pub paths: u64,
}

/// How a rare breach was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum RareMethod {
    /// Cérou and Guyader (2007), unbiased after Bréhier and others (2016).
    AdaptiveMultilevelSplitting,
}

/// What the tally's repetitions say, where it has any; `counted` is the share of paths that broke.
pub(super) fn breach(plan: &Plan, tally: &Tally, counted: &Estimate) -> Option<RareBreach> {
    let repetitions = tally.rare.each();
    if repetitions.len() < 2 || repetitions.len() != plan.repetitions_beside(tally) as usize {
        return None;
    }
    Some(summed(repetitions, counted.upper))
}

/// The interval is Student's about the logarithm: repetitions multiply shares, so their mean leans to the right, and an
/// interval about the mean itself would end below the truth too often.
pub(crate) fn summed(repetitions: &[Repetition], upper_by_count: f64) -> RareBreach {
    let count = repetitions.len() as f64;
    let mean = |of: &dyn Fn(&Repetition) -> f64| repetitions.iter().map(of).sum::<f64>() / count;
    let probability = mean(&|repetition| repetition.probability);
    let squares = mean(&|repetition| (repetition.probability - probability).powi(2));
    let error = (squares / (count - 1.0)).sqrt();
    let (lower, upper) = if probability > 0.0 {
        let reach = libm::exp(student_quantile(count - 1.0) * error / probability);
        (probability / reach, (probability * reach).min(1.0))
    } else {
        (0.0, upper_by_count)
    };
    RareBreach {
        probability,
        standard_error: (probability > 0.0).then_some(error),
        lower,
        upper,
        method: RareMethod::AdaptiveMultilevelSplitting,
        repetitions: repetitions.len() as u32,
        particles: PARTICLES as u32,
        levels: mean(&|repetition| f64::from(repetition.generations)),
        paths: repetitions.iter().map(|repetition| repetition.paths).sum(),
    }
}

/// Where to look, as a sentence.
pub(super) fn pointer(rare: &RareBreach, broken: u64, paths: u64) -> String {
    let found = if rare.probability > 0.0 {
        format!("{:.2e} (95 %: {:.2e} to {:.2e})", rare.probability, rare.lower, rare.upper)
    } else {
        "no breach met there either, and an upper end by the count".to_owned()
    };
    format!(
        "{broken} of {paths} paths broke, too few to count on; rareBreach is the chance of a breach by adaptive multilevel \
         splitting, {} repetitions of {} particles: {found}.",
        rare.repetitions, rare.particles
    )
}

#[cfg(test)]
mod tests {
    use super::summed;
    use crate::tally::Repetition;

    fn of(probabilities: &[f64]) -> Vec<Repetition> {
        let each = (0..).zip(probabilities);
        each.map(|(index, &probability)| Repetition {
            index,
            probability,
            generations: 2 + index,
            paths: 300,
        })
        .collect()
    }

    #[test]
    fn the_spread_of_repetitions_by_hand() {
        // Mean 2.5, squares of deviations 5, standard error √(5 / 3 / 4) = 0.6455; t with 3 degrees 3.182.
        let rare = summed(&of(&[1e-6, 2e-6, 3e-6, 4e-6]), 0.5);
        assert!((rare.probability - 2.5e-6).abs() < 1e-18);
        assert!((rare.standard_error.unwrap() / 0.645_497e-6 - 1.0).abs() < 1e-5);
        let reach = (3.182_4 * 0.258_199_f64).exp();
        assert!((rare.upper / (2.5e-6 * reach) - 1.0).abs() < 0.004, "{rare:?}");
        assert!((rare.lower * reach / 2.5e-6 - 1.0).abs() < 0.004, "{rare:?}");
        assert_eq!((rare.repetitions, rare.levels, rare.paths), (4, 3.5, 1_200));
    }

    #[test]
    fn no_breach_met_leaves_open_what_the_count_does() {
        let rare = summed(&of(&[0.0; 5]), 3e-6);
        assert_eq!((rare.probability, rare.standard_error, rare.lower, rare.upper), (0.0, None, 0.0, 3e-6));
    }

    #[test]
    fn repetitions_that_agree_leave_nothing_open() {
        let rare = summed(&of(&[0.25; 5]), 1.0);
        assert_eq!((rare.lower, rare.upper, rare.standard_error), (0.25, 0.25, Some(0.0)));
    }
}
