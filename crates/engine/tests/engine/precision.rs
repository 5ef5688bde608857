//! As many paths as a tolerance needs: looks at fixed counts, and results that are those of so many paths asked for.

use monte_carlo_engine::{InputData, Plan, PlanError, SimulationConfig, Subject, exact_law, report};
use serde_json::{Value, json};

use crate::support::{
    account, assessment, book, config, execution, funded, json as as_json, plan, run, staged, whole_result,
};

const FIRST_LOOK: u64 = 16_384;

/// A trader who breaks now and then, on short paths.
fn trader() -> InputData {
    account(100_000.0, &book(60), 3)
}

fn asked(tolerance: &Value) -> SimulationConfig {
    let rules =
        json!({"drawdown": {"kind": "trailing", "fraction": 0.012}, "minTrades": 8, "profitSplit": 0.8});
    config(json!({"steps": 12, "model": "iid", "level": "trade", "rules": rules, "tolerance": tolerance}))
}

fn of_paths(paths: u64, tolerated: &SimulationConfig) -> SimulationConfig {
    SimulationConfig { paths: Some(paths), tolerance: None, ..tolerated.clone() }
}

/// The result of all stages.
fn found(config: &SimulationConfig) -> Value {
    let plan = plan(&assessment(), &trader(), config);
    as_json(&report(&plan, &staged(&plan, 1 << 40), &execution()))
}

fn without(mut result: Value, field: &str) -> Value {
    result.as_object_mut().expect("an object").remove(field);
    result
}

#[test]
fn the_result_is_that_of_so_many_paths_asked_for() {
    // Beyond 409,600 paths there are more weighted histories by default.
    for (error, paths) in [(0.01, FIRST_LOOK), (0.002, FIRST_LOOK << 2), (0.000_5, FIRST_LOOK << 6)] {
        let tolerated = asked(&json!({"metric": "breachProbability", "standardError": error}));
        let result = found(&tolerated);
        let looks = 1 + (paths / FIRST_LOOK).ilog2();
        let precision = &result["precision"];
        let seen =
            ["reached", "paths", "looks", "metric", "wantedStandardError"].map(|name| &precision[name]);
        assert_eq!(json!(seen), json!([true, paths, looks, "breachProbability", error]));
        assert_eq!(result["pathsSimulated"], paths);
        let fixed = as_json(&whole_result(&plan(&assessment(), &trader(), &of_paths(paths, &tolerated))));
        assert_eq!(fixed["precision"], Value::Null);
        let (result, fixed) = (without(result, "precision"), fixed);
        assert_eq!(without(result, "resultDigest"), without(fixed, "resultDigest"));
    }
}

#[test]
fn it_stops_at_the_first_look_that_is_sure_enough() {
    for metric in [
        "breachProbability",
        "passProbability",
        "expectedPayout",
        "meanReturn",
        "maxDrawdown",
        "signedCvar95",
    ] {
        let error_at = |paths: u64| {
            let tolerance = json!({"metric": metric, "standardError": 1e-12, "maxPaths": paths});
            let tolerated = SimulationConfig { history_replicates: Some(0), ..asked(&tolerance) };
            let result = found(&tolerated);
            assert_eq!(result["precision"]["reached"], false);
            assert_eq!(result["precision"]["paths"], paths);
            result["precision"]["standardError"].as_f64().expect("an error")
        };
        let (second, third) = (error_at(FIRST_LOOK * 2), error_at(FIRST_LOOK * 4));
        assert!((second / third - 2.0_f64.sqrt()).abs() < 0.05, "{metric}: {second} {third}");
        let tolerance = json!({"metric": metric, "standardError": (second + third) / 2.0});
        let result = found(&SimulationConfig { history_replicates: Some(0), ..asked(&tolerance) });
        assert_eq!(result["precision"]["paths"], FIRST_LOOK * 4, "{metric}");
        assert_eq!(result["precision"]["standardError"], third, "{metric}");
        assert_eq!(result["precision"]["looks"], 3, "{metric}");
    }
}

