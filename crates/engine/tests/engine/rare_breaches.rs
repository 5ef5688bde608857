//! Breaches that paths hardly ever meet: when they are looked for, and how sure what is found is.

use monte_carlo_engine::wire::{tally_from_bytes, tally_to_bytes};
use monte_carlo_engine::{
    Control, InputData, Instructions, Plan, Report, Shard, SimulationConfig, Tally, exact_law, report,
    run_shard_by,
};
use serde_json::{Value, json};

use crate::support::{account, assessment, config, execution, json as as_json, plan, run, staged};

/// Two results, in streaks.
fn market() -> InputData {
    let trades: Vec<f64> = (0..40).map(|n| if n * n % 9 < 5 { 450.0 } else { -500.0 }).collect();
    account(100_000.0, &trades, 1)
}

/// A floor `amount` dollars below, and what else is asked for.
fn asked(amount: u32, more: Value) -> SimulationConfig {
    let mut asked = json!({
        "sizing": "fixed", "steps": 40, "model": "iid", "level": "trade", "paths": 100_000, "historyReplicates": 0,
        "rules": {"drawdown": {"kind": "static", "amount": amount}},
    });
    let Value::Object(more) = more else { panic!("fields") };
    asked.as_object_mut().expect("fields").extend(more);
    config(asked)
}

fn planned(config: &SimulationConfig) -> Plan {
    plan(&assessment(), &market(), config)
}

fn found(plan: &Plan) -> Report {
    report(plan, &staged(plan, 1 << 40), &execution())
}

fn truth(plan: &Plan) -> f64 {
    exact_law(plan).and_then(|law| law.breached.last().copied()).expect("a lattice")
}

#[test]
fn a_rare_breach_is_told_beside_the_count() {
    // 1.0 · 10⁻⁶: no path or one of 100,000 breaks.
    let plan = planned(&asked(5_000, json!({})));
    let (result, truth) = (found(&plan), truth(&plan));
    let rare = result.rare_breach.expect("few paths broke");
    let error = rare.standard_error.expect("breaches were met");
    assert!((rare.probability - truth).abs() < 4.0 * error && error < 0.3 * truth, "{rare:?} {truth:e}");
    assert!(rare.lower < truth && truth < rare.upper && rare.upper < 4.0 * rare.lower, "{rare:?}");
    assert_eq!((rare.repetitions, rare.particles), (24, 128));
    assert!(rare.levels > 15.0 && rare.levels < 22.0, "2²⁰ is 10⁶: {rare:?}");
    assert!(rare.paths > 24 * 128 * 5 && rare.paths < 60_000, "{rare:?}");
    let told = as_json(&result);
    assert_eq!(told["rareBreach"]["method"], "adaptiveMultilevelSplitting");
    let pointer = format!(
        "too few to count on; rareBreach is the chance of a breach by adaptive multilevel splitting, 24 repetitions of 128 particles: {:.2e} (95 %:",
        rare.probability
    );
    assert!(result.assumptions.iter().any(|said| said.contains(&pointer)), "{:?}", result.assumptions);
}

#[test]
fn it_is_looked_for_where_it_is_rare_and_nowhere_else() {
    let stages = |plan: &Plan| (found(plan).rare_breach.is_some(), plan.paths_in_all() > plan.paths());
    assert_eq!(stages(&planned(&asked(5_000, json!({})))), (true, true));
    assert_eq!(stages(&planned(&asked(5_000, json!({"paths": 99_999})))), (false, false), "too few paths");
    // 2.5 · 10⁻⁴ and 1.6 · 10⁻⁵: more and fewer than 100 of a million.
    assert_eq!(stages(&planned(&asked(3_000, json!({})))), (false, true), "breaches can be counted");
    assert_eq!(stages(&planned(&asked(4_000, json!({})))), (true, true));
    let winning = account(100_000.0, &[50.0, 20.0, 90.0], 1);
    assert_eq!(
        stages(&plan(&assessment(), &winning, &asked(5_000, json!({})))),
        (false, false),
        "none can lose"
    );
    let broken = json!({"drawdown": {"kind": "trailing", "amount": 0.01}});
    let mut down = account(100_000.0, &[-500.0, 20.0, 20.0], 1);
    down.pnl_data.peak = 100_000.0;
    let at_start = plan(&crate::support::funded(), &down, &asked(5_000, json!({"rules": broken})));
    assert_eq!(stages(&at_start), (false, false), "broken at the start");
}

