//! A hidden Markov chain of two states behind a series: Hamilton, "A new approach to the economic analysis of nonstationary
//! time series and the business cycle" (Econometrica 1989), with a normal law in each state and none of his lags.
//!
//! Fitted by expectation and maximisation: Baum, Petrie, Soules & Weiss, "A maximization technique occurring in the
//! statistical analysis of probabilistic functions of Markov chains" (Annals of Mathematical Statistics 1970), the states
//! smoothed backwards as in Kim, "Dynamic linear models with Markov-switching" (Journal of Econometrics 1994).

/// Rounds that each start is given before the likeliest of them goes on.
const ROUNDS_TO_CHOOSE: u32 = 15;

/// Rounds of the one that goes on, at most: bounds the planning of 200,000 rows to about a second.
const ROUNDS_MAX: u32 = 120;

/// It has arrived where a round adds less than this to the log-likelihood: no figure shows it.
const GAIN_MIN: f64 = 1e-6;

/// The least deviation of a state, in deviations of all: without a bound a state would close in on one value that comes
/// twice, and the likelihood would grow without end.
const DEVIATION_MIN: f64 = 0.05;

/// No state is ruled out before the first row is seen, lest that row be impossible in the other.
const FIRST_MIN: f64 = 1e-9;

/// Where the search begins, in deviations of all: (means, deviations). Regimes differ by spread, by mean, or by both.
const STARTS: [([f64; 2], [f64; 2]); 4] = [
    ([0.0, 0.0], [0.6, 1.4]),
    ([0.6, -0.6], [0.8, 0.8]),
    ([0.3, -0.5], [0.6, 1.3]),
    ([-0.3, 0.5], [0.6, 1.3]),
];

/// The chance that a start leaves a state with a row.
const START_LEAVES: f64 = 0.05;

/// Parameters of a chain: two means, two deviations, two chances to leave, a first state.
const PARAMETERS: f64 = 7.0;
/// Of a mixture, whose rows do not tell the next one's state: two means, two deviations, a share.
const MIXTURE_PARAMETERS: f64 = 5.0;
/// Of a normal law.
const NORMAL_PARAMETERS: f64 = 2.0;

/// A chain of two states; numbers by state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hidden {
    /// Of a row.
    pub(crate) means: [f64; 2],
    /// Of a row.
    pub(crate) deviations: [f64; 2],
    /// The chance that the next row is in the other state.
    pub(crate) leaves: [f64; 2],
    /// Of the state before the first row is seen.
    pub(super) first: [f64; 2],
}

/// What a series says of a chain's states.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// The log of the series' density, less the normal law's constant `½ ln 2π` for each row.
    pub(crate) log_likelihood: f64,
    /// Of each row, given the whole series.
    pub(crate) states: Vec<[f64; 2]>,
    /// That a row is in the state and the next is in the other; of each row but the last.
    pub(crate) leaves: Vec<[f64; 2]>,
    /// Of the last row, given all until then.
    pub(crate) last: [f64; 2],
}

/// A chain fitted to a series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FittedChain {
    /// Of all rows.
    pub(crate) mean: f64,
    /// Of all rows.
    pub(crate) deviation: f64,
    /// The state that spreads less first.
    pub(crate) hidden: Hidden,
    /// What the series says of its states.
    pub(crate) seen: Seen,
    /// By how much its log-likelihood is above one normal law's.
    pub(crate) log_likelihood_gain: f64,
    /// By how much its BIC is below one normal law's: above 0 where the series is not of one.
    pub(crate) bic_gain: f64,
    /// By how much its BIC is below that of a mixture of two normal laws, each row of either by a chance of its own: above 0
    /// where the states last. A series of one law with wide tails is such a mixture as well.
    pub(crate) bic_gain_over_mixture: f64,
}

