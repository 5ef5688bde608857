//! Rows that are days, in 32 bits: what a whole day does to an account, without walking its trades.

use super::lane::{LANES, LanePath, Numbers};
use super::look_up::{self, Loaded, LookUp};
use crate::history::rows::Day;
use crate::instructions::Kind;
use crate::kernel::account::Close;
use crate::kernel::{Account, DayTable, LogDepth, Table};
use crate::plan::Plan;
use crate::random::Words;
use crate::rules::daily_loss::Unlimited;
use crate::rules::floor::{Drop, Follows};
use crate::scale::RUIN_LINE;

/// No account opens a day so high that it loses too much.
const NEVER: i32 = i32::MAX;

/// What the days of all lanes do, from the day's open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moves {
    /// To its close.
    pub(super) step: Numbers,
    /// To its lowest close.
    pub(super) low: Numbers,
    /// To its highest close.
    pub(super) high: Numbers,
    /// The deepest fall within it; 0 where it is never deeper than from the open.
    pub(super) fall: Numbers,
    /// The account loses too much for one day where it opens at or above this.
    pub(super) loses_from: Numbers,
}

/// A way to look up what days do.
pub(super) trait LookUpDays: Copy {
    /// Whether a day has one trade, so that its close is its lowest and its highest.
    const SINGLE: bool;
    /// What the days `rows` do.
    fn at(self, rows: &Words) -> Moves;
}

/// Days of one trade each, under no daily loss.
#[derive(Clone, Copy)]
struct Single<T>(T);

/// Days of one trade each, and where each loses too much.
#[derive(Clone, Copy)]
struct SingleLimited<T>(T, T);

/// Any days: steps, lows, highs, falls, and where each loses too much.
#[derive(Clone, Copy)]
struct Many<T>([T; 5]);

impl<T: LookUp> LookUpDays for Single<T> {
    const SINGLE: bool = true;

    #[inline(always)]
    fn at(self, rows: &Words) -> Moves {
        let step = self.0.at(rows);
        Moves { step, low: step, high: step, fall: [0; LANES], loses_from: [NEVER; LANES] }
    }
}

impl<T: LookUp> LookUpDays for SingleLimited<T> {
    const SINGLE: bool = true;

    #[inline(always)]
    fn at(self, rows: &Words) -> Moves {
        Moves { loses_from: self.1.at(rows), ..Single(self.0).at(rows) }
    }
}

impl<T: LookUp> LookUpDays for Many<T> {
    const SINGLE: bool = false;

    #[inline(always)]
    fn at(self, rows: &Words) -> Moves {
        let [step, low, high, fall, loses_from] = self.0.map(|table| table.at(rows));
        Moves { step, low, high, fall, loses_from }
    }
}

/// What is done with a way to look up, whichever it is.
pub(super) trait WithDays {
    fn with<L: LookUpDays>(self, days: L);
}

/// The days of a plan, and how they break accounts.
#[derive(Clone, Debug)]
pub(super) struct Days<'a> {
    plan: &'a Plan,
    form: Form,
    /// Steps, lows, highs, falls, and where each loses too much; as long as a power of two.
    tables: [Vec<i32>; 5],
    /// A fall this deep breaks, where the floor follows every close.
    pub(super) breaking_depth: i32,
    /// All ones where the floor follows the days' closes, and not every close.
    pub(super) by_day: i32,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Single,
    SingleLimited,
    Many,
}

impl<'a> Days<'a> {
    /// `None` where a day can do what its extremes do not tell: ruin, or lock a floor that follows every close.
    pub(super) fn of(plan: &'a Plan) -> Option<Self> {
        let (days, floor) = (&plan.rows.days, plan.limits.floor);
        if plan.rows.trades.iter().any(|&step| step <= RUIN_LINE) {
            return None;
        }
        let is_single = days.iter().all(|day| day.trades == 1);
        let follows_closes = floor.follows == Follows::EveryClose && !is_single;
        let breaking_depth = match floor.drop {
            Drop::Distance(distance) if follows_closes && floor.ceiling == i64::MAX => distance as i32,
            _ if follows_closes => return None,
            _ => i32::MAX,
        };
        let form = match (is_single, &plan.daily_loss) {
            (true, None) => Form::Single,
            (true, Some(_)) => Form::SingleLimited,
            (false, _) => Form::Many,
        };
        let loses_from = |row| match &plan.daily_loss {
            None => NEVER,
            Some(limited) => limited.opens_in_log(row).clamp(i64::from(i32::MIN), i64::from(NEVER)) as i32,
        };
        let table = |of: &dyn Fn(u32, &Day) -> i32| {
            let mut table: Vec<i32> = (0..).zip(days).map(|(row, day)| of(row, day)).collect();
            table.resize(table.len().next_power_of_two().max(look_up::ROWS), 0);
            table
        };
        Some(Self {
            plan,
            form,
            tables: [
                table(&|_, day| day.step as i32),
                table(&|_, day| day.low as i32),
                table(&|_, day| day.high as i32),
                table(&|_, day| day.fall as i32),
                table(&|row, _| loses_from(row)),
            ],
            breaking_depth,
            by_day: -i32::from(floor.follows == Follows::DayClose && !is_single),
        })
    }

    /// Does something with the way to look up that suits these days and instructions.
    #[inline(always)]
    pub(super) fn look_up(&self, kind: impl Kind, then: impl WithDays) {
        #[cfg(target_arch = "x86_64")]
        if kind.permutes()
            && let [Ok(steps), Ok(lows), Ok(highs), Ok(falls), Ok(loses_from)] =
                self.tables.each_ref().map(|table| <&[i32; look_up::ROWS]>::try_from(table.as_slice()))
        {
            // SAFETY: of this kind is only what `Instructions` runs where the machine has AVX-512.
            let tables = unsafe {
                [
                    look_up::Permuted::new(steps),
                    look_up::Permuted::new(lows),
                    look_up::Permuted::new(highs),
                    look_up::Permuted::new(falls),
                    look_up::Permuted::new(loses_from),
                ]
            };
            return self.with(tables, then);
        }
        self.with(self.tables.each_ref().map(|table| Loaded(table)), then);
    }

    #[inline(always)]
    fn with<T: LookUp>(&self, tables: [T; 5], then: impl WithDays) {
        match self.form {
            Form::Single => then.with(Single(tables[0])),
            Form::SingleLimited => then.with(SingleLimited(tables[0], tables[4])),
            Form::Many => then.with(Many(tables)),
        }
    }

    /// Walks the trades of the day that breaks `path`, which stands at the day's open, up to the one that does; and says
    /// whether the day lost too much.
    pub(super) fn replay(&self, path: &mut LanePath) -> bool {
        let plan = self.plan;
        let (peak, day_peak) = (i64::from(path.peak), i64::from(path.day_peak));
        let mut account = Account {
            x: i64::from(path.x),
            peak,
            day_peak,
            floor: plan.limits.floor.level(if self.by_day == 0 { peak } else { day_peak }),
            depth: LogDepth::of(i64::from(path.depth)),
        };
        let close = match &plan.daily_loss {
            None => DayTable::new(&plan.rows, plan.limits.floor, Unlimited).advance(path.row, &mut account),
            Some(limited) => {
                DayTable::new(&plan.rows, plan.limits.floor, limited).advance(path.row, &mut account)
            }
        };
        assert_ne!(close, Close::Holds, "a day that breaks an account side by side breaks it by itself");
        (path.x, path.depth) = (account.x as i32, account.depth.distance() as i32);
        close == Close::DayLost
    }
}
