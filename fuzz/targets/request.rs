//! A request of any kind is refused by the name of its field, or gives the same tally by all instructions and any cut,
//! and a result without a number that is not finite.
#![no_main]

mod generate;

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use monte_carlo_engine::{
    Control, Execution, Instructions, Plan, PlanError, Tally, report, result_digest, run_shard_by,
};
use serde_json::Value;

/// As many lanes as walk side by side, and as many again.
const PATHS_MAX: u64 = 64;

/// Longer paths cost more than they show.
const STEPS_MAX: u32 = 200;

fuzz_target!(|bytes: &[u8]| {
    let Ok(asked) = generate::request(&mut Unstructured::new(bytes)) else { return };
    simulate(asked);
});

fn simulate(asked: generate::Request) {
    let generate::Request { subject, input, config } = asked;
    let (Ok(input), Ok(mut config)) = (
        serde_json::from_value::<monte_carlo_engine::InputData>(input),
        serde_json::from_value::<monte_carlo_engine::SimulationConfig>(config),
    ) else {
        return;
    };
    config.paths = config.paths.map(|paths| paths.min(PATHS_MAX));
    let plan = match Plan::new(&subject, &input, &config, PATHS_MAX) {
        Ok(plan) => plan,
        Err(PlanError::Field(fault)) => {
            let (root, _) = fault.field.split_once('.').expect("a dotted path");
            assert!(root == "config" || root == "inputData", "{fault}");
            return;
        }
        Err(_) => return,
    };
    if plan.steps() > STEPS_MAX {
        return;
    }
    let whole = tally(Instructions::Scalar, &plan, u64::MAX);
    let odd_cut = 13 * u64::from(plan.steps());
    for kind in Instructions::ALL.into_iter().filter(|kind| kind.are_there()) {
        assert!(tally(kind, &plan, u64::MAX) == whole, "{kind:?} has other bits");
        assert!(tally(kind, &plan, odd_cut) == whole, "{kind:?} has other bits when cut");
    }
    let execution = Execution { executed_on: String::new(), simulation_time_seconds: 0.0 };
    let report = report(&plan, &whole, &execution);
    let value = serde_json::to_value(&report).expect("JSON");
    assert_defined("", &value);
    assert_eq!(result_digest(&value), report.result_digest);
    let read: Value = serde_json::from_str(&value.to_string()).expect("JSON");
    assert_eq!(result_digest(&read), report.result_digest, "the digest changes on its way through JSON");
}

/// All that a plan asks for, stage by stage, in shards of so many path-steps, a stage's last first.
fn tally(kind: Instructions, plan: &Plan, path_steps: u64) -> Tally {
    let run = |shard| run_shard_by(kind, plan, shard, &Control::default()).expect("nobody cancels");
    let mut merged = None;
    loop {
        let shards = plan.next_stage(merged.as_ref(), path_steps);
        if shards.is_empty() {
            return merged.expect("a shard");
        }
        let tallies = shards.into_iter().rev().map(run);
        merged = merged.into_iter().chain(tallies).reduce(|mut one, other| {
            one.merge(&other);
            one
        });
    }
}

/// JSON has no NaN: what is not finite is written as null, and only some fields may be null.
fn assert_defined(path: &str, value: &Value) {
    match value {
        Value::Null => {
            let is_figure = |name: &str| !name.contains('/');
            let may_be_null = path.ends_with("/sharpeRatio")
                || path.ends_with("/sortinoRatio")
                || path.ends_with("/standardErrors")
                || path == "/precision/standardError"
                || path.strip_prefix("/monteCarloErrors/").is_some_and(is_figure);
            assert!(may_be_null, "{path} is null");
        }
        Value::Number(number) => assert!(number.as_f64().is_some_and(f64::is_finite), "{path} is {number}"),
        Value::Array(items) => items.iter().for_each(|item| assert_defined(&format!("{path}/0"), item)),
        Value::Object(fields) => {
            fields.iter().for_each(|(key, field)| assert_defined(&format!("{path}/{key}"), field));
        }
        Value::Bool(_) | Value::String(_) => {}
    }
}
