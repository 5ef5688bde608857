//! The error that comes from the history.

use monte_carlo_engine::{Control, Estimate, Instructions, Plan, Report, Shard, report, run_shard_by};
use serde_json::{Value, json};

use crate::support::{account, assessment, book, config, execution, funded, plan, run, tally, whole_result};

/// Without rules, in dollars that add up, one trade a path.
fn one_trade(pnls: &[f64], mut asked: Value) -> Report {
    let fixed =
        json!({"steps": 1, "sizing": "fixed", "rules": {}, "model": "iid", "historyReplicates": 2_000});
    for (key, value) in fixed.as_object().expect("an object") {
        asked.as_object_mut().expect("an object").entry(key).or_insert(value.clone());
    }
    whole_result(&plan(&assessment(), &account(10_000.0, pnls, 1), &config(asked)))
}

fn half_width(estimate: &Estimate) -> f64 {
    (estimate.history_upper.expect("an interval") - estimate.history_lower.expect("an interval")) / 2.0
}

#[test]
fn the_mean_of_one_trade_is_as_uncertain_as_the_bayesian_bootstrap_says() {
    // Under Dirichlet weights the mean of n values has variance σ² / (n + 1); its law is nearly normal here.
    let pnls: Vec<f64> = (0..60).map(|n| f64::from(n * 37 % 61) * 10.0 - 290.0).collect();
    let mean = pnls.iter().sum::<f64>() / 60.0;
    let deviation = (pnls.iter().map(|p| (p - mean) * (p - mean)).sum::<f64>() / 60.0).sqrt();
    let report = one_trade(&pnls, json!({"paths": 200_000}));
    // Student's 97.5 % quantile with 59 degrees of freedom is 2.0010; √(61/59) makes good that the weights understate σ.
    let reach = 2.001_0 * (61.0_f64 / 59.0).sqrt();
    let expected = reach * deviation / 61.0_f64.sqrt() / 10_000.0;
    let seen = half_width(&report.monte_carlo_errors.mean_return.unwrap());
    // An order statistic at 2.09 % of 2,000 draws has a standard error of √(pq/2000) / φ(2.035) = 0.064 σ, the half of two of
    // them 0.045 σ: 2.2 % of the half width.
    assert!((seen / expected - 1.0).abs() < 3.0 * 0.022, "{seen} is not {expected}");
    assert_eq!(report.history_replicates, 2_000);
}

#[test]
fn the_chance_of_a_loss_is_as_uncertain_as_a_beta_variable() {
    // 6 losers among 30: under Dirichlet weights the share of losers is Beta(6, 24). Of it 53.7 % is below 0.2, a bias of 0.0919;
    // thirty weights reach 2.0452 · √(31/29): levels 0.02675 and 0.98923, quantiles 0.0812 and 0.3894 (by the binomial sum).
    // A loss of the whole account is ruin.
    let pnls: Vec<f64> = (0..30).map(|n| if n % 5 == 0 { -10_000.0 } else { 2_500.0 }).collect();
    let ruin = one_trade(&pnls, json!({"paths": 200_000})).ruin_probability;
    let (low, high) = (ruin.history_lower.unwrap(), ruin.history_upper.unwrap());
    // Standard errors of such order statistics of 2,000 draws: √(pq/2000) / density, 0.0036 / 1.44 and 0.0023 / 0.30.
    assert!((low - 0.0812).abs() < 3.0 * 0.0025 && (high - 0.3894).abs() < 3.0 * 0.0077, "{low} {high}");
}

#[test]
fn a_rare_breach_is_as_uncertain_as_the_lattice_of_each_history_tells() {
    // It breaks where all of six trades lose, of which 512 paths see next to nothing: the sixth power of the chance of a loss,
    // so its quantiles are the powers of those above. The figure stands where it stood among its draws.
    let pnls: Vec<f64> = (0..30).map(|n| if n % 5 == 0 { -500.0 } else { 500.0 }).collect();
    let asked = json!({
        "paths": 8_000_000, "steps": 6, "rules": {"drawdown": {"kind": "static", "amount": 3_000}},
    });
    let breach = one_trade(&pnls, asked).breach_probability;
    let root = |chance: Option<f64>| chance.expect("an interval").powf(1.0 / 6.0);
    assert!((breach.value / 0.2_f64.powi(6) - 1.0).abs() < 0.15, "{breach:?}");
    let (low, high) = (root(breach.history_lower), root(breach.history_upper));
    assert!((low - 0.0812).abs() < 3.0 * 0.0025 && (high - 0.3894).abs() < 3.0 * 0.0077, "{low} {high}");
}

#[test]
fn the_lowest_percentile_is_as_uncertain_as_the_mean_that_shifts_it() {
    // The mean of 600 trades of deviation σ is uncertain by σ / √600, and 32 trades shift by 32 times as much. (512 paths alone
    // leave a percentile of 1 % uncertain by about as much again, which must be taken out, and no more than that.)
    let pnls = book(600);
    let mean = pnls.iter().sum::<f64>() / 600.0;
    let deviation = (pnls.iter().map(|p| (p - mean) * (p - mean)).sum::<f64>() / 600.0).sqrt();
    let expected = 1.96 * 32.0 * deviation / 600.0_f64.sqrt();
    let report = one_trade(&pnls, json!({"paths": 200_000, "steps": 32}));
    let percentiles = report.monte_carlo_errors.percentiles.final_balance;
    for (percentile, near) in [(&percentiles.p1, 0.2), (&percentiles.p50, 0.1), (&percentiles.p99, 0.2)] {
        let seen = half_width(percentile);
        assert!((seen / expected - 1.0).abs() < near, "{seen} is not {expected}: {percentile:?}");
    }
}

