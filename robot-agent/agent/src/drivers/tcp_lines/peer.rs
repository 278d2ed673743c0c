//! The other end of the line for tests: a simulated robot behind a real socket, stepped in time with the driver.

use super::words::{Failure, Line, Report, Said, Word};
use super::{TcpLines, settings};
use crate::drivers::{Machine, Settings, conformance};
use crate::findings::{Findings, Section};
use crate::robot::Robot;
use drover_agent_core::{
    Abilities, Drive, Facing, Fault, MapChange, Pose, Progress, SimulatedDrive, Status, Waypoint,
};
use drover_proto::vda5050::{Action, BlockingType};
use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(20);
const T0: u64 = conformance::T0;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// A robot's controller as `words` wants it.
struct Peer {
    listener: TcpListener,
    stream: Option<TcpStream>,
    input: Vec<u8>,
    drive: SimulatedDrive,
    way: Vec<Waypoint>,
    had_seq: u64,
    reached: u64,
    had_ids: BTreeSet<String>,
    ended: Vec<Said>,
    n: u64,
    written: u64,
}

impl Peer {
    fn new(robot: &Robot) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        Self {
            listener,
            stream: None,
            input: Vec::new(),
            drive: SimulatedDrive::new(robot.spec.clone(), &robot.start, T0),
            way: Vec::new(),
            had_seq: 0,
            reached: 0,
            had_ids: BTreeSet::new(),
            ended: Vec::new(),
            n: 0,
            written: 0,
        }
    }

    fn accept(&mut self) {
        let (stream, _) = self.listener.accept().expect("the driver connects");
        stream.set_nonblocking(true).expect("a socket");
        self.stream = Some(stream);
        if self.reached > 0 {
            self.tell(&Said::Reached(self.reached));
        }
    }

    fn read(&mut self, now_ms: u64) {
        let mut bytes = [0; 4_096];
        loop {
            let Some(stream) = &mut self.stream else { return };
            match stream.read(&mut bytes) {
                Ok(0) => self.stream = None,
                Ok(count) => self.input.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        while let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.input.drain(..=end).collect();
            let line: Line = serde_json::from_slice(&line).expect("a line of the driver");
            assert!(line.n > self.n, "numbers rise");
            self.n = line.n;
            self.obey(now_ms, line.word);
        }
    }

    fn obey(&mut self, now_ms: u64, word: Word) {
        match word {
            Word::Goto(place) if place.seq <= self.had_seq => {}
            Word::Goto(place) => {
                self.had_seq = place.seq;
                let tangential = Facing::Tangential(place.tangential.unwrap_or(0.0));
                let waypoint = Waypoint {
                    seq: place.seq,
                    node_id: place.node,
                    map_id: place.map,
                    x_m: place.x,
                    y_m: place.y,
                    via_m: place.via,
                    max_speed_m_s: place.max_speed,
                    facing: place.global.map_or(tangential, Facing::Global),
                    theta_rad: place.theta,
                };
                self.way.push(waypoint.clone());
                self.drive.extend(now_ms, vec![waypoint]);
            }
            Word::EndAt(seq) => {
                let wanted = self.way.iter().filter(|waypoint| waypoint.seq <= seq).count();
                if wanted < self.way.len() {
                    let left = self.drive.cut(now_ms);
                    assert!(left <= wanted, "the driver leaves room to brake: {left} of {wanted}");
                    self.drive.extend(now_ms, self.way[left..wanted].to_vec());
                    self.way.truncate(wanted);
                    self.had_seq = seq;
                }
            }
            Word::Cancel {} => {
                self.drive.abandon(now_ms);
                self.way.clear();
                self.had_seq = 0;
            }
            Word::Hold(held) => self.drive.hold(now_ms, held),
            Word::Act(task) => {
                if self.had_ids.insert(task.id.clone()) {
                    let action = Action::new(task.kind, task.id, BlockingType::None);
                    let action = task.parameters.into_iter().fold(action, |action, (k, v)| action.with(k, v));
                    self.drive.begin(now_ms, action);
                } else {
                    self.tell_end(&task.id);
                }
            }
            Word::Interrupt(id) => self.drive.interrupt(now_ms, &id),
            Word::Localise(stand) => {
                let pose = Pose { map_id: stand.map, x_m: stand.x, y_m: stand.y, theta_rad: stand.theta };
                if let Err(why) = self.drive.localise(now_ms, &stand.id, pose) {
                    self.tell(&Said::Failed(Failure { id: stand.id, why }));
                }
            }
        }
    }

    fn tell_end(&mut self, id: &str) {
        let is_it = |said: &&Said| match said {
            Said::Done(done) => done == id,
            Said::Failed(failure) => failure.id == id,
            Said::Reached(_) | Said::Pose(_) => false,
        };
        if let Some(said) = self.ended.iter().find(is_it).cloned() {
            self.tell(&said);
        }
    }

    /// Time passes, and it says what there is to say.
    fn live(&mut self, now_ms: u64) {
        self.drive.advance(now_ms);
        while let Some(progress) = self.drive.poll() {
            let said = match progress {
                Progress::Reached(seq) => {
                    self.way.retain(|waypoint| waypoint.seq > seq);
                    self.reached = seq;
                    Said::Reached(seq)
                }
                Progress::Done(id, Ok(_)) => Said::Done(id),
                Progress::Done(id, Err(why)) => Said::Failed(Failure { id, why }),
            };
            self.ended.push(said.clone());
            self.tell(&said);
        }
        self.tell(&Said::Pose(self.report()));
    }

    fn report(&self) -> Report {
        let Status { pose, driving, speed_m_s, omega_rad_s, since_waypoint_m, charge_pct, charging, faults } =
            self.drive.status();
        Report {
            n: self.n,
            map: pose.map_id,
            x: pose.x_m,
            y: pose.y_m,
            theta: pose.theta_rad,
            driving,
            speed: speed_m_s,
            omega: omega_rad_s,
            since: since_waypoint_m,
            charge: charge_pct,
            charging,
            faults: faults.iter().map(|fault| fault.name().to_owned()).collect(),
        }
    }

    fn tell(&mut self, said: &Said) {
        let text = serde_json::to_string(said).expect("JSON");
        self.write(&format!("{text}\n"));
    }

    fn write(&mut self, text: &str) {
        let Some(stream) = &mut self.stream else { return };
        let mut left = text.as_bytes();
        until("the driver reads", || {
            match stream.write(left) {
                Ok(count) => left = &left[count..],
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
            }
            left.is_empty()
        });
        self.written += text.matches('\n').count() as u64;
    }
}

