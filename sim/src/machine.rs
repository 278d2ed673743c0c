//! One simulated robot: the real protocol machine on a drive made of numbers, where it truly is, and what is wrong with it.
//!
//! Faults of the machine are the drive's; faults of its tongue are changes to what it says, message by message.

use std::collections::BTreeSet;

use drover_agent_core::{
    Agent, BatterySpec, Drive, Identity, Incoming, Message, Options, Pose, SimulatedDrive, Spec, Start,
    StoredMap,
};
use drover_core::{RobotMessage, RobotName, Time, ToRobot};
use drover_maps::{Layout, NodeId, RobotType, TypeId};
use drover_proto::vda5050::{Dialect, Load, OperatingMode, State};

use crate::geometry::Outline;
use crate::oracle::Truth;

/// Where and as what a robot begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Begin {
    /// Its name on the wire.
    pub name: RobotName,
    /// Its type.
    pub robot_type: TypeId,
    /// Where it stands.
    pub node: NodeId,
    /// Its direction, thousandths of a degree.
    pub heading_mdeg: i32,
    /// State of charge, 0 to 1000.
    pub charge_permille: u16,
    /// Which VDA 5050 it speaks.
    pub dialect: Dialect,
}

/// A robot in the world.
#[derive(Debug)]
pub struct Machine {
    /// Its name on the wire.
    pub name: RobotName,
    agent: Agent<SimulatedDrive>,
    identity: Identity,
    dialect: Dialect,
    spec: Spec,
    half_length_m: f64,
    half_width_m: f64,
    /// What is wrong with it.
    pub(crate) ills: Ills,
    /// The timer that is set in the world's queue.
    pub(crate) armed: Option<Time>,
    /// Someone did something to the machine that it hasn't noticed yet.
    is_touched: bool,
    /// It may be elsewhere, or carry something else, than when it was last observed.
    is_changed: bool,
}

/// What is wrong with a robot now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ills {
    /// It isn't on the floor.
    pub is_off_floor: bool,
    /// It is where a person put it: nothing the controller said led it there.
    pub is_astray: bool,
    /// A person has laid hands on it since the last look.
    pub is_handled: bool,
    /// It has lied: its own word is worth nothing in this run any more.
    pub is_hostile: bool,
    /// Claims to have reached its decision point as soon as it has an order.
    pub lies: bool,
    /// Says nothing but whether it is connected.
    pub is_mute: bool,
    /// Refuses every order.
    pub refuses: bool,
    /// Names this node as its last.
    pub misplaced: Option<String>,
    /// It waits before something that is in its way.
    pub is_obstructed: bool,
    /// Its clock is wrong.
    pub skew: Option<Skew>,
}

/// A wrong clock: it was right at `since`, is off by `offset_ms`, and runs at `rate_permille` of the true rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    /// When the rate began to count.
    pub since: Time,
    /// Off by so much, ms.
    pub offset_ms: i64,
    /// Its rate, per mille of the true one.
    pub rate_permille: u64,
}

impl Skew {
    fn show(self, now: Time) -> u64 {
        let run = now.since_ms(self.since) * self.rate_permille / 1_000;
        (self.since.0 + run).saturating_add_signed(self.offset_ms)
    }
}

impl Machine {
    /// A robot at rest that isn't connected yet.
    pub fn new(layout: &Layout, begin: &Begin, now: Time) -> Machine {
        let robot_type = layout.robot_type(begin.robot_type);
        let pose = pose_at(layout, begin.node, begin.heading_mdeg);
        let start = start(&layout.node(begin.node).name, &pose, begin.charge_permille);
        let spec = spec_of(robot_type);
        let identity = Identity {
            interface: "uagv".to_owned(),
            manufacturer: begin.name.manufacturer.clone(),
            serial: begin.name.serial.clone(),
        };
        Machine {
            name: begin.name.clone(),
            half_length_m: f64::from(robot_type.length_mm) / 2_000.0,
            half_width_m: f64::from(robot_type.width_mm) / 2_000.0,
            agent: agent(&identity, options(layout, begin.dialect), &spec, &start, now),
            identity,
            dialect: begin.dialect,
            spec,
            ills: Ills::default(),
            armed: None,
            is_touched: false,
            is_changed: true,
        }
    }

    /// The broker has it.
    pub fn connect(&mut self, now: Time) {
        self.agent_mut().on_connected(now.0);
    }

    /// Its session with the broker is gone; it drives on to its decision point.
    pub fn disconnect(&mut self, now: Time) {
        self.agent_mut().on_disconnected(now.0);
    }

    /// A message arrives.
    pub fn hear(&mut self, now: Time, message: ToRobot) {
        let incoming = match message {
            ToRobot::Order(mut order) => {
                if let Some(first) = order.nodes.first_mut().filter(|_| self.ills.refuses) {
                    first.node_id = "nowhere".to_owned();
                    first.node_position = None;
                }
                Incoming::Order(*order)
            }
            ToRobot::InstantActions(actions) => Incoming::InstantActions(*actions),
        };
        self.agent_mut().on_message(now.0, incoming);
        self.ills.is_astray &= self.agent.is_idle();
    }

