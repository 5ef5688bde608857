//! `monte-carlo-bench HISTORY counts|full|product PATHS STEPS THREADS`: the engine among its peers. Each line of standard
//! input asks for a run, which answers with its seconds; the end of input asks for what came of the last one.
//! `bench/README.md` says what a run computes.

mod history;
mod simulate;

use std::error::Error;
use std::io::{self, BufRead};
use std::time::Instant;

use monte_carlo_engine::{Execution, Plan, report};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, mode, paths, steps, threads] = arguments.as_slice() else {
        return Err("usage: monte-carlo-bench HISTORY counts|full|product PATHS STEPS THREADS".into());
    };
    let history = history::read(file)?;
    let plan = simulate::plan(&history, mode, paths.parse()?, steps.parse()?)?;
    let threads = threads.parse()?;
    let mut last = None;
    for line in io::stdin().lock().lines() {
        line?;
        let began = Instant::now();
        last = Some(simulate::run(&plan, threads));
        println!("{}", began.elapsed().as_secs_f64());
    }
    if let Some(tally) = last {
        let execution = Execution { executed_on: "bench".to_owned(), simulation_time_seconds: 0.0 };
        println!("{}", outcome(&plan, &serde_json::to_value(report(&plan, &tally, &execution))?));
    }
    Ok(())
}

/// What the peers say too.
fn outcome(plan: &Plan, result: &Value) -> Value {
    let number = |pointer: &str| result.pointer(pointer).and_then(Value::as_f64).unwrap_or(0.0);
    let start = number("/currentBalance");
    let seen = result.pointer("/fan/steps").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let middle = seen.iter().position(|step| step.as_u64() == Some(u64::from(plan.steps() / 2)));
    json!({
        "breach": number("/breachProbability/value"),
        "pass": number("/passProbability/value"),
        "mean": start * (1.0 + number("/meanReturn")),
        "deviation": start * number("/standardDeviation"),
        "middle": middle.map(|stop| number(&format!("/fan/p50/{stop}"))),
    })
}
