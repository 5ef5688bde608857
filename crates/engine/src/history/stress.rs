//! The closing trades of a stressed history.

use super::rebuild::{Change, Closed, Past};
use crate::Sizing;
use crate::config::{FieldError, Stress};
use crate::scale::{self, MAX_TRAVEL, RUIN_STEP};

/// The trades of `past` as `stress` has them. Their days, their number and the balances on which they were made stay.
///
/// # Errors
/// Names the stress where the trades add up past the engine's fixed point.
pub(crate) fn stressed(past: &Past, sizing: Sizing, stress: &Stress) -> Result<Vec<Closed>, FieldError> {
    let mean = past.changes.iter().map(|change| change.by).sum::<f64>() / past.changes.len() as f64;
    let closed: Vec<Closed> = past
        .closed
        .iter()
        .zip(&past.changes)
        .map(|(closed, change)| Closed {
            step: scale::step_of(sizing, worse(change, mean, sizing, stress)),
            ..*closed
        })
        .collect();
    let ordinary = closed.iter().filter(|trade| trade.step != RUIN_STEP);
    if ordinary.map(|trade| trade.step.unsigned_abs() as f64).sum::<f64>() > MAX_TRAVEL as f64 {
        return Err(FieldError {
            field: "config.stress".to_owned(),
            message: "makes trades of this history so large that they add up past the engine's fixed point"
                .to_owned(),
        });
    }
    Ok(closed)
}

fn worse(change: &Change, mean: f64, sizing: Sizing, stress: &Stress) -> f64 {
    let spread = match stress.volatility {
        // Not by the formula, so that it leaves every bit.
        None | Some(1.0) => change.by,
        Some(times) => mean + times * (change.by - mean),
    };
    let slippage = stress.slippage.unwrap_or(0.0);
    let lost = match sizing {
        Sizing::Proportional => slippage / change.balance_before,
        Sizing::Fixed => slippage,
    };
    spread + stress.mean_shift.unwrap_or(0.0) - lost
}

#[cfg(test)]
mod tests {
    use super::stressed;
    use crate::Sizing;
    use crate::config::Stress;
    use crate::history::rebuild::{Change, Closed, Past};
    use crate::scale::{RUIN_STEP, log_step};

    fn past(changes: [(f64, f64); 2]) -> Past {
        Past {
            closed: vec![Closed { step: 7, utc_day: 3 }; 2],
            changes: changes.map(|(by, balance_before)| Change { by, balance_before }).into(),
            starting_balance: 100.0,
            final_balance: 100.0,
            risky: 0,
        }
    }

    fn steps(past: &Past, sizing: Sizing, stress: Stress) -> Vec<i64> {
        let closed = stressed(past, sizing, &stress).expect("small numbers");
        assert!(closed.iter().all(|trade| trade.utc_day == 3));
        closed.iter().map(|trade| trade.step).collect()
    }

    #[test]
    fn dollars_by_hand() {
        // Mean 10: 10 + 2 · (±30) = 70 and −50; shifted by −4, less 1.
        let stress = Stress {
            volatility: Some(2.0),
            mean_shift: Some(-4.0),
            slippage: Some(1.0),
            ..Stress::default()
        };
        let past = past([(40.0, 100.0), (-20.0, 140.0)]);
        assert_eq!(steps(&past, Sizing::Fixed, stress), [650_000, -550_000]);
    }

    #[test]
    fn returns_by_hand() {
        // Mean 0.125: 0.125 + 0.5 · (±0.125); shifted by 0.25; less 10 dollars on 40 and 80.
        let stress = Stress {
            volatility: Some(0.5),
            mean_shift: Some(0.25),
            slippage: Some(10.0),
            ..Stress::default()
        };
        let past = past([(0.25, 40.0), (0.0, 80.0)]);
        let expected = [0.1875 + 0.25 - 0.25, 0.0625 + 0.25 - 0.125].map(log_step);
        assert_eq!(steps(&past, Sizing::Proportional, stress), expected);
    }

    #[test]
    fn a_volatility_of_one_leaves_every_bit() {
        // Half a unit of dollars beside a trillion: their mean holds no such digits.
        let past = past([(0.000_25, 100.0), (1e12, 100.0)]);
        let one = Stress { volatility: Some(1.0), ..Stress::default() };
        assert_eq!(steps(&past, Sizing::Fixed, one), [3, 10_000_000_000_000_000]);
    }

    #[test]
    fn a_return_of_minus_one_is_ruin() {
        let stress = Stress { slippage: Some(60.0), ..Stress::default() };
        let past = past([(0.5, 40.0), (0.5, 80.0)]);
        assert_eq!(steps(&past, Sizing::Proportional, stress), [RUIN_STEP, log_step(-0.25)]);
    }

    #[test]
    fn sums_past_the_fixed_point_are_refused() {
        let past = past([(1e10, 100.0), (-1e10, 100.0)]);
        let stress =
            |volatility| Stress { volatility: Some(volatility), mean_shift: Some(1e10), ..Stress::default() };
        assert!(stressed(&past, Sizing::Fixed, &stress(1.0)).is_ok());
        let mut long = past;
        long.closed = vec![long.closed[0]; 200_000];
        long.changes = vec![long.changes[0]; 200_000];
        let fault = stressed(&long, Sizing::Fixed, &stress(1.0)).expect_err("a sum of 4e19 units");
        assert_eq!(fault.field, "config.stress");
    }
}
