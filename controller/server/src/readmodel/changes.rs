//! What must be written so that Redis shows a picture: all of it, or what differs from the one before.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::{JOBS, ROBOTS, SITE, STATIONS};
use crate::view::View;

/// Fields to set and to remove, by hash.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Changes {
    pub(super) set: Vec<(usize, String, String)>,
    pub(super) removed: Vec<(usize, String)>,
    /// Fields each hash has then.
    pub(super) counts: [usize; 4],
}

impl Changes {
    /// From this picture to that one; parts that are the same `Arc` are the same.
    pub(super) fn between(before: Option<&View>, view: &View) -> Changes {
        let none = View::default();
        let old = before.unwrap_or(&none);
        let mut changes = Changes::default();
        changes.hash(ROBOTS, &old.robots, &view.robots, |robot| robot.name.to_string());
        changes.hash(JOBS, &old.jobs, &view.jobs, |job| job.id.clone());
        changes.hash(STATIONS, &old.stations, &view.stations, |station| station.id.clone());
        let is_first = before.is_none();
        changes.list("zones", is_first, &old.zones, &view.zones);
        changes.list("devices", is_first, &old.devices, &view.devices);
        changes.list("blocked_edges", is_first, &old.blocked_edges, &view.blocked_edges);
        changes.list("alarms", is_first, &old.alarms, &view.alarms);
        changes.list("audit", is_first, &old.audit, &view.audit);
        if is_first || old.robots.len() != view.robots.len() {
            changes
                .text("robots", &view.robots.iter().map(|robot| robot.name.to_string()).collect::<Vec<_>>());
        }
        if is_first || old.stations.len() != view.stations.len() {
            changes.text("stations", &view.stations.iter().map(|station| &station.id).collect::<Vec<_>>());
        }
        changes.counts[SITE] = 7;
        changes
    }

    fn hash<T: Serialize>(
        &mut self,
        hash: usize,
        old: &[Arc<T>],
        new: &[Arc<T>],
        name: impl Fn(&T) -> String,
    ) {
        let mut before: HashMap<String, &Arc<T>> = old.iter().map(|part| (name(part), part)).collect();
        for part in new {
            let field = name(part);
            let is_same = before.remove(&field).is_some_and(|before| Arc::ptr_eq(before, part));
            if !is_same && let Some(text) = json(part.as_ref()) {
                self.set.push((hash, field, text));
            }
        }
        self.removed.extend(before.into_keys().map(|field| (hash, field)));
        self.counts[hash] = new.len();
    }

    fn list<T: Serialize>(&mut self, field: &str, is_first: bool, old: &[Arc<T>], new: &[Arc<T>]) {
        let is_same = old.len() == new.len() && old.iter().zip(new).all(|(old, new)| Arc::ptr_eq(old, new));
        if is_first || !is_same {
            self.text(field, &new.iter().map(Arc::as_ref).collect::<Vec<_>>());
        }
    }

    fn text<T: Serialize>(&mut self, field: &str, value: &T) {
        self.set.extend(json(value).map(|text| (SITE, field.to_owned(), text)));
    }
}

/// Our own types, which always can be written.
fn json<T: Serialize>(value: &T) -> Option<String> {
    match serde_json::to_string(value) {
        Ok(text) => Some(text),
        Err(error) => {
            tracing::error!(%error, "a part of the view can't be written as JSON: left out");
            None
        }
    }
}
