//! What ties one event's log lines and messages together: a correlation id and W3C trace context
//! (<https://www.w3.org/TR/trace-context/>), taken from whoever called us and continued.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest correlation id or trace state that is taken over; a longer one is replaced.
pub const HEADER_LENGTH_MAX: usize = 512;

/// Travels with a job from the event that caused it to the event that it causes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    /// Header `correlation-id` in Kafka, `x-correlation-id` in HTTP.
    pub correlation_id: String,
    /// Header `traceparent`: `00-<trace>-<span>-<flags>`.
    pub traceparent: String,
    /// Header `tracestate`.
    pub tracestate: Option<String>,
}

impl TraceContext {
    /// Takes over what arrived and makes what did not, or was malformed.
    pub fn continue_from(
        correlation_id: Option<&str>,
        traceparent: Option<&str>,
        tracestate: Option<&str>,
    ) -> Self {
        let usable = |text: &&str| {
            !text.is_empty()
                && text.len() <= HEADER_LENGTH_MAX
                && text.bytes().all(|b| (0x20..0x7f).contains(&b))
        };
        let parent = traceparent.filter(|text| is_traceparent(text));
        Self {
            correlation_id: correlation_id
                .filter(usable)
                .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned),
            traceparent: parent.map_or_else(new_traceparent, str::to_owned),
            tracestate: parent.and(tracestate).filter(usable).map(str::to_owned),
        }
    }

    /// The same trace, with a span of our own as the parent of whatever comes next.
    pub fn child(&self) -> Self {
        let span = Uuid::new_v4().simple().to_string();
        let traceparent = format!("{}{}{}", &self.traceparent[..36], &span[..16], &self.traceparent[52..55]);
        Self { traceparent, ..self.clone() }
    }
}

fn new_traceparent() -> String {
    let span = Uuid::new_v4().simple().to_string();
    format!("00-{}-{}-01", Uuid::new_v4().simple(), &span[..16])
}

/// Version 00: `00-32 hex-16 hex-2 hex`, lower case, neither id all zero.
fn is_traceparent(text: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags] = parts[..] else { return false };
    version == "00"
        && (trace.len(), span.len(), flags.len()) == (32, 16, 2)
        && [trace, span, flags].into_iter().all(hex)
        && [trace, span].into_iter().all(|id| id.bytes().any(|b| b != b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn continues_a_trace_and_makes_a_child_of_it() {
        let taken = TraceContext::continue_from(Some("abc"), Some(PARENT), Some("vendor=1"));
        assert_eq!(taken.correlation_id, "abc");
        assert_eq!(taken.traceparent, PARENT);
        assert_eq!(taken.tracestate.as_deref(), Some("vendor=1"));
        let child = taken.child();
        assert!(is_traceparent(&child.traceparent));
        assert_eq!(child.traceparent[..36], PARENT[..36]);
        assert_ne!(child.traceparent, PARENT);
    }

    #[test]
    fn replaces_what_is_malformed() {
        let long = "x".repeat(HEADER_LENGTH_MAX + 1);
        for parent in
            ["", "00-1-2-3", &PARENT.to_uppercase(), &PARENT.replace("00f067aa0ba902b7", "0000000000000000")]
        {
            let made = TraceContext::continue_from(Some(&long), Some(parent), Some("vendor=1"));
            assert!(is_traceparent(&made.traceparent), "{parent}");
            assert_ne!(made.traceparent, parent);
            assert_eq!(made.tracestate, None, "a trace state belongs to its parent");
            assert_ne!(made.correlation_id, long);
        }
    }
}
