//! A shell for tests: a site, its store as a list of records, and a robot that is a state message we edit.

use std::sync::Arc;

use drover_core::dispatch::policy::Name;
use drover_core::job::{ActionSpec, JobRequest, JobSpec, LegSpec};
use drover_core::{
    Caller, Config, DeviceMessage, Effect, Epoch, Input, JobId, Layouts, Notification, Record, RobotMessage,
    RobotName, Site, Ticket, Time, ToRobot, Verdict, Wish,
};
use drover_maps::Layout;
use drover_proto::device::{Condition, DeviceState, Level};
use drover_proto::vda5050::{self, Order, State};

/// Time between two messages, ms: enough for another plan.
const STEP_MS: u64 = 150;

pub const START: Time = Time(1_800_000_000_000);

/// Three nodes in a row, 3 m apart, both ways; A and C are stations.
pub fn row() -> Arc<Layout> {
    row_with(None)
}

/// The same with a door between b and c, and c in a zone of its own.
pub fn row_with_door() -> Arc<Layout> {
    row_with(Some(
        "[[device]]\nid = \"D\"\nkind = \"door\"\nedges = [\"bc\", \"cb\"]\n[[zone]]\nid = \"cold\"\nnodes = [\"c\"]\n",
    ))
}

fn row_with(site: Option<&str>) -> Arc<Layout> {
    let nodes = [("a", 0.0, 0.0), ("b", 3.0, 0.0), ("c", 6.0, 0.0)];
    compiled(&nodes, &["ab", "ba", "bc", "cb"], &["A", "C"], site)
}

/// Nodes with their places in metres, edges named by their two ends, stations named as their nodes in capitals.
pub fn drawn(nodes: &[(&str, f64, f64)], edges: &[&str], stations: &[&str]) -> Arc<Layout> {
    compiled(nodes, edges, stations, None)
}

/// The same with a site file.
pub fn compiled(
    nodes: &[(&str, f64, f64)],
    edges: &[&str],
    stations: &[&str],
    site: Option<&str>,
) -> Arc<Layout> {
    let node = |(name, x, y): &(&str, f64, f64)| {
        serde_json::json!({"nodeId": name, "nodePosition": {"x": x, "y": y},
            "vehicleTypeNodeProperties": [{"vehicleTypeId": "t"}]})
    };
    let edge = |name: &&str| {
        serde_json::json!({"edgeId": name, "startNodeId": name[..1], "endNodeId": name[1..],
            "vehicleTypeEdgeProperties": [{"vehicleTypeId": "t", "rotationAllowed": true}]})
    };
    let station =
        |name: &&str| serde_json::json!({"stationId": name, "interactionNodeIds": [name.to_lowercase()]});
    let lif = serde_json::json!({
        "metaInformation": {"projectIdentification": "t", "creator": "t", "exportTimestamp": "2026-01-01T00:00:00.00Z",
            "lifVersion": "1.0.0"},
        "layouts": [{"layoutId": "l", "layoutVersion": "1",
            "nodes": nodes.iter().map(node).collect::<Vec<_>>(), "edges": edges.iter().map(edge).collect::<Vec<_>>(),
            "stations": stations.iter().map(station).collect::<Vec<_>>()}]});
    Arc::new(drover_maps::compile(lif.to_string().as_bytes(), site).expect("the test's own layout").layout)
}

/// A straight way a-b-c, and one round from b over e and f; 8 m each.
pub const ROUND_NODES: [(&str, f64, f64); 5] =
    [("a", 0.0, 0.0), ("b", 8.0, 0.0), ("c", 16.0, 0.0), ("e", 8.0, 8.0), ("f", 16.0, 8.0)];
pub const ROUND_EDGES: [&str; 10] = ["ab", "ba", "bc", "cb", "be", "eb", "ef", "fe", "fc", "cf"];

pub fn round_about() -> Arc<Layout> {
    drawn(&ROUND_NODES, &ROUND_EDGES, &["A", "C"])
}

/// A robot there on its way from a to c, which has been told as far as b.
pub fn under_way() -> Shell {
    let mut shell = Shell::on(round_about());
    shell.commit();
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    shell.take_over();
    assert_eq!(shell.held(), ["a", "b"]);
    shell
}

/// A job that drives to C and drops there.
pub fn job(id: &str, sequence: Option<&str>) -> JobSpec {
    let leg = LegSpec {
        station: "C".into(),
        action: Some(ActionSpec { name: "drop".into(), parameters: vec![] }),
        load: None,
        dwell_ms: 0,
        lines: 0,
    };
    JobSpec {
        id: JobId(id.into()),
        order_id: None,
        sequence: sequence.map(Into::into),
        legs: vec![leg],
        due_at: None,
        best_before: None,
        temperature: None,
        max_out_of_cold_s: None,
        requires: vec![],
        priority: 5,
        extra: String::new(),
        fingerprint: 1,
    }
}

