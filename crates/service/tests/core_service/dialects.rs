//! Both dialects of the contract, against the sample server.

use monte_carlo_engine::InputData;
use monte_carlo_service::core_service::client::Existence;
use monte_carlo_service::core_service::error::CoreError;
use monte_carlo_service::jobs::machine::Fault;
use monte_carlo_service::sample_core::book::Outcome;
use monte_carlo_service::sample_core::server::Dialect;
use std::time::Duration;

use crate::support::{TOKEN, assessment, client, client_with, funded, gather, sample, trace};

fn without_assumptions(input: &InputData) -> InputData {
    InputData { assumptions: Vec::new(), ..input.clone() }
}

#[tokio::test]
async fn both_dialects_give_the_same_assessment() {
    let (book, server) = sample().await;
    for trader in book.traders.iter().filter(|trader| trader.outcome != Outcome::Abandoned) {
        let subject = assessment(&trader.assessment_id);
        let wrapped = gather(&server.url(Dialect::Wrapped), &subject).await.expect("gathered");
        let bare = gather(&server.url(Dialect::Bare), &subject).await.expect("gathered");
        let counted: Vec<_> = trader.ledger.trades.iter().filter(|trade| !trade.cancelled).cloned().collect();
        assert_eq!(wrapped.trade_history, counted, "{}", trader.assessment_id);
        assert_eq!(wrapped.pnl_data.balance, trader.ledger.balance);
        assert_eq!(wrapped.pnl_data.peak, trader.ledger.peak);
        assert_eq!(wrapped.starting_balance, Some(trader.ledger.starting_balance));
        assert_eq!(wrapped.tier.as_ref(), Some(&trader.tier));
        assert_eq!(wrapped.assumptions, Vec::<String>::new(), "A says everything");

        assert_eq!(bare.assumptions.len(), 2, "{:?}", bare.assumptions);
        assert!(bare.assumptions[0].contains("only names the tier"), "{:?}", bare.assumptions);
        assert!(bare.assumptions[1].contains("its balance less its profit"), "{:?}", bare.assumptions);
        assert!((bare.starting_balance.expect("assumed") - trader.ledger.starting_balance).abs() < 0.005);
        let same_start = InputData { starting_balance: wrapped.starting_balance, ..bare };
        assert_eq!(without_assumptions(&same_start), wrapped);
    }
}

#[tokio::test]
async fn a_funded_account_has_its_own_terms() {
    let (book, server) = sample().await;
    for (trader, account) in book.traders.iter().filter_map(|trader| Some((trader, trader.funded.as_ref()?)))
    {
        let subject = funded(&account.id);
        let wrapped = gather(&server.url(Dialect::Wrapped), &subject).await.expect("gathered");
        assert_eq!(wrapped.pnl_data.balance, account.ledger.balance);
        assert_eq!(wrapped.pnl_data.unrealized, account.ledger.unrealized);
        assert_eq!(wrapped.total_withdrawals, Some(account.ledger.withdrawals));
        assert_eq!(wrapped.max_drawdown, None, "the tier's was the assessment's");
        let terms = wrapped.tier.expect("terms");
        assert_eq!(terms.profit_split, trader.tier.profit_split);

        let bare = gather(&server.url(Dialect::Bare), &subject).await.expect("gathered");
        assert_eq!(bare.trade_history, wrapped.trade_history);
        assert_eq!(bare.pnl_data.balance, account.ledger.balance);
        assert_eq!(bare.tier.expect("terms").profit_split, Some(0.80));
        assert_eq!(bare.total_withdrawals, Some(0.0));
        let said = bare.assumptions.join("\n");
        for part in ["no tier", "profit split of 0.80", "its balance less its profit", "no withdrawals"] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
}

#[tokio::test]
async fn an_assessment_without_an_account_starts_from_its_tier() {
    let (book, server) = sample().await;
    let trader = book.traders.iter().find(|trader| trader.outcome == Outcome::Abandoned).expect("one");
    let input =
        gather(&server.url(Dialect::Wrapped), &assessment(&trader.assessment_id)).await.expect("gathered");
    assert_eq!(input.starting_balance, trader.tier.starting_balance);
    assert!((input.pnl_data.balance - trader.ledger.balance).abs() < 0.005);
    assert!((input.pnl_data.peak - trader.ledger.peak).abs() < 0.005);
    assert!(input.assumptions[0].contains("gives no account"), "{:?}", input.assumptions);
}

#[tokio::test]
async fn only_active_accounts_are_listed_whoever_filters() {
    let (book, server) = sample().await;
    let accounts = book.traders.iter().filter_map(|trader| trader.funded.as_ref());
    let active: Vec<String> = accounts.filter(|account| account.is_active).map(|a| a.id.clone()).collect();
    for dialect in [Dialect::Wrapped, Dialect::Bare] {
        let listed = client(&server.url(dialect)).active_funded_accounts(&trace()).await.expect("listed");
        assert_eq!(listed, active, "{dialect:?}");
    }
}

#[tokio::test]
async fn unknown_accounts_and_wrong_tokens_are_told_apart() {
    let (book, server) = sample().await;
    let url = server.url(Dialect::Wrapped);
    let known = assessment(&book.traders[0].assessment_id);
    let ours = client(&url);
    assert_eq!(ours.exists(&known, &trace()).await, Existence::Exists);
    assert_eq!(ours.exists(&assessment("asm-9999"), &trace()).await, Existence::NotFound);
    assert_eq!(ours.exists(&funded("a/b?c"), &trace()).await, Existence::NotFound, "ids are escaped");
    let missing = ours.gather(&funded("fnd-9999"), &trace()).await.expect_err("unknown");
    assert_eq!(missing, CoreError::NotFound { call: "GET /funded-accounts/fnd-9999".into() });
    ours.check(Duration::from_secs(5)).await.expect("reachable");
    assert_eq!(ours.last_refusal(), None);

    let stranger = client_with(&url, Some("wrong"), Duration::from_secs(5));
    let refused = stranger.gather(&known, &trace()).await.expect_err("refused");
    assert!(matches!(&refused, CoreError::Refused { status: 401, .. }), "{refused}");
    assert!(matches!(refused.fault(), Fault::Snooze(_)));
    assert_eq!(stranger.exists(&known, &trace()).await, Existence::Unknown);
    stranger.check(Duration::from_secs(5)).await.expect("reachable all the same");
    let told = stranger.last_refusal().expect("remembered");
    assert!(told.contains("401") && !told.contains("wrong\"") && !told.contains(TOKEN), "{told}");
}
