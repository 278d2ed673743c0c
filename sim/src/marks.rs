//! What a run has seen at least once: faults that bit, codes that were given. A long run that never saw one is no proof.

use std::collections::BTreeMap;

/// Counts by kind (`fault`, `reject`, `alarm`) and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    seen: BTreeMap<(&'static str, String), u64>,
}

impl Marks {
    /// One more.
    pub fn note(&mut self, kind: &'static str, name: &str) {
        self.add(kind, name, 1);
    }

    /// So many more.
    pub fn add(&mut self, kind: &'static str, name: &str, count: u64) {
        if count > 0 {
            *self.seen.entry((kind, name.to_owned())).or_default() += count;
        }
    }

    /// Those of another run too.
    pub fn merge(&mut self, other: &Marks) {
        other.seen.iter().for_each(|((kind, name), count)| self.add(kind, name, *count));
    }

    /// How often.
    pub fn count(&self, kind: &'static str, name: &str) -> u64 {
        self.seen.get(&(kind, name.to_owned())).copied().unwrap_or(0)
    }

    /// All of them: kind, name, count, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str, u64)> {
        self.seen.iter().map(|((kind, name), count)| (*kind, name.as_str(), *count))
    }
}
