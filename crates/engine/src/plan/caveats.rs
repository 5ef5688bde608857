//! What a reader must know beside the numbers, as sentences.

use super::{Fitted, Past, Plan};
use crate::history::worst_week::Week;
use crate::models::Law;
use crate::money::dollars;
use crate::rules::{MIN_PAYOUT, WEEK, given_risk, max_risk};
use crate::{InputData, Level, Model, Sizing, Stress, Subject};

/// Below this many trades a history says little.
const FEW_TRADES: usize = 30;

/// Differences of balances above this fraction are said.
const NOTABLE: f64 = 0.01;

/// What was assumed.
pub(super) fn assumptions(plan: &Plan, subject: &Subject, input: &InputData, past: &Past) -> Vec<String> {
    let limit = given_risk(subject, input);
    let mut said = vec![
        "The future is drawn from the past: a history that was selected because it passed flatters the future."
            .to_owned(),
        "Open positions are left out.".to_owned(),
        format!(
            "The limit of risk per trade is not simulated; {} of {} past closing trades were above {} of the balance{}.",
            past.risky,
            past.closed.len(),
            max_risk(subject, input),
            if limit.is_some() { "" } else { ", a funded account's usual limit, for none was given" }
        ),
        "Every distribution is over all paths, broken ones included; a broken account keeps the balance at which it \
         broke."
            .to_owned(),
        two_errors(plan),
        match plan.sizing {
            Sizing::Proportional => "Returns compound: each trade risks the same share of the balance as it did.".to_owned(),
            Sizing::Fixed => "Dollars add up: each trade wins or loses the same amount as it did.".to_owned(),
        },
    ];
    said.extend(plan.stress.as_ref().and_then(|stress| stressed(stress, plan.sizing)));
    said.extend(plan.worst_week.as_ref().map(worst_week));
    said.extend(plan.fitted.as_ref().map(|fitted| self::fitted(fitted, plan.sizing)));
    said.extend(payouts(plan));
    if matches!(plan.model, Model::Stationary | Model::Circular) && plan.block_length == 1.0 {
        said.push(
            "Rows are drawn one by one (mean block length 1): no dependence between them was kept."
                .to_owned(),
        );
    }
    if plan.horizon.level == Level::Trade {
        said.push("Balances are seen at the close of each trade, not while a position is open.".to_owned());
    } else {
        said.push("Rows are days: the trades of one day stay together, in their order.".to_owned());
    }
    if plan.horizon.days_by_rules {
        said.push(
            "Rows were made days because a rule asked for looks at whole days; with config.level \"trade\" they would \
             be trades, and that rule would not be simulated."
                .to_owned(),
        );
    }
    said.extend(plan.applied.assumptions.iter().cloned());
    said.extend(input.assumptions.iter().cloned());
    said
}

fn stressed(stress: &Stress, sizing: Sizing) -> Option<String> {
    if stress.worst_week == Some(true) && *stress == (Stress { worst_week: Some(true), ..Stress::default() })
    {
        return None;
    }
    let unit = match sizing {
        Sizing::Proportional => "of the balance",
        Sizing::Fixed => "dollars",
    };
    Some(format!(
        "The history is stressed: what each trade won or lost is {} times as far from the mean of all, then shifted by {} \
         {unit}, then lowered by {} dollars of slippage.",
        stress.volatility.unwrap_or(1.0),
        stress.mean_shift.unwrap_or(0.0),
        stress.slippage.unwrap_or(0.0)
    ))
}

fn worst_week(week: &Week) -> String {
    format!(
        "Every path goes through the history's worst week once (worstWeek: its {} rows in their order, in the place of as many), \
         beginning with any row as likely as with any other; a path that breaks, passes or is closed before it does not see it.",
        week.rows.len()
    )
}

