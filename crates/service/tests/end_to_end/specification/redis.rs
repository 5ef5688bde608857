//! Redis earns its place, and its absence changes no answer.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use monte_carlo_service::core_service::pace::{Pace as _, Rate};
use monte_carlo_service::fleet::link::{COMMAND_BOUND, Link, LinkError, RedisSettings, Tls};
use monte_carlo_service::fleet::pace::FleetPace;
use monte_carlo_service::signals::RedisWakeUps;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::house::{self, House, Neighbours};
use crate::redis_server::{PASSWORD, RedisServer};
use crate::service::Service;
use crate::story::PASSED;
use crate::{ledger, story};

const NOTICED_BOUND: Duration = Duration::from_secs(60);

/// A variable by which a service finds `redis`.
fn on(redis: &RedisServer) -> [(&'static str, String); 2] {
    [("REDIS_HOST", "127.0.0.1".to_owned()), ("REDIS_PORT", redis.port.to_string())]
}

fn replica(house: &House, redis: &RedisServer, others: &[(&str, &str)]) -> Service {
    let address = on(redis);
    let variables: Vec<_> = address.iter().map(|(name, value)| (*name, value.as_str())).collect();
    house.service_with(&[&variables[..], others].concat())
}

/// One finished job; its path.
async fn finished(house: &House, service: &Service) -> String {
    let trader = house.book.passed().next().expect("a passed trader").assessment_id.clone();
    let (_, created) = service.post("/simulations", &json!({"assessmentId": trader})).await;
    ledger::completed(service, 1).await;
    format!("/simulations/{}", created["jobId"].as_str().expect("an id"))
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < NOTICED_BOUND, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const HITS: &str = r#"result_cache_reads_total{outcome="hit"}"#;

/// Reads until an answer came from Redis; every answer on the way must be `truth`.
async fn until_hit(service: &Service, path: &str, truth: &Value) {
    let before = service.metric(HITS).await;
    until("no answer came from Redis", async || {
        assert_eq!(service.get(path).await, *truth);
        service.metric(HITS).await > before
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_emptied_and_started_again_in_the_middle_of_a_run_it_changes_no_answer() {
    let house = House::build(Neighbours::Real).await;
    let mut redis = RedisServer::start();
    let first = replica(&house, &redis, &[]).ready().await;
    let second = replica(&house, &redis, &[]).ready().await;
    house.tell(&story::events(&house.book)).await;
    ledger::completed(&first, PASSED / 5).await;
    redis.ask(&["FLUSHALL"]);
    ledger::completed(&first, PASSED * 2 / 5).await;
    redis.kill();
    ledger::completed(&second, PASSED * 3 / 5).await;
    redis.start_again();
    let digests = ledger::settle(&house, &first).await;
    assert_eq!(digests, *house::undisturbed().await);

    let id = first.jobs("completed").await[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/simulations/{id}");
    let truth = second.get(&path).await;
    until_hit(&first, &path, &truth).await;
    assert_eq!(redis.keys(&format!("monte-carlo:job:*:{id}")).len(), 1);
    redis.ask(&["FLUSHALL"]);
    assert_eq!(first.get(&path).await, truth, "emptied");
    redis.kill();
    assert_eq!(first.get(&path).await, truth, "away");
    let verbose = first.answer("/ready?verbose=1", 200).await;
    assert_eq!(verbose["checks"]["redis"]["required"], false, "{verbose}");
    redis.start_again();
    until_hit(&first, &path, &truth).await;
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_entry_is_never_an_answer_and_a_job_that_may_change_has_none() {
    let house = House::build(Neighbours::Real).await;
    let redis = RedisServer::start();
    let service = replica(&house, &redis, &[("REDIS_KEY_PREFIX", "house-7")]).ready().await;
    house.core().dial().down(503);
    let trader = house.book.passed().nth(1).expect("a passed trader").assessment_id.clone();
    let (_, created) = service.post("/simulations", &json!({"assessmentId": trader})).await;
    let unfinished = format!("/simulations/{}", created["jobId"].as_str().expect("an id"));
    for _ in 0..20 {
        assert_ne!(service.get(&unfinished).await["status"], "completed");
    }
    assert_eq!(redis.keys("*:job:*"), Vec::<String>::new(), "it may still change");
    house.core().dial().recover();
    ledger::completed(&service, 1).await;

    let path = unfinished;
    let truth = service.get(&path).await;
    until_hit(&service, &path, &truth).await;
    let key = redis.keys("house-7:job:*").remove(0);
    let good = redis.ask(&["--raw", "GETRANGE", &key, "32", "-1"]);
    let lie = good.replace("\"completed\"", "\"failed\"");
    let large = "x".repeat(100);
    let poisons: [&[&str]; 7] = [
        &["SET", &key, "not an entry"],
        &["SET", &key, &good],
        &["SETRANGE", &key, "0", "00000000000000000000000000000000"],
        &["SET", &key, &format!("00000000000000000000000000000000{lie}")],
        &["SETRANGE", &key, "2000000", &large],
        &["EVAL", "redis.call('DEL', KEYS[1]); redis.call('RPUSH', KEYS[1], 'a list')", "1", &key],
        &["APPEND", &key, " "],
    ];
    for poison in poisons {
        redis.ask(poison);
        let rejected = service.metric(r#"result_cache_reads_total{outcome="rejected"}"#).await;
        assert_eq!(service.get(&path).await, truth, "{:?}", &poison[..2]);
        let rejected_now = service.metric(r#"result_cache_reads_total{outcome="rejected"}"#).await;
        assert!(rejected_now > rejected, "{:?} was taken for ours", &poison[..2]);
        until_hit(&service, &path, &truth).await;
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_and_a_password_are_spoken_and_what_is_wrong_is_told_by_its_cause() {
    let house = House::build(Neighbours::Real).await;
    let redis = RedisServer::guarded();
    let (ca, other_ca) = (redis.ca_file(), redis.other_ca_file());
    let right = [("REDIS_TLS", "true"), ("REDIS_CA_FILE", ca.as_str()), ("REDIS_PASSWORD", PASSWORD)];
    let service = replica(&house, &redis, &right).ready().await;
    until("subscribed", async || {
        service.get("/ready?verbose=1").await["checks"]["redis"]["ok"] == json!(true)
    })
    .await;
    let path = finished(&house, &service).await;
    let truth = service.get(&path).await;
    until_hit(&service, &path, &truth).await;
    assert!(redis.ask(&["PUBSUB", "CHANNELS"]).contains("monte-carlo:jobs-due"));
    service.stop().await;

    let plain = RedisServer::start();
    let plain_port = plain.port.to_string();
    let faults: [(&[(&str, &str)], &str); 7] = [
        (
            &[right[0], right[1], ("REDIS_PASSWORD", "hunter3")],
            "refuses the login; check REDIS_PASSWORD and REDIS_USER",
        ),
        (&[right[0], right[1]], "asks for a password; set REDIS_PASSWORD"),
        (&[right[0], ("REDIS_CA_FILE", &other_ca), right[2]], "not trusted; check REDIS_CA_FILE"),
        (&[right[0], right[2]], "not trusted; check REDIS_CA_FILE"),
        (
            &[right[0], right[1], right[2], ("REDIS_USER", "nobody")],
            "refuses the login; check REDIS_PASSWORD",
        ),
        (&[right[2]], "set REDIS_TLS=true"),
        (&[right[0], right[1], ("REDIS_PORT", &plain_port)], "if it does not speak TLS"),
    ];
    for (variables, cause) in faults {
        let service = replica(&house, &redis, variables).ready().await;
        let mut detail = String::new();
        until("no cause is told", async || {
            let verbose = service.get("/ready?verbose=1").await;
            detail = verbose["checks"]["redis"]["detail"].as_str().unwrap_or_default().to_owned();
            verbose["checks"]["redis"]["ok"] == json!(false) && detail != "not yet connected"
        })
        .await;
        assert!(detail.contains(cause), "{cause}: {detail}");
        assert_eq!(service.get(&path).await, truth, "{cause}");
        for secret in [PASSWORD, "hunter3"] {
            assert!(!detail.contains(secret) && !service.log_tail().contains(secret), "{cause}: {detail}");
        }
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_share_one_limit_on_calls_to_core_service() {
    const RATE: u32 = 40;
    let house = House::build(Neighbours::Real).await;
    let redis = RedisServer::start();
    let rate = RATE.to_string();
    let limit = [("CORE_SERVICE_MAX_CALLS_PER_SECOND", rate.as_str()), ("WORKER_CONCURRENCY", "16")];
    let first = replica(&house, &redis, &limit).ready().await;
    let second = replica(&house, &redis, &limit).ready().await;
    let events: Vec<_> = story::events(&house.book).into_iter().take(150).collect();
    house.tell(&events).await;
    ledger::completed(&first, 70).await;
    let asked: Vec<_> =
        house.core().dial().asked().into_iter().filter(|asked| !asked.target.contains("health")).collect();
    let span = asked.last().expect("some").at - asked[0].at;
    let most = RATE as f64 * span.as_secs_f64() + f64::from(RATE / 10) + 2.0;
    let local = first.metric(r#"core_service_turns_total{by="local"}"#).await
        + second.metric(r#"core_service_turns_total{by="local"}"#).await;
    for service in [&first, &second] {
        assert!(service.metric(r#"core_service_turns_total{by="redis"}"#).await > 0.0, "both have a share");
    }
    // A turn that a busy machine's Redis did not give in time is each replica's own.
    assert!(asked.len() as f64 <= most + local, "{} calls in {span:?}, {local} by local turns", asked.len());
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_wake_each_other_also_after_redis_was_gone() {
    let mut redis = RedisServer::start();
    let (stop, port) = (CancellationToken::new(), redis.port);
    let bridges = [(); 2].map(|()| Arc::new(RedisWakeUps::new(link(port))));
    let [ours, theirs] = [0, 1].map(|at: usize| bridges[at].connect(&stop));
    for round in ["at first", "after a restart"] {
        let subscribed = async || redis.ask(&["PUBSUB", "NUMSUB", "t:jobs-due"]).ends_with('2');
        until("both listen", subscribed).await;
        // What came with the subscription, which says "look" once.
        tokio::time::timeout(NOTICED_BOUND, theirs.jobs_are_due()).await.expect(round);
        until("a word got through", async || {
            ours.jobs_due();
            tokio::time::timeout(Duration::from_millis(200), theirs.jobs_are_due()).await.is_ok()
        })
        .await;
        redis.kill();
        until("its absence is noticed", async || bridges[1].last_error().is_some()).await;
        redis.start_again();
    }
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_never_answers_costs_one_bound_a_second_and_not_one_a_command() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let link = link(silent.local_addr().expect("its address").port());
    let ping = redis::cmd("PING");
    let began = Instant::now();
    for _ in 0..100 {
        let answer = link.ask::<String>(&ping, COMMAND_BOUND).await;
        assert_eq!(answer, Err(LinkError::Away));
    }
    assert!(began.elapsed() < COMMAND_BOUND * 50, "{:?} for a hundred commands", began.elapsed());
    let together = futures::future::join_all((0..100).map(|_| link.ask::<String>(&ping, COMMAND_BOUND)));
    let asked = Instant::now();
    assert!(together.await.iter().all(Result::is_err));
    assert!(asked.elapsed() < COMMAND_BOUND * 50, "{:?} for a hundred at once", asked.elapsed());
}

fn link(port: u16) -> Arc<Link> {
    let settings = RedisSettings {
        host: "127.0.0.1".into(),
        port,
        tls: Tls::Off,
        user: None,
        password: None,
        key_prefix: "t".into(),
    };
    Arc::new(Link::new(&settings).expect("an address"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shared_pace_gives_each_place_once_forgets_nonsense_and_goes_on_alone() {
    let mut redis = RedisServer::start();
    let rate = Rate(NonZeroU32::new(10).expect("not zero"));
    let pace = |link: &Arc<Link>| FleetPace::new(link.clone(), "core", rate);
    let links = [link(redis.port), link(redis.port)];
    for link in &links {
        link.warm().await;
    }
    let replicas = [pace(&links[0]), pace(&links[1])];
    let wait_max = Duration::from_secs(20);
    let began = Instant::now();
    let mut places = Vec::new();
    for turn in 0..30 {
        let wait = replicas[turn % 2].turn(wait_max).await.expect("within three seconds");
        places.push(began.elapsed() + wait);
    }
    for (at, place) in places.iter().enumerate() {
        assert!(*place + Duration::from_millis(5) >= rate.interval() * at as u32, "place {at} at {place:?}");
    }
    assert_eq!(replicas[0].turn(Duration::from_millis(1)).await, None, "the line is long");

    for nonsense in ["99999999999999999", "nan", "soon", "-5"] {
        redis.ask(&["SET", "t:calls:v1:core", nonsense]);
        let wait = replicas[0].turn(wait_max).await.expect("a turn");
        assert_eq!(wait, Duration::ZERO, "{nonsense}");
    }
    redis.ask(&["DEL", "t:calls:v1:core"]);
    redis.ask(&["RPUSH", "t:calls:v1:core", "a list"]);
    replicas[0].turn(wait_max).await.expect("by itself");
    assert_eq!(redis.ask(&["TYPE", "t:calls:v1:core"]), "none", "and the list is gone");

    redis.kill();
    let alone = Instant::now();
    let mut places = Vec::new();
    for _ in 0..10 {
        let wait = replicas[1].turn(wait_max).await.expect("by itself");
        places.push(alone.elapsed() + wait);
    }
    assert!(places[9] + Duration::from_millis(5) >= rate.interval() * 9, "the same rate: {places:?}");
}
