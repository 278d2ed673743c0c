//! A robot on squared paper: node `3_4` lies at (3 m, 4 m).

use drover_agent_core::{Agent, Identity, Incoming, Message, Options, Outgoing, SimulatedDrive, Spec, Start};
use drover_proto::vda5050::{
    Action, ActionStatus, BlockingType, Edge, Error, ErrorLevel, Header, InstantActions, Node, NodePosition,
    Order, State,
};

pub const T0: u64 = 1_795_000_000_000;

pub struct Rig {
    pub agent: Agent<SimulatedDrive>,
    pub now: u64,
    pub sent: Vec<Outgoing>,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(Spec::default(), Options::default(), "0_0")
    }

    pub fn with(spec: Spec, options: Options, node: &str) -> Self {
        let (x_m, y_m) = place(node);
        let map_id = "floor".to_owned();
        let start =
            Start { node_id: node.to_owned(), map_id, x_m, y_m, theta_rad: 0.0, charge_permille: 800 };
        let identity =
            Identity { interface: "uagv".into(), manufacturer: "acme".into(), serial: "r01".into() };
        let drive = SimulatedDrive::new(spec.clone(), &start, T0);
        let mut agent = Agent::new(identity, spec, options, &start, drive, T0);
        agent.on_connected(T0);
        let mut rig = Self { agent, now: T0, sent: Vec::new() };
        rig.drain();
        rig
    }

    pub fn order(&mut self, order: Order) -> State {
        self.agent.on_message(self.now, Incoming::Order(order));
        self.drain();
        self.state()
    }

    pub fn instant(&mut self, kind: &str, id: &str) -> State {
        self.at_once(Action::new(kind, id, BlockingType::None))
    }

    /// In a message with `headerId` 77.
    pub fn at_once(&mut self, action: Action) -> State {
        let header = Header { header_id: 77, ..Header::default() };
        let message = InstantActions { header, actions: vec![action], ..InstantActions::default() };
        self.agent.on_message(self.now, Incoming::InstantActions(message));
        self.drain();
        self.state()
    }

    pub fn run(&mut self, ms: u64) -> State {
        self.now += ms;
        self.agent.advance(self.now);
        self.drain();
        self.state()
    }

    /// In steps of 10 ms until it holds, a minute at most.
    pub fn run_until(&mut self, holds: impl Fn(&State) -> bool) -> State {
        for _ in 0..6_000 {
            let state = self.run(10);
            if holds(&state) {
                return state;
            }
        }
        panic!("it never held: {:#?}", self.state());
    }

    pub fn drain(&mut self) {
        while let Some(outgoing) = self.agent.poll_transmit() {
            self.sent.push(outgoing);
        }
    }

    pub fn states(&self) -> impl DoubleEndedIterator<Item = &State> {
        self.sent.iter().filter_map(|outgoing| match &outgoing.message {
            Message::State(state) => Some(&**state),
            _ => None,
        })
    }

    pub fn state(&self) -> State {
        self.states().next_back().cloned().expect("no state was sent")
    }

    pub fn speed(&self) -> f64 {
        use drover_agent_core::Drive;
        self.agent.drive().status().speed_m_s
    }

    pub fn x(&self) -> f64 {
        self.agent.pose().x_m
    }
}

pub fn place(node: &str) -> (f64, f64) {
    let (x, y) = node.split_once('_').expect("x_y");
    (x.parse().expect("x"), y.parse().expect("y"))
}

/// An order over these nodes, the first `base` of them released, numbered from `from_seq`.
pub fn order(id: &str, update: u32, nodes: &[&str], base: usize, from_seq: u32) -> Order {
    let numbered = nodes.iter().zip((from_seq..).step_by(2)).enumerate();
    let nodes_out = numbered.map(|(index, (name, seq))| {
        let (x, y) = place(name);
        let position = NodePosition { x, y, map_id: "floor".into(), ..NodePosition::default() };
        Node { node_position: Some(position), ..Node::new(*name, seq, index < base) }
    });
    let edges = nodes.windows(2).zip((from_seq + 1..).step_by(2)).enumerate();
    let edges_out = edges.map(|(index, (pair, seq))| {
        Edge::new(format!("{}-{}", pair[0], pair[1]), seq, index + 1 < base, pair[0], pair[1])
    });
    let (nodes, edges) = (nodes_out.collect(), edges_out.collect());
    Order { order_id: id.into(), order_update_id: update, nodes, edges, ..Order::default() }
}

pub fn with_action(mut order: Order, node: usize, kind: &str, id: &str, blocking: BlockingType) -> Order {
    order.nodes[node].actions.push(Action::new(kind, id, blocking));
    order
}

pub fn status(state: &State, id: &str) -> Option<ActionStatus> {
    state.action_states.iter().find(|action| action.action_id == id).map(|action| action.action_status)
}

pub fn result(state: &State, id: &str) -> String {
    let found = state.action_states.iter().find(|action| action.action_id == id);
    found.and_then(|action| action.result_description.clone()).unwrap_or_default()
}

/// The only error: a warning about this instant action, which has failed and says why.
pub fn only_error(state: &State, id: &str) -> Error {
    let [error] = state.errors.as_slice() else { panic!("not one error: {:#?}", state.errors) };
    assert_eq!(error.error_level, ErrorLevel::Warning);
    let reference = |key| error.reference(key);
    assert_eq!(
        [reference("topic"), reference("headerId"), reference("actionId")],
        [Some("instantActions"), Some("77"), Some(id)]
    );
    assert_eq!(status(state, id), Some(ActionStatus::Failed));
    assert_eq!(error.error_description, Some(result(state, id)), "the action says what the error says");
    error.clone()
}

pub fn is_done(state: &State) -> bool {
    state.node_states.is_empty()
        && state.edge_states.is_empty()
        && state.action_states.iter().all(|action| action.action_status.has_ended())
        && !state.driving
}
