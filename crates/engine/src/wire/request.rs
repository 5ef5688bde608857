//! What is asked of another machine: one shard of one job.

use std::borrow::Cow;

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::bytes::put;
use super::frame::{Kind, begin, open, seal};
use super::{DOCUMENT_BYTES_MAX, FRAME_BYTES_MAX, WireError};
use crate::{InputData, Plan, PlanError, Shard, SimulationConfig, Subject};

/// zlib's default: a history shrinks to about a quarter, some 50 bytes a trade, most of them its random id. It is done once
/// a job.
const COMPRESSION: u8 = 6;

/// Room for the shard, the time and the checksum behind the document.
const TAIL_BYTES: usize = 64;

/// All that makes a plan: the arguments of [`Plan::new`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Simulation<'a> {
    /// Whose future.
    pub subject: Cow<'a, Subject>,
    /// The account.
    pub input: Cow<'a, InputData>,
    /// What the caller asked for.
    pub config: Cow<'a, SimulationConfig>,
    /// Paths, where the configuration says nothing.
    pub default_paths: u64,
}

impl Simulation<'_> {
    /// The plan, the same as at the sender's.
    ///
    /// # Errors
    /// [`PlanError`] where the request cannot be simulated.
    pub fn plan(&self) -> Result<Plan, PlanError> {
        Plan::new(&self.subject, &self.input, &self.config, self.default_paths)
    }
}

/// One job's request, encoded and hashed once for all of its shards.
#[derive(Clone, Debug)]
pub struct RequestDocument {
    /// A frame up to the shard.
    prefix: Vec<u8>,
    /// Has seen it.
    hash: Sha256,
}

impl RequestDocument {
    /// Encodes the arguments of [`Plan::new`].
    ///
    /// # Errors
    /// [`WireError::TooLarge`] for a history that does not fit a frame; [`WireError::Unreadable`] for one with numbers that
    /// JSON has not, which no plan takes either.
    pub fn new(
        subject: &Subject,
        input: &InputData,
        config: &SimulationConfig,
        default_paths: u64,
    ) -> Result<Self, WireError> {
        let simulation = Simulation {
            subject: Cow::Borrowed(subject),
            input: Cow::Borrowed(input),
            config: Cow::Borrowed(config),
            default_paths,
        };
        let text =
            serde_json::to_vec(&simulation).map_err(|error| WireError::Unreadable(error.to_string()))?;
        check_size(text.len(), DOCUMENT_BYTES_MAX)?;
        let document = compress_to_vec(&text, COMPRESSION);
        let mut prefix = begin(Kind::Request);
        put(&mut prefix, document.len() as u64);
        prefix.extend_from_slice(&document);
        check_size(prefix.len() + TAIL_BYTES, FRAME_BYTES_MAX)?;
        let hash = Sha256::new_with_prefix(&prefix);
        Ok(Self { prefix, hash })
    }

    /// The request for one shard, to be answered within `time_left_ms`.
    pub fn frame(&self, shard: Shard, time_left_ms: u64) -> Vec<u8> {
        let mut frame = Vec::with_capacity(self.prefix.len() + TAIL_BYTES);
        frame.extend_from_slice(&self.prefix);
        let Shard { first_path, paths } = shard;
        for number in [first_path, paths, time_left_ms] {
            put(&mut frame, number);
        }
        seal(frame, self.hash.clone(), self.prefix.len())
    }
}

/// A request frame that arrived whole. Its document is read only where the reader has not planned it already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardRequest<'a> {
    document: &'a [u8],
    /// Which paths. They may be none of the plan's: ask [`Plan::has`].
    pub shard: Shard,
    /// How long the sender waits, milliseconds from when it sent this.
    pub time_left_ms: u64,
}

impl<'a> ShardRequest<'a> {
    /// Reads what [`RequestDocument::frame`] wrote.
    ///
    /// # Errors
    /// [`WireError`] for all other bytes.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = open(Kind::Request, bytes)?;
        let length = reader.number()?;
        let document = reader.take(length)?;
        let shard = Shard { first_path: reader.number()?, paths: reader.number()? };
        let time_left_ms = reader.number()?;
        reader.end()?;
        Ok(Self { document, shard, time_left_ms })
    }

    /// SHA-256 of the document as sent: the same for all shards of a job.
    pub fn document_digest(&self) -> [u8; 32] {
        Sha256::digest(self.document).into()
    }

    /// Reads the document.
    ///
    /// # Errors
    /// [`WireError`] where it is too large or none that this engine writes.
    pub fn simulation(&self) -> Result<Simulation<'static>, WireError> {
        let text = decompress_to_vec_with_limit(self.document, DOCUMENT_BYTES_MAX).map_err(|error| {
            if error.status == TINFLStatus::HasMoreOutput {
                WireError::TooLarge { bytes: DOCUMENT_BYTES_MAX, limit: DOCUMENT_BYTES_MAX }
            } else {
                WireError::Unreadable(error.to_string())
            }
        })?;
        serde_json::from_slice(&text).map_err(|error| WireError::Unreadable(error.to_string()))
    }
}

fn check_size(bytes: usize, limit: usize) -> Result<(), WireError> {
    if bytes > limit { Err(WireError::TooLarge { bytes, limit }) } else { Ok(()) }
}
