//! Whose turn it is: what somebody waits for comes first, and the daily run's jobs are never starved. Pure.

/// One place in so many is offered to the daily run's jobs first. A stream of assessments that fills every core then slows a
/// night's book to a quarter and does not stop it; without such a stream the book has all places.
const DAILY_EVERY: u32 = 4;

/// The places that were handed out since the daily run's jobs were last offered one.
#[derive(Debug, Default)]
pub(super) struct Turns {
    places: u32,
}

impl Turns {
    /// Of `places` that are free, how many are offered to the daily run's jobs first.
    pub(super) fn of_daily_jobs(&mut self, places: u32) -> u32 {
        let places = self.places.saturating_add(places);
        self.places = places % DAILY_EVERY;
        places / DAILY_EVERY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_is_offered_to_daily_jobs_however_many_are_free_at_once() {
        for at_once in [1, 2, 3, 4, 7, 32] {
            let mut turns = Turns::default();
            let offered: u32 = (0..400).map(|_| turns.of_daily_jobs(at_once)).sum();
            assert_eq!(offered, 100 * at_once, "{at_once} at once");
        }
        let mut turns = Turns::default();
        assert_eq!([1; 8].map(|places| turns.of_daily_jobs(places)), [0, 0, 0, 1, 0, 0, 0, 1]);
    }
}
