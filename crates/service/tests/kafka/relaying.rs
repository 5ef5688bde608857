//! The relay over an outbox in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use monte_carlo_engine::Subject;
use monte_carlo_service::jobs::events::{self, OutboxMessage};
use monte_carlo_service::jobs::ids::{JobId, Lease};
use monte_carlo_service::jobs::input::StoredInput;
use monte_carlo_service::kafka::consumer::Consumer;
use monte_carlo_service::kafka::producer::{PublishError, Publisher};
use monte_carlo_service::kafka::relay::{BATCH, LEASE, Relay};
use monte_carlo_service::store::{
    Backlog, Beat, ClaimRequest, ClaimedJob, Creation, Cursor, Examination, ExpiredLease, IdempotencyKey,
    IntakeBatch, IntakeOutcome, JobFilter, JobRecord, NewJob, Settlement, Store, StoreError, Write,
};
use monte_carlo_service::telemetry::trace_context::TraceContext;
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::cluster::{Cluster, PATIENCE, close, read};

const COMPLETED: &str = "montecarlo.simulation-completed";

/// Rows and who holds each; marked rows are gone. `marks_to_fail` marks fail first.
#[derive(Default)]
struct Outbox {
    rows: Mutex<BTreeMap<usize, (OutboxMessage, Option<Uuid>)>>,
    marks_to_fail: AtomicUsize,
    /// By whom, which and for how long, as told while they were sent.
    held: Mutex<Vec<(Uuid, Vec<Uuid>, u64)>>,
}

impl Outbox {
    fn with(messages: Vec<OutboxMessage>) -> Arc<Self> {
        let rows = messages.into_iter().map(|message| (message, None)).enumerate().collect();
        Arc::new(Self { rows: Mutex::new(rows), ..Self::default() })
    }

    fn len(&self) -> usize {
        self.rows.lock().expect("no panic under it").len()
    }

