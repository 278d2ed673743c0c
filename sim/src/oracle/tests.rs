//! The oracle isn't blind: each rule is shown a forged history that breaks it, and must fire; and one that doesn't.

use std::sync::Arc;

use drover_core::job::{ActionSpec, JobSpec, LegSpec};
use drover_core::{
    Command, Digest, Entry, Epoch, Event, JobId, JobNews, Notification, Record, RobotId, RobotName, Seq,
    Time, release,
};
use drover_maps::{EdgeId, Layout, TypeId};
use drover_proto::vda5050::{Action, BlockingType, Edge, Error, ErrorLevel, Node, Order, State};

use super::{Oracle, Truth};
use crate::geometry::Outline;
use crate::scenario::{START, Scenario};

/// Four stations in a row, 1.5 m apart: A, B, C, D.
fn row() -> Arc<Layout> {
    let text = "[layout]\ngrid = \"ABCD\"\n[robots]\nat = [\"A\"]\n";
    let setup = Scenario::parse(text).unwrap().build(None, &|_| Err(String::new())).unwrap();
    setup.layout
}

struct Forger {
    oracle: Oracle,
    seq: u64,
    n: u64,
}

impl Forger {
    /// Two robots, r0 on A and r1 on D, enrolled and heard.
    fn new() -> Forger {
        let name = |serial: &str| RobotName { manufacturer: "m".into(), serial: serial.into() };
        let names = vec![name("r0"), name("r1")];
        let mut forger = Forger { oracle: Oracle::new(row(), names.clone(), START), seq: 0, n: 0 };
        for name in names {
            forger.record(Event::RobotEnrolled { name, robot_type: TypeId(0) }, Vec::new());
        }
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
            epoch: Epoch(1),
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

    /// Recorded, then sent.
    fn order(&mut self, robot: usize, order: &Order) {
        let release = recorded(order);
        let command = Command::Release { robot: RobotId(robot as u32), order: Box::new(release) };
        self.record(Event::Tick, vec![command]);
        self.oracle.order_sent(START, robot, order);
    }

    fn heard(&mut self, robot: usize, order_id: &str, update_id: u32, last: &str, sequence_id: u32) {
        let state = State {
            order_id: order_id.into(),
            order_update_id: update_id,
            last_node_id: last.into(),
            last_node_sequence_id: sequence_id,
            ..State::default()
        };
        self.oracle.state_said(Time(0), robot, &state);
        self.oracle.state_heard(Time(0), robot, &state);
    }

    fn news(&mut self, job: &str, what: JobNews) {
        self.n += 1;
        let notification = Notification {
            n: self.n,
            at: START,
            job: JobId(job.into()),
            order_id: None,
            what,
            robot: None,
            extra: String::new(),
        };
        self.record(Event::Tick, vec![Command::Notify(Box::new(notification.clone()))]);
        self.oracle.notified(START, &notification);
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

#[test]
fn a_proper_history_breaks_nothing() {
    let mut forger = Forger::new();
    forger.oracle.job_published(&spec("J1", None));
    forger.submit("J1", None);
    forger.news("J1", JobNews::Accepted);
    forger.assign("J1", 0);
    forger.order(0, &with_action(order("o", 0, 0, "A", 1), "pick", "a1"));
    forger.news("J1", JobNews::Started);
    forger.order(0, &order("o", 1, 0, "ABC", 2));
    forger.oracle.looked(START, &[truth(0.7, 0.0), truth(4.5, 0.0)], &[]);
    forger.heard(0, "o", 1, "B", 2);
    forger.order(0, &with_action(order("o", 2, 2, "B", 1), "drop", "a2"));
    forger.news("J1", JobNews::Done);
    assert_eq!(forger.broken(), [""; 0], "{:#?}", forger.oracle.violations());
}

#[test]
fn exclusive_sees_outlines_that_overlap() {
    let mut forger = Forger::new();
    forger.oracle.looked(START, &[truth(0.0, 0.0), truth(0.89, 0.0)], &[]);
    assert!(forger.broken().contains(&"Exclusive"));
    let mut forger = Forger::new();
    forger.oracle.looked_at(START, 0, &truth(0.0, 0.0), &[(1, truth(0.0, 0.59))]);
    assert!(forger.broken().contains(&"Exclusive"));
}

#[test]
fn exclusive_and_evidence_see_a_place_released_twice() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "ABC", 3));
    forger.order(1, &order("p", 0, 0, "DC", 2));
    assert_eq!(forger.broken(), ["Evidence", "Exclusive"]);
    let violation = &forger.oracle.violations()[0];
    assert_eq!(violation.robots, ["m/r1", "m/r0"]);
    assert!(violation.story.iter().any(|line| line.contains("order o update 0: A to C")), "{violation}");
}

