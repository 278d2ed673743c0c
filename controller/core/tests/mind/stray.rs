//! A robot that isn't where its way leads: frozen at once, what it overlaps barred, its order given up.

use drover_core::robot::Robot;
use drover_core::{Wish, check};
use drover_proto::vda5050::{ActionState, ActionStatus, OperatingMode, State};

use super::shell::{Shell, job, other, position, robot};

/// The robot is on its way from a by b to c, and knows where it is.
fn driving() -> Shell {
    let mut shell = Shell::new();
    shell.commit();
    shell.state.agv_position = position(0.0, 0.0);
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    shell.take_over();
    shell
}

fn first(shell: &Shell) -> &Robot {
    &shell.site.fleet().robots()[0]
}

fn count(shell: &Shell, action: &str) -> usize {
    shell.asked.iter().filter(|asked| *asked == action).count()
}

#[test]
fn a_robot_beside_its_way_is_frozen_within_one_state_and_keeps_its_places() {
    let mut shell = driving();
    shell.state.agv_position = position(1.5, 0.4);
    shell.hear();
    assert!(first(&shell).stands.is_none(), "0.4 m beside its way is on it");
    shell.state.agv_position = position(3.0, 2.0);
    shell.hear();
    assert!(first(&shell).stands.is_some() && !first(&shell).is_usable());
    shell.hear();
    shell.commit();
    assert_eq!(shell.held(), ["a", "b", "c"]);
    let told = shell.alarms.iter().filter(|text| text.contains("off the way it was given")).count();
    assert_eq!(told, 1, "{:?}", shell.alarms);
}

#[test]
fn a_robot_back_on_its_way_goes_on() {
    let mut shell = driving();
    shell.state.operating_mode = OperatingMode::Manual;
    shell.state.agv_position = position(1.5, 2.0);
    shell.hear();
    assert!(first(&shell).stands.is_some());
    shell.state.agv_position = position(1.5, 0.1);
    shell.state.operating_mode = OperatingMode::Automatic;
    shell.hear();
    shell.commit();
    assert!(first(&shell).stands.is_none() && first(&shell).is_usable());
    assert_eq!(count(&shell, "cancelOrder"), 0, "it was never off its way in our hands");
}

#[test]
fn who_is_told_to_drive_where_another_stands_by_fact_is_paused_until_it_is_clear() {
    let mut shell = driving();
    let at_c = State { last_node_id: "c".into(), agv_position: position(5.6, 0.0), ..State::default() };
    shell.tell(other(), 1, &at_c);
    shell.commit();
    assert!(shell.site.fleet().robots()[1].stands.is_some(), "c is the first robot's");
    assert_eq!(shell.holders().iter().filter(|(_, by)| by == "r2").count(), 0);
    assert_eq!(count(&shell, "startPause"), 1);
    shell.state.paused = Some(true);
    shell.hear();
    shell.commit();
    let gone = Wish::ReleaseRobots(vec![other()]);
    shell.wish(7, "", gone);
    assert_eq!(count(&shell, "stopPause"), 1);
}

#[test]
fn a_robot_off_its_way_is_told_to_give_its_order_up_under_one_id_until_it_shows_it() {
    let mut shell = driving();
    shell.state.agv_position = position(3.0, 2.0);
    shell.hear();
    shell.commit();
    shell.answer();
    let id = shell.asked_ids.last().expect("a cancel").clone();
    shell.wait(3_000);
    shell.commit();
    let mut shell = shell.crash();
    shell.hear();
    shell.commit();
    assert_eq!(
        (count(&shell, "cancelOrder"), shell.asked_ids.last()),
        (1, Some(&id)),
        "also after a start of ours"
    );
    shell.state.action_states = vec![ActionState::new(&id, ActionStatus::Finished)];
    shell.state.node_states.clear();
    shell.hear();
    shell.wait(30_000);
    shell.commit();
    assert_eq!(count(&shell, "cancelOrder"), 1, "it has shown it");
    assert!(shell.orders.is_empty(), "nothing is released while nobody can place it");
    assert_eq!(shell.held(), ["a", "b", "c"]);
    shell.state.last_node_id = String::new();
    shell.state.agv_position = position(0.1, 0.0);
    shell.hear();
    shell.commit();
    assert!(first(&shell).stands.is_none() && !first(&shell).order.is_cancelled);
    assert!(check::violations(shell.site.fleet()).is_empty());
    assert!(!shell.orders.is_empty() || shell.held() == ["a"], "it begins anew where it stands");
}

#[test]
fn a_cancel_that_finds_no_order_is_done() {
    let mut shell = driving();
    shell.state.agv_position = position(3.0, 2.0);
    shell.hear();
    shell.commit();
    shell.answer();
    let id = shell.asked_ids.last().expect("a cancel").clone();
    shell.state.action_states = vec![ActionState::new(id, ActionStatus::Failed)];
    shell.state.node_states.clear();
    shell.state.agv_position = position(0.0, 0.0);
    shell.hear();
    shell.commit();
    assert!(!first(&shell).order.is_cancelled && first(&shell).stands.is_none());
}

#[test]
fn nothing_is_cancelled_while_a_person_drives() {
    let mut shell = driving();
    shell.state.operating_mode = OperatingMode::Manual;
    shell.state.agv_position = position(3.0, 2.0);
    shell.hear();
    shell.wait(60_000);
    shell.commit();
    assert_eq!(count(&shell, "cancelOrder"), 0);
    shell.state.operating_mode = OperatingMode::Automatic;
    shell.answer();
    assert_eq!(count(&shell, "cancelOrder"), 1);
}

#[test]
fn an_idle_robot_that_was_moved_holds_where_it_says_it_is_once_it_has_answered() {
    let mut shell = Shell::new();
    shell.commit();
    shell.state.agv_position = position(0.0, 0.0);
    shell.hear();
    shell.wait(600);
    shell.commit();
    shell.state.agv_position = position(3.0, 0.0);
    shell.obey();
    assert_eq!(shell.held(), ["b"], "it is parked");
    shell.state.agv_position = position(6.0, 0.0);
    shell.hear();
    shell.commit();
    assert!(first(&shell).stands.is_some(), "frozen at once");
    assert_eq!(shell.held(), ["b"]);
    shell.wait(3_000);
    shell.answer();
    assert_eq!(first(&shell).trail.last_node(), shell.site.fleet().layout().node_named("c"));
    assert!(first(&shell).stands.is_none());
}

#[test]
fn a_robot_without_a_position_that_names_a_node_off_its_way_is_frozen() {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.state.last_node_id = "c".into();
    shell.hear();
    shell.commit();
    assert!(first(&shell).stands.is_some());
    shell.tell(robot(), 900, &State { last_node_id: "a".into(), ..State::default() });
    assert!(first(&shell).stands.is_none());
}
