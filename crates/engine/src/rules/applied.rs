//! The rules as applied: presets spelled out, defaults filled in, what is not simulated named.

use serde::Serialize;

use crate::history::rebuild::starting_balance;
use crate::{
    Consistency, DailyLoss, Drawdown, DrawdownKind, InputData, Level, PayoutSchedule, RuleSet, Rules,
    RulesPreset, Subject, TierTerms,
};

/// The platform's least request for a withdrawal, US dollars.
pub(crate) const MIN_PAYOUT: f64 = 100.0;

const FUNDED_DRAWDOWN: f64 = 0.15;
const FUNDED_RISK: f64 = 0.05;
const FUNDED_SPLIT: f64 = 0.80;

/// Whose rules they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) enum Rulebook {
    /// The platform's for a funded account.
    Funded,
    /// The tier's for its assessment.
    Assessment,
    /// The caller's.
    Custom,
}

/// What a path must do to pass.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PassTerms {
    /// US dollars; without it, any profit will do.
    pub(crate) target_balance: Option<f64>,
    /// Closing trades.
    pub(crate) min_trades: u32,
    /// Trading days; 0 where rows are trades.
    pub(crate) min_days: u32,
    /// The best day against the whole profit; only where rows are days.
    pub(crate) consistency: Option<Consistency>,
}

/// The simulated account and its rules; money in US dollars.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Applied {
    /// Whose rules.
    pub(crate) rulebook: Rulebook,
    /// Balance at the account's start: the reference of targets, static floors and locks.
    pub(crate) starting_balance: f64,
    /// Balance at the simulation's start.
    pub(crate) balance: f64,
    /// Highest balance until then.
    pub(crate) peak_balance: f64,
    /// Withdrawn until then.
    pub(crate) withdrawals: f64,
    /// Total drawdown.
    pub(crate) drawdown: Option<Drawdown>,
    /// Loss within one day; only where rows are days.
    pub(crate) daily_loss: Option<DailyLoss>,
    /// What there is to pass, if anything.
    pub(crate) pass: Option<PassTerms>,
    /// Calendar days after which the account is closed.
    pub(crate) time_limit_days: Option<u32>,
    /// The trader's share of the profit; 0 in an assessment.
    pub(crate) profit_split: f64,
    /// When and how much is paid out; without it, once at the horizon's end by the platform's terms.
    pub(crate) payout: Option<PayoutSchedule>,
    /// Names of the rules asked for that are not simulated.
    pub(crate) not_simulated: Vec<&'static str>,
    /// Sentences.
    pub(crate) assumptions: Vec<String>,
}

impl Applied {
    /// Spells out the rules asked for, for rows of `level`.
    pub(crate) fn new(subject: &Subject, input: &InputData, rules: Option<&Rules>, level: Level) -> Self {
        let mut applied = Self::account(subject, input);
        let tier = input.tier.clone().unwrap_or_default();
        match rules {
            None | Some(Rules::Preset(RulesPreset::Funded)) => {
                applied.fund(&tier, own_drawdown(subject, input));
            }
            Some(Rules::Preset(RulesPreset::Assessment)) => applied.assess(&tier),
            Some(Rules::Custom(rules)) => applied.follow(rules, &tier, level),
        }
        applied
    }

    fn account(subject: &Subject, input: &InputData) -> Self {
        let tier = input.tier.as_ref();
        let mut assumptions = Vec::new();
        let start = starting_balance(input);
        let (starting_balance, balance, peak_balance, withdrawals) = match subject {
            Subject::Assessment(_) => {
                let fresh = tier.and_then(|tier| tier.starting_balance).unwrap_or(start);
                assumptions.push(format!(
                    "The simulated account is a fresh one: balance and peak {fresh} dollars, nothing withdrawn."
                ));
                (fresh, fresh, fresh, 0.0)
            }
            Subject::FundedAccount(_) => {
                let pnl = &input.pnl_data;
                if pnl.peak < pnl.balance {
                    assumptions.push(format!(
                        "The reported peak of {} dollars is below the balance; the balance was taken as the peak.",
                        pnl.peak
                    ));
                }
                let withdrawals = input.total_withdrawals.unwrap_or_else(|| {
                    assumptions.push("No withdrawals were reported; 0 was assumed.".to_owned());
                    0.0
                });
                (start, pnl.balance, pnl.peak.max(pnl.balance), withdrawals)
            }
        };
        if input.starting_balance.is_none() {
            assumptions.push(format!(
                "No starting balance was given; balance less realized profit, {start} dollars, was taken."
            ));
        }
        Self {
            rulebook: Rulebook::Custom,
            starting_balance,
            balance,
            peak_balance,
            withdrawals,
            drawdown: None,
            daily_loss: None,
            pass: None,
            time_limit_days: None,
            profit_split: 0.0,
            payout: None,
            not_simulated: vec!["maxRiskPerTrade"],
            assumptions,
        }
    }

    fn fund(&mut self, tier: &TierTerms, own_drawdown: Option<f64>) {
        self.rulebook = Rulebook::Funded;
        self.drawdown = Some(trailing(own_drawdown.unwrap_or(FUNDED_DRAWDOWN)));
        self.profit_split = self.split(tier);
    }

    fn assess(&mut self, tier: &TierTerms) {
        self.rulebook = Rulebook::Assessment;
        let limit = tier.max_drawdown.unwrap_or_else(|| {
            self.assumptions
                .push(format!("The tier's maximum drawdown is not known; {FUNDED_DRAWDOWN} was assumed."));
            FUNDED_DRAWDOWN
        });
        self.drawdown = Some(trailing(limit));
        let min_trades = tier.min_trades.unwrap_or_else(|| {
            self.assumptions.push("The tier's minimum of trades is not known; none was assumed.".to_owned());
            0
        });
        self.pass = Some(PassTerms { target_balance: None, min_trades, min_days: 0, consistency: None });
        self.assumptions.push(
            "An assessment is passed at the first close with enough trades and a profit; a passed path stops there, \
             and an assessment pays nothing out."
                .to_owned(),
        );
    }

