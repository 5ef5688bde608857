//! Probabilities without sampling: to the digits of the formulas that there are, and within sampling's own error elsewhere.

use monte_carlo_engine::{ExactLaw, Report, exact_law};
use proptest::prelude::{ProptestConfig, Strategy, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::support::{account, assessment, book, config, json as as_json, plan, result};

fn last(series: &[f64]) -> f64 {
    *series.last().expect("a step")
}

fn law_of(start: f64, pnls: &[f64], asked: Value) -> Option<ExactLaw> {
    exact_law(&plan(&assessment(), &account(start, pnls, 4), &config(asked)))
}

/// A walk of ±1 dollar with `winners` % up, from 1,000 dollars, one row at a time.
fn walk(winners: usize, steps: u32, rules: &Value) -> ExactLaw {
    let pnls: Vec<f64> = (0..100).map(|n| if n < winners { 1.0 } else { -1.0 }).collect();
    let asked = json!({"steps": steps, "model": "iid", "sizing": "fixed", "rules": rules});
    law_of(1_000.0, &pnls, asked).expect("a lattice of dollars")
}

fn assert_passes(law: &ExactLaw, expected: f64) {
    let (passed, breached) = (last(&law.passed), last(&law.breached));
    assert!((passed - expected).abs() < 6e-11, "{passed} is not {expected}");
    assert!((passed + breached - 1.0).abs() < 1e-10, "{} is undecided", 1.0 - passed - breached);
    assert!(law.passed_error < 1e-10);
}

#[test]
fn gamblers_ruin() {
    for (winners, up, down, expected) in
        [(52, 10, 10, 0.690_065_829_6), (54, 10, 10, 0.832_496_741_2), (55, 20, 10, 0.867_677_281_6)]
    {
        let rules = json!({"drawdown": {"kind": "static", "amount": down}, "profitTarget": {"amount": up}});
        assert_passes(&walk(winners, 10_000, &rules), expected);
    }
}

#[test]
fn gamblers_ruin_takes_its_mean_time() {
    let rules = json!({"drawdown": {"kind": "static", "amount": 10}, "profitTarget": {"amount": 10}});
    let law = walk(52, 10_000, &rules);
    let mean: f64 =
        law.passed.iter().zip(&law.breached).map(|(passed, breached)| 1.0 - passed - breached).sum();
    assert!((mean - 95.032_914_78).abs() < 6e-9, "{mean}");
}

#[test]
fn a_trailing_floor_without_a_lock() {
    for (winners, expected) in [(50, 0.385_543_289_4), (52, 0.544_276_662_8), (54, 0.693_244_942_1)] {
        let rules = json!({"drawdown": {"kind": "trailing", "amount": 10}, "profitTarget": {"amount": 10}});
        assert_passes(&walk(winners, 20_000, &rules), expected);
    }
}

#[test]
fn a_trailing_floor_that_locks_at_the_start() {
    for (up, expected) in [(20, 0.192_771_644_7), (15, 0.257_028_859_6)] {
        let rules = json!({
            "drawdown": {"kind": "trailing", "amount": 10, "lock": {"offset": 0}}, "profitTarget": {"amount": up},
        });
        assert_passes(&walk(50, 20_000, &rules), expected);
    }
}

/// 4,096 equiprobable conditional means of a standard normal variable, as dollars of an account that compounds them with
/// mean 0.0005 and deviation 0.01.
fn normal_days() -> Vec<f64> {
    let mut balance = 100_000.0;
    crate::closed_forms::normal_rows()
        .into_iter()
        .map(|z| {
            let pnl = balance * libm::expm1(0.0005 + 0.01 * z);
            balance += pnl;
            pnl
        })
        .collect()
}

/// That a Brownian motion of mean 0.0005 and deviation 0.01 a day is at or below −0.1 at one of 252 days' ends: the density
/// of the motion that was not, carried from day to day by the midpoint rule, `per_deviation` points a deviation.
fn below_by_quadrature(per_deviation: usize) -> f64 {
    let (mean, deviation, floor, highest) = (0.0005, 0.01, -0.1, 0.9);
    let (width, reach) = (deviation / per_deviation as f64, 8 * per_deviation);
    let points = ((highest - floor) / width).round() as usize;
    let density = |step: f64| {
        let z = (step - mean) / deviation;
        libm::exp(-z * z / 2.0) / (2.0 * std::f64::consts::PI).sqrt() / deviation
    };
    let steps: Vec<f64> =
        (0..=2 * reach).map(|to| width * density((to as f64 - reach as f64) * width)).collect();
    let mut above: Vec<f64> =
        (0..points).map(|point| density(floor + (point as f64 + 0.5) * width)).collect();
    for _ in 1..252 {
        let mut next = vec![0.0; points + 2 * reach];
        for (from, mass) in above.iter().enumerate() {
            for (next, step) in next[from..].iter_mut().zip(&steps) {
                *next += step * mass;
            }
        }
        above = next[reach..reach + points].to_vec();
    }
    1.0 - width * above.iter().sum::<f64>()
}

#[test]
fn a_brownian_motion_watched_once_a_day_meets_one_barrier() {
    let rules = json!({"drawdown": {"kind": "static", "fraction": -libm::expm1(-0.1)}});
    let law = law_of(100_000.0, &normal_days(), json!({"steps": 252, "model": "iid", "rules": rules}));
    let law = law.expect("a lattice");
    let (fine, coarse) = (below_by_quadrature(20), below_by_quadrature(10));
    let expected = fine + (fine - coarse) / 3.0;
    // Broadie, Glasserman and Kou's shift of the continuous value, .285142, is near, as it should be.
    assert!((expected - 0.263_173).abs() < 1e-4, "{expected}");
    // The table keeps 0.99997 of the variance, which takes less than 10⁻⁵.
    let breached = last(&law.breached);
    assert!((breached - expected).abs() < 1e-5, "{breached} is not {expected}");
    assert!(law.breached_error < 1e-4, "{}", law.breached_error);
}

#[test]
fn a_brownian_motion_meets_two_barriers() {
    // Walks of ±1 dollar whose barriers are `levels` dollars away: a step's deviation is 0.1 / levels in log units, so a
    // day is (levels / 10)² steps, and the drift makes up + down = 1, up − down = 0.5 / levels. What a walk is off is of
    // order levels⁻²: two of them say what none is off.
    let ends = |levels: u32| {
        let rows = 4 * levels as usize;
        let pnls: Vec<f64> = (0..rows).map(|n| if n < rows / 2 + 1 { 1.0 } else { -1.0 }).collect();
        let rules =
            json!({"drawdown": {"kind": "static", "amount": levels}, "profitTarget": {"amount": levels}});
        let asked = json!({"steps": 60 * (levels / 10) * (levels / 10), "model": "iid", "sizing": "fixed", "rules": rules});
        let law = law_of(1_000.0, &pnls, asked).expect("a lattice of dollars");
        [last(&law.passed), last(&law.breached)]
    };
    let (fine, coarse) = (ends(100), ends(50));
    for (end, expected) in [0.309_706_75, 0.113_934_75].into_iter().enumerate() {
        let value = fine[end] + (fine[end] - coarse[end]) / 3.0;
        assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");
    }
}

/// Short histories of every kind: a book of many sizes; prediction markets, where a bet is won or lost whole; a history of
/// few trades; one with a streak that blocks keep together.
fn histories() -> [Vec<f64>; 4] {
    let bets = book(70).into_iter().enumerate().map(|(n, pnl)| {
        let stake = 600.0 + (n * 131 % 277) as f64;
        if pnl > 0.0 { stake * 0.9 } else { -stake }
    });
    let mut streaks = book(60);
    streaks.sort_by(|a, b| libm::sin(a * 0.01).total_cmp(&libm::sin(b * 0.01)));
    [book(120), bets.collect(), vec![700.0, -450.0, 800.0, -650.0, -120.0, 310.0, -20.0], streaks]
}

#[test]
fn sampling_agrees() {
    let trailing = json!({"drawdown": {"kind": "trailing", "fraction": 0.04}});
    let trailing_dollars = json!({"drawdown": {"kind": "trailing", "amount": 2_050}});
    let fixed_floor = json!({"drawdown": {"kind": "static", "fraction": 0.035}});
    let target = json!({"drawdown": {"kind": "static", "amount": 2_100}, "profitTarget": {"amount": 1_900}});
    let trailing_target = json!({
        "drawdown": {"kind": "trailing", "fraction": 0.04}, "profitTarget": {"fraction": 0.03},
    });
    let lock = json!({"drawdown": {"kind": "trailing", "fraction": 0.03, "lock": {"offset": 0}}});
    let lock_target = json!({
        "drawdown": {"kind": "trailing", "amount": 1_800, "lock": {"offset": 100}},
        "profitTarget": {"amount": 2_400}, "minTrades": 7,
    });
    let assessed = json!({"drawdown": {"kind": "trailing", "fraction": 0.05}, "minTrades": 12});
    let cases = [
        (0, 1.0, "proportional", 24, &trailing),
        (0, 4.0, "proportional", 30, &trailing),
        (0, 10.0, "fixed", 24, &trailing_dollars),
        (0, 2.0, "proportional", 20, &fixed_floor),
        (0, 3.0, "fixed", 24, &target),
        (0, 2.0, "proportional", 24, &trailing_target),
        (0, 1.0, "proportional", 30, &lock),
        (0, 2.5, "fixed", 24, &lock_target),
        (0, 3.0, "proportional", 20, &assessed),
        (1, 1.0, "proportional", 20, &assessed),
        (1, 2.0, "fixed", 20, &target),
        (1, 5.0, "proportional", 24, &trailing),
        (2, 1.0, "fixed", 20, &trailing_dollars),
        (2, 2.0, "fixed", 20, &lock_target),
        (3, 4.0, "proportional", 24, &trailing_target),
        (3, 6.0, "fixed", 24, &lock_target),
    ];
    let histories = histories();
    for (case, (history, block, sizing, steps, rules)) in (0_u64..).zip(cases) {
        let asked = json!({
            "paths": 600_000, "steps": steps, "blockLength": block, "sizing": sizing, "seed": 100 + case, "rules": rules,
        });
        let report = result(&plan(&assessment(), &account(50_000.0, &histories[history], 4), &config(asked)));
        assert_agrees(&report, &format!("case {case}"));
    }
}

/// Within 3 standard errors and what the lattice says of its own; and between 1 and 99 %, so that it says something.
fn assert_agrees(report: &Report, case: &str) {
    let exact = report.exact.unwrap_or_else(|| panic!("{case}: no lattice"));
    let both = [
        (Some(exact.breach_probability), Some(report.breach_probability)),
        (exact.pass_probability, report.pass_probability),
    ];
    for (exact, sampled) in both {
        let (Some(exact), Some(sampled)) = (exact, sampled) else {
            assert_eq!(exact.is_none(), sampled.is_none(), "{case}");
            continue;
        };
        let error = (exact.value * (1.0 - exact.value) / report.paths_simulated as f64).sqrt();
        let off = sampled.value - exact.value;
        assert!(off.abs() < 3.0 * error + exact.error, "{case}: {sampled:?} is not {exact:?}");
        assert!(exact.value > 0.01 && exact.value < 0.99 && exact.error < 0.006, "{case}: {exact:?}");
        assert!((exact.standard_errors.expect("a spread") - off / error).abs() < 1e-9, "{case}: {exact:?}");
    }
    assert!(report.warnings.iter().all(|said| !said.contains("exact")), "{case}: {:?}", report.warnings);
}

/// What it says that it is off is little beside what so many sampled paths are. (Of seven trades it would take too long.)
#[test]
fn a_lattice_is_as_sure_as_the_paths_beside_it_ask_for() {
    let rules = json!({"drawdown": {"kind": "static", "fraction": 0.04}, "profitTarget": {"fraction": 0.03}});
    for (case, pnls) in histories().iter().enumerate().filter(|(_, pnls)| pnls.len() > 7) {
        let of = |paths: u64| {
            let asked = json!({"paths": paths, "steps": 24, "blockLength": 2, "rules": rules});
            law_of(50_000.0, pnls, asked).expect("a lattice")
        };
        let laws = [1_000, 10_000].map(|paths| (paths as f64, of(paths)));
        for (paths, law) in &laws {
            for (series, error) in [(&law.breached, law.breached_error), (&law.passed, law.passed_error)] {
                let chance = last(series);
                let sampled = (chance * (1.0 - chance) / paths).sqrt();
                assert!(error > 0.0 && error < 0.101 * sampled, "case {case}: {error} beside {sampled}");
            }
        }
        let [(_, few), (_, many)] = laws;
        let errors = few.breached_error + many.breached_error;
        assert!((last(&few.breached) - last(&many.breached)).abs() < errors, "case {case}");
    }
}

#[test]
fn a_walk_of_two_sizes_that_no_lattice_hits_is_not_guessed_at() {
    // ±1 % compounding: the walk meets both barriers in its tenth step. A split would let it off its own points, to meet the
    // nearer one sooner, and lattices would agree on .67.
    let mut balance = 1_000.0;
    let pnls: Vec<f64> = (0..100)
        .map(|n| {
            let next: f64 = if n < 52 { balance * 1.01 } else { balance / 1.01 };
            let pnl = ((next - balance) * 100.0).round() / 100.0;
            balance += pnl;
            pnl
        })
        .collect();
    let rules = json!({
        "drawdown": {"kind": "static", "fraction": 1.0 - 1.01_f64.powf(-9.05)},
        "profitTarget": {"fraction": 1.01_f64.powf(9.95) - 1.0},
    });
    if let Some(law) = law_of(1_000.0, &pnls, json!({"steps": 40_000, "model": "iid", "rules": rules})) {
        let passed = last(&law.passed);
        assert!((passed - 0.690_065_829_6).abs() < law.passed_error, "{passed} ± {}", law.passed_error);
    }
}

#[test]
fn a_result_without_a_lattice_has_no_field_for_it() {
    let asked = |level: &str| json!({"paths": 200, "level": level, "rules": {"drawdown": {"kind": "trailing", "fraction": 0.1}}});
    let at = |level| {
        as_json(&result(&plan(&assessment(), &account(50_000.0, &book(60), 3), &config(asked(level)))))
    };
    let (trades, days) = (at("trade"), at("day"));
    assert!(
        trades["exact"]["breachProbability"]["error"].is_f64()
            && trades["exact"].get("passProbability").is_none()
    );
    assert!(days.get("exact").is_none());
}

#[test]
fn an_account_that_is_broken_at_the_start_is_broken_for_sure() {
    let mut input = account(50_000.0, &book(60), 3);
    input.pnl_data.peak = 2.0 * input.pnl_data.balance;
    let report = result(&plan(&crate::support::funded(), &input, &config(json!({"paths": 100}))));
    let breach = report.exact.expect("known").breach_probability;
    assert_eq!((breach.value, breach.standard_errors), (1.0, None));
}

#[test]
fn a_lattice_is_as_far_off_as_it_says() {
    // Rows in whole dollars have a lattice of dollars, which is exact; with two of them a hundredth of a cent away they have
    // none, though the walk is all but the same.
    for case in 0..40_usize {
        let whole: Vec<f64> = book(5 + 3 * case).iter().map(|pnl| (pnl / 4.0).round()).collect();
        let mut near = whole.clone();
        near[0] += 1e-4;
        near[1] -= 1e-4;
        let drawdown = json!({"kind": if case % 2 == 0 { "trailing" } else { "static" }, "amount": 375.5 + 10.0 * case as f64});
        let mut rules = json!({"drawdown": drawdown});
        if case % 4 == 1 {
            rules["profitTarget"] = json!({"amount": 425.5});
        }
        let (model, block) =
            if case % 3 == 0 { ("iid", None) } else { ("stationary", Some(1.5 + (case % 5) as f64)) };
        let (Some(exact), Some(law)) =
            (under(&whole, model, block, &rules), under(&near, model, block, &rules))
        else {
            panic!("case {case}: no lattice");
        };
        assert!(exact.breached_error < 1e-11, "case {case}: {exact:?}");
        assert!(law.breached_error > 1e-11 && law.breached_error < 2e-3, "case {case}: {law:?}");
        for (one, other, error) in [
            (&exact.breached, &law.breached, law.breached_error),
            (&exact.passed, &law.passed, law.passed_error),
        ] {
            let off = (last(one) - last(other)).abs();
            assert!(off < error, "case {case}: {} is off by {off}, above {error}", last(other));
        }
    }
}

/// 2 to 30 trades of up to ± 800 dollars.
fn history() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-800_i32..=800).prop_map(f64::from), 2..30)
}

