//! Traders whose law is known.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal, StandardNormal, StudentT};

/// A law of returns, one a trade.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trader {
    /// Independent, normal: mean 0.1 %, deviation 1 %.
    Normal,
    /// Independent, Student's t with 4 degrees of freedom: mean 0.1 %, deviation 1 %.
    HeavyTails,
    /// A prediction market: +1.8 % with probability 0.55, else −2 %.
    Bimodal,
    /// Small wins and rare large losses: +0.6 % with probability 0.9, else a loss of 4 % on average, exponential.
    Skewed,
    /// Autoregressive, ρ = 0.3: mean 0.1 %, deviation 1 %.
    Autoregressive,
    /// Volatility clusters: GARCH(1, 1) with α = 0.10, β = 0.85, mean 0.1 %, deviation 1 %.
    Garch,
    /// Two regimes that last 40 trades on average: +0.4 % ± 0.6 % and −0.2 % ± 1.4 %.
    Regimes,
}

impl Trader {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Normal,
        Self::HeavyTails,
        Self::Bimodal,
        Self::Skewed,
        Self::Autoregressive,
        Self::Garch,
        Self::Regimes,
    ];

    /// Whether a trade depends on those before it.
    pub(crate) fn is_dependent(self) -> bool {
        matches!(self, Self::Autoregressive | Self::Garch | Self::Regimes)
    }

    /// `count` returns in order, from the stationary law.
    pub(crate) fn returns(self, count: usize, random: &mut ChaCha8Rng) -> Vec<f64> {
        self.history(count, random).0
    }

    /// The same, and the state in which they end.
    pub(crate) fn history(self, count: usize, random: &mut ChaCha8Rng) -> (Vec<f64>, State) {
        let mut state = State { last: 0.0, variance: 1.0, is_calm: random.random() };
        // What the first trade depends on has been forgotten after so many.
        let forgotten = if self.is_dependent() { 400 } else { 0 };
        let returns = (0..forgotten + count).map(|_| self.next(&mut state, random)).skip(forgotten).collect();
        (returns, state)
    }

    /// The next return.
    pub(crate) fn next(self, state: &mut State, random: &mut ChaCha8Rng) -> f64 {
        let normal: f64 = StandardNormal.sample(random);
        match self {
            Self::Normal => 0.001 + 0.01 * normal,
            Self::HeavyTails => {
                let t: f64 = StudentT::new(4.0).expect("degrees of freedom").sample(random);
                0.001 + 0.01 * t / 2.0_f64.sqrt()
            }
            Self::Bimodal => {
                if random.random_bool(0.55) {
                    0.018
                } else {
                    -0.02
                }
            }
            Self::Skewed => {
                if random.random_bool(0.9) {
                    0.006
                } else {
                    0.04 * (1.0 - random.random::<f64>()).ln()
                }
            }
            Self::Autoregressive => {
                state.last = 0.3 * state.last + (1.0_f64 - 0.09).sqrt() * normal;
                0.001 + 0.01 * state.last
            }
            Self::Garch => {
                state.variance = 0.05 + 0.10 * state.last * state.last + 0.85 * state.variance;
                state.last = state.variance.sqrt() * normal;
                0.001 + 0.01 * state.last
            }
            Self::Regimes => {
                if random.random_bool(1.0 / 40.0) {
                    state.is_calm = !state.is_calm;
                }
                let (mean, deviation) = if state.is_calm { (0.004, 0.006) } else { (-0.002, 0.014) };
                Normal::new(mean, deviation).expect("a deviation").sample(random)
            }
        }
        .max(-0.9)
    }
}

/// What the next return depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    last: f64,
    variance: f64,
    is_calm: bool,
}
