//! How shards travel between machines: types to bytes and back, no I/O.
//!
//! A request frame holds a request document (subject, history, configuration), which is encoded once a job, and the
//! shard; an answer frame holds the shard's tally. Both are laid out as
//!
//! ```text
//! magic (4 bytes) · format (1) · engine version (length, text) · contents · checksum (16: truncated SHA-256 of all before)
//! ```
//!
//! Numbers are variable-length, seven bits a byte, lowest first; signed ones are zigzag-coded. The contents of a tally
//! have no lengths of their own: the reader's plan knows how many counters there are, so nothing is allocated because a
//! frame says so. Requests and tallies are compressed with DEFLATE (RFC 1951).

mod bytes;
mod counts;
mod fingerprint;
mod frame;
mod request;
mod tally;

pub use request::{RequestDocument, ShardRequest, Simulation};
pub use tally::{tally_from_bytes, tally_to_bytes};

/// What the two sides speak; a new one is told apart by its name before a frame is sent.
pub const PROTOCOL: &str = "shards/1";

/// The most bytes of a frame of either kind. A history of 200,000 trades takes about a third of it.
pub const FRAME_BYTES_MAX: usize = 32 << 20;

/// The most bytes of a request document once it is decompressed: some 600 a trade of the longest history.
pub const DOCUMENT_BYTES_MAX: usize = 128 << 20;

/// Why bytes were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Cut, changed on the way, or not a frame at all; the same bytes sent again may arrive.
    #[error("the frame is damaged: {0}")]
    Damaged(&'static str),
    /// Whole, and of another format.
    #[error("the frame has format {0}, which this engine does not read")]
    OtherFormat(u8),
    /// Whole, and of an engine whose results have other bits.
    #[error("the frame is of engine {theirs:?}; this engine is {ours:?}", ours = crate::ENGINE_VERSION)]
    OtherEngine {
        /// The other engine's version.
        theirs: String,
    },
    /// Whole, and of another plan than the reader's.
    #[error("the tally is of another plan")]
    OtherPlan,
    /// Whole, and of another shard than the reader's.
    #[error("the tally is of another shard")]
    OtherShard,
    /// Whole, and its contents are none that this engine writes.
    #[error("the frame's contents cannot be read: {0}")]
    Unreadable(String),
    /// Longer than the limit.
    #[error("{bytes} bytes are more than the {limit} that one frame may have")]
    TooLarge {
        /// How long, where that is known, or else the limit.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}