/// The same in whole hundreds of dollars: a lattice of hundreds is exact.
fn history_of_hundreds() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-8_i32..=8).prop_map(|hundreds| f64::from(100 * hundreds)), 2..30)
}

fn under(pnls: &[f64], model: &str, block: Option<f64>, rules: &Value) -> Option<ExactLaw> {
    let mut asked = json!({"steps": 25, "model": model, "sizing": "fixed", "rules": rules});
    if let Some(block) = block {
        asked["blockLength"] = json!(block);
    }
    law_of(50_000.0, pnls, asked)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_law_is_a_law(pnls in history(), block in 1.0_f64..6.0, kind in 0_usize..3, minimum in 0_u32..9) {
        let drawdown = [
            json!({"kind": "static", "amount": 1_500}),
            json!({"kind": "trailing", "amount": 1_500}),
            json!({"kind": "trailing", "amount": 1_500, "lock": {"offset": 0}}),
        ];
        let rules = json!({"drawdown": drawdown[kind], "profitTarget": {"amount": 1_250}, "minTrades": minimum});
        if let Some(law) = under(&pnls, "stationary", Some(block), &rules) {
            prop_assert_eq!((law.breached.len(), law.passed.len()), (26, 26));
            prop_assert!(law.breached.is_sorted() && law.passed.is_sorted());
            prop_assert!(law.breached.iter().zip(&law.passed).all(|(b, p)| *b >= 0.0 && *p >= 0.0 && b + p <= 1.0 + 1e-12));
            prop_assert!(law.passed.iter().take(minimum.max(1) as usize).all(|passed| *passed == 0.0));
        }
    }

    #[test]
    fn a_trailing_floor_passes_no_more_often_and_breaks_no_less(
        pnls in history_of_hundreds(), block in 1.0_f64..6.0, amount in 8_u32..30,
    ) {
        let at = |kind: &str, amount: u32| {
            let drawdown = json!({"kind": kind, "amount": 100 * amount});
            let rules = json!({"drawdown": drawdown, "profitTarget": {"amount": 1_100}});
            let law = under(&pnls, "stationary", Some(block), &rules).expect("a lattice of hundreds");
            assert!(law.breached_error.max(law.passed_error) < 1e-11, "{law:?}");
            law
        };
        let (still, trailing, wider) = (at("static", amount), at("trailing", amount), at("trailing", amount + 3));
        prop_assert!(last(&trailing.passed) <= last(&still.passed) + 1e-11);
        // Step by step, not only by the horizon.
        let none_less = |more: &ExactLaw, less: &ExactLaw| {
            more.breached.iter().zip(&less.breached).all(|(more, less)| *more >= less - 1e-11)
        };
        prop_assert!(none_less(&trailing, &still) && none_less(&trailing, &wider));
    }

    #[test]
    fn permuted_rows_keep_the_iid_law(pnls in history_of_hundreds(), turn in 0_usize..30) {
        let rules = json!({"drawdown": {"kind": "trailing", "amount": 1_500}});
        let mut permuted = pnls.clone();
        permuted.reverse();
        permuted.rotate_left(turn % pnls.len());
        let at = |pnls: &[f64]| last(&under(pnls, "iid", None, &rules).expect("a lattice of hundreds").breached);
        prop_assert!((at(&pnls) - at(&permuted)).abs() < 1e-11);
    }

    #[test]
    fn blocks_of_about_one_row_are_nearly_independent_rows(pnls in history_of_hundreds()) {
        let rules = json!({"drawdown": {"kind": "trailing", "amount": 1_500}, "profitTarget": {"amount": 900}});
        let at = |model, block| under(&pnls, model, block, &rules).expect("a lattice of hundreds");
        let iid = at("iid", None);
        prop_assert_eq!(&at("stationary", Some(1.0)), &iid);
        // Blocks of 1.0001 rows go through the other code, and a path has a block of more than one row in 400.
        let blocks = at("stationary", Some(1.0001));
        prop_assert!((last(&iid.breached) - last(&blocks.breached)).abs() <= 25.0 * 0.0001);
    }

    #[test]
    fn equal_rows_are_sure(pnl in -900_i32..900, count in 1_usize..20, block in 1.0_f64..3.0) {
        let rules = json!({"drawdown": {"kind": "trailing", "amount": 1_500}, "profitTarget": {"amount": 1_100}});
        let law = under(&vec![f64::from(pnl); count], "stationary", Some(block), &rules).expect("a lattice of one size");
        let by = |amount: i32| if pnl == 0 { i32::MAX } else { (amount - 1) / pnl.abs() + 1 };
        let (breach, pass) = (pnl < 0 && by(1_500) <= 25, pnl > 0 && by(1_100) <= 25);
        prop_assert!((last(&law.breached) - f64::from(u8::from(breach))).abs() < 1e-12, "{:?}", law);
        prop_assert!((last(&law.passed) - f64::from(u8::from(pass))).abs() < 1e-12, "{:?}", law);
    }
}
