//! `initPosition`: the robot is told where it is.

use crate::common::{Rig, is_done, only_error, order, status, with_action};
use drover_agent_core::{Abilities, Agent, Drive, Incoming, Progress, Status, Waypoint};
use drover_agent_core::{Identity, Message, Options, Spec, Start, StoredMap};
use drover_proto::vda5050::{Action, ActionStatus, BlockingType, InstantActions, State};
use serde_json::{Value, json};

fn here(id: &str) -> Action {
    Action::new("initPosition", id, BlockingType::None)
        .with("x", 5)
        .with("y", "2.5")
        .with("theta", 1.5)
        .with("mapId", "floor")
        .with("lastNodeId", "5_2")
}

fn with(mut action: Action, key: &str, value: Value) -> Action {
    action.action_parameters.retain(|parameter| parameter.key != key);
    if value.is_null() { action } else { action.with(key, value) }
}

fn place(state: &State) -> (f64, f64, f64, String, String) {
    let at = state.agv_position.clone().expect("a position");
    (at.x, at.y, at.theta, at.map_id, state.last_node_id.clone())
}

#[test]
fn robot_is_where_it_is_told_to_be() {
    let mut rig = Rig::new();
    let state = rig.at_once(here("i"));
    assert_eq!(status(&state, "i"), Some(ActionStatus::Finished));
    assert_eq!(place(&state), (5.0, 2.5, 1.5, "floor".to_owned(), "5_2".to_owned()));
    assert!(state.errors.is_empty() && state.agv_position.unwrap().position_initialized);
    let mut next = order("O", 0, &["5_2", "9_2"], 2, 0);
    next.nodes[0].node_position.as_mut().unwrap().y = 2.5;
    assert!(rig.order(next).errors.is_empty(), "it goes on from there");
    assert_eq!(rig.run_until(is_done).last_node_id, "9_2");
}

#[test]
fn what_isnt_a_place_fails_and_nothing_moves() {
    let cases = [
        ("x", Value::Null),
        ("y", Value::Null),
        ("theta", Value::Null),
        ("mapId", Value::Null),
        ("lastNodeId", Value::Null),
        ("lastNodeId", json!("")),
        ("x", json!("far away")),
        ("y", json!("inf")),
        ("theta", json!("NaN")),
        ("x", json!([1])),
        ("mapId", json!("roof")),
    ];
    for (key, value) in cases {
        let mut rig = Rig::new();
        let before = place(&rig.state());
        let state = rig.at_once(with(here("i"), key, value.clone()));
        let error = only_error(&state, "i");
        assert!(error.error_description.unwrap().contains(if value == "roof" { "roof" } else { key }));
        assert_eq!(place(&state), before, "{key} = {value}");
    }
}

#[test]
fn robot_on_an_order_isnt_told_where_it_is() {
    for blocking in [BlockingType::None, BlockingType::Soft, BlockingType::Hard] {
        let mut rig = Rig::new();
        rig.order(order("O", 0, &["0_0", "9_0"], 2, 0));
        rig.run(2_000);
        let before = rig.x();
        let state = rig.at_once(Action { blocking_type: blocking, ..here("i") });
        assert_eq!(only_error(&state, "i").error_type, "initPositionError");
        assert_eq!((rig.x(), state.node_states.len()), (before, 1));
        assert_eq!(rig.run_until(is_done).last_node_id, "9_0");
    }
    let mut rig = Rig::new();
    rig.order(with_action(order("O", 0, &["0_0"], 1, 0), 0, "pick", "p", BlockingType::Hard));
    let state = rig.at_once(here("i"));
    assert!(only_error(&state, "i").error_description.unwrap().contains("order O is active"));
}

#[test]
fn old_order_doesnt_go_on_from_the_new_place() {
    let mut rig = Rig::new();
    rig.order(order("O", 0, &["0_0", "2_0"], 2, 0));
    rig.run_until(is_done);
    rig.at_once(here("i"));
    let state = rig.order(order("O", 1, &["5_2", "9_2"], 2, 2));
    assert_eq!((state.errors[0].error_type.as_str(), state.order_update_id), ("orderUpdateError", 0));
}

#[test]
fn place_isnt_an_action_of_a_node() {
    let mut rig = Rig::new();
    let mut there = order("O", 0, &["0_0", "2_0"], 2, 0);
    there.nodes[1].actions.push(here("i"));
    let state = rig.order(there);
    assert_eq!(state.errors[0].error_type, "orderError");
    assert_eq!(state.errors[0].reference("actionId"), Some("i"));
}

/// A machine that stands, and says what it is asked.
#[derive(Default)]
struct Standing {
    abilities: Abilities,
    news: Vec<Progress>,
}

impl Drive for Standing {
    fn extend(&mut self, _: u64, _: Vec<Waypoint>) {}
    fn cut(&mut self, _: u64) -> usize {
        0
    }
    fn hold(&mut self, _: u64, _: bool) {}
    fn abandon(&mut self, _: u64) {}
    fn begin(&mut self, _: u64, _: Action) {}
    fn abilities(&self) -> Abilities {
        self.abilities
    }
    fn interrupt(&mut self, _: u64, _: &str) {}
    fn advance(&mut self, _: u64) {}
    fn next_timeout(&self) -> Option<u64> {
        None
    }
    fn poll(&mut self) -> Option<Progress> {
        self.news.pop()
    }
    fn status(&self) -> Status {
        Status::default()
    }
}

fn standing(abilities: Abilities) -> Agent<Standing> {
    let identity = Identity { interface: "uagv".into(), manufacturer: "acme".into(), serial: "r01".into() };
    let (node_id, map_id) = ("a".to_owned(), "floor".to_owned());
    let start = Start { node_id, map_id, x_m: 0.0, y_m: 0.0, theta_rad: 0.0, charge_permille: 900 };
    let drive = Standing { abilities, news: Vec::new() };
    let options = Options { maps: vec![StoredMap::new("floor")], ..Options::default() };
    let mut agent = Agent::new(identity, Spec::default(), options, &start, drive, 0);
    agent.on_connected(0);
    agent
}

fn last_state(agent: &mut Agent<Standing>) -> State {
    let mut last = None;
    while let Some(sent) = agent.poll_transmit() {
        if let Message::State(state) = sent.message {
            last = Some(*state);
        }
    }
    last.expect("no state was sent")
}

fn ask(agent: &mut Agent<Standing>, action: Action) -> State {
    let mut message = InstantActions { actions: vec![action], ..InstantActions::default() };
    message.header.header_id = 77;
    agent.on_message(0, Incoming::InstantActions(message));
    last_state(agent)
}

#[test]
fn machine_that_cant_neither_lists_nor_does_it() {
    let mut agent = standing(Abilities::default());
    let state = ask(&mut agent, here("i"));
    assert_eq!(only_error(&state, "i").error_type, "orderError");
    let mut agent = standing(Abilities { localises: true, stores_maps: true });
    let state = ask(&mut agent, here("i"));
    let error = only_error(&state, "i");
    assert_eq!(error.error_type, "initPositionError", "the seam's own answer is a refusal");
    assert!(error.error_description.unwrap().contains("can't be told"));
    let mut agent = standing(Abilities { localises: true, stores_maps: true });
    let fetch = Action::new("downloadMap", "d", BlockingType::None)
        .with("mapId", "roof")
        .with("mapVersion", "1")
        .with("mapDownloadLink", "https://maps/roof");
    let error = only_error(&ask(&mut agent, fetch), "d");
    assert!(error.error_description.unwrap().contains("stores no maps"));
}
