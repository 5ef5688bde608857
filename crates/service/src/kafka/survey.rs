//! How the cluster is for us: its brokers, our topics, our group's lag. For `doctor`, not for work; joins no group.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::KafkaError;
use super::context::{ConsumerCallbacks, Contact};
use super::settings::KafkaSettings;
use super::topics;

/// Between two questions to a broker that is not yet ready for them.
const PAUSE: Duration = Duration::from_millis(200);
/// Longest wait for the cause of a fault.
const CAUSE_BOUND: Duration = Duration::from_secs(2);

/// What a cluster says of itself and of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    pub brokers: usize,
    /// Our three.
    pub topics: Vec<Topic>,
    /// Absent where `assessment.completed` is.
    pub group: Option<Result<Group, String>>,
}

/// One topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// As the cluster knows it.
    pub name: String,
    /// How many it should have.
    pub partitions_expected: usize,
    /// How many it has, or the broker's word against it.
    pub partitions: Result<usize, String>,
}

/// Our consumer group on `assessment.completed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Messages that it has not committed; of a group that never committed, all that are there.
    pub lag: i64,
    /// Absent where the broker does not say (groups of KIP-848).
    pub members: Option<usize>,
}

/// Asks the cluster; blocks, up to about `bound`.
///
/// # Errors
/// [`KafkaError::Unreachable`] with the cause, [`KafkaError::Settings`].
pub fn survey(settings: &KafkaSettings, bound: Duration) -> Result<Survey, KafkaError> {
    let contact = Arc::new(Contact::default());
    let callbacks = ConsumerCallbacks::new(settings.clone(), contact.clone());
    let client: Client = settings
        .consumer_config()
        .create_with_context(callbacks)
        .map_err(|error| KafkaError::Settings(error.to_string()))?;
    let deadline = Instant::now() + bound;
    // Tokens are asked for by a callback, and callbacks run within polls.
    let _ = client.poll(PAUSE);
    let away = |error: ClientError| {
        // The cause is told by callbacks, which run within polls.
        let deadline = Instant::now() + CAUSE_BOUND;
        while contact.error().is_none() && Instant::now() < deadline {
            let _ = client.poll(CAUSE_BOUND / 10);
        }
        KafkaError::Unreachable(contact.error().unwrap_or_else(|| error.to_string()))
    };
    let brokers = client.fetch_metadata(None, left(deadline)).map_err(away)?.brokers().len();
    let topics: Vec<Topic> = topics::all()
        .map(|(name, expected)| {
            let name = settings.topic(name);
            let partitions = partitions(&client, &name, deadline);
            Topic { name, partitions_expected: expected as usize, partitions }
        })
        .into();
    let incoming = settings.topic(topics::ASSESSMENT_COMPLETED);
    let group = topics
        .iter()
        .find(|topic| topic.name == incoming)
        .and_then(|topic| topic.partitions.as_ref().ok())
        .map(|&partitions| group(&client, settings, &incoming, partitions, deadline));
    Ok(Survey { brokers, topics, group })
}

type Client = BaseConsumer<ConsumerCallbacks>;

fn partitions(client: &Client, topic: &str, deadline: Instant) -> Result<usize, String> {
    persist(deadline, || {
        let metadata = client.fetch_metadata(Some(topic), left(deadline))?;
        let unmentioned = || Refusal { code: None, words: "the broker does not mention it".to_owned() };
        let found = metadata.topics().first().ok_or_else(unmentioned)?;
        match found.error().map(RDKafkaErrorCode::from) {
            Some(code) => Err(Refusal { code: Some(code), words: code.to_string() }),
            None => Ok(found.partitions().len()),
        }
    })
}

fn group(
    client: &Client,
    settings: &KafkaSettings,
    topic: &str,
    partitions: usize,
    deadline: Instant,
) -> Result<Group, String> {
    let committed = persist(deadline, || Ok(committed(client, topic, partitions, deadline)?))?;
    let mut lag = 0;
    for (partition, committed) in committed {
        let (low, high) =
            persist(deadline, || Ok(client.fetch_watermarks(topic, partition, left(deadline))?))?;
        lag += high - committed.unwrap_or(low).clamp(low, high);
    }
    let groups = client.fetch_group_list(Some(&settings.group_id), left(deadline)).ok();
    let ours = groups.as_ref().and_then(|groups| groups.groups().first());
    let members = ours.filter(|group| group.state() != "Dead").map(|group| group.members().len());
    Ok(Group { lag, members })
}

/// Copied at once: a list of the library's own that outlives its client hangs the client's end.
fn committed(
    client: &Client,
    topic: &str,
    partitions: usize,
    deadline: Instant,
) -> Result<Vec<(i32, Option<i64>)>, ClientError> {
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition_range(topic, 0, partitions as i32 - 1);
    let offsets = client.committed_offsets(wanted, left(deadline))?;
    let elements = offsets.elements();
    let copied = elements.iter().map(|element| match element.offset() {
        Offset::Offset(offset) => (element.partition(), Some(offset)),
        _ => (element.partition(), None),
    });
    Ok(copied.collect())
}

/// A broker's word against a question.
struct Refusal {
    code: Option<RDKafkaErrorCode>,
    words: String,
}

impl From<ClientError> for Refusal {
    fn from(error: ClientError) -> Self {
        Self { code: error.rdkafka_error_code(), words: error.to_string() }
    }
}

/// Asks again while a broker that has just started, or a topic that was just made, is not yet ready.
fn persist<T>(deadline: Instant, ask: impl Fn() -> Result<T, Refusal>) -> Result<T, String> {
    loop {
        match ask() {
            Ok(answer) => return Ok(answer),
            Err(Refusal { code: Some(code), .. })
                if is_passing(code) && Instant::now() + PAUSE < deadline =>
            {
                std::thread::sleep(PAUSE);
            }
            Err(refusal) => return Err(refusal.words),
        }
    }
}

fn is_passing(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::CoordinatorLoadInProgress
            | RDKafkaErrorCode::CoordinatorNotAvailable
            | RDKafkaErrorCode::NotCoordinator
            | RDKafkaErrorCode::LeaderNotAvailable
            | RDKafkaErrorCode::NotLeaderForPartition
    )
}

/// Never nothing: the library takes that for "for ever" in some calls.
fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(100))
}
