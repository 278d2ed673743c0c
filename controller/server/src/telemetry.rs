//! What the process says of itself: log lines, counters, and what it still waits for.
//!
//! One log line per decision, never per message; an outage is told once when it begins and once when it ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Upper bounds of the duration histograms, in seconds.
const SECONDS: [f64; 12] = [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

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

/// Starts counting; the handle renders what `/metrics` shows. None when another recorder was set before.
pub fn start_metrics() -> Option<PrometheusHandle> {
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS).ok()?;
    builder.install_recorder().ok()
}

/// What must be there before the process is ready, and what is missing now. Cheap to clone, shared by all tasks.
#[derive(Clone, Debug, Default)]
pub struct Health {
    parts: Arc<Mutex<BTreeMap<&'static str, Option<String>>>>,
}

impl Health {
    /// Names a part that must be there; it is missing until [`Health::up`].
    pub fn expect(&self, part: &'static str) {
        self.set(part, Some("not there yet".to_owned()));
    }

    /// The part is there. Logged when it was missing.
    pub fn up(&self, part: &'static str) {
        if self.set(part, None) != Some(None) {
            metrics::gauge!("drover_up", "part" => part).set(1.0);
            tracing::info!(part, "is there");
        }
    }

    /// The part is missing. Logged once per outage.
    pub fn down(&self, part: &'static str, why: impl Into<String>) {
        let why = why.into();
        let before = self.set(part, Some(why.clone()));
        if !matches!(before, Some(Some(ref text)) if text != "not there yet") {
            metrics::gauge!("drover_up", "part" => part).set(0.0);
            tracing::warn!(part, why, "is missing; trying again until it is there");
        }
    }

    /// What is missing now, with the reason; empty = ready.
    pub fn missing(&self) -> Vec<(&'static str, String)> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.iter().filter_map(|(part, why)| why.clone().map(|why| (*part, why))).collect()
    }

    fn set(&self, part: &'static str, state: Option<String>) -> Option<Option<String>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(part, state)
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
}
