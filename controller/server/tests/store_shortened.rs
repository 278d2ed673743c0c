//! A journal that the mind itself has written, shortened: it is replayed from a snapshot on, and nothing that restoring
//! needs is gone.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::fs;
use std::sync::Arc;

use drover_controller::config::Config;
use drover_controller::replay::{self, StoryError};
use drover_controller::{ground, intake, store::Store};
use drover_core::{Effect, Input, Notification, Seq, Site, Time};
use drover_maps::Layout;
use kit::process::Folder;
use kit::site::Place;

const SITE: &str = "shortened";
const HOUR_MS: u64 = 3_600_000;
const START: Time = Time(20_000 * 24 * HOUR_MS);
const JOB: &str = r#"{"v":1,"job_id":"J-1","legs":[{"station":"PICK-C-01","action":"pick"},{"station":"DOCK-01","action":"drop"}]}"#;

/// A configuration that keeps a day, and what it speaks of.
struct Ground {
    _folder: Folder,
    config: Config,
    layout: Arc<Layout>,
}

fn ground() -> Ground {
    let folder = Folder::new(SITE);
    let Place { layout, site } = Place::fresh_dc();
    let text = format!(
        "[site]\nid = \"{SITE}\"\nlayout = \"{}\"\nsite = \"{}\"\n[store]\nurl = \"sqlite:{}\"\nkeep_days = 1\n",
        layout.display(),
        site.unwrap().display(),
        folder.file("drover.db").display()
    );
    let file = folder.file("drover.toml");
    fs::write(&file, text).unwrap();
    let config = Config::load(&file).unwrap();
    let (layout, _) = ground::Files::of(&config).read().unwrap();
    Ground { _folder: folder, config, layout }
}

/// Hands in one input, and carries out what it asks of the store; gives what is told to the customer.
async fn receive(store: &Store, site: &mut Site, now: Time, input: Input) -> Vec<Notification> {
    let (mut inputs, mut told) = (vec![input], Vec::new());
    while let Some(input) = inputs.pop() {
        let mut effects = Vec::new();
        site.receive(now, input, &mut effects);
        for effect in effects {
            if let Effect::Append(record) = &effect {
                store.append(SITE, record).await.unwrap();
                inputs.push(Input::Committed { seq_to: record.seq_to });
            } else if let Effect::Snapshot { seq, bytes } = &effect {
                let epoch = store.lease(SITE).await.unwrap().unwrap().epoch;
                store.snapshot(SITE, epoch, *seq, bytes).await.unwrap();
            } else if let Effect::Notify(notification) = effect {
                told.push(*notification);
            }
        }
    }
    told
}

#[tokio::test]
async fn a_shortened_journal_is_replayed_from_a_snapshot_on_and_its_outbox_is_whole() {
    let Ground { _folder, config, layout } = ground();
    let store = Store::connect(config.store.reveal()).await.unwrap();
    let epoch = store.lead(SITE, "test", Time(0)).await.unwrap();
    let mut site = Site::new(Arc::clone(&layout), config.core.clone(), epoch, START);
    let job = intake::read(JOB.as_bytes()).unwrap();
    let told = receive(&store, &mut site, START, Input::Job { ticket: None, request: job, by: None }).await;
    assert_eq!(told.len(), 1, "accepted");
    for hour in 1..=96 {
        let update = format!("{{\"v\":1,\"update\":\"J-1\",\"priority\":{}}}", hour % 10);
        let request = intake::read(update.as_bytes()).unwrap();
        let input = Input::Job { ticket: None, request, by: None };
        receive(&store, &mut site, START.plus_ms(hour * HOUR_MS), input).await;
    }
    let whole = replay::replay(&config, None).await.unwrap();
    assert_eq!((whole.fault, whole.begin, whole.seq), (None, 1, site.seq().0));

    let end = START.plus_ms(96 * HOUR_MS);
    assert!(store.shorten(SITE, epoch, end).await.unwrap() > 0);
    let story = replay::replay(&config, None).await.unwrap();
    assert_eq!((story.fault, story.seq, story.digest), (None, whole.seq, whole.digest));
    assert!(story.begin > 1 && story.checkpoints > 20, "{} {}", story.begin, story.checkpoints);
    assert_eq!(story.events, story.seq + 1 - story.begin);
    let early = replay::replay(&config, Some(story.begin - 1)).await.unwrap_err();
    assert!(matches!(&early, StoryError::Forgotten { begin, .. } if *begin == story.begin), "{early}");
    assert!(early.to_string().contains("store.keep_days"), "{early}");

    let loaded = store.load(SITE).await.unwrap();
    let snapshot = loaded.snapshot.as_ref().map(|(seq, bytes)| (*seq, bytes.as_slice()));
    let next = store.lead(SITE, "test", Time(0)).await.unwrap();
    let core = config.core.clone();
    let mut again = Site::restore(layout, core, next, snapshot, &loaded.records, end).unwrap();
    assert!(again.seq() >= Seq(whole.seq));
    let repeated = receive(&store, &mut again, end, Input::Clock).await;
    assert_eq!(repeated.first(), told.first(), "nobody has confirmed it: it goes out again, the same");
}
