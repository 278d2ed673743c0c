//! How the simulated robot moves.

use crate::common::{Rig, is_done, order};
use drover_agent_core::{BatterySpec, Options, Spec};

#[test]
fn base_extended_in_time_never_slows() {
    let mut rig = Rig::new();
    rig.order(order("O", 0, &["0_0", "4_0", "8_0"], 3, 0));
    rig.run_until(|state| state.last_node_id == "4_0");
    let mut slowest = f64::MAX;
    for (update, x) in (1..40).zip((12..).step_by(4)) {
        let (from, to) = (format!("{}_0", x - 4), format!("{x}_0"));
        rig.order(order("O", update, &[&from, &to], 2, 2 * (update + 1)));
        let before = format!("{}_0", x - 4);
        while rig.state().last_node_id != before {
            rig.run(7);
            slowest = slowest.min(rig.speed());
        }
    }
    assert!(slowest > 1.5 - 1e-9, "slowed to {slowest} m/s");
}

#[test]
fn end_of_base_is_where_it_stops_exactly() {
    let mut rig = Rig::new();
    rig.order(order("O", 0, &["0_0", "5_0", "9_0", "20_0"], 3, 0));
    let state = rig.run(60_000);
    assert_eq!((rig.x(), rig.speed()), (9.0, 0.0));
    assert_eq!(state.last_node_id, "9_0");
    assert_eq!(state.node_states.len(), 1);
    assert!(!state.driving && state.new_base_request == Some(true));
}

#[test]
fn new_base_is_asked_for_before_it_slows() {
    let mut rig = Rig::new();
    rig.order(order("O", 0, &["0_0", "20_0", "40_0"], 2, 0));
    rig.run_until(|state| state.new_base_request == Some(true));
    assert!((rig.speed() - 1.5).abs() < 1e-9);
    rig.order(order("O", 1, &["20_0", "40_0"], 2, 2));
    assert_eq!(rig.state().new_base_request, Some(false));
}

#[test]
fn sharp_turn_is_made_standing_on_the_node() {
    let mut rig = Rig::new();
    rig.order(order("O", 0, &["0_0", "3_0", "3_3"], 3, 0));
    rig.run_until(|state| state.last_node_id == "3_0");
    assert_eq!((rig.x(), rig.speed()), (3.0, 0.0));
    assert!(rig.state().driving, "turning counts as driving");
    assert!(rig.run(500).velocity.unwrap().omega.unwrap() > 0.0);
    let state = rig.run_until(is_done);
    assert!((state.agv_position.unwrap().theta - std::f64::consts::FRAC_PI_2).abs() < 1e-9);
}

#[test]
fn slight_bend_is_driven_through() {
    let mut rig = Rig::new();
    rig.order(order("O", 0, &["0_0", "5_0", "10_0.2"], 3, 0));
    rig.run_until(|state| state.last_node_id == "5_0");
    assert!((rig.speed() - 1.5).abs() < 1e-9);
}

#[test]
fn slow_edge_is_driven_slowly_all_along() {
    let mut rig = Rig::new();
    let mut slow = order("O", 0, &["0_0", "5_0", "8_0", "15_0"], 4, 0);
    slow.edges[1].max_speed = Some(0.4);
    rig.order(slow);
    for _ in 0..2_000 {
        rig.run(10);
        let on_slow_edge = rig.x() > 5.0 + 1e-6 && rig.x() < 8.0 - 1e-6;
        assert!(!on_slow_edge || rig.speed() <= 0.4 + 1e-6, "{} at {}", rig.speed(), rig.x());
    }
    assert_eq!(rig.x(), 15.0);
}

#[test]
fn backwards_edge_keeps_the_heading() {
    let mut rig = Rig::new();
    let mut back = order("O", 0, &["3_0", "0_0"], 2, 0);
    back.edges[0].orientation = Some(std::f64::consts::PI);
    rig.order(order("N", 0, &["0_0", "3_0"], 2, 0));
    rig.run_until(is_done);
    rig.order(back);
    rig.run_until(is_done);
    assert_eq!((rig.x(), rig.agent.pose().theta_rad), (0.0, 0.0));
}

