//! Counters, many of which are 0: runs of zeros as their length, the others one by one.

use super::WireError;
use super::bytes::{Reader, put};

const PAST_END: WireError = WireError::Damaged("it has more counters than its plan");

/// Appends the counters: by turns how many are 0, how many are not, and those.
pub(super) fn put_counts(out: &mut Vec<u8>, mut counts: &[u32]) {
    while !counts.is_empty() {
        let zeros = counts.iter().take_while(|&&count| count == 0).count();
        counts = &counts[zeros..];
        let others = counts.iter().take_while(|&&count| count != 0).count();
        put(out, zeros as u64);
        put(out, others as u64);
        counts[..others].iter().for_each(|&count| put(out, count.into()));
        counts = &counts[others..];
    }
}

/// Fills `counts`, all 0 so far, with what [`put_counts`] wrote of as many.
pub(super) fn read_counts(reader: &mut Reader<'_>, mut counts: &mut [u32]) -> Result<(), WireError> {
    while !counts.is_empty() {
        let (zeros, others) = (reader.number::<usize>()?, reader.number::<usize>()?);
        let (_, rest) = counts.split_at_mut_checked(zeros).ok_or(PAST_END)?;
        let (run, rest) = rest.split_at_mut_checked(others).ok_or(PAST_END)?;
        for count in run {
            *count = reader.number()?;
        }
        counts = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(counts: &[u32]) -> Vec<u8> {
        let mut out = Vec::new();
        put_counts(&mut out, counts);
        out
    }

    #[test]
    fn come_back_with_zeros_anywhere() {
        for counts in [vec![], vec![0; 1_000], vec![1, 0, 0, 2], vec![0, 300, u32::MAX, 0], vec![7; 3]] {
            let bytes = written(&counts);
            let (mut reader, mut read) = (Reader(&bytes), vec![0; counts.len()]);
            assert_eq!((read_counts(&mut reader, &mut read), reader.end()), (Ok(()), Ok(())));
            assert_eq!(read, counts);
        }
        assert_eq!(written(&[0; 100]).len(), 2, "a run of zeros takes no more");
    }

    #[test]
    fn more_or_fewer_than_the_plan_has_are_refused() {
        let bytes = written(&[0, 1, 1, 0]);
        assert!(read_counts(&mut Reader(&bytes), &mut [0; 2]).is_err());
        assert!(read_counts(&mut Reader(&bytes), &mut [0; 9]).is_err());
        assert!(read_counts(&mut Reader(&[0, 0]), &mut [0; 2]).is_err());
        let endless = [&[0xff; 9][..], &[0x01, 0x01]].concat();
        assert!(read_counts(&mut Reader(&endless), &mut [0; 2]).is_err());
    }
}
