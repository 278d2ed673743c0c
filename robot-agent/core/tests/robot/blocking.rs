//! Blocking types in all their pairs, on nodes and edges (2.1.0, 6.11): who runs beside whom, and who drives meanwhile.

use crate::common::{Rig, is_done, order, status};
use drover_agent_core::{Options, Spec};
use drover_proto::vda5050::BlockingType::{self, Hard, None as Free, Soft};
use drover_proto::vda5050::{Action, ActionStatus, Order, State};

fn virtual_rig() -> Rig {
    Rig::with(Spec::default(), Options { accept_any_action: true, ..Options::default() }, "0_0")
}

fn act(id: &str, blocking: BlockingType, duration_s: u32) -> Action {
    Action::new(format!("do-{id}"), id, blocking).with("duration", duration_s)
}

fn way() -> Order {
    order("O", 0, &["0_0", "3_0", "9_0"], 3, 0)
}

fn is(state: &State, id: &str, wanted: ActionStatus) -> bool {
    status(state, id) == Some(wanted)
}

/// First and second action, whether they run together, whether the robot stands while the first runs.
const PAIRS: [(BlockingType, BlockingType, bool, bool); 9] = [
    (Free, Free, true, false),
    (Free, Soft, true, true),
    (Free, Hard, false, true),
    (Soft, Free, true, true),
    (Soft, Soft, true, true),
    (Soft, Hard, false, true),
    (Hard, Free, false, true),
    (Hard, Soft, false, true),
    (Hard, Hard, false, true),
];

/// Runs a pair whose place is where the robot comes to at (3 m, 0 m), or leaves from there.
fn check_pair(name: &str, order: Order, second: BlockingType, is_together: bool, stands: bool) {
    let mut rig = virtual_rig();
    assert!(rig.order(order).errors.is_empty(), "{name}");
    let state = rig.run_until(|state| is(state, "a", ActionStatus::Running));
    let wanted = if is_together { ActionStatus::Running } else { ActionStatus::Waiting };
    assert_eq!(status(&state, "b"), Some(wanted), "{name}");
    assert_eq!(state.last_node_id, "3_0", "{name}");
    let state = rig.run(2_500);
    assert!(is(&state, "a", ActionStatus::Running), "{name}");
    assert_eq!((rig.x() - 3.0 < 1e-9, state.driving), (stands, !stands), "{name}");
    let state = rig.run_until(|state| is(state, "a", ActionStatus::Finished));
    if is_together {
        assert!(is(&state, "b", ActionStatus::Finished), "{name}: as long as the first, and beside it");
    } else {
        assert!(is(&state, "b", ActionStatus::Running), "{name}: as soon as the first has ended");
        let drives = second == Free;
        assert_eq!(rig.run(500).driving, drives, "{name}: the first doesn't block any more");
    }
    let state = rig.run_until(is_done);
    assert_eq!((state.last_node_id.as_str(), status(&state, "b")), ("9_0", Some(ActionStatus::Finished)));
}

#[test]
fn actions_of_a_node_wait_for_each_other_as_their_types_say() {
    for (first, second, is_together, stands) in PAIRS {
        let mut there = way();
        there.nodes[1].actions = vec![act("a", first, 3), act("b", second, 3)];
        check_pair(&format!("node: {first}, {second}"), there, second, is_together, stands);
    }
}

#[test]
fn actions_of_an_edge_wait_for_each_other_as_their_types_say() {
    for (first, second, is_together, stands) in PAIRS {
        let mut there = way();
        there.edges[1].actions = vec![act("a", first, 3), act("b", second, 3)];
        check_pair(&format!("edge: {first}, {second}"), there, second, is_together, stands);
    }
}

#[test]
fn three_in_a_row_keep_their_order() {
    let mut rig = virtual_rig();
    let mut there = way();
    there.nodes[1].actions = vec![act("a", Free, 2), act("b", Hard, 2), act("c", Soft, 2), act("d", Free, 2)];
    rig.order(there);
    let statuses = |state: &State| ["a", "b", "c", "d"].map(|id| status(state, id).unwrap().as_str());
    rig.run_until(|state| is(state, "a", ActionStatus::Running));
    assert_eq!(statuses(&rig.state()), ["RUNNING", "WAITING", "WAITING", "WAITING"]);
    assert_eq!(statuses(&rig.run(2_000)), ["FINISHED", "RUNNING", "WAITING", "WAITING"]);
    assert_eq!(statuses(&rig.run(2_000)), ["FINISHED", "FINISHED", "RUNNING", "RUNNING"]);
    assert_eq!(rig.x(), 3.0);
}

