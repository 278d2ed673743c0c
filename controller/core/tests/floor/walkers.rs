//! Robots that obey releases at nominal speed and answer with facts, without a wire.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use drover_core::check::{self, Watch};
use drover_core::command::{Command, JobNews, Notification};
use drover_core::device::{Level, Observed};
use drover_core::event::{ActionStatus, Connection, DeviceFact, Event, Fact};
use drover_core::job::{ActionSpec, JobSpec, LegSpec};
use drover_core::load::Load;
use drover_core::plan::Algorithm;
use drover_core::release::Order;
use drover_core::{Config, DeviceId, Fleet, JobId, RobotId, RobotName, Time};
use drover_maps::{EdgeId, Layout, NodeId, TypeId};

/// Time between a command and the robot's knowing, and between a fact and the fleet's knowing, ms.
const WIRE_MS: u64 = 30;
const ACTION_MS: u64 = 4_000;
/// Time a door takes to open or close, ms.
const DOOR_MS: u64 = 2_000;

/// A robot that does what it is told.
#[derive(Default)]
struct Walker {
    way: VecDeque<(Option<EdgeId>, u32)>,
    arrives_at: Option<u64>,
    actions: VecDeque<String>,
    action_ends_at: Option<u64>,
    heading: Option<i32>,
}

pub struct Floor {
    pub layout: Arc<Layout>,
    pub fleet: Fleet,
    pub now: u64,
    pub notes: Vec<Notification>,
    pub alarms: Vec<String>,
    pub violations: Vec<String>,
    pub entries: Vec<(Time, Event, Vec<Command>)>,
    walkers: Vec<Walker>,
    agenda: BTreeMap<(u64, u64), Due>,
    count: u64,
    watch: Watch,
    pub checks_each: u64,
    steps: u64,
}

enum Due {
    Told(RobotId, Box<Order>),
    Fact(RobotId, Fact),
    Arrives(RobotId),
    Acted(RobotId),
    Door(DeviceId, Level),
}

#[expect(clippy::disallowed_methods, reason = "a test reads the site it drives on")]
pub fn load(name: &str) -> Arc<Layout> {
    let folder = format!("{}/../../maps/sites/{name}", env!("CARGO_MANIFEST_DIR"));
    let lif = std::fs::read(format!("{folder}/layout.lif.json")).expect("the test's own data");
    let site = std::fs::read_to_string(format!("{folder}/site.toml")).expect("the test's own data");
    Arc::new(drover_maps::compile(&lif, Some(&site)).expect("the test's own data").layout)
}

pub fn job(id: &str, sequence: Option<&str>, stations: &[&str]) -> JobSpec {
    let last = stations.len() - 1;
    let leg = |(index, station): (usize, &&str)| LegSpec {
        station: (*station).into(),
        action: Some(ActionSpec {
            name: if index == last && last > 0 { "drop" } else { "pick" }.into(),
            parameters: vec![],
        }),
        load: Some(Load { id: format!("TOTE-{id}"), load_type: None }),
        dwell_ms: if index == 0 { 5_000 } else { 0 },
        lines: 0,
    };
    JobSpec {
        id: JobId(id.into()),
        order_id: None,
        sequence: sequence.map(Into::into),
        legs: stations.iter().enumerate().map(leg).collect(),
        due_at: None,
        best_before: None,
        temperature: None,
        max_out_of_cold_s: None,
        requires: vec![],
        priority: 5,
        extra: String::new(),
        fingerprint: id
            .bytes()
            .fold(7, |hash: u128, byte| hash.wrapping_mul(31).wrapping_add(u128::from(byte))),
    }
}

impl Floor {
    pub fn new(layout: Arc<Layout>, starts: &[NodeId]) -> Floor {
        Floor::planned_by(Algorithm::default(), layout, starts)
    }

