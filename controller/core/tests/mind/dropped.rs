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
    shell.commit();
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

#[test]
fn an_action_of_a_dropped_order_counts_as_failed() {
    let mut shell = driving();
    let action = shell.orders.last().expect("an order").nodes.last().expect("a node").actions[0].clone();
    shell.state.action_states = vec![ActionState::new(&action.action_id, ActionStatus::Failed)];
    shell.state.node_states.clear();
    shell.hear();
    shell.commit();
    let failed = |note: &drover_core::Notification| matches!(note.what, JobNews::Failed { .. });
    assert_eq!(shell.notes.iter().filter(|note| failed(note)).count(), 1, "{:?}", shell.notes);
    assert!(shell.site.fleet().robots()[0].job().is_none());
}
