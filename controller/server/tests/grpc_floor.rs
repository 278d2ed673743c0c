//! The floor over gRPC, with real robots' agents on a real broker: what is watched, paused, stopped, and really stands.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drover_controller::broker;
use drover_proto::grpc::v1;
use kit::api::{Api, Setup, must};
use kit::process::{Folder, Service};
use kit::site::{Place, program};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde_json::Value;
use tonic::transport::Channel;
use tonic::{Code, Streaming};
use v1::fleet_service_client::FleetServiceClient;
use v1::floor_service_client::FloorServiceClient;
use v1::job_service_client::JobServiceClient;
use v1::robot_update::Change;
use v1::site_service_client::SiteServiceClient;

const SPEED: &str = "10";
const ROBOTS: usize = 5;
const WAIT_MAX: Duration = Duration::from_secs(120);
const PACKET_MAX: usize = 1024 * 1024;
/// The hall's middle: zones lie west and east of it, mm.
const MIDDLE_MM: i64 = 24_000;

struct Floor {
    api: Api,
    channel: Channel,
    wire: Wire,
    _robots: Service,
}

impl Floor {
    async fn start(name: &str) -> Floor {
        let broker = broker::start().await.unwrap();
        let url = format!("mqtt://{broker}");
        let folder = Folder::new(name);
        let place = warehouse(&folder);
        let wire = Wire::listen(broker).await;
        let mut command = Command::new(program("drover-agent"));
        command.args(["robots", "--broker", &url, "--count", &ROBOTS.to_string(), "--speed", SPEED]);
        command.arg("--layout").arg(&place.layout).arg("--site").arg(place.site.as_ref().unwrap());
        let robots = Service::spawn(command, &folder.file("robots.log"));
        let api = Api::start(folder, &Setup { name, place, mqtt: &url, speed: SPEED, more: "" });
        let channel = api.channel().await;
        Floor { api, channel, wire, _robots: robots }
    }

    fn fleet(&self) -> FleetServiceClient<Channel> {
        FleetServiceClient::new(self.channel.clone())
    }

    fn jobs(&self) -> JobServiceClient<Channel> {
        JobServiceClient::new(self.channel.clone())
    }

    fn site(&self) -> SiteServiceClient<Channel> {
        SiteServiceClient::new(self.channel.clone())
    }