    async fn wait_until_empty(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.len() > 0 {
            assert!(Instant::now() < deadline, "{} messages are still there", self.len());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

fn not_asked<T>() -> Result<T, StoreError> {
    Err(StoreError::Failed("the relay has no business here".into()))
}

#[async_trait]
impl Store for Outbox {
    async fn lease_outbox(&self, relay: Uuid, limit: u32, _: u64) -> Result<Vec<OutboxMessage>, StoreError> {
        let mut rows = self.rows.lock().expect("no panic under it");
        let free = rows.values_mut().filter(|(_, holder)| holder.is_none()).take(limit as usize);
        Ok(free
            .map(|(message, holder)| {
                *holder = Some(relay);
                message.clone()
            })
            .collect())
    }
    async fn hold_outbox(&self, relay: Uuid, event_ids: &[Uuid], lease_ms: u64) -> Result<(), StoreError> {
        let held = (relay, event_ids.to_vec(), lease_ms);
        self.held.lock().expect("no panic under it").push(held);
        Ok(())
    }
    async fn mark_published(&self, event_ids: &[Uuid]) -> Result<(), StoreError> {
        if self.marks_to_fail.load(Ordering::SeqCst) > 0 {
            self.marks_to_fail.fetch_sub(1, Ordering::SeqCst);
            return Err(StoreError::Unavailable("for the test".into()));
        }
        self.rows
            .lock()
            .expect("no panic under it")
            .retain(|_, (message, _)| !event_ids.contains(&message.event_id));
        Ok(())
    }
    async fn release_outbox(&self, relay: Uuid, event_ids: &[Uuid]) -> Result<(), StoreError> {
        for (message, holder) in self.rows.lock().expect("no panic under it").values_mut() {
            if event_ids.contains(&message.event_id) && *holder == Some(relay) {
                *holder = None;
            }
        }
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        not_asked()
    }
    async fn migrate(&self) -> Result<(), StoreError> {
        not_asked()
    }
    async fn is_migrated(&self) -> Result<bool, StoreError> {
        not_asked()
    }
    async fn examine(&self) -> Result<Examination, StoreError> {
        unreachable!("only `doctor` asks")
    }
    async fn record_intake(&self, _: &IntakeBatch) -> Result<IntakeOutcome, StoreError> {
        not_asked()
    }
    async fn create(&self, _: &NewJob, _: Option<&IdempotencyKey>) -> Result<Creation, StoreError> {
        not_asked()
    }
    async fn claim(&self, _: ClaimRequest) -> Result<Vec<ClaimedJob>, StoreError> {
        not_asked()
    }
    async fn beat(&self, _: &[Beat], _: u64) -> Result<Vec<Lease>, StoreError> {
        not_asked()
    }
    async fn held(&self, _: &[Lease]) -> Result<Vec<Lease>, StoreError> {
        not_asked()
    }
    async fn save_input(&self, _: &Lease, _: &StoredInput) -> Result<Write, StoreError> {
        not_asked()
    }
    async fn settle(&self, _: &Lease, _: &Settlement) -> Result<Write, StoreError> {
        not_asked()
    }
    async fn follow_clock(&self, _: u64, _: u64) -> Result<u64, StoreError> {
        not_asked()
    }
    async fn expired(&self, _: u32) -> Result<Vec<ExpiredLease>, StoreError> {
        not_asked()
    }
    async fn job(&self, _: &JobId) -> Result<Option<JobRecord>, StoreError> {
        not_asked()
    }
    async fn jobs(&self, _: &JobFilter, _: u32, _: Option<&Cursor>) -> Result<Vec<JobRecord>, StoreError> {
        not_asked()
    }
    async fn backlog(&self, _: u32) -> Result<Backlog, StoreError> {
        not_asked()
    }
}

/// Refuses every message whose number of the try is below `until`; remembers what it took.
struct Moody {
    until: usize,
    tries: AtomicUsize,
    taken: Mutex<Vec<Uuid>>,
    called: Notify,
}

impl Moody {
    fn refusing_first(until: usize) -> Arc<Self> {
        Arc::new(Self { until, tries: AtomicUsize::new(0), taken: Mutex::default(), called: Notify::new() })
    }
}

#[async_trait]
impl Publisher for Moody {
    async fn publish(&self, messages: &[&OutboxMessage]) -> Vec<Result<(), PublishError>> {
        let answers = messages
            .iter()
            .map(|message| {
                if self.tries.fetch_add(1, Ordering::SeqCst) < self.until {
                    return Err(PublishError::Unknown);
                }
                self.taken.lock().expect("no panic under it").push(message.event_id);
                Ok(())
            })
            .collect();
        self.called.notify_one();
        // Long enough for a test to ask for the stop while a batch is in hand.
        sleep(Duration::from_millis(50)).await;
        answers
    }
}

fn messages(count: usize) -> Vec<OutboxMessage> {
    let trace = TraceContext::continue_from(Some("corr"), None, None);
    (0..count)
        .map(|number| {
            let subject = Subject::Assessment(format!("asm-{number}"));
            events::completed(&JobId::random(), &subject, &trace, &json!({ "number": number }), 0)
        })
        .collect()
}

fn start(
    outbox: &Arc<Outbox>,
    publisher: Arc<dyn Publisher>,
    wake: &Arc<Notify>,
) -> (JoinHandle<()>, CancellationToken) {
    let stop = CancellationToken::new();
    let relay = Relay::new(Arc::clone(outbox) as Arc<dyn Store>, publisher, Arc::clone(wake));
    (tokio::spawn(relay.run(stop.clone())), stop)
}

async fn end(relay: JoinHandle<()>, stop: &CancellationToken) {
    stop.cancel();
    timeout(PATIENCE, relay).await.expect("stops").expect("without a panic");
}

async fn a_thousand_events_arrive_once(cluster: Cluster) {
    let sent = messages(1_000);
    let outbox = Outbox::with(sent.clone());
    let (relay, stop) = start(&outbox, Arc::new(cluster.producer()), &Arc::default());
    outbox.wait_until_empty().await;
    end(relay, &stop).await;

    let mut consumer = Consumer::start(&cluster.settings, &[COMPLETED]).expect("a consumer");
    let arrived = read(&mut consumer, 1_000).await;
    assert_eq!(arrived.len(), 1_000);
    let ids = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let wanted: Vec<String> = sent.iter().map(|message| message.event_id.to_string()).collect();
    assert_eq!(
        ids(arrived.iter().filter_map(|message| message.header("event-id")).collect()),
        ids(wanted.iter().map(String::as_str).collect()),
    );
    assert!(arrived.iter().all(|message| message.header("correlation-id") == Some("corr")));
    assert!(arrived.iter().all(|message| message.key.as_deref().is_some_and(|key| key.starts_with(b"asm-"))));
    close(consumer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_a_thousand_events_arrive_once() {
    a_thousand_events_arrive_once(Cluster::embedded(&[(COMPLETED, 3)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_thousand_events_arrive_once() {
    a_thousand_events_arrive_once(Cluster::real(&[(COMPLETED, 3)]).await).await;
}

#[tokio::test]
async fn refused_messages_are_released_and_sent_again() {
    let outbox = Outbox::with(messages(10));
    let publisher = Moody::refusing_first(23);
    let (relay, stop) = start(&outbox, Arc::clone(&publisher) as Arc<dyn Publisher>, &Arc::default());
    outbox.wait_until_empty().await;
    end(relay, &stop).await;
    assert_eq!(publisher.taken.lock().expect("no panic under it").len(), 10, "each exactly once");
    assert_eq!(publisher.tries.load(Ordering::SeqCst), 33, "three rounds of ten, then the three left");
}

/// Takes each message of a key some time after the last, and refuses its first one once.
#[derive(Default)]
struct Slow {
    in_hand: Mutex<BTreeSet<String>>,
    taken: Mutex<BTreeMap<String, Vec<Uuid>>>,
    refused: Mutex<BTreeSet<String>>,
}

#[async_trait]
impl Publisher for Slow {
    async fn publish(&self, messages: &[&OutboxMessage]) -> Vec<Result<(), PublishError>> {
        for message in messages {
            let is_alone = self.in_hand.lock().expect("no panic under it").insert(message.key.clone());
            assert!(is_alone, "{} is sent before the word on what it follows", message.key);
        }
        sleep(Duration::from_millis(10)).await;
        let answers = messages.iter().map(|message| {
            self.in_hand.lock().expect("no panic under it").remove(&message.key);
            if self.refused.lock().expect("no panic under it").insert(message.key.clone()) {
                return Err(PublishError::Unknown);
            }
            let mut taken = self.taken.lock().expect("no panic under it");
            taken.entry(message.key.clone()).or_default().push(message.event_id);
            Ok(())
        });
        answers.collect()
    }
}

#[tokio::test]
async fn the_messages_of_a_key_leave_one_after_the_other_though_the_first_be_refused() {
    let mut sent = messages(60);
    for (number, message) in sent.iter_mut().enumerate() {
        message.key = format!("asm-{}", number % 7);
    }
    let mut expected = BTreeMap::<String, Vec<Uuid>>::new();
    for message in &sent {
        expected.entry(message.key.clone()).or_default().push(message.event_id);
    }
    let (outbox, publisher) = (Outbox::with(sent), Arc::new(Slow::default()));
    let (relay, stop) = start(&outbox, Arc::clone(&publisher) as Arc<dyn Publisher>, &Arc::default());
    outbox.wait_until_empty().await;
    end(relay, &stop).await;
    assert_eq!(*publisher.taken.lock().expect("no panic under it"), expected);
}

#[tokio::test]
async fn an_acknowledged_message_is_marked_later_and_not_sent_twice() {
    let outbox = Outbox::with(messages(10));
    outbox.marks_to_fail.store(3, Ordering::SeqCst);
    let publisher = Moody::refusing_first(0);
    let (relay, stop) = start(&outbox, Arc::clone(&publisher) as Arc<dyn Publisher>, &Arc::default());
    outbox.wait_until_empty().await;
    end(relay, &stop).await;
    assert_eq!(publisher.tries.load(Ordering::SeqCst), 10);
}

/// Takes everything once its messages were kept from others twice.
struct Patient(Arc<Outbox>);

#[async_trait]
impl Publisher for Patient {
    async fn publish(&self, messages: &[&OutboxMessage]) -> Vec<Result<(), PublishError>> {
        while self.0.held.lock().expect("no panic under it").len() < 2 {
            sleep(Duration::from_millis(5)).await;
        }
        messages.iter().map(|_| Ok(())).collect()
    }
}

#[tokio::test]
async fn what_is_being_sent_is_kept_from_other_relays_for_as_long_as_it_takes() {
    let sent = messages(3);
    let outbox = Outbox::with(sent.clone());
    let (relay, stop) = start(&outbox, Arc::new(Patient(outbox.clone())), &Arc::default());
    outbox.wait_until_empty().await;
    end(relay, &stop).await;
    let held = outbox.held.lock().expect("no panic under it");
    let ids: Vec<_> = sent.iter().map(|message| message.event_id).collect();
    for (_, which, lease_ms) in held.iter() {
        assert_eq!((which, u128::from(*lease_ms)), (&ids, LEASE.as_millis()));
    }
    assert_eq!(held.len(), 2, "no longer than it takes");
}

#[tokio::test]
async fn a_broker_that_is_away_is_not_hammered() {
    let outbox = Outbox::with(messages(1));
    let publisher = Moody::refusing_first(usize::MAX);
    let wake = Arc::new(Notify::new());
    let (relay, stop) = start(&outbox, Arc::clone(&publisher) as Arc<dyn Publisher>, &wake);
    for _ in 0..400 {
        wake.notify_one();
        sleep(Duration::from_millis(10)).await;
    }
    end(relay, &stop).await;
    let tries = publisher.tries.load(Ordering::SeqCst);
    assert!((2..=7).contains(&tries), "{tries} tries in some four seconds of wake-ups");
}

#[tokio::test]
async fn a_wake_up_sends_at_once_and_a_stop_empties_the_outbox() {
    let outbox = Outbox::with(Vec::new());
    let (publisher, wake) = (Moody::refusing_first(0), Arc::new(Notify::new()));
    let (relay, stop) = start(&outbox, Arc::clone(&publisher) as Arc<dyn Publisher>, &wake);
    sleep(Duration::from_millis(10)).await;
    let many = messages(BATCH as usize + 1);
    outbox
        .rows
        .lock()
        .expect("no panic under it")
        .extend(many.into_iter().map(|message| (message, None)).enumerate());
    let begun = Instant::now();
    wake.notify_one();
    publisher.called.notified().await;
    assert!(begun.elapsed() < Duration::from_millis(400), "sooner than by polling: {:?}", begun.elapsed());
    end(relay, &stop).await;
    assert_eq!(outbox.len(), 0, "the batch in hand and the one that waits behind it are sent and marked");
}
