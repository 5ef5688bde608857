//! Hears what the service tells, as it comes out of Kafka.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use monte_carlo_service::jobs::events::EventKind;
use monte_carlo_service::kafka::topics::all;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde::Deserialize;

use super::load::Sent;
use crate::house::House;

/// After the last result the next one takes no longer; what has not come by then is lost.
const BOUND: Duration = Duration::from_secs(90);
/// A broker that is there answers within this.
const ANSWER_BOUND: Duration = Duration::from_secs(30);
/// Between two looks whether to stop.
const POLL: Duration = Duration::from_millis(50);
const TOPICS: [&str; 2] = [EventKind::Started.topic(), EventKind::Completed.topic()];

#[derive(Default)]
pub(super) struct Heard {
    /// By assessment, the first time that its result was told, and that result's digest.
    pub(super) results: HashMap<String, (Instant, String)>,
    /// Of each topic, how often each event id came.
    pub(super) ids: [HashMap<String, usize>; 2],
    /// Results that were told again otherwise.
    pub(super) contradictions: usize,
}

pub(super) struct Watch {
    heard: Arc<Mutex<Heard>>,
    stop: Arc<AtomicBool>,
    listener: thread::JoinHandle<()>,
}

/// By topic and partition, the offset that comes next.
type Reached = HashMap<(String, i32), i64>;

/// As much of an event as is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    assessment_id: Option<String>,
    result: Option<Told>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    result_digest: String,
}

impl Watch {
    pub(super) fn begin(house: &House) -> Self {
        let (heard, stop) = (Arc::<Mutex<Heard>>::default(), Arc::<AtomicBool>::default());
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", house.brokers())
            .set("group.id", "watch")
            .set("enable.auto.commit", "false")
            .set("reconnect.backoff.max.ms", "500")
            .create()
            .expect("a consumer");
        let prefix = house.prefix().to_owned();
        let listener = thread::spawn({
            let (heard, stop) = (heard.clone(), stop.clone());
            move || listen(&consumer, &prefix, &heard, &stop)
        });
        Self { heard, stop, listener }
    }

    /// Waits until so many results were told.
    pub(super) async fn told(&self, count: usize) -> bool {
        let (mut so_far, mut last) = (0, Instant::now());
        loop {
            let told = self.count();
            if told >= count || last.elapsed() > BOUND {
                return told >= count;
            }
            if told > so_far {
                (so_far, last) = (told, Instant::now());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    pub(super) fn count(&self) -> usize {
        self.heard().results.len()
    }

    pub(super) fn first_untold<'a>(&self, sent: &'a [Sent]) -> Option<&'a Sent> {
        let heard = self.heard();
        sent.iter().find(|event| !heard.results.contains_key(&event.assessment))
    }

    /// All that was told, once so many results were, or will not be.
    pub(super) async fn end(self, count: usize) -> Heard {
        self.told(count).await;
        self.stop.store(true, Ordering::SeqCst);
        tokio::task::spawn_blocking(move || self.listener.join()).await.expect("it ends").expect("no panic");
        Arc::try_unwrap(self.heard).ok().expect("the listener has ended").into_inner().expect("no panic")
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().expect("nobody panics with it")
    }
}

fn listen(consumer: &BaseConsumer, prefix: &str, heard: &Mutex<Heard>, stop: &AtomicBool) {
    let ours = all().into_iter().filter(|(topic, _)| TOPICS.contains(topic));
    let mut next: Reached = ours
        .flat_map(|(topic, partitions)| (0..partitions).map(move |partition| (topic, partition)))
        .map(|(topic, partition)| ((format!("{prefix}{topic}"), partition), 0))
        .collect();
    let mut assignment = TopicPartitionList::new();
    for (topic, partition) in next.keys() {
        assignment.add_partition_offset(topic, *partition, Offset::Beginning).expect("an offset");
    }
    consumer.assign(&assignment).expect("the partitions are ours");
    drop(assignment);
    while !stop.load(Ordering::SeqCst) {
        hear_next(consumer, prefix, heard, &mut next);
    }
    let mut ends = Reached::new();
    for (topic, partition) in next.keys() {
        let (_, end) =
            consumer.fetch_watermarks(topic, *partition, ANSWER_BOUND).expect("the broker answers");
        ends.insert((topic.clone(), *partition), end);
    }
    let began = Instant::now();
    while ends.iter().any(|(place, end)| next[place] < *end) {
        assert!(began.elapsed() < ANSWER_BOUND, "the topics' ends are not reached");
        hear_next(consumer, prefix, heard, &mut next);
    }
}

fn hear_next(consumer: &BaseConsumer, prefix: &str, heard: &Mutex<Heard>, next: &mut Reached) {
    // Errors say that the broker is away; it comes back.
    let Some(Ok(message)) = consumer.poll(POLL) else { return };
    next.insert((message.topic().to_owned(), message.partition()), message.offset() + 1);
    heard.lock().expect("nobody panics with it").note(&message, prefix);
}

impl Heard {
    fn note(&mut self, message: &BorrowedMessage<'_>, prefix: &str) {
        let now = Instant::now();
        let topic = message.topic().strip_prefix(prefix).expect("one of ours");
        let kind = TOPICS.iter().position(|name| *name == topic).expect("one of the two");
        let headers = message.headers().expect("it has some");
        let id = headers.iter().find(|header| header.key == "event-id").and_then(|header| header.value);
        let id = String::from_utf8_lossy(id.expect("an id")).into_owned();
        *self.ids[kind].entry(id).or_default() += 1;
        let body: Body =
            serde_json::from_slice(message.payload().expect("a body")).expect("the value is JSON");
        let (Some(assessment), Some(told)) = (body.assessment_id, body.result) else { return };
        let (_, digest) = self.results.entry(assessment).or_insert_with(|| (now, told.result_digest.clone()));
        if *digest != told.result_digest {
            self.contradictions += 1;
        }
    }
}