#[test]
fn free_action_of_a_node_outlives_the_node_and_the_order_waits_for_it() {
    let mut rig = virtual_rig();
    let mut there = way();
    there.nodes[1].actions.push(act("a", Free, 20));
    rig.order(there);
    let state = rig.run_until(|state| state.last_node_id == "9_0");
    assert!(is(&state, "a", ActionStatus::Running) && state.node_states.is_empty());
    let state = rig.order(order("P", 0, &["9_0", "12_0"], 2, 0));
    assert_eq!(state.errors[0].error_type, "orderError", "the order isn't over yet");
    let state = rig.run_until(is_done);
    assert!(is(&state, "a", ActionStatus::Finished));
}

#[test]
fn hard_action_waits_for_what_an_earlier_node_began() {
    let mut rig = virtual_rig();
    let mut there = order("O", 0, &["0_0", "3_0", "6_0", "9_0"], 4, 0);
    there.nodes[1].actions.push(act("a", Free, 12));
    there.nodes[2].actions.push(act("b", Hard, 2));
    rig.order(there);
    let state = rig.run_until(|state| state.last_node_id == "6_0");
    assert!(is(&state, "a", ActionStatus::Running) && is(&state, "b", ActionStatus::Waiting));
    let state = rig.run_until(|state| is(state, "b", ActionStatus::Running));
    assert!(is(&state, "a", ActionStatus::Finished));
    assert_eq!(rig.x(), 6.0);
}

#[test]
fn free_action_of_an_edge_ends_with_it_and_a_blocking_one_before_it() {
    let mut rig = virtual_rig();
    let mut there = way();
    there.edges[0].actions = vec![act("s", Soft, 2), act("n", Free, 600)];
    rig.order(there);
    let state = rig.run(1_000);
    assert_eq!((rig.x(), state.driving), (0.0, false));
    assert!(is(&state, "s", ActionStatus::Running) && is(&state, "n", ActionStatus::Running));
    let state = rig.run_until(|state| state.driving);
    assert!(is(&state, "s", ActionStatus::Finished) && is(&state, "n", ActionStatus::Running));
    let state = rig.run_until(|state| state.last_node_id == "3_0");
    assert!(is(&state, "n", ActionStatus::Finished), "in the state that tells of the node");
    let told = rig.states().filter(|state| state.last_node_id == "3_0");
    assert!(told.into_iter().all(|state| is(state, "n", ActionStatus::Finished)));
}

#[test]
fn action_that_never_began_on_its_edge_hasnt_been_done() {
    let mut rig = virtual_rig();
    let mut there = way();
    there.edges[1].actions.push(act("late", Free, 1));
    rig.order(there);
    rig.run(1_000);
    rig.at_once(act("now", Hard, 1));
    let state = rig.run_until(is_done);
    assert!(is(&state, "now", ActionStatus::Finished));
    assert!(is(&state, "late", ActionStatus::Failed), "the edge was passed before its turn came");
}

#[test]
fn horizon_shows_its_actions_as_waiting_and_begins_none() {
    let mut rig = virtual_rig();
    let mut there = order("O", 0, &["0_0", "3_0", "6_0"], 2, 0);
    there.edges[0].actions.push(act("e0", Free, 1));
    there.nodes[1].actions.push(act("n1", Soft, 1));
    there.edges[1].actions.push(act("e1", Hard, 1));
    there.nodes[2].actions.push(act("n2", Hard, 1));
    let state = rig.order(there);
    let listed: Vec<_> = state.action_states.iter().map(|action| action.action_id.as_str()).collect();
    assert_eq!(listed, ["e0", "n1", "e1", "n2"], "base and horizon, as they come");
    let state = rig.run(60_000);
    let statuses = ["e0", "n1", "e1", "n2"].map(|id| status(&state, id).unwrap().as_str());
    assert_eq!(statuses, ["FINISHED", "FINISHED", "WAITING", "WAITING"]);
    assert_eq!((rig.x(), state.node_states.len(), state.node_states[0].released), (3.0, 1, false));
    let mut go_on = order("O", 1, &["3_0", "6_0"], 2, 2);
    go_on.edges[0].actions.push(act("e1", Hard, 1));
    go_on.nodes[1].actions.push(act("n2", Hard, 1));
    assert!(rig.order(go_on).errors.is_empty(), "the same actions, now of the base");
    let state = rig.run_until(is_done);
    assert!(is(&state, "e1", ActionStatus::Finished) && is(&state, "n2", ActionStatus::Finished));
    assert_eq!(state.action_states.len(), 4);
}