    async fn submit(&self, id: &str, stations: &[&str]) {
        let legs = stations.iter().enumerate().map(|(leg, station)| v1::Leg {
            station: (*station).to_owned(),
            action: if leg == 0 { "pick" } else { "drop" }.to_owned(),
            load: (leg == 0).then(|| v1::Load { id: format!("BOX-{id}"), r#type: "box".to_owned() }),
            ..v1::Leg::default()
        });
        let job = v1::JobSpec { job_id: id.to_owned(), legs: legs.collect(), ..v1::JobSpec::default() };
        self.jobs()
            .submit(v1::SubmitJobRequest { job: Some(job), ..v1::SubmitJobRequest::default() })
            .await
            .unwrap();
    }

    async fn events(&self, after_n: Option<u64>) -> Streaming<v1::JobEvent> {
        let request = v1::WatchJobsRequest { after_n, job_ids: Vec::new() };
        self.jobs().watch(request).await.unwrap().into_inner()
    }

    async fn picture(&self) -> Picture {
        let updates = self.fleet().watch(v1::WatchRobotsRequest::default()).await.unwrap().into_inner();
        let mut picture = Picture { updates, robots: BTreeMap::new(), is_complete: false };
        picture.until("all robots", |picture| picture.is_complete).await;
        picture
    }

    /// All robots are there and have nothing in their way.
    async fn all_idle(&self) -> Picture {
        let mut picture = self.picture().await;
        let is_there = |robot: &v1::Robot| robot.online && !robot.last_node.is_empty();
        let all = |picture: &Picture| picture.robots.len() == ROBOTS && picture.robots.values().all(is_there);
        picture.until("robots to be there", all).await;
        picture
    }
}

/// A generated warehouse whose hall is cut into two zones.
fn warehouse(folder: &Folder) -> Place {
    let arguments = "map generate warehouse --aisles 3 --bays 4 --cross-aisles 2 --docks 2 --picks 9 --parking 6 \
                     --robots 5 --out .";
    let drover = program("drover");
    must(folder.path(), drover.to_str().unwrap(), &arguments.split_whitespace().collect::<Vec<_>>());
    let site = folder.file("site.toml");
    let text = std::fs::read_to_string(&site).unwrap();
    let begin = text.find("[[zone]]").unwrap();
    let end = begin + text[begin..].find("\n\n").unwrap();
    let zone = |id: &str, from: i64, to: i64| {
        let polygon = format!("[[{from}.0, 0.0], [{to}.0, 0.0], [{to}.0, 40.0], [{from}.0, 40.0]]");
        format!("[[zone]]\nid = \"{id}\"\npolygon = {polygon}\n")
    };
    let middle = MIDDLE_MM / 1_000;
    let zones = zone("west", 0, middle) + &zone("east", middle, 60);
    std::fs::write(&site, format!("{}{zones}{}", &text[..begin], &text[end..])).unwrap();
    Place { layout: folder.file("layout.lif.json"), site: Some(site) }
}

/// The robots as a watcher of the stream knows them.
struct Picture {
    updates: Streaming<v1::RobotUpdate>,
    robots: BTreeMap<String, v1::Robot>,
    is_complete: bool,
}

impl Picture {
    async fn until(&mut self, what: &str, mut is_so: impl FnMut(&Picture) -> bool) {
        let all = async {
            while !is_so(self) {
                match self.updates.message().await.unwrap().unwrap().change.unwrap() {
                    Change::Robot(robot) => {
                        self.robots.insert(name(robot.id.as_ref().unwrap()), robot);
                    }
                    Change::Removed(robot) => drop(self.robots.remove(&name(&robot))),
                    Change::Complete(is_complete) => self.is_complete = is_complete,
                }
            }
        };
        let done = tokio::time::timeout(WAIT_MAX, all).await.is_ok();
        assert!(done, "waited for {what}: {:#?}", self.robots);
    }
}

fn name(robot: &v1::RobotId) -> String {
    format!("{}/{}", robot.manufacturer, robot.serial)
}

async fn until_done(events: &mut Streaming<v1::JobEvent>, jobs: &[&str]) -> Vec<v1::JobEvent> {
    let mut heard = Vec::new();
    let mut left: BTreeSet<&str> = jobs.iter().copied().collect();
    let all = async {
        while !left.is_empty() {
            let event = events.message().await.unwrap().unwrap();
            assert_ne!(event.state(), v1::JobState::Failed, "{event:?}");
            if event.state() == v1::JobState::Done {
                left.remove(event.job_id.as_str());
            }
            heard.push(event);
        }
    };
    let is_done = tokio::time::timeout(WAIT_MAX, all).await.is_ok();
    assert!(is_done, "not done: {left:?}");
    heard
}

/// What goes over the broker: instant actions by robot, and where robots say they are.
struct Wire {
    heard: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Wire {
    /// Subscribed when this returns.
    async fn listen(broker: SocketAddr) -> Wire {
        let mut options = MqttOptions::new("wire", broker.ip().to_string(), broker.port());
        options.set_max_packet_size(PACKET_MAX, PACKET_MAX);
        let (client, mut events) = AsyncClient::new(options, 10);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (subscribed, mut is_subscribed) = tokio::sync::mpsc::channel(2);
        let list = Arc::clone(&heard);
        tokio::spawn(async move {
            client.subscribe("uagv/v2/+/+/instantActions", QoS::AtMostOnce).await.unwrap();
            client.subscribe("uagv/v2/+/+/state", QoS::AtMostOnce).await.unwrap();
            loop {
                match events.poll().await.unwrap() {
                    Event::Incoming(Packet::SubAck(_)) => subscribed.send(()).await.unwrap(),
                    Event::Incoming(Packet::Publish(message)) => {
                        let value = serde_json::from_slice(&message.payload).unwrap();
                        list.lock().unwrap().push((message.topic, value));
                    }
                    _ => {}
                }
            }
        });
        is_subscribed.recv().await.unwrap();
        is_subscribed.recv().await.unwrap();
        Wire { heard }
    }

    /// Types of the instant actions this robot was sent, in order.
    fn actions(&self, robot: &str) -> Vec<String> {
        let topic = format!("uagv/v2/{robot}/instantActions");
        let heard = self.heard.lock().unwrap();
        let mine = heard.iter().filter(|(to, _)| *to == topic);
        let actions = mine.flat_map(|(_, message)| message["actions"].as_array().unwrap());
        actions.map(|action| action["actionType"].as_str().unwrap().to_owned()).collect()
    }

    fn clear(&self) {
        self.heard.lock().unwrap().clear();
    }

    /// States heard since: robot, last node, x in mm, and whether it drives.
    fn states(&self) -> Vec<(String, String, i64, bool)> {
        let heard = self.heard.lock().unwrap();
        let states = heard.iter().filter(|(topic, _)| topic.ends_with("/state"));
        let read = |(topic, state): &(String, Value)| {
            let robot = topic.trim_start_matches("uagv/v2/").trim_end_matches("/state").to_owned();
            let x_m = state["agvPosition"]["x"].as_f64().unwrap();
            let node = state["lastNodeId"].as_str().unwrap().to_owned();
            (robot, node, (x_m * 1_000.0) as i64, state["driving"].as_bool().unwrap())
        };
        states.map(read).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_robot_is_told_so_on_the_wire_and_goes_on_when_resumed() {
    let floor = Floor::start("pause").await;
    let mut picture = floor.all_idle().await;
    let robot = v1::RobotId { manufacturer: "drover".to_owned(), serial: "r01".to_owned() };
    let request = v1::PauseRobotsRequest {
        idempotency_key: "pause-1".to_owned(),
        robots: vec![robot.clone()],
        reason: "wet floor".to_owned(),
    };
    let receipt = floor.fleet().pause(request.clone()).await.unwrap().into_inner().receipt.unwrap();
    assert!(receipt.seq > 0 && !receipt.repeated);
    picture
        .until("r01 to be paused", |picture| picture.robots["drover/r01"].status() == v1::RobotStatus::Paused)
        .await;
    let paused = &picture.robots["drover/r01"];
    assert_eq!((paused.paused_by.as_str(), paused.paused_at_ms.is_some()), ("anonymous", true));
    assert_eq!(floor.wire.actions("drover/r01").last().map(String::as_str), Some("startPause"));
    assert!(!floor.wire.actions("drover/r02").contains(&"startPause".to_owned()));

    assert!(floor.fleet().pause(request.clone()).await.unwrap().into_inner().receipt.unwrap().repeated);
    let other = v1::PauseRobotsRequest { robots: Vec::new(), ..request };
    let reused = floor.fleet().pause(other).await.unwrap_err();
    assert_eq!(reused.code(), Code::AlreadyExists);
    assert_eq!(reused.metadata().get("drover-code").unwrap(), "KEY_REUSED");
    let nobody = v1::RobotId { serial: "r99".to_owned(), ..robot.clone() };
    let unknown = v1::PauseRobotsRequest { robots: vec![nobody], ..v1::PauseRobotsRequest::default() };
    assert_eq!(floor.fleet().pause(unknown).await.unwrap_err().code(), Code::NotFound);

    let request = v1::ResumeRobotsRequest { idempotency_key: "resume-1".to_owned(), robots: vec![robot] };
    floor.fleet().resume(request).await.unwrap();
    picture
        .until("r01 to go on", |picture| picture.robots["drover/r01"].status() != v1::RobotStatus::Paused)
        .await;
    assert_eq!(floor.wire.actions("drover/r01").last().map(String::as_str), Some("stopPause"));
    floor.api.wait_until_ready();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_stopped_zone_nobody_moves_and_nobody_enters() {
    let floor = Floor::start("zone").await;
    let mut picture = floor.all_idle().await;
    let mut events = floor.events(None).await;
    for id in ["E-0", "E-1"] {
        floor.submit(id, &["PICK-007", "DOCK-02"]).await;
    }
    let is_east = |robot: &v1::Robot| robot.pose.as_ref().is_some_and(|pose| pose.x_mm > MIDDLE_MM);
    let drives_east = |picture: &Picture| {
        picture.robots.values().any(|robot| is_east(robot) && robot.status() == v1::RobotStatus::Driving)
    };
    picture.until("a robot to drive in the east", drives_east).await;
    let stop = v1::StopZoneRequest { zone: "east".to_owned(), ..v1::StopZoneRequest::default() };
    let told = floor.site().stop_zone(stop).await.unwrap().into_inner().robots;
    assert!(!told.is_empty());
    let told: BTreeSet<String> = told.iter().map(name).collect();
    let all_stand =
        |picture: &Picture| told.iter().all(|name| picture.robots[name].status() == v1::RobotStatus::Paused);
    picture.until("those in the zone to stand", all_stand).await;
    floor.wire.clear();
    // The rest of the site goes on.
    let west: Vec<String> = (0..4).map(|number| format!("W-{number}")).collect();
    for id in &west {
        floor.submit(id, &["PICK-002", "DOCK-01"]).await;
    }
    until_done(&mut events, &west.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut places: BTreeMap<String, i64> = BTreeMap::new();
    for (robot, node, x_mm, drives) in floor.wire.states() {
        if told.contains(&robot) {
            assert!(!drives, "{robot} drives at {node}");
            let place = *places.entry(robot.clone()).or_insert(x_mm);
            assert_eq!(place, x_mm, "{robot} moves");
        } else {
            // Its nose may reach over the line, never its centre.
            assert!(x_mm <= MIDDLE_MM, "{robot} enters at {node}");
        }
    }
    let zones = floor.site().list_zones(v1::ListZonesRequest {}).await.unwrap().into_inner().zones;
    assert_eq!(
        zones.iter().map(|zone| (zone.id.as_str(), zone.stopped)).collect::<Vec<_>>(),
        [("west", false), ("east", true)]
    );
    let resume = v1::ResumeZoneRequest { zone: "east".to_owned(), ..v1::ResumeZoneRequest::default() };
    floor.site().resume_zone(resume).await.unwrap();
    until_done(&mut events, &["E-0", "E-1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_tell_what_happens_and_a_stalled_one_stops_nobody() {
    let floor = Floor::start("streams").await;
    floor.all_idle().await;
    let mut stalled = Vec::new();
    for _ in 0..20 {
        stalled.push(floor.fleet().watch(v1::WatchRobotsRequest::default()).await.unwrap().into_inner());
    }
    let mut events = floor.events(None).await;
    let mut queue = FloorServiceClient::new(floor.channel.clone());
    let request = v1::NextRequest { station: "PICK-001".to_owned() };
    let mut queue = queue.next(request).await.unwrap().into_inner();
    assert!(queue.message().await.unwrap().unwrap().next.is_empty());
    floor.submit("J-1", &["PICK-001", "DOCK-01"]).await;
    floor.submit("J-2", &["PICK-002", "DOCK-02"]).await;
    let view = queue.message().await.unwrap().unwrap();
    assert_eq!((view.next[0].task_id.as_str(), view.version), ("J-1/0", 2));

    let heard = until_done(&mut events, &["J-1", "J-2"]).await;
    let numbers: Vec<u64> = heard.iter().map(|event| event.n).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let mut again = floor.events(Some(3)).await;
    assert_eq!(again.message().await.unwrap().unwrap(), heard[3]);

    let job = floor.jobs().get(v1::GetJobRequest { job_id: "J-1".to_owned() }).await.unwrap().into_inner();
    let states: Vec<v1::JobState> = job.history.iter().map(v1::JobEvent::state).collect();
    use v1::JobState::{Accepted, Assigned, Done, LegDone, Started};
    assert_eq!(states, [Accepted, Assigned, Started, LegDone, LegDone, Done]);
    let job = job.job.unwrap();
    assert_eq!((job.state(), job.legs_done, job.robot.is_some()), (Done, 2, true));
    assert!(job.started_at_ms.is_some() && job.ended_at_ms >= job.started_at_ms);
    let only = v1::WatchJobsRequest { after_n: Some(0), job_ids: vec!["J-2".to_owned()] };
    let mut only = floor.jobs().watch(only).await.unwrap().into_inner();
    assert_eq!(only.message().await.unwrap().unwrap().job_id, "J-2");

    let page = v1::Page { size: 2, token: String::new() };
    let request = v1::ListRobotsRequest { page: Some(page), statuses: Vec::new() };
    let first = floor.fleet().list(request).await.unwrap().into_inner();
    assert_eq!((first.robots.len(), first.next_token.as_str()), (2, "2"));
    for mut stream in stalled {
        assert!(stream.message().await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_taken_back_with_its_load_aboard_brings_it_back() {
    let floor = Floor::start("taken-back").await;
    let mut picture = floor.all_idle().await;
    let mut events = floor.events(None).await;
    floor.submit("J-1", &["PICK-001", "DOCK-01"]).await;
    let short = v1::ShortPickRequest {
        task_id: "J-1/0".to_owned(),
        quantity: 2.5,
        reason: "broken".to_owned(),
        ..v1::ShortPickRequest::default()
    };
    FloorServiceClient::new(floor.channel.clone()).short_pick(short).await.unwrap();
    let picked = loop {
        let event = events.message().await.unwrap().unwrap();
        if event.state() == v1::JobState::LegDone {
            break event;
        }
    };
    let line = v1::ShortLine { line: 0, quantity: 2.5, reason: "broken".to_owned() };
    assert_eq!((picked.leg, &picked.short[..]), (Some(0), &[line][..]));
    let who = name(picked.robot.as_ref().unwrap());
    let cancel = v1::CancelJobRequest { job_id: "J-1".to_owned(), ..v1::CancelJobRequest::default() };
    floor.jobs().cancel(cancel).await.unwrap();
    assert_eq!(events.message().await.unwrap().unwrap().state(), v1::JobState::Cancelled);
    picture.until("the load to be aboard", |picture| !picture.robots[&who].loads.is_empty()).await;
    picture.until("the load to be back", |picture| picture.robots[&who].loads.is_empty()).await;
    let layout = floor.site().get_layout(v1::GetLayoutRequest::default()).await.unwrap().into_inner();
    let station = layout.stations.into_iter().find(|station| station.id == "PICK-001");
    assert!(station.unwrap().nodes.contains(&picture.robots[&who].last_node), "{:?}", picture.robots[&who]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_is_sent_once_and_known_by_its_version() {
    let floor = Floor::start("layout").await;
    let whole = floor.site().get_layout(v1::GetLayoutRequest::default()).await.unwrap().into_inner();
    assert_eq!(
        (whole.nodes.len(), whole.edges.len(), whole.stations.len(), whole.zones.len()),
        (126, 166, 11, 2)
    );
    assert!(whole.zones.iter().all(|zone| !zone.nodes.is_empty() && zone.outline.len() == 4));
    assert!(whole.edges.iter().all(|edge| edge.speed_mm_s > 0 && edge.length_mm > 0));
    let known = v1::GetLayoutRequest { known_version: whole.version.clone() };
    let again = floor.site().get_layout(known).await.unwrap().into_inner();
    assert_eq!((again.version, again.nodes.len()), (whole.version, 0));
}
