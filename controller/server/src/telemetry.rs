//! What the process says of itself: log lines, counters, and what it still waits for.
//!
//! One log line per decision, never per message; an outage is told once when it begins and once when it ends.

pub mod list;
pub mod otlp;
pub mod red;
pub mod trace;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Upper bounds of the duration histograms, in seconds.
const SECONDS: [f64; 12] = [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
/// The same of a job's life.
const JOB_SECONDS: [f64; 10] =
    [30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0];
/// Pause between two foldings of the durations counted: without them they pile up where nobody scrapes.
const FOLD_EVERY: Duration = Duration::from_secs(5);

/// Starts logging to stderr; the variable `RUST_LOG` wins over the configured level. A second call changes nothing.
pub fn start_logging(log: &Log) {
    let filter = EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new(&log.level));
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info")).add_directive(quiet("rumqttd"));
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_terminal);
    let builder = builder.with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// The embedded broker logs every connection that goes as an error.
fn quiet(target: &str) -> tracing_subscriber::filter::Directive {
    format!("{target}=off").parse().unwrap_or_else(|_| tracing_subscriber::filter::LevelFilter::INFO.into())
}

/// Starts counting for this site; the handle renders what `/metrics` shows. None when another recorder was set before.
pub fn start_metrics(site: &str) -> Option<PrometheusHandle> {
    let builder = PrometheusBuilder::new().add_global_label("site", site);
    let builder = builder.set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS).ok()?;
    let builder =
        builder.set_buckets_for_metric(Matcher::Full("drover_job_seconds".into()), &JOB_SECONDS).ok()?;
    let handle = builder.install_recorder().ok()?;
    list::describe();
    metrics::gauge!("drover_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let handle = handle.clone();
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(FOLD_EVERY).await;
                handle.run_upkeep();
            }
        });
    }
    Some(handle)
}

/// What must be there before the process is ready, what else it uses, and what is missing now. Cheap to clone, shared
/// by all tasks.
#[derive(Clone, Debug, Default)]
pub struct Health {
    parts: Arc<Mutex<BTreeMap<&'static str, Part>>>,
}

#[derive(Clone, Debug, Default)]
struct Part {
    /// Why it is missing.
    missing: Option<String>,
    /// The process is ready without it.
    is_optional: bool,
    was_there: bool,
}

impl Health {
    /// Names a part that must be there; it is missing until [`Health::up`].
    pub fn expect(&self, part: &'static str) {
        self.begin(part, false);
    }

    /// Names a part that may be away while everything else goes on: shown and logged, but never a reason not to be ready.
    pub fn welcome(&self, part: &'static str) {
        self.begin(part, true);
    }

    fn begin(&self, part: &'static str, is_optional: bool) {
        let state = Part { missing: Some("not there yet".to_owned()), is_optional, was_there: false };
        self.parts().insert(part, state);
        self.show(part, false);
    }

    /// The part is there. Logged when it was missing.
    pub fn up(&self, part: &'static str) {
        let before = {
            let mut parts = self.parts();
            let state = parts.entry(part).or_default();
            let is_news = !state.was_there || state.missing.is_some();
            (state.missing, state.was_there) = (None, true);
            is_news
        };
        if before {
            self.show(part, true);
            tracing::info!(part, "is there");
        }
    }

    /// The part is missing. Logged once per outage.
    pub fn down(&self, part: &'static str, why: impl Into<String>) {
        let why = why.into();
        let is_news = {
            let mut parts = self.parts();
            let state = parts.entry(part).or_default();
            let before = state.missing.replace(why.clone());
            before.is_none_or(|text| text == "not there yet")
        };
        if is_news {
            self.show(part, false);
            tracing::warn!(part, why, "is missing; trying again until it is there");
        }
    }

    /// What must be there and is missing now, with the reason; empty = ready.
    pub fn missing(&self) -> Vec<(&'static str, String)> {
        let parts = self.parts();
        let needed = parts.iter().filter(|(_, state)| !state.is_optional);
        needed.filter_map(|(part, state)| Some((*part, state.missing.clone()?))).collect()
    }

    fn show(&self, part: &'static str, is_there: bool) {
        metrics::gauge!("drover_up", "part" => part).set(f64::from(u8::from(is_there)));
        metrics::gauge!("drover_ready").set(f64::from(u8::from(self.missing().is_empty())));
    }

    fn parts(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, Part>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_names_what_is_missing() {
        let health = Health::default();
        health.expect("store");
        health.expect("mqtt");
        health.up("mqtt");
        health.down("store", "connection refused");
        assert_eq!(health.missing(), vec![("store", "connection refused".to_owned())]);
        health.up("store");
        assert!(health.missing().is_empty());
    }

    #[test]
    fn a_part_that_may_be_away_is_no_reason_not_to_be_ready() {
        let health = Health::default();
        health.welcome("cache");
        health.down("cache", "connection refused");
        assert!(health.missing().is_empty());
    }
}
