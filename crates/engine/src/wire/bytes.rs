//! Numbers as bytes.

use super::WireError;

/// Seven bits of a number, and whether more follow.
const MORE: u8 = 0x80;

pub(super) const CUT: WireError = WireError::Damaged("it ends too soon");
const TOO_LONG: WireError = WireError::Damaged("a number is too long");

/// Appends `value`, seven bits a byte.
pub(super) fn put(out: &mut Vec<u8>, value: u64) {
    put_wide(out, u128::from(value));
}

/// Appends `value`, seven bits a byte.
pub(super) fn put_wide(out: &mut Vec<u8>, mut value: u128) {
    while value >= u128::from(MORE) {
        out.push(value as u8 | MORE);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed `value`, zigzag-coded: small where it is near 0.
pub(super) fn put_signed(out: &mut Vec<u8>, value: i128) {
    put_wide(out, ((value << 1) ^ (value >> 127)) as u128);
}

/// Bytes still to be read.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(CUT)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8, WireError> {
        self.take(1).map(|taken| taken[0])
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        self.take(N)?.try_into().map_err(|_| CUT)
    }

    /// What [`put_wide`] wrote.
    pub(super) fn wide(&mut self) -> Result<u128, WireError> {
        let mut value = 0_u128;
        for shift in (0..u128::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & !MORE);
            if bits.leading_zeros() < shift {
                return Err(TOO_LONG);
            }
            value |= bits << shift;
            if byte & MORE == 0 {
                return Ok(value);
            }
        }
        Err(TOO_LONG)
    }

    /// What [`put`] wrote.
    pub(super) fn number<T: TryFrom<u128>>(&mut self) -> Result<T, WireError> {
        T::try_from(self.wide()?).map_err(|_| TOO_LONG)
    }

    /// What [`put_signed`] wrote.
    pub(super) fn signed(&mut self) -> Result<i128, WireError> {
        let coded = self.wide()?;
        Ok((coded >> 1) as i128 ^ -((coded & 1) as i128))
    }

    /// Nothing may be left.
    pub(super) fn end(&self) -> Result<(), WireError> {
        if self.0.is_empty() { Ok(()) } else { Err(WireError::Damaged("it goes on past its end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_up_to_their_widest() {
        let unsigned = [0, 1, 127, 128, 300, u128::from(u32::MAX), u128::from(u64::MAX), u128::MAX];
        let signed = [0, 1, -1, 63, -64, 64, i128::from(i64::MIN), i128::MAX, i128::MIN];
        let mut out = Vec::new();
        unsigned.iter().for_each(|&value| put_wide(&mut out, value));
        signed.iter().for_each(|&value| put_signed(&mut out, value));
        let mut reader = Reader(&out);
        assert_eq!(unsigned.map(|_| reader.wide().unwrap()), unsigned);
        assert_eq!(signed.map(|_| reader.signed().unwrap()), signed);
        assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn small_numbers_are_short() {
        let mut out = Vec::new();
        put(&mut out, 127);
        put_signed(&mut out, -64);
        assert_eq!(out.len(), 2);
    }

    #[test]
    fn what_no_number_is_written_as_is_refused() {
        assert_eq!(Reader(&[]).wide(), Err(CUT));
        assert_eq!(Reader(&[0x80]).wide(), Err(CUT));
        assert_eq!(Reader(&[0xff; 19]).wide(), Err(TOO_LONG));
        assert_eq!(Reader(&[0x80; 30]).wide(), Err(TOO_LONG));
        // The 126 bits of 18 bytes, and three more.
        assert_eq!(Reader(&[[0xff; 18].as_slice(), &[0x04]].concat()).wide(), Err(TOO_LONG));
        assert_eq!(Reader(&[0x80, 0x02]).number::<u8>(), Err(TOO_LONG));
        assert_eq!(Reader(&[0x00]).end(), Err(WireError::Damaged("it goes on past its end")));
    }
}
