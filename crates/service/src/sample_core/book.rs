//! The book: who trades, under which tier, and how it went.

use monte_carlo_engine::{TierTerms, Trade};

use super::trading::{self, Draw, Wish};
use crate::core_service::tiers;

/// Everything in a book happened before 2026-11-01T00:00:00Z.
pub const END_MS: i64 = 1_793_491_200_000;
/// Nobody takes longer over an assessment.
const PERIOD_MS_MAX: i64 = 365 * 86_400_000;
/// Seed of the sample.
const SAMPLE_SEED: u64 = 20_261_101;
/// The traders of the sample; ids, not names, are what counts.
const NAMES: [&str; 20] = [
    "Ada", "Bruno", "Chidi", "Dalia", "Emre", "Farah", "Goran", "Hana", "Ivo", "Jun", "Kaia", "Luis", "Mei",
    "Noor", "Olu", "Pia", "Quinn", "Rosa", "Sami", "Tove",
];
/// The tiers, in the order in which traders are dealt to them.
const TIERS: [&str; 4] = ["Starter", "Professional", "Advanced", "Elite"];

/// How an assessment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// Through the floor of the tier's drawdown.
    Failed,
    /// Given up before either.
    Abandoned,
}

impl Outcome {
    /// As the platform writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }
}

/// Trades and what they made of the balance; dollars are exact to the cent.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Oldest first; opening and cancelled ones included.
    pub trades: Vec<Trade>,
    pub starting_balance: f64,
    pub balance: f64,
    pub peak: f64,
    /// Of a position that is still open.
    pub unrealized: f64,
    pub withdrawals: f64,
}

impl Ledger {
    /// Σ pnl of the trades that count.
    pub fn realized(&self) -> f64 {
        cents(self.balance + self.withdrawals - self.starting_balance)
    }
}

/// An account that a trader got for passing.
#[derive(Clone, Debug)]
pub struct FundedAccount {
    pub id: String,
    pub is_active: bool,
    pub ledger: Ledger,
}

/// One trader with an assessment, and perhaps an account since.
#[derive(Clone, Debug)]
pub struct Trader {
    pub name: String,
    pub user_id: String,
    pub assessment_id: String,
    pub tier: TierTerms,
    pub outcome: Outcome,
    pub started_at_ms: i64,
    pub completed_at_ms: i64,
    pub ledger: Ledger,
    pub funded: Option<FundedAccount>,
}

/// All traders.
#[derive(Clone, Debug)]
pub struct Book {
    pub traders: Vec<Trader>,
}

impl Book {
    /// Forty traders: 24 passed, 15 of them funded since; 12 failed; 4 gave up.
    pub fn sample() -> Self {
        Self::generate(24, 12, 4, 15, SAMPLE_SEED)
    }

    /// A book of any size for load tests; nobody is funded. The same numbers give the same book.
    pub fn generated(passed: usize, failed: usize, abandoned: usize, seed: u64) -> Self {
        Self::generate(passed, failed, abandoned, 0, seed)
    }

    fn generate(passed: usize, failed: usize, abandoned: usize, funded: usize, seed: u64) -> Self {
        let outcomes = std::iter::repeat_n(Outcome::Passed, passed)
            .chain(std::iter::repeat_n(Outcome::Failed, failed))
            .chain(std::iter::repeat_n(Outcome::Abandoned, abandoned));
        let mut deal = fastrand::Rng::with_seed(seed);
        let traders = outcomes
            .enumerate()
            .map(|(index, outcome)| trader(index, outcome, index < funded, deal.u64(..)))
            .collect();
        Self { traders }
    }

    /// Those who passed: the ones whom the service will hear of and simulate.
    pub fn passed(&self) -> impl Iterator<Item = &Trader> {
        self.traders.iter().filter(|trader| trader.outcome == Outcome::Passed)
    }

    /// The trader with that assessment. `asm-0001~7` is the trader of `asm-0001` once more: load may be larger than a
    /// book.
    pub fn assessment(&self, id: &str) -> Option<&Trader> {
        let (id, _) = id.split_once('~').unwrap_or((id, ""));
        self.traders.iter().find(|trader| trader.assessment_id == id)
    }

    /// The trader with that funded account, and the account.
    pub fn funded_account(&self, id: &str) -> Option<(&Trader, &FundedAccount)> {
        let accounts = self.traders.iter().filter_map(|trader| Some((trader, trader.funded.as_ref()?)));
        accounts.into_iter().find(|(_, account)| account.id == id)
    }
}

fn trader(index: usize, outcome: Outcome, is_funded: bool, seed: u64) -> Trader {
    let number = index + 1;
    let tier = tiers::by_name(TIERS[index % TIERS.len()]).unwrap_or_default();
    let mut rng = fastrand::Rng::with_seed(seed);
    let style = Draw::style(index, &mut rng);
    // The funded ones passed some months ago, so that they have traded since.
    let days_ago = if is_funded { rng.i64(70..120) } else { rng.i64(1..60) };
    let completed_at_ms = END_MS - days_ago * 86_400_000 - rng.i64(0..86_400_000);
    let wish = match outcome {
        Outcome::Passed => Wish::Pass,
        Outcome::Failed => Wish::Fail,
        Outcome::Abandoned => Wish::GiveUp,
    };
    let period_ms = completed_at_ms - PERIOD_MS_MAX..completed_at_ms;
    let ledger = trading::ledger(&tier, style, wish, &format!("t{number:04}"), period_ms, &mut rng);
    let started_at_ms = ledger.trades.first().map_or(completed_at_ms, |trade| trade.timestamp.0 - 3_600_000);
    let funded = is_funded.then(|| FundedAccount {
        id: format!("fnd-{number:04}"),
        // One in seven has left since.
        is_active: index % 7 != 6,
        ledger: trading::ledger(
            &tier,
            style,
            Wish::Fund,
            &format!("f{number:04}"),
            completed_at_ms..END_MS,
            &mut rng,
        ),
    });
    Trader {
        name: NAMES[index % NAMES.len()].to_owned(),
        user_id: format!("usr-{number:04}"),
        assessment_id: format!("asm-{number:04}"),
        tier,
        outcome,
        started_at_ms,
        completed_at_ms,
        ledger,
        funded,
    }
}

/// To the cent.
pub(super) fn cents(dollars: f64) -> f64 {
    (dollars * 100.0).round() / 100.0
}