#[test]
fn a_day_may_lose_within_and_end_well() {
    // Each day falls by 300 and ends 100 up: no day's row is a loss, and no path falls 400 below its start.
    let trades: Vec<f64> = (0..40).map(|n| if n % 2 == 0 { -300.0 } else { 400.0 }).collect();
    let input = account(100_000.0, &trades, 2);
    let days = |amount: u32| {
        let plan = plan(&assessment(), &input, &asked(amount, json!({"level": "day", "steps": 5})));
        found(&plan)
    };
    assert_eq!(days(300).breach_probability.value, 1.0);
    let held = days(301);
    let rare = held.rare_breach.expect("days lose");
    assert_eq!((held.breach_probability.value, rare.probability), (0.0, 0.0));
}

#[test]
fn an_impossible_breach_is_0_and_its_upper_end_is_that_of_the_count() {
    // Forty losses of 500 are 20,000.
    let plan = planned(&asked(20_001, json!({})));
    assert_eq!(truth(&plan), 0.0);
    let result = found(&plan);
    let rare = result.rare_breach.expect("no path broke");
    assert_eq!((rare.probability, rare.lower, rare.standard_error), (0.0, 0.0, None));
    assert_eq!(rare.upper, result.breach_probability.upper);
    assert!(rare.upper > 3.6e-5, "1 − 0.025^(1 / 100,000)");
    assert!(result.assumptions.iter().any(|said| said.contains("no breach met there either")));
    assert!(as_json(&result)["rareBreach"].get("standardError").is_none());
}

#[test]
fn the_same_bits_by_any_cut_any_order_and_any_instructions() {
    for more in [
        json!({"historyReplicates": 40}),
        json!({"model": "stationary", "blockLength": 3, "level": "day", "rules": {"drawdown": {"kind": "trailingEndOfDay", "amount": 6_000}, "dailyLoss": {"amount": 900, "of": "dayStart"}}}),
    ] {
        let plan = planned(&asked(6_000, more));
        let whole = staged(&plan, 1 << 40);
        let expected = report(&plan, &whole, &execution());
        assert!(expected.rare_breach.is_some_and(|rare| rare.probability > 0.0));
        for instructions in Instructions::ALL.into_iter().filter(|kind| kind.are_there()) {
            let (mut merged, control): (Option<Tally>, _) = (None, Control::default());
            let mut last = Vec::new();
            loop {
                let mut shards = plan.next_stage(merged.as_ref(), 40 * 3_000);
                if shards.is_empty() {
                    break;
                }
                last.clone_from(&shards);
                shards.reverse();
                for shard in shards {
                    let tally = run_shard_by(instructions, &plan, shard, &control).expect("nobody cancels");
                    match &mut merged {
                        None => merged = Some(tally),
                        Some(sum) => sum.merge(&tally),
                    }
                }
            }
            assert_eq!(last.len(), 12, "24 repetitions, two to a shard");
            assert_eq!(control.paths_done.into_inner(), plan.paths_in_all());
            assert!(merged == Some(whole.clone()), "{instructions:?}");
        }
    }
}

#[test]
fn part_of_the_repetitions_says_nothing() {
    let plan = planned(&asked(6_000, json!({})));
    let mut own = staged(&planned(&asked(6_000, json!({"paths": 99_999}))), 1 << 40);
    own.merge(&run(&plan, Shard { first_path: 99_999, paths: 1 }));
    let repetitions = plan.next_stage(Some(&own), 1);
    assert_eq!(repetitions.len(), 24);
    own.merge(&run(&plan, repetitions[3]));
    assert_eq!(report(&plan, &own, &execution()).rare_breach, None);
}

