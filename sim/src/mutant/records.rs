//! Records that are written otherwise than they were stepped, or after what they allow.

use drover_core::{Command, Effect, Entry, Event, Fact, Notification, Record, Time};

use super::Bug;

fn records(effects: &mut [Effect]) -> impl Iterator<Item = &mut Record> {
    effects.iter_mut().filter_map(|effect| {
        let Effect::Append(record) = effect else { return None };
        Some(&mut **record)
    })
}

fn entries(effects: &mut [Effect]) -> impl Iterator<Item = &mut Entry> {
    records(effects).flat_map(|record| &mut record.entries)
}

/// Jobs vanish on their way to the store.
pub(super) struct LoseJob;

impl Bug for LoseJob {
    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        let jobs = entries(effects).filter(|entry| matches!(entry.event, Event::JobSubmitted(_)));
        jobs.for_each(|entry| entry.event = Event::Tick);
    }
}

/// Passed nodes vanish on their way to the store.
pub(super) struct ForgetFact;

impl Bug for ForgetFact {
    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        let is_passed = |event: &Event| matches!(event, Event::Robot { fact: Fact::Passed { .. }, .. });
        let facts = entries(effects).filter(|entry| is_passed(&entry.event));
        facts.for_each(|entry| entry.event = Event::Tick);
    }
}

/// Checkpoints are damaged before their checksum is made.
pub(super) struct WrongDigest;

impl Bug for WrongDigest {
    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        for digest in records(effects).filter_map(|record| record.digest.as_mut()) {
            digest.0[0] ^= 1;
        }
    }
}

/// News leaves with the append, not after it.
#[derive(Default)]
pub(super) struct PublishBeforeCommit {
    told: u64,
}

impl Bug for PublishBeforeCommit {
    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        let told = self.told;
        effects.retain(|effect| !matches!(effect, Effect::Notify(news) if news.n <= told));
        let mut early: Vec<Box<Notification>> = Vec::new();
        for command in entries(effects).flat_map(|entry| &entry.commands) {
            if let Command::Notify(news) = command {
                early.push(news.clone());
            }
        }
        self.told = early.last().map_or(told, |news| news.n);
        effects.extend(early.into_iter().map(Effect::Notify));
    }
}
