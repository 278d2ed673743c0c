//! PostgreSQL holds what the conformance suite claims, and survives being killed, stopped and held.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../src/store/conformance.rs"]
mod conformance;
#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::time::Duration;

use conformance::{Case, SITE, record};
use drover_controller::store::{AppendError, Look, Store};
use drover_core::clock::Time;
use drover_core::id::{Epoch, Seq};
use kit::postgres::Postgres;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::watch;
use tokio::task::JoinHandle;

async fn fresh() -> Option<(Postgres, Case)> {
    let postgres = Postgres::start()?;
    let case = Case::open(postgres.url()).await;
    Some((postgres, case))
}

conformance::suite!(fresh);

#[tokio::test(flavor = "multi_thread")]
async fn a_look_says_what_is_there_and_makes_nothing() {
    let Some(postgres) = Postgres::start() else { return };
    let guest = postgres.url().replace("drover@", "guest@");
    let mut owner = PgConnection::connect(&postgres.url()).await.unwrap();
    for statement in ["CREATE ROLE guest LOGIN", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"] {
        sqlx::query(statement).execute(&mut owner).await.unwrap();
    }
    assert_eq!(Store::look(&guest, SITE).await.unwrap(), Look::Forbidden);
    for _ in 0..2 {
        assert_eq!(Store::look(&postgres.url(), SITE).await.unwrap(), Look::Empty);
    }
    let store = Store::connect(&postgres.url()).await.unwrap();
    assert_eq!(Store::look(&postgres.url(), SITE).await.unwrap(), Look::Ready(None));
    let epoch = store.lead(SITE, "us", Time(1)).await.unwrap();
    let Look::Ready(Some(lease)) = Store::look(&postgres.url(), SITE).await.unwrap() else {
        panic!("the lease isn't seen")
    };
    assert_eq!((lease.epoch, lease.holder.as_str()), (epoch, "us"));
}

/// Appends records until told to stop, each again and again until its answer is Ok, as the shell does.
struct Appender {
    durable: watch::Receiver<u64>,
    stop: watch::Sender<bool>,
    task: JoinHandle<u64>,
}

fn appender(store: Store, epoch: Epoch) -> Appender {
    let (set_durable, durable) = watch::channel(0);
    let (stop, is_stopped) = watch::channel(false);
    let task = tokio::spawn(async move {
        let mut failures = 0;
        let mut last = 0;
        while !*is_stopped.borrow() {
            match store.append(SITE, &record(epoch, last + 1, last + 3)).await {
                Ok(()) => last += 3,
                Err(AppendError::Unavailable(_)) => failures += 1,
                Err(error) => panic!("{error}"),
            }
            set_durable.send_replace(last);
        }
        failures
    });
    Appender { durable, stop, task }
}

impl Appender {
    async fn reach(&mut self, more: u64) {
        let goal = *self.durable.borrow() + more;
        let reached = self.durable.wait_for(|durable| *durable >= goal);
        tokio::time::timeout(Duration::from_secs(60), reached).await.unwrap().unwrap();
    }

    /// Stops it and gives the last durable place and how many attempts failed.
    async fn end(self) -> (u64, u64) {
        self.stop.send_replace(true);
        let failures = self.task.await.unwrap();
        (*self.durable.borrow(), failures)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_committed_record_is_lost_when_the_database_is_killed_again_and_again() {
    let Some((mut postgres, case)) = fresh().await else { return };
    let epoch = case.store.lead(SITE, "test", Time(0)).await.unwrap();
    let mut appender = appender(case.store.clone(), epoch);
    for _ in 0..4 {
        appender.reach(60).await;
        postgres.kill();
        postgres.restart();
    }
    appender.reach(60).await;
    let (durable, failures) = appender.end().await;
    let loaded = case.store.load(SITE).await.unwrap();
    assert_eq!(loaded.last, Seq(durable));
    assert_eq!(loaded.records.len() as u64, durable / 3, "each record once");
    assert!(failures > 0, "the kills were noticed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_go_on_after_the_database_was_away() {
    let Some((mut postgres, case)) = fresh().await else { return };
    let epoch = case.store.lead(SITE, "test", Time(0)).await.unwrap();
    let mut appender = appender(case.store.clone(), epoch);
    appender.reach(30).await;
    postgres.stop();
    tokio::time::sleep(Duration::from_secs(2)).await;
    postgres.restart();
    appender.reach(30).await;
    let (durable, _) = appender.end().await;
    assert_eq!(case.store.load(SITE).await.unwrap().last, Seq(durable));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_database_is_noticed_and_its_unknown_outcome_settled() {
    let Some((postgres, case)) = fresh().await else { return };
    let epoch = case.store.lead(SITE, "test", Time(0)).await.unwrap();
    case.store.append(SITE, &record(epoch, 1, 3)).await.unwrap();
    postgres.pause();
    let held = case.store.append(SITE, &record(epoch, 4, 6)).await.unwrap_err();
    assert!(matches!(held, AppendError::Unavailable(_)), "{held}");
    postgres.resume();
    let settle = async {
        while let Err(error) = case.store.append(SITE, &record(epoch, 4, 6)).await {
            assert!(matches!(error, AppendError::Unavailable(_)), "{error}");
        }
    };
    tokio::time::timeout(Duration::from_secs(40), settle).await.unwrap();
    assert_eq!(case.store.load(SITE).await.unwrap().last, Seq(6));
}
