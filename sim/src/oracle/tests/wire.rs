//! Forged messages: BasePrefix, Evidence, Exclusive, ModeRespect, Bounded, Observed.

use super::*;

#[test]
fn exclusive_and_evidence_see_a_place_released_twice() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "ABC", 3));
    forger.order(1, &order("p", 0, 0, "DC", 2));
    assert_eq!(forger.broken(), ["Evidence", "Exclusive"]);
    let violation = &forger.oracle.violations()[0];
    assert_eq!(violation.robots, ["m/r1", "m/r0"]);
    assert!(violation.story.iter().any(|line| line.contains("order o update 0: A to C")), "{violation}");
}

#[test]
fn a_place_reported_left_may_be_released_to_another() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "ABC", 3));
    forger.heard(0, "o", 0, "C", 4);
    forger.heard(1, "", 0, "D", 0);
    assert_eq!(forger.broken(), [""; 0]);
    forger.order(0, &order("o", 1, 4, "CB", 2));
    forger.heard(0, "o", 1, "B", 6);
    forger.order(1, &order("p", 0, 0, "DC", 2));
    assert_eq!(forger.broken(), [""; 0], "{:#?}", forger.oracle.violations());
}

#[test]
fn base_prefix_sees_a_stitch_at_the_wrong_node() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "ABC", 2));
    forger.order(0, &order("o", 1, 4, "C", 1));
    assert_eq!(forger.broken(), ["BasePrefix"]);
}

#[test]
fn base_prefix_sees_a_skipped_id_and_a_changed_resend() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "AB", 2));
    forger.order(0, &order("o", 2, 2, "BC", 2));
    assert_eq!(forger.broken(), ["BasePrefix"]);
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "AB", 2));
    forger.order(0, &order("o", 0, 0, "ABC", 3));
    assert_eq!(forger.broken(), ["BasePrefix"]);
}

#[test]
fn base_prefix_sees_a_new_order_while_the_old_base_is_driven() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "AB", 2));
    forger.order(0, &order("q", 0, 0, "BC", 2));
    assert_eq!(forger.broken(), ["BasePrefix"]);
}

#[test]
fn base_prefix_sees_a_way_that_is_none() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "AC", 2));
    assert!(forger.broken().contains(&"BasePrefix"));
}

#[test]
fn evidence_sees_a_place_freed_before_the_report_arrived() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "AB", 2));
    forger.order(0, &order("o", 1, 2, "BA", 2));
    // r0 has come back to A and said so; the controller still has it on its way over B.
    let back = forger.state(0, "o", 1, "A", 4);
    forger.oracle.state_said(START, 0, &back);
    forger.order(1, &order("p", 0, 0, "DCB", 3));
    assert_eq!(forger.broken(), ["Evidence"]);
}

#[test]
fn a_state_that_arrives_after_a_later_one_frees_nothing() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "ABC", 3));
    let at_c = forger.state(0, "o", 0, "C", 4);
    forger.oracle.state_said(START, 0, &at_c);
    let back_on_its_way = forger.state(0, "o", 0, "B", 2);
    forger.arrives(START, 0, &back_on_its_way);
    forger.oracle.state_heard(START, 0, &at_c);
    forger.order(1, &order("p", 0, 0, "DC", 2));
    assert!(forger.broken().contains(&"Evidence"));
}

#[test]
fn a_robot_first_seen_after_the_decision_could_not_be_known() {
    let mut forger = Forger::silent();
    forger.heard(0, "", 0, "A", 0);
    let seen = forger.state(1, "", 0, "C", 0);
    forger.arrives(START, 1, &seen);
    forger.order(0, &order("o", 0, 0, "ABC", 3));
    assert_eq!(forger.broken(), [""; 0], "{:#?}", forger.oracle.violations());
}

#[test]
fn a_refused_order_released_nothing() {
    let mut forger = Forger::new();
    forger.unanswered(0, &order("o", 0, 0, "ABC", 3));
    let refusal =
        Error::new("orderError", ErrorLevel::Warning).about("orderId", "o").about("orderUpdateId", "0");
    let refused = State { errors: vec![refusal], ..forger.state(0, "", 0, "A", 0) };
    forger.arrives(START, 0, &refused);
    forger.order(1, &order("p", 0, 0, "DC", 2));
    assert_eq!(forger.broken(), [""; 0], "{:#?}", forger.oracle.violations());
}

/// r0 was released from A to C and has dropped its order at B, which it says so or not.
fn dropped(update_id: u32, says_idle: bool) -> Forger {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "ABC", 3));
    let mut state = forger.state(0, "o", update_id, "B", 2);
    if says_idle {
        state.node_states.clear();
    }
    forger.arrives(START, 0, &state);
    forger.order(1, &order("p", 0, 0, "DC", 2));
    forger
}

#[test]
fn a_dropped_order_frees_what_it_led_to_once_the_robot_says_so() {
    assert_eq!(dropped(0, true).broken(), [""; 0]);
    assert!(dropped(0, false).broken().contains(&"Evidence"));
}