fn fitted(fitted: &Fitted, sizing: Sizing) -> String {
    match fitted {
        Fitted::Law { past, model, law } => fitted_law((*model, law), past.len(), sizing),
        Fitted::Regimes(_) => "Rows are drawn by two regimes that take turns (fitted.regimes), from the one in which the history \
                               ends: within a stay rows are drawn one by one, each as often as it belongs to the regime."
            .to_owned(),
        Fitted::Filter(fitted) => format!(
            "Trades are drawn one by one, each as many deviations away from the mean as a trade of the history was, and the \
             deviation moves with them ({}, fitted.volatility), from today's on, {:.3} times the history's.",
            if fitted.log_likelihood_gain.is_some() { "GARCH(1, 1)" } else { "exponential weights of 0.94" },
            fitted.variance_now.sqrt()
        ),
    }
}

fn fitted_law((model, law): (Model, &Law), trades: usize, sizing: Sizing) -> String {
    let family = match law.degrees_of_freedom() {
        None => "a normal law".to_owned(),
        Some(degrees) if model == Model::Skewed => {
            format!("Hansen's skewed t law ({degrees} degrees of freedom, asymmetry {})", law.asymmetry())
        }
        Some(degrees) => format!("Student's t law ({degrees} degrees of freedom)"),
    };
    let what = match sizing {
        Sizing::Proportional => "log-returns",
        Sizing::Fixed => "dollars",
    };
    format!(
        "Trades are drawn one by one from {family} with the mean and the deviation of the {what} of the history's {trades} \
         closing trades: more than one peak, a largest loss and dependence are not kept."
    )
}

/// Which errors are told.
pub(super) fn two_errors(plan: &Plan) -> String {
    if plan.histories == 0 {
        return "The intervals hold the Monte Carlo error alone; the error of the history itself, which is larger for a \
                short history, was not asked for (config.historyReplicates 0)."
            .to_owned();
    }
    let shared = match plan.rows_per_weight() {
        1 => "each of its rows".to_owned(),
        block => format!("each block of {block} of its rows"),
    };
    let anew = match &plan.fitted {
        None => "",
        Some(Fitted::Law { .. }) => ", the law fitted anew to each",
        Some(Fitted::Filter(_)) => ", the deviation fitted anew to each",
        Some(Fitted::Regimes(_)) => {
            ", as has the step from it to the next; what is said of its regime is kept"
        }
    };
    format!(
        "Two errors are told. lower and upper: the Monte Carlo error, 95 %. historyLower and historyUpper: what a history of \
         {} rows cannot tell, 95 %, from {} histories in which {shared} has a random weight (Bayesian bootstrap){anew}.",
        plan.past_rows, plan.histories
    )
}

fn payouts(plan: &Plan) -> Vec<String> {
    let applied = &plan.applied;
    if applied.profit_split == 0.0 {
        return vec!["Nothing is paid out under these rules.".to_owned()];
    }
    let (split, start, withdrawn) = (applied.profit_split, applied.starting_balance, applied.withdrawals);
    let formula = format!("{split} × (balance − {start} − {withdrawn}");
    let so_far = if plan.withdrawals().is_some() { "" } else { " − payouts so far" };
    let expected = match &applied.payout {
        None => format!(
            "One payout at the horizon's end to unbroken accounts: {formula}), by the platform's formula, nothing below \
             {MIN_PAYOUT} dollars."
        ),
        Some(schedule) => {
            let buffer = schedule.buffer.map(|buffer| format!(" − a buffer of {buffer}")).unwrap_or_default();
            let cap = schedule.cap.map(|cap| format!("at most {cap} dollars, ")).unwrap_or_default();
            format!(
                "A payout at the close of the row that ends every {} calendar days (by the trader's rate, to the nearest \
                 row) and at the horizon's end, to unbroken accounts: {formula}{so_far}{buffer}), {cap}nothing \
                 below {} dollars.",
                schedule.every_days, schedule.minimum
            )
        }
    };
    if let Some(withdrawals) = plan.withdrawals() {
        let floor = match withdrawals.locks_at {
            None => "its floor stays where it stands",
            Some(_) => {
                "from the first payout on its floor stands at the starting balance, or where it stood if that is higher"
            }
        };
        return vec![
            expected,
            format!(
                "The profit that a payout is a share of leaves the account, and {floor}; a request leaves at least 0.0001 \
                 dollars above the floor. Balances and returns in the result count what left as \
                 still there, and to pay is no drawdown; the rules see the account without it. Nothing is simulated of weekly requests beside these."
            ),
        ];
    }
    vec![
        expected,
        format!(
            "expectedPayoutWeekly is paid every {WEEK} calendar days (by the trader's rate, to the nearest row) and at the \
             horizon's end, to accounts unbroken then: {formula} − payouts so far), nothing below {MIN_PAYOUT} dollars a \
             request."
        ),
        "A payout counts as withdrawn in the platform's formula and does not lower the simulated balance; an account that \
         breaks later keeps it."
            .to_owned(),
    ]
}

