//! `/`: what this service is, how it does, what it did last.

use maud::{Markup, html};
use monte_carlo_engine::EpochMs;

use super::figures::{Estimate, ago, dollars, moment, percent};
use super::layout::page;
use crate::http::readiness::Check;
use crate::store::{JobRecord, JobStatus};

/// Jobs on the page.
pub(crate) const JOBS_MAX: u32 = 20;

/// What is to be shown.
pub(crate) struct Overview {
    pub(crate) now_ms: i64,
    /// Why no requests should be sent here; `None` where all is well.
    pub(crate) fault: Option<String>,
    pub(crate) checks: Vec<Check>,
    /// Newest first; `None` where the database did not say.
    pub(crate) jobs: Option<Vec<JobRecord>>,
}

pub(crate) fn render(overview: &Overview) -> Markup {
    let main = html! {
        h1 { "How likely is this account to break its rules, and what will it pay out?" }
        p.lead {
            "The platform says that a trader passed an assessment. This service fetches the trader's history, simulates "
            "many futures of the account under the firm's rules, stores what comes of it and publishes it on Kafka. "
            "Each number comes with how sure it is, twice: the 95 % interval that a history of this length leaves open, and "
            "the narrower one of so many simulated paths."
        }
        (status(overview))
        (last_jobs(overview))
        p.quiet {
            "As of " (time(overview.now_ms)) ". Money is US dollars. "
            "Probabilities and payouts are to the simulation's horizon, intervals 95 %."
        }
    };
    page("Overview", "/", &main)
}

fn status(overview: &Overview) -> Markup {
    html! {
        section aria-labelledby="status" {
            h2 id="status" { "Status" }
            p {
                @match &overview.fault {
                    None => { (word("good", "✓", "Ready")) " All that is required is there." }
                    Some(fault) => { (word("bad", "✗", "Not ready")) " " (fault) }
                }
            }
            table role="table" {
                caption { "Dependencies" }
                thead role="rowgroup" { tr role="row" {
                    @for name in ["Dependency", "State", "In words"] { th scope="col" role="columnheader" { (name) } }
                } }
                tbody role="rowgroup" {
                    @for check in &overview.checks { (dependency(check)) }
                }
            }
        }
    }
}

fn dependency(check: &Check) -> Markup {
    let state = match (check.ok, check.required) {
        (true, _) => word("good", "✓", "There"),
        (false, true) => word("bad", "✗", "Away, required"),
        (false, false) => word("warn", "!", "Away, not required"),
    };
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { (check.name.replace('_', " ")) }
            td role="cell" data-label="State" { (state) }
            td role="cell" data-label="In words" { (check.detail) }
        }
    }
}

fn last_jobs(overview: &Overview) -> Markup {
    html! {
        section aria-labelledby="jobs" {
            h2 id="jobs" { "Last simulations" }
            @match overview.jobs.as_deref() {
                None => p { (word("bad", "✗", "Not known")) " The database did not answer in time; what it holds is not lost." }
                Some([]) => p { "None yet. " a href="/docs#createSimulation" { "Order one" } " or send an event." }
                Some(jobs) => (table(jobs, overview.now_ms))
            }
        }
    }
}

fn table(jobs: &[JobRecord], now_ms: i64) -> Markup {
    html! {
        table role="table" {
            caption { "The newest " (jobs.len()) ", newest first; " a href="/simulations" { "as JSON" } }
            thead role="rowgroup" { tr role="row" {
                @for name in ["Of", "Status", "Breach probability", "Expected payout", "Ordered", "Whole"] {
                    th scope="col" role="columnheader" { (name) }
                }
            } }
            tbody role="rowgroup" {
                @for job in jobs { (row(job, now_ms)) }
            }
        }
    }
}

fn row(job: &JobRecord, now_ms: i64) -> Markup {
    let kind = if job.subject.assessment_id().is_some() { "assessment" } else { "funded account" };
    let estimate = |name| job.result.as_ref().and_then(|result| Estimate::of(result, name));
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { span.id { (job.subject.id()) } " " span.quiet { (kind) } }
            td role="cell" data-label="Status" { (job_status(job)) }
            td role="cell" data-label="Breach probability" { (figure(estimate("breachProbability"), percent)) }
            td role="cell" data-label="Expected payout" { (figure(estimate("expectedPayout"), dollars)) }
            td role="cell" data-label="Ordered" { (ago(job.created_at_ms, now_ms)) " " span.quiet { (time(job.created_at_ms)) } }
            td role="cell" data-label="Whole" {
                a href={ "/simulations/" (segment(&job.id.0)) } aria-label={ "Simulation " (job.id) " as JSON" } { "JSON" }
            }
        }
    }
}

fn job_status(job: &JobRecord) -> Markup {
    match job.status {
        JobStatus::Completed => match job.skipped {
            None => word("good", "✓", "completed"),
            Some(reason) => html! { (word("warn", "–", "skipped")) " " span.quiet { (reason) } },
        },
        JobStatus::Failed => html! {
            (word("bad", "✗", "failed")) @if let Some(error) = &job.error { " " span.quiet { (error) } }
        },
        JobStatus::Running => {
            html! { (word("warn", "▸", "running")) " " span.quiet { (percent(job.progress)) " done" } }
        }
        JobStatus::Pending => html! {
            (word("warn", "…", "pending")) @if let Some(error) = &job.error { " " span.quiet { "last: " (error) } }
        },
    }
}

/// The wider interval first: who reads no further has read the one that counts.
fn figure(estimate: Option<Estimate>, spelled: fn(f64) -> String) -> Markup {
    let interval = |(lower, upper)| format!("{} to {}", spelled(lower), spelled(upper));
    match estimate {
        Some(Estimate { value, simulation, history }) => html! {
            span.figure { (spelled(value)) }
            @if let Some(history) = history { " " span.quiet { "history: " (interval(history)) } }
            " " span.quiet { "simulation: " (interval(simulation)) }
        },
        None => html! { span.quiet { "none yet" } },
    }
}

/// A state, told by a sign and a word; the colour only repeats it.
fn word(kind: &str, sign: &str, word: &str) -> Markup {
    html! { span class={ "state " (kind) } { span aria-hidden="true" { (sign) } " " (word) } }
}

fn time(at_ms: i64) -> Markup {
    html! { time datetime=(EpochMs(at_ms)) { (moment(at_ms)) } }
}

/// An opaque id as one segment of a path (RFC 3986: what is not unreserved is escaped).
fn segment(id: &str) -> String {
    let mut escaped = String::new();
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            escaped.push(byte.into());
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_segment_whatever_is_in_it() {
        assert_eq!(segment("01934f6e-6c1a_~"), "01934f6e-6c1a_~");
        assert_eq!(segment("a/b?é..\"<"), "a%2Fb%3F%C3%A9%2E%2E%22%3C");
    }
}
