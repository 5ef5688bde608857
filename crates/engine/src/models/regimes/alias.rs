//! Draws by any probabilities in two words: the alias method of Walker, "An efficient method for generating discrete random
//! variables with general distributions" (ACM TOMS 1977), its table made as Vose, "A linear algorithm for generating random
//! numbers with a given distribution" (IEEE TSE 1991) makes it, in whole numbers.

/// What a column holds.
const FULL: u64 = 1 << 32;

/// A column's share in 2⁻³² of itself; what is above it belongs to another item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// A word below this stays at the column's own item.
    pub(super) below: u32,
    /// The item of all other words.
    pub(super) other: u32,
}

/// As many columns as items, so that each is drawn by its weight. The weights are not negative and not all 0; each share is
/// off by less than 2⁻³² of one column.
pub(super) fn columns(weights: &[f64]) -> Vec<Column> {
    let mut shares = shares(weights);
    // A column keeps all of itself until it has lent.
    let mut columns: Vec<Column> =
        (0..weights.len() as u32).map(|item| Column { below: u32::MAX, other: item }).collect();
    let (mut poor, mut rich): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for (item, &share) in shares.iter().enumerate() {
        (if share < FULL { &mut poor } else { &mut rich }).push(item);
    }
    while let (Some(&lender), Some(item)) = (rich.last(), poor.pop()) {
        columns[item] = Column { below: shares[item] as u32, other: lender as u32 };
        shares[lender] -= FULL - shares[item];
        if shares[lender] < FULL {
            rich.pop();
            poor.push(lender);
        }
    }
    columns
}

/// The weights as whole numbers that add up to 2³² a column exactly: differences of the rounded running
/// sum, which adds in the order of the total and so ends at it.
fn shares(weights: &[f64]) -> Vec<u64> {
    let total: f64 = weights.iter().sum();
    let all = weights.len() as u64 * FULL;
    let (mut sum, mut given) = (0.0, 0);
    weights
        .iter()
        .map(|weight| {
            sum += weight;
            let until = ((sum / total * all as f64) as u64).clamp(given, all);
            let share = until - given;
            given = until;
            share
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop, prop_assert, proptest};

    use super::{FULL, columns, shares};

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_item_has_its_share_exactly(weights in prop::collection::vec(0_u32..50, 1..80), first in 1_u32..9) {
            let mut weights: Vec<f64> = weights.into_iter().map(|weight| f64::from(weight * weight) / 7.0).collect();
            weights[0] += f64::from(first);
            let total: f64 = weights.iter().sum();
            let mut drawn = vec![0_u64; weights.len()];
            for (item, column) in columns(&weights).into_iter().enumerate() {
                // A column that never lent holds itself twice.
                drawn[item] += u64::from(column.below);
                drawn[column.other as usize] += FULL - u64::from(column.below);
            }
            prop_assert!(drawn == shares(&weights));
            prop_assert!(drawn.iter().sum::<u64>() == FULL * weights.len() as u64);
            for (&drawn, weight) in drawn.iter().zip(&weights) {
                let expected = weight / total * (FULL * weights.len() as u64) as f64;
                prop_assert!((drawn as f64 - expected).abs() < 2.0 + expected * 1e-12, "{} {}", drawn, expected);
                prop_assert!(*weight > 0.0 || drawn == 0);
            }
        }
    }
}
