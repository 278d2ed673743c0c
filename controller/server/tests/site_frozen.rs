//! A journal whose last record can't be stepped: the controller starts frozen, says so, and sends nothing, however often it
//! is started.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use drover_controller::store::Store;
use drover_core::{Entry, Event, JobId, Record, Seq, Time};
use kit::site::{Drover, Place, Wiring};

const SITE: &str = "frozen-test";

/// A record that says that a cancel caused nothing: it would have been refused.
async fn forge(drover: &Drover) -> Seq {
    let url = format!("sqlite:{}", drover.folder.file("drover.db").display());
    let store = Store::connect(&url).await.unwrap();
    let epoch = store.lead(SITE, "a forger", Time(0)).await.unwrap();
    let loaded = store.load(SITE).await.unwrap();
    let (tip, time) = (loaded.last, loaded.records.last().unwrap().time);
    let entry = Entry { time, event: Event::JobCancelled { job: JobId("J-1".into()) }, commands: Vec::new() };
    let seq = Seq(tip.0 + 1);
    let record = Record { seq_from: seq, seq_to: seq, epoch, time, entries: vec![entry], digest: None };
    store.append(SITE, &record).await.unwrap();
    store.close().await;
    tip
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_stepped_freezes_every_start_at_the_last_good_one() {
    let embedded = || "embedded".to_owned();
    let mut drover = Drover::start(&Wiring {
        id: SITE,
        place: Place::fresh_dc(),
        jobs: embedded(),
        mqtt: embedded(),
        store: None,
        enroll: "configured",
        speed: "1",
    });
    drover.wait_until_ready();
    drover.kill();
    let tip = forge(&drover).await;
    for _ in 0..2 {
        drover.restart();
        drover.wait_until_missing_for("mind", &format!("frozen at seq {}", tip.0));
        assert!(drover.whole_log().contains("FROZEN"), "{}", drover.log());
        assert_eq!(drover.metric("drover_published_total{kind=\"order\"}"), 0);
        drover.stop();
    }
}
