//! What another machine found: a shard's tally.

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use sha2::{Digest, Sha256};

use super::WireError;
use super::bytes::{Reader, put, put_signed};
use super::counts::{put_counts, read_counts};
use super::fingerprint::{self, fingerprint};
use super::frame::{Kind, begin, open, seal};
use crate::tally::{
    Batch, Draw, Events, Fan, FanDraw, Figure, Histogram, Histories, Layout, Moments, PERCENTILES,
    Repetition, Repetitions, Replicate,
};
use crate::{Plan, Shard, Tally};

/// zlib's fastest: the rest of the redundancy is small, and this is done once a shard.
const COMPRESSION: u8 = 1;

/// The most bytes that a counter with its sum takes: two variable-length numbers.
const COUNTER_BYTES_MAX: usize = 5 + 19;

/// The most bytes of a figure on a weighted history: a mark and two doubles.
const DRAW_BYTES_MAX: usize = 1 + 16;

/// The most bytes of a weighted history's fan at one step: its percentiles and two short numbers.
const FAN_DRAW_BYTES_MAX: usize = PERCENTILES.len() * 10 + 3 + 3;

/// The most bytes of a repetition: two short numbers, a long one and a double.
const REPETITION_BYTES_MAX: usize = 5 + 5 + 10 + 8;

const OTHER_COUNT: WireError = WireError::Damaged("it does not hold as many paths as its shard");
const OVERFLOW: WireError = WireError::Damaged("a sum is too large");

/// The answer to a request: `tally`, which `plan`'s `shard` added up to.
pub fn tally_to_bytes(plan: &Plan, shard: Shard, tally: &Tally) -> Vec<u8> {
    let mut body = Vec::new();
    put_tally(&mut body, tally);
    let mut frame = begin(Kind::Tally);
    frame.extend_from_slice(&fingerprint(plan));
    let Shard { first_path, paths } = shard;
    put(&mut frame, first_path);
    put(&mut frame, paths);
    frame.extend_from_slice(&compress_to_vec(&body, COMPRESSION));
    seal(frame, Sha256::new(), 0)
}

/// Reads what [`tally_to_bytes`] wrote for the same plan and shard.
///
/// # Errors
/// [`WireError`] for all other bytes; also for a tally that does not hold as many paths as the shard.
pub fn tally_from_bytes(plan: &Plan, shard: Shard, bytes: &[u8]) -> Result<Tally, WireError> {
    let mut reader = open(Kind::Tally, bytes)?;
    if reader.array::<{ fingerprint::BYTES }>()? != fingerprint(plan) {
        return Err(WireError::OtherPlan);
    }
    if !plan.has(shard) || shard != (Shard { first_path: reader.number()?, paths: reader.number()? }) {
        return Err(WireError::OtherShard);
    }
    let (indices, rare) = (plan.replicates_of(shard), plan.repetitions_of(shard));
    let limit = body_bytes_max(&plan.layout, indices.len(), rare.len());
    let body = decompress_to_vec_with_limit(reader.0, limit)
        .map_err(|error| WireError::Unreadable(error.to_string()))?;
    let mut reader = Reader(&body);
    let tally = read_tally(&mut reader, &plan.layout, indices.len(), rare.len())?;
    reader.end()?;
    let own_paths = plan.own_paths_of(shard).paths;
    let counted = [&tally.final_state, &tally.drawdown].map(Histogram::count);
    let is_whole = tally.paths() == own_paths && counted == [own_paths; 2];
    let others =
        tally.histories.indices().eq(indices) && tally.rare.each().iter().map(|one| one.index).eq(rare);
    if is_whole && others { Ok(tally) } else { Err(OTHER_COUNT) }
}

/// What a tally takes at the most before it is compressed.
fn body_bytes_max(layout: &Layout, replicates: usize, repetitions: usize) -> usize {
    let Layout { steps, stops: _, fan, final_state, drawdown } = layout;
    let fan_draws = layout.stops_of_replicates() * FAN_DRAW_BYTES_MAX;
    let fan: usize = fan.iter().map(crate::tally::Bins::len).sum();
    let counters = fan + final_state.len() + drawdown.len() + 4 * (*steps as usize + 1) + 1_024;
    counters * COUNTER_BYTES_MAX
        + replicates * (5 + Figure::COUNT * DRAW_BYTES_MAX + fan_draws)
        + repetitions * REPETITION_BYTES_MAX
}

fn put_tally(out: &mut Vec<u8>, tally: &Tally) {
    let Tally { final_state, drawdown, fan, events, batches, ruined, clamped, histories, rare } = tally;
    put_histogram(out, final_state);
    put_histogram(out, drawdown);
    let Fan { stops: _, offsets: _, counts, standing: _ } = fan;
    put_counts(out, counts);
    let Events { drawdown, daily_loss, ruin, pass } = events;
    for counts in [drawdown, daily_loss, ruin, pass] {
        put_counts(out, counts);
    }
    batches.iter().for_each(|batch| put_batch(out, batch));
    put(out, *ruined);
    put(out, *clamped);
    put_histories(out, histories);
    put_repetitions(out, rare);
}

