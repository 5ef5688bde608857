use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const NOW_MS: i64 = 1_000_000;
const NOW: Situation = Situation { now_ms: NOW_MS, jitter: 0.5 };
const OURS: LeaseToken = LeaseToken(Uuid::from_u128(1));
const THEIRS: LeaseToken = LeaseToken(Uuid::from_u128(2));
const LEASE_MS: u64 = 6_000;
const DEADLINE_MS: u64 = 20_000;

fn later(ms: i64) -> Situation {
    Situation { now_ms: NOW_MS + ms, ..NOW }
}

fn claimed(token: LeaseToken) -> Event {
    Event::Claimed { token, lease_ms: LEASE_MS, deadline_ms: DEADLINE_MS }
}

fn beat(progress: f64) -> Event {
    Event::Beat { token: OURS, lease_ms: LEASE_MS, progress }
}

fn ended(ending: Ending) -> Event {
    Event::Ended { token: OURS, ending }
}

fn faulted(fault: fn(String) -> Fault) -> Event {
    ended(Ending::Faulted(fault("cause".into())))
}

/// Claimed just now, with so much charged.
fn running(attempts: u32, snoozes: u32) -> Job {
    let (job, _) = step(&Job::new(NOW_MS), &claimed(OURS), NOW).unwrap();
    Job { attempts, snoozes, ..job }
}

fn final_jobs() -> [Job; 3] {
    [
        State::Completed,
        State::Skipped { reason: SkipReason::AccountNotFound },
        State::Failed { reason: "x".into() },
    ]
    .map(|state| Job { state, ..running(1, 0) })
}

#[test]
fn the_straight_way() {
    let (job, actions) = step(&Job::new(NOW_MS), &claimed(OURS), NOW).unwrap();
    let state = State::Running {
        token: OURS,
        expires_at_ms: NOW_MS + 6_000,
        deadline_at_ms: NOW_MS + 20_000,
        progress: 0.0,
    };
    assert_eq!(job, Job { started_at_ms: Some(NOW_MS), claims: 1, attempts: 1, snoozes: 0, state });
    assert_eq!(actions, [Action::AnnounceStarted]);
    let (same, actions) = step(&job, &Event::Fetched { token: OURS }, NOW).unwrap();
    assert_eq!((&same, actions), (&job, &[Action::StoreInput][..]));
    let (done, actions) = step(&job, &ended(Ending::Simulated), NOW).unwrap();
    assert_eq!(done, Job { state: State::Completed, ..job });
    assert_eq!(actions, [Action::StoreResult, Action::AnnounceCompleted]);
}

#[test]
fn a_job_is_announced_once_however_often_it_is_claimed() {
    let (back, actions) = step(&running(1, 0), &ended(Ending::Released), NOW).unwrap();
    assert_eq!(actions, [Action::WakeWorkers]);
    let (again, actions) = step(&back, &claimed(THEIRS), NOW).unwrap();
    assert_eq!((again.claims, again.attempts, actions), (2, 1, &[][..]));
}

#[test]
fn it_is_not_claimed_before_it_is_due() {
    let (back, actions) = step(&running(1, 0), &faulted(Fault::Retry), NOW).unwrap();
    assert_eq!(back.state, State::Pending { due_at_ms: NOW_MS + 750, last_error: Some("cause".into()) });
    assert_eq!(actions, [], "nobody is woken for what is not due");
    assert!(step(&back, &claimed(THEIRS), later(749)).is_err());
    assert!(step(&back, &claimed(THEIRS), later(750)).is_ok());
}

#[test]
fn a_beat_extends_the_lease_as_far_as_the_deadline() {
    let expiry = |job: &Job| match job.state {
        State::Running { expires_at_ms, .. } => expires_at_ms - NOW_MS,
        _ => panic!("{job:?}"),
    };
    let (job, actions) = step(&running(1, 0), &beat(0.5), later(5_000)).unwrap();
    assert_eq!((expiry(&job), actions), (11_000, &[][..]));
    let (job, _) = step(&job, &beat(0.5), later(15_000)).unwrap();
    assert_eq!(expiry(&job), 20_000, "late, but nobody else has it");
    assert_eq!(step(&job, &beat(0.5), later(20_000)), Err(Refused::Stale));
    let short = Event::Claimed { token: OURS, lease_ms: 6_000, deadline_ms: 10 };
    assert_eq!(
        expiry(&step(&Job::new(NOW_MS), &short, NOW).unwrap().0),
        10,
        "nor does the claim reach beyond"
    );
}

