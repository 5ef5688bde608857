//! Which plan a tally is of.

use std::fmt::{self, Write};

use sha2::{Digest, Sha256};

use crate::Plan;
use crate::history::rows::{Day, Rows};

/// Bytes of a fingerprint.
pub(super) const BYTES: usize = 16;

/// Hashes what decides a tally's shape and bits. Two plans with one fingerprint have the same paths.
///
/// All but the rows is hashed as its `Debug` text, which derives write of every field: a new one counts without being
/// listed here, and a new part of the plan does not compile until it is.
pub(super) fn fingerprint(plan: &Plan) -> [u8; BYTES] {
    let Plan {
        paths,
        // Says how many of the paths are needed, and nothing of what is on them.
        looks: _,
        histories,
        seed,
        horizon,
        sizing,
        stress,
        model,
        block_length,
        process,
        rows,
        past_rows,
        filter,
        worst_week,
        // Read off the rows and the process.
        fitted: _,
        scale,
        // Said of the result; the kernels go by the limits.
        applied: _,
        limits,
        // By the limits and the rows.
        daily_loss: _,
        start,
        layout,
        payouts,
        stops,
        trades_analyzed: _,
        trades_per_day: _,
        assumptions: _,
        warnings: _,
    } = plan;
    let mut text = Hashed(Sha256::new());
    let request = (paths, histories, seed, horizon, sizing, stress, model, block_length, process);
    let applied = (scale, limits, start, layout, payouts, stops, past_rows, filter, worst_week);
    // Writing to a hash does not fail.
    let _ = write!(text, "{request:?}{applied:?}");
    let Rows { trades, days } = rows;
    let mut hash = text.0;
    hash.update((trades.len() as u64).to_le_bytes());
    trades.iter().for_each(|step| hash.update(step.to_le_bytes()));
    for &Day { step, low, high, fall, first, trades } in days {
        for number in [step, low, high, fall, first.into(), trades.into()] {
            hash.update(number.to_le_bytes());
        }
    }
    let mut cut = [0; BYTES];
    cut.copy_from_slice(&hash.finalize()[..BYTES]);
    cut
}

struct Hashed(Sha256);

impl Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}
