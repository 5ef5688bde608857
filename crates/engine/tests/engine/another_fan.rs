//! A fan of other steps and other bins changes the fan and nothing else.

use monte_carlo_engine::{Control, Instructions, Plan, Shard, run_shard_by};
use serde_json::{Value, json};

use crate::support::{account, assessment, book, config, json as as_json, plan, result};

const PATHS: u64 = 1_300;

fn usual() -> Plan {
    let asked = json!({
        "paths": PATHS, "steps": 120, "level": "trade", "blockLength": 3.0,
        "rules": {"drawdown": {"kind": "static", "fraction": 0.02}, "profitTarget": {"fraction": 0.02}},
    });
    plan(&assessment(), &account(100_000.0, &book(150), 3), &config(asked))
}

fn without_fan(mut result: Value) -> Value {
    for named in ["fan", "resultDigest"] {
        result.as_object_mut().expect("an object").remove(named);
    }
    result["monteCarloErrors"].as_object_mut().expect("an object").remove("fan");
    result
}

#[test]
fn the_rest_of_the_result_keeps_its_bits() {
    let usual_result = as_json(&result(&usual()));
    for (stops, bins) in [(1, 1), (1, 512), (7, 64), (120, 2_048)] {
        let other = as_json(&result(&usual().with_fan(stops, bins).unwrap()));
        assert_eq!(other["fan"]["steps"].as_array().unwrap().len(), stops as usize + 1);
        assert_eq!(without_fan(other), without_fan(usual_result.clone()));
    }
}

/// One path alone: its state at each step, to a bin. A row moves it by up to 0.5 %, so a neighbour's would show.
#[test]
fn every_step_can_be_seen_and_says_what_the_usual_fan_says() {
    let asked = json!({"paths": 1, "steps": 120, "level": "trade", "model": "iid", "rules": {}});
    let plan = plan(&assessment(), &account(100_000.0, &book(150), 3), &config(asked));
    let every = result(&plan.clone().with_fan(120, 1 << 15).unwrap()).fan.balance.p50;
    let usual = result(&plan).fan;
    for (&step, &seen) in usual.steps.iter().zip(&usual.balance.p50) {
        let there = every[step as usize];
        assert!((there / seen - 1.0).abs() < 0.0015, "step {step}: {there}, {seen}");
    }
}

#[test]
fn all_instructions_and_cuts_agree_on_it() {
    let closed_early = json!({
        "paths": PATHS, "steps": 120, "level": "trade", "blockLength": 3.0,
        "rules": {
            "drawdown": {"kind": "trailing", "fraction": 0.02}, "profitTarget": {"fraction": 0.03}, "timeLimitDays": 20,
        },
    });
    let closed_early = plan(&assessment(), &account(100_000.0, &book(150), 3), &config(closed_early));
    for plan in [usual(), closed_early] {
        for stops in [1, 7, 120] {
            let plan = plan.clone().with_fan(stops, 2_048).unwrap();
            let by = |kind, first_path, paths| {
                run_shard_by(kind, &plan, Shard { first_path, paths }, &Control::default()).unwrap()
            };
            let reference = by(Instructions::Scalar, 0, PATHS);
            for kind in Instructions::ALL.into_iter().filter(|kind| kind.are_there()) {
                assert!(by(kind, 0, PATHS) == reference, "{kind:?}, {stops} stops");
                let mut cut = by(kind, 600, PATHS - 600);
                cut.merge(&by(kind, 0, 600));
                assert!(cut == reference, "{kind:?}, {stops} stops, cut");
            }
        }
    }
}

#[test]
fn its_bounds_are_checked() {
    let field = |stops, bins| usual().with_fan(stops, bins).unwrap_err().field;
    assert_eq!([field(0, 512), field(121, 512)], ["fan.stops", "fan.stops"]);
    assert_eq!([field(1, 0), field(120, 1 << 18)], ["fan.bins", "fan.bins"]);
}