#[test]
fn evidence_sees_a_place_freed_before_the_report_arrived() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "AB", 2));
    forger.order(0, &order("o", 1, 2, "BA", 2));
    // r0 has come back to A and said so; the controller still has it on its way over B.
    let back = |sequence_id| State {
        order_id: "o".into(),
        last_node_id: "A".into(),
        last_node_sequence_id: sequence_id,
        ..State::default()
    };
    forger.oracle.state_said(START, 0, &back(4));
    forger.order(1, &order("p", 0, 0, "DCB", 3));
    assert_eq!(forger.broken(), ["Evidence"]);
}

#[test]
fn a_place_reported_left_may_be_released_to_another() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "ABC", 3));
    forger.heard(0, "o", 0, "C", 4);
    forger.heard(1, "", 0, "D", 0);
    assert_eq!(forger.broken(), [""; 0]);
    forger.order(0, &order("o", 1, 4, "CB", 2));
    forger.heard(0, "o", 1, "B", 6);
    forger.order(1, &order("p", 0, 0, "DC", 2));
    assert_eq!(forger.broken(), [""; 0], "{:#?}", forger.oracle.violations());
}

#[test]
fn a_robot_first_seen_after_the_decision_could_not_be_known() {
    let mut forger = Forger::new();
    forger.oracle = Oracle::new(row(), forger.oracle.names.clone(), START);
    forger.seq = 0;
    forger.heard(0, "", 0, "A", 0);
    let seen = State { last_node_id: "C".into(), ..State::default() };
    forger.oracle.state_said(START, 1, &seen);
    forger.oracle.state_heard(START, 1, &seen);
    forger.order(0, &order("o", 0, 0, "ABC", 3));
    assert_eq!(forger.broken(), [""; 0], "{:#?}", forger.oracle.violations());
}

#[test]
fn a_refused_order_released_nothing() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "ABC", 3));
    let refusal =
        Error::new("orderError", ErrorLevel::Warning).about("orderId", "o").about("orderUpdateId", "0");
    let refused = State { last_node_id: "A".into(), errors: vec![refusal], ..State::default() };
    forger.oracle.state_said(START, 0, &refused);
    forger.oracle.state_heard(START, 0, &refused);
    forger.order(1, &order("p", 0, 0, "DC", 2));
    assert_eq!(forger.broken(), [""; 0], "{:#?}", forger.oracle.violations());
}

#[test]
fn covered_sees_a_robot_beyond_its_decision_point() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "ABC", 2));
    forger.oracle.looked(START, &[truth(1.6, 0.0), truth(4.5, 0.0)], &[]);
    assert_eq!(forger.broken(), ["Covered"]);
}

#[test]
fn base_prefix_sees_a_stitch_at_the_wrong_node() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "ABC", 2));
    forger.order(0, &order("o", 1, 4, "C", 1));
    assert_eq!(forger.broken(), ["BasePrefix"]);
}

#[test]
fn base_prefix_sees_a_skipped_id_and_a_changed_resend() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "AB", 2));
    forger.order(0, &order("o", 2, 2, "BC", 2));
    assert_eq!(forger.broken(), ["BasePrefix"]);
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "AB", 2));
    forger.order(0, &order("o", 0, 0, "ABC", 3));
    assert_eq!(forger.broken(), ["BasePrefix"]);
}

