//! `drover replay`: steps a journal again with this version and compares every command and every digest.
//!
//! It begins at the journal's first event; where a journal was shortened (`store.keep_days`), at the snapshot after which
//! everything is kept, and says so. Each record is verified as it is read, and that it follows the one before it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use drover_core::{Command, Entry, Event, Fleet, Layouts, Record, RestoreError, Seq};
use drover_maps::Layout;
use serde::Serialize;

use crate::config::Config;
use crate::ground;
use crate::map;
use crate::store::{ConnectError, LoadError, Store};

/// Records read ahead of the stepping.
const READ_AHEAD_MAX: usize = 64;
/// Decisions shown at the end.
const LAST_DECISIONS: usize = 10;

/// Why nothing could be replayed.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// The layout.
    #[error(transparent)]
    Layout(#[from] map::LayoutError),
    /// The store.
    #[error("failed to {0}")]
    Connect(#[from] ConnectError),
    /// A kept layout.
    #[error("failed to {0}")]
    Load(LoadError),
    /// Asked for what isn't kept any more.
    #[error(
        "failed to replay up to seq {until}: this journal was shortened (key `store.keep_days`) and can be stepped from seq \
         {begin} on; leave --until out, or write {begin} or more"
    )]
    Forgotten {
        /// The last event asked for.
        until: u64,
        /// The first that can be stepped.
        begin: u64,
    },
    /// The snapshot that a shortened journal begins with.
    #[error("failed to {0}")]
    Restore(#[from] RestoreError),
    /// The thread.
    #[error("failed to step the journal: the thread that steps it is gone; its last log lines say why")]
    Lost,
}

/// What the replay found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Story {
    /// Every command and digest was the same.
    pub same: bool,
    /// The first event that could be stepped: above 1 where the journal was shortened, and begins with a snapshot.
    pub begin: u64,
    /// The last event stepped.
    pub seq: u64,
    /// Events stepped.
    pub events: u64,
    /// Commands compared.
    pub commands: u64,
    /// Digests compared.
    pub checkpoints: u64,
    /// Digest of the state at the end.
    pub digest: String,
    /// Events by kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// The last decisions, oldest first.
    pub last_decisions: VecDeque<String>,
    /// What differs, or why it stopped.
    pub fault: Option<String>,
}

/// Replays the journal of the configured site, up to `until` or its end.
///
/// # Errors
/// [`StoryError`] when there is nothing to step; a difference is no error but the story's `fault`.
pub async fn replay(config: &Config, until: Option<u64>) -> Result<Story, StoryError> {
    let layout = map::load(&config.layout, config.site_file.as_deref()).and_then(map::usable)?;
    let store = Store::connect(config.store.reveal()).await?;
    let layouts = layouts(&store, &config.site, Arc::new(layout)).await?;
    let snapshot = store.beginning(&config.site).await.map_err(StoryError::Load)?;
    let begin = snapshot.as_ref().map_or(Seq(1), |(seq, _)| Seq(seq.0 + 1));
    if let Some(until) = until.filter(|until| snapshot.is_some() && *until < begin.0) {
        return Err(StoryError::Forgotten { until, begin: begin.0 });
    }
    let fleet = match snapshot {
        Some((_, bytes)) => Fleet::restore(layouts, &bytes)?,
        None => Fleet::new(layouts),
    };
    let (sender, receiver) = sync_channel(READ_AHEAD_MAX);
    let stepping = tokio::task::spawn_blocking(move || step(fleet, begin, &receiver));
    let mut records = store.records(&config.site, begin, until.map(Seq));
    let read = tokio::spawn(async move {
        loop {
            match records.next().await {
                Ok(Some(record)) => {
                    let sender = sender.clone();
                    let sent = tokio::task::spawn_blocking(move || sender.send(record)).await;
                    if !matches!(sent, Ok(Ok(()))) {
                        return None;
                    }
                }
                Ok(None) => return None,
                Err(error) => return Some(error),
            }
        }
    });
    let fault: Option<LoadError> = read.await.map_err(|_| StoryError::Lost)?;
    let mut story = stepping.await.map_err(|_| StoryError::Lost)?;
    if let Some(error) = fault {
        story.same = false;
        story.fault = Some(error.to_string());
    }
    store.close().await;
    Ok(story)
}

/// All layouts that are kept with the journal, and that of the site's files where none is.
async fn layouts(store: &Store, site: &str, given: Arc<Layout>) -> Result<Layouts, StoryError> {
    let mut found: Option<Layouts> = None;
    for fingerprint in store.layouts(site).await.map_err(ConnectError::from)? {
        let source = store.layout(site, fingerprint).await.map_err(StoryError::Load)?;
        let Some(layout) = source.as_ref().and_then(ground::compiled) else { continue };
        match &mut found {
            Some(found) => found.add(layout),
            None => found = Some(Layouts::from(layout)),
        }
    }
    let mut found = found.unwrap_or_else(|| Layouts::from(Arc::clone(&given)));
    found.add(given);
    Ok(found)
}

