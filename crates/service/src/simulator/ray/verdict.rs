//! What an answer, or none, means for the shard that was asked for. Pure: one table, one test.

use std::time::Duration;

use monte_carlo_engine::ENGINE_VERSION;
use monte_carlo_engine::wire::WireError;
use serde::Deserialize;

use super::dialect::other_engine;

/// The head of an answer, and its body where that is not a tally.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// The version in `x-monte-carlo-engine`, which only our own code sends.
    pub(super) mark: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) said: Said,
}

/// The body of our own code's refusals; empty where it is anything else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    pub(super) error: String,
    pub(super) code: String,
    pub(super) field: Option<String>,
}

/// Why a call brought no tally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection was made.
    NotConnected(String),
    /// No whole answer in time.
    TimedOut,
    /// The connection broke, or what came is no answer.
    Broken(String),
    /// More bytes than a tally takes.
    TooLarge,
    /// An answer that refuses.
    Refused(Refusal),
    /// A 200 of ours whose tally is not what was asked for.
    Wire(WireError),
}

/// How a shard failed, as the metric `ray_shard_failures_total{class}` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Ray is not there: no shard's fault.
    Away,
    /// Ray has too much to do: no shard's fault.
    Busy,
    /// It was lost on the way, or with its replica; which, nobody can say.
    Lost,
    /// It took too long.
    Slow,
    /// The engine failed at it.
    Panicked,
}

/// What becomes of the shard, and its job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is sent again, not before `after`.
    Again { class: Class, why: String, after: Option<Duration> },
    /// The request cannot be simulated, by this or any other call.
    Terminal { message: String, field: Option<String> },
    /// This Ray is not for this job: another engine, or no room for so large a history; why.
    NotForUs(String),
}

impl Class {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Busy => "busy",
            Self::Lost => "lost",
            Self::Slow => "slow",
            Self::Panicked => "panicked",
        }
    }
}

/// Judges a call that brought no tally.
pub(super) fn verdict(failure: Failure) -> Verdict {
    let again = |class, why: String| Verdict::Again { class, why, after: None };
    match failure {
        Failure::NotConnected(why) => again(Class::Away, why),
        Failure::TimedOut => again(Class::Slow, "no whole answer in time".into()),
        Failure::Broken(why) => again(Class::Lost, why),
        Failure::TooLarge => again(Class::Lost, "the answer is larger than any tally".into()),
        Failure::Wire(WireError::OtherEngine { theirs }) => Verdict::NotForUs(other_engine(&theirs)),
        Failure::Wire(error @ WireError::OtherFormat(_)) => Verdict::NotForUs(error.to_string()),
        Failure::Wire(error) => again(Class::Lost, error.to_string()),
        Failure::Refused(refusal) => match &refusal.mark {
            Some(engine) if engine != ENGINE_VERSION => Verdict::NotForUs(other_engine(engine)),
            Some(_) => marked(refusal),
            None => unmarked(&refusal),
        },
    }
}

/// Our own code said so.
fn marked(refusal: Refusal) -> Verdict {
    let Refusal { status, retry_after, said: Said { error, code, field }, .. } = refusal;
    let why = format!("status {status}, {code}: {error}");
    let again = |class, why| Verdict::Again { class, why, after: retry_after };
    match status {
        409 => Verdict::NotForUs(error),
        413 => Verdict::NotForUs(why),
        422 => Verdict::Terminal { message: error, field },
        429 | 503 => again(Class::Busy, why),
        408 | 504 => again(Class::Slow, why),
        500 => again(Class::Panicked, error),
        _ => again(Class::Lost, why),
    }
}

/// Something on the way said so, or Ray itself.
fn unmarked(refusal: &Refusal) -> Verdict {
    let why = format!("status {} without our mark", refusal.status);
    let class = match refusal.status {
        // A proxy without a route, starting up or between two versions; one without anybody behind it.
        404 | 502 => Class::Away,
        429 | 503 => Class::Busy,
        408 | 504 => Class::Slow,
        _ => Class::Lost,
    };
    Verdict::Again { class, why, after: refusal.retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, mark: Option<&str>, code: &str) -> Failure {
        let said = Said { error: "said".into(), code: code.into(), field: None };
        Failure::Refused(Refusal { status, mark: mark.map(Into::into), retry_after: None, said })
    }

    #[test]
    fn every_failure_that_may_pass_has_its_class() {
        let ours = Some(ENGINE_VERSION);
        let table = [
            (Failure::NotConnected("refused".into()), Class::Away),
            (Failure::TimedOut, Class::Slow),
            (Failure::Broken("reset".into()), Class::Lost),
            (Failure::TooLarge, Class::Lost),
            (Failure::Wire(WireError::Damaged("cut")), Class::Lost),
            (Failure::Wire(WireError::OtherShard), Class::Lost),
            (Failure::Wire(WireError::OtherPlan), Class::Lost),
            (refused(400, ours, "bad_frame"), Class::Lost),
            (refused(429, ours, "busy"), Class::Busy),
            (refused(503, ours, "stopping"), Class::Busy),
            (refused(504, ours, "deadline"), Class::Slow),
            (refused(500, ours, "engine_failed"), Class::Panicked),
            (refused(200, None, ""), Class::Lost),
            (refused(400, None, ""), Class::Lost),
            (refused(404, None, ""), Class::Away),
            (refused(408, None, ""), Class::Slow),
            (refused(422, None, ""), Class::Lost),
            (refused(409, None, ""), Class::Lost),
            (refused(429, None, ""), Class::Busy),
            (refused(500, None, ""), Class::Lost),
            (refused(502, None, ""), Class::Away),
            (refused(503, None, ""), Class::Busy),
            (refused(504, None, ""), Class::Slow),
        ];
        for (failure, wanted) in table {
            let told = format!("{failure:?}");
            assert!(matches!(verdict(failure), Verdict::Again { class, .. } if class == wanted), "{told}");
        }
    }

    #[test]
    fn another_engine_is_not_for_us_however_it_says_so() {
        let other = || WireError::OtherEngine { theirs: "0".into() };
        let ours = Some(ENGINE_VERSION);
        for failure in [
            Failure::Wire(other()),
            Failure::Wire(WireError::OtherFormat(9)),
            refused(409, ours, "engine_version"),
            refused(413, ours, "too_large"),
            refused(200, Some("0"), ""),
            refused(422, Some("0"), "cannot_be_simulated"),
        ] {
            let told = format!("{failure:?}");
            assert!(matches!(verdict(failure), Verdict::NotForUs(_)), "{told}");
        }
    }

    #[test]
    fn what_cannot_be_simulated_names_its_field_and_a_wait_is_handed_on() {
        let said = Said {
            error: "must be 1".into(),
            code: "cannot_be_simulated".into(),
            field: Some("config.x".into()),
        };
        let mark = Some(ENGINE_VERSION.to_owned());
        let refusal = Refusal { status: 422, mark, retry_after: None, said };
        let wanted = Verdict::Terminal { message: "must be 1".into(), field: Some("config.x".into()) };
        assert_eq!(verdict(Failure::Refused(refusal)), wanted);
        let wait = Some(Duration::from_secs(2));
        let busy = Failure::Refused(Refusal { status: 429, retry_after: wait, ..Refusal::default() });
        assert!(matches!(verdict(busy), Verdict::Again { after, .. } if after == wait));
    }
}