/// Asks a real socket until it holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        std::thread::yield_now();
    }
}

/// The driver and its robot, on one clock: after every call each has heard all that the other said.
struct Lockstep {
    driver: TcpLines,
    peer: Peer,
}

impl Lockstep {
    fn new() -> Self {
        let mut robot = conformance::robot();
        let peer = Peer::new(&robot);
        let address = peer.listener.local_addr().expect("an address");
        robot.settings = Settings::from([("address", address.to_string())]);
        let _guard = RUNTIME.enter();
        let mut pair = Self { driver: TcpLines::new(&robot, T0), peer };
        pair.link(T0);
        pair
    }

    fn link(&mut self, now_ms: u64) {
        self.peer.written = self.driver.lines_read;
        self.peer.accept();
        until("the link", || {
            self.driver.advance(now_ms);
            self.driver.is_up
        });
        self.settle(now_ms);
    }

    /// The robot's controller goes away, and the driver sees it.
    fn unlink(&mut self, now_ms: u64) {
        self.peer.stream = None;
        self.peer.input.clear();
        until("a broken link", || {
            self.driver.advance(now_ms);
            !self.driver.is_up
        });
    }

    fn settle(&mut self, now_ms: u64) {
        if !self.driver.is_up {
            return self.peer.live(now_ms);
        }
        until("the robot has read all", || {
            self.driver.advance(now_ms);
            self.peer.read(now_ms);
            self.peer.n == self.driver.said
        });
        self.peer.live(now_ms);
        self.hear(now_ms);
    }

