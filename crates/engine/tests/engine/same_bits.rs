//! The same request gives the same bits, however its paths are cut, merged and stored.

use monte_carlo_engine::{Control, Execution, Shard, Subject, Tally, report, result_digest, run_shard};
use serde_json::{Value, json};

use crate::support::{
    account, assessment, book, config, execution, funded, json as as_json, plan, result, run, tally,
};

fn requests() -> Vec<Value> {
    vec![
        json!({"paths": 701}),
        json!({"paths": 701, "sizing": "fixed", "level": "day", "blockLength": 3.5}),
        json!({"paths": 701, "model": "iid", "rules": {
            "drawdown": {"kind": "trailing", "amount": 3000, "lock": {}}, "profitTarget": {"fraction": 0.04},
        }}),
        json!({"paths": 701, "rules": {
            "drawdown": {"kind": "static", "fraction": 0.04}, "dailyLoss": {"amount": 1000, "of": "dayStart"},
            "payout": {"everyDays": 5, "minimum": 50, "cap": 1500},
        }}),
        json!({"paths": 701, "model": "circular", "blockLength": 4}),
        json!({"paths": 701, "model": "regimes"}),
        json!({"paths": 701, "model": "regimes", "level": "day", "stress": {"worstWeek": true}}),
        json!({"paths": 701, "stress": {"worstWeek": true}}),
        json!({"paths": 701, "model": "filtered", "stress": {"worstWeek": true}}),
        json!({"paths": 701, "model": "skewed", "stress": {"volatility": 1.25, "meanShift": -0.0001, "slippage": 2}}),
    ]
}

#[test]
fn any_cut_and_any_order_of_merging() {
    for asked in requests() {
        let plan = plan(&funded(), &account(100_000.0, &book(150), 3), &config(asked));
        let whole = tally(&plan, 1);
        assert_eq!(tally(&plan, 7), whole);
        assert_eq!(tally(&plan, 701), whole, "path by path");

        let mut parts: Vec<Tally> = (0..7)
            .map(|part| run(&plan, Shard { first_path: part * 101, paths: if part == 6 { 95 } else { 101 } }))
            .collect();
        parts.swap(0, 5);
        parts.swap(2, 6);
        parts.reverse();
        let mut merged = parts.pop().unwrap();
        // Pairs first: another tree of merges.
        while let Some(mut part) = parts.pop() {
            if let Some(other) = parts.pop() {
                part.merge(&other);
            }
            merged.merge(&part);
        }
        assert_eq!(merged, whole);
        assert_eq!(
            report(&plan, &merged, &execution()).result_digest,
            report(&plan, &whole, &execution()).result_digest
        );
    }
}

#[test]
fn ruin_is_merged_too() {
    let asked = config(json!({"paths": 900, "sizing": "fixed", "rules": {}}));
    let plan = plan(&assessment(), &account(3_000.0, &book(150), 3), &asked);
    let whole = tally(&plan, 1);
    let ruined = report(&plan, &whole, &execution()).ruin_probability.value;
    assert!(ruined > 0.01 && ruined < 0.9, "{ruined}");
    assert_eq!(tally(&plan, 4), whole);
}

#[test]
fn any_number_of_threads() {
    let plan = plan(
        &funded(),
        &account(100_000.0, &book(150), 3),
        &config(json!({"paths": 3_000, "historyReplicates": 0})),
    );
    let shards = plan.shards(1_000);
    assert!(shards.len() > 10);
    let control = Control::default();
    let merged = std::thread::scope(|scope| {
        let workers: Vec<_> = shards
            .chunks(5)
            .map(|chunk| {
                scope.spawn(|| {
                    chunk.iter().map(|&shard| run_shard(&plan, shard, &control).unwrap()).collect::<Vec<_>>()
                })
            })
            .collect();
        let tallies = workers.into_iter().flat_map(|worker| worker.join().unwrap());
        tallies.reduce(|mut a, b| {
            a.merge(&b);
            a
        })
    });
    assert!(merged.unwrap() == tally(&plan, 1));
    assert_eq!(control.paths_done.into_inner(), 3_000);
}

#[test]
fn shards_hold_every_path_once() {
    let plan = plan(&funded(), &account(100_000.0, &book(150), 3), &config(json!({"paths": 1_003})));
    for path_steps in [0, 1, 90, 1_000, u64::MAX] {
        let mut next = 0;
        for shard in plan.shards(path_steps) {
            assert_eq!(shard.first_path, next);
            assert!(shard.paths > 0);
            next += shard.paths;
        }
        assert_eq!(next, plan.paths_in_all());
        assert!(next > 100_000, "the weighted histories' too");
    }
}

#[test]
fn a_cancelled_shard_stops() {
    let plan = plan(&funded(), &account(100_000.0, &book(150), 3), &config(json!({"paths": 100_000_000})));
    let control = Control::default();
    control.cancel.store(true, std::sync::atomic::Ordering::Relaxed);
    let whole = Shard { first_path: 0, paths: plan.paths() };
    assert!(run_shard(&plan, whole, &control).is_err());
    assert_eq!(control.paths_done.into_inner(), 0);
}

#[test]
fn the_seed_is_the_subjects_unless_given() {
    let input = account(100_000.0, &book(150), 3);
    let of = |subject: &Subject, asked| plan(subject, &input, &config(asked)).seed();
    assert_eq!(of(&funded(), json!({})), of(&funded(), json!({"paths": 5})));
    assert_ne!(of(&funded(), json!({})), of(&assessment(), json!({})));
    assert_eq!(of(&funded(), json!({"seed": 42})), 42);
}

#[test]
fn the_digest_survives_a_json_store() {
    let plan = plan(&funded(), &account(100_000.0, &book(150), 3), &config(json!({"paths": 701})));
    let here = result(&plan);
    let stored: Value = serde_json::from_str(&as_json(&here).to_string()).unwrap();
    assert_eq!(result_digest(&stored), here.result_digest);
    let with_integers: Value = serde_json::from_str(&stored.to_string().replace(".0,", ",")).unwrap();
    assert_ne!(with_integers, stored);
    assert_eq!(result_digest(&with_integers), here.result_digest);

    let elsewhere = Execution { executed_on: "ray".to_owned(), simulation_time_seconds: 99.0 };
    assert_eq!(report(&plan, &tally(&plan, 3), &elsewhere).result_digest, here.result_digest);
}
