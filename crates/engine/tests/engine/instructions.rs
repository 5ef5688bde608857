//! Side by side or one by one, in narrow vectors or wide ones: the same bits.

use monte_carlo_engine::{Control, Instructions, Plan, Shard, Subject, Tally, run_shard_by};
use proptest::prelude::{ProptestConfig, Strategy, prop, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::support::{account, assessment, book, config, funded, plan};

/// Many lanes, and some paths left over for one by one.
const PATHS: u64 = 1_300;

/// Two batches of 4,096 paths, one that is not full, and some paths left over.
const PATHS_OF_BATCHES: u64 = 2 * 4_096 + PATHS;

fn planned(subject: &Subject, (rows, per_day): (usize, usize), asked: &Value) -> Plan {
    let mut asked = asked.clone();
    if asked["paths"].is_null() {
        asked["paths"] = json!(PATHS);
    }
    plan(subject, &account(100_000.0, &book(rows), per_day), &config(asked))
}

fn by(instructions: Instructions, plan: &Plan) -> Tally {
    let shard = Shard { first_path: 0, paths: plan.paths() };
    run_shard_by(instructions, plan, shard, &Control::default()).expect("nobody cancels")
}

fn agree(plan: &Plan, what: &str) {
    let reference = by(Instructions::Scalar, plan);
    for instructions in Instructions::ALL.into_iter().filter(|kind| kind.are_there()) {
        assert!(by(instructions, plan) == reference, "{instructions:?}, {what}");
    }
}

fn all_agree(subject: &Subject, rows: usize, asked: &Value) {
    agree(&planned(subject, (rows, 3), asked), &format!("{rows} rows, {asked}"));
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
fn days_of_one_trade() {
    // Trades lose up to 470 dollars: many cross the day's floor and the account's in one move, either of them the higher.
    for (daily, drawdown) in [
        (json!({"amount": 300, "of": "dayStart"}), json!({"kind": "trailing", "fraction": 0.01})),
        (json!({"fraction": 0.004, "of": "initial"}), json!({"kind": "static", "fraction": 0.01})),
        (
            json!({"amount": 400, "of": "dayStart"}),
            json!({"kind": "trailing", "fraction": 0.006, "lock": {}}),
        ),
    ] {
        for target in [json!({}), json!({"profitTarget": {"fraction": 0.01}, "minDays": 3})] {
            let mut rules = target;
            rules["dailyLoss"] = daily.clone();
            rules["drawdown"] = drawdown.clone();
            let asked = json!({"level": "day", "rules": rules});
            agree(&planned(&assessment(), (150, 1), &asked), &asked.to_string());
        }
    }
}

#[test]
fn a_batch_leaves_nothing_to_the_next() {
    for rules in [
        json!("funded"),
        json!({"drawdown": {"kind": "static", "fraction": 0.02}, "payout": {"everyDays": 2, "minimum": 20, "cap": 900}}),
        json!({"profitTarget": {"fraction": 0.02}, "timeLimitDays": 21, "payout": {"everyDays": 5, "minimum": 0}}),
    ] {
        for level in ["trade", "day"] {
            let asked = json!({"paths": PATHS_OF_BATCHES, "level": level, "rules": rules});
            all_agree(&assessment(), 150, &asked);
            all_agree(&funded(), 150, &asked);
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
    let plan = planned(&funded(), (40, 3), &asked);
    assert!(by(Instructions::Scalar, &plan) == by(Instructions::best(), &plan));
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
        let plan = planned(&funded(), (rows, 3), &asked);
        let reference = by(Instructions::Scalar, &plan);
        for instructions in Instructions::ALL.into_iter().filter(|kind| kind.are_there()) {
            prop_assert_eq!(by(instructions, &plan) == reference, true, "{:?}", instructions);
        }
    }
}
