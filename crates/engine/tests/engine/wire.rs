//! Shards that travel: what comes back is what was sent, and nothing else is let in.

use monte_carlo_engine::wire::{RequestDocument, ShardRequest, WireError, tally_from_bytes, tally_to_bytes};
use monte_carlo_engine::{Plan, Shard, Tally};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::golden::requests;
use crate::support::{account, book, config, execution, funded, plan, run};

/// Every kind of plan in the golden set, small.
fn plans() -> Vec<(&'static str, RequestDocument, Plan)> {
    let small = |(name, subject, input, mut asked): (_, _, _, Value)| {
        asked["paths"] = json!(701);
        asked["historyReplicates"] = json!(40);
        let config = config(asked);
        let document = RequestDocument::new(&subject, &input, &config, 10_000).expect("a document");
        (name, document, plan(&subject, &input, &config))
    };
    requests().into_iter().map(small).collect()
}

/// Own paths and weighted histories, several shards of each.
fn shards(plan: &Plan) -> Vec<Shard> {
    let shards = plan.shards(u64::from(plan.steps()) * 512 * 15);
    let cut = |shard: Shard| {
        if shard.first_path + shard.paths > plan.paths() {
            return vec![shard];
        }
        let first = shard.paths / 3;
        vec![
            Shard { first_path: shard.first_path, paths: first },
            Shard { first_path: shard.first_path + first, paths: shard.paths - first },
        ]
    };
    shards.into_iter().flat_map(cut).collect()
}

fn merged(tallies: impl IntoIterator<Item = Tally>) -> Tally {
    let merged = tallies.into_iter().reduce(|mut one, other| {
        one.merge(&other);
        one
    });
    merged.expect("a tally")
}

#[test]
fn every_kind_of_plan_makes_its_way_and_its_tallies_come_back_to_the_bit() {
    for (name, document, plan) in plans() {
        let (mut sent, mut came) = (Vec::new(), Vec::new());
        for shard in shards(&plan) {
            let frame = document.frame(shard, 5_000);
            let request = ShardRequest::from_bytes(&frame).expect(name);
            assert_eq!((request.shard, request.time_left_ms), (shard, 5_000));
            let there = request.simulation().expect(name).plan().expect(name);
            assert!(there.has(request.shard), "{name}");
            let tally = run(&there, request.shard);
            let answer = tally_to_bytes(&there, request.shard, &tally);
            came.push(tally_from_bytes(&plan, shard, &answer).expect(name));
            sent.push(run(&plan, shard));
            assert!(came.last() == sent.last(), "{name}: {shard:?} is not what it was");
        }
        assert!(sent.len() >= 5, "{name}: the test needs shards of both kinds");
        let (whole, back) = (merged(sent), merged(came.into_iter().rev()));
        assert!(whole == back, "{name}");
        let reports = [whole, back].map(|tally| monte_carlo_engine::report(&plan, &tally, &execution()));
        assert_eq!(reports[0].result_digest, reports[1].result_digest, "{name}");
    }
}

#[test]
fn a_job_s_shards_share_one_document() {
    let (_, document, plan) = plans().swap_remove(0);
    let shards = shards(&plan);
    let digest = |shard| {
        let frame = document.frame(shard, 1);
        ShardRequest::from_bytes(&frame).expect("a request").document_digest()
    };
    assert_eq!(digest(shards[0]), digest(shards[1]));
    let other = plans().swap_remove(1).1.frame(shards[0], 1);
    assert_ne!(ShardRequest::from_bytes(&other).expect("a request").document_digest(), digest(shards[0]));
}

#[test]
fn another_shard_or_another_plan_is_refused() {
    let asked = |changes: Value| {
        let mut asked = json!({"paths": 1_000, "historyReplicates": 40, "steps": 20, "seed": 7});
        for (field, value) in changes.as_object().expect("an object") {
            asked[field] = value.clone();
        }
        plan(&funded(), &account(100_000.0, &book(60), 3), &config(asked))
    };
    let plan = asked(json!({}));
    let shard = Shard { first_path: 100, paths: 300 };
    let answer = tally_to_bytes(&plan, shard, &run(&plan, shard));
    assert!(tally_from_bytes(&plan, shard, &answer).is_ok());
    for other in [
        Shard { first_path: 101, paths: 300 },
        Shard { first_path: 100, paths: 299 },
        Shard { first_path: u64::MAX, paths: 300 },
        Shard { first_path: 1_511, paths: 2 },
        Shard { first_path: 100, paths: 0 },
    ] {
        assert_eq!(tally_from_bytes(&plan, other, &answer), Err(WireError::OtherShard), "{other:?}");
    }
    for changes in [
        json!({"seed": 8}),
        json!({"paths": 1_001}),
        json!({"historyReplicates": 41}),
        json!({"steps": 21}),
        json!({"rules": {"drawdown": {"kind": "static", "fraction": 0.1}}}),
        json!({"model": "iid"}),
        json!({"blockLength": 2.5}),
        json!({"sizing": "fixed"}),
        json!({"level": "day"}),
        json!({"stress": {"volatility": 1.01}}),
    ] {
        let other = asked(changes.clone());
        assert_eq!(tally_from_bytes(&other, shard, &answer), Err(WireError::OtherPlan), "{changes}");
    }
    // They start alike: what differs is where they end.
    let with_target = |fraction: f64| asked(json!({"rules": {"profitTarget": {"fraction": fraction}}}));
    let (near, far) = (with_target(0.05), with_target(0.06));
    let answer_of_near = tally_to_bytes(&near, shard, &run(&near, shard));
    assert!(tally_from_bytes(&near, shard, &answer_of_near).is_ok());
    assert_eq!(tally_from_bytes(&far, shard, &answer_of_near), Err(WireError::OtherPlan));
    let other = plan_of_another_trade();
    assert_eq!(tally_from_bytes(&other, shard, &answer), Err(WireError::OtherPlan));
}