fn read_tally(
    reader: &mut Reader<'_>,
    layout: &Layout,
    replicates: usize,
    repetitions: usize,
) -> Result<Tally, WireError> {
    let mut tally = Tally::new(layout);
    let Tally { final_state, drawdown, fan, events, batches, ruined, clamped, histories, rare } = &mut tally;
    read_histogram(reader, final_state)?;
    read_histogram(reader, drawdown)?;
    fan.close();
    let Fan { stops: _, offsets: _, counts, standing: _ } = fan;
    read_counts(reader, counts)?;
    let Events { drawdown, daily_loss, ruin, pass } = events;
    for counts in [drawdown, daily_loss, ruin, pass] {
        read_counts(reader, counts)?;
    }
    for batch in batches {
        *batch = read_batch(reader)?;
    }
    *ruined = reader.number()?;
    *clamped = reader.number()?;
    *histories = read_histories(reader, layout.stops_of_replicates(), replicates)?;
    *rare = read_repetitions(reader, repetitions)?;
    Ok(tally)
}

/// A bin's sum is told by how far it is from what the mean of the last filled bin says.
fn put_histogram(out: &mut Vec<u8>, histogram: &Histogram) {
    let Histogram { bins: _, counts, sums } = histogram;
    put_counts(out, counts);
    let mut mean = 0;
    for (&count, &sum) in counts.iter().zip(sums).filter(|(count, _)| **count > 0) {
        put_signed(out, sum - mean * i128::from(count));
        mean = sum.div_euclid(count.into());
    }
}

fn read_histogram(reader: &mut Reader<'_>, histogram: &mut Histogram) -> Result<(), WireError> {
    let Histogram { bins: _, counts, sums } = histogram;
    read_counts(reader, counts)?;
    let mut mean = 0_i128;
    for (&mut count, sum) in counts.iter_mut().zip(sums).filter(|(count, _)| **count > 0) {
        let expected = mean.checked_mul(count.into()).ok_or(OVERFLOW)?;
        *sum = expected.checked_add(reader.signed()?).ok_or(OVERFLOW)?;
        mean = sum.div_euclid(count.into());
    }
    Ok(())
}

fn put_batch(out: &mut Vec<u8>, batch: &Batch) {
    let Batch { paths, profit, downside_squares, drawdown, payout, weekly_payout } = batch;
    put(out, *paths);
    put_signed(out, *downside_squares);
    for Moments { sum, squares } in [profit, drawdown, payout, weekly_payout] {
        put_signed(out, *sum);
        put_signed(out, *squares);
    }
}

fn read_batch(reader: &mut Reader<'_>) -> Result<Batch, WireError> {
    let (paths, downside_squares) = (reader.number()?, reader.signed()?);
    let mut moments = || Ok(Moments { sum: reader.signed()?, squares: reader.signed()? });
    Ok(Batch {
        paths,
        downside_squares,
        profit: moments()?,
        drawdown: moments()?,
        payout: moments()?,
        weekly_payout: moments()?,
    })
}

fn put_repetitions(out: &mut Vec<u8>, rare: &Repetitions) {
    for Repetition { index, probability, generations, paths } in rare.each() {
        put(out, (*index).into());
        put(out, (*generations).into());
        put(out, *paths);
        out.extend_from_slice(&probability.to_bits().to_le_bytes());
    }
}

fn read_repetitions(reader: &mut Reader<'_>, count: usize) -> Result<Repetitions, WireError> {
    let mut read = Vec::new();
    for _ in 0..count {
        let (index, generations, paths) = (reader.number()?, reader.number()?, reader.number()?);
        let probability = f64::from_bits(u64::from_le_bytes(reader.array()?));
        read.push(Repetition { index, probability, generations, paths });
    }
    Ok(Repetitions(read))
}

fn put_histories(out: &mut Vec<u8>, histories: &Histories) {
    let Histories(replicates) = histories;
    for Replicate { index, draws, fan } in replicates {
        put(out, (*index).into());
        for draw in draws {
            out.push(draw.is_some().into());
            if let Some(Draw { value, error }) = draw {
                out.extend_from_slice(&value.to_bits().to_le_bytes());
                out.extend_from_slice(&error.to_bits().to_le_bytes());
            }
        }
        fan.iter().for_each(|draw| put_fan_draw(out, draw));
    }
}

