//! Batches in, offsets out, on both kinds of broker.

use std::collections::BTreeSet;
use std::time::Duration;

use monte_carlo_service::kafka::consumer::Consumer;
use monte_carlo_service::kafka::producer::{OutgoingMessage, Producer};
use monte_carlo_service::kafka::settings::{GroupProtocol, KafkaSettings};
use monte_carlo_service::kafka::survey::survey;

use tokio::time::Instant;

use crate::cluster::{Cluster, PARTITIONS, PATIENCE, TOPIC, close, numbers, produce, read};

const TOPICS: [(&str, i32); 1] = [(TOPIC, PARTITIONS)];

async fn round_trip(cluster: Cluster) {
    let producer = cluster.producer();
    let headers =
        [("correlation-id".to_owned(), "abc".to_owned()), ("traceparent".to_owned(), "00-1".to_owned())];
    let keyed = OutgoingMessage { topic: TOPIC, key: Some("asm-1"), payload: "{\"a\":1}", headers: &headers };
    let bare = OutgoingMessage { topic: TOPIC, key: None, payload: "é", headers: &[] };
    for answer in producer.send(&[keyed, bare]).await {
        answer.expect("delivered");
    }
    let mut consumer = cluster.consumer();
    let messages = read(&mut consumer, 2).await;
    let keyed = messages.iter().find(|message| message.key.is_some()).expect("the one with a key");
    assert_eq!(keyed.topic, TOPIC, "the prefix is taken off");
    assert_eq!(keyed.key.as_deref(), Some(&b"asm-1"[..]));
    assert_eq!(keyed.payload.as_deref(), Some(&b"{\"a\":1}"[..]));
    assert_eq!(keyed.header("correlation-id"), Some("abc"));
    assert_eq!(keyed.header("traceparent"), Some("00-1"));
    assert_eq!(keyed.header("tracestate"), None);
    let bare = messages.iter().find(|message| message.key.is_none()).expect("the one without");
    assert_eq!(bare.payload.as_deref(), Some("é".as_bytes()));
    consumer.probe().check().expect("reachable");
    producer.check(Duration::from_secs(20)).await.expect("reachable");
    close(consumer).await;
}

async fn new_group_starts_at_the_oldest(cluster: Cluster) {
    produce(&cluster.producer(), 0..50).await;
    let mut consumer = cluster.consumer();
    let messages = read(&mut consumer, 50).await;
    assert_eq!(numbers(&messages), (0..50).collect::<Vec<_>>());
    close(consumer).await;
}

async fn only_stored_offsets_are_committed(cluster: Cluster) {
    produce(&cluster.producer(), 0..100).await;
    let mut first = cluster.consumer();
    let messages = read(&mut first, 100).await;
    // Dealt with: the first half of each partition, as if the database had gone then.
    let (mut done, mut undone) = (Vec::new(), Vec::new());
    for partition in 0..PARTITIONS {
        let of_it: Vec<_> =
            messages.iter().filter(|message| message.partition == partition).cloned().collect();
        let (early, late) = of_it.split_at(of_it.len() / 2);
        done.extend_from_slice(early);
        undone.extend_from_slice(late);
    }
    first.store_offsets(&done).expect("stored");
    close(first).await;

    let mut second = cluster.consumer();
    let again = read(&mut second, undone.len()).await;
    assert_eq!(numbers(&again), numbers(&undone), "neither lost nor repeated");
    close(second).await;
}

async fn a_leaving_member_hands_over(cluster: Cluster) {
    let producer = cluster.producer();
    let (mut staying, mut leaving) = (cluster.consumer(), cluster.consumer());
    let mut seen = Vec::new();
    let (mut sent, mut both_read) = (0, false);
    let mut readers = [BTreeSet::new(), BTreeSet::new()];
    // Until the group has settled, with partitions for each.
    while !both_read {
        assert!(sent < 20_000, "the group never shared the partitions: {readers:?}");
        produce(&producer, sent..sent + 60).await;
        sent += 60;
        for (index, member) in [&mut staying, &mut leaving].into_iter().enumerate() {
            let batch = member.next_batch(500, Duration::from_millis(100)).await.expect("a batch");
            member.store_offsets(&batch).expect("stored");
            readers[index].extend(batch.iter().map(|message| message.partition));
            seen.extend(batch);
        }
        both_read = readers.iter().all(|partitions| !partitions.is_empty());
    }
    close(leaving).await;
    produce(&producer, sent..sent + 60).await;
    sent += 60;
    while numbers(&seen).into_iter().collect::<BTreeSet<_>>().len() < sent {
        let batch = read(&mut staying, 1).await;
        staying.store_offsets(&batch).expect("stored");
        seen.extend(batch);
    }
    assert_eq!(seen.len(), sent, "a hand-over in peace repeats nothing");
    close(staying).await;
}