impl FittedChain {
    /// Of `series`, which has at least two values that differ.
    pub(crate) fn of(series: &[f64]) -> Self {
        let count = series.len() as f64;
        let mean = series.iter().sum::<f64>() / count;
        let deviation = (series.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count).sqrt();
        let values: Vec<f64> = series.iter().map(|x| (x - mean) / deviation).collect();
        let (hidden, seen) = likeliest(&values, |hidden, _| hidden);
        let (_, mixed) = likeliest(&values, Hidden::mixed);
        // Of values of mean 0 and deviation 1 under their normal law.
        let log_likelihood_gain = seen.log_likelihood + count / 2.0;
        let bic_gain = |gain: f64, parameters: f64| 2.0 * gain - (PARAMETERS - parameters) * libm::log(count);
        Self {
            mean,
            deviation,
            hidden: Hidden {
                means: hidden.means.map(|at| mean + deviation * at),
                deviations: hidden.deviations.map(|of| deviation * of),
                ..hidden
            },
            log_likelihood_gain,
            bic_gain: bic_gain(log_likelihood_gain, NORMAL_PARAMETERS),
            bic_gain_over_mixture: bic_gain(seen.log_likelihood - mixed.log_likelihood, MIXTURE_PARAMETERS),
            seen,
        }
    }
}

impl FittedChain {
    /// Rows of the series.
    pub(crate) fn rows(&self) -> usize {
        self.seen.states.len()
    }

    /// The row of [`super::Regimes`] that is the series' row `row` in its likelier state.
    pub(crate) fn row_like(&self, row: u32) -> u32 {
        let [one, other] = self.seen.states[row as usize];
        if other > one { row + self.rows() as u32 } else { row }
    }

    /// Of a row that is met in the long run, how likely it is in each state.
    pub(crate) fn shares(&self) -> [f64; 2] {
        let [first, second] = self.hidden.leaves;
        [second / (first + second), first / (first + second)]
    }

    /// How many times as wide the variance of a sum of rows may be as of independent ones: a path may stay where rows spread
    /// most, and means that take turns move the rows of one stay together.
    pub(crate) fn variance_factor(&self) -> f64 {
        let (Hidden { means, deviations, leaves, .. }, shares) = (self.hidden, self.shares());
        let between = shares[0] * shares[1] * (means[0] - means[1]) * (means[0] - means[1]);
        let within: [f64; 2] = deviations.map(|deviation| deviation * deviation);
        let all = shares[0] * within[0] + shares[1] * within[1] + between;
        (within[0].max(within[1]) + 2.0 * between / (leaves[0] + leaves[1])) / all
    }
}

/// The likeliest chain behind values of mean 0 and deviation 1, of those that `of` makes.
fn likeliest(values: &[f64], of: impl Fn(Hidden, &Seen) -> Hidden + Copy) -> (Hidden, Seen) {
    let begun = STARTS.map(|(means, deviations)| {
        let start = Hidden { means, deviations, leaves: [START_LEAVES; 2], first: [0.5; 2] };
        start.climbed(values, ROUNDS_TO_CHOOSE, of)
    });
    // The first of the likeliest.
    let [first, others @ ..] = begun;
    let better = |best: (Hidden, Seen), other: (Hidden, Seen)| {
        if other.1.log_likelihood > best.1.log_likelihood { other } else { best }
    };
    let (hidden, _) = others.into_iter().fold(first, better);
    let (hidden, seen) = hidden.climbed(values, ROUNDS_MAX, of);
    if hidden.deviations[0] <= hidden.deviations[1] {
        (hidden, seen)
    } else {
        (hidden.swapped(), seen.swapped())
    }
}

impl Hidden {
    /// After at most `rounds` rounds of expectation and maximisation, among the chains that `of` makes.
    fn climbed(mut self, values: &[f64], rounds: u32, of: impl Fn(Self, &Seen) -> Self) -> (Self, Seen) {
        let mut seen = self.look(values);
        for _ in 0..rounds {
            let next = of(self.improved(values, &seen), &seen);
            let seen_next = next.look(values);
            let gain = seen_next.log_likelihood - seen.log_likelihood;
            (self, seen) = (next, seen_next);
            if gain < GAIN_MIN {
                break;
            }
        }
        (self, seen)
    }

