//! What `/metrics` can show: every metric is a row of [`METRICS`], which describes it, gives its buckets, and sets
//! the series to zero that an alert must find from the first scrape on. `docs/metrics.md` is that table for people.

mod table;

use metrics::Label;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};
use monte_carlo_engine::ENGINE_VERSION;

pub use self::table::METRICS;

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only up; ask for its rate.
    Counter,
    /// Up and down.
    Gauge,
    /// Counts by upper bounds, in the metric's unit.
    Histogram(&'static [f64]),
}

impl Kind {
    /// As Prometheus calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// One metric: a row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    /// Label names; the values of each are few, whatever callers send.
    pub labels: &'static [&'static str],
    pub unit: &'static str,
    /// One sentence.
    pub meaning: &'static str,
    /// What an operator should be told of; empty where it is only to look at.
    pub alert: &'static str,
    /// Series that are there, at zero, before anything has happened: a value for each label.
    pub from_the_start: &'static [&'static [&'static str]],
}

impl Metric {
    /// A counter, whose name ends in `_total`; `unit` is what it counts.
    const fn counter(name: &'static str, unit: &'static str, meaning: &'static str) -> Self {
        Self::new(name, Kind::Counter, unit, meaning)
    }

    const fn gauge(name: &'static str, unit: &'static str, meaning: &'static str) -> Self {
        Self::new(name, Kind::Gauge, unit, meaning)
    }

    const fn histogram(
        name: &'static str,
        buckets: &'static [f64],
        unit: &'static str,
        meaning: &'static str,
    ) -> Self {
        Self::new(name, Kind::Histogram(buckets), unit, meaning)
    }

    const fn new(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Self {
        Self { name, kind, labels: &[], unit, meaning, alert: "", from_the_start: &[] }
    }

    /// With labels, and those of its series that exist from the start.
    const fn by(
        self,
        labels: &'static [&'static str],
        from_the_start: &'static [&'static [&'static str]],
    ) -> Self {
        Self { labels, from_the_start, ..self }
    }

    /// Its one series, without labels, exists from the start.
    const fn always(self) -> Self {
        Self { from_the_start: &[&[]], ..self }
    }

    const fn alert(self, alert: &'static str) -> Self {
        Self { alert, ..self }
    }

    fn series(&self) -> impl Iterator<Item = Vec<Label>> {
        self.from_the_start.iter().map(|values| {
            self.labels.iter().zip(*values).map(|(name, value)| Label::new(*name, *value)).collect()
        })
    }
}

/// The builder that knows every histogram's buckets, for whoever installs the recorder. `GET /metrics` drains the
/// histograms; a process that nobody scrapes must call `run_upkeep` on the handle now and then.
///
/// # Errors
/// Never: no histogram is without buckets.
pub fn with_buckets(builder: PrometheusBuilder) -> Result<PrometheusBuilder, BuildError> {
    METRICS.iter().try_fold(builder, |builder, metric| match metric.kind {
        Kind::Histogram(buckets) => {
            builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)
        }
        Kind::Counter | Kind::Gauge => Ok(builder),
    })
}

/// Describes every metric and sets what exists from the start, once the recorder is installed.
pub fn begin() {
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => {
                metrics::describe_counter!(metric.name, metric.meaning);
                metric.series().for_each(|labels| metrics::counter!(metric.name, labels).increment(0));
            }
            Kind::Gauge => {
                metrics::describe_gauge!(metric.name, metric.meaning);
                metric.series().for_each(|labels| metrics::gauge!(metric.name, labels).set(0.0));
            }
            Kind::Histogram(_) => {
                metrics::describe_histogram!(metric.name, metric.meaning);
                metric.series().for_each(|labels| drop(metrics::histogram!(metric.name, labels)));
            }
        }
    }
    let versions = [("version", env!("CARGO_PKG_VERSION")), ("engine_version", ENGINE_VERSION)];
    metrics::gauge!("monte_carlo_service_info", &versions).set(1.0);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::path::{Path, PathBuf};

    use super::*;

    fn root() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    #[test]
    fn the_document_holds_the_table() {
        let mut table = String::from(
            "| metric | type | labels | unit | meaning | alert on |\n|---|---|---|---|---|---|\n",
        );
        for metric in METRICS {
            let Metric { name, kind, unit, meaning, alert, .. } = metric;
            let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let (kind, labels) = (kind.as_str(), labels.join(", "));
            writeln!(table, "| `{name}` | {kind} | {labels} | {unit} | {meaning} | {alert} |").unwrap();
        }
        let document = std::fs::read_to_string(root().join("docs/metrics.md")).unwrap();
        let section = document
            .split_once("<!-- metrics -->\n")
            .and_then(|(_, rest)| rest.split_once("<!-- /metrics -->"))
            .map(|(section, _)| section.trim_matches('\n'));
        assert_eq!(
            section,
            Some(table.trim_end()),
            "put this between the markers in docs/metrics.md:\n{table}"
        );
    }

    #[test]
    fn the_rows_are_sound() {
        let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len(), "a metric is listed twice");
        for metric in METRICS {
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
            assert!(metric.meaning.ends_with('.'), "{}", metric.name);
            for values in metric.from_the_start {
                assert_eq!(values.len(), metric.labels.len(), "{}: {values:?}", metric.name);
            }
        }
    }

    /// The macros that make a series, by the kind that they make.
    const MACROS: [(&str, &str); 3] = [
        ("metrics::counter!(", "counter"),
        ("metrics::gauge!(", "gauge"),
        ("metrics::histogram!(", "histogram"),
    ];

    #[test]
    fn the_code_uses_the_listed_metrics_and_no_others() {
        let mut sources = Vec::new();
        collect(&root().join("crates/service/src"), &mut sources);
        let mut used = BTreeSet::new();
        for source in &sources {
            for (made_by, kind) in MACROS {
                for call in source.split(made_by).skip(1) {
                    let first = call.trim_start().split([',', ')']).next().unwrap_or_default().trim();
                    let names = match first.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
                        Some(literal) => vec![literal],
                        // This file's own, over the whole table.
                        None if first == "metric.name" => vec![],
                        None => values_of(first, source, &sources),
                    };
                    used.extend(names.into_iter().map(|name| (name.to_owned(), kind)));
                }
            }
        }
        // Made by a crate.
        let elsewhere = |name: &str| name.starts_with("process_");
        let listed: BTreeSet<_> = METRICS
            .iter()
            .filter(|metric| !elsewhere(metric.name))
            .map(|metric| (metric.name.to_owned(), metric.kind.as_str()))
            .collect();
        assert_eq!(used, listed);
    }

    fn collect(folder: &Path, sources: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, sources);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                // Tests may make what they like, and this one names the macros.
                sources.push(source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned());
            }
        }
    }

    /// What a constant of that name holds: this file's own, or else, imported, those of the other files.
    fn values_of<'a>(name: &str, source: &'a str, sources: &'a [String]) -> Vec<&'a str> {
        let own: Vec<_> = constants(source, name).collect();
        let values = if own.is_empty() {
            sources.iter().flat_map(|other| constants(other, name)).collect()
        } else {
            own
        };
        assert!(!values.is_empty(), "no constant is called {name}");
        values
    }

    /// The values of each `const NAME: &str = "value";`.
    fn constants<'a>(source: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
        let declared = format!("const {name}: &str = \"");
        source.split("const ").skip(1).filter_map(move |rest| {
            let (value, _) = rest.strip_prefix(&declared["const ".len()..])?.split_once('"')?;
            Some(value)
        })
    }
}