    /// Robots on these nodes, each of the first type that may stand there.
    pub fn planned_by(planner: Algorithm, layout: Arc<Layout>, starts: &[NodeId]) -> Floor {
        let types: Vec<TypeId> = (0..layout.robot_types().len() as u16).map(TypeId).collect();
        let mut floor = Floor {
            fleet: Fleet::new(Arc::clone(&layout)),
            layout,
            now: 1_800_000_000_000,
            notes: vec![],
            alarms: vec![],
            violations: vec![],
            entries: vec![],
            walkers: vec![],
            agenda: BTreeMap::new(),
            count: 0,
            watch: Watch::default(),
            checks_each: 1,
            steps: 0,
        };
        let config = Config { site: "test".into(), planner, ..Config::default() };
        floor.step(Event::Configured(Box::new(config)));
        for (index, node) in starts.iter().enumerate() {
            let id = RobotId(index as u32);
            let name = RobotName { manufacturer: "drover".into(), serial: format!("r{:02}", index + 1) };
            let admitted = types.iter().find(|robot_type| floor.layout.admits_node(**robot_type, *node));
            let robot_type = *admitted.expect("the test's own data");
            floor.step(Event::RobotEnrolled { name, robot_type });
            floor.walkers.push(Walker::default());
            floor.step(Event::Robot { robot: id, fact: Fact::Connection(Connection::Online) });
            floor.step(Event::Robot { robot: id, fact: Fact::Located { node: *node } });
        }
        floor
    }

    pub fn step(&mut self, event: Event) {
        let mut commands = Vec::new();
        self.fleet.step(Time(self.now), event.clone(), &mut commands);
        self.steps += 1;
        if self.steps.is_multiple_of(self.checks_each) {
            let found = check::violations(&self.fleet);
            let step = check::step_violations(&mut self.watch, &event, &commands, &self.fleet);
            self.watch.remember(&self.fleet);
            let step = if self.checks_each == 1 { step } else { vec![] };
            self.violations
                .extend(found.into_iter().chain(step).map(|v| format!("{}: {}", v.invariant, v.text)));
        }
        for command in &commands {
            match command {
                Command::Release { robot, order } => self.put(WIRE_MS, Due::Told(*robot, order.clone())),
                Command::Notify(note) => self.notes.push((**note).clone()),
                Command::Alarm(alarm) => self.alarms.push(alarm.text.clone()),
                Command::Reject(_)
                | Command::Refuse { .. }
                | Command::Ignore { .. }
                | Command::Assign { .. }
                | Command::Layout { .. }
                | Command::Pause { .. }
                | Command::Cancel { .. } => {}
                Command::Device { device, want } => self.put(DOOR_MS, Due::Door(*device, *want)),
            }
        }
        self.entries.push((Time(self.now), event, commands));
    }

    fn put(&mut self, after: u64, due: Due) {
        self.count += 1;
        self.agenda.insert((self.now + after, self.count), due);
    }

    fn tell(&mut self, robot: RobotId, fact: Fact) {
        self.put(WIRE_MS, Due::Fact(robot, fact));
    }

    /// Runs until nothing is left to do, or for so long.
    pub fn run(&mut self, most_ms: u64) {
        let end = self.now + most_ms;
        loop {
            let tick = self.fleet.next_timeout().map(|at| at.0.max(self.now));
            let due = self.agenda.keys().next().copied();
            match (tick, due) {
                (None, None) => return,
                (Some(at), None) => self.tick(at),
                (Some(at), Some((other, _))) if at < other => self.tick(at),
                (_, Some(key)) => {
                    self.now = self.now.max(key.0);
                    let due = self.agenda.remove(&key).expect("the test's own data");
                    self.carry_out(due);
                }
            }
            if self.now > end {
                return;
            }
        }
    }

    fn tick(&mut self, at: u64) {
        self.now = at;
        self.step(Event::Tick);
    }

