//! `startCharging` and `stopCharging`, and when a robot says that it charges.

use crate::common::{Rig, is_done, only_error, order, status, with_action};
use drover_agent_core::{BatterySpec, Options, Spec};
use drover_proto::vda5050::{Action, ActionStatus, BlockingType};

fn thirsty() -> Rig {
    let battery = BatterySpec { capacity_wh: 100, drive_w: 200, idle_w: 20, charge_w: 500 };
    Rig::with(Spec { battery: Some(battery), ..Spec::default() }, Options::default(), "0_0")
}

#[test]
fn charging_is_said_once_it_charges_and_until_the_robot_is_ready_for_orders() {
    let mut rig = thirsty();
    let state = rig.instant("startCharging", "a");
    assert_eq!(status(&state, "a"), Some(ActionStatus::Running));
    assert!(!state.battery_state.charging, "not before it does");
    let before = rig.run_until(|state| status(state, "a") == Some(ActionStatus::Finished));
    assert!(before.battery_state.charging);
    rig.run(60_000);
    let state = rig.instant("stateRequest", "s");
    assert!(state.battery_state.battery_charge > before.battery_state.battery_charge);
    let state = rig.instant("stopCharging", "b");
    assert_eq!(status(&state, "b"), Some(ActionStatus::Running));
    assert!(state.battery_state.charging, "a robot that says it doesn't must be ready for orders");
    let state = rig.order(order("O", 0, &["0_0", "2_0"], 2, 0));
    assert_eq!(state.errors[0].error_type, "orderError");
    let state = rig.run_until(|state| !state.battery_state.charging);
    assert_eq!(status(&state, "b"), Some(ActionStatus::Finished), "both in the same state");
    assert!(rig.order(order("P", 0, &["0_0", "2_0"], 2, 0)).errors.is_empty());
}

#[test]
fn charging_is_an_action_of_nodes_too() {
    let mut rig = thirsty();
    let there =
        with_action(order("O", 0, &["0_0", "2_0"], 2, 0), 1, "startCharging", "a", BlockingType::Hard);
    rig.order(there);
    let state = rig.run_until(is_done);
    assert_eq!((state.battery_state.charging, rig.x()), (true, 2.0));
    let back = with_action(order("P", 0, &["2_0", "0_0"], 2, 0), 0, "stopCharging", "b", BlockingType::Hard);
    rig.order(back);
    let state = rig.run_until(|state| status(state, "b") == Some(ActionStatus::Finished));
    assert!(!state.battery_state.charging);
    let mut on_edge = order("Q", 0, &["0_0", "2_0"], 2, 0);
    on_edge.edges[0].actions.push(Action::new("startCharging", "c", BlockingType::None));
    rig.run_until(is_done);
    assert_eq!(rig.order(on_edge).errors[0].reference("actionId"), Some("c"), "but not of edges");
}

#[test]
fn charging_cant_begin_while_driving() {
    let mut rig = thirsty();
    rig.order(order("O", 0, &["0_0", "9_0"], 2, 0));
    rig.run(2_000);
    rig.instant("startCharging", "a");
    let state = rig.run(1_500);
    assert_eq!(only_error(&state, "a").error_type, "chargingError");
    assert!(state.driving && !state.battery_state.charging);
    assert_eq!(rig.run_until(is_done).last_node_id, "9_0");
}

#[test]
fn charging_that_blocks_waits_until_the_robot_stands() {
    for blocking in [BlockingType::Soft, BlockingType::Hard] {
        let mut rig = thirsty();
        rig.order(order("O", 0, &["0_0", "4_0"], 2, 0));
        rig.run(2_000);
        let state = rig.at_once(Action::new("startCharging", "a", blocking));
        assert_eq!(status(&state, "a"), Some(ActionStatus::Waiting));
        let state = rig.run_until(|state| status(state, "a") == Some(ActionStatus::Finished));
        assert_eq!((state.battery_state.charging, rig.x()), (true, 4.0), "{blocking:?}");
    }
}

#[test]
fn starting_and_stopping_twice_is_no_fault() {
    let mut rig = thirsty();
    for (kind, is_charging) in [("stopCharging", false), ("startCharging", true), ("startCharging", true)] {
        let id = format!("{kind}{}", rig.now);
        rig.instant(kind, &id);
        let state = rig.run(1_000);
        assert_eq!(status(&state, &id), Some(ActionStatus::Finished));
        assert_eq!((state.battery_state.charging, state.errors.len()), (is_charging, 0));
    }
}

#[test]
fn charger_that_fails_is_said() {
    let mut rig = thirsty();
    rig.agent.drive_mut().fail_next("startCharging");
    rig.instant("startCharging", "a");
    let state = rig.run(1_000);
    assert_eq!(only_error(&state, "a").error_type, "chargingError");
    assert!(!state.battery_state.charging);
}
