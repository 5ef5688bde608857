//! Wake-ups: what makes polling quick. Losing one costs at most a poll interval, never a job.

mod redis;

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};

pub use self::redis::RedisWakeUps;

/// Wakes this process's loops, and other replicas' where Redis is there.
#[derive(Default)]
pub struct Signals {
    jobs: Notify,
    outbox: Arc<Notify>,
    /// To the task that tells other replicas; one waiting word is enough.
    others: Option<mpsc::Sender<()>>,
}

impl Signals {
    /// Jobs became due: inserted, released or handed on.
    pub fn jobs_due(&self) {
        self.jobs_due_elsewhere();
        if let Some(others) = &self.others {
            // Full: a word is on its way already.
            others.try_send(()).ok();
        }
    }

    /// Another replica said that jobs became due.
    fn jobs_due_elsewhere(&self) {
        self.jobs.notify_one();
    }

    /// Messages wait to be sent.
    pub fn outbox_filled(&self) {
        self.outbox.notify_one();
    }

    /// Waits for [`Signals::jobs_due`].
    pub async fn jobs_are_due(&self) {
        self.jobs.notified().await;
    }

    /// Wakes at [`Signals::outbox_filled`]; one waiter.
    pub fn outbox(&self) -> Arc<Notify> {
        self.outbox.clone()
    }
}
