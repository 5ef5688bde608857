//! The sample book is what it says: consistent to the cent, and as varied as the platform.

use std::collections::BTreeSet;

use monte_carlo_engine::TierTerms;
use monte_carlo_service::sample_core::book::{Book, END_MS, Ledger, Outcome, Trader};
use serde_json::Value;

fn check_ledger(name: &str, ledger: &Ledger, drawdown: f64, may_break: bool) {
    let (mut balance, mut peak) = (ledger.starting_balance, ledger.starting_balance);
    let mut broken_at = None;
    let counted: Vec<_> = ledger.trades.iter().filter(|trade| !trade.cancelled).collect();
    for (index, trade) in counted.iter().enumerate() {
        balance += trade.pnl;
        peak = peak.max(balance);
        if (peak - balance) / peak >= drawdown - 1e-9 {
            broken_at.get_or_insert(index);
        }
        assert!(trade.quantity > 0.0 && trade.price >= 0.0, "{name}: {trade:?}");
        if trade.market.contains(':') {
            assert!(trade.price <= 1.0 && ["yes", "no"].contains(&trade.side.as_str()), "{name}: {trade:?}");
        }
        if trade.kind.as_deref() == Some("open") {
            assert_eq!(trade.pnl, 0.0, "{name}: {trade:?}");
        }
    }
    assert!((balance - ledger.withdrawals - ledger.balance).abs() < 0.005, "{name}: {balance}");
    assert!((peak - ledger.peak).abs() < 0.005, "{name}: {peak}");
    assert!((ledger.realized() - (balance - ledger.starting_balance)).abs() < 0.005, "{name}");
    assert!(ledger.trades.is_sorted_by_key(|trade| trade.timestamp), "{name}: oldest first");
    let ids: BTreeSet<_> = ledger.trades.iter().map(|trade| &trade.id).collect();
    assert_eq!(ids.len(), ledger.trades.len(), "{name}: ids are unique");
    match broken_at {
        Some(index) => assert!(may_break && index + 1 == counted.len(), "{name}: goes on after the floor"),
        None => assert!(!may_break, "{name}: never reached the floor"),
    }
}

fn closes(ledger: &Ledger) -> usize {
    ledger.trades.iter().filter(|trade| !trade.cancelled && trade.pnl != 0.0).count()
}

fn check_trader(trader: &Trader) {
    let TierTerms { max_drawdown: Some(drawdown), min_trades: Some(min_trades), .. } = trader.tier else {
        panic!("{}: a tier without terms", trader.name);
    };
    let id = &trader.assessment_id;
    let last = trader.ledger.trades.last().expect("has traded");
    assert!(trader.started_at_ms < last.timestamp.0 && last.timestamp.0 <= trader.completed_at_ms, "{id}");
    assert!(trader.completed_at_ms < END_MS, "{id}");
    check_ledger(id, &trader.ledger, drawdown, trader.outcome == Outcome::Failed);
    if trader.outcome == Outcome::Passed {
        assert!(trader.ledger.realized() > 0.0, "{id}");
        assert!(closes(&trader.ledger) >= min_trades as usize, "{id}: {}", closes(&trader.ledger));
    }
    if let Some(funded) = &trader.funded {
        check_ledger(&funded.id, &funded.ledger, 0.15, false);
        let first = funded.ledger.trades.first().expect("has traded since");
        assert!(trader.outcome == Outcome::Passed && first.timestamp.0 >= trader.completed_at_ms, "{id}");
    }
}

#[test]
fn the_sample_is_consistent_and_varied() {
    let book = Book::sample();
    book.traders.iter().for_each(check_trader);
    let with = |outcome| book.traders.iter().filter(|trader| trader.outcome == outcome).count();
    assert_eq!(
        [with(Outcome::Passed), with(Outcome::Failed), with(Outcome::Abandoned)],
        [24, 12, 4],
        "passed, failed, abandoned"
    );
    let funded: Vec<_> = book.traders.iter().filter_map(|trader| trader.funded.as_ref()).collect();
    assert_eq!(funded.len(), 15);
    assert!(funded.iter().any(|account| !account.is_active), "so that a filter matters");
    assert!(funded.iter().any(|account| account.ledger.withdrawals > 0.0));
    assert!(funded.iter().any(|account| account.ledger.unrealized != 0.0));

    let tiers: BTreeSet<_> = book.traders.iter().filter_map(|trader| trader.tier.name.clone()).collect();
    assert_eq!(tiers.len(), 4);
    let ledgers = || book.traders.iter().map(|trader| &trader.ledger);
    let trades = || ledgers().chain(funded.iter().map(|account| &account.ledger)).flat_map(|l| &l.trades);
    let sides: BTreeSet<_> = trades().map(|trade| trade.side.as_str()).collect();
    assert_eq!(sides, BTreeSet::from(["buy", "long", "no", "sell", "short", "yes"]));
    assert!(trades().any(|trade| trade.cancelled && trade.pnl != 0.0));
    assert!(trades().any(|trade| trade.kind.is_none()));
    let counts: Vec<usize> = ledgers().map(|ledger| ledger.trades.len()).collect();
    let funded_counts = funded.iter().map(|account| account.ledger.trades.len());
    let most = counts.iter().copied().chain(funded_counts).max().expect("some");
    assert!(counts.iter().all(|count| *count >= 5), "{counts:?}");
    assert!((300..=450).contains(&most), "{most}");
    let is_risky = |trader: &&Trader| {
        let limit =
            trader.tier.max_risk_per_trade.expect("a limit") * trader.tier.starting_balance.expect("one");
        trader.ledger.trades.iter().any(|trade| trade.quantity * trade.price > limit * 1.2)
    };
    assert!(book.traders.iter().filter(is_risky).count() >= 5, "some exceed their risk");
}

#[test]
fn a_generated_book_is_consistent_and_repeatable() {
    let book = Book::generated(300, 150, 50, 7);
    assert_eq!(book.traders.len(), 500);
    book.traders.iter().for_each(check_trader);
    let again = Book::generated(300, 150, 50, 7);
    assert_eq!(format!("{book:?}"), format!("{again:?}"));
    assert_ne!(format!("{book:?}"), format!("{:?}", Book::generated(300, 150, 50, 8)));
}

#[test]
fn each_trader_has_one_event_that_agrees_with_the_book() {
    let book = Book::sample();
    let events = book.events();
    assert_eq!(events.len(), 40);
    let mut forms = BTreeSet::new();
    for event in &events {
        let body: Value = serde_json::from_str(&event.payload).expect("JSON");
        let trader = book.assessment(&event.key).expect("in the book");
        assert_eq!(body["assessmentId"], event.key.as_str());
        assert_eq!(body["status"], trader.outcome.as_str());
        assert_eq!(body["finalBalance"], trader.ledger.balance);
        assert!(event.headers.contains(&(
            "correlation-id".to_owned(),
            body["correlationId"].as_str().expect("text").to_owned()
        )));
        forms.insert(body["timestamp"].is_string());
    }
    assert_eq!(forms.len(), 2, "both forms of time");
    assert_eq!(events, Book::sample().events(), "the same each time");
}