#[test]
fn a_stated_error_is_that_of_the_stated_interval() {
    for (metric, at) in [
        ("breachProbability", "/breachProbability"),
        ("neitherProbability", "/neitherProbability"),
        ("expectedPayout", "/expectedPayout"),
        ("expectedPayoutWeekly", "/expectedPayoutWeekly"),
        ("meanReturn", "/monteCarloErrors/meanReturn"),
        ("variance", "/monteCarloErrors/variance"),
        ("standardDeviation", "/monteCarloErrors/standardDeviation"),
        ("maxDrawdown", "/monteCarloErrors/maxDrawdown"),
        ("sharpeRatio", "/monteCarloErrors/sharpeRatio"),
        ("sortinoRatio", "/monteCarloErrors/sortinoRatio"),
        ("signedCvar95", "/monteCarloErrors/signedCvar95"),
        ("signedCvar99", "/monteCarloErrors/signedCvar99"),
    ] {
        let tolerance = json!({"metric": metric, "standardError": 1e9});
        let result = found(&SimulationConfig { history_replicates: Some(0), ..asked(&tolerance) });
        let stated = result["precision"]["standardError"].as_f64().expect("an error");
        let interval = result.pointer(at).expect("a figure");
        let [low, high] = ["lower", "upper"].map(|end| interval[end].as_f64().expect("an end"));
        // The sub-batches know a deviation to 1 / √(2 · 31) = 13 %: three of those.
        let ratio = stated / ((high - low) / (2.0 * 1.96));
        assert!((ratio - 1.0).abs() < 0.4, "{metric}: {ratio}");
    }
}

#[test]
fn a_budget_that_ends_before_the_wish_is_said() {
    let tolerance = json!({"metric": "expectedPayout", "standardError": 0.5, "maxPaths": 50_000});
    let result = found(&asked(&tolerance));
    let precision = &result["precision"];
    assert_eq!(json!(["reached", "paths", "looks"].map(|name| &precision[name])), json!([false, 50_000, 3]));
    assert_eq!(result["pathsSimulated"], 50_000);
    let said = "The budget of 50000 paths was spent before expectedPayout was as sure as wanted";
    let warnings = result["warnings"].as_array().expect("sentences");
    assert!(
        warnings.iter().any(|sentence| sentence.as_str().is_some_and(|text| text.starts_with(said))),
        "{warnings:?}"
    );

    let small = found(&asked(&json!({"metric": "meanReturn", "standardError": 1, "maxPaths": 100})));
    assert_eq!(small["pathsSimulated"], 100, "a budget below the first look is the only look");
    assert_eq!(small["precision"]["looks"], 1);
}

#[test]
fn no_event_seen_is_not_an_error_of_0() {
    // Ten losses of ten trades, each one in ten: 10⁻¹⁰ a path.
    let trades = [20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0, -600.0];
    let input = account(100_000.0, &trades, 1);
    let rules = json!({"drawdown": {"kind": "static", "amount": 5_500}});
    let precision = |metric: &str, error: f64| {
        let asked = json!({
            "steps": 10, "model": "iid", "sizing": "fixed", "rules": rules, "historyReplicates": 0,
            "tolerance": {"metric": metric, "standardError": error, "maxPaths": 100_000},
        });
        let plan = plan(&funded(), &input, &config(asked));
        let result = report(&plan, &staged(&plan, 1 << 40), &execution());
        assert_eq!(result.breach_probability.value, 0.0);
        (result.precision.expect("asked for"), result.warnings)
    };
    // Wilson's half width in deviations: 1.96 / (2 n) at n = 16,384 is 6.0e-5, at 32,768 3.0e-5.
    assert_eq!(precision("breachProbability", 7e-5).0.looks, 1);
    assert_eq!(precision("breachProbability", 5e-5).0.looks, 2);
    let (never, warnings) = precision("breachProbability", 1e-6);
    assert!(!never.reached && never.paths == 100_000);
    assert!(warnings.iter().any(|sentence| sentence.contains("before breachProbability was as sure")));
}

