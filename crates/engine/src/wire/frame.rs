//! What all frames have about their contents: who wrote them, and whether they arrived whole.

use sha2::{Digest, Sha256};

use super::bytes::{CUT, Reader, put};
use super::{FRAME_BYTES_MAX, WireError};
use crate::ENGINE_VERSION;

/// The layout that this engine reads and writes.
const FORMAT: u8 = 2;

/// SHA-256 cut to this: chance passes one changed frame in 2¹²⁸. It guards against accidents, not against forgers. It is
/// a frame's last bytes in every format.
const CHECKSUM_BYTES: usize = 16;

/// Which of the two kinds a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Tally,
}

impl Kind {
    fn magic(self) -> &'static [u8; 4] {
        match self {
            Self::Request => b"MCSR",
            Self::Tally => b"MCST",
        }
    }
}

/// The first bytes of a frame.
pub(super) fn begin(kind: Kind) -> Vec<u8> {
    let mut frame = kind.magic().to_vec();
    frame.push(FORMAT);
    put(&mut frame, ENGINE_VERSION.len() as u64);
    frame.extend_from_slice(ENGINE_VERSION.as_bytes());
    frame
}

/// Adds the last bytes of a frame; `hash` has seen the first `hashed` of it.
pub(super) fn seal(mut frame: Vec<u8>, mut hash: Sha256, hashed: usize) -> Vec<u8> {
    hash.update(&frame[hashed..]);
    frame.extend_from_slice(&hash.finalize()[..CHECKSUM_BYTES]);
    frame
}

/// A frame's contents, once it is known to be whole, of this kind, and this engine's.
pub(super) fn open(kind: Kind, bytes: &[u8]) -> Result<Reader<'_>, WireError> {
    if bytes.len() > FRAME_BYTES_MAX {
        return Err(WireError::TooLarge { bytes: bytes.len(), limit: FRAME_BYTES_MAX });
    }
    let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(CUT)?;
    if Sha256::digest(body)[..CHECKSUM_BYTES] != *checksum {
        return Err(WireError::Damaged("its checksum is of other bytes"));
    }
    let mut reader = Reader(body);
    if reader.array::<4>()? != *kind.magic() {
        return Err(WireError::Damaged("it is not a frame of this kind"));
    }
    let format = reader.byte()?;
    if format != FORMAT {
        return Err(WireError::OtherFormat(format));
    }
    let length = reader.number()?;
    let engine = reader.take(length)?;
    if engine != ENGINE_VERSION.as_bytes() {
        return Err(WireError::OtherEngine { theirs: String::from_utf8_lossy(engine).into_owned() });
    }
    Ok(reader)
}