    /// It hears from the broker that it is gone, though it is there.
    pub fn hear_own_will(&mut self, now: Time) {
        let will = self.agent.will();
        self.agent_mut().on_message(now.0, Incoming::Connection(will));
    }

    /// The broker tells everybody that it is gone.
    pub fn will(&self) -> RobotMessage {
        RobotMessage::Connection(self.agent.will())
    }

    /// Time passes.
    pub fn advance(&mut self, now: Time) {
        self.agent_mut().advance(now.0);
        self.is_touched = false;
    }

    /// Nothing has happened to it that is due by now, and time alone changes nothing.
    pub fn is_at_rest(&self, now: Time) -> bool {
        !self.is_touched && !self.is_driving() && self.armed.is_none_or(|due| due > now)
    }

    /// The next message it sends; visualization is for screens and goes nowhere here.
    pub fn say(&mut self, now: Time) -> Option<RobotMessage> {
        loop {
            match self.agent.poll_transmit()?.message {
                Message::State(_) if self.ills.is_mute => {}
                Message::State(mut state) => {
                    self.ills.twist(now, &mut state);
                    return Some(RobotMessage::State(state));
                }
                Message::Connection(connection) => return Some(RobotMessage::Connection(connection)),
                Message::Factsheet(factsheet) => return Some(RobotMessage::Factsheet(factsheet)),
                Message::Visualization(_) => {}
            }
        }
    }

    /// When something will happen to it by itself.
    pub fn next_timeout(&self) -> Option<Time> {
        self.agent.next_timeout().map(Time)
    }

    /// It moves or turns.
    pub fn is_driving(&self) -> bool {
        self.agent.drive().is_driving()
    }

    /// What is wrong with it, in words, for a story.
    pub fn complaint(&self) -> String {
        let faults = self.agent.drive().status().faults;
        let faults = faults.iter().map(|fault| fault.name());
        let mode = self.agent.mode().as_str();
        let way = if self.ills.is_obstructed { Some("something is in its way") } else { None };
        let moves = if self.is_driving() { "drives" } else { "stands" };
        [moves, mode].into_iter().chain(way).chain(faults).collect::<Vec<_>>().join(", ")
    }

    /// Names of the loads aboard.
    pub fn loads(&self) -> impl Iterator<Item = &str> {
        self.agent.loads().iter().filter_map(|load| load.load_id.as_deref())
    }

    fn agent_mut(&mut self) -> &mut Agent<SimulatedDrive> {
        self.is_changed = true;
        &mut self.agent
    }

    /// The machine itself, for its faults.
    pub(crate) fn drive(&mut self) -> &mut SimulatedDrive {
        self.is_touched = true;
        self.agent_mut().drive_mut()
    }

    /// Someone turns the key.
    pub(crate) fn set_mode(&mut self, now: Time, mode: OperatingMode) {
        self.agent_mut().set_mode(now.0, mode);
    }

    /// It sends its state once more.
    pub(crate) fn say_again(&mut self, now: Time) {
        let loads = self.agent.loads().to_vec();
        self.agent_mut().set_loads(now.0, loads);
    }

    /// It waits before something that is in its way.
    pub(crate) fn is_obstructed(&self) -> bool {
        self.ills.is_obstructed
    }

    /// Something is in its way, or no longer.
    pub(crate) fn set_obstructed(&mut self, now: Time, is_obstructed: bool) {
        self.ills.is_obstructed = is_obstructed;
        self.drive().set_obstructed(now.0, is_obstructed);
    }

    /// A person takes all loads off.
    pub(crate) fn unload(&mut self, now: Time) {
        self.ills.is_handled = true;
        self.agent_mut().set_loads(now.0, Vec::new());
    }

    /// A person puts a load aboard; there is no other then.
    pub(crate) fn load(&mut self, now: Time, load: String) {
        self.ills.is_handled = true;
        self.agent_mut().set_loads(now.0, vec![Load { load_id: Some(load), ..Load::default() }]);
    }

    /// A person puts it on a node; one who knows how also tells it where it is.
    pub(crate) fn put(&mut self, now: Time, layout: &Layout, node: NodeId, is_told: bool) {
        let heading = layout.out_edges(node).first().map_or(0, |edge| layout.edge(*edge).heading_mdeg);
        self.drive().kidnap(now.0, pose_at(layout, node, heading));
        self.advance(now);
        if is_told {
            self.agent_mut().relocate(now.0, &layout.node(node).name);
        }
        self.ills.is_astray = true;
    }

