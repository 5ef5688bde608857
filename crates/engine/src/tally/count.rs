//! Counters that stop rather than wrap.

/// Adds `more` to `counts`, bin by bin.
///
/// # Panics
/// Where a counter passes 2³² − 1: one job has at most 10⁸ paths, so only a shard merged many times over can do it.
pub(crate) fn add_counts(counts: &mut [u32], more: &[u32]) {
    assert_eq!(counts.len(), more.len(), "tallies of different plans do not merge");
    let mut wrapped = false;
    for (count, more) in counts.iter_mut().zip(more) {
        let (sum, passed) = count.overflowing_add(*more);
        *count = sum;
        wrapped |= passed;
    }
    assert!(!wrapped, "a job has fewer than 2^32 paths");
}