#[test]
fn node_with_a_direction_is_reached_once_the_robot_points_there() {
    let mut rig = Rig::new();
    let mut station = order("O", 0, &["0_0", "2_0"], 2, 0);
    station.nodes[1].node_position.as_mut().unwrap().theta = Some(-1.0);
    rig.order(station);
    let state = rig.run_until(|state| state.last_node_id == "2_0");
    assert!((state.agv_position.unwrap().theta + 1.0).abs() < 1e-9);
}

#[test]
fn node_where_it_stands_is_passed_at_once() {
    for (ahead, passed) in [(vec!["0_0", "2_0"], 1), (vec!["0_0", "0_0", "2_0"], 2)] {
        let mut rig = Rig::new();
        let nodes: Vec<&str> = std::iter::once("0_0").chain(ahead).collect();
        rig.order(order("O", 0, &nodes, nodes.len(), 0));
        let state = rig.run(0);
        assert_eq!(state.last_node_sequence_id, 2 * passed);
        rig.order(order("O", 1, &["2_0", "4_0"], 2, 2 * (nodes.len() as u32 - 1)));
        rig.run(1_000);
        rig.instant("cancelOrder", "c");
        let state = rig.run_until(is_done);
        assert_eq!((rig.x(), state.last_node_id.as_str()), (2.0, "2_0"));
    }
}

#[test]
fn pause_stops_on_the_spot_and_resume_goes_on() {
    let mut rig = Rig::new();
    rig.order(order("O", 0, &["0_0", "20_0"], 2, 0));
    rig.run(4_000);
    let from = rig.x();
    rig.instant("startPause", "p1");
    let state = rig.run(3_000);
    let braking = 1.5 * 1.5 / 2.0 / 0.8;
    assert!((rig.x() - from - braking).abs() < 1e-6);
    assert!(!state.driving && state.paused == Some(true));
    rig.instant("stopPause", "p2");
    rig.run_until(is_done);
    assert_eq!(rig.x(), 20.0);
}

#[test]
fn empty_battery_stops_the_robot_and_charging_frees_it() {
    let battery = BatterySpec { capacity_wh: 1, drive_w: 1_000, idle_w: 1, charge_w: 3_600 };
    let spec = Spec { battery: Some(battery), ..Spec::default() };
    let mut rig = Rig::with(spec, Options::default(), "0_0");
    rig.order(order("O", 0, &["0_0", "20_0"], 2, 0));
    let state = rig.run_until(|state| state.errors.iter().any(|error| error.error_type == "batteryEmpty"));
    assert!(state.battery_state.battery_charge < 1e-9);
    let state = rig.run_until(|state| !state.driving);
    assert!(rig.x() < 10.0 && state.distance_since_last_node.unwrap() > 0.0);
    rig.instant("startCharging", "c");
    rig.run_until(|state| state.errors.is_empty());
}

#[test]
fn kidnapped_robot_stays_until_its_order_is_cancelled() {
    let mut rig = Rig::new();
    rig.order(order("O", 0, &["0_0", "20_0"], 2, 0));
    rig.run(3_000);
    let elsewhere = drover_agent_core::Pose { x_m: 50.0, y_m: 5.0, ..rig.agent.pose() };
    let now = rig.now;
    rig.agent.drive_mut().kidnap(now, elsewhere);
    let state = rig.run(5_000);
    assert_eq!((rig.x(), state.errors[0].error_type.as_str()), (50.0, "offPath"));
    assert_eq!(state.node_states.len(), 1);
    let state = rig.instant("cancelOrder", "c");
    assert!(state.node_states.is_empty() && state.errors.is_empty());
}