    /// It starts again where it is: loads stay aboard, its order is forgotten. It isn't connected.
    pub(crate) fn reboot(&mut self, now: Time, layout: &Layout) {
        let status = self.agent.drive().status();
        let near = |x: f64| (x * 1_000.0).round() as i64;
        let node = layout.nearest_node(near(status.pose.x_m), near(status.pose.y_m));
        let node =
            node.filter(|(_, away)| *away <= LOCALISED_MM).map(|(node, _)| layout.node(node).name.as_str());
        let start = start(node.unwrap_or_default(), &status.pose, (status.charge_pct * 10.0) as u16);
        let loads: Vec<Load> = self.agent.loads().to_vec();
        self.agent = agent(&self.identity, options(layout, self.dialect), &self.spec, &start, now);
        self.agent_mut().set_loads(now.0, loads);
    }

    /// Where it truly is, at the last call.
    pub fn outline(&self) -> (String, Outline) {
        let pose = self.agent.pose();
        let outline = Outline {
            x_m: pose.x_m,
            y_m: pose.y_m,
            theta_rad: pose.theta_rad,
            half_length_m: self.half_length_m,
            half_width_m: self.half_width_m,
        };
        (pose.map_id, outline)
    }

    /// The oracle's look at it, in the place of the one before.
    pub fn observe(&mut self, truth: &mut Truth) {
        if std::mem::take(&mut self.is_changed) {
            *truth = self.truth();
        }
        truth.moved_by_hand = self.ills.is_astray || self.ills.is_handled;
        (truth.is_hostile, truth.is_off_floor) = (self.ills.is_hostile, self.ills.is_off_floor);
        self.ills.is_handled = false;
    }

    /// The oracle's view of it.
    pub fn truth(&self) -> Truth {
        let (map, outline) = self.outline();
        Truth {
            map,
            outline,
            loads: self.loads().map(str::to_owned).collect(),
            moved_by_hand: self.ills.is_astray || self.ills.is_handled,
            is_hostile: self.ills.is_hostile,
            is_off_floor: self.ills.is_off_floor,
        }
    }
}

impl Ills {
    /// What a sick robot says in the place of the truth.
    fn twist(&self, now: Time, state: &mut State) {
        if let Some(skew) = self.skew {
            state.header.timestamp = drover_agent_core::clock::iso8601(skew.show(now));
        }
        if let Some(node) = &self.misplaced {
            state.last_node_id.clone_from(node);
        }
        let end = state.node_states.iter().rev().find(|node| node.released).filter(|_| self.lies);
        if let Some((node, sequence_id)) = end.map(|node| (node.node_id.clone(), node.sequence_id)) {
            (state.last_node_id, state.last_node_sequence_id) = (node, sequence_id);
            state.node_states.retain(|node| !node.released);
            state.edge_states.retain(|edge| !edge.released);
            state.driving = false;
        }
    }
}

/// A robot that starts this near a node knows that it is there, mm.
const LOCALISED_MM: u32 = 100;

fn pose_at(layout: &Layout, node: NodeId, heading_mdeg: i32) -> Pose {
    let node = layout.node(node);
    Pose {
        map_id: node.map.clone(),
        x_m: f64::from(node.x_mm) / 1_000.0,
        y_m: f64::from(node.y_mm) / 1_000.0,
        theta_rad: (f64::from(heading_mdeg) / 1_000.0).to_radians(),
    }
}

fn start(node_id: &str, pose: &Pose, charge_permille: u16) -> Start {
    Start {
        node_id: node_id.to_owned(),
        map_id: pose.map_id.clone(),
        x_m: pose.x_m,
        y_m: pose.y_m,
        theta_rad: pose.theta_rad,
        charge_permille,
    }
}

fn options(layout: &Layout, dialect: Dialect) -> Options {
    let maps: BTreeSet<&str> = layout.nodes().map(|node| layout.node(node).map.as_str()).collect();
    let maps = maps.into_iter().map(StoredMap::new).collect();
    Options { dialect, accept_any_action: true, maps, ..Options::default() }
}

fn agent(
    identity: &Identity,
    options: Options,
    spec: &Spec,
    start: &Start,
    now: Time,
) -> Agent<SimulatedDrive> {
    let drive = SimulatedDrive::new(spec.clone(), start, now.0);
    Agent::new(identity.clone(), spec.clone(), options, start, drive, now.0)
}

fn spec_of(robot_type: &RobotType) -> Spec {
    let battery = robot_type.battery.as_ref().map(|battery| BatterySpec {
        capacity_wh: battery.capacity_wh,
        drive_w: battery.drive_w,
        idle_w: battery.idle_w,
        charge_w: battery.charge_w,
    });
    Spec {
        name: robot_type.name.clone(),
        length_mm: robot_type.length_mm,
        width_mm: robot_type.width_mm,
        speed_mm_s: robot_type.speed_mm_s,
        accel_mm_s2: robot_type.accel_mm_s2,
        turn_mdeg_s: robot_type.turn_mdeg_s,
        battery,
        ..Spec::default()
    }
}
