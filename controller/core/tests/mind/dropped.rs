//! An order that the robot dropped by itself is seen, and its way is free again.

use drover_core::JobNews;
use drover_proto::vda5050::{ActionState, ActionStatus, OperatingMode};

use super::shell::{Shell, job};

fn driving() -> Shell {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    shell.take_over();
    shell
}

#[test]
fn an_order_dropped_by_hand_frees_its_way_once_the_robot_is_ours_again() {
    let mut shell = driving();
    assert_eq!(shell.held(), ["a", "b", "c"]);
    shell.state.operating_mode = OperatingMode::Manual;
    shell.state.node_states.clear();
    shell.hear();
    shell.wait(60_000);
    shell.hear();
    shell.commit();
    assert_eq!(shell.held(), ["a", "b", "c"], "a person drives it: nobody knows where to");
    let first = shell.orders.last().expect("an order").order_id.clone();
    shell.state.operating_mode = OperatingMode::Automatic;
    shell.hear();
    assert_eq!(shell.held(), ["a", "b", "c"], "what it says may be old");
    shell.answer();
    let order = shell.site.fleet().robots()[0].order.last.clone();
    assert!(order.is_none_or(|order| order.order_id != first), "it begins anew");
    shell.wait(1_000);
    shell.commit();
    assert_ne!(shell.orders.last().expect("an order").order_id, first);
}

#[test]
fn a_robot_that_rests_where_an_unseen_update_begins_has_dropped_nothing() {
    let mut shell = driving();
    let seen = shell.orders.len();
    shell.now = shell.now.plus_ms(6_000);
    shell.obey();
    shell.wait(1_000);
    shell.commit();
    assert!(shell.orders.len() > seen, "the next message is out, and no state shows it");
    let before = shell.site.fleet().robots()[0].trail.clone();
    shell.hear();
    shell.commit();
    assert_eq!(shell.site.fleet().robots()[0].trail, before);
}

fn failures(shell: &Shell) -> usize {
    shell.notes.iter().filter(|note| matches!(note.what, JobNews::Failed { .. })).count()
}

/// Ids of the actions of the last order that has any.
fn action(shell: &Shell) -> String {
    let nodes = shell.orders.iter().flat_map(|order| &order.nodes);
    nodes.flat_map(|node| &node.actions).last().expect("an action").action_id.clone()
}

#[test]
fn an_action_dropped_before_its_place_was_reached_is_ordered_again() {
    let mut shell = driving();
    let dropped = action(&shell);
    shell.take_over();
    shell.state.action_states = vec![ActionState::new(&dropped, ActionStatus::Failed)];
    (shell.state.last_node_id, shell.state.last_node_sequence_id) = ("a".into(), 0);
    shell.state.node_states.clear();
    shell.hear();
    shell.commit();
    for _ in 0..6 {
        shell.wait(600);
        shell.commit();
        shell.obey();
    }
    assert_eq!(failures(&shell), 0);
    assert_ne!(action(&shell), dropped);
    assert!(shell.notes.iter().any(|note| note.what == JobNews::Done), "{:?}", shell.notes);
}

#[test]
fn an_action_lost_at_its_place_counts_as_failed_since_nobody_knows() {
    let mut shell = driving();
    shell.take_over();
    shell.forgets_at("c");
    assert_eq!(failures(&shell), 1, "{:?}", shell.notes);
    assert!(!shell.held().contains(&"a".to_owned()) && shell.held().contains(&"c".to_owned()));
}