    fn follow(&mut self, rules: &RuleSet, tier: &TierTerms, level: Level) {
        self.drawdown = rules.drawdown.clone();
        self.profit_split = match rules.profit_split {
            Some(split) => split,
            None => self.split(tier),
        };
        self.payout = rules.payout.clone();
        let needs_days = level == Level::Trade;
        if let Some(drawdown) = &mut self.drawdown
            && drawdown.kind == DrawdownKind::TrailingEndOfDay
            && needs_days
        {
            drawdown.kind = DrawdownKind::Trailing;
            self.leave_out(
                "trailingEndOfDay",
                "The end-of-day trailing floor needs rows that are days (config.level \"day\"); here it follows every \
                 close, which breaks an account no less often.",
            );
        }
        let min_days = rules.min_days.unwrap_or(0);
        if min_days > 0 && needs_days {
            self.leave_out(
                "minDays",
                "The minimum of trading days needs rows that are days (config.level \"day\"); it is not simulated, so \
                 the pass probability is an upper bound.",
            );
        }
        if rules.daily_loss.is_some() && needs_days {
            self.leave_out(
                "dailyLoss",
                "The daily-loss rule needs rows that are days (config.level \"day\"); it is not simulated, so the breach \
                 probability is a lower bound.",
            );
        } else if rules.daily_loss.is_some() {
            self.daily_loss = rules.daily_loss.clone();
            self.assumptions.push(
                "A day's loss is the balance at its start (UTC) less the balance at each close within it; what an open \
                 position loses in between is not seen by the daily-loss rule."
                    .to_owned(),
            );
        }
        let consistency = self.consistency(rules, needs_days);
        if rules.has_pass() {
            let start = self.starting_balance;
            self.pass = Some(PassTerms {
                target_balance: rules.profit_target.as_ref().map(|target| {
                    start + target.amount.unwrap_or_else(|| start * target.fraction.unwrap_or(0.0))
                }),
                min_trades: rules.min_trades.unwrap_or(0),
                min_days: if needs_days { 0 } else { min_days },
                consistency,
            });
            self.assumptions
                .push("A path that passes stops there, with the balance that it passed with.".to_owned());
            self.time_limit_days = rules.time_limit_days;
        } else if rules.time_limit_days.is_some() {
            self.leave_out(
                "timeLimitDays",
                "There is nothing to pass under these rules, so the time limit was left out.",
            );
        }
    }

    /// The consistency rule, where it can be simulated.
    fn consistency(&mut self, rules: &RuleSet, needs_days: bool) -> Option<Consistency> {
        let rule = rules.consistency.as_ref()?;
        if !rules.has_pass() {
            self.leave_out(
                "consistency",
                "There is nothing to pass under these rules, so the consistency rule was left out.",
            );
            return None;
        }
        if needs_days {
            self.leave_out(
                "consistency",
                "The consistency rule needs rows that are days (config.level \"day\"); it is not simulated, so the pass \
                 probability is an upper bound.",
            );
            return None;
        }
        self.assumptions.push(
            "The consistency rule compares the best simulated day with all profit above the starting balance; days \
             before the simulation's start are not among its days."
                .to_owned(),
        );
        Some(rule.clone())
    }

    fn leave_out(&mut self, rule: &'static str, sentence: &str) {
        self.not_simulated.push(rule);
        self.assumptions.push(sentence.to_owned());
    }

    fn split(&mut self, tier: &TierTerms) -> f64 {
        tier.profit_split.unwrap_or_else(|| {
            self.assumptions.push(format!("The profit split is not known; {FUNDED_SPLIT} was assumed."));
            FUNDED_SPLIT
        })
    }

    /// The floor at the simulation's start, US dollars, unrounded; `None` without a total-drawdown rule.
    pub(crate) fn floor_at_start(&self) -> Option<f64> {
        let rule = self.drawdown.as_ref()?;
        let reference = match rule.kind {
            DrawdownKind::Static => self.starting_balance,
            DrawdownKind::Trailing | DrawdownKind::TrailingEndOfDay => self.peak_balance,
        };
        let below = reference - rule.amount.unwrap_or_else(|| reference * rule.fraction.unwrap_or(0.0));
        Some(rule.lock.as_ref().map_or(below, |lock| below.min(self.starting_balance + lock.offset)))
    }
}

/// The limit of a position's notional, as a fraction of the balance, that the past trades were under; `None` where it
/// is not given.
pub(crate) fn given_risk(subject: &Subject, input: &InputData) -> Option<f64> {
    match subject {
        Subject::Assessment(_) => input.tier.as_ref().and_then(|tier| tier.max_risk_per_trade),
        Subject::FundedAccount(_) => input.max_risk_per_trade,
    }
}

/// That limit, or else a funded account's usual one.
pub(crate) fn max_risk(subject: &Subject, input: &InputData) -> f64 {
    given_risk(subject, input).unwrap_or(FUNDED_RISK)
}

/// Only a funded account has limits of its own; the one that a passed trader would get has the platform's.
fn own_drawdown(subject: &Subject, input: &InputData) -> Option<f64> {
    match subject {
        Subject::Assessment(_) => None,
        Subject::FundedAccount(_) => input.max_drawdown,
    }
}

fn trailing(fraction: f64) -> Drawdown {
    Drawdown { kind: DrawdownKind::Trailing, fraction: Some(fraction), amount: None, lock: None }
}