    fn hear(&mut self, now_ms: u64) {
        until("the driver has heard all", || {
            self.driver.advance(now_ms);
            self.driver.lines_read == self.peer.written
        });
    }

    fn run(&mut self, from_ms: u64, ms: u64) -> u64 {
        for now in (from_ms..from_ms + ms).step_by(20) {
            self.advance(now + 20);
        }
        from_ms + ms
    }

    fn news(&mut self) -> Vec<Progress> {
        std::iter::from_fn(|| self.driver.poll()).collect()
    }
}

impl Drive for Lockstep {
    fn extend(&mut self, now_ms: u64, waypoints: Vec<Waypoint>) {
        self.driver.extend(now_ms, waypoints);
        self.settle(now_ms);
    }
    fn cut(&mut self, now_ms: u64) -> usize {
        let left = self.driver.cut(now_ms);
        self.settle(now_ms);
        left
    }
    fn hold(&mut self, now_ms: u64, held: bool) {
        self.driver.hold(now_ms, held);
        self.settle(now_ms);
    }
    fn abandon(&mut self, now_ms: u64) {
        self.driver.abandon(now_ms);
        self.settle(now_ms);
    }
    fn begin(&mut self, now_ms: u64, action: Action) {
        self.driver.begin(now_ms, action);
        self.settle(now_ms);
    }
    fn abilities(&self) -> Abilities {
        self.driver.abilities()
    }
    fn localise(&mut self, now_ms: u64, id: &str, pose: Pose) -> Result<(), String> {
        let begun = self.driver.localise(now_ms, id, pose);
        self.settle(now_ms);
        begun
    }
    fn change_map(&mut self, now_ms: u64, id: &str, change: MapChange) -> Result<(), String> {
        self.driver.change_map(now_ms, id, change)
    }
    fn interrupt(&mut self, now_ms: u64, id: &str) {
        self.driver.interrupt(now_ms, id);
        self.settle(now_ms);
    }
    fn advance(&mut self, now_ms: u64) {
        self.driver.advance(now_ms);
        self.settle(now_ms);
    }
    fn next_timeout(&self) -> Option<u64> {
        self.driver.next_timeout()
    }
    fn poll(&mut self) -> Option<Progress> {
        self.driver.poll()
    }
    fn status(&self) -> Status {
        self.driver.status()
    }
}

fn way(seqs: &[u64]) -> Vec<Waypoint> {
    let at = |seq: u64| Waypoint { seq, map_id: "floor".into(), x_m: seq as f64, ..Waypoint::default() };
    seqs.iter().map(|seq| at(*seq)).collect()
}

fn reached(seqs: &[u64]) -> Vec<Progress> {
    seqs.iter().map(|seq| Progress::Reached(*seq)).collect()
}

#[test]
fn robot_behind_lines_is_a_conforming_driver() {
    conformance::check("tcp_lines", &|| -> Machine { Box::new(Lockstep::new()) });
}

#[test]
fn broken_link_loses_and_doubles_nothing() {
    let mut pair = Lockstep::new();
    pair.extend(T0, way(&[2, 4]));
    pair.begin(T0, Action::new("beep", "a", BlockingType::None).with("duration", 3));
    let now = pair.run(T0, 500);
    assert!(pair.status().faults.is_empty());
    pair.unlink(now);
    assert_eq!(pair.status().faults, [Fault::Breakdown]);
    pair.extend(now, way(&[6]));
    pair.begin(now, Action::new("beep", "b", BlockingType::None));
    let now = pair.run(now, 10_000);
    assert!(pair.news().is_empty(), "nothing is known while the link is broken");
    pair.link(now);
    let now = pair.run(now, 20_000);
    assert!(pair.status().faults.is_empty() && !pair.is_driving());
    let (places, ends): (Vec<_>, Vec<_>) =
        pair.news().into_iter().partition(|news| matches!(news, Progress::Reached(_)));
    assert_eq!(places, reached(&[2, 4, 6]));
    let done = |id: &str| Progress::Done(id.to_owned(), Ok(String::new()));
    assert_eq!(ends, [done("a"), done("b")]);
    assert_eq!(pair.status().pose.x_m, 6.0);
    pair.extend(now, way(&[2]));
    pair.run(now, 20_000);
    assert_eq!((pair.news(), pair.status().pose.x_m), (reached(&[2]), 2.0), "an order's numbers begin anew");
}

