//! Calls for shards, each under an id: one that nobody waits for any more is ended by it at the other side. To hang up says
//! the same, but not every proxy passes that on (docs/scaling.md).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use uuid::Uuid;

use super::transport::Transport;
use super::verdict::Failure;

/// Ids in one request; the other side takes no more (`CALLS_MAX` in `ray/monte_carlo_serve/health.py`).
const TOLD_AT_ONCE_MAX: usize = 256;
/// Ids that wait to be told, where Ray does not listen. What is not told runs to its end, two seconds as a rule.
const UNTOLD_MAX: usize = 4 * TOLD_AT_ONCE_MAX;
/// For one request; what it tells is of no use much later.
const TELLING_BOUND: Duration = Duration::from_secs(2);

/// Calls for shards, and ends those that are dropped.
pub(super) struct Caller {
    transport: Transport,
    unwanted: Mutex<Unwanted>,
}

#[derive(Default)]
struct Unwanted {
    ids: Vec<String>,
    /// One request at a time tells them.
    is_telling: bool,
}

/// A call in flight.
struct Call {
    id: String,
    caller: Arc<Caller>,
    is_over: bool,
}

impl Caller {
    pub(super) fn new(transport: Transport) -> Arc<Self> {
        Arc::new(Self { transport, unwanted: Mutex::default() })
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The answer to the frame of a shard. Dropped before there is one, the call is ended.
    pub(super) async fn shard(self: &Arc<Self>, frame: Vec<u8>, bound: Duration) -> Result<Vec<u8>, Failure> {
        let mut call = Call { id: Uuid::new_v4().to_string(), caller: self.clone(), is_over: false };
        let answer = self.transport.shard(&call.id, frame, bound).await;
        call.is_over = true;
        answer
    }

    fn end(self: &Arc<Self>, id: String) {
        // Without a runtime this process ends, and all its connections with it.
        let Ok(runtime) = Handle::try_current() else { return };
        let mut unwanted = self.unwanted();
        if unwanted.ids.len() < UNTOLD_MAX {
            unwanted.ids.push(id);
        }
        if !std::mem::replace(&mut unwanted.is_telling, true) {
            runtime.spawn(self.clone().tell());
        }
    }

    /// Tells what is not wanted until there is none. Tried once: an application without this request refuses it.
    async fn tell(self: Arc<Self>) {
        while let Some(ids) = self.next_unwanted() {
            if let Err(failure) = self.transport.cancel(&ids, TELLING_BOUND).await {
                tracing::debug!(
                    calls = ids.len(),
                    ?failure,
                    "Ray Serve was not told that calls are not wanted"
                );
            }
        }
    }

    /// As many as one request takes; with none left, nobody is telling any more.
    fn next_unwanted(&self) -> Option<Vec<String>> {
        let mut unwanted = self.unwanted();
        unwanted.is_telling = !unwanted.ids.is_empty();
        let count = unwanted.ids.len().min(TOLD_AT_ONCE_MAX);
        unwanted.is_telling.then(|| unwanted.ids.drain(..count).collect())
    }

    fn unwanted(&self) -> MutexGuard<'_, Unwanted> {
        self.unwanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_over {
            self.caller.end(std::mem::take(&mut self.id));
        }
    }
}