pub struct Shell {
    /// All layouts the site was ever on.
    pub layouts: Layouts,
    pub site: Site,
    pub now: Time,
    pub journal: Vec<Record>,
    pub in_flight: Option<Box<Record>>,
    pub answers: Vec<(Ticket, Verdict)>,
    pub orders: Vec<Order>,
    pub asked: Vec<String>,
    pub asked_ids: Vec<String>,
    pub notes: Vec<Notification>,
    pub alarms: Vec<String>,
    pub requests: Vec<Level>,
    pub state: State,
    heads: u32,
}

impl Shell {
    pub fn new() -> Shell {
        Shell::on(row())
    }

    pub fn on(layout: Arc<Layout>) -> Shell {
        Shell::by(Name::default(), layout)
    }

    /// Jobs are given out by this policy.
    pub fn by(policy: Name, layout: Arc<Layout>) -> Shell {
        let config = Config { policy, ..config() };
        let site = Site::new(Arc::clone(&layout), config, Epoch(1), START);
        Shell::over(layout.into(), site, START, vec![])
    }

    fn over(layouts: Layouts, site: Site, now: Time, journal: Vec<Record>) -> Shell {
        let state = State { last_node_id: "a".into(), ..State::default() };
        Shell {
            layouts,
            site,
            now,
            journal,
            in_flight: None,
            answers: vec![],
            orders: vec![],
            asked: vec![],
            asked_ids: vec![],
            notes: vec![],
            alarms: vec![],
            requests: vec![],
            state,
            heads: 0,
        }
    }

    /// The process dies and starts again from what is durable.
    pub fn crash(self) -> Shell {
        let layouts = self.layouts.clone();
        let site = Site::restore(layouts.clone(), config(), Epoch(2), None, &self.journal, self.now);
        let site = site.expect("a whole journal");
        Shell { state: self.state, heads: self.heads, ..Shell::over(layouts, site, self.now, self.journal) }
    }

    pub fn give(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.site.receive(self.now, input, &mut effects);
        for effect in effects {
            match effect {
                Effect::Append(record) => self.in_flight = Some(record),
                Effect::Answer { ticket, verdict } => self.answers.push((ticket, verdict)),
                Effect::Send { message: ToRobot::Order(order), .. } => self.orders.push(*order),
                Effect::Send { message: ToRobot::InstantActions(actions), .. } => {
                    let ids = actions.actions.iter().map(|action| action.action_id.clone());
                    self.asked_ids.extend(ids);
                    self.asked.extend(actions.actions.into_iter().map(|action| action.action_type));
                }
                Effect::Notify(note) => self.notes.push(*note),
                Effect::Alarm(alarm) => self.alarms.push(alarm.text),
                Effect::SendDevice { request, .. } => self.requests.push(request.want),
                Effect::Snapshot { .. } => {}
            }
        }
    }

    /// The append in flight becomes durable.
    pub fn commit(&mut self) {
        while let Some(record) = self.in_flight.take() {
            let seq_to = record.seq_to;
            let (bytes, checksum) = record.encode();
            self.journal.push(Record::decode(&bytes, checksum).expect("what was just written"));
            self.give(Input::Committed { seq_to });
        }
    }

    pub fn submit(&mut self, ticket: u64, spec: JobSpec) {
        self.now = self.now.plus_ms(STEP_MS);
        self.give(Input::Job {
            ticket: Some(Ticket(ticket)),
            request: JobRequest::Submit(Box::new(spec)),
            by: None,
        });
    }

    pub fn wait(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        self.give(Input::Clock);
    }

    /// Some robot publishes this state; `id` is its header's.
    pub fn tell(&mut self, name: RobotName, id: u32, state: &State) {
        let mut state = state.clone();
        state.header.header_id = id;
        self.give(Input::Robot { name, message: RobotMessage::State(Box::new(state)) });
    }

    /// The robot publishes its state.
    pub fn hear(&mut self) {
        self.heads += 1;
        self.now = self.now.plus_ms(STEP_MS);
        self.state.header.header_id = self.heads;
        self.state.header.timestamp = format!("{:020}", self.now.0);
        self.give(Input::Robot { name: robot(), message: RobotMessage::State(Box::new(self.state.clone())) });
    }

    /// The door says what it shows, and what it was asked last.
    pub fn door(&mut self, state: Condition) {
        self.now = self.now.plus_ms(STEP_MS);
        let want = self.requests.last().copied();
        let state = DeviceState { v: 1, at: String::new(), state, want, reason: None };
        self.give(Input::Device { name: "D".into(), message: DeviceMessage::State(state) });
        self.commit();
    }

    /// The operator wants something, under an idempotency key.
    pub fn wish(&mut self, ticket: u64, key: &str, wish: Wish) {
        self.now = self.now.plus_ms(STEP_MS);
        let by = Caller { name: "kim".into(), key: key.into(), reason: String::new() };
        self.give(Input::Wish { ticket: Some(Ticket(ticket)), wish, by });
        self.commit();
    }