#[test]
fn a_payout_that_few_paths_bring_is_not_sure() {
    // A path is paid where it wins on each of its 3 trades: (1/20)³ of 16,384 paths are 2 or so.
    let mut trades = vec![-40.0; 19];
    trades.push(2_000.0);
    let input = account(100_000.0, &trades, 1);
    let of = |minimum: f64| {
        let rules = json!({"profitSplit": 1, "payout": {"everyDays": 365, "minimum": minimum}});
        let asked = json!({
            "steps": 3, "model": "iid", "sizing": "fixed", "level": "trade", "rules": rules, "historyReplicates": 0,
            "tolerance": {"metric": "expectedPayout", "standardError": 100, "maxPaths": 40_000},
        });
        let plan = plan(&funded(), &input, &config(asked));
        let result = report(&plan, &staged(&plan, 1 << 40), &execution());
        (result.precision.expect("asked for"), result.warnings)
    };
    // The account starts 1,240 above its starting balance.
    assert!(of(1_000.0).0.reached, "many are paid");
    let (seldom, warnings) = of(7_000.0);
    assert!(
        !seldom.reached && seldom.standard_error.is_some_and(|error| error > 0.0 && error < 100.0),
        "{seldom:?}"
    );
    assert!(
        warnings.iter().any(|said| said.contains("before it was known how sure expectedPayout is")),
        "{warnings:?}"
    );
    let (never, _) = of(9_000.0);
    assert!(!never.reached && never.standard_error == Some(0.0), "{never:?}");
}

#[test]
fn stages_rise_and_any_cut_gives_the_same_bits() {
    let tolerance = json!({"metric": "breachProbability", "standardError": 0.003, "maxPaths": 200_000});
    let plan = plan(&assessment(), &trader(), &asked(&tolerance));
    let whole = staged(&plan, 1 << 40);
    assert!(staged(&plan, 70_000) == whole, "another cut");

    let (mut merged, mut next, mut stages) = (None, 0, 0);
    loop {
        let shards = plan.next_stage(merged.as_ref(), 70_000);
        let Some(first) = shards.first() else { break };
        assert!(first.first_path >= next, "stage {stages}");
        next = first.first_path;
        stages += 1;
        for shard in shards.into_iter().rev() {
            next = next.max(shard.first_path + shard.paths);
            let tally = run(&plan, shard);
            merged = Some(match merged {
                None => tally,
                Some(mut sum) => {
                    monte_carlo_engine::Tally::merge(&mut sum, &tally);
                    sum
                }
            });
        }
    }
    assert!(merged.as_ref() == Some(&whole));
    assert!(stages == 3 && next <= plan.paths_in_all(), "{stages} {next}");
    assert_eq!(plan.paths(), 200_000);
}

#[test]
fn intervals_hold_what_is_true_although_paths_end_when_it_suits() {
    let input = trader();
    let planned = |seed: u64| {
        let rules = json!({"drawdown": {"kind": "trailing", "fraction": 0.031}});
        let tolerance =
            json!({"metric": "breachProbability", "standardError": 0.000_24, "maxPaths": 131_072});
        let asked = json!({
            "steps": 12, "model": "iid", "level": "trade", "rules": rules, "seed": seed, "historyReplicates": 0,
            "tolerance": tolerance,
        });
        plan(&assessment(), &input, &config(asked))
    };
    let truth = exact_law(&planned(0)).and_then(|law| law.breached.last().copied()).expect("a lattice");
    let (mut covered, mut looks) = (0, [0; 5]);
    for seed in 0..400 {
        let plan = planned(seed);
        let result = report(&plan, &staged(&plan, 1 << 40), &execution());
        looks[result.precision.expect("asked for").looks as usize] += 1;
        let breach = result.breach_probability;
        covered += u32::from(breach.lower <= truth && truth <= breach.upper);
    }
    assert!(looks[1] > 50 && looks[2] > 50, "chance must decide when it ends: {looks:?} {truth}");
    // 95 % of 400 are 380, deviation 4.4.
    assert!((362..=398).contains(&covered), "{covered} {looks:?}");
}