#[test]
fn progress_never_falls_within_an_attempt() {
    let mut job = running(1, 0);
    for (told, shown) in [(0.5, 0.5), (0.25, 0.5), (f64::NAN, 0.5), (-1.0, 0.5), (7.0, 1.0)] {
        job = step(&job, &beat(told), NOW).unwrap().0;
        assert!(matches!(job.state, State::Running { progress, .. } if progress == shown), "{told}: {job:?}");
    }
}

#[test]
fn who_names_another_claim_changes_nothing() {
    let mut jobs = final_jobs().to_vec();
    jobs.push(Job::new(NOW_MS));
    jobs.push(step(&Job::new(NOW_MS), &claimed(THEIRS), NOW).unwrap().0);
    for job in jobs {
        for event in
            [beat(0.5), Event::Fetched { token: OURS }, ended(Ending::Simulated), ended(Ending::Silent)]
        {
            assert_eq!(step(&job, &event, later(60_000)), Err(Refused::Stale), "{job:?} {event:?}");
        }
    }
}

#[test]
fn its_holder_may_be_late_and_a_sweeper_may_not_be_early() {
    let job = running(1, 0);
    assert_eq!(step(&job, &ended(Ending::Silent), later(5_999)), Err(Refused::Stale));
    let (swept, actions) = step(&job, &ended(Ending::Silent), later(6_000)).unwrap();
    let last_error = Some("the worker fell silent".into());
    assert_eq!(swept.state, State::Pending { due_at_ms: NOW_MS + 6_000, last_error });
    assert_eq!(actions, [Action::WakeWorkers]);
    let (late, _) = step(&job, &ended(Ending::Silent), later(20_000)).unwrap();
    let last_error = Some("the attempt passed its deadline".into());
    assert_eq!(late.state, State::Pending { due_at_ms: NOW_MS + 20_000, last_error });
    assert_eq!(step(&job, &ended(Ending::Simulated), later(3_600_000)).unwrap().0.state, State::Completed);
}

#[test]
fn nothing_to_simulate_is_an_end_and_no_fault() {
    for reason in SkipReason::ALL {
        let (skipped, actions) = step(&running(1, 3), &ended(Ending::Skipped(reason)), NOW).unwrap();
        assert_eq!((skipped.state, actions), (State::Skipped { reason }, &[][..]));
        assert_eq!(SkipReason::parse(reason.code()), Some(reason));
    }
}

#[test]
fn a_fault_of_the_job_is_charged_and_the_fifth_is_the_last() {
    let (back, _) = step(&running(4, 3), &faulted(Fault::Retry), NOW).unwrap();
    let state = State::Pending { due_at_ms: NOW_MS + 6_000, last_error: Some("cause".into()) };
    assert_eq!((back.attempts, back.snoozes), (4, 0));
    assert_eq!(back.state, state, "8 s, the upper half jittered by 0.5");
    let (failed, _) = step(&running(5, 0), &faulted(Fault::Retry), NOW).unwrap();
    let reason = "gave up after 5 attempts; the last one: cause".into();
    assert_eq!(failed.state, State::Failed { reason });
    let (failed, actions) = step(&running(1, 0), &faulted(Fault::Terminal), NOW).unwrap();
    assert_eq!((failed.state, actions), (State::Failed { reason: "cause".into() }, &[][..]));
}

#[test]
fn a_neighbour_that_is_down_is_not_charged_until_the_job_is_a_day_old() {
    let (back, _) = step(&running(2, 30), &faulted(Fault::Snooze), NOW).unwrap();
    assert_eq!((back.attempts, back.snoozes), (1, 31));
    let state = State::Pending { due_at_ms: NOW_MS + 45_000, last_error: Some("cause".into()) };
    assert_eq!(back.state, state, "60 s at most");
    let (old, _) = step(&running(2, 30), &faulted(Fault::Snooze), later(SNOOZE_AGE_MAX_MS)).unwrap();
    assert!(matches!(old.state, State::Failed { reason } if reason.contains("a day")));
}

#[test]
fn a_shutdown_is_not_charged_and_a_crash_is() {
    let (released, _) = step(&running(3, 1), &ended(Ending::Released), NOW).unwrap();
    assert_eq!((released.attempts, released.snoozes), (2, 1));
    assert_eq!(released.state, State::Pending { due_at_ms: NOW_MS, last_error: None });
    let (swept, _) = step(&running(3, 1), &ended(Ending::Silent), later(6_000)).unwrap();
    assert_eq!((swept.attempts, swept.snoozes), (3, 0));
    let (failed, actions) = step(&running(5, 0), &ended(Ending::Silent), later(6_000)).unwrap();
    assert!(matches!(failed.state, State::Failed { .. }));
    assert_eq!(actions, []);
}

