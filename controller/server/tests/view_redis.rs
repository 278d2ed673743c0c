//! The view in Redis: filled, read by a standby, fenced; and whatever is done to Redis, the site goes on.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drover_controller::config::SecretUrl;
use drover_controller::readmodel;
use drover_controller::telemetry::Health;
use drover_controller::tls::Trust;
use drover_controller::view::{Screen, View};
use drover_proto::grpc::v1;
use drover_proto::grpc::v1::fleet_service_client::FleetServiceClient;
use drover_proto::grpc::v1::job_service_client::JobServiceClient;
use kit::mosquitto::Mosquitto;
use kit::process::{Folder, wait_until};
use kit::redis::Redis;
use kit::site::{Drover, Place, Wiring, robots};
use redis::Commands;
use serde_json::Value;
use tokio::sync::watch;
use tonic::transport::Channel;

const SITE: &str = "view-test";
const SPEED: &str = "15";
const ROBOTS: usize = 4;
const JOBS: usize = 10;
const BACK_MAX: Duration = Duration::from_secs(60);
const DONE_MAX: Duration = Duration::from_secs(240);

fn key(name: &str) -> String {
    format!("drover:{SITE}:{name}")
}

/// A customer's program that reads the view.
fn client(redis: &Redis) -> redis::Connection {
    let client = redis::Client::open(redis.url()).unwrap();
    let begun = Instant::now();
    loop {
        match client.get_connection_with_timeout(Duration::from_secs(5)) {
            Ok(connection) => return connection,
            Err(error) => assert!(begun.elapsed() < BACK_MAX, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn hash(redis: &Redis, name: &str) -> BTreeMap<String, String> {
    client(redis).hgetall(key(name)).unwrap_or_default()
}

fn is_whole(redis: &Redis) -> bool {
    hash(redis, "robots").len() == ROBOTS
        && hash(redis, "jobs").len() == JOBS
        && !hash(redis, "stations").is_empty()
        && hash(redis, "site").len() == 7
        && hash(redis, "head").contains_key("seq")
}

/// The last event in the view.
fn last_seq(redis: &Redis) -> u64 {
    hash(redis, "head").get("seq").and_then(|seq| seq.parse().ok()).unwrap_or_default()
}

fn wait_until_whole(redis: &Redis, after: &str) {
    let begun = Instant::now();
    wait_until(&format!("the view after {after}"), BACK_MAX, || is_whole(redis));
    println!("whole after {after}: {} ms", begun.elapsed().as_millis());
}

fn site(mosquitto: &Mosquitto, place: &Place, redis: &Redis) -> Drover {
    let (place, mqtt) = (place.clone(), mosquitto.url());
    let wiring =
        Wiring { id: SITE, place, jobs: "embedded".into(), mqtt, store: None, enroll: "auto", speed: SPEED };
    let mut drover = Drover::configured(&wiring);
    drover.configure(&format!("[cache]\nurl = \"{}\"\n", redis.url()));
    drover.feed(&(0..JOBS).map(Place::warehouse_job).collect::<Vec<_>>());
    drover.restart();
    drover.wait_until_ready();
    drover
}

fn done(drover: &Drover) -> u64 {
    drover.metric("drover_jobs_ended_total{outcome=\"on_time\"}")
}

#[test]
fn whatever_is_done_to_redis_the_view_comes_back_and_the_site_goes_on() {
    let (Some(mosquitto), Some(mut redis)) = (Mosquitto::start(), Redis::start()) else { return };
    let folder = Folder::new("view");
    let place = Place::warehouse(&folder);
    let mut drover = site(&mosquitto, &place, &redis);
    let count = ROBOTS.to_string();
    let _robots =
        robots(&mosquitto, &place, &folder.file("robots.log"), &["--count", &count, "--speed", SPEED]);
    wait_until_whole(&redis, "the start");
    let robots = hash(&redis, "robots");
    let first: Value = serde_json::from_str(robots.values().next().unwrap()).unwrap();
    assert!(robots.contains_key("drover/r01") && first["name"]["manufacturer"] == "drover", "{first}");
    for name in ["head", "robots", "jobs", "stations", "site"] {
        let ttl: i64 = client(&redis).ttl(key(name)).unwrap();
        assert!((1..=60).contains(&ttl), "{name} lives {ttl} s");
    }

    let _: () = redis::cmd("FLUSHALL").query(&mut client(&redis)).unwrap();
    wait_until_whole(&redis, "FLUSHALL");
    let _: () = client(&redis).del(key("robots")).unwrap();
    wait_until_whole(&redis, "one key was lost");
    redis.kill();
    wait_until("the outage to be seen", BACK_MAX, || drover.metric("drover_up{part=\"cache\"}") == 0);
    assert!(drover.get("/readyz").starts_with("HTTP/1.1 200"), "a cache is no reason not to be ready");
    redis.restart();
    wait_until_whole(&redis, "kill -9");

    let (before, seq) = (done(&drover), last_seq(&redis));
    redis.pause();
    wait_until("jobs to be done while Redis hangs", DONE_MAX, || {
        done(&drover) > before && drover.metric("drover_up{part=\"cache\"}") == 0
    });
    redis.resume();
    let begun = Instant::now();
    wait_until("the view to go on", BACK_MAX, || last_seq(&redis) > seq && is_whole(&redis));
    println!("gone on after it hung: {} ms", begun.elapsed().as_millis());
    wait_until("every job to be done", DONE_MAX, || done(&drover) == JOBS as u64);
    drover.stop();
    drover.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_shows_what_the_leader_wrote() {
    let (Some(mosquitto), Some(mut redis)) = (Mosquitto::start(), Redis::start()) else { return };
    let folder = Folder::new("view-standby");
    let place = Place::warehouse(&folder);
    let drover = site(&mosquitto, &place, &redis);
    let count = ROBOTS.to_string();
    let _robots =
        robots(&mosquitto, &place, &folder.file("robots.log"), &["--count", &count, "--speed", SPEED]);
    let (screen, health) = (Screen::new(SITE), Health::default());
    let follower =
        readmodel::follow(&SecretUrl::new(redis.url()), &Trust::of("cache"), SITE, &screen, &health).unwrap();
    let mut views = screen.views.subscribe();
    let view = until(&mut views, |view| view.robots.len() == ROBOTS && view.jobs.len() == JOBS).await;
    assert!(
        !view.leads && view.epoch == 1 && view.leader.is_empty(),
        "who leads is the lease's word: {view:?}"
    );
    let names: Vec<&str> = view.robots.iter().map(|robot| robot.name.serial.as_str()).collect();
    let ids: Vec<&str> = view.jobs.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(
        ids,
        (0..JOBS).map(|number| format!("W-{number}")).collect::<Vec<_>>(),
        "in order of submission"
    );
    let next = until(&mut views, |next| next.at_ms > view.at_ms).await;
    assert_eq!(names, next.robots.iter().map(|robot| robot.name.serial.as_str()).collect::<Vec<_>>());
    let mut pairs = view.jobs.iter().zip(&next.jobs);
    assert!(pairs.any(|(before, now)| Arc::ptr_eq(before, now)), "what didn't change is the same part");

    redis.kill();
    redis.restart();
    let seq = views.borrow().seq;
    until(&mut views, |view| view.seq > seq && view.jobs.len() == JOBS).await;
    assert!(health.missing().is_empty());
    follower.abort();
    drop(drover);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_answers_readers_from_redis_until_it_leads() {
    let (Some(mosquitto), Some(redis)) = (Mosquitto::start(), Redis::start()) else { return };
    let folder = Folder::new("view-two");
    let place = Place::warehouse(&folder);
    let mut leader = site(&mosquitto, &place, &redis);
    let count = ROBOTS.to_string();
    let _robots =
        robots(&mosquitto, &place, &folder.file("robots.log"), &["--count", &count, "--speed", SPEED]);
    let store = Some(format!("sqlite:{}", leader.folder.file("drover.db").display()));
    let (jobs, mqtt) = ("embedded".into(), mosquitto.url());
    let wiring = Wiring { id: SITE, place, jobs, mqtt, store, enroll: "auto", speed: SPEED };
    let mut standby = Drover::configured(&wiring);
    standby.configure(&format!("[cache]\nurl = \"{}\"\n", redis.url()));
    standby.restart();
    standby.wait_until_missing("store");

    let channel = channel(&standby).await;
    let mut fleet = FleetServiceClient::new(channel.clone());
    let mut jobs = JobServiceClient::new(channel);
    let begun = Instant::now();
    while seen(&mut fleet, &mut jobs).await != (ROBOTS, JOBS) {
        assert!(begun.elapsed() < BACK_MAX, "the standby shows {:?}", seen(&mut fleet, &mut jobs).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let cancel = v1::CancelJobRequest { job_id: "W-9".to_owned(), ..v1::CancelJobRequest::default() };
    let refused = jobs.cancel(cancel).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable, "a change is the leader's: {refused}");
    assert_eq!((standby.metric("drover_leader"), leader.metric("drover_leader")), (0, 1));

    leader.kill();
    standby.wait_until_ready();
    assert_eq!(seen(&mut fleet, &mut jobs).await, (ROBOTS, JOBS));
    wait_until("the new leader's view", BACK_MAX, || hash(&redis, "head")["epoch"] == "2");
    wait_until("every job to be done", DONE_MAX, || {
        standby.metric("drover_jobs{state=\"queued\"}") + standby.metric("drover_jobs{state=\"started\"}")
            == 0
            && done(&standby) > 0
    });
    standby.stop();
    standby.assert_sound();
}

async fn channel(drover: &Drover) -> Channel {
    let endpoint = Channel::from_shared(format!("http://127.0.0.1:{}", drover.port)).unwrap();
    endpoint.connect().await.unwrap()
}

/// Robots and jobs, as anybody may list them.
async fn seen(
    fleet: &mut FleetServiceClient<Channel>,
    jobs: &mut JobServiceClient<Channel>,
) -> (usize, usize) {
    let robots =
        fleet.list(v1::ListRobotsRequest::default()).await.map(|answer| answer.into_inner().robots.len());
    let jobs = jobs.list(v1::ListJobsRequest::default()).await.map(|answer| answer.into_inner().jobs.len());
    (robots.unwrap_or_default(), jobs.unwrap_or_default())
}

async fn until(views: &mut watch::Receiver<Arc<View>>, is_it: impl Fn(&View) -> bool) -> Arc<View> {
    let found = tokio::time::timeout(BACK_MAX, views.wait_for(|view| is_it(view)));
    Arc::clone(&*found.await.expect("the view in time").unwrap())
}

/// Pictures of a leader that never was.
fn pictures(epoch: u64) -> watch::Sender<Arc<View>> {
    watch::Sender::new(Arc::new(picture(epoch, 1)))
}

fn picture(epoch: u64, seq: u64) -> View {
    View { epoch, seq, leads: true, leader: format!("leader {epoch}"), ..View::unknown(SITE) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_followed_by_another_overwrites_nothing() {
    let Some(redis) = Redis::start() else { return };
    let (url, health) = (SecretUrl::new(redis.url()), Health::default());
    let (old, new) = (pictures(6), pictures(7));
    let _old_task = readmodel::lead(&url, &Trust::of("cache"), SITE, 6, old.subscribe(), &health).unwrap();
    let leader = || hash(&redis, "head").get("leader").cloned().unwrap_or_default();
    wait_until("the old leader's view", BACK_MAX, || leader() == "leader 6");
    let new_task = readmodel::lead(&url, &Trust::of("cache"), SITE, 7, new.subscribe(), &health).unwrap();
    wait_until("the new leader's view", BACK_MAX, || leader() == "leader 7");
    for seq in 2..20 {
        old.send_replace(Arc::new(picture(6, seq)));
        new.send_replace(Arc::new(picture(7, 1_000 + seq)));
        let head = tokio::task::block_in_place(|| hash(&redis, "head"));
        assert_eq!((head["epoch"].as_str(), head["leader"].as_str()), ("7", "leader 7"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    wait_until("the new leader's last picture", BACK_MAX, || hash(&redis, "head")["seq"] == "1019");

    // Flushed, the old one may be the first to write: the new one's view is back all the same.
    let _: () = redis::cmd("FLUSHALL").query(&mut client(&redis)).unwrap();
    wait_until("the new leader's view again", BACK_MAX, || leader() == "leader 7");
    new_task.abort();
    drop(new);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(leader(), "leader 7", "its view outlives it for its time");
}

#[test]
fn a_site_writes_its_view_over_tls() {
    let (Some(mosquitto), Some(redis)) = (Mosquitto::start(), Redis::start_with_tls()) else { return };
    let folder = Folder::new("view-tls");
    let place = Place::warehouse(&folder);
    let (mqtt, authority) = (mosquitto.url(), redis.authority().unwrap().clone());
    let wiring =
        Wiring { id: SITE, place, jobs: "embedded".into(), mqtt, store: None, enroll: "auto", speed: SPEED };
    let mut drover = Drover::configured(&wiring);
    drover.configure(&format!("[cache]\nurl = \"{}\"\n", redis.url()));
    drover.trust(&authority);
    drover.restart();
    drover.wait_until_ready();
    wait_until("the view to be written", BACK_MAX, || {
        drover.metric("drover_cache_writes_total{outcome=\"whole\"}") > 0
    });
    drover.stop();
    drover.assert_sound();
}
