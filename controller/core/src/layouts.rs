//! The layouts a journal was written on, by fingerprint: a site changes from one to another while it runs, and whoever
//! steps its journal needs all of them. Not state: the state names them by their fingerprints.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use drover_maps::Layout;

use crate::event::Event;
use crate::operator::Wish;
use crate::record::Record;

/// Layouts at hand; the first one is what an empty journal begins on.
#[derive(Clone, Debug)]
pub struct Layouts {
    first: Arc<Layout>,
    others: BTreeMap<u64, Arc<Layout>>,
}

impl From<Arc<Layout>> for Layouts {
    fn from(first: Arc<Layout>) -> Layouts {
        Layouts { first, others: BTreeMap::new() }
    }
}

impl Layouts {
    /// What an empty journal begins on.
    pub fn first(&self) -> &Arc<Layout> {
        &self.first
    }

    /// One more.
    pub fn add(&mut self, layout: Arc<Layout>) {
        if layout.fingerprint() != self.first.fingerprint() {
            self.others.insert(layout.fingerprint(), layout);
        }
    }

    /// The layout of this fingerprint.
    pub fn get(&self, fingerprint: u64) -> Option<&Arc<Layout>> {
        let first = Some(&self.first).filter(|first| first.fingerprint() == fingerprint);
        first.or_else(|| self.others.get(&fingerprint))
    }

    /// Only these, and the first one, are needed any more.
    pub(crate) fn keep(&mut self, fingerprints: &[u64]) {
        self.others.retain(|fingerprint, _| fingerprints.contains(fingerprint));
    }
}

/// As much of a snapshot as names layouts.
#[derive(Deserialize)]
struct Named {
    layout_fingerprint: u64,
    #[serde(default)]
    pending: Option<NamedPending>,
}

#[derive(Deserialize)]
struct NamedPending {
    fingerprint: u64,
}

/// Fingerprints of the layouts without which these can't be stepped, but for the one that an empty journal begins on.
pub fn needed(snapshot: Option<&[u8]>, records: &[Record]) -> BTreeSet<u64> {
    let named = snapshot.and_then(|bytes| rmp_serde::from_slice::<Named>(bytes).ok());
    let mut needed: BTreeSet<u64> = records.iter().flat_map(offered).collect();
    if let Some(named) = named {
        needed.insert(named.layout_fingerprint);
        needed.extend(named.pending.map(|pending| pending.fingerprint));
    }
    needed
}

/// Layouts that people asked for in this record.
fn offered(record: &Record) -> impl Iterator<Item = u64> {
    record.entries.iter().filter_map(|entry| wanted(&entry.event))
}

/// The layout that this event asks for.
pub(crate) fn wanted(event: &Event) -> Option<u64> {
    if let Event::Wished { wish, .. } = event
        && let Wish::ChangeLayout { fingerprint } = wish.as_ref()
    {
        return Some(*fingerprint);
    }
    None
}