#[test]
fn a_person_cancels_what_is_not_final_and_retries_what_failed() {
    let failed = State::Failed { reason: "cancelled".into() };
    let (job, actions) = step(&Job::new(NOW_MS), &Event::CancelAsked, NOW).unwrap();
    assert_eq!((&job.state, actions), (&failed, &[][..]));
    let (job, actions) = step(&running(3, 2), &Event::CancelAsked, NOW).unwrap();
    assert_eq!((&job.state, actions), (&failed, &[Action::StopWork][..]));
    let (anew, actions) = step(&job, &Event::Retried, later(9)).unwrap();
    let state = State::Pending { due_at_ms: NOW_MS + 9, last_error: Some("cancelled".into()) };
    assert_eq!(anew, Job { started_at_ms: None, claims: 1, attempts: 0, snoozes: 0, state });
    assert_eq!(actions, [Action::WakeWorkers]);
    let (again, actions) = step(&anew, &claimed(THEIRS), later(9)).unwrap();
    assert_eq!((again.attempts, actions), (1, &[][..]), "it has been announced");
    assert_eq!(again.started_at_ms, Some(NOW_MS + 9), "its neighbours are waited for a day from here");
}

#[test]
fn an_event_out_of_place_is_refused() {
    let [completed, skipped, failed] = final_jobs();
    for (job, event) in [
        (&running(1, 0), claimed(THEIRS)),
        (&running(1, 0), Event::Retried),
        (&Job::new(NOW_MS), Event::Retried),
        (&completed, claimed(OURS)),
        (&completed, Event::CancelAsked),
        (&completed, Event::Retried),
        (&skipped, claimed(OURS)),
        (&skipped, Event::CancelAsked),
        (&skipped, Event::Retried),
        (&failed, claimed(OURS)),
        (&failed, Event::CancelAsked),
    ] {
        assert!(matches!(step(job, &event, NOW), Err(Refused::Illegal { .. })), "{job:?} {event:?}");
    }
    let refused = step(&completed, &claimed(OURS), NOW).unwrap_err();
    assert_eq!(refused.to_string(), "a job that is completed cannot be claimed");
}

#[test]
fn a_jobs_times_may_be_counted_from_any_moment() {
    for event in [claimed(OURS), Event::CancelAsked] {
        let (here, _) = step(&Job::new(NOW_MS), &event, later(5)).unwrap();
        let (there, _) =
            step(&Job::new(NOW_MS).counted_from(NOW_MS + 5), &event, Situation { now_ms: 0, ..NOW }).unwrap();
        assert_eq!(here.counted_from(NOW_MS + 5), there);
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => Just(claimed(OURS)),
        1 => Just(beat(0.5)),
        1 => Just(ended(Ending::Simulated)),
        1 => Just(ended(Ending::Skipped(SkipReason::NoClosingTrades))),
        4 => Just(faulted(Fault::Retry)),
        4 => Just(faulted(Fault::Snooze)),
        1 => Just(faulted(Fault::Terminal)),
        2 => Just(ended(Ending::Released)),
        4 => Just(ended(Ending::Silent)),
        1 => Just(Event::CancelAsked),
        1 => Just(Event::Retried),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_a_job_is_bounded_and_its_end_is_final(
        events in prop::collection::vec((any_event(), 0.0..1.0f64, 0..120_000i64), 1..60)
    ) {
        let mut job = Job::new(0);
        let mut now_ms = 0;
        for (event, jitter, passed_ms) in events {
            now_ms += passed_ms;
            let Ok((next, _)) = step(&job, &event, Situation { now_ms, jitter }) else { continue };
            let reopened = matches!((&job.state, &event), (State::Failed { .. }, Event::Retried));
            prop_assert!(!job.state.is_final() || reopened, "{job:?} moved on {event:?}");
            prop_assert!(next.attempts <= ATTEMPTS_MAX && next.claims >= next.attempts);
            match next.state {
                State::Pending { due_at_ms, .. } => {
                    prop_assert!(next.attempts < ATTEMPTS_MAX);
                    prop_assert!((now_ms..=now_ms + BACKOFF_MAX_MS as i64).contains(&due_at_ms));
                }
                State::Running { expires_at_ms, deadline_at_ms, .. } => {
                    prop_assert!(next.attempts >= 1 && expires_at_ms <= deadline_at_ms);
                }
                _ => {}
            }
            job = next;
        }
    }
}
