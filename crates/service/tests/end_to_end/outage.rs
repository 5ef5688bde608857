//! A broker that is away for long, and what waits for it meanwhile.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use crate::house::{House, Neighbours};
use crate::own_server::{Kind, OwnServer};
use crate::service::Service;
use crate::topics::{self, Published};

/// What gathers in an hour of some thirty events a second.
const MESSAGES: usize = 100_000;
/// A replica holds a batch of messages at a time, and never what waits: these take some 100 MB.
const MEMORY_MIB_MAX: u64 = 256;
/// Until a replica has given a whole batch back, or all have left, on a slow machine too.
const BOUND: Duration = Duration::from_secs(240);
const TOPIC: &str = "montecarlo.simulation-completed";

/// As if written over the last hour, one after the other; some seven of a key, scattered over all of it.
const FILL: &str = "
    INSERT INTO outbox (event_id, job_id, topic, message_key, payload, headers, created_at_ms)
    SELECT id, 'job-' || n, 'montecarlo.simulation-completed', 'asm-' || abs(hashtext(n::text)) % 14000,
        json_build_object('number', n, 'filler', repeat('x', 1000)),
        json_build_array(json_build_array('event-id', id::text)), start_ms + n * 36
    FROM (SELECT n, gen_random_uuid() AS id, (extract(epoch FROM now()) * 1000)::int8 - 3600000 AS start_ms
        FROM generate_series(1, 100000) AS n) AS message";

const WAITING: &str = "SELECT count(*) FROM outbox WHERE published_at_ms IS NULL";

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_messages_of_an_hour_leave_in_order_by_two_relays_once_the_broker_is_back() {
    let mut kafka = OwnServer::start(Kind::Kafka);
    let brokers = format!("127.0.0.1:{}", kafka.port);
    let house = House::build(Neighbours::Real).await;
    topics::create(&brokers, house.prefix()).await;
    kafka.stop();
    let migrated = house.run(&["migrate"], &[]).await;
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let mut database = PgConnection::connect(house.database_url()).await.expect("the test's database");
    database.execute(FILL).await.expect("a hundred thousand rows");

    let relays = [(); 2].map(|()| house.service_with(&[("KAFKA_BROKERS", &brokers)]));
    let began = Instant::now();
    for relay in &relays {
        relay.answer("/health", 200).await;
        // Its first batch timed out, and is in the outbox again.
        while relay.metric("outbox_publish_failures_total").await < 1.0 {
            assert!(began.elapsed() < BOUND, "nothing was given back:\n{}", relay.log_tail());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert_eq!(waiting(&mut database).await, MESSAGES as i64, "nothing is lost");
    println!("after {:?} without a broker both relays had given a batch back", began.elapsed());

    kafka.start_again();
    let back = Instant::now();
    let mut first_left = None;
    loop {
        let left = waiting(&mut database).await;
        if left < MESSAGES as i64 {
            first_left.get_or_insert_with(Instant::now);
        }
        if left == 0 {
            break;
        }
        assert!(back.elapsed() < BOUND, "{left} messages wait:\n{}", relays[0].log_tail());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let sending = first_left.expect("they left").elapsed();
    println!(
        "{MESSAGES} messages left {:?} after the broker was back, in {sending:?}: {:.0} a second",
        back.elapsed(),
        MESSAGES as f64 / sending.as_secs_f64()
    );
    for relay in &relays {
        let (sent, again) = (
            relay.metric("outbox_published_total").await,
            relay.metric("database_transaction_retries_total").await,
        );
        let memory_mib = memory_mib_max(relay);
        println!(
            "one relay sent {sent}, asked the database again {again} times, and took {memory_mib} MiB at most"
        );
        assert!(sent > 0.0, "one relay kept the other from the outbox");
        assert!(memory_mib < MEMORY_MIB_MAX, "{memory_mib} MiB");
    }

    let published = topics::read_all(&brokers, &format!("{}{TOPIC}", house.prefix())).await;
    println!("{} messages came, {} of them again", published.len(), published.len() - MESSAGES);
    in_order(&published);
    relays.into_iter().for_each(Service::kill);
}

/// Each message is there, and in the order of its key; one that came again comes under the same id.
fn in_order(published: &[Published]) {
    let (mut ids, mut numbers) = (HashSet::new(), HashSet::new());
    let mut last = BTreeMap::<&str, u64>::new();
    for Published { key, body, headers } in published {
        let number = body["number"].as_u64().expect("a number");
        let is_new = ids.insert(&headers["event-id"]);
        assert_eq!(numbers.insert(number), is_new, "message {number} has two ids, or an id has two messages");
        if is_new {
            let before = last.insert(key, number).unwrap_or_default();
            assert!(before < number, "{key}: {number} came after {before}");
        }
    }
    assert_eq!(ids.len(), MESSAGES);
}

async fn waiting(database: &mut PgConnection) -> i64 {
    database.fetch_one(WAITING).await.expect("a count").get(0)
}

/// The most memory that a process ever held.
fn memory_mib_max(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid())).expect("it lives");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}
