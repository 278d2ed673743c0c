//! The acceptance chart of 2.1.0 (figure 8), and what a rejection looks like.

use crate::common::{Rig, is_done, order, with_action};
use drover_agent_core::Incoming;
use drover_proto::vda5050::{BlockingType, ErrorLevel, OperatingMode, Order, State, TopicKind};

/// What it is about, the robot before, the message, the error type wanted.
type Case = (&'static str, fn() -> Rig, Order, &'static str);
type Spoil = fn(&mut Order);

/// On order O with base to 4_0 (decision point, sequenceId 4) and horizon to 6_0.
fn on_the_way() -> Rig {
    let mut rig = Rig::new();
    rig.order(order("O", 3, &["0_0", "2_0", "4_0", "6_0"], 3, 0));
    rig.run(1_000);
    rig
}

/// O is finished on 4_0, sequenceId 4.
fn finished() -> Rig {
    let mut rig = Rig::new();
    rig.order(order("O", 3, &["0_0", "2_0", "4_0"], 3, 0));
    rig.run_until(is_done);
    rig
}

fn at_decision_point() -> Rig {
    let mut rig = on_the_way();
    rig.run(60_000);
    rig
}

fn cancelling() -> Rig {
    let mut rig = on_the_way();
    rig.instant("cancelOrder", "c");
    rig
}

/// On 4_0, where the cancel let it come to rest.
fn cancelled() -> Rig {
    let mut rig = cancelling();
    rig.run(60_000);
    rig
}

fn by_hand() -> Rig {
    let mut rig = on_the_way();
    rig.agent.set_mode(rig.now, OperatingMode::Service);
    rig.run(1);
    rig
}

/// O was followed by P, and both are over.
fn over() -> Rig {
    let mut rig = finished();
    rig.order(order("P", 0, &["4_0"], 1, 0));
    rig
}

/// O has a pick with the id `p` at 2_0.
fn with_pick() -> Rig {
    let mut rig = Rig::new();
    let nodes = ["0_0", "2_0", "4_0", "6_0"];
    rig.order(with_action(order("O", 3, &nodes, 3, 0), 1, "pick", "p", BlockingType::Hard));
    rig
}

fn pick_again() -> Order {
    with_action(order("O", 4, &["4_0", "6_0"], 2, 4), 1, "pick", "p", BlockingType::Hard)
}

fn picking() -> Rig {
    let mut rig = Rig::new();
    rig.order(with_action(order("O", 3, &["0_0"], 1, 0), 0, "pick", "p", BlockingType::Hard));
    rig.run(1_000);
    rig
}

fn misplaced() -> Order {
    with_action(order("O", 0, &["0_0"], 1, 0), 0, "cancelOrder", "c", BlockingType::Hard)
}

fn needy() -> Order {
    with_action(order("O", 0, &["0_0"], 1, 0), 0, "enableMap", "e", BlockingType::Hard)
}

fn errors(state: &State) -> Vec<&str> {
    state.errors.iter().map(|error| error.error_type.as_str()).collect()
}

#[test]
fn new_orders_are_taken_as_the_chart_says() {
    let mut lost = order("O", 0, &["0_0", "1_0"], 2, 0);
    lost.nodes[1].node_position = None;
    let mut roof = order("O", 0, &["0_0"], 1, 0);
    roof.nodes[0].node_position.as_mut().unwrap().map_id = "roof".into();
    let fly = with_action(order("O", 0, &["0_0"], 1, 0), 0, "fly", "f", BlockingType::Hard);
    let next = || order("P", 0, &["4_0", "5_0"], 2, 0);
    follow(&[
        ("idle", Rig::new, order("O", 0, &["0_0", "1_0"], 2, 0), ""),
        ("after a finished one", finished, next(), ""),
        ("while driving", on_the_way, next(), "orderError"),
        ("with horizon left", at_decision_point, next(), "orderError"),
        ("of an order that is over", over, order("O", 9, &["4_0", "5_0"], 2, 4), "orderError"),
        ("with an action that runs on", picking, order("P", 0, &["0_0", "5_0"], 2, 0), "orderError"),
        ("action at the wrong kind of place", Rig::new, misplaced(), "orderError"),
        ("action without what it needs", Rig::new, needy(), "orderError"),
        ("first node out of reach", Rig::new, order("O", 0, &["1_0", "2_0"], 2, 0), "noRouteError"),
        ("first node on another map", Rig::new, roof, "noRouteError"),
        ("no released node", Rig::new, order("O", 0, &["0_0", "1_0"], 0, 0), "validationError"),
        ("no position", Rig::new, lost, "orderError"),
        ("unknown action", Rig::new, fly, "orderError"),
    ]);
}

