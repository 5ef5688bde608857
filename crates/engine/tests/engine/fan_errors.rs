//! Both errors of the fan.

use monte_carlo_engine::{FanErrors, Intervals, Percentiles, Plan, Report, Shard, report};
use serde_json::{Value, json};

use crate::support::{
    account, assessment, book, config, execution, funded, plan, result, run, tally, whole_result,
};

/// An evaluation, which paths of 128 trades fail and pass.
fn evaluation(steps: u32, mut asked: Value) -> Plan {
    let rules = json!({"drawdown": {"kind": "trailing", "amount": 2_000}, "profitTarget": {"amount": 3_000}});
    let usual = json!({"paths": 20_000, "steps": steps, "seed": 7, "blockLength": 2, "rules": rules});
    for (key, value) in usual.as_object().expect("an object") {
        asked.as_object_mut().expect("an object").entry(key).or_insert(value.clone());
    }
    plan(&assessment(), &account(50_000.0, &book(90), 3), &config(asked))
}

fn seven<T>(percentiles: &Percentiles<T>) -> [&T; 7] {
    let Percentiles { p1, p5, p25, p50, p75, p95, p99 } = percentiles;
    [p1, p5, p25, p50, p75, p95, p99]
}

/// Each series of the fan with its intervals.
fn series(report: &Report) -> Vec<(&Vec<f64>, &Intervals)> {
    let FanErrors { balance, breached, passed } = &report.monte_carlo_errors.fan;
    let shares = [(&report.fan.breached, breached)].into_iter().chain(report.fan.passed.iter().zip(passed));
    seven(&report.fan.balance).into_iter().zip(seven(balance)).chain(shares).collect()
}

fn history(intervals: &Intervals) -> (&[f64], &[f64]) {
    let ends = |end: &'_ Option<Vec<f64>>| end.is_some();
    assert!(ends(&intervals.history_lower) && ends(&intervals.history_upper));
    (
        intervals.history_lower.as_deref().unwrap_or_default(),
        intervals.history_upper.as_deref().unwrap_or_default(),
    )
}

#[test]
fn each_number_of_the_fan_lies_in_both_its_intervals() {
    let report = whole_result(&evaluation(128, json!({})));
    let all = series(&report);
    assert_eq!(all.len(), 9, "seven percentiles, broken and passed paths");
    for (values, intervals) in all {
        let (history_lower, history_upper) = history(intervals);
        for ends in [&intervals.lower, &intervals.upper, history_lower, history_upper] {
            assert_eq!(ends.len(), report.fan.steps.len());
            assert_eq!(ends[0], values[0], "the start is known");
        }
        for (at, value) in values.iter().enumerate().skip(1) {
            assert!(intervals.lower[at] <= *value && *value <= intervals.upper[at], "{at}: {intervals:?}");
            assert!(history_lower[at] <= *value && *value <= history_upper[at], "{at}: {intervals:?}");
            assert!(intervals.lower[at] < intervals.upper[at], "{at}: {intervals:?}");
        }
    }
}

#[test]
fn the_last_step_has_the_errors_of_the_figures_at_the_horizon() {
    let report = whole_result(&evaluation(100, json!({})));
    let last = |intervals: &Intervals| {
        let (history_lower, history_upper) = history(intervals);
        [&intervals.lower, &intervals.upper, history_lower, history_upper].map(|ends| ends[ends.len() - 1])
    };
    let errors = &report.monte_carlo_errors;
    let told = [report.breach_probability, report.pass_probability.expect("a target")];
    let fan = [&errors.fan.breached, errors.fan.passed.as_ref().expect("a target")];
    let percentiles = seven(&errors.percentiles.final_balance).into_iter().zip(seven(&errors.fan.balance));
    for (told, fan) in percentiles.chain(told.iter().zip(fan)) {
        let ends = [told.lower, told.upper, told.history_lower.unwrap(), told.history_upper.unwrap()];
        assert_eq!(last(fan), ends);
    }
}

#[test]
fn a_step_of_a_long_fan_is_as_uncertain_as_the_horizon_of_a_short_one() {
    // The same rows are drawn, on the history and on each weighted one, however far a path goes on.
    let (long, short) = (whole_result(&evaluation(128, json!({}))), whole_result(&evaluation(32, json!({}))));
    let at = long.fan.steps.iter().position(|&step| step == 32).expect("every other step");
    let errors = &long.monte_carlo_errors.fan;
    for (told, fan) in [(&short.breach_probability, &errors.breached)]
        .into_iter()
        .chain(short.pass_probability.iter().zip(&errors.passed))
    {
        let (history_lower, history_upper) = history(fan);
        assert_eq!((told.lower, told.upper), (fan.lower[at], fan.upper[at]));
        assert_eq!(
            (told.history_lower, told.history_upper),
            (Some(history_lower[at]), Some(history_upper[at]))
        );
        assert!(told.value > 0.02 && history_lower[at] < history_upper[at], "{told:?}");
    }
    for (told, fan) in
        seven(&short.monte_carlo_errors.percentiles.final_balance).into_iter().zip(seven(&errors.balance))
    {
        let (history_lower, history_upper) = history(fan);
        for (own, seen) in [
            (told.lower, fan.lower[at]),
            (told.upper, fan.upper[at]),
            (told.history_lower.unwrap(), history_lower[at]),
            (told.history_upper.unwrap(), history_upper[at]),
        ] {
            assert!((own - seen).abs() < 196.0, "a bin of the fan is 195 dollars wide: {own} {seen}");
        }
    }
}