    /// The site's files hold this layout now, and the operator says so.
    pub fn relay(&mut self, ticket: u64, layout: &Arc<Layout>) {
        self.now = self.now.plus_ms(STEP_MS);
        self.layouts.add(Arc::clone(layout));
        let by = Caller { name: "kim".into(), ..Caller::default() };
        self.give(Input::Layout { ticket: Some(Ticket(ticket)), layout: Arc::clone(layout), by });
        self.commit();
    }

    pub fn connect(&mut self) {
        self.connection(vda5050::ConnectionState::Online);
    }

    pub fn connection(&mut self, connection_state: vda5050::ConnectionState) {
        let message = vda5050::Connection { header: vda5050::Header::default(), connection_state };
        self.give(Input::Robot { name: robot(), message: RobotMessage::Connection(message) });
        self.commit();
    }

    /// The robot does the last thing that it was asked at once, and says so.
    pub fn answer(&mut self) {
        let id = self.asked_ids.last().expect("a question").clone();
        self.state.action_states.push(vda5050::ActionState::new(id, vda5050::ActionStatus::Finished));
        self.hear();
        self.commit();
    }

    /// The robot takes over the last message and has all of it before it.
    pub fn take_over(&mut self) {
        let order = self.orders.last().expect("an order").clone();
        self.state.order_id.clone_from(&order.order_id);
        self.state.order_update_id = order.order_update_id;
        let first = &order.nodes[0];
        (self.state.last_node_id, self.state.last_node_sequence_id) =
            (first.node_id.clone(), first.sequence_id);
        self.state.node_states = order.nodes.iter().skip(1).map(ahead).collect();
        self.hear();
        self.commit();
    }

    /// The robot stands there a while later and has forgotten everything it was told.
    pub fn forgets_at(&mut self, node: &str) {
        self.now = self.now.plus_ms(6_000);
        self.state = State { last_node_id: node.into(), ..State::default() };
        self.hear();
        self.commit();
        self.answer();
    }

    /// Who holds each node, by name.
    pub fn holders(&self) -> Vec<(String, String)> {
        let fleet = self.site.fleet();
        let holder =
            |node| fleet.reservations().node(node).map(|id| fleet.robots()[id.index()].name.serial.clone());
        let nodes = fleet.layout().nodes();
        nodes.filter_map(|node| Some((fleet.layout().node(node).name.clone(), holder(node)?))).collect()
    }

    /// Names of the nodes that the robot holds.
    pub fn held(&self) -> Vec<String> {
        self.holders()
            .into_iter()
            .filter(|(_, holder)| *holder == robot().serial)
            .map(|(node, _)| node)
            .collect()
    }

    /// The robot takes over the last message and drives to the end of its base; what it does there ends well.
    pub fn obey(&mut self) {
        self.carry_out(vda5050::ActionStatus::Finished);
    }

    /// The same, if there is a message.
    pub fn obey_if_told(&mut self) {
        if !self.orders.is_empty() {
            self.obey();
        }
    }

    /// The same, but what it does there fails.
    pub fn obey_badly(&mut self) {
        self.carry_out(vda5050::ActionStatus::Failed);
    }

    fn carry_out(&mut self, status: vda5050::ActionStatus) {
        let order = self.orders.last().expect("an order").clone();
        let way = &self.site.fleet().robots()[0].trail;
        self.now = way.steps.back().map_or(self.now, |end| end.earliest.max(self.now));
        let end = order.nodes.iter().rfind(|node| node.released).expect("a base").clone();
        self.state.order_id = order.order_id;
        self.state.order_update_id = order.order_update_id;
        self.state.last_node_id = end.node_id;
        self.state.last_node_sequence_id = end.sequence_id;
        let ended = |action: &vda5050::Action| vda5050::ActionState::new(&action.action_id, status);
        self.state.action_states = end.actions.iter().map(ended).collect();
        self.state.node_states.clear();
        self.hear();
        self.commit();
    }
}

fn ahead(node: &vda5050::Node) -> vda5050::NodeState {
    vda5050::NodeState {
        node_id: node.node_id.clone(),
        sequence_id: node.sequence_id,
        released: node.released,
        ..vda5050::NodeState::default()
    }
}

pub fn robot() -> RobotName {
    RobotName { manufacturer: "acme".into(), serial: "r1".into() }
}

/// A second one.
pub fn other() -> RobotName {
    RobotName { manufacturer: "acme".into(), serial: "r2".into() }
}

/// It knows that it is there, metres.
pub fn position(x: f64, y: f64) -> Option<vda5050::AgvPosition> {
    Some(vda5050::AgvPosition { x, y, position_initialized: true, ..vda5050::AgvPosition::default() })
}

fn config() -> Config {
    Config { site: "test".into(), auto_enroll: true, gather_ms: 0, ..Config::default() }
}