#[test]
fn a_cancelled_order_frees_what_it_led_to_only_when_the_cancel_has_ended() {
    for (status, is_free) in [(ActionStatus::Running, false), (ActionStatus::Finished, true)] {
        let mut forger = Forger::new();
        forger.order(0, &order("o", 0, 0, "AB", 2));
        forger.unanswered(0, &order("o", 1, 2, "BC", 2));
        let cancel = Action::new("cancelOrder", "x", BlockingType::Hard);
        forger.oracle.instant_sent(START, 0, &InstantActions { actions: vec![cancel], ..Default::default() });
        let mut state = forger.state(0, "o", 0, "B", 2);
        state.node_states.clear();
        state.action_states =
            vec![ActionState { action_id: "x".into(), action_status: status, ..ActionState::default() }];
        forger.arrives(START, 0, &state);
        forger.order(1, &order("p", 0, 0, "DC", 2));
        assert_eq!(forger.broken().is_empty(), is_free, "{:#?}", forger.oracle.violations());
    }
}

#[test]
fn a_robot_taken_off_the_floor_holds_nothing_unless_that_was_refused() {
    for is_refused in [false, true] {
        let mut forger = Forger::new();
        forger.order(0, &order("o", 0, 0, "ABC", 3));
        let name = RobotName { manufacturer: "m".into(), serial: "r0".into() };
        let wish = Box::new(Wish::ReleaseRobots(vec![name]));
        let refusal = Command::Refuse { code: RejectCode::UnknownRobot, reason: String::new() };
        let answer = if is_refused { vec![refusal] } else { Vec::new() };
        forger.record(Event::Wished { by: "the operator".into(), wish }, answer);
        forger.order(1, &order("p", 0, 0, "DC", 2));
        assert_eq!(forger.broken().contains(&"Evidence"), is_refused, "{:#?}", forger.oracle.violations());
    }
}

/// r0, without an order, is heard at this place along the row.
fn astray(x: f64) -> Forger {
    let mut forger = Forger::new();
    let position =
        AgvPosition { x, y: 0.0, map_id: "ground".into(), position_initialized: true, ..Default::default() };
    let state = State { agv_position: Some(position), ..forger.state(0, "", 0, "A", 0) };
    forger.arrives(Time(START.0 - 1), 0, &state);
    forger.order(1, &order("p", 0, 0, "DC", 2));
    forger
}

#[test]
fn exclusive_sees_a_way_released_into_a_robot_that_was_heard_off_its_own() {
    assert_eq!(astray(3.7).broken(), ["Exclusive"]);
    assert_eq!(astray(2.2).broken(), [""; 0]);
}

#[test]
fn mode_respect_sees_orders_and_actions_for_a_robot_in_a_persons_hands() {
    let action = |kind: &str| {
        let actions = vec![Action::new(kind, "x", BlockingType::Hard)];
        InstantActions { actions, ..InstantActions::default() }
    };
    let manual = || {
        let mut forger = Forger::new();
        let mode = OperatingMode::Manual;
        let state = State { operating_mode: mode, ..forger.state(0, "", 0, "A", 0) };
        forger.arrives(START, 0, &state);
        forger
    };
    let mut forger = manual();
    forger.unanswered(0, &order("o", 0, 0, "AB", 2));
    assert_eq!(forger.broken(), ["ModeRespect"]);
    let mut forger = manual();
    forger.oracle.instant_sent(START, 0, &action("stateRequest"));
    assert_eq!(forger.broken(), [""; 0]);
    forger.oracle.instant_sent(START, 0, &action("startPause"));
    assert_eq!(forger.broken(), ["ModeRespect"]);
}

#[test]
fn a_mode_that_only_another_process_heard_binds_once_it_is_in_the_journal() {
    let begin = |is_recorded: bool| {
        let mut forger = Forger::new();
        let mode = OperatingMode::Manual;
        let state = State { operating_mode: mode, ..forger.state(0, "", 0, "A", 0) };
        forger.arrives(START, 0, &state);
        if is_recorded {
            forger.record(Event::Robot { robot: RobotId(0), fact: Fact::Mode(Mode::Manual) }, Vec::new());
        }
        forger.oracle.process_began(START, Epoch(2), Seq(forger.seq));
        forger.unanswered(0, &order("o", 0, 0, "AB", 2));
        forger
    };
    assert_eq!(begin(false).broken(), [""; 0]);
    assert_eq!(begin(true).broken(), ["ModeRespect"]);
}

#[test]
fn bounded_sees_an_update_before_the_last_was_answered() {
    let mut forger = Forger::new();
    forger.unanswered(0, &order("o", 0, 0, "AB", 2));
    forger.unanswered(0, &order("o", 1, 2, "BC", 2));
    assert_eq!(forger.broken(), ["Bounded"]);
}

#[test]
fn bounded_sees_resends_and_requests_without_measure() {
    let mut forger = Forger::new();
    let order = order("o", 0, 0, "AB", 2);
    forger.unanswered(0, &order);
    (0..59).for_each(|_| forger.sent(0, &order));
    assert_eq!(forger.broken(), [""; 0]);
    forger.sent(0, &order);
    assert_eq!(forger.broken(), ["Bounded"]);
    let mut forger = Forger::new();
    let ask = InstantActions {
        actions: vec![Action::new("stateRequest", "x", BlockingType::Hard)],
        ..Default::default()
    };
    (0..121).for_each(|_| forger.oracle.instant_sent(START, 0, &ask));
    assert_eq!(forger.broken(), ["Bounded"]);
}
