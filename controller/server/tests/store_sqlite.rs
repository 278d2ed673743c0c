//! SQLite holds what the conformance suite claims, and survives the kill of its process.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../src/store/conformance.rs"]
mod conformance;
#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use conformance::{Case, SITE, record};
use drover_controller::store::{AppendError, Store};
use drover_core::clock::Time;
use drover_core::id::Seq;
use kit::process::Folder;

const URL: &str = "DROVER_TEST_URL";

async fn fresh() -> Option<(Folder, Case)> {
    let folder = Folder::new("sqlite");
    let case = Case::open(url(&folder)).await;
    Some((folder, case))
}

fn url(folder: &Folder) -> String {
    format!("sqlite:{}", folder.file("drover.db").display())
}

conformance::suite!(fresh);

/// Not a test of its own: the process that `what_a_killed_process_has_committed_is_there` kills. Appends for ever and
/// prints each place once it is durable.
#[tokio::test]
async fn appender() {
    let Ok(url) = std::env::var(URL) else { return };
    let store = Store::connect(&url).await.unwrap();
    let epoch = store.lead(SITE, "appender", Time(0)).await.unwrap();
    let mut last = store.load(SITE).await.unwrap().last;
    loop {
        store.append(SITE, &record(epoch, last.0 + 1, last.0 + 3)).await.unwrap();
        last = Seq(last.0 + 3);
        println!("durable {}", last.0);
    }
}

#[tokio::test]
async fn what_a_killed_process_has_committed_is_there() {
    let folder = Folder::new("sqlite-kill");
    let mut durable = 0;
    for round in 1..=5_usize {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "appender", "--nocapture"])
            .env(URL, url(&folder))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let seqs = lines.filter_map(|line| line.rsplit_once("durable ")?.1.parse::<u64>().ok());
        durable = seqs.take(20 * round).last().unwrap_or(durable);
        child.kill().unwrap();
        child.wait().unwrap();
        let loaded = Store::connect(&url(&folder)).await.unwrap().load(SITE).await.unwrap();
        assert!(loaded.last >= Seq(durable), "{durable} was durable, {:?} is there", loaded.last);
    }
    assert!(durable >= 300, "five processes appended: {durable}");
}

#[tokio::test]
async fn a_second_process_takes_over_and_the_first_is_fenced() {
    let folder = Folder::new("sqlite-two");
    let (first, second) =
        (Store::connect(&url(&folder)).await.unwrap(), Store::connect(&url(&folder)).await.unwrap());
    let old = first.lead(SITE, "first", Time(0)).await.unwrap();
    first.append(SITE, &record(old, 1, 1)).await.unwrap();
    let new = second.lead(SITE, "second", Time(0)).await.unwrap();
    let fenced = first.append(SITE, &record(old, 2, 2)).await.unwrap_err();
    assert!(matches!(fenced, AppendError::Fenced { .. }), "{fenced}");
    second.append(SITE, &record(new, 2, 2)).await.unwrap();
}

#[tokio::test]
async fn a_url_of_no_store_is_refused_with_the_mend() {
    for (url, part) in [("mysql://x", "use sqlite:PATH or postgres://"), ("sqlite:", "names no file")] {
        let error = Store::connect(url).await.err().unwrap().to_string();
        assert!(error.contains(part), "{error}");
    }
}
