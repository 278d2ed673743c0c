//! Actions: who waits for whom, and what the state shows of it.

use crate::common::{Rig, is_done, order, status, with_action};
use drover_agent_core::{Incoming, Message, Options, Spec};
use drover_proto::vda5050::{Action, ActionStatus, BlockingType, ConnectionState, InstantActions};

fn virtual_rig() -> Rig {
    Rig::with(Spec::default(), Options { accept_any_action: true, ..Options::default() }, "0_0")
}

#[test]
fn hard_action_stops_the_robot_and_runs_alone() {
    let mut rig = virtual_rig();
    let with_pick =
        with_action(order("O", 0, &["0_0", "3_0", "6_0"], 3, 0), 1, "beep", "a", BlockingType::None);
    rig.order(with_action(with_pick, 1, "pick", "b", BlockingType::Hard));
    rig.run_until(|state| status(state, "a") == Some(ActionStatus::Running));
    assert_eq!((rig.x(), rig.speed()), (3.0, 0.0));
    assert_eq!(status(&rig.state(), "b"), Some(ActionStatus::Waiting));
    rig.run_until(|state| status(state, "b") == Some(ActionStatus::Running));
    assert_eq!(status(&rig.state(), "a"), Some(ActionStatus::Finished));
    assert_eq!(rig.x(), 3.0);
    let state = rig.run_until(is_done);
    assert_eq!(status(&state, "b"), Some(ActionStatus::Finished));
    assert_eq!(rig.x(), 6.0);
}

#[test]
fn none_action_runs_while_driving() {
    let mut rig = virtual_rig();
    rig.order(with_action(order("O", 0, &["0_0", "4_0", "8_0"], 3, 0), 1, "beep", "a", BlockingType::None));
    let state = rig.run_until(|state| status(state, "a") == Some(ActionStatus::Running));
    assert!(state.driving);
    assert!((rig.speed() - 1.5).abs() < 1e-9);
}

#[test]
fn soft_actions_run_together_standing() {
    let mut rig = virtual_rig();
    let two = with_action(order("O", 0, &["0_0", "3_0", "6_0"], 3, 0), 1, "x", "a", BlockingType::Soft);
    rig.order(with_action(two, 1, "y", "b", BlockingType::Soft));
    let state = rig.run_until(|state| status(state, "b") == Some(ActionStatus::Running));
    assert_eq!(status(&state, "a"), Some(ActionStatus::Running));
    assert_eq!(rig.x(), 3.0);
}

#[test]
fn edge_action_ends_with_the_edge() {
    let mut rig = virtual_rig();
    let mut horn = order("O", 0, &["0_0", "2_0", "4_0"], 3, 0);
    horn.edges[1].actions.push(Action::new("horn", "h", BlockingType::None).with("duration", 600));
    rig.order(horn);
    assert_eq!(status(&rig.state(), "h"), Some(ActionStatus::Waiting));
    rig.run_until(|state| state.last_node_id == "2_0");
    assert_eq!(status(&rig.state(), "h"), Some(ActionStatus::Running));
    rig.run_until(is_done);
    assert_eq!(status(&rig.state(), "h"), Some(ActionStatus::Finished));
}

#[test]
fn pick_books_the_load_and_drop_takes_it_off() {
    let mut rig = Rig::new();
    let mut there = order("O", 0, &["0_0", "2_0"], 2, 0);
    let pick = Action::new("pick", "p", BlockingType::Hard).with("loadId", "TOTE-9").with("loadType", "tote");
    there.nodes[0].actions.push(pick);
    there.nodes[1].actions.push(Action::new("drop", "d", BlockingType::Hard).with("loadId", "TOTE-9"));
    rig.order(there);
    let state = rig.run_until(|state| status(state, "p") == Some(ActionStatus::Finished));
    let loads = state.loads.unwrap();
    assert_eq!((loads[0].load_id.as_deref(), loads[0].load_type.as_deref()), (Some("TOTE-9"), Some("tote")));
    assert_eq!(rig.now - crate::common::T0, 4_000);
    assert_eq!(rig.run_until(is_done).loads, Some(vec![]));
}