async fn a_dropped_wait_loses_nothing(cluster: Cluster) {
    let mut consumer = cluster.consumer();
    let waiting = consumer.next_batch(10, Duration::from_secs(30));
    drop(tokio::time::timeout(Duration::from_millis(1), waiting).await);
    produce(&cluster.producer(), 0..10).await;
    assert_eq!(numbers(&read(&mut consumer, 10).await), (0..10).collect::<Vec<_>>());
    close(consumer).await;
}

/// The partitions that each member reads once the group has settled.
async fn settled(producer: &Producer, members: &mut [Consumer; 2]) -> [BTreeSet<i32>; 2] {
    let mut before = Default::default();
    for round in 0..200 {
        produce(producer, round * 60..(round + 1) * 60).await;
        let mut read: [BTreeSet<i32>; 2] = Default::default();
        for (member, read) in members.iter_mut().zip(&mut read) {
            let batch = member.next_batch(500, Duration::from_millis(200)).await.expect("a batch");
            member.store_offsets(&batch).expect("stored");
            read.extend(batch.iter().map(|message| message.partition));
        }
        let is_shared = read.iter().all(|partitions| !partitions.is_empty());
        if is_shared && read.iter().map(BTreeSet::len).sum::<usize>() == PARTITIONS as usize && read == before
        {
            return read;
        }
        before = read;
    }
    panic!("the group never settled: {before:?}");
}

async fn come_back(protocol: GroupProtocol) {
    let mut cluster = Cluster::real(&TOPICS).await;
    cluster.settings.group_protocol = protocol;
    let named = |name: &str| {
        let settings = KafkaSettings { group_instance_id: Some(name.to_owned()), ..cluster.settings.clone() };
        Consumer::start(&settings, &[TOPIC]).expect("a consumer")
    };
    let producer = cluster.producer();
    let mut members = [named("one"), named("other")];
    let partitions = settled(&producer, &mut members).await;

    // It says no goodbye: its partitions are kept for it.
    let [staying, leaving] = members;
    close(leaving).await;
    let numbers_after = 100_000..100_200;
    produce(&producer, numbers_after.clone()).await;
    let mut members = [staying, named("other")];
    let mut seen: [BTreeSet<i32>; 2] = Default::default();
    let mut awaited: BTreeSet<_> = numbers_after.collect();
    let deadline = Instant::now() + PATIENCE;
    while !awaited.is_empty() {
        assert!(Instant::now() < deadline, "{} messages did not come", awaited.len());
        for (member, seen) in members.iter_mut().zip(&mut seen) {
            for message in member.next_batch(500, Duration::from_millis(100)).await.expect("a batch") {
                if awaited.remove(&numbers(std::slice::from_ref(&message))[0]) {
                    seen.insert(message.partition);
                }
            }
        }
    }
    assert_eq!(seen, partitions, "{protocol:?}: each goes on with its own");
    for member in members {
        close(member).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_comes_back_under_its_name_takes_up_what_it_had() {
    for protocol in [GroupProtocol::Classic, GroupProtocol::Consumer] {
        come_back(protocol).await;
    }
}

/// The broker names the members of a classic group alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_of_the_protocol_that_was_asked_for() {
    for (protocol, names_members) in [(GroupProtocol::Classic, true), (GroupProtocol::Consumer, false)] {
        let mut cluster = Cluster::real(&TOPICS).await;
        cluster.settings.group_protocol = protocol;
        produce(&cluster.producer(), 0..5).await;
        let mut consumer = cluster.consumer();
        read(&mut consumer, 5).await;
        let settings = cluster.settings.clone();
        let surveyed = tokio::task::spawn_blocking(move || survey(&settings, Duration::from_secs(20))).await;
        let group = surveyed.expect("it ends").expect("a cluster").group.expect("a topic").expect("a group");
        assert_eq!(group.members.is_some(), names_members, "{protocol:?}: {group:?}");
        close(consumer).await;
    }
}

macro_rules! on_both_brokers {
    ($($scenario:ident),* $(,)?) => {
        mod embedded {
            use super::{Cluster, TOPICS};
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                super::$scenario(Cluster::embedded(&TOPICS)).await;
            })*
        }
        mod real {
            use super::{Cluster, TOPICS};
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                super::$scenario(Cluster::real(&TOPICS).await).await;
            })*
        }
        /// The broker shares the partitions out (KIP-848).
        mod real_by_the_new_protocol {
            use super::{Cluster, GroupProtocol, TOPICS};
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                let mut cluster = Cluster::real(&TOPICS).await;
                cluster.settings.group_protocol = GroupProtocol::Consumer;
                super::$scenario(cluster).await;
            })*
        }
    };
}

on_both_brokers! {
    round_trip,
    new_group_starts_at_the_oldest,
    only_stored_offsets_are_committed,
    a_leaving_member_hands_over,
    a_dropped_wait_loses_nothing,
}
