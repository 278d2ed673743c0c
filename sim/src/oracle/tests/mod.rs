//! The oracle isn't blind: each rule is shown a forged history that breaks it, and must fire; and one that doesn't.

mod floor;
mod journal;
mod wire;

use std::sync::Arc;

use drover_core::command::RejectCode;
use drover_core::event::Mode;
use drover_core::job::{ActionSpec, JobSpec, LegSpec};
use drover_core::load::Load;
use drover_core::{
    Command, Digest, Entry, Epoch, Event, Fact, JobId, JobNews, Notification, Record, RobotId, RobotName,
    Seq, Time, Wish, release,
};
use drover_maps::{EdgeId, Layout, TypeId};
use drover_proto::vda5050::{
    Action, ActionState, ActionStatus, AgvPosition, BlockingType, Edge, Error, ErrorLevel, Header,
    InstantActions, Node, NodeState, OperatingMode, Order, State,
};

use super::{Oracle, Truth};
use crate::geometry::Outline;
use crate::scenario::{START, Scenario};

/// Four stations in a row, 1.5 m apart: A, B, C, D.
fn row() -> Arc<Layout> {
    let text =
        "[layout]\ngrid = \"ABCD\"\n[robots]\nat = [\"A\"]\n[[job]]\nlegs = [\"A pick\", \"B drop\"]\n";
    let setup = Scenario::parse(text).unwrap().build(None, &|_| Err(String::new())).unwrap();
    setup.layout
}

struct Forger {
    oracle: Oracle,
    seq: u64,
    n: u64,
    epoch: u64,
    /// Nodes of each robot's present order.
    ways: [Vec<Node>; 2],
    /// Where each robot said it was last.
    last: [(String, u32); 2],
    headers: u32,
}

impl Forger {
    /// Two robots that are enrolled but silent.
    fn silent() -> Forger {
        let name = |serial: &str| RobotName { manufacturer: "m".into(), serial: serial.into() };
        let names = vec![name("r0"), name("r1")];
        let mut forger = Forger {
            oracle: Oracle::new(row(), names.clone(), START),
            seq: 0,
            n: 0,
            epoch: 1,
            ways: [Vec::new(), Vec::new()],
            last: [(String::new(), 0), (String::new(), 0)],
            headers: 0,
        };
        for name in names {
            forger.record(Event::RobotEnrolled { name, robot_type: TypeId(0) }, Vec::new());
        }
        forger
    }

    /// Two robots, r0 on A and r1 on D, enrolled and heard.
    fn new() -> Forger {
        let mut forger = Forger::silent();
        forger.heard(0, "", 0, "A", 0);
        forger.heard(1, "", 0, "D", 0);
        forger
    }

    fn record(&mut self, event: Event, commands: Vec<Command>) {
        self.seq += 1;
        let (seq, entry) = (Seq(self.seq), Entry { time: START, event, commands });
        let record = Record {
            seq_from: seq,
            seq_to: seq,
            epoch: Epoch(self.epoch),
            time: START,
            entries: vec![entry],
            digest: None,
        };
        self.oracle.recorded(START, &record);
    }

    fn submit(&mut self, job: &str, sequence: Option<&str>) {
        self.record(Event::JobSubmitted(Box::new(spec(job, sequence))), Vec::new());
    }

    fn assign(&mut self, job: &str, robot: u32) {
        self.record(Event::Tick, vec![Command::Assign { job: JobId(job.into()), robot: RobotId(robot) }]);
    }

    /// Recorded, sent, and shown by a state.
    fn order(&mut self, robot: usize, order: &Order) {
        self.unanswered(robot, order);
        let (last, sequence_id) = self.last[robot].clone();
        let sequence_id = if order.order_update_id == 0 { 0 } else { sequence_id };
        self.heard(robot, &order.order_id, order.order_update_id, &last, sequence_id);
    }

    /// Recorded, then sent.
    fn unanswered(&mut self, robot: usize, order: &Order) {
        let command = Command::Release { robot: RobotId(robot as u32), order: Box::new(recorded(order)) };
        self.record(Event::Tick, vec![command]);
        self.sent(robot, order);
    }

    fn sent(&mut self, robot: usize, order: &Order) {
        if order.order_update_id == 0 {
            self.ways[robot].clear();
        }
        self.ways[robot].extend(order.nodes.iter().cloned());
        self.oracle.order_sent(START, robot, order);
    }

