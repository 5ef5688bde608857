//! What must be true at the end of a scene, and what is told of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::load::Sent;
use super::watch::Heard;
use super::{LATE, undisturbed};
use crate::house::{House, given};
use crate::service::Service;

/// How a scene went.
#[derive(Debug, Default)]
pub(super) struct Figures {
    events: usize,
    /// Events without a completed job, or whose result was not told.
    lost: usize,
    /// Results that are not the undisturbed run's, or were told otherwise than they are stored.
    wrong: usize,
    /// Jobs beyond one an event, and event ids beyond one a job and topic.
    duplicated: usize,
    /// Jobs that are not completed.
    unfinished: usize,
    /// Messages that came again under their id, as they may.
    again: usize,
    /// From an event to its result's, in the middle and in the worst of a hundred cases.
    p50: Duration,
    p99: Duration,
    recovery: Duration,
    /// Funded accounts with a job.
    pub(super) accounts: Vec<String>,
}

/// Compares what was sent, what is stored, what was told and what is right.
pub(super) async fn judge(
    house: &House,
    service: &Service,
    sent: &[Sent],
    heard: &Heard,
    mended: Instant,
) -> Figures {
    let right = undisturbed::digests(sent.len()).await;
    let jobs = service.of_jobs("completed", Stored::of).await;
    let mut unfinished = 0;
    for status in ["pending", "running", "failed"] {
        let jobs = service.of_jobs(status, Value::to_string).await;
        jobs.iter().take(3).for_each(|job| println!("{status}: {job}"));
        unfinished += jobs.len();
    }
    let of_assessments: Vec<_> =
        jobs.iter().filter_map(|job| Some((job.assessment.as_ref()?, &job.digest))).collect();
    let stored: BTreeMap<_, _> = of_assessments.iter().copied().collect();
    let known: BTreeSet<_> = sent.iter().map(|event| &event.assessment).collect();
    let is_lost = |event: &&Sent| {
        !stored.contains_key(&event.assessment) || !heard.results.contains_key(&event.assessment)
    };
    let is_wrong = |(assessment, digest): &(&&String, &&String)| {
        let is_told = heard.results.get(**assessment).is_some_and(|(_, told)| told == **digest);
        !is_told || right.get(**assessment) != Some(**digest) || !known.contains(*assessment)
    };
    let of_accounts = jobs.iter().filter_map(|job| job.account.clone());
    let beyond = heard.ids.iter().map(|ids| ids.len().saturating_sub(jobs.len())).sum::<usize>();
    let untold = heard.ids.iter().map(|ids| jobs.len().saturating_sub(ids.len())).sum::<usize>();
    let (p50, p99) = delays(sent, heard);
    assert_eq!(house.poison().await, 0, "no message was taken for one that cannot be read");
    Figures {
        events: sent.len(),
        lost: sent.iter().filter(is_lost).count() + untold,
        wrong: stored.iter().filter(is_wrong).count() + heard.contradictions,
        duplicated: of_assessments.len() - stored.len() + beyond,
        unfinished,
        again: heard.ids.iter().flat_map(|ids| ids.values()).map(|times| times - 1).sum(),
        p50,
        p99,
        recovery: recovery(sent, heard, mended),
        accounts: of_accounts.collect(),
    }
}

/// As much of a completed job as is looked at.
struct Stored {
    assessment: Option<String>,
    account: Option<String>,
    digest: String,
}

impl Stored {
    fn of(job: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            assessment: text(&job["assessmentId"]),
            account: text(&job["fundedAccountId"]),
            digest: text(&job["result"]["resultDigest"]).expect("a completed job has a result"),
        }
    }
}

pub(super) fn delays(sent: &[Sent], heard: &Heard) -> (Duration, Duration) {
    let told = |event: &Sent| Some(heard.results.get(&event.assessment)?.0 - event.at);
    let mut delays: Vec<Duration> = sent.iter().filter_map(told).collect();
    delays.sort();
    let at = |share: usize| delays.get(delays.len() * share / 100).copied().unwrap_or_default();
    (at(50), at(99))
}

/// From the end of the last fault to the last result that came late.
fn recovery(sent: &[Sent], heard: &Heard, mended: Instant) -> Duration {
    let late = sent.iter().filter_map(|event| {
        let (told, _) = heard.results.get(&event.assessment)?;
        (*told - event.at > LATE).then_some(*told)
    });
    late.max().map_or(Duration::ZERO, |told| told.saturating_duration_since(mended))
}

impl Figures {
    /// Prints them, and adds them to the file that `./test` makes its last line of.
    pub(super) fn tell(&self, name: &str, seed: u64) {
        let mut line = format!("chaos: scenario={name} seed={seed} events={}", self.events);
        for (what, count) in [
            ("lost", self.lost),
            ("wrong", self.wrong),
            ("duplicated", self.duplicated),
            ("unfinished", self.unfinished),
            ("again", self.again),
        ] {
            write!(line, " {what}={count}").expect("a string takes all");
        }
        for (what, time) in [("p50_s", self.p50), ("p99_s", self.p99), ("recovery_s", self.recovery)] {
            write!(line, " {what}={:.2}", time.as_secs_f64()).expect("a string takes all");
        }
        tell(&line);
    }

    pub(super) fn assert_well(&self, name: &str, service: &Service) {
        let faults = [self.lost, self.wrong, self.duplicated, self.unfinished];
        assert_eq!(
            faults,
            [0; 4],
            "{name}: lost, wrong, duplicated, unfinished: {self:?}\n{}",
            service.log_tail()
        );
    }
}

/// Says a line to whoever watches, and to `./test`.
pub(super) fn tell(line: &str) {
    println!("{line}");
    if let Some(path) = given("TEST_CHAOS_FIGURES") {
        let file = File::options().create(true).append(true).open(path);
        writeln!(file.expect("./test made its folder"), "{line}").expect("there is room for a line");
    }
}