#[test]
fn a_tolerance_finds_what_so_many_paths_find() {
    let tolerance = json!({"metric": "meanReturn", "standardError": 0.000_04});
    let mut tolerated =
        asked(6_000, json!({"paths": null, "historyReplicates": null, "tolerance": tolerance}));
    let plan = planned(&tolerated);
    let mut result = found(&plan);
    let precision = result.precision.take().expect("asked for");
    assert!(precision.reached && precision.paths == 524_288, "{precision:?}");
    (tolerated.paths, tolerated.tolerance) = (Some(precision.paths), None);
    let mut fixed = found(&planned(&tolerated));
    assert!(result.rare_breach.is_some_and(|rare| rare.repetitions == 64));
    (result.result_digest, fixed.result_digest) = (String::new(), String::new());
    assert_eq!(as_json(&result), as_json(&fixed));
}

#[test]
fn repetitions_travel_between_machines() {
    let plan = planned(&asked(6_000, json!({"historyReplicates": 40})));
    let own = run_all(&plan, &plan.next_stage(None, 1 << 40));
    let shards = plan.next_stage(Some(&own), 40 * 3_000);
    for &shard in &shards {
        assert!(plan.has(shard));
        let tally = run(&plan, shard);
        let frame = tally_to_bytes(&plan, shard, &tally);
        assert!(tally_from_bytes(&plan, shard, &frame) == Ok(tally), "{shard:?}");
    }
    let [one, other] = [shards[0], shards[1]];
    let part = Shard { first_path: one.first_path, paths: one.paths - 1 };
    let before = Shard { first_path: one.first_path - 512, paths: one.paths + 512 };
    let beyond = Shard { first_path: plan.paths_in_all() - 1_024, paths: 2_048 };
    assert!(!plan.has(part) && plan.has(before) && !plan.has(beyond));
    // The frame says that it is of one shard and holds another's.
    let forged = tally_to_bytes(&plan, one, &run(&plan, other));
    assert!(tally_from_bytes(&plan, one, &forged).is_err());
}

fn run_all(plan: &Plan, shards: &[Shard]) -> Tally {
    let tallies = shards.iter().map(|&shard| run(plan, shard));
    let merged = tallies.reduce(|mut one, other| {
        one.merge(&other);
        one
    });
    merged.expect("a shard")
}

/// With `--nocapture`: how many times as many paths a plain count would need for the same standard error.
#[test]
fn a_rare_breach_is_worth_its_paths() {
    println!("| floor | model | exact | found | standard error | paths | times a count |");
    println!("|---|---|---|---|---|---|---|");
    for (kind, model, amount, least) in [
        ("static", "iid", 4_000, 100.0),
        ("static", "iid", 5_000, 1e3),
        ("static", "iid", 6_000, 1e4),
        ("trailing", "stationary", 5_000, 80.0),
        ("trailing", "stationary", 6_000, 1e3),
        ("trailing", "stationary", 8_000, 1e5),
    ] {
        let more = json!({
            "model": model, "blockLength": if model == "iid" { 1 } else { 3 }, "paths": 1_000_000,
            "rules": {"drawdown": {"kind": kind, "amount": amount}},
        });
        let plan = planned(&asked(amount, more));
        let (truth, rare) = (truth(&plan), found(&plan).rare_breach.expect("rare"));
        let error = rare.standard_error.expect("breaches were met");
        let gain = truth * (1.0 - truth) / (error * error * rare.paths as f64);
        println!(
            "| {kind} | {model} | {truth:.2e} | {:.2e} | {error:.1e} | {} | {gain:.0} |",
            rare.probability, rare.paths
        );
        assert!(gain > least && rare.paths < plan.paths() / 4, "{kind} {model} {amount}: {gain} {rare:?}");
    }
}