    /// A state as a robot would send it: with what is left of its way.
    fn state(&mut self, robot: usize, order_id: &str, update_id: u32, last: &str, sequence_id: u32) -> State {
        self.headers += 1;
        self.last[robot] = (last.to_owned(), sequence_id);
        let left = self.ways[robot].iter().filter(|node| node.sequence_id > sequence_id);
        let left = left.map(|node| NodeState { sequence_id: node.sequence_id, ..NodeState::default() });
        let node_states = if order_id.is_empty() { Vec::new() } else { left.collect() };
        State {
            header: Header { header_id: self.headers, ..Header::default() },
            order_id: order_id.into(),
            order_update_id: update_id,
            last_node_id: last.into(),
            last_node_sequence_id: sequence_id,
            node_states,
            operating_mode: OperatingMode::Automatic,
            ..State::default()
        }
    }

    /// It was said, and arrives.
    fn arrives(&mut self, now: Time, robot: usize, state: &State) {
        self.oracle.state_said(now, robot, state);
        self.oracle.state_heard(now, robot, state);
    }

    fn heard(&mut self, robot: usize, order_id: &str, update_id: u32, last: &str, sequence_id: u32) {
        let state = self.state(robot, order_id, update_id, last, sequence_id);
        self.arrives(Time(0), robot, &state);
    }

    fn news(&mut self, job: &str, what: JobNews) {
        self.n += 1;
        let notification = self.notification(self.n, job, what);
        self.record(Event::Tick, vec![Command::Notify(Box::new(notification.clone()))]);
        self.oracle.notified(START, &notification);
    }

    fn notification(&self, n: u64, job: &str, what: JobNews) -> Notification {
        let (job, extra) = (JobId(job.into()), String::new());
        Notification { n, at: START, job, order_id: None, what, robot: None, extra, why: None }
    }

    fn broken(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.oracle.violations().iter().map(|found| found.invariant).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn spec(job: &str, sequence: Option<&str>) -> JobSpec {
    let leg = |station: &str, action: &str| LegSpec {
        station: station.into(),
        action: Some(ActionSpec { name: action.into(), parameters: Vec::new() }),
        load: None,
        dwell_ms: 0,
        lines: 0,
    };
    JobSpec {
        id: JobId(job.into()),
        order_id: None,
        sequence: sequence.map(Into::into),
        legs: vec![leg("A", "pick"), leg("B", "drop")],
        due_at: None,
        best_before: None,
        temperature: None,
        max_out_of_cold_s: None,
        requires: Vec::new(),
        priority: 5,
        extra: String::new(),
        fingerprint: 0,
    }
}

/// A way along one-letter nodes; the first `released` of them are the base.
fn order(id: &str, update: u32, first_sequence_id: u32, way: &str, released: usize) -> Order {
    let names: Vec<String> = way.chars().map(String::from).collect();
    let sequence_ids = (first_sequence_id..).step_by(2);
    let nodes = names.iter().zip(sequence_ids).enumerate();
    let nodes = nodes.map(|(index, (name, sequence))| Node::new(name, sequence, index < released)).collect();
    let edges = names.windows(2).zip((first_sequence_id + 1..).step_by(2)).enumerate();
    let edges = edges.map(|(index, (ends, sequence))| {
        Edge::new(format!("{}-{}", ends[0], ends[1]), sequence, index + 1 < released, &ends[0], &ends[1])
    });
    Order { order_id: id.into(), order_update_id: update, nodes, edges: edges.collect(), ..Order::default() }
}

fn with_action(mut order: Order, kind: &str, id: &str) -> Order {
    let last = order.nodes.iter_mut().rev().find(|node| node.released).unwrap();
    last.actions.push(Action::new(kind, id, BlockingType::Hard));
    order
}

fn truth(x_m: f64, y_m: f64) -> Truth {
    Truth {
        map: "ground".into(),
        outline: Outline { x_m, y_m, theta_rad: 0.0, half_length_m: 0.45, half_width_m: 0.3 },
        ..Truth::default()
    }
}

/// The order as the journal has it.
fn recorded(order: &Order) -> release::Order {
    let layout = row();
    let action = |action: &Action| release::Action {
        id: action.action_id.clone(),
        name: action.action_type.clone(),
        parameters: Vec::new(),
    };
    let node = |node: &Node| release::OrderNode {
        node: layout.node_named(&node.node_id).unwrap(),
        sequence_id: node.sequence_id,
        released: node.released,
        actions: node.actions.iter().map(action).collect(),
    };
    let edge = |edge: &Edge| release::OrderEdge {
        edge: layout.edge_named(&edge.edge_id).unwrap_or(EdgeId(0)),
        sequence_id: edge.sequence_id,
        released: edge.released,
    };
    release::Order {
        order_id: order.order_id.clone(),
        update_id: order.order_update_id,
        nodes: order.nodes.iter().map(node).collect(),
        edges: order.edges.iter().map(edge).collect(),
    }
}
