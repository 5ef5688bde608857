//! What was found on weighted histories.

use super::Figure;

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
}