    /// The expectation: Hamilton's filter forwards, Kim's smoother backwards.
    fn look(&self, values: &[f64]) -> Seen {
        let mut log_likelihood = 0.0;
        let mut predicted = Vec::with_capacity(values.len());
        let mut filtered = Vec::with_capacity(values.len());
        let mut expected = self.first;
        for &value in values {
            let logs: [f64; 2] = std::array::from_fn(|state| self.log_density(state, value));
            // Against the larger, so that a far value leaves one of them above 0.
            let most = logs[0].max(logs[1]);
            let joint: [f64; 2] =
                std::array::from_fn(|state| expected[state] * libm::exp(logs[state] - most));
            let sum = joint[0] + joint[1];
            log_likelihood += most + libm::log(sum);
            predicted.push(expected);
            let now = joint.map(|part| part / sum);
            filtered.push(now);
            expected = self.after(now);
        }
        let last = filtered[values.len() - 1];
        let mut states = filtered;
        let mut leaves = vec![[0.0; 2]; values.len() - 1];
        for at in (0..leaves.len()).rev() {
            let [now, next, expected] = [states[at], states[at + 1], predicted[at + 1]];
            let ratio: [f64; 2] = std::array::from_fn(|state| next[state] / expected[state]);
            leaves[at] = [0, 1].map(|state| now[state] * self.leaves[state] * ratio[1 - state]);
            let stays = [0, 1].map(|state| now[state] * (1.0 - self.leaves[state]) * ratio[state]);
            states[at] = [0, 1].map(|state| leaves[at][state] + stays[state]);
        }
        Seen { log_likelihood, states, leaves, last }
    }

    fn log_density(&self, state: usize, value: f64) -> f64 {
        let z = (value - self.means[state]) / self.deviations[state];
        -z * z / 2.0 - libm::log(self.deviations[state])
    }

    /// The chances of the states one row after those given.
    pub(crate) fn after(&self, now: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|state| now[state] * (1.0 - self.leaves[state]) + now[1 - state] * self.leaves[1 - state])
    }

    /// The maximisation, within the bounds.
    fn improved(&self, values: &[f64], seen: &Seen) -> Self {
        let mut next = *self;
        // No state is taken to last longer than the series, and none to be left for certain, which no series shows.
        let least = 1.0 / values.len() as f64;
        for state in [0, 1] {
            let weights = || seen.states.iter().map(|states| states[state]);
            let weight: f64 = weights().sum();
            let before_last = weight - seen.states[values.len() - 1][state];
            // A state that holds no row keeps what it was.
            if before_last < least {
                continue;
            }
            let mean = weights().zip(values).map(|(weight, x)| weight * x).sum::<f64>() / weight;
            let squares = weights().zip(values).map(|(weight, x)| weight * (x - mean) * (x - mean));
            let leaves: f64 = seen.leaves.iter().map(|leaves| leaves[state]).sum();
            next.means[state] = mean;
            next.deviations[state] = (squares.sum::<f64>() / weight).sqrt().max(DEVIATION_MIN);
            next.leaves[state] = (leaves / before_last).clamp(least, 1.0 - least);
        }
        next.first = seen.states[0].map(|chance| chance.clamp(FIRST_MIN, 1.0 - FIRST_MIN));
        next
    }

    /// A mixture: the next state is in the first by a chance that is the same from both.
    fn mixed(self, seen: &Seen) -> Self {
        let count = seen.states.len() as f64;
        let second = seen.states.iter().map(|states| states[1]).sum::<f64>() / count;
        let second = second.clamp(1.0 / count, 1.0 - 1.0 / count);
        Self { leaves: [second, 1.0 - second], first: [1.0 - second, second], ..self }
    }

    fn swapped(self) -> Self {
        let Self { means: [a, b], deviations: [c, d], leaves: [e, f], first: [g, h] } = self;
        Self { means: [b, a], deviations: [d, c], leaves: [f, e], first: [h, g] }
    }
}