/// The plan above, but for a cent in the middle of the history.
fn plan_of_another_trade() -> Plan {
    let mut input = account(100_000.0, &book(60), 3);
    input.trade_history[30].pnl += 0.01;
    let asked = json!({"paths": 1_000, "historyReplicates": 40, "steps": 20, "seed": 7});
    plan(&funded(), &input, &config(asked))
}

#[test]
fn a_tally_that_does_not_hold_its_shard_s_paths_is_refused() {
    let asked = json!({"paths": 1_000, "historyReplicates": 40, "steps": 20});
    let plan = plan(&funded(), &account(100_000.0, &book(60), 3), &config(asked));
    let (own, history) =
        (Shard { first_path: 0, paths: 300 }, Shard { first_path: 1_000 + 512, paths: 1_024 });
    let other_history = Shard { first_path: 1_000, paths: 1_024 };
    for (shard, tally) in [
        (own, run(&plan, Shard { first_path: 0, paths: 299 })),
        (own, run(&plan, history)),
        (history, run(&plan, own)),
        (history, run(&plan, other_history)),
        (history, merged([run(&plan, own), run(&plan, history)])),
    ] {
        let answer = tally_to_bytes(&plan, shard, &tally);
        assert!(matches!(tally_from_bytes(&plan, shard, &answer), Err(WireError::Damaged(_))), "{shard:?}");
    }
}

#[test]
fn shards_that_a_plan_has_not_are_known() {
    let asked = json!({"paths": 1_000, "historyReplicates": 40, "steps": 20});
    let plan = plan(&funded(), &account(100_000.0, &book(60), 3), &config(asked));
    let has = |first_path, paths| plan.has(Shard { first_path, paths });
    let end = 1_000 + 40 * 512;
    assert!(has(0, 1_000) && has(999, 1) && has(1_000, 512) && has(900, 612) && has(0, end));
    assert!(!has(0, 0) && !has(1_000, 511) && !has(1_001, 512) && !has(900, 600) && !has(0, end + 512));
    assert!(!has(u64::MAX, 1) && !has(1, u64::MAX) && !has(u64::MAX, u64::MAX));
    assert!(plan.shards(1).into_iter().all(|shard| plan.has(shard)));
}

#[test]
fn answers_are_small() {
    let trades = account(100_000.0, &book(300), 3);
    let whole = plan(&funded(), &trades, &config(json!({"paths": 1_000_000, "steps": 100})));
    let shard = Shard { first_path: 0, paths: 250_000 };
    let own = tally_to_bytes(&whole, shard, &run(&whole, shard)).len();
    let request = RequestDocument::new(&funded(), &trades, &config(json!({})), 1).expect("a document");
    let request = request.frame(shard, 1).len();
    let most =
        plan(&funded(), &trades, &config(json!({"paths": 1, "steps": 100, "historyReplicates": 2_000})));
    let shard = Shard { first_path: 1, paths: 512 * 2_000 };
    let histories = tally_to_bytes(&most, shard, &run(&most, shard)).len();
    let fine = whole.with_fan(64, 2_048).expect("a fan");
    let shard = Shard { first_path: 0, paths: 250_000 };
    let fine = tally_to_bytes(&fine, shard, &run(&fine, shard)).len();
    println!("bytes: own {own}, fine {fine}, histories {histories}, request {request}");
    assert!(own < 200_000 && fine < 500_000, "own {own}, with a fine fan {fine}");
    assert!(histories < 6_000_000, "two thousand weighted histories, the most there are: {histories}");
    assert!(request < 20_000, "three hundred trades: {request}");
}

/// A request and an answer, and the plan that they are of.
fn frames() -> (Plan, Shard, [Vec<u8>; 2]) {
    let (subject, input) = (funded(), account(100_000.0, &book(20), 3));
    let config = config(json!({"paths": 600, "historyReplicates": 40, "steps": 10}));
    let (plan, shard) = (plan(&subject, &input, &config), Shard { first_path: 500, paths: 100 + 512 });
    let document = RequestDocument::new(&subject, &input, &config, 1).expect("a document");
    let answer = tally_to_bytes(&plan, shard, &run(&plan, shard));
    (plan, shard, [document.frame(shard, 1_000), answer])
}