#[test]
fn dependence_makes_a_history_less_certain() {
    // Twenty trades, each once or each eight times in a row: eight times as many rows, and nothing more is known, which
    // only weights on blocks can tell.
    let signs = book(20);
    let runs: Vec<f64> = (0..160).map(|n| signs[n / 8]).collect();
    let width = |pnls: &[f64], asked: Value| {
        half_width(&one_trade(pnls, asked).monte_carlo_errors.mean_return.unwrap())
    };
    let asked = |length: u32| json!({"paths": 50_000, "model": "stationary", "blockLength": length});
    let (known, by_rows, by_blocks) =
        (width(&signs, asked(1)), width(&runs, asked(1)), width(&runs, asked(8)));
    assert!(by_rows < 0.45 * known, "weights on rows believe in 160 pieces of news: {by_rows} {known}");
    assert!(by_blocks > 0.75 * known && by_blocks < 1.2 * known, "{by_blocks} {known}");
}

#[test]
fn a_longer_history_says_more_and_more_paths_do_not() {
    let breach = |trades: usize, paths: u64| {
        let asked = config(
            json!({"paths": paths, "steps": 60, "seed": 4, "rules": {"drawdown": {"kind": "static", "amount": 3_000}}}),
        );
        whole_result(&plan(&assessment(), &account(50_000.0, &book(trades), 3), &asked)).breach_probability
    };
    let (short, long, more_paths) = (breach(40, 20_000), breach(640, 20_000), breach(40, 320_000));
    assert!(half_width(&long) < 0.5 * half_width(&short), "{long:?} {short:?}");
    assert!((half_width(&more_paths) / half_width(&short) - 1.0).abs() < 0.2, "{more_paths:?} {short:?}");
    assert!(more_paths.error_ratio.unwrap() > 3.0 * short.error_ratio.unwrap());
}

#[test]
fn a_history_without_a_loss_has_a_bound_and_a_warning() {
    let asked = config(json!({"paths": 2_000, "steps": 4}));
    let report = whole_result(&plan(&funded(), &account(10_000.0, &[100.0, 200.0], 1), &asked));
    let breach = report.breach_probability;
    assert_eq!((breach.value, breach.history_lower), (0.0, Some(0.0)));
    // 1 − 0.025^(4 / 2), by hand.
    assert!((breach.history_upper.unwrap() - 0.999_375).abs() < 1e-9, "{breach:?}");
    assert!(
        report.warnings.iter().any(|warning| warning.contains("no losing row") && warning.contains("0.9994"))
    );
}

#[test]
fn which_error_is_larger_is_said() {
    let asked = config(json!({"paths": 100_000, "steps": 40}));
    let report = whole_result(&plan(&funded(), &account(50_000.0, &book(45), 3), &asked));
    let breach = report.breach_probability;
    let ratio = breach.error_ratio.unwrap();
    let widths = 2.0 * half_width(&breach) / (breach.upper - breach.lower);
    assert!(ratio > 2.0 && (ratio - widths).abs() < 1e-9, "{ratio} {widths}");
    let said = format!("its interval is {ratio:.1} times as wide");
    assert!(report.assumptions.iter().any(|sentence| sentence.contains(&said)), "{:?}", report.assumptions);
}

#[test]
fn none_are_drawn_where_none_are_asked_for() {
    let asked = config(json!({"paths": 1_000, "historyReplicates": 0}));
    let plan = plan(&funded(), &account(50_000.0, &book(45), 3), &asked);
    assert_eq!(plan.paths_in_all(), 1_000);
    let report = whole_result(&plan);
    assert_eq!(report.breach_probability.history_lower, None);
    assert!(report.assumptions.iter().any(|sentence| sentence.contains("was not asked for")));
}

#[test]
fn part_of_them_gives_no_interval() {
    let plan = plan(&funded(), &account(50_000.0, &book(45), 3), &config(json!({"paths": 1_000})));
    let mut part = tally(&plan, 1);
    part.merge(&run(&plan, Shard { first_path: 1_000, paths: 512 * 3 }));
    assert_eq!(report(&plan, &part, &execution()).breach_probability.history_lower, None);
}

fn histories_of(plan: &Plan, instructions: Instructions, path_steps: u64) -> Report {
    let mut shards = plan.shards(path_steps);
    shards.reverse();
    let tallies = shards
        .into_iter()
        .map(|shard| run_shard_by(instructions, plan, shard, &Control::default()).expect("nobody cancels"));
    let tally = tallies.reduce(|mut one, other| {
        one.merge(&other);
        one
    });
    report(plan, &tally.expect("a shard"), &execution())
}

#[test]
fn the_same_bits_by_any_cut_and_any_instructions() {
    for asked in [json!({}), json!({"level": "day", "sizing": "fixed", "blockLength": 3})] {
        let mut asked = asked;
        asked["paths"] = json!(700);
        asked["historyReplicates"] = json!(40);
        let plan = plan(&funded(), &account(50_000.0, &book(45), 3), &config(asked));
        let expected = whole_result(&plan).result_digest;
        for path_steps in [1, 40_000, u64::MAX] {
            for instructions in Instructions::ALL.into_iter().filter(|kind| kind.are_there()) {
                assert_eq!(
                    histories_of(&plan, instructions, path_steps).result_digest,
                    expected,
                    "{instructions:?}"
                );
            }
        }
    }
}