#[test]
fn updates_are_taken_as_the_chart_says() {
    let wrong = "orderUpdateError";
    follow(&[
        ("at the decision point", on_the_way, order("O", 4, &["4_0", "6_0"], 2, 4), ""),
        ("waited for", at_decision_point, order("O", 4, &["4_0", "6_0"], 2, 4), ""),
        ("with a gap in its ids", on_the_way, order("O", 9, &["4_0", "5_0"], 2, 4), ""),
        ("that drops the horizon", on_the_way, order("O", 4, &["4_0"], 1, 4), ""),
        ("lower", on_the_way, order("O", 2, &["4_0", "6_0"], 2, 4), wrong),
        ("at the end of the horizon", on_the_way, order("O", 4, &["6_0", "7_0"], 2, 6), wrong),
        ("at a node passed", on_the_way, order("O", 4, &["2_0", "4_0"], 2, 2), wrong),
        ("with another sequenceId", on_the_way, order("O", 4, &["4_0", "6_0"], 2, 6), wrong),
        ("with another nodeId", on_the_way, order("O", 4, &["4_1", "6_0"], 2, 4), wrong),
        ("of a finished order", finished, order("O", 4, &["4_0", "6_0"], 2, 4), ""),
        ("after a cancel", cancelled, order("O", 4, &["4_0", "6_0"], 2, 4), wrong),
        ("during a cancel", cancelling, order("O", 4, &["4_0", "6_0"], 2, 4), wrong),
        ("with an action used before", with_pick, pick_again(), "orderError"),
        ("by hand", by_hand, order("O", 4, &["4_0", "6_0"], 2, 4), "orderError"),
        ("of a finished order, elsewhere", finished, order("O", 4, &["2_0", "6_0"], 2, 2), wrong),
    ]);
}

fn follow(cases: &[Case]) {
    for (name, rig, order, wanted) in cases {
        let mut rig = rig();
        let before = rig.state();
        let mut message = order.clone();
        message.header.header_id = 41;
        let state = rig.order(message);
        if wanted.is_empty() {
            assert_eq!(errors(&state), [""; 0], "{name}");
            assert_eq!(
                (&state.order_id, state.order_update_id),
                (&order.order_id, order.order_update_id),
                "{name}"
            );
            continue;
        }
        assert_eq!(errors(&state), [*wanted], "{name}");
        assert_eq!((&state.order_id, &state.node_states), (&before.order_id, &before.node_states), "{name}");
        let (error, update_id) = (&state.errors[0], order.order_update_id.to_string());
        assert_eq!(error.error_level, ErrorLevel::Warning, "{name}");
        assert_eq!(error.reference("orderId"), Some(order.order_id.as_str()), "{name}");
        assert_eq!(error.reference("orderUpdateId"), Some(update_id.as_str()), "{name}");
        assert_eq!(error.reference("topic"), Some("order"), "{name}");
        assert_eq!(error.reference("headerId"), Some("41"), "{name}");
        assert!(error.error_description.is_some(), "{name}");
        let taken = order.nodes.iter().flat_map(|node| &node.actions).next();
        let action_id = taken.map(|action| action.action_id.as_str());
        assert_eq!(error.reference("actionId"), action_id, "{name}: it is the action's fault");
    }
}

