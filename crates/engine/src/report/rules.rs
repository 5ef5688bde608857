//! The rules as applied, as JSON.

use serde::Serialize;
use serde_json::Value;

use crate::rules::{Applied, MIN_PAYOUT, Rulebook};
use crate::{Consistency, DailyLoss, DrawdownKind, Lock, PayoutSchedule, Plan};

/// The rules as applied, spelled out. Money is US dollars.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct RulesAsApplied {
    /// `funded`, `assessment` or `custom`.
    rulebook: Rulebook,
    /// Balance at the account's start: the reference of targets, static floors and locks.
    starting_balance: f64,
    /// Withdrawn before the simulation's start.
    total_withdrawals: f64,
    /// Total drawdown; absent where nothing limits it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    drawdown: Option<DrawdownAsApplied>,
    /// Loss within one day; absent where nothing limits it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    daily_loss: Option<DailyLoss>,
    /// What there is to pass, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    pass: Option<PassAsApplied>,
    /// Calendar days after which the account is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    time_limit_days: Option<u32>,
    /// The same in rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    time_limit_steps: Option<u32>,
    /// The trader's share of the profit, a fraction.
    profit_split: f64,
    /// The least that a request may be.
    minimum_payout: f64,
    /// When and how much is paid out; absent where it is once, at the horizon's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    payout: Option<PayoutSchedule>,
    /// Names of the rules asked for that are not simulated.
    not_simulated: Vec<&'static str>,
}

/// The total-drawdown rule as applied: one of `fraction` and `amount`.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
struct DrawdownAsApplied {
    /// Where the floor stands.
    kind: DrawdownKind,
    /// Of the reference balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    fraction: Option<f64>,
    /// Dollars below the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    amount: Option<f64>,
    /// Where a trailing floor stops rising.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    lock: Option<Lock>,
    /// Dollars.
    floor_at_start: f64,
}

/// What a path must do to pass.
#[derive(Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
struct PassAsApplied {
    /// Dollars at and above which there is profit enough; absent where any profit will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    target_balance: Option<f64>,
    /// Closing trades.
    min_trades: u32,
    /// Trading days; 0 where rows are trades.
    min_days: u32,
    /// The best day against the whole profit; absent where it may be any part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schema(nullable = false))]
    consistency: Option<Consistency>,
}

/// What was simulated.
pub(super) fn as_applied(plan: &Plan) -> Value {
    let applied: &Applied = &plan.applied;
    let rules = RulesAsApplied {
        rulebook: applied.rulebook,
        starting_balance: applied.starting_balance,
        total_withdrawals: applied.withdrawals,
        drawdown: applied.drawdown.as_ref().zip(applied.floor_at_start()).map(|(rule, floor_at_start)| {
            DrawdownAsApplied {
                kind: rule.kind,
                fraction: rule.fraction,
                amount: rule.amount,
                lock: rule.lock.clone(),
                floor_at_start,
            }
        }),
        daily_loss: applied.daily_loss.clone(),
        pass: applied.pass.as_ref().map(|pass| PassAsApplied {
            target_balance: pass.target_balance,
            min_trades: pass.min_trades,
            min_days: pass.min_days,
            consistency: pass.consistency.clone(),
        }),
        time_limit_days: applied.time_limit_days,
        time_limit_steps: applied.time_limit_days.map(|_| plan.horizon.last_step),
        profit_split: applied.profit_split,
        minimum_payout: applied.payout.as_ref().map_or(MIN_PAYOUT, |schedule| schedule.minimum),
        payout: applied.payout.clone(),
        not_simulated: applied.not_simulated.clone(),
    };
    serde_json::to_value(rules).unwrap_or(Value::Null)
}
