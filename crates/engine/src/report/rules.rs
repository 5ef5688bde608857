//! The rules as applied, as JSON.

use serde::Serialize;
use serde_json::Value;

use crate::rules::{Applied, MIN_PAYOUT, Rulebook};
use crate::{Drawdown, Plan};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RulesAsApplied<'a> {
    /// `funded`, `assessment` or `custom`.
    rulebook: Rulebook,
    starting_balance: f64,
    total_withdrawals: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    drawdown: Option<DrawdownAsApplied<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pass: Option<PassAsApplied>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_limit_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_limit_steps: Option<u32>,
    profit_split: f64,
    minimum_payout: f64,
    not_simulated: &'a [&'static str],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DrawdownAsApplied<'a> {
    #[serde(flatten)]
    rule: &'a Drawdown,
    /// Dollars.
    floor_at_start: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PassAsApplied {
    /// Dollars at and above which there is profit enough; absent where any profit will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_balance: Option<f64>,
    min_trades: u32,
    min_days: u32,
}

/// What was simulated.
pub(super) fn as_applied(plan: &Plan) -> Value {
    let applied: &Applied = &plan.applied;
    let rules = RulesAsApplied {
        rulebook: applied.rulebook,
        starting_balance: applied.starting_balance,
        total_withdrawals: applied.withdrawals,
        drawdown: applied
            .drawdown
            .as_ref()
            .zip(applied.floor_at_start())
            .map(|(rule, floor_at_start)| DrawdownAsApplied { rule, floor_at_start }),
        pass: applied.pass.as_ref().map(|pass| PassAsApplied {
            target_balance: pass.target_balance,
            min_trades: pass.min_trades,
            min_days: pass.min_days,
        }),
        time_limit_days: applied.time_limit_days,
        time_limit_steps: applied.time_limit_days.map(|_| plan.horizon.last_step),
        profit_split: applied.profit_split,
        minimum_payout: MIN_PAYOUT,
        not_simulated: &applied.not_simulated,
    };
    serde_json::to_value(rules).unwrap_or(Value::Null)
}
