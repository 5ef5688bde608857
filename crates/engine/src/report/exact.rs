//! The sampled probabilities beside those of a lattice.

use super::shape::{Exact, ExactProbability};
use crate::lattice::ExactLaw;
use crate::tally::{Draw, Figure};

/// Sampled and exact probabilities farther apart than this are said: chance alone does it once in 16,000 results.
const STANDARD_ERRORS_MAX: f64 = 4.0;

/// What the law of a weighted history says of `figure`, which is exact but for rounding.
pub(super) fn draw(law: &ExactLaw, figure: Figure) -> Option<Draw> {
    let last = |series: &[f64]| series.last().copied();
    let value = match figure {
        Figure::Breach => last(&law.breached)?,
        Figure::Pass => last(&law.passed)?,
        Figure::Neither => (1.0 - last(&law.breached)? - last(&law.passed)?).max(0.0),
        _ => return None,
    };
    Some(Draw { value, error: 0.0 })
}

/// Compares the events among `paths` with their law; says in `warnings` where chance cannot explain the difference.
/// `passed` is absent where there is nothing to pass.
pub(super) fn compared(
    law: &ExactLaw,
    broken: u64,
    passed: Option<u64>,
    paths: u64,
    warnings: &mut Vec<String>,
) -> Exact {
    let mut compare = |name, series: &[f64], error, events: u64| {
        let value = series.last().copied().unwrap_or(0.0);
        let paths = paths as f64;
        let difference = events as f64 / paths - value;
        let standard_error = (value * (1.0 - value) / paths).sqrt();
        if difference.abs() > STANDARD_ERRORS_MAX * standard_error + error {
            warnings.push(format!(
                "The sampled {name} is {difference:+.6} away from the exact one of {value:.6} ± {error:.6}: more than \
                 {STANDARD_ERRORS_MAX} standard errors, which chance does not explain."
            ));
        }
        let standard_errors = (standard_error > 0.0).then(|| difference / standard_error);
        ExactProbability { value, error, standard_errors }
    };
    Exact {
        breach_probability: compare("breachProbability", &law.breached, law.breached_error, broken),
        pass_probability: passed
            .map(|passed| compare("passProbability", &law.passed, law.passed_error, passed)),
    }
}

#[cfg(test)]
mod tests {
    use super::{compared, draw};
    use crate::ExactLaw;
    use crate::tally::{Draw, Figure};

    fn law() -> ExactLaw {
        ExactLaw {
            breached: vec![0.0, 0.1, 0.2],
            passed: vec![0.0, 0.0, 1.0],
            breached_error: 0.002,
            passed_error: 1e-12,
        }
    }

    #[test]
    fn counts_standard_errors_of_the_exact_value() {
        // √(0.2 · 0.8 / 10,000) = 0.004: 0.21 is 2.5 of them above.
        let mut warnings = Vec::new();
        let exact = compared(&law(), 2_100, Some(10_000), 10_000, &mut warnings);
        let breach = exact.breach_probability;
        assert!((breach.standard_errors.unwrap() - 2.5).abs() < 1e-9, "{breach:?}");
        assert_eq!((breach.value, breach.error), (0.2, 0.002));
        assert_eq!(exact.pass_probability.unwrap().standard_errors, None, "a sure event has no spread");
        assert!(warnings.is_empty(), "{warnings:?}");
    }

    #[test]
    fn says_what_chance_does_not_explain() {
        // 4 · 0.004 + 0.002 = 0.018.
        for (broken, said) in [(2_179, 0), (2_181, 1), (1_821, 0), (1_819, 1)] {
            let mut warnings = Vec::new();
            compared(&law(), broken, None, 10_000, &mut warnings);
            assert_eq!(warnings.len(), said, "{broken}: {warnings:?}");
        }
        let mut warnings = Vec::new();
        compared(&law(), 2_000, Some(9_999), 10_000, &mut warnings);
        assert!(warnings[0].contains("passProbability"), "{warnings:?}");
    }

    #[test]
    fn a_law_says_how_it_ends_and_nothing_else() {
        let law = ExactLaw { breached: vec![0.0, 0.25], passed: vec![0.0, 0.5], ..law() };
        let figures = [Figure::Breach, Figure::Pass, Figure::Neither, Figure::Ruin, Figure::Payout];
        let draws = figures.map(|figure| draw(&law, figure));
        let exactly = |value| Some(Draw { value, error: 0.0 });
        assert_eq!(draws, [exactly(0.25), exactly(0.5), exactly(0.25), None, None]);
    }
}