#[test]
fn silent_robot_is_a_breakdown() {
    let mut pair = Lockstep::new();
    pair.driver.advance(T0 + 3_000);
    assert!(pair.driver.status().faults.is_empty());
    pair.driver.advance(T0 + 3_001);
    assert_eq!(pair.driver.status().faults, [Fault::Breakdown]);
    pair.advance(T0 + 3_020);
    assert!(pair.driver.status().faults.is_empty());
}

#[test]
fn lines_that_make_no_sense_are_left_out() {
    let mut pair = Lockstep::new();
    pair.extend(T0, way(&[2]));
    let before = pair.status();
    let nonsense = [
        "{",
        "",
        "[]",
        "{\"reached\":-1}",
        "{\"pose\":{\"x\":1}}",
        "{\"fly\":1}",
        "{\"reached\":99999999999999}",
    ];
    for line in nonsense {
        pair.peer.write(&format!("{line}\n"));
    }
    pair.hear(T0);
    assert_eq!((pair.status(), pair.news()), (before, vec![]));
    pair.run(T0, 10_000);
    assert_eq!(pair.news(), reached(&[2]));
}

#[test]
fn robot_that_hasnt_read_its_way_counts_as_driving() {
    let mut pair = Lockstep::new();
    assert!(!pair.driver.is_driving());
    pair.driver.extend(T0, way(&[2]));
    assert!(pair.driver.is_driving(), "it may have begun");
    pair.driver.begin(T0, Action::new("beep", "a", BlockingType::None));
    pair.settle(T0);
    let now = pair.run(T0, 10_000);
    assert!(!pair.driver.is_driving());
    pair.driver.begin(now, Action::new("beep", "b", BlockingType::None));
    assert!(!pair.driver.is_driving(), "an action doesn't move it");
}

#[test]
fn robot_is_told_where_it_is_over_the_line() {
    let mut pair = Lockstep::new();
    let there = Pose { map_id: "roof".into(), x_m: 7.0, y_m: 1.0, theta_rad: 0.5 };
    assert_eq!(pair.localise(T0, "i", there.clone()), Ok(()));
    assert_eq!(pair.news(), [Progress::Done("i".to_owned(), Ok(String::new()))]);
    assert_eq!(pair.status().pose, there);
    pair.extend(T0, way(&[9]));
    assert!(pair.localise(T0, "j", there).is_err());
}

#[test]
fn address_is_judged_with_a_mend() {
    let judge = |text: &str| {
        let table: toml::Table = toml::from_str(text).expect("TOML");
        let mut findings = Findings::new("agent.toml");
        let mut section = Section::new("robot[0]", &table);
        let settings = settings(&mut findings, &mut section);
        (settings.get("address").cloned().unwrap_or_default(), findings.lines.join("\n"))
    };
    for good in ["10.0.0.7:7200", "agv-7.local:1", "[fd00::7]:7200"] {
        assert_eq!(judge(&format!("address = {good:?}")), (good.to_owned(), String::new()));
    }
    for (bad, why) in [
        ("10.0.0.7", "has no port"),
        (":7200", "has no host"),
        ("http://h:80", "has no host"),
        ("h:0", "1 to 65535"),
        ("h:70000", "1 to 65535"),
        ("fd00::7:7200", "brackets"),
        ("", "has no port"),
    ] {
        let (_, finding) = judge(&format!("address = {bad:?}"));
        assert!(finding.starts_with(&format!("agent.toml: robot[0].address = {bad:?}: ")), "{finding}");
        assert!(finding.contains(why) && finding.contains("10.0.0.7:7200"), "{bad}: {finding}");
    }
    assert!(judge("").1.contains("robot[0].address is missing: write address = \"10.0.0.7:7200\""));
}
