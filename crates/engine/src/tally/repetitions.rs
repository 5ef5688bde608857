//! What repetitions of the splitting for rare breaches gave.

/// One repetition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Repetition {
    /// Which.
    pub(crate) index: u32,
    /// Its estimate of the chance of a breach.
    pub(crate) probability: f64,
    /// How often the farthest particles were killed.
    pub(crate) generations: u32,
    /// Paths walked, each from its start or from where it was copied.
    pub(crate) paths: u64,
}

/// Repetitions by index. They are kept apart and never added up, so merging them in any order gives the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Repetitions(pub(crate) Vec<Repetition>);

impl Repetitions {
    /// Adds one.
    pub(crate) fn add(&mut self, repetition: Repetition) {
        self.merge(&Self(vec![repetition]));
    }

    /// Adds those of another shard.
    ///
    /// # Panics
    /// Where both hold the same one.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
        self.0.sort_by_key(|repetition| repetition.index);
        let is_twice = self.0.windows(2).any(|pair| pair[0].index == pair[1].index);
        assert!(!is_twice, "a repetition was simulated twice");
    }

    /// Each, by index.
    pub(crate) fn each(&self) -> &[Repetition] {
        &self.0
    }
}