#[test]
fn the_noise_of_the_few_paths_on_weighted_histories_is_taken_out() {
    // After 600 trades the 512 paths leave the lowest percentile at step 32 about as uncertain as the history does.
    let of_steps = |steps: u32| {
        let asked = json!({"paths": 200_000, "steps": steps, "seed": 7, "model": "iid", "rules": {}});
        whole_result(&plan(&funded(), &account(50_000.0, &book(600), 3), &config(asked)))
    };
    let (long, short) = (of_steps(128), of_steps(32));
    let at = long.fan.steps.iter().position(|&step| step == 32).expect("every other step");
    let Percentiles { p1: fan, .. } = &long.monte_carlo_errors.fan.balance;
    let Percentiles { p1: told, .. } = &short.monte_carlo_errors.percentiles.final_balance;
    let (history_lower, history_upper) = history(fan);
    let seen = history_upper[at] - history_lower[at];
    let width = told.history_upper.unwrap() - told.history_lower.unwrap();
    assert!((seen / width - 1.0).abs() < 0.1, "{seen} {width}");
}

#[test]
fn so_many_seeds_hold_the_truth_as_is_stated() {
    // The truth is 2,000,000 paths', whose own error is a tenth of 20,000's.
    let of_seed = |seed: u64, paths: u64| {
        result(&evaluation(40, json!({"paths": paths, "seed": seed, "historyReplicates": 0})))
    };
    let truth = of_seed(1_000_000, 2_000_000);
    let (mut told, mut held) = ([0_u32; 9], [0_u32; 9]);
    for report in (0..40).map(|seed| of_seed(seed, 20_000)) {
        for (which, ((values, _), (_, intervals))) in
            series(&truth).into_iter().zip(series(&report)).enumerate()
        {
            for at in [5, 11, 23, 37] {
                told[which] += 1;
                held[which] +=
                    u32::from(intervals.lower[at] <= values[at] && values[at] <= intervals.upper[at]);
            }
        }
    }
    let shares: Vec<f64> =
        held.iter().zip(told).map(|(&held, told)| f64::from(held) / f64::from(told)).collect();
    // The steps of one seed hang together: 40 seeds are 40 looks. Percentiles cover more than they say, for their bins' width.
    assert!(shares[..7].iter().all(|&share| share > 0.95), "{shares:?}");
    assert!(shares[7..].iter().all(|&share| share > 0.87), "{shares:?}");
}

#[test]
fn history_intervals_are_told_where_all_weighted_histories_saw_the_fan() {
    let has = |report: &Report| {
        let told = series(report)
            .into_iter()
            .map(|(_, of)| (of.history_lower.is_some(), of.history_upper.is_some()));
        let told: Vec<_> = told.collect();
        assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
        told[0]
    };
    let small = evaluation(100, json!({"paths": 1_000, "historyReplicates": 40}));
    assert_eq!(has(&whole_result(&small)), (true, true));
    assert_eq!(has(&result(&small)), (false, false), "none were simulated");
    let mut part = tally(&small, 1);
    part.merge(&run(&small, Shard { first_path: 1_000, paths: 512 * 3 }));
    assert_eq!(has(&report(&small, &part, &execution())), (false, false), "three of forty");
    assert_eq!(has(&whole_result(&small.clone().with_fan(64, 100).unwrap())), (true, true));
    assert_eq!(
        has(&whole_result(&small.with_fan(65, 100).unwrap())),
        (false, false),
        "finer than they are seen"
    );
}

#[test]
fn a_history_without_a_loss_leaves_more_open_at_each_step() {
    let asked = config(json!({"paths": 2_000, "steps": 4}));
    let report = whole_result(&plan(&funded(), &account(10_000.0, &[100.0, 200.0], 1), &asked));
    let (_, upper) = history(&report.monte_carlo_errors.fan.breached);
    // 1 − 0.025^(step / 2), by hand: 1 − √0.025, …
    let by_hand = [0.0, 0.841_886, 0.975, 0.996_047, 0.999_375];
    assert!(upper.iter().zip(by_hand).all(|(seen, told)| (seen - told).abs() < 1e-6), "{upper:?}");
}