#[test]
fn stitching_node_is_not_worked_on_again() {
    let mut rig = Rig::new();
    rig.order(with_action(order("O", 0, &["0_0", "2_0"], 2, 0), 1, "pick", "p", BlockingType::Hard));
    rig.run_until(is_done);
    rig.order(with_action(order("O", 1, &["2_0", "4_0"], 2, 2), 0, "pick", "p", BlockingType::Hard));
    let state = rig.run_until(is_done);
    assert_eq!((state.action_states.len(), state.loads.unwrap().len()), (1, 1));
}

#[test]
fn dropped_horizon_takes_its_actions_along() {
    let mut rig = Rig::new();
    rig.order(with_action(order("O", 0, &["0_0", "2_0", "4_0"], 2, 0), 2, "pick", "p", BlockingType::Hard));
    assert_eq!(status(&rig.state(), "p"), Some(ActionStatus::Waiting));
    rig.order(order("O", 1, &["2_0", "2_3"], 2, 2));
    assert_eq!(status(&rig.run_until(is_done), "p"), None);
}

#[test]
fn failed_action_is_told_and_the_order_goes_on() {
    let mut rig = Rig::new();
    rig.order(with_action(order("O", 0, &["0_0", "2_0", "4_0"], 3, 0), 1, "pick", "p", BlockingType::Hard));
    rig.agent.drive_mut().fail_next("pick");
    let state = rig.run_until(is_done);
    assert_eq!((status(&state, "p"), state.loads), (Some(ActionStatus::Failed), Some(vec![])));
}

#[test]
fn cancel_stops_at_the_next_node_it_can() {
    let mut rig = Rig::new();
    let nodes = ["0_0", "2_0", "4_0", "6_0", "8_0", "10_0"];
    rig.order(with_action(order("O", 0, &nodes, 5, 0), 4, "pick", "p", BlockingType::Hard));
    rig.run(3_000);
    let state = rig.instant("cancelOrder", "c");
    assert_eq!(status(&state, "c"), Some(ActionStatus::Running));
    assert_eq!(status(&state, "p"), Some(ActionStatus::Failed));
    let state = rig.run_until(|state| status(state, "c") == Some(ActionStatus::Finished));
    assert_eq!((rig.x(), state.last_node_id.as_str(), state.order_id.as_str()), (6.0, "6_0", "O"));
    assert!(state.node_states.is_empty() && state.edge_states.is_empty() && !state.driving);
    let state = rig.order(order("O", 1, &["6_0", "8_0"], 2, 6));
    assert_eq!(state.errors[0].error_type, "orderUpdateError");
    assert!(rig.order(order("P", 0, &["6_0", "8_0"], 2, 0)).errors.is_empty());
}

#[test]
fn running_action_ends_before_the_cancel_does() {
    let mut rig = Rig::new();
    rig.order(with_action(order("O", 0, &["0_0", "2_0"], 2, 0), 0, "pick", "p", BlockingType::Hard));
    rig.run(1_000);
    let state = rig.instant("cancelOrder", "c");
    assert_eq!(
        (status(&state, "p"), status(&state, "c")),
        (Some(ActionStatus::Running), Some(ActionStatus::Running))
    );
    let state = rig.run_until(|state| status(state, "c") == Some(ActionStatus::Finished));
    assert_eq!(status(&state, "p"), Some(ActionStatus::Finished));
    assert_eq!(rig.x(), 0.0);
}

#[test]
fn nothing_to_cancel_is_said() {
    let mut rig = Rig::new();
    let state = rig.instant("cancelOrder", "c");
    assert_eq!(status(&state, "c"), Some(ActionStatus::Failed));
    assert_eq!(state.errors[0].error_type, "noOrderToCancel");
    assert_eq!(state.errors[0].reference("actionId"), Some("c"));
}