#[test]
fn equal_update_is_discarded_silently() {
    let mut rig = on_the_way();
    let state = rig.order(order("O", 3, &["0_0", "2_0", "4_0", "6_0"], 3, 0));
    assert!(state.errors.is_empty());
    assert_eq!(state.node_states.len(), 3);
}

#[test]
fn malformed_orders_are_rejected_and_nothing_else_changes() {
    let good = order("O", 4, &["4_0", "5_0", "6_0"], 2, 4);
    let spoil: [(&str, Spoil); 8] = [
        ("no nodes", |order| order.nodes.clear()),
        ("an edge too few", |order| drop(order.edges.pop())),
        ("sequenceId gap", |order| order.nodes[1].sequence_id = 8),
        ("edge sequenceId", |order| order.edges[0].sequence_id = 7),
        ("edge to elsewhere", |order| order.edges[0].end_node_id = "9_9".into()),
        ("released behind the horizon", |order| {
            order.nodes[1].released = false;
            order.nodes[2].released = true;
        }),
        ("edge released too far", |order| order.edges[1].released = true),
        ("other protocol", |order| order.header.version = "3.0.0".into()),
    ];
    for (name, spoil) in spoil {
        let mut rig = on_the_way();
        let before = rig.state();
        let mut bad = good.clone();
        spoil(&mut bad);
        let state = rig.order(bad);
        assert_eq!(errors(&state), ["validationError"], "{name}");
        assert_eq!(state.node_states, before.node_states, "{name}");
    }
}

#[test]
fn warnings_stay_until_an_order_is_accepted() {
    let mut rig = on_the_way();
    rig.order(order("P", 0, &["4_0"], 1, 0));
    rig.order(order("P", 0, &["4_0"], 1, 0));
    rig.agent.on_message(rig.now, Incoming::Malformed(TopicKind::Order, "not JSON".into()));
    let state = rig.run(31_000);
    assert_eq!(errors(&state), ["orderError", "validationError"]);
    let state = rig.order(order("O", 4, &["4_0", "6_0"], 2, 4));
    assert!(state.errors.is_empty());
}

#[test]
fn finished_order_is_never_brought_back_but_the_last() {
    let mut rig = finished();
    rig.order(order("P", 0, &["4_0"], 1, 0));
    let state = rig.order(order("O", 9, &["4_0", "5_0"], 2, 4));
    assert_eq!(errors(&state), ["orderError"]);
    let state = rig.order(order("P", 1, &["4_0", "5_0"], 2, 0));
    assert_eq!((errors(&state).len(), state.node_states.len()), (0, 1));
}

#[test]
fn robot_in_other_hands_drops_its_order_and_takes_none() {
    let mut rig = on_the_way();
    let now = rig.now;
    rig.agent.set_mode(now, OperatingMode::Manual);
    let state = rig.run(1);
    assert!(state.node_states.is_empty() && !state.driving);
    let state = rig.order(order("O", 4, &["4_0", "6_0"], 2, 4));
    assert_eq!(errors(&state), ["orderError"]);
}

#[test]
fn first_node_isnt_shown_as_left_to_do() {
    let mut rig = Rig::new();
    let state = rig.order(order("O", 0, &["0_0", "1_0", "2_0"], 2, 0));
    let left: Vec<_> = state.node_states.iter().map(|node| (node.sequence_id, node.released)).collect();
    assert_eq!(left, [(2, true), (4, false)]);
    assert_eq!((state.last_node_id.as_str(), state.edge_states.len()), ("0_0", 2));
}

#[test]
fn node_within_the_allowed_deviation_is_in_reach() {
    let mut rig = Rig::new();
    let mut wide = order("O", 0, &["1_0", "3_0"], 2, 0);
    wide.nodes[0].node_position.as_mut().unwrap().allowed_deviation_xy = Some(1.5);
    assert!(rig.order(wide).errors.is_empty());
    rig.run_until(is_done);
    assert_eq!(rig.x(), 3.0);
}
