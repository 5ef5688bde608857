//! The windows on the store.

use monte_carlo_engine::Subject;
use monte_carlo_service::jobs::ids::JobId;
use monte_carlo_service::store::{Cursor, JobFilter, JobRecord, JobStatus, NewJob, Origin, Store};
use serde_json::json;

use crate::fixtures::{batch, claim, completed, input, insert, job};
use crate::world::World;

fn ids(records: &[JobRecord]) -> Vec<JobId> {
    records.iter().map(|record| record.id.clone()).collect()
}

async fn list(world: &World, filter: &JobFilter) -> Vec<JobId> {
    ids(&world.store.jobs(filter, 50, None).await.expect("lists"))
}

pub(crate) async fn lists_newest_first(world: &World) {
    let mut inserted = insert(&*world.store, &["a", "b", "c"]).await;
    inserted.reverse();
    assert_eq!(list(world, &JobFilter::default()).await, inserted);
    assert_eq!(world.store.jobs(&JobFilter::default(), 0, None).await.expect("lists"), []);
    let mine = job("d");
    world.store.create(&mine, None).await.expect("creates");
    let record = world.store.job(&mine.id).await.expect("reads").expect("is there");
    let expected = JobRecord {
        id: mine.id.clone(),
        subject: mine.subject.clone(),
        origin: Origin::Api,
        status: JobStatus::Pending,
        input_data: json!({}),
        config: mine.config.clone(),
        skipped: None,
        result: None,
        error: None,
        progress: 0.0,
        attempts: 0,
        correlation_id: "correlation".into(),
        created_at_ms: record.created_at_ms,
        started_at_ms: None,
        completed_at_ms: None,
    };
    assert_eq!(record, expected);
    assert_eq!(world.store.jobs(&JobFilter::default(), 1, None).await.expect("lists"), [expected]);
}

pub(crate) async fn filters(world: &World) {
    let account = |id: &str| NewJob { subject: Subject::FundedAccount(id.into()), ..job("") };
    let jobs = [job("x"), job("y"), job("x"), account("x"), account("z")];
    for job in &jobs {
        world.store.create(job, None).await.expect("creates");
    }
    let id = |i: usize| jobs[i].id.clone();
    let first = claim(&*world.store, 1).await.remove(0);
    world.store.settle(&first.lease, &completed(&first, &json!({"n": 1}))).await.expect("settles");
    let assessment = JobFilter { assessment_id: Some("x".into()), ..JobFilter::default() };
    assert_eq!(list(world, &assessment).await, [id(2), id(0)]);
    let done = JobFilter { status: Some(JobStatus::Completed), ..assessment.clone() };
    let listed = world.store.jobs(&done, 50, None).await.expect("lists");
    assert_eq!((ids(&listed), &listed[0].result), (vec![id(0)], &Some(json!({"n": 1}))));
    let account = JobFilter { funded_account_id: Some("x".into()), ..JobFilter::default() };
    assert_eq!(list(world, &account).await, [id(3)]);
    let both = JobFilter { funded_account_id: Some("x".into()), ..assessment };
    assert_eq!(list(world, &both).await, [], "all conditions hold at once");
    let waiting = JobFilter { status: Some(JobStatus::Pending), ..JobFilter::default() };
    assert_eq!(list(world, &waiting).await, [id(4), id(3), id(2), id(1)]);
}

pub(crate) async fn pages_over_equal_times(world: &World) {
    world.store.record_intake(&batch((0..7).map(|_| job("a")).collect())).await.expect("records");
    world.execute("UPDATE simulation_jobs SET created_at_ms = 5").await;
    let whole = list(world, &JobFilter::default()).await;
    let (mut paged, mut cursor) = (Vec::new(), None);
    loop {
        let page = world.store.jobs(&JobFilter::default(), 2, cursor.as_ref()).await.expect("lists");
        let Some(last) = page.last() else { break };
        cursor = Some(Cursor { created_at_ms: last.created_at_ms, id: last.id.clone() });
        paged.extend(ids(&page));
    }
    assert_eq!(paged, whole);
    assert_eq!(paged.len(), 7);
}

pub(crate) async fn lists_no_trades(world: &World) {
    let mut new = job("a");
    new.input = Some(input(3));
    world.store.create(&new, None).await.expect("creates");
    let listed = world.store.jobs(&JobFilter::default(), 50, None).await.expect("lists");
    assert_eq!(listed[0].input_data, input(3).summary);
    let whole = world.store.job(&new.id).await.expect("reads").expect("is there");
    assert_eq!(whole.input_data, input(3).full);
}

pub(crate) async fn knows_nothing_of_strange_ids(world: &World) {
    insert(&*world.store, &["a"]).await;
    let long = "x".repeat(10_000);
    for id in
        ["", "nope", "\0", "a\0b", "' OR 1=1 --", "\u{1f4a5}", &long, "00000000-0000-0000-0000-000000000000"]
    {
        assert_eq!(world.store.job(&JobId(id.into())).await.expect("answers"), None, "{id:?}");
        let filter = JobFilter { assessment_id: Some(id.into()), ..JobFilter::default() };
        assert_eq!(list(world, &filter).await, [], "{id:?}");
        let cursor = Cursor { created_at_ms: i64::MIN, id: JobId(id.into()) };
        let page = world.store.jobs(&JobFilter::default(), 5, Some(&cursor)).await.expect("answers");
        assert_eq!(page, [], "{id:?}");
    }
}
