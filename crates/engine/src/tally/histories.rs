//! What was found on weighted histories.

use super::{Figure, PERCENTILES};

/// A figure on one weighted history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Draw {
    /// The value.
    pub(crate) value: f64,
    /// Its Monte Carlo standard error.
    pub(crate) error: f64,
}

/// All figures on one weighted history; none where a figure has no value there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Replicate {
    /// Which weighted history.
    pub(crate) index: u32,
    /// By [`Figure`], in the order of [`Figure::ALL`].
    pub(crate) draws: [Option<Draw>; Figure::COUNT],
    /// At each step of the fan before the last, whose figures are among the others.
    pub(crate) fan: Vec<FanDraw>,
}

/// The fan at one step on a weighted history; integers, for there are many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FanDraw {
    /// The balance's percentiles, in the order of [`PERCENTILES`], units of 10⁻⁴ dollars.
    pub(crate) balances: [i64; PERCENTILES.len()],
    /// Paths broken by then.
    pub(crate) broken: u16,
    /// Paths passed by then.
    pub(crate) passed: u16,
}

/// Weighted histories by index. They are kept apart and never added up, so merging them in any order gives the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Histories(pub(crate) Vec<Replicate>);

impl Histories {
    /// Adds one.
    pub(crate) fn add(&mut self, replicate: Replicate) {
        self.merge(&Self(vec![replicate]));
    }

    /// Adds those of another shard.
    ///
    /// # Panics
    /// Where both hold the same one.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
        self.0.sort_by_key(|replicate| replicate.index);
        let is_twice = self.0.windows(2).any(|pair| pair[0].index == pair[1].index);
        assert!(!is_twice, "a weighted history was simulated twice");
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Which.
    pub(crate) fn indices(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|replicate| replicate.index)
    }

    /// A figure on each of them, by index.
    pub(crate) fn draws(&self, figure: Figure) -> impl Iterator<Item = Option<Draw>> {
        let place = figure.place();
        self.0.iter().map(move |replicate| replicate.draws[place?])
    }

    /// The fan at its `stop`-th step on each of them, by index; none where their fans are not told.
    pub(crate) fn fans(&self, stop: usize) -> Option<Vec<FanDraw>> {
        self.0.iter().map(|replicate| replicate.fan.get(stop).copied()).collect()
    }
}