impl Seen {
    fn swapped(mut self) -> Self {
        self.states.iter_mut().chain(&mut self.leaves).for_each(|[one, other]| std::mem::swap(one, other));
        self.last.reverse();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{DEVIATION_MIN, FittedChain, Hidden, START_LEAVES, STARTS};
    use crate::models::law::normal_steps;
    use crate::random::Stream;
    use crate::random::bounded::Bounded;

    /// A series that `hidden` makes, in steps of a thousandth; the states beside it.
    fn series(hidden: &Hidden, count: usize, path: u64) -> (Vec<f64>, Vec<usize>) {
        let normal = normal_steps(1e6);
        let mut stream = Stream::of_path(17, path);
        let mut state = 0;
        (0..count)
            .map(|_| {
                let leaves = (hidden.leaves[state] * f64::from(1 << 30)) as u32;
                if Bounded::below(1 << 30).draw(&mut stream) < leaves {
                    state = 1 - state;
                }
                let z = normal[Bounded::below(normal.len() as u32).draw(&mut stream) as usize] as f64 / 1e6;
                (hidden.means[state] + hidden.deviations[state] * z, state)
            })
            .unzip()
    }

    const MADE: Hidden =
        Hidden { means: [40.0, -30.0], deviations: [60.0, 140.0], leaves: [0.02, 0.04], first: [0.5, 0.5] };

    #[test]
    fn a_long_series_gives_its_chain_back() {
        let (values, states) = series(&MADE, 40_000, 1);
        let fitted = FittedChain::of(&values);
        let Hidden { means, deviations, leaves, .. } = fitted.hidden;
        // Of some 26,700 and 13,300 rows: errors of the means 0.4 and 1.2, of the deviations 0.3 and 0.9, of the chances to
        // leave 0.0009 and 0.0017, each larger for the rows whose state is not sure.
        for (seen, made, error) in [
            (means[0], 40.0, 0.4),
            (means[1], -30.0, 1.2),
            (deviations[0], 60.0, 0.3),
            (deviations[1], 140.0, 0.9),
            (leaves[0], 0.02, 0.001),
            (leaves[1], 0.04, 0.002),
        ] {
            assert!(
                (seen - made).abs() < 4.0 * error,
                "{seen} is not {made}: {fitted:?}",
                fitted = fitted.hidden
            );
        }
        let right = fitted.seen.states.iter().zip(&states).filter(|(seen, made)| seen[**made] > 0.5).count();
        assert!(right > 38_000, "{right} of 40,000 rows are given their own state");
        assert!(fitted.bic_gain > 1_000.0);
        assert!((fitted.shares()[0] - 2.0 / 3.0).abs() < 0.04);
    }

    #[test]
    fn the_likelihood_never_falls() {
        for path in 0..20 {
            let (mut values, _) = series(&MADE, 60 + 20 * path as usize, path);
            if path % 2 == 1 {
                // One far value, and some that are equal.
                values[7] = 900.0;
                values[20..40].fill(1.0);
            }
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let deviation = (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count).sqrt();
            values.iter_mut().for_each(|x| *x = (*x - mean) / deviation);
            for (means, deviations) in STARTS {
                let mut hidden = Hidden { means, deviations, leaves: [START_LEAVES; 2], first: [0.5; 2] };
                let mut seen = hidden.look(&values);
                for _ in 0..200 {
                    hidden = hidden.improved(&values, &seen);
                    let next = hidden.look(&values);
                    let fall = seen.log_likelihood - next.log_likelihood;
                    assert!(fall < 1e-9 * count, "by {fall} with {hidden:?}");
                    seen = next;
                }
            }
        }
    }

    #[test]
    fn chances_add_up_and_a_swap_of_names_swaps_all() {
        let (values, _) = series(&MADE, 300, 3);
        let values: Vec<f64> = values.iter().map(|x| x / 100.0).collect();
        let hidden = Hidden { means: [0.4, -0.3], deviations: [0.6, 1.4], ..MADE };
        let seen = hidden.look(&values);
        for (states, leaves) in seen.states.iter().zip(&seen.leaves) {
            assert!((states[0] + states[1] - 1.0).abs() < 1e-9);
            assert!((0..2).all(|state| leaves[state] <= states[state] + 1e-12));
        }
        // Steps into a state and out of it: as many, but for the ends.
        let sum = |of: &[[f64; 2]], state: usize| of.iter().map(|chances| chances[state]).sum::<f64>();
        let out_less_in = sum(&seen.leaves, 0) - sum(&seen.leaves, 1);
        let ends = seen.states[0][0] - seen.states[299][0];
        assert!((out_less_in - ends).abs() < 1e-9, "{out_less_in} {ends}");
        assert_eq!(seen.states[299], seen.last);
        assert_eq!(hidden.swapped().look(&values), seen.clone().swapped());
        assert_eq!(
            hidden.swapped().improved(&values, &seen.clone().swapped()),
            hidden.improved(&values, &seen).swapped()
        );
    }

    #[test]
    fn the_likelihood_is_that_of_all_paths_of_states() {
        let hidden =
            Hidden { means: [0.5, -0.7], deviations: [0.4, 1.9], leaves: [0.3, 0.2], first: [0.6, 0.4] };
        let values = [0.3, -2.0, 0.9, 1.4, -0.2];
        let (mut all, mut second) = (0.0, 0.0);
        for path in 0..32_usize {
            let state = |at: usize| path >> at & 1;
            let mut density = hidden.first[state(0)];
            for (at, &value) in values.iter().enumerate() {
                if at > 0 {
                    let leaves = hidden.leaves[state(at - 1)];
                    density *= if state(at) == state(at - 1) { 1.0 - leaves } else { leaves };
                }
                density *= libm::exp(hidden.log_density(state(at), value));
            }
            all += density;
            second += if state(2) == 1 { density } else { 0.0 };
        }
        let seen = hidden.look(&values);
        assert!((seen.log_likelihood - libm::log(all)).abs() < 1e-12);
        assert!((seen.states[2][1] - second / all).abs() < 1e-12);
    }

    #[test]
    fn what_has_one_law_shows_no_two_regimes() {
        let one = Hidden { means: [10.0; 2], deviations: [80.0; 2], ..MADE };
        let told = |hidden: &Hidden, gain: fn(&FittedChain) -> f64| {
            (0..40).filter(|&path| gain(&FittedChain::of(&series(hidden, 250, path).0)) > 0.0).count()
        };
        let over_one = |fitted: &FittedChain| fitted.bic_gain;
        let over_mixture = |fitted: &FittedChain| fitted.bic_gain_over_mixture;
        let wide = Hidden { means: [0.0; 2], deviations: [50.0, 200.0], leaves: [0.2, 0.8], ..MADE };
        let seen = [
            told(&one, over_one),
            told(&one, over_mixture),
            told(&wide, over_one),
            told(&wide, over_mixture),
        ];
        assert!(seen[0] <= 2 && seen[1] <= 4 && seen[2] >= 36 && seen[3] <= 4, "{seen:?} of 40");
        let seen = [told(&MADE, over_one), told(&MADE, over_mixture)];
        assert!(seen.iter().all(|&told| told >= 36), "{seen:?} of 40");
    }

    #[test]
    fn no_state_closes_in_on_one_value() {
        // A third of the rows is alike: a law of no width there would be as likely as one likes.
        let mut values = series(&MADE, 90, 5).0;
        values[30..60].fill(25.0);
        let fitted = FittedChain::of(&values);
        let least = DEVIATION_MIN * fitted.deviation;
        assert!((fitted.hidden.deviations[0] / least - 1.0).abs() < 1e-9, "{:?} {least}", fitted.hidden);
        assert!((fitted.hidden.means[0] - 25.0).abs() < least, "{:?}", fitted.hidden);
    }
}