#[test]
fn instant_action_is_carried_out_once_however_often_it_comes() {
    let mut rig = Rig::new();
    rig.order(order("O", 0, &["0_0", "2_0"], 2, 0));
    rig.instant("cancelOrder", "c");
    rig.run_until(is_done);
    let place = rig.state().last_node_id;
    rig.order(order("P", 0, &[&place, "2_3"], 2, 0));
    rig.instant("cancelOrder", "c");
    rig.run_until(is_done);
    assert_eq!(rig.state().last_node_id, "2_3");
}

#[test]
fn requests_are_answered_at_once() {
    let mut rig = Rig::new();
    let before = rig.sent.len();
    let state = rig.instant("stateRequest", "s");
    assert_eq!(status(&state, "s"), Some(ActionStatus::Finished));
    rig.instant("factsheetRequest", "f");
    let is_factsheet = |message: &Message| matches!(message, Message::Factsheet(_));
    assert_eq!(rig.sent[before..].iter().filter(|out| is_factsheet(&out.message)).count(), 1);
    let state = rig.instant("fly", "x");
    assert_eq!(status(&state, "x"), Some(ActionStatus::Failed));
}

#[test]
fn charging_is_shown_and_ends_when_it_drives() {
    let mut rig = Rig::new();
    rig.instant("startCharging", "a");
    let state = rig.run_until(|state| status(state, "a") == Some(ActionStatus::Finished));
    assert!(state.battery_state.charging);
    let state = rig.order(order("O", 0, &["0_0", "2_0"], 2, 0));
    assert!(!state.battery_state.charging && state.driving);
}

#[test]
fn connection_is_told_on_every_connect_and_healed_when_broken() {
    let mut rig = Rig::new();
    let online = |rig: &Rig| {
        let is_online = |message: &Message| {
            matches!(message, Message::Connection(sent) if sent.connection_state == ConnectionState::Online)
                && message.is_retained()
                && message.qos() == 1
        };
        rig.sent.iter().filter(|out| is_online(&out.message)).count()
    };
    assert_eq!(online(&rig), 1);
    rig.agent.on_disconnected(rig.now);
    rig.order(order("O", 0, &["0_0", "9_0"], 2, 0));
    let silent = rig.sent.len();
    rig.run(60_000);
    assert_eq!(rig.sent.len(), silent);
    rig.agent.on_connected(rig.now);
    let will = rig.agent.will();
    rig.agent.on_message(rig.now, Incoming::Connection(will));
    rig.drain();
    assert_eq!(online(&rig), 3);
    assert_eq!(rig.state().last_node_id, "9_0");
    rig.agent.on_shutdown(rig.now);
    rig.drain();
    let last = rig.sent.last().map(|out| out.message.clone());
    assert!(
        matches!(last, Some(Message::Connection(sent)) if sent.connection_state == ConnectionState::Offline)
    );
}

#[test]
fn state_is_sent_at_least_every_thirty_seconds() {
    let mut rig = Rig::new();
    let before = rig.states().count();
    rig.run(90_000);
    assert_eq!(rig.states().count(), before + 3);
}

#[test]
fn messages_survive_a_round_trip_through_json() {
    let mut rig = Rig::new();
    rig.order(with_action(order("O", 0, &["0_0", "2_0", "4_0"], 2, 0), 1, "pick", "p", BlockingType::Hard));
    rig.agent.on_message(rig.now, Incoming::InstantActions(InstantActions::default()));
    rig.run(2_000);
    for state in rig.states() {
        let text = serde_json::to_string(state).unwrap();
        assert_eq!(&serde_json::from_str::<drover_proto::vda5050::State>(&text).unwrap(), state);
    }
}

#[test]
fn robot_that_takes_any_action_says_so_in_its_factsheet() {
    let lists_any = |accept_any_action: bool| {
        let options = Options { accept_any_action, ..Options::default() };
        let rig = Rig::with(Spec::default(), options, "0_0");
        let factsheet = rig.sent.iter().find_map(|outgoing| match &outgoing.message {
            Message::Factsheet(factsheet) => factsheet.protocol_features.clone(),
            Message::State(_) | Message::Connection(_) | Message::Visualization(_) => None,
        });
        factsheet.unwrap().agv_actions.iter().any(|action| action.action_type == "*")
    };
    assert!(lists_any(true) && !lists_any(false));
}
