//! The layout's file is changed under a running controller with a wave of jobs under way: the site goes over to it, every job
//! is done, and the journal replays; a file that doesn't fit is refused with the reason, and one changed while nobody ran is
//! taken at the start.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::fs;
use std::path::Path;
use std::time::Duration;

use drover_proto::grpc::v1;
use kit::mosquitto::Mosquitto;
use kit::process::{Folder, wait_until};
use kit::site::{Drover, Place, Wiring, robots};
use serde_json::Value;
use tonic::transport::Channel;
use tonic::{Code, Status};
use v1::site_service_client::SiteServiceClient;

const JOBS: usize = 24;
const ROBOTS: &str = "5";
const DONE_MAX: Duration = Duration::from_secs(150);
const SWAP_MAX: Duration = Duration::from_secs(90);

fn done(drover: &Drover) -> u64 {
    drover.metric("drover_job_news_total{state=\"done\"}")
}

/// Writes the layout's file anew.
fn change(file: &Path, change: impl FnOnce(&mut Value)) {
    let mut lif: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    change(&mut lif["layouts"][0]);
    fs::write(file, lif.to_string()).unwrap();
}

/// The pick station of this number stands half a metre further along; the ids of all nodes are others, too.
fn moved(layout: &mut Value, station: &str, metres: f64) {
    let stations = layout["stations"].as_array().unwrap();
    let found = stations.iter().find(|it| it["stationId"] == station).unwrap();
    let node = found["interactionNodeIds"][0].clone();
    let nodes = layout["nodes"].as_array_mut().unwrap();
    let place = nodes.iter_mut().find(|it| it["nodeId"] == node).unwrap();
    let x = place["nodePosition"]["x"].as_f64().unwrap();
    place["nodePosition"]["x"] = (x + metres).into();
    nodes.reverse();
}

async fn reload(
    site: &mut SiteServiceClient<Channel>,
    key: &str,
) -> Result<v1::ReloadLayoutResponse, Status> {
    let (idempotency_key, reason) = (key.to_owned(), "a rack was moved".to_owned());
    let request = v1::ReloadLayoutRequest { idempotency_key, reason };
    site.reload_layout(request).await.map(tonic::Response::into_inner)
}

async fn version(site: &mut SiteServiceClient<Channel>) -> String {
    site.get_layout(v1::GetLayoutRequest::default()).await.unwrap().into_inner().version
}

async fn client(drover: &Drover) -> SiteServiceClient<Channel> {
    let endpoint = Channel::from_shared(format!("http://127.0.0.1:{}", drover.port)).unwrap();
    SiteServiceClient::new(endpoint.connect().await.unwrap())
}

async fn wait_for_version(site: &mut SiteServiceClient<Channel>, wanted: &str) {
    let begun = std::time::Instant::now();
    while version(site).await != wanted {
        assert!(begun.elapsed() < SWAP_MAX, "layout {wanted} never came into use");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_changed_under_a_wave_is_taken_over_and_every_job_is_done() {
    let Some(mosquitto) = Mosquitto::start() else { return };
    let map = Folder::new("relaid-map");
    let place = Place::warehouse(&map);
    let file = place.layout.clone();
    let mut drover = Drover::configured(&Wiring {
        id: "relaid",
        place: place.clone(),
        jobs: "embedded".to_owned(),
        mqtt: mosquitto.url(),
        store: None,
        enroll: "auto",
        speed: "8",
    });
    drover.feed(&(0..JOBS).map(Place::warehouse_job).collect::<Vec<_>>());
    drover.restart();
    drover.wait_until_ready();
    let options = ["--count", ROBOTS, "--speed", "8"];
    let _robots = robots(&mosquitto, &place, &drover.folder.file("robots.log"), &options);
    wait_until("the first jobs to be done", DONE_MAX, || done(&drover) >= 2);
    let mut site = client(&drover).await;
    let first = version(&mut site).await;
    assert_eq!(reload(&mut site, "k0").await.unwrap().outcome, "unchanged");

    change(&file, |layout| moved(layout, "PICK-005", 0.05));
    let answer = reload(&mut site, "k1").await.unwrap();
    assert!(answer.version != first, "{answer:?}");
    assert!(answer.outcome == "changed" || !answer.waits_for.is_empty(), "{answer:?}");
    wait_for_version(&mut site, &answer.version).await;
    assert!(done(&drover) < JOBS as u64, "the wave is still under way");
    let mut status = site.watch_status(v1::WatchStatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.message().await.unwrap().unwrap().layout_version, answer.version);

    let whole = fs::read(&file).unwrap();
    change(&file, |layout| {
        layout["stations"].as_array_mut().unwrap().retain(|it| it["stationId"] != "DOCK-01")
    });
    let refused = reload(&mut site, "k2").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert!(refused.message().contains("LAYOUT_UNFIT") && refused.message().contains("DOCK-01"), "{refused}");
    fs::write(&file, b"{").unwrap();
    let refused = reload(&mut site, "k3").await.unwrap_err();
    assert!(refused.message().contains("LAYOUT_INVALID"), "{refused}");
    fs::write(&file, whole).unwrap();

    // Killed, and the file is changed while nobody runs: the journal's layout is restored, and the change begins.
    drover.kill();
    change(&file, |layout| moved(layout, "PICK-006", 0.05));
    let before = drover.whole_log().len();
    drover.restart();
    drover.wait_until_ready();
    wait_until("the layout of the files to be in use", SWAP_MAX, || {
        drover.whole_log()[before..].contains("LAYOUT_CHANGED")
    });
    wait_until("every job to be done", DONE_MAX, || {
        drover.get("/metrics").contains("drover_jobs_ended_total") && ended(&drover) >= JOBS
    });
    drover.stop();
    drover.assert_sound();
}

/// Jobs that the log says are done, over all starts.
fn ended(drover: &Drover) -> usize {
    let log = drover.whole_log();
    let mut jobs: Vec<&str> = log.lines().filter(|line| line.contains(" done ")).filter_map(job).collect();
    jobs.sort_unstable();
    jobs.dedup();
    jobs.len()
}

fn job(line: &str) -> Option<&str> {
    line.split_whitespace().find_map(|word| word.strip_prefix("job="))
}
