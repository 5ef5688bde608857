//! Another look at what went wrong for good, for the API and the command: a message is read again, a job is tried anew.

use std::sync::Arc;

use crate::intake::event::reread;
use crate::jobs::ids::JobId;
use crate::store::StoreError;
use crate::store::by_hand::{ByHand, Moved};
use crate::store::dead_letters::{DeadLetters, Letter, LetterName, Revival};

/// Where dead letters are looked after.
#[derive(Clone)]
pub struct LetterOffice {
    pub letters: Arc<dyn DeadLetters>,
    pub by_hand: Arc<dyn ByHand>,
}

/// What came of another look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replay {
    /// This job has what it needs: a new one, one that its assessment had already, or the one that had failed.
    Job(JobId),
    /// The message can be read, and asks for nothing.
    Nothing,
    /// Still not, for this reason; nothing changed.
    StillUnreadable(String),
    /// There is no dead letter of that name, or no more.
    Gone,
}

impl LetterOffice {
    /// Looks at a letter again. Where it can be carried out now, it is no dead letter any more.
    ///
    /// # Errors
    /// Where the database fails it.
    pub async fn replay(&self, name: &LetterName) -> Result<Replay, StoreError> {
        let Some(letter) = self.letters.dead_letter(name).await? else { return Ok(Replay::Gone) };
        let replay = match letter {
            Letter::Message(letter) => match reread(&letter.message) {
                Err(reason) => return Ok(Replay::StillUnreadable(reason)),
                Ok(job) => match self.letters.revive(&letter.id, job.as_ref()).await? {
                    Revival::Gone => Replay::Gone,
                    Revival::Nothing => Replay::Nothing,
                    Revival::Job(job) => Replay::Job(job),
                },
            },
            Letter::Job(job) => match self.by_hand.retry(&job.id).await? {
                Moved::Done => Replay::Job(job.id),
                // Somebody was quicker.
                Moved::Refused(_) | Moved::Unknown => Replay::Gone,
            },
        };
        if let Replay::Job(job) = &replay {
            tracing::info!(letter = %name, job.id = %job, "a dead letter is carried out after all");
        }
        Ok(replay)
    }
}
