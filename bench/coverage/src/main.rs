//! A coverage study: traders of a known law, many histories of each, and how often the stated 95 % intervals hold what is
//! true. The history's interval is asked about the trader's law; the Monte Carlo interval about the history's own.

mod conditional;
mod traders;

use std::collections::BTreeMap;
use std::thread;

use monte_carlo_engine::{Control, Execution, InputData, Plan, SimulationConfig, Subject, report, run_shard};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use traders::Trader;

/// The horizon, trades.
const STEPS: u32 = 60;
/// Trades of a long history, as many as a compounding account can hold in dollars.
const LONG: usize = 6_000;
/// Rows of a block on it: the dependence of these laws is forgotten long before.
const LONG_BLOCK: u32 = 300;
/// Long histories whose mean stands for the trader's law: 240,000 trades.
const LONGS: u64 = 40;
/// The lengths that are studied.
const TRADES: [usize; 3] = [30, 60, 250];

/// Names of the figures, as a path in the result.
const FIGURES: [&str; 5] = [
    "/breachProbability",
    "/expectedPayout",
    "/monteCarloErrors/meanReturn",
    "/monteCarloErrors/standardDeviation",
    "/monteCarloErrors/signedVar95",
];

fn main() {
    let histories = asked("--histories", 200);
    if std::env::args().any(|argument| argument == "--conditional") {
        return conditional::study(histories);
    }
    println!("| interval | trader | trades | {} |", FIGURES.map(short).join(" | "));
    println!("|---|---|---|{}", "---|".repeat(FIGURES.len()));
    let mut worst: BTreeMap<&str, f64> = BTreeMap::new();
    for trader in Trader::ALL {
        let truth = truth(trader);
        for trades in TRADES {
            let covered = count(histories, |history| {
                let seen = simulate(trader, trades, 1 + history, &json!({"paths": 20_000}));
                std::array::from_fn(|n| covers(&seen, FIGURES[n], "history", truth[n]))
            });
            line("history", trader, trades, &covered, &mut worst);
        }
        // One history, whose own law many paths tell; then other seeds with few paths.
        let own = simulate(trader, 60, 1, &json!({"paths": 20_000_000, "historyReplicates": 0}));
        let covered = count(histories, |seed| {
            let asked = json!({"paths": 10_000, "historyReplicates": 0, "seed": seed});
            let seen = simulate(trader, 60, 1, &asked);
            FIGURES.map(|figure| covers(&seen, figure, "", value(&own, figure)))
        });
        line("Monte Carlo", trader, 60, &covered, &mut worst);
    }
    let worst: Vec<String> = worst.iter().map(|(kind, share)| format!("{kind}={share:.3}")).collect();
    println!("\ncoverage: stated 0.950, least {}", worst.join(" "));
}

/// The value of an option `name N`, or its default.
fn asked(name: &str, default: u64) -> u64 {
    let mut given = std::env::args().skip_while(|argument| argument != name).skip(1);
    given.next().map_or(default, |text| text.parse().expect("a whole number"))
}

fn short(figure: &str) -> &str {
    figure.rsplit('/').next().unwrap_or(figure)
}

/// Each figure under the trader's own law.
fn truth(trader: Trader) -> [f64; FIGURES.len()] {
    let results: Vec<Value> = (0..LONGS)
        .map(|n| {
            simulate(trader, LONG, u64::MAX / 4_096 - n, &json!({"paths": 200_000, "historyReplicates": 0}))
        })
        .collect();
    FIGURES.map(|figure| results.iter().map(|result| value(result, figure)).sum::<f64>() / LONGS as f64)
}