/// A percentile is told by how far it is above the one below it.
fn put_fan_draw(out: &mut Vec<u8>, draw: &FanDraw) {
    let FanDraw { balances, broken, passed } = draw;
    let mut below = 0;
    for &balance in balances {
        put_signed(out, i128::from(balance) - below);
        below = balance.into();
    }
    put(out, (*broken).into());
    put(out, (*passed).into());
}

fn read_fan_draw(reader: &mut Reader<'_>) -> Result<FanDraw, WireError> {
    let mut draw = FanDraw::default();
    let mut below = 0_i128;
    for balance in &mut draw.balances {
        below = below.checked_add(reader.signed()?).ok_or(OVERFLOW)?;
        *balance = i64::try_from(below).map_err(|_| OVERFLOW)?;
    }
    (draw.broken, draw.passed) = (reader.number()?, reader.number()?);
    Ok(draw)
}

fn read_histories(reader: &mut Reader<'_>, stops: usize, replicates: usize) -> Result<Histories, WireError> {
    let mut read = Vec::new();
    for _ in 0..replicates {
        let index = reader.number()?;
        let mut draws = [None; Figure::COUNT];
        for draw in &mut draws {
            if reader.byte()? != 0 {
                let mut double = || reader.array().map(|bits| f64::from_bits(u64::from_le_bytes(bits)));
                *draw = Some(Draw { value: double()?, error: double()? });
            }
        }
        let fan = (0..stops).map(|_| read_fan_draw(reader)).collect::<Result<_, _>>()?;
        read.push(Replicate { index, draws, fan });
    }
    Ok(Histories(read))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Moves;

    fn layout() -> Layout {
        let moves = Moves { rows: &[-3_000, 4_000, 100], block: 1.5, once: (0, 0) };
        Layout::new(70, moves, 20_000)
    }

    /// A tally with a number of its own in every field.
    fn numbered(layout: &Layout) -> Tally {
        let mut last = 0_u32;
        let mut number = || {
            last += 1;
            last
        };
        let mut tally = Tally::new(layout);
        tally.fan.close();
        let Tally { final_state, drawdown, fan, events, batches, ruined, clamped, histories, rare } =
            &mut tally;
        for Histogram { bins: _, counts, sums } in [final_state, drawdown] {
            counts.fill_with(&mut number);
            sums.fill_with(|| i128::from(number()) * -1_000_003);
        }
        fan.counts.fill_with(&mut number);
        let Events { drawdown, daily_loss, ruin, pass } = events;
        for counts in [drawdown, daily_loss, ruin, pass] {
            counts.fill_with(&mut number);
        }
        batches.fill_with(|| {
            let mut moments = || Moments { sum: -i128::from(number()), squares: number().into() };
            let [profit, drawdown, payout, weekly_payout] = std::array::from_fn(|_| moments());
            let [paths, downside_squares] = [number(), number()];
            let (paths, downside_squares) = (paths.into(), downside_squares.into());
            Batch { paths, profit, downside_squares, drawdown, payout, weekly_payout }
        });
        (*ruined, *clamped) = (number().into(), number().into());
        for index in [3, 4] {
            let mut double = || f64::from(number()) / 3.0;
            let draws = std::array::from_fn(|place| {
                (place % 3 > 0).then(|| Draw { value: double(), error: double() })
            });
            let fan = std::iter::repeat_with(|| FanDraw {
                balances: std::array::from_fn(|_| -i64::from(number()) * 1_000_003),
                broken: (number() % 512) as u16,
                passed: (number() % 512) as u16,
            });
            let fan = fan.take(layout.stops_of_replicates()).collect();
            histories.add(Replicate { index, draws, fan });
        }
        for index in [5, 6, 9] {
            let (probability, generations, paths) = (1.0 / f64::from(number()), number(), number().into());
            rare.add(Repetition { index, probability, generations, paths });
        }
        tally
    }

    #[test]
    fn every_field_of_a_tally_comes_back() {
        let layout = layout();
        let tally = numbered(&layout);
        let mut body = Vec::new();
        put_tally(&mut body, &tally);
        assert!(body.len() <= body_bytes_max(&layout, 2, 3));
        let mut reader = Reader(&body);
        assert!(read_tally(&mut reader, &layout, 2, 3).expect("a tally") == tally);
        assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn sums_that_no_path_gives_are_refused() {
        for (second_count, second) in [(4, 0), (1, 1)] {
            let mut histogram = Tally::new(&layout()).drawdown;
            let mut counts = vec![0; histogram.counts.len()];
            (counts[0], counts[1]) = (1, second_count);
            let mut body = Vec::new();
            put_counts(&mut body, &counts);
            put_signed(&mut body, i128::MAX);
            put_signed(&mut body, second);
            assert_eq!(read_histogram(&mut Reader(&body), &mut histogram), Err(OVERFLOW));
        }
    }
}
