//! A history weighted anew, for what a short history cannot tell: the Bayesian bootstrap of Rubin, "The Bayesian
//! bootstrap" (Annals of Statistics 1981), with weights on blocks of rows, so that dependence within a block is kept.

use crate::random::Stream;
use crate::random::bounded::Bounded;

/// Rows of a weighted history: enough that rounding the weights to whole rows adds next to nothing to their spread.
const ROWS_MIN: usize = 4_096;
/// Times a long history's rows.
const COPIES: usize = 2;
/// Above this, a weighted history is as long as the history itself.
const ROWS_MAX: usize = 65_536;
/// Blocks below which the weights of blocks would hardly vary the history.
const BLOCKS_MIN: u32 = 8;

/// How the rows of one history are weighted anew.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reweighting {
    rows: u32,
    /// Rows that share a weight.
    pub(crate) block: u32,
}

impl Reweighting {
    /// For `rows` rows from which paths draw blocks of `length` rows on average: twice as many share a weight, so that
    /// the joints between them are half of the joints that a path has anyway; but at least eight weights, where there are as
    /// many rows.
    pub(crate) fn new(rows: u32, length: f64) -> Self {
        let block = if length > 1.0 { (2.0 * length).round() as u32 } else { 1 };
        Self { rows, block: block.min(rows / BLOCKS_MIN).max(1) }
    }

    /// The rows of a history weighted by `stream`, in the order in which a circular process walks them: whole blocks,
    /// shuffled, each as often as its weight says (standard exponential, so that together they are uniform on the
    /// simplex).
    pub(crate) fn draw(&self, stream: &mut Stream) -> Vec<u32> {
        let (rows, block) = (self.rows, self.block);
        let offset = Bounded::below(block).draw(stream);
        let firsts: Vec<u32> = (0..rows.div_ceil(block)).map(|index| index * block).collect();
        let length = |first: u32| block.min(rows - first);
        let weights: Vec<f64> = firsts.iter().map(|_| -libm::log(open_unit(stream))).collect();
        let total: f64 =
            weights.iter().zip(&firsts).map(|(weight, &first)| weight * f64::from(length(first))).sum();
        let wanted = (COPIES * rows as usize).max(ROWS_MIN).min(ROWS_MAX.max(rows as usize)) as f64;

        // Systematic rounding (Madow 1949): a block's expected number of copies is its exact share.
        let mut mark = open_unit(stream);
        let mut copies = Vec::new();
        for (weight, &first) in weights.iter().zip(&firsts) {
            let next = mark + weight / total * wanted;
            let count = next.floor() - mark.floor();
            copies.extend((0..count as u32).map(|_| first));
            mark = next;
        }
        if block > 1 {
            shuffle(&mut copies, stream);
        }
        let walk = |first: u32| (first..first + length(first)).map(move |row| (row + offset) % rows);
        copies.into_iter().flat_map(walk).collect()
    }

    /// The mean length of a path's blocks on the rows drawn, so that with the joints between them the path breaks off as
    /// often as it does on the history itself.
    pub(crate) fn length_within(&self, length: f64, drawn: usize) -> f64 {
        let most = drawn as f64 / 4.0;
        let rate = 1.0 / length - 1.0 / f64::from(self.block);
        if rate * most > 1.0 { 1.0 / rate } else { most }
    }
}

/// A number of 53 random bits, above 0 and below 1.
fn open_unit(stream: &mut Stream) -> f64 {
    let (high, low) = (u64::from(stream.next_u32() >> 5), u64::from(stream.next_u32() >> 6));
    ((high << 26 | low) as f64 + 0.5) / 9_007_199_254_740_992.0
}

/// Fisher and Yates.
fn shuffle(items: &mut [u32], stream: &mut Stream) {
    for last in (1..items.len()).rev() {
        let other = Bounded::below(last as u32 + 1).draw(stream) as usize;
        items.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use super::Reweighting;
    use crate::random::Stream;

    /// Mean and variance, over many draws, of the mean of `values` under the drawn weights.
    fn spread(values: &[f64], length: f64) -> (f64, f64) {
        let reweighting = Reweighting::new(values.len() as u32, length);
        let means: Vec<f64> = (0..4_000)
            .map(|draw| {
                let rows = reweighting.draw(&mut Stream::of_path(5, draw));
                rows.iter().map(|&row| values[row as usize]).sum::<f64>() / rows.len() as f64
            })
            .collect();
        let mean = means.iter().sum::<f64>() / 4_000.0;
        (mean, means.iter().map(|m| (m - mean) * (m - mean)).sum::<f64>() / 4_000.0)
    }

    /// The variance of a sample variance of `n` nearly normal values is 2 σ⁴ / n.
    fn assert_within_four_errors(seen: f64, expected: f64) {
        let error = expected * (2.0_f64 / 4_000.0).sqrt();
        assert!((seen - expected).abs() < 4.0 * error, "{seen} is not {expected} ± 4 · {error}");
    }

    #[test]
    fn weights_of_rows_are_uniform_on_the_simplex() {
        // The mean of n values under Dirichlet(1, …, 1) weights has variance σ² / (n + 1): Rubin (1981).
        let values: Vec<f64> = (0..40).map(|n| f64::from(n * n % 17)).collect();
        let mean = values.iter().sum::<f64>() / 40.0;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 40.0;
        let (seen, seen_variance) = spread(&values, 1.0);
        assert!((seen - mean).abs() < 4.0 * (variance / 41.0 / 4_000.0_f64).sqrt());
        assert_within_four_errors(seen_variance, variance / 41.0);
    }

    #[test]
    fn dependence_within_blocks_is_kept() {
        // Runs of ten equal values: weights on rows would give a tenth of the variance of weights on runs.
        let mut stream = Stream::of_path(8, 8);
        let runs: Vec<f64> = (0..40).map(|_| f64::from(stream.next_u32() >> 20)).collect();
        let values: Vec<f64> = (0..400).map(|n| runs[n / 10]).collect();
        let (_, by_row) = spread(&values, 1.0);
        let (_, by_block) = spread(&values, 10.0);
        // Ten rows of a run count as one; that a block of twenty may begin within a run takes a little away.
        assert!(by_block > 6.0 * by_row && by_block < 15.0 * by_row, "{by_block} {by_row}");
    }

    #[test]
    fn blocks_stay_whole_and_joints_are_counted() {
        let reweighting = Reweighting::new(100, 5.0);
        assert_eq!(reweighting.block, 10);
        let rows = reweighting.draw(&mut Stream::of_path(1, 2));
        assert!(rows.len().abs_diff(4_096) < 20, "{}", rows.len());
        let joints = rows.windows(2).filter(|pair| pair[1] != (pair[0] + 1) % 100).count();
        assert!(joints <= rows.len() / 10, "{joints}");
        // A tenth of the steps crosses a joint, a tenth breaks off: a fifth together, as in blocks of five.
        assert!((reweighting.length_within(5.0, rows.len()) - 10.0).abs() < 1e-9);
        assert_eq!(Reweighting::new(30, 10.0).block, 3);
        assert_eq!(Reweighting::new(2, 1.0).block, 1);
    }
}