/// The result of a history of `trades` trades, as JSON.
fn simulate(trader: Trader, trades: usize, history: u64, asked: &Value) -> Value {
    let mut random = ChaCha8Rng::seed_from_u64(history);
    let input = input(&trader.returns(trades, &mut random));
    let mut config = json!({
        "steps": STEPS, "seed": history,
        "rules": {"drawdown": {"kind": "trailing", "fraction": 0.06}, "profitSplit": 0.8},
    });
    if trades == LONG {
        config["model"] = if trader.is_dependent() { "stationary" } else { "iid" }.into();
        if trader.is_dependent() {
            config["blockLength"] = LONG_BLOCK.into();
        }
    }
    for (key, value) in asked.as_object().expect("an object") {
        config[key] = value.clone();
    }
    let config: SimulationConfig = serde_json::from_value(config).expect("a configuration");
    let plan = Plan::new(&Subject::Assessment("a".to_owned()), &input, &config, 1).expect("a plan");
    let control = Control::default();
    let whole = plan
        .shards(u64::MAX)
        .into_iter()
        .map(|shard| run_shard(&plan, shard, &control).expect("nobody cancels"));
    let tally = whole.reduce(|mut one, other| {
        one.merge(&other);
        one
    });
    let execution = Execution { executed_on: "bench".to_owned(), simulation_time_seconds: 0.0 };
    serde_json::to_value(report(&plan, &tally.expect("a shard"), &execution)).expect("JSON")
}

/// An account of 100,000 dollars that made these returns, eight trades a day.
fn input(returns: &[f64]) -> InputData {
    let start = 100_000.0;
    let mut balance = start;
    let mut trades = Vec::with_capacity(returns.len());
    for (n, made) in returns.iter().enumerate() {
        let pnl = (made * balance * 100.0).round() / 100.0;
        balance += pnl;
        trades.push(json!({
            "id": format!("t{n:07}"), "type": "close", "market": "BTC/USD", "side": "long", "quantity": 0.01,
            "price": 60_000.0, "pnl": pnl, "timestamp": 1_700_000_000_000_u64 + n as u64 * 10_800_000,
        }));
    }
    let input = json!({
        "tradeHistory": trades, "startingBalance": start, "totalWithdrawals": 0,
        "pnlData": {"balance": balance, "peak": balance, "realized": balance - start, "unrealized": 0},
        "tier": {"name": "Professional", "startingBalance": start},
    });
    serde_json::from_value(input).expect("an input")
}

fn value(result: &Value, figure: &str) -> f64 {
    result.pointer(figure).and_then(|estimate| estimate["value"].as_f64()).expect("a value")
}

fn covers(result: &Value, figure: &str, kind: &str, truth: f64) -> bool {
    let estimate = result.pointer(figure).expect("a figure");
    let (lower, upper) =
        if kind == "history" { ("historyLower", "historyUpper") } else { ("lower", "upper") };
    let end = |name: &str| estimate[name].as_f64().expect("an interval");
    end(lower) <= truth && truth <= end(upper)
}

/// For each figure, the share of the runs `1 ..= runs` that covered.
fn count(runs: u64, covered: impl Fn(u64) -> [bool; FIGURES.len()] + Sync) -> [f64; FIGURES.len()] {
    let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let counts = thread::scope(|scope| {
        let covered = &covered;
        let hands: Vec<_> = (0..threads)
            .map(|hand| {
                scope.spawn(move || {
                    let mut counts = [0_u32; FIGURES.len()];
                    for run in (1 + hand..=runs).step_by(threads as usize) {
                        for (count, is_covered) in counts.iter_mut().zip(covered(run)) {
                            *count += u32::from(is_covered);
                        }
                    }
                    counts
                })
            })
            .collect();
        hands.into_iter().map(|hand| hand.join().expect("a run")).collect::<Vec<_>>()
    });
    std::array::from_fn(|figure| {
        let total: u32 = counts.iter().map(|counts| counts[figure]).sum();
        f64::from(total) / runs as f64
    })
}

fn line<'a>(
    kind: &'a str,
    trader: Trader,
    trades: usize,
    covered: &[f64; FIGURES.len()],
    worst: &mut BTreeMap<&'a str, f64>,
) {
    let shares: Vec<String> = covered.iter().map(|share| format!("{share:.3}")).collect();
    println!("| {kind} | {trader:?} | {trades} | {} |", shares.join(" | "));
    let least = covered.iter().copied().fold(1.0, f64::min);
    worst.entry(kind).and_modify(|worst| *worst = worst.min(least)).or_insert(least);
}
