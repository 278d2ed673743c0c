//! What a robot says of itself: one state per instant in which anything happened, and at the latest every 30 s.

use super::course::Step;
use super::{Agent, Message, Outgoing, iso8601};
use crate::drive::{Drive, Fault, Status};
use crate::spec::{Identity, Options};
use drover_proto::vda5050::{
    AgvPosition, BatteryState, Connection, ConnectionState, EdgeState, Error, ErrorLevel, Header, NodeState,
    State, TopicKind, Velocity, Visualization,
};
use std::collections::{BTreeMap, VecDeque};

/// Unsent messages kept; the oldest go first.
const OUTBOX_MAX: usize = 1_024;
/// What was told last, and what is to be told.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    pub is_connected: bool,
    pub is_dirty: bool,
    pub outbox: VecDeque<Outgoing>,
    pub next_visual_ms: Option<u64>,
    last_state_ms: u64,
    told: Told,
    header_ids: BTreeMap<TopicKind, u32>,
}

/// What changes by itself and is news when it does.
#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    driving: bool,
    charging: bool,
    new_base_request: bool,
    faults: Vec<Fault>,
}

impl Report {
    pub fn next_state_ms(&self, options: &Options) -> Option<u64> {
        self.is_connected.then(|| self.last_state_ms.saturating_add(options.state_interval_ms.max(1)))
    }
}

impl<D: Drive> Agent<D> {
    /// Sends the state if anything changed or it is time, and the visualization if it is time.
    pub(super) fn send_due(&mut self) {
        let status = self.drive.status();
        let told = Told {
            driving: status.driving,
            charging: status.charging,
            new_base_request: self.new_base_at().is_some_and(|at| at <= self.now_ms),
            faults: status.faults.clone(),
        };
        if told != self.report.told {
            self.report.told = told;
            self.report.is_dirty = true;
        }
        if !self.report.is_connected {
            self.report.next_visual_ms = None;
            return;
        }
        let is_due = self.report.next_state_ms(&self.options).is_some_and(|at| at <= self.now_ms);
        if self.report.is_dirty || is_due {
            self.report.is_dirty = false;
            self.report.last_state_ms = self.now_ms;
            let state = self.state(&status);
            self.send(Message::State(Box::new(state)));
        }
        self.send_visualization(&status);
    }

    fn send_visualization(&mut self, status: &Status) {
        let Some(interval_ms) = self.options.visualization_interval_ms.filter(|_| status.driving) else {
            self.report.next_visual_ms = None;
            return;
        };
        if self.report.next_visual_ms.is_none_or(|at| at <= self.now_ms) {
            self.report.next_visual_ms = Some(self.now_ms + interval_ms.max(1));
            let message = Visualization {
                header: self.next_header(TopicKind::Visualization),
                agv_position: Some(position(status)),
                velocity: Some(velocity(status)),
                reference_state_header_id: self
                    .report
                    .header_ids
                    .get(&TopicKind::State)
                    .copied()
                    .unwrap_or(0),
            };
            self.send(Message::Visualization(Box::new(message)));
        }
    }

    pub(super) fn send_online(&mut self) {
        self.send_connection(ConnectionState::Online);
    }

    pub(super) fn send_connection(&mut self, connection_state: ConnectionState) {
        let header = self.next_header(TopicKind::Connection);
        self.send(Message::Connection(Connection { header, connection_state }));
    }

    pub(super) fn send_factsheet(&mut self) {
        if self.report.is_connected {
            let factsheet = self.factsheet();
            self.send(Message::Factsheet(Box::new(factsheet)));
        }
    }

    fn send(&mut self, message: Message) {
        self.report.outbox.push_back(Outgoing { at_ms: self.now_ms, message });
        if self.report.outbox.len() > OUTBOX_MAX {
            self.report.outbox.pop_front();
        }
    }

    pub(super) fn next_header(&mut self, topic: TopicKind) -> Header {
        let id = self.report.header_ids.entry(topic).or_default();
        *id = id.wrapping_add(1);
        let id = *id;
        self.header(id)
    }

    pub(super) fn header(&self, header_id: u32) -> Header {
        let Identity { manufacturer, serial, .. } = &self.identity;
        let version = self.options.dialect.version().to_owned();
        Header { version, ..Header::new(header_id, iso8601(self.now_ms), manufacturer, serial) }
    }

    fn state(&mut self, status: &Status) -> State {
        let header = self.next_header(TopicKind::State);
        let faults = status.faults.iter().map(|fault| Error::new(fault.name(), ErrorLevel::Fatal));
        State {
            header,
            maps: self.maps.states(),
            order_id: self.course.order_id.clone(),
            order_update_id: self.course.order_update_id,
            last_node_id: self.course.last_node_id.clone(),
            last_node_sequence_id: self.course.last_sequence_id,
            driving: status.driving,
            paused: Some(self.is_paused),
            new_base_request: Some(self.report.told.new_base_request),
            distance_since_last_node: Some(status.since_waypoint_m),
            operating_mode: self.mode,
            node_states: self.course.steps.iter().map(Step::node_state).collect(),
            edge_states: self.course.steps.iter().map(Step::edge_state).collect(),
            agv_position: Some(position(status)),
            velocity: Some(velocity(status)),
            loads: Some(self.loads.clone()),
            action_states: self.book.states(),
            battery_state: BatteryState {
                battery_charge: status.charge_pct,
                charging: status.charging,
                ..BatteryState::default()
            },
            errors: self.errors.iter().cloned().chain(faults).collect(),
            ..State::default()
        }
    }
}

impl Step {
    fn node_state(&self) -> NodeState {
        NodeState {
            node_id: self.node.node_id.clone(),
            sequence_id: self.node.sequence_id,
            released: self.node.released,
            ..NodeState::default()
        }
    }

    fn edge_state(&self) -> EdgeState {
        EdgeState {
            edge_id: self.edge.edge_id.clone(),
            sequence_id: self.edge.sequence_id,
            released: self.edge.released,
            ..EdgeState::default()
        }
    }
}

fn position(status: &Status) -> AgvPosition {
    AgvPosition {
        x: status.pose.x_m,
        y: status.pose.y_m,
        theta: status.pose.theta_rad,
        map_id: status.pose.map_id.clone(),
        position_initialized: true,
        ..AgvPosition::default()
    }
}

fn velocity(status: &Status) -> Velocity {
    Velocity { vx: Some(status.speed_m_s), vy: Some(0.0), omega: Some(status.omega_rad_s) }
}
