//! Who asked for a change, and what became of it. Journalled beside the change itself; the newest are kept at hand.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::id::Digest;

/// Entries kept at hand; all of them stand in the journal.
pub const ENTRIES_MAX: usize = 1_000;
/// Idempotency keys kept, at most.
pub const KEYS_MAX: usize = 10_000;
/// How long an idempotency key is remembered, ms.
pub const KEY_KEPT_MS: u64 = 24 * 3_600_000;

/// Who asks for a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The person or program.
    pub name: String,
    /// Its idempotency key for this request; empty = none.
    pub key: String,
    /// Why, in the caller's own words.
    pub reason: String,
}

/// One request for a change, and the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its number: rises by one.
    pub n: u64,
    /// Journal time.
    pub at: Time,
    /// Who asked.
    pub by: Caller,
    /// What for, e.g. `zone.stop`.
    pub action: String,
    /// What it was to be done to, e.g. `chilled` or `acme/r07`.
    pub subject: String,
    /// Why it was refused, as a stable code; none = it was done.
    pub refused: Option<String>,
    /// Hash of the request: the same idempotency key with another one is refused.
    pub asked: Option<Digest>,
}

/// The newest entries, and the keys of what was done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Audit {
    pub(crate) count: u64,
    pub(crate) entries: VecDeque<AuditEntry>,
    /// What was asked under each key, and when.
    keys: BTreeMap<String, (Digest, Time)>,
}

impl Audit {
    pub(crate) fn note(&mut self, entry: AuditEntry) {
        self.count = entry.n;
        if let (Some(asked), None, false) = (entry.asked, &entry.refused, entry.by.key.is_empty()) {
            self.remember(entry.by.key.clone(), asked, entry.at);
        }
        self.entries.push_back(entry);
        while self.entries.len() > ENTRIES_MAX {
            self.entries.pop_front();
        }
    }

    /// What was asked under this key, if it was done.
    pub(crate) fn asked(&self, key: &str) -> Option<Digest> {
        self.keys.get(key).map(|(asked, _)| *asked)
    }

    /// How many keys are remembered.
    pub(crate) fn keys(&self) -> usize {
        self.keys.len()
    }

    fn remember(&mut self, key: String, asked: Digest, now: Time) {
        if self.keys.len() >= KEYS_MAX {
            let oldest = self.keys.iter().min_by_key(|(_, (_, at))| *at).map(|(key, _)| key.clone());
            oldest.map(|key| self.keys.remove(&key));
        }
        self.keys.insert(key, (asked, now));
    }

    pub(crate) fn forget(&mut self, now: Time) {
        self.keys.retain(|_, (_, at)| now.since_ms(*at) < KEY_KEPT_MS);
    }
}
