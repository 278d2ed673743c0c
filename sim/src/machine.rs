//! One simulated robot: the real protocol machine on a drive made of numbers, and where it truly is.

use drover_agent_core::{
    Agent, BatterySpec, Identity, Incoming, Message, Options, SimulatedDrive, Spec, Start,
};
use drover_core::{RobotMessage, RobotName, Time, ToRobot};
use drover_maps::{Layout, NodeId, RobotType, TypeId};

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
}

/// A robot in the world.
#[derive(Debug)]
pub struct Machine {
    /// Its name on the wire.
    pub name: RobotName,
    agent: Agent<SimulatedDrive>,
    half_length_m: f64,
    half_width_m: f64,
    /// The timer that is set in the world's queue.
    pub(crate) armed: Option<Time>,
}

impl Machine {
    /// A robot at rest that isn't connected yet.
    pub fn new(layout: &Layout, begin: &Begin, now: Time) -> Machine {
        let robot_type = layout.robot_type(begin.robot_type);
        let node = layout.node(begin.node);
        let start = Start {
            node_id: node.name.clone(),
            map_id: node.map.clone(),
            x_m: f64::from(node.x_mm) / 1_000.0,
            y_m: f64::from(node.y_mm) / 1_000.0,
            theta_rad: (f64::from(begin.heading_mdeg) / 1_000.0).to_radians(),
            charge_permille: begin.charge_permille,
        };
        let spec = spec_of(robot_type);
        let identity = Identity {
            interface: "uagv".to_owned(),
            manufacturer: begin.name.manufacturer.clone(),
            serial: begin.name.serial.clone(),
        };
        let options = Options { accept_any_action: true, ..Options::default() };
        let drive = SimulatedDrive::new(spec.clone(), &start, now.0);
        Machine {
            name: begin.name.clone(),
            half_length_m: f64::from(robot_type.length_mm) / 2_000.0,
            half_width_m: f64::from(robot_type.width_mm) / 2_000.0,
            agent: Agent::new(identity, spec, options, &start, drive, now.0),
            armed: None,
        }
    }

    /// The broker has it.
    pub fn connect(&mut self, now: Time) {
        self.agent.on_connected(now.0);
    }

    /// A message arrives.
    pub fn hear(&mut self, now: Time, message: ToRobot) {
        let incoming = match message {
            ToRobot::Order(order) => Incoming::Order(*order),
            ToRobot::InstantActions(actions) => Incoming::InstantActions(*actions),
        };
        self.agent.on_message(now.0, incoming);
    }

    /// Time passes.
    pub fn advance(&mut self, now: Time) {
        self.agent.advance(now.0);
    }

    /// The next message it sends; visualization is for screens and goes nowhere here.
    pub fn say(&mut self) -> Option<RobotMessage> {
        loop {
            match self.agent.poll_transmit()?.message {
                Message::State(state) => return Some(RobotMessage::State(state)),
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

    /// Where it truly is, at the last call.
    pub fn truth(&self) -> Truth {
        let pose = self.agent.pose();
        let outline = Outline {
            x_m: pose.x_m,
            y_m: pose.y_m,
            theta_rad: pose.theta_rad,
            half_length_m: self.half_length_m,
            half_width_m: self.half_width_m,
        };
        Truth { map: pose.map_id, outline }
    }
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