fn step(fleet: Fleet, begin: Seq, records: &Receiver<Record>) -> Story {
    let mut story = Story { begin: begin.0, ..Story::default() };
    let after = Seq(begin.0 - 1);
    let replayed = drover_core::replay_from(fleet, after, records.iter(), &mut |seq, entry, fleet| {
        story.seq = seq.0;
        *story.kinds.entry(kind(&entry.event)).or_default() += 1;
        let name = |robot: drover_core::RobotId| {
            fleet.robots().get(robot.index()).map_or_else(String::new, |robot| robot.name.to_string())
        };
        for decision in decisions(seq, entry, &name) {
            if story.last_decisions.len() == LAST_DECISIONS {
                story.last_decisions.pop_front();
            }
            story.last_decisions.push_back(decision);
        }
    });
    match replayed {
        Ok(done) => {
            story.same = true;
            story.events = done.events;
            story.commands = done.commands;
            story.checkpoints = done.checkpoints;
            story.digest = done.digest.to_string();
        }
        Err(error) => story.fault = Some(error.to_string()),
    }
    story
}

fn decisions(seq: Seq, entry: &Entry, name: &dyn Fn(drover_core::RobotId) -> String) -> Vec<String> {
    let line = |command: &Command| match command {
        Command::Assign { job, robot } => Some(format!("seq {}: {job} assigned to {}", seq.0, name(*robot))),
        Command::Reject(rejection) => {
            Some(format!("seq {}: {} rejected: {}", seq.0, rejection.job, rejection.code.as_str()))
        }
        Command::Alarm(alarm) => {
            Some(format!("seq {}: alarm {}: {}", seq.0, alarm.code.as_str(), alarm.text))
        }
        Command::Pause { robot, stand } => {
            let what = if *stand { "paused" } else { "resumed" };
            Some(format!("seq {}: {} {what}", seq.0, name(*robot)))
        }
        Command::Cancel { robot } => {
            Some(format!("seq {}: {} told to give its order up", seq.0, name(*robot)))
        }
        Command::Refuse { code, reason } => {
            Some(format!("seq {}: refused {}: {reason}", seq.0, code.as_str()))
        }
        Command::Layout { fingerprint } => {
            Some(format!("seq {}: layout {fingerprint:016x} is in use", seq.0))
        }
        Command::Ignore { .. } | Command::Release { .. } | Command::Device { .. } | Command::Notify(_) => {
            None
        }
    };
    entry.commands.iter().filter_map(line).collect()
}

fn kind(event: &Event) -> &'static str {
    match event {
        Event::Configured(_) => "configured",
        Event::Tick => "tick",
        Event::JobSubmitted(_) => "job submitted",
        Event::JobCancelled { .. } => "job cancelled",
        Event::JobUpdated { .. } => "job updated",
        Event::LegConfirmed { .. } => "leg confirmed",
        Event::LegShort { .. } => "short pick",
        Event::RobotEnrolled { .. } => "robot enrolled",
        Event::Robot { .. } => "robot fact",
        Event::Device { .. } => "device fact",
        Event::Wished { .. } => "operator's wish",
        Event::Audited(_) => "audit",
        Event::StrangersExpected(true) => "unlisted robots haven't said where they stand",
        Event::StrangersExpected(false) => "no unlisted robot is waited for any more",
        Event::Confirmed { .. } => "notifications confirmed",
    }
}

/// Prints the story. True = the same commands and digests throughout.
pub fn print(story: &Story, json: bool) -> bool {
    if json {
        println!("{}", serde_json::to_string(story).unwrap_or_default());
        return story.same;
    }
    if story.events == 0 && story.fault.is_none() {
        println!("the journal is empty: nothing to compare");
        return story.same;
    }
    if story.begin > 1 {
        println!(
            "the journal was shortened (key `store.keep_days`): stepped from the snapshot before seq {} on",
            story.begin
        );
    }
    for (kind, count) in &story.kinds {
        println!("{count:>10}  {kind}");
    }
    println!("last decisions:");
    for decision in &story.last_decisions {
        println!("  {decision}");
    }
    match &story.fault {
        None => println!(
            "the same: {} events, {} commands and {} digests up to seq {}; digest {}",
            story.events, story.commands, story.checkpoints, story.seq, story.digest
        ),
        Some(fault) => println!("DIFFERENT after seq {}: {fault}", story.seq),
    }
    story.same
}