/// What should make a reader doubt.
pub(super) fn warnings(plan: &Plan, input: &InputData, past: &Past) -> Vec<String> {
    let mut said = Vec::new();
    if past.closed.len() < FEW_TRADES {
        said.push(format!(
            "The history has {} closing trades, fewer than {FEW_TRADES}: the figures rest on little.",
            past.closed.len()
        ));
    }
    if plan.has_no_losing_row() {
        said.push(
            format!(
                "The history has no losing row, so no simulated path can lose, and a breach probability of 0 says nothing: as \
                 far as {} rows can tell, it may be anything up to {:.4} (historyUpper).",
                plan.past_rows,
                crate::report::unseen_loss_bound(plan, plan.steps())
            ),
        );
    }
    said.extend(plan.fitted.as_ref().and_then(doubt).map(str::to_owned));
    if let Some(week) = plan.worst_week.as_ref().filter(|week| week.sum >= 0) {
        said.push(format!(
            "The worst week of the history lost nothing ({} closing trades): to go through it again is no stress.",
            week.trades
        ));
    }
    let pnl = &input.pnl_data;
    if pnl.unrealized.abs() > NOTABLE * pnl.balance {
        said.push(format!(
            "Open positions of {} dollars unrealized, more than 1 % of the balance, are left out.",
            pnl.unrealized
        ));
    }
    let reported = pnl.balance + input.total_withdrawals.unwrap_or(0.0);
    let off = past.final_balance - reported;
    if off.abs() > NOTABLE * reported {
        said.push(format!(
            "The balance rebuilt from {} and the closing trades ends at {}, {} dollars ({:.2} %) away from the reported \
             balance plus withdrawals, {reported}.",
            past.starting_balance,
            past.final_balance,
            dollars((off * 1e4).round() as i64),
            100.0 * off / reported
        ));
    }
    if plan.start.x <= plan.start.floor {
        said.push(format!(
            "The balance of {} dollars is at or below the floor of {} dollars at the start: the account is broken at \
             step 0 on every path.",
            plan.applied.balance,
            plan.applied.floor_at_start().unwrap_or(0.0)
        ));
    }
    said
}

/// Why what was fitted may be chance.
fn doubt(fitted: &Fitted) -> Option<&'static str> {
    match fitted {
        Fitted::Regimes(chain) if chain.bic_gain.min(chain.bic_gain_over_mixture) <= 0.0 => Some(
            "The history does not show two regimes that last (fitted.regimes: a BIC gain is not above 0): rows drawn \
             independently explain it as well, and what is simulated as regimes may be chance.",
        ),
        Fitted::Filter(fitted) => match fitted.bic_gain() {
            None => Some(
                "The history is too short to tell how its deviation moves: RiskMetrics' weights of 0.94 are assumed, not fitted \
                 (fitted.volatility).",
            ),
            Some(gain) if gain <= 0.0 => Some(
                "The history does not show that its deviation moves (fitted.volatility: the BIC gain is not above 0): what is \
                 simulated as turbulence may be chance.",
            ),
            Some(_) => None,
        },
        Fitted::Law { .. } | Fitted::Regimes(_) => None,
    }
}