#[test]
fn base_prefix_sees_a_new_order_while_the_old_base_is_driven() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "AB", 2));
    forger.order(0, &order("q", 0, 0, "BC", 2));
    assert_eq!(forger.broken(), ["BasePrefix"]);
}

#[test]
fn base_prefix_sees_a_way_that_is_none() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "AC", 2));
    assert!(forger.broken().contains(&"BasePrefix"));
}

#[test]
fn once_only_sees_a_second_pick_and_a_second_end() {
    let mut forger = Forger::new();
    forger.oracle.job_published(&spec("J1", None));
    forger.submit("J1", None);
    forger.assign("J1", 0);
    forger.order(0, &with_action(order("o", 0, 0, "A", 1), "pick", "a1"));
    forger.order(0, &with_action(order("o", 1, 0, "A", 1), "pick", "a2"));
    assert_eq!(forger.broken(), ["OnceOnly"]);
    let mut forger = Forger::new();
    forger.news("J1", JobNews::Cancelled);
    forger.news("J1", JobNews::Done);
    assert_eq!(forger.broken(), ["OnceOnly"]);
}

#[test]
fn once_only_sees_a_pick_at_the_wrong_place_and_a_job_done_without_its_drop() {
    let mut forger = Forger::new();
    forger.oracle.job_published(&spec("J1", None));
    forger.submit("J1", None);
    forger.assign("J1", 0);
    forger.order(0, &with_action(order("o", 0, 0, "AB", 2), "pick", "a1"));
    assert_eq!(forger.broken(), ["OnceOnly"]);
    let mut forger = Forger::new();
    forger.oracle.job_published(&spec("J1", None));
    forger.submit("J1", None);
    forger.news("J1", JobNews::Done);
    assert_eq!(forger.broken(), ["OnceOnly"]);
}

#[test]
fn fifo_sees_jobs_admitted_out_of_queue_order() {
    let mut forger = Forger::new();
    for job in ["J1", "J2"] {
        forger.oracle.job_published(&spec(job, None));
    }
    forger.submit("J2", None);
    assert_eq!(forger.broken(), [""; 0]);
    forger.submit("J1", None);
    assert_eq!(forger.broken(), ["Fifo"]);
}

#[test]
fn fifo_sees_a_sequence_overtaken_at_each_milestone() {
    let begin = || {
        let mut forger = Forger::new();
        for job in ["J1", "J2"] {
            forger.oracle.job_published(&spec(job, Some("TRUCK")));
            forger.submit(job, Some("TRUCK"));
        }
        forger
    };
    let mut forger = begin();
    forger.news("J2", JobNews::Started);
    assert_eq!(forger.broken(), ["Fifo"]);
    let mut forger = begin();
    forger.assign("J2", 0);
    forger.order(0, &with_action(order("o", 0, 0, "A", 1), "pick", "a1"));
    assert_eq!(forger.broken(), [""; 0]);
    forger.order(0, &with_action(order("o", 1, 0, "AB", 2), "drop", "a2"));
    assert_eq!(forger.broken(), ["Fifo"]);
    let mut forger = begin();
    forger.news("J2", JobNews::Done);
    assert!(forger.broken().contains(&"Fifo"));
}

#[test]
fn one_writer_sees_what_leaves_before_its_record() {
    let mut forger = Forger::new();
    forger.oracle.order_sent(START, 0, &order("o", 0, 0, "AB", 2));
    assert_eq!(forger.broken(), ["OneWriter"]);
    let mut forger = Forger::new();
    forger.seq += 1;
    forger.record(Event::Tick, Vec::new());
    assert_eq!(forger.broken(), ["OneWriter"]);
}

#[test]
fn replay_sees_another_digest() {
    let mut forger = Forger::new();
    forger.oracle.replayed(Time(0), Vec::new(), Digest([7; 16]));
    assert_eq!(forger.broken(), ["Replay"]);
}
