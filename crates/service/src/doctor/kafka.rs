//! Kafka: brokers, our topics with their partitions, our group's lag.

use tokio_util::sync::CancellationToken;

use super::{BOUND, Finding};
use crate::kafka::KafkaError;
use crate::kafka::settings::KafkaSettings;
use crate::kafka::survey::{Group, Survey, Topic, survey};

const REACHABLE: &str = "kafka";
const TOPICS: &str = "kafka.topics";
const LAG: &str = "kafka.lag";

/// Where the operators' alert stands (contracts §6).
const LAG_MAX: i64 = 1_000;

pub(super) async fn examine(settings: KafkaSettings) -> Vec<Finding> {
    let group_id = settings.group_id.clone();
    let done = CancellationToken::new();
    settings.security.keep_fresh(&done);
    let _done = done.drop_guard();
    let surveyed = tokio::task::spawn_blocking(move || survey(&settings, BOUND * 2 / 3)).await;
    match surveyed.unwrap_or(Err(KafkaError::Stopped)) {
        Ok(survey) => judge(&survey, &group_id),
        Err(error) => {
            let mend = "Check KAFKA_BROKERS, KAFKA_SECURITY and its credentials, and that the brokers run and their \
                        advertised addresses can be reached from here.";
            let mut findings = vec![Finding::fault(REACHABLE, error.to_string(), mend)];
            findings.extend([TOPICS, LAG].map(|check| Finding::unknown(check, "Kafka is away")));
            findings
        }
    }
}

fn judge(survey: &Survey, group_id: &str) -> Vec<Finding> {
    let brokers = survey.brokers;
    let reachable =
        Finding::ok(REACHABLE, format!("{brokers} broker{}", if brokers == 1 { "" } else { "s" }));
    let lag = match &survey.group {
        Some(Ok(group)) => lag(group, group_id),
        Some(Err(error)) => Finding::fault(
            LAG,
            format!("group {group_id}: {error}"),
            "Let our user read and describe the group KAFKA_GROUP_ID, and look whether its coordinator is up.",
        ),
        None => Finding::unknown(LAG, "there is no topic to lag behind on"),
    };
    vec![reachable, topics(&survey.topics), lag]
}

fn topics(topics: &[Topic]) -> Finding {
    let said: Vec<String> = topics
        .iter()
        .map(|topic| match &topic.partitions {
            Ok(partitions) => format!("{} ({partitions})", topic.name),
            Err(error) => format!("{}: {error}", topic.name),
        })
        .collect();
    let said = said.join(", ");
    let is_narrow = |topic: &Topic| {
        topic.partitions.as_ref().is_ok_and(|&partitions| partitions < topic.partitions_expected)
    };
    if topics.iter().any(|topic| topic.partitions.is_err()) {
        let mend = "Create what is missing (`kafka-topics --create`; 6 partitions for assessment.completed, 3 for \
                    ours), let our user describe, read and write them, and check KAFKA_TOPIC_PREFIX.";
        Finding::fault(TOPICS, said, mend)
    } else if topics.iter().any(is_narrow) {
        let mend = "More replicas than partitions have nothing to read: `kafka-topics --alter --partitions` widens a \
                    topic.";
        Finding::warning(TOPICS, said, mend)
    } else {
        Finding::ok(TOPICS, said)
    }
}

fn lag(group: &Group, group_id: &str) -> Finding {
    let members = group.members.map_or_else(String::new, |members| {
        format!(", {members} member{}", if members == 1 { "" } else { "s" })
    });
    let found = format!("{} messages behind{members} (group {group_id})", group.lag);
    if group.lag <= LAG_MAX {
        return Finding::ok(LAG, found);
    }
    let mend = if group.members == Some(0) {
        "Nobody reads: start the service (`kubectl rollout status deployment/monte-carlo-service`) and look at its log."
    } else {
        "Look whether the database is slow (intake only writes there) and whether all partitions have a reader: \
         `kafka-consumer-groups --describe --group` with this group."
    };
    Finding::fault(LAG, found, mend)
}

#[cfg(test)]
mod tests {
    use super::super::State::{Fault, Ok as Sound, Unknown, Warning};
    use super::*;

    fn topic(partitions: Result<usize, String>) -> Topic {
        Topic { name: "assessment.completed".to_owned(), partitions_expected: 6, partitions }
    }

    #[test]
    fn topics_are_missing_or_narrow_or_well() {
        assert_eq!(topics(&[topic(Ok(6)), topic(Ok(12))]).state, Sound);
        assert_eq!(topics(&[topic(Ok(6)), topic(Ok(5))]).state, Warning);
        let missing = topics(&[topic(Ok(5)), topic(Err("unknown topic".to_owned()))]);
        assert_eq!(missing.state, Fault);
        assert!(missing.found.contains("unknown topic"), "{}", missing.found);
    }

    #[test]
    fn lag_counts_from_where_the_alert_stands() {
        assert_eq!(lag(&Group { lag: 1_000, members: Some(0) }, "g").state, Sound);
        let unread = lag(&Group { lag: 1_001, members: Some(0) }, "g");
        assert_eq!(unread.state, Fault);
        assert!(unread.mend.is_some_and(|mend| mend.starts_with("Nobody reads")));
        let slow = lag(&Group { lag: 1_001, members: Some(2) }, "g");
        assert!(slow.mend.is_some_and(|mend| mend.contains("database is slow")));
    }

    #[test]
    fn without_the_topic_there_is_no_lag() {
        let survey = Survey { brokers: 1, topics: vec![topic(Err("gone".to_owned()))], group: None };
        let states: Vec<_> = judge(&survey, "g").iter().map(|finding| finding.state).collect();
        assert_eq!(states, [Sound, Fault, Unknown]);
    }
}