#[test]
fn what_is_refused() {
    let refused = |tolerance: Value| asked(&tolerance).validate().expect_err("out of range").field;
    let metric = "breachProbability";
    for error in [0.0, -1.0] {
        assert_eq!(
            refused(json!({"metric": metric, "standardError": error})),
            "config.tolerance.standardError"
        );
    }
    for paths in [0_u64, 100_000_001] {
        let tolerance = json!({"metric": metric, "standardError": 1, "maxPaths": paths});
        assert_eq!(refused(tolerance), "config.tolerance.maxPaths");
    }
    let both = SimulationConfig { paths: Some(5), ..asked(&json!({"metric": metric, "standardError": 1})) };
    assert_eq!(both.validate().expect_err("one of them").field, "config.paths");
    for unread in [
        json!({"metric": "var95", "standardError": 1}),
        json!({"metric": metric}),
        json!({"standardError": 1}),
        json!({"metric": metric, "standardError": 1, "paths": 5}),
    ] {
        let config = json!({"tolerance": unread});
        assert!(serde_json::from_value::<SimulationConfig>(config.clone()).is_err(), "{config} is taken");
    }
}

#[test]
fn what_no_plan_can_be_made_of() {
    let planned = |config: Value| {
        let subject = Subject::FundedAccount("f".to_owned());
        Plan::new(&subject, &trader(), &serde_json::from_value(config).expect("a configuration"), 10)
    };
    let field = |config: Value| match planned(config).expect_err("refused") {
        PlanError::Field(fault) => fault.field,
        other => panic!("{other}"),
    };
    let pass = json!({"metric": "passProbability", "standardError": 0.1});
    assert_eq!(field(json!({"rules": {}, "tolerance": pass})), "config.tolerance.metric");
    assert!(planned(json!({"rules": {"minTrades": 1}, "tolerance": pass})).is_ok());
    for metric in ["expectedPayout", "expectedPayoutWeekly"] {
        let payout = json!({"metric": metric, "standardError": 0.1});
        assert_eq!(
            field(json!({"rules": {"profitSplit": 0}, "tolerance": payout})),
            "config.tolerance.metric"
        );
        assert!(planned(json!({"rules": {"profitSplit": 0.5}, "tolerance": payout})).is_ok());
    }
    let leaving =
        json!({"profitSplit": 0.5, "payout": {"everyDays": 5, "minimum": 0, "after": "balanceFalls"}});
    let weekly = json!({"metric": "expectedPayoutWeekly", "standardError": 0.1});
    assert_eq!(field(json!({"rules": leaving, "tolerance": weekly})), "config.tolerance.metric");
    // 5·10¹¹ path-steps in all.
    let long = |tolerance: Value| json!({"steps": 100_000, "level": "trade", "tolerance": tolerance});
    let breach = |most: u64| json!({"metric": "breachProbability", "standardError": 0.1, "maxPaths": most});
    assert_eq!(field(long(breach(5_000_001))), "config.tolerance.maxPaths");
    assert_eq!(planned(long(breach(5_000_000))).expect("a plan").paths(), 5_000_000);
    let default = |steps: u32| {
        let breach = json!({"metric": "breachProbability", "standardError": 0.1});
        planned(json!({"steps": steps, "level": "trade", "tolerance": breach})).expect("a plan").paths()
    };
    assert_eq!(default(100_000), 5_000_000, "a default is lowered to what is allowed");
    assert_eq!(default(10), 16_777_216);
}
