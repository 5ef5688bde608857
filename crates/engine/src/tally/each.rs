//! Paths that finished side by side: the same counts and sums as one by one, in fewer instructions.

use super::count::add_counts;
use super::{BATCHES, Batch, Events, Moments, Tally};
use crate::kernel::{LANES, Numbers};
use crate::money::MAX_BALANCE;
use crate::random::Words;

const _: () = assert!(LANES == BATCHES, "a lane is a sub-batch, whatever the first path's id is");

/// One number for each lane.
type Wide = [i64; LANES];

/// [`LANES`] finished paths, of ids in a row; see [`Finished`](super::Finished).
#[derive(Clone, Debug)]
pub(crate) struct FinishedEach {
    /// The final states.
    pub(crate) x: Numbers,
    /// The final balances, units of 10⁻⁴ dollars.
    pub(crate) balance: Wide,
    /// The greatest drawdowns, units of 10⁻⁹.
    pub(crate) drawdown: Numbers,
    /// The payouts by the rules' schedule and by the week, units of 10⁻⁴ dollars, where anyone is paid.
    pub(crate) paid: Option<[Wide; 2]>,
}

/// Bits of the lower part of a number that is squared in two parts.
const LOW_BITS: u32 = 25;

/// Sums and sums of squares of each lane, whose numbers are below 2⁴⁹ in size; up to 2¹² may be added.
#[derive(Clone, Debug)]
struct MomentsEach {
    sum: Wide,
    /// Of the squares' parts: upper by upper, upper by lower, lower by lower.
    squares: [Wide; 3],
}

impl MomentsEach {
    const NONE: Self = Self { sum: [0; LANES], squares: [[0; LANES]; 3] };

    #[inline(always)]
    fn add(&mut self, values: &Wide) {
        let [upper, mixed, lower] = &mut self.squares;
        for lane in 0..LANES {
            let value = values[lane];
            let high = i64::from((value >> LOW_BITS) as i32);
            let low = i64::from((value & ((1 << LOW_BITS) - 1)) as i32);
            self.sum[lane] = self.sum[lane].wrapping_add(value);
            upper[lane] = upper[lane].wrapping_add(high.wrapping_mul(high));
            mixed[lane] = mixed[lane].wrapping_add(high.wrapping_mul(low));
            lower[lane] = lower[lane].wrapping_add(low.wrapping_mul(low));
        }
    }

    fn of(&self, lane: usize) -> Moments {
        let [upper, mixed, lower] = self.squares.map(|part| i128::from(part[lane]));
        Moments {
            sum: i128::from(self.sum[lane]),
            squares: (upper << (2 * LOW_BITS)) + (mixed << (LOW_BITS + 1)) + lower,
        }
    }
}

/// What up to 2¹² groups of paths add up to, a sub-batch a lane.
#[derive(Clone, Debug)]
pub(crate) struct SumsEach {
    groups: u64,
    profit: MomentsEach,
    loss: MomentsEach,
    drawdown: MomentsEach,
    paid: [MomentsEach; 2],
}

impl SumsEach {
    /// Of none.
    pub(crate) const NONE: Self = Self {
        groups: 0,
        profit: MomentsEach::NONE,
        loss: MomentsEach::NONE,
        drawdown: MomentsEach::NONE,
        paid: [MomentsEach::NONE; 2],
    };

    /// Adds them to the sub-batches; `first_path` is the first lane's.
    pub(crate) fn add_to(&self, batches: &mut [Batch], first_path: u64) {
        for lane in 0..LANES {
            let batch = (first_path % BATCHES as u64) as usize + lane;
            batches[batch % BATCHES].merge(&Batch {
                paths: self.groups,
                profit: self.profit.of(lane),
                downside_squares: self.loss.of(lane).squares,
                drawdown: self.drawdown.of(lane),
                payout: self.paid[0].of(lane),
                weekly_payout: self.paid[1].of(lane),
            });
        }
    }
}

impl Tally {
    /// Adds finished paths, but for their ends and what the fan sees, to the histograms and to `sums`.
    #[inline(always)]
    pub(crate) fn add_each(&mut self, paths: &FinishedEach, sums: &mut SumsEach, opening: i64) {
        let (mut profit, mut loss, mut drawdown) = ([0; LANES], [0; LANES], [0; LANES]);
        let (mut ruined, mut clamped) = (0, 0);
        for lane in 0..LANES {
            let balance = paths.balance[lane];
            profit[lane] = balance.wrapping_sub(opening);
            loss[lane] = profit[lane].min(0);
            drawdown[lane] = i64::from(paths.drawdown[lane]);
            ruined += u32::from(balance <= 0);
            clamped += u32::from((balance == MAX_BALANCE) | (balance == -MAX_BALANCE));
        }
        self.ruined += u64::from(ruined);
        self.clamped += u64::from(clamped);
        sums.groups += 1;
        sums.profit.add(&profit);
        sums.loss.add(&loss);
        sums.drawdown.add(&drawdown);
        if let Some(paid) = &paths.paid {
            for (sums, paid) in sums.paid.iter_mut().zip(paid) {
                sums.add(paid);
            }
        }
        self.final_state.add_each(&paths.x, &paths.balance);
        self.drawdown.add_each(&paths.drawdown, &drawdown);
    }
}

/// How often each event came, as lanes number them: the step times [`EventCounts::KINDS`], and the cause.
#[derive(Clone, Debug)]
pub(crate) struct EventCounts(Vec<u32>);

impl EventCounts {
    /// Events of a step: the total-drawdown rule, the daily-loss rule, a pass, and one that no count knows.
    pub(crate) const KINDS: usize = 4;

    /// Of paths of `steps` steps.
    pub(crate) fn new(steps: u32) -> Self {
        Self(vec![0; (steps as usize + 1) * Self::KINDS])
    }

    /// Counts some; no event is `u32::MAX`.
    #[inline(always)]
    pub(crate) fn add_each(&mut self, events: &Words) {
        for &event in events {
            if let Some(count) = self.0.get_mut(event as usize) {
                *count = count.wrapping_add(1);
            }
        }
    }

    /// Adds them to the events of a tally.
    pub(crate) fn add_to(&self, events: &mut Events) {
        let of =
            |kind: usize| -> Vec<u32> { self.0.iter().skip(kind).step_by(Self::KINDS).copied().collect() };
        add_counts(&mut events.drawdown, &of(0));
        add_counts(&mut events.daily_loss, &of(1));
        add_counts(&mut events.pass, &of(2));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, Strategy, prop, proptest};

    use super::{LANES, Moments, MomentsEach};

    const FAR: i64 = (1 << 49) - 1;

    fn values() -> impl Strategy<Value = Vec<[i64; LANES]>> {
        prop::collection::vec(prop::array::uniform32(-FAR..=FAR), 1..9)
    }

    fn agree(groups: &[[i64; LANES]]) {
        let mut each = MomentsEach::NONE;
        for group in groups {
            each.add(group);
        }
        for lane in 0..LANES {
            let mut moments = Moments::default();
            for group in groups {
                moments.add(group[lane]);
            }
            assert_eq!(each.of(lane), moments, "lane {lane}");
        }
    }

    #[test]
    fn the_farthest_as_often_as_may_be() {
        agree(&[[FAR; LANES]; 1 << 12]);
        agree(&[[-FAR; LANES]; 1 << 12]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn sums_and_squares_are_those_of_one_by_one(groups in values()) {
            agree(&groups);
        }
    }
}