fn assert_refused(plan: &Plan, shard: Shard, bytes: &[u8], what: &str) {
    let read = ShardRequest::from_bytes(bytes);
    assert!(matches!(read, Err(WireError::Damaged(_))), "{what}: {read:?}");
    let read = tally_from_bytes(plan, shard, bytes);
    assert!(matches!(read, Err(WireError::Damaged(_))), "{what}: {:?}", read.err());
}

#[test]
fn every_cut_and_one_kind_for_the_other_are_refused() {
    let (plan, shard, frames) = frames();
    for frame in &frames {
        for cut in 0..frame.len() {
            assert_refused(&plan, shard, &frame[..cut], &format!("cut at {cut}"));
        }
        assert_refused(&plan, shard, &[frame, &[0][..]].concat(), "a byte more");
    }
    let [request, answer] = frames;
    assert!(matches!(ShardRequest::from_bytes(&answer), Err(WireError::Damaged(_))));
    assert!(matches!(tally_from_bytes(&plan, shard, &request), Err(WireError::Damaged(_))));
}

#[test]
fn every_changed_bit_is_refused() {
    let (plan, shard, frames) = frames();
    for mut frame in frames {
        // Each bit of each byte at the borders, and one of each byte between them.
        for at in 0..frame.len() {
            let is_border = at < 64 || at + 64 > frame.len();
            for bit in if is_border { 0..8 } else { at % 8..at % 8 + 1 } {
                frame[at] ^= 1 << bit;
                assert_refused(&plan, shard, &frame, &format!("bit {bit} of byte {at}"));
                frame[at] ^= 1 << bit;
            }
        }
    }
}

/// The frame with a true checksum: what a forger, or another version of this engine, would send.
fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let checksum = Sha256::digest(&body);
    body.extend_from_slice(&checksum[..16]);
    body
}

#[test]
fn another_format_and_another_engine_are_told_apart_from_damage() {
    let (plan, shard, frames) = frames();
    for frame in frames {
        let body = &frame[..frame.len() - 16];
        let with = |at: usize, byte: u8| {
            let mut body = body.to_vec();
            body[at] = byte;
            sealed(body)
        };
        let both = |bytes: &[u8]| {
            let request = ShardRequest::from_bytes(bytes).map(|_| ()).err();
            let tally = tally_from_bytes(&plan, shard, bytes).map(|_| ()).err();
            [request, tally]
        };
        assert!(both(&with(4, 3)).contains(&Some(WireError::OtherFormat(3))));
        let other = WireError::OtherEngine { theirs: "z".to_owned() };
        assert!(both(&with(6, b'z')).contains(&Some(other)));
    }
}

#[test]
fn a_document_that_grows_without_end_is_refused() {
    let (_, _, [request, _]) = frames();
    let before_document = 7;
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![b' '; (128 << 20) + 1], 1);
    let mut body = request[..before_document].to_vec();
    let mut length = bomb.len();
    while length >= 0x80 {
        body.push(length as u8 | 0x80);
        length >>= 7;
    }
    body.push(length as u8);
    body.extend_from_slice(&bomb);
    body.extend_from_slice(&[0, 1, 1]);
    let frame = sealed(body);
    let request = ShardRequest::from_bytes(&frame).expect("a whole frame");
    assert!(matches!(request.simulation(), Err(WireError::TooLarge { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_with_a_true_checksum_are_read_without_a_panic(
        which in 0..2_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let (plan, shard, frames) = frames();
        let frame = &frames[which];
        let mut body = frame[..frame.len() - 16].to_vec();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if let Some(cut) = cut {
            body.truncate(cut.index(body.len()));
        }
        let frame = sealed(body);
        let request = ShardRequest::from_bytes(&frame);
        if let Ok(request) = request {
            let plan = request.simulation().ok().and_then(|simulation| simulation.plan().ok());
            prop_assert!(plan.is_none_or(|plan| !plan.has(request.shard) || request.shard.paths > 0));
        }
        let read = tally_from_bytes(&plan, shard, &frame);
        prop_assert!(read.is_err() || read.is_ok_and(|tally| tally.paths() == 100));
    }

    #[test]
    fn a_tally_s_inside_is_read_without_a_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let (plan, shard, [_, answer]) = frames();
        // Magic, format, engine, fingerprint, and a shard of two numbers of two bytes each.
        let head = 4 + 1 + 2 + 16 + 4;
        let packed = &answer[head..answer.len() - 16];
        let mut inside = miniz_oxide::inflate::decompress_to_vec(packed).expect("DEFLATE");
        for (at, byte) in changes {
            let at = at.index(inside.len());
            inside[at] = byte;
        }
        if let Some(cut) = cut {
            inside.truncate(cut.index(inside.len()));
        }
        let packed = miniz_oxide::deflate::compress_to_vec(&inside, 1);
        let read = tally_from_bytes(&plan, shard, &sealed([&answer[..head], &packed].concat()));
        prop_assert!(read.is_err() || read.is_ok_and(|tally| tally.paths() == 100));
    }
}
