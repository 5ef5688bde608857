//! Side by side or one by one, in narrow vectors or wide ones: the same bits.

use monte_carlo_engine::{Control, Instructions, Shard, Subject, Tally, run_shard_by};
use proptest::prelude::{ProptestConfig, Strategy, prop, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::support::{account, assessment, book, config, funded, plan};

/// More than a batch of lanes, and some paths left over for one by one.
const PATHS: u64 = 1_300;

fn by(instructions: Instructions, subject: &Subject, rows: usize, asked: &Value) -> Tally {
    let mut asked = asked.clone();
    asked["paths"] = json!(PATHS);
    let plan = plan(subject, &account(100_000.0, &book(rows), 3), &config(asked));
    let shard = Shard { first_path: 0, paths: PATHS };
    run_shard_by(instructions, &plan, shard, &Control::default()).expect("nobody cancels")
}

fn all_agree(subject: &Subject, rows: usize, asked: &Value) {
    let reference = by(Instructions::Scalar, subject, rows, asked);
    for instructions in Instructions::ALL.into_iter().filter(|kind| kind.are_there()) {
        assert!(
            by(instructions, subject, rows, asked) == reference,
            "{instructions:?}, {rows} rows, {asked}"
        );
    }
}

#[test]
fn every_rule_and_model() {
    for rules in [
        json!("funded"),
        json!("assessment"),
        json!({}),
        json!({"drawdown": {"kind": "static", "fraction": 0.04}, "profitTarget": {"fraction": 0.03}}),
        json!({"drawdown": {"kind": "static", "amount": 3_000}}),
        json!({"drawdown": {"kind": "trailing", "fraction": 0.03, "lock": {"offset": 500}}}),
        json!({"drawdown": {"kind": "trailing", "fraction": 0.03}, "minTrades": 20}),
        json!({"drawdown": {"kind": "trailing", "amount": 2_500, "lock": {}}, "profitTarget": {"amount": 2_000}}),
        json!({"profitTarget": {"fraction": 0.02}, "minTrades": 7, "timeLimitDays": 21}),
        json!({"dailyLoss": {"fraction": 0.008, "of": "dayStart"}, "profitTarget": {"fraction": 0.02}}),
        json!({"profitTarget": {"fraction": 0.01}, "consistency": {"fraction": 0.4}}),
        json!({"drawdown": {"kind": "trailing", "fraction": 0.02}, "payout": {"everyDays": 2, "minimum": 20, "cap": 900, "buffer": 50}}),
        json!({"profitTarget": {"fraction": 0.02}, "timeLimitDays": 21, "payout": {"everyDays": 5, "minimum": 0}}),
        json!({"drawdown": {"kind": "trailing", "fraction": 0.02}, "profitSplit": 0}),
        json!({"dailyLoss": {"amount": 900, "of": "initial"}, "drawdown": {"kind": "trailingEndOfDay", "amount": 2_500}}),
        json!({"drawdown": {"kind": "trailing", "fraction": 0.006}}),
        json!({"drawdown": {"kind": "trailingEndOfDay", "fraction": 0.012}}),
        json!({"drawdown": {"kind": "trailingEndOfDay", "fraction": 0.02, "lock": {"offset": 300}}, "minTrades": 12, "minDays": 6}),
        json!({
            "dailyLoss": {"amount": 700, "of": "initial"}, "drawdown": {"kind": "static", "fraction": 0.015},
            "profitTarget": {"fraction": 0.02},
        }),
    ] {
        for model in [
            json!({"model": "iid"}),
            json!({"model": "circular", "blockLength": 7}),
            json!({"blockLength": 4.5, "stress": {"volatility": 1.5}}),
            json!({"model": "regimes"}),
            json!({"model": "iid", "stress": {"worstWeek": true}}),
        ] {
            for (level, sizing) in [("trade", "proportional"), ("trade", "fixed"), ("day", "proportional")] {
                let mut asked = model.clone();
                asked["rules"] = rules.clone();
                asked["level"] = json!(level);
                asked["sizing"] = json!(sizing);
                all_agree(&assessment(), 150, &asked);
                all_agree(&funded(), 150, &asked);
            }
        }
    }
}

#[test]
fn every_fitted_law() {
    for model in ["normal", "studentT", "skewed"] {
        for sizing in ["proportional", "fixed"] {
            for rules in
                [json!("funded"), json!({}), json!({"drawdown": {"kind": "static", "fraction": 0.04}})]
            {
                let asked = json!({"model": model, "level": "trade", "sizing": sizing, "rules": rules});
                all_agree(&funded(), 150, &asked);
            }
        }
    }
}

#[test]
fn the_worst_week_within_every_model() {
    for model in [
        json!({"blockLength": 4.5}),
        json!({"model": "circular", "blockLength": 7}),
        json!({"model": "studentT"}),
        json!({"model": "regimes"}),
    ] {
        for (level, rules) in
            [("trade", json!("funded")), ("day", json!({"drawdown": {"kind": "static", "fraction": 0.02}}))]
        {
            if level == "day" && model["model"] == "studentT" {
                continue;
            }
            for steps in [30, 64, 100] {
                let mut asked = model.clone();
                asked["level"] = json!(level);
                asked["rules"] = rules.clone();
                asked["steps"] = json!(steps);
                asked["stress"] = json!({"worstWeek": true, "volatility": 1.2});
                all_agree(&funded(), 150, &asked);
            }
        }
    }
}

#[test]
fn every_number_of_rows_and_steps() {
    for rows in [1, 2, 3, 31, 32, 33, 63, 64, 65, 255, 256, 257, 1_000] {
        for steps in [1, 2, 63, 64, 65, 300] {
            all_agree(&funded(), rows, &json!({"steps": steps, "level": "trade", "model": "iid"}));
        }
    }
}

#[test]
fn states_past_32_bits() {
    // 100,000 rows of up to 1 %: their sum may pass 2²⁹.
    let asked = json!({"steps": 40_000, "level": "trade", "model": "iid", "paths": 20});
    let plan = plan(&funded(), &account(100_000.0, &book(40), 3), &config(asked));
    let shard = Shard { first_path: 0, paths: 20 };
    let by = |kind| run_shard_by(kind, &plan, shard, &Control::default()).expect("nobody cancels");
    assert!(by(Instructions::Scalar) == by(Instructions::best()));
}

fn rules() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["static", "trailing"]);
    (kind, 1..120_u32, prop::option::of(-50..80_i32), prop::option::of(1..90_u32), 0..60_u32).prop_map(
        |(kind, drop, lock, target, trades)| {
            let mut rules = json!({"drawdown": {"kind": kind, "fraction": f64::from(drop) / 1_000.0}});
            if let (Some(lock), "trailing") = (lock, kind) {
                rules["drawdown"]["lock"] = json!({"offset": lock * 100});
            }
            if drop % 3 == 0 {
                rules["payout"] = json!({"everyDays": drop % 7 + 1, "minimum": drop, "buffer": drop * 3});
            }
            if let Some(target) = target {
                rules["profitTarget"] = json!({"fraction": f64::from(target) / 1_000.0});
                rules["minTrades"] = json!(trades);
            }
            rules
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_rules_history_and_seed(
        rules in rules(),
        rows in 1..400_usize,
        steps in 1..200_u32,
        block in 1.0..9.0_f64,
        seed in 0..1_u64 << 53,
    ) {
        let asked = json!({
            "steps": steps, "level": "trade", "blockLength": block, "seed": seed, "rules": rules,
        });
        let reference = by(Instructions::Scalar, &funded(), rows, &asked);
        for instructions in Instructions::ALL.into_iter().filter(|kind| kind.are_there()) {
            prop_assert_eq!(by(instructions, &funded(), rows, &asked) == reference, true, "{:?}", instructions);
        }
    }
}