    fn carry_out(&mut self, due: Due) {
        match due {
            Due::Fact(robot, fact) => self.step(Event::Robot { robot, fact }),
            Due::Told(robot, order) => self.told(robot, &order),
            Due::Arrives(robot) => self.arrives(robot),
            Due::Acted(robot) => self.acted(robot),
            Due::Door(device, want) => {
                let observed = match want {
                    Level::Open => Observed::Open,
                    Level::Closed => Observed::Closed,
                };
                self.step(Event::Device { device, fact: DeviceFact::Online(true) });
                self.step(Event::Device { device, fact: DeviceFact::Shows { observed, reason: None } });
            }
        }
    }

    fn told(&mut self, robot: RobotId, order: &Order) {
        self.tell(robot, Fact::OrderSeen { update_id: order.update_id });
        let walker = &mut self.walkers[robot.index()];
        for (edge, node) in
            order.edges.iter().zip(order.nodes.iter().skip(1)).filter(|(edge, _)| edge.released)
        {
            walker.way.push_back((Some(edge.edge), node.sequence_id));
        }
        let released = order.nodes.iter().rfind(|node| node.released).expect("the test's own data");
        for action in &released.actions {
            walker.actions.push_back(action.name.clone() + "#" + &action.id);
        }
        self.go_on(robot);
    }

    fn go_on(&mut self, robot: RobotId) {
        let walker = &mut self.walkers[robot.index()];
        if walker.arrives_at.is_some() || walker.action_ends_at.is_some() {
            return;
        }
        if let Some((Some(edge), _)) = walker.way.front() {
            let facts = self.layout.edge(*edge);
            let turn =
                walker.heading.map_or(0, |from| self.layout.turn_ms(TypeId(0), from, facts.heading_mdeg));
            walker.heading = Some(facts.end_heading_mdeg);
            let after = u64::from(turn + self.layout.travel_ms(TypeId(0), *edge));
            walker.arrives_at = Some(self.now + after);
            self.put(after, Due::Arrives(robot));
        } else if !walker.actions.is_empty() {
            walker.action_ends_at = Some(self.now + ACTION_MS);
            self.put(ACTION_MS, Due::Acted(robot));
        }
    }

    fn arrives(&mut self, robot: RobotId) {
        let walker = &mut self.walkers[robot.index()];
        walker.arrives_at = None;
        if let Some((_, sequence_id)) = walker.way.pop_front() {
            self.tell(robot, Fact::Passed { sequence_id });
        }
        self.go_on(robot);
    }

    fn acted(&mut self, robot: RobotId) {
        let walker = &mut self.walkers[robot.index()];
        walker.action_ends_at = None;
        if let Some(action) = walker.actions.pop_front() {
            let (name, id) = action.split_once('#').expect("the test's own data");
            let (id, name) = (id.to_owned(), name.to_owned());
            self.tell(robot, Fact::Action { action_id: id, status: ActionStatus::Finished });
            if name == "startCharging" {
                self.put(60_000, Due::Fact(robot, Fact::Battery { charge_permille: 950, charging: true }));
            }
        }
        self.go_on(robot);
    }

    pub fn done(&self) -> usize {
        self.notes.iter().filter(|note| note.what == JobNews::Done).count()
    }

    /// A line for each robot that isn't idle: for people.
    pub fn picture(&self) -> String {
        let mut text = String::new();
        for robot in self.fleet.robots() {
            let at = robot.trail.decision_point().map(|node| self.layout.node(node).name.clone());
            let goal = robot.goal.map(|goal| self.layout.node(goal.node).name.clone());
            let claim = robot
                .claims
                .front()
                .map(|claim| format!("{} after {:?}", self.layout.node(claim.node).name, claim.after));
            text += &format!(
                "{} at {at:?} len {} goal {goal:?} {:?} claim {claim:?} waits {:?} stuck {} s seen {}\n",
                robot.name,
                robot.trail.steps.len(),
                robot.task,
                robot.waits_for,
                Time(self.now).since_ms(robot.stuck_since) / 1000,
                robot.order.is_seen
            );
        }
        text
    }
}
