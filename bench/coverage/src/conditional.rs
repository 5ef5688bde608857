//! What is true of a trader from where a history ends: models that know today's regime or volatility answer that, and not
//! what is true on average.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::traders::{State, Trader};
use crate::{FIGURES, STEPS, TRADES, count, covers, short, simulate};

/// Futures of each history, walked by the trader's own law.
const FUTURES: usize = 20_000;

/// The figures whose truth is walked here, by their place among all.
const WALKED: [usize; 3] = [0, 2, 3];

/// Random numbers apart from the histories'.
const FUTURE_SEEDS: u64 = 1 << 40;

/// Prints how often the history's interval held what is true from where the history ends.
pub(crate) fn study(histories: u64) {
    let names: Vec<&str> = WALKED.iter().map(|&figure| short(FIGURES[figure])).collect();
    println!("| model | trader | trades | {} |", names.join(" | "));
    println!("|---|---|---|{}", "---|".repeat(WALKED.len()));
    for trader in [Trader::Regimes, Trader::Garch] {
        for trades in TRADES {
            for model in ["stationary", "filtered", "regimes"] {
                let covered = count(histories, |history| {
                    let seed = 1 + history;
                    let seen = simulate(trader, trades, seed, &json!({"paths": 20_000, "model": model}));
                    let (_, state) = trader.history(trades, &mut ChaCha8Rng::seed_from_u64(seed));
                    let truth = walk(trader, state, FUTURE_SEEDS + seed);
                    let mut covered = [false; FIGURES.len()];
                    for (figure, truth) in WALKED.into_iter().zip(truth) {
                        covered[figure] = covers(&seen, FIGURES[figure], "history", truth);
                    }
                    covered
                });
                let shares: Vec<String> =
                    WALKED.iter().map(|&figure| format!("{:.3}", covered[figure])).collect();
                println!("| {model} | {trader:?} | {trades} | {} |", shares.join(" | "));
            }
        }
    }
}

/// The chance of a breach, the mean and the deviation of the horizon return, from `state` on: a trailing floor of 6 %.
fn walk(trader: Trader, state: State, seed: u64) -> [f64; WALKED.len()] {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut broken, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for _ in 0..FUTURES {
        let (mut state, mut balance, mut peak) = (state, 1.0_f64, 1.0_f64);
        for _ in 0..STEPS {
            balance *= 1.0 + trader.next(&mut state, &mut random);
            peak = peak.max(balance);
            if balance <= 0.94 * peak {
                broken += 1.0;
                break;
            }
        }
        sum += balance - 1.0;
        squares += (balance - 1.0).powi(2);
    }
    let all = FUTURES as f64;
    let mean = sum / all;
    [broken / all, mean, (squares / all - mean * mean).sqrt()]
}
