//! Frames with a true checksum, of whoever may send them: read or refused without a panic, and what is read is what a
//! writer could have written.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use monte_carlo_engine::wire::{RequestDocument, ShardRequest, Simulation, tally_from_bytes, tally_to_bytes};
use monte_carlo_engine::{Control, InputData, Plan, Shard, SimulationConfig, Subject, run_shard};
use serde_json::json;
use sha2::{Digest, Sha256};

/// Own paths and one weighted history.
const SHARD: Shard = Shard { first_path: 90, paths: 10 + 512 };

/// Bytes of a checksum.
const CHECKSUM: usize = 16;

/// A plan, a request for a shard of it, and the answer.
static KNOWN: LazyLock<(Plan, [Vec<u8>; 2])> = LazyLock::new(|| {
    let trades: Vec<_> = (0..9_i64)
        .map(|n| json!({"id": n.to_string(), "pnl": n * n % 7 - 3, "timestamp": n * 86_400_000}))
        .collect();
    let input: InputData = serde_json::from_value(json!({
        "tradeHistory": trades,
        "pnlData": {"balance": 1_000, "peak": 1_010, "realized": 3, "unrealized": 0},
    }))
    .expect("an input");
    let config: SimulationConfig =
        serde_json::from_value(json!({"paths": 100, "steps": 5, "historyReplicates": 40}))
            .expect("a configuration");
    let subject = Subject::FundedAccount("f".to_owned());
    let plan = Plan::new(&subject, &input, &config, 100).expect("a plan");
    let tally = run_shard(&plan, SHARD, &Control::default()).expect("nobody cancels");
    let request =
        RequestDocument::new(&subject, &input, &config, 100).expect("a document").frame(SHARD, 1_000);
    let answer = tally_to_bytes(&plan, SHARD, &tally);
    (plan, [request, answer])
});

fuzz_target!(|bytes: &[u8]| {
    let (plan, known) = &*KNOWN;
    let Some((&first, changes)) = bytes.split_first() else { return };
    // As they are, or as changes to what is known, four bytes each: two of place, how many bits, how far to cut.
    let mut body = match known.get(usize::from(first % 4)) {
        None => changes.to_vec(),
        Some(frame) => changed(&frame[..frame.len() - CHECKSUM], changes),
    };
    let checksum = Sha256::digest(&body);
    body.extend_from_slice(&checksum[..CHECKSUM]);

    if let Ok(request) = ShardRequest::from_bytes(&body)
        && let Ok(simulation) = request.simulation()
        && let Ok(plan) = simulation.plan()
    {
        let Simulation { subject, input, config, default_paths } = &simulation;
        let again = RequestDocument::new(subject, input, config, *default_paths).expect("a document");
        let frame = again.frame(request.shard, request.time_left_ms);
        let again = ShardRequest::from_bytes(&frame).expect("a request");
        assert_eq!(again.simulation().expect("a simulation"), simulation);
        let _ = plan.has(request.shard);
    }
    if let Ok(tally) = tally_from_bytes(plan, SHARD, &body) {
        let again = tally_from_bytes(plan, SHARD, &tally_to_bytes(plan, SHARD, &tally)).expect("a tally");
        // By their bytes: a figure on a weighted history may be no number.
        assert!(tally_to_bytes(plan, SHARD, &again) == tally_to_bytes(plan, SHARD, &tally));
    }
});

fn changed(body: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    for change in changes.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % body.len();
        body[at] ^= change[2];
        if change[3] == 0 {
            body.truncate(at.max(1));
        }
    }
    body
}
