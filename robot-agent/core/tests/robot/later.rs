//! A robot that speaks 3.0: its refusals have 3.0's names and levels, and the header says the version (3.0.0, 6.1.4, 6.6.5.4).

use crate::common::{self, Rig, is_done, with_action};
use drover_agent_core::{Incoming, Message, Options, Spec};
use drover_proto::vda5050::{
    Action, BlockingType, Corridor, Dialect, ErrorLevel, OperatingMode, Order, State, TopicKind,
};

fn rig() -> Rig {
    Rig::with(Spec::default(), Options { dialect: Dialect::V3, ..Options::default() }, "0_0")
}

fn order(id: &str, update: u32, nodes: &[&str], base: usize, from_seq: u32) -> Order {
    as_later(common::order(id, update, nodes, base, from_seq))
}

fn as_later(mut order: Order) -> Order {
    order.header.version = "3.0.0".into();
    order
}

/// On order O with base to 4_0 and horizon to 6_0.
fn on_the_way(rig: &mut Rig) {
    rig.order(first());
    rig.run(1_000);
}

fn first() -> Order {
    order("O", 0, &["0_0", "2_0", "4_0", "6_0"], 3, 0)
}

fn on_map(mut order: Order, map: &str) -> Order {
    order.nodes[1].node_position.as_mut().expect("a position").map_id = map.into();
    order
}

fn with_corridor(mut order: Order) -> Order {
    let corridor = Corridor { left_width: 1.0, right_width: 1.0, corridor_ref_point: None };
    order.edges[0].corridor = Some(corridor);
    order
}

/// The first error, and whether it says which order it is about.
fn complaint(state: &State) -> (&str, ErrorLevel, Option<&str>) {
    let error = state.errors.first().expect("an error");
    (&error.error_type, error.error_level, error.reference("orderId"))
}

#[test]
fn orders_are_refused_by_the_names_of_3_0() {
    let way = ["0_0", "2_0"];
    let cases: [(&str, Order, &str); 6] = [
        ("far away", order("P", 0, &["9_9", "8_9"], 2, 0), "START_NODE_OUT_OF_RANGE"),
        ("another map", on_map(order("P", 0, &way, 2, 0), "roof"), "UNKNOWN_MAP_ID"),
        ("an update of nothing", order("P", 1, &way, 2, 0), "VALIDATION_FAILURE"),
        ("no node", as_later(Order { order_id: "P".into(), ..Order::default() }), "VALIDATION_FAILURE"),
        (
            "an action",
            with_action(order("P", 0, &way, 2, 0), 1, "dance", "a", BlockingType::Hard),
            "INVALID_ORDER_ACTION",
        ),
        ("a corridor", with_corridor(order("P", 0, &way, 2, 0)), "UNSUPPORTED_PARAMETER"),
    ];
    for (what, order, name) in cases {
        let level = if name == "UNSUPPORTED_PARAMETER" { ErrorLevel::Critical } else { ErrorLevel::Warning };
        let state = rig().order(order);
        assert_eq!(complaint(&state), (name, level, Some("P")), "{what}");
        assert!(state.order_id.is_empty(), "{what}");
    }
}

#[test]
fn updates_are_refused_by_the_names_of_3_0() {
    let mut robot = rig();
    on_the_way(&mut robot);
    assert_eq!(complaint(&robot.order(order("P", 0, &["0_0"], 1, 0))).0, "OTHER_ORDER_ACTIVE");
    robot.order(order("O", 2, &["4_0", "6_0"], 2, 4));
    assert_eq!(complaint(&robot.order(order("O", 1, &["4_0", "6_0"], 2, 4))).0, "OUTDATED_ORDER_UPDATE");
    robot.instant("cancelOrder", "c");
    robot.run(60_000);
    let state = robot.order(order("O", 3, &["6_0", "8_0"], 2, 6));
    assert_eq!(
        state.errors.last().map(|error| error.error_type.as_str()),
        Some("ORDER_UPDATE_FOLLOWING_CANCEL")
    );
    robot.agent.set_mode(robot.now, OperatingMode::Service);
    let state = robot.order(order("Q", 0, &["6_0"], 1, 0));
    assert_eq!(
        state.errors.last().map(|error| error.error_type.as_str()),
        Some("MOBILE_ROBOT_NOT_AVAILABLE")
    );
}

#[test]
fn instant_actions_are_refused_by_the_names_of_3_0() {
    assert_eq!(complaint(&rig().instant("cancelOrder", "c")).0, "NO_ORDER_TO_CANCEL");
    assert_eq!(complaint(&rig().instant("dance", "d")).0, "INVALID_INSTANT_ACTION");
    let again = Action::new("downloadMap", "m", BlockingType::None).with("mapId", "floor");
    let again = again.with("mapVersion", "1").with("mapDownloadLink", "https://maps.example/floor");
    assert_eq!(complaint(&rig().at_once(again)).0, "DUPLICATE_MAP");
    let mut robot = rig();
    robot.agent.on_message(robot.now, Incoming::Malformed(TopicKind::Order, "no JSON".into()));
    robot.drain();
    assert_eq!(complaint(&robot.state()).0, "VALIDATION_FAILURE");
}

#[test]
fn everything_it_says_is_of_version_3_and_it_takes_no_other() {
    let mut robot = rig();
    let mut older = first();
    older.header.version = "2.1.0".into();
    assert_eq!(complaint(&robot.order(older)).0, "VALIDATION_FAILURE");
    robot.order(first());
    assert!(robot.run_until(|state| !state.node_states.iter().any(|node| node.released)).errors.is_empty());
    robot.order(order("O", 1, &["4_0"], 1, 4));
    robot.run_until(is_done);
    let versions = robot.sent.iter().map(|outgoing| match &outgoing.message {
        Message::State(state) => &state.header.version,
        Message::Connection(connection) => &connection.header.version,
        Message::Factsheet(factsheet) => &factsheet.header.version,
        Message::Visualization(visualization) => &visualization.header.version,
    });
    assert!(versions.into_iter().all(|version| version == "3.0.0"));
    assert_eq!(robot.agent.topic(TopicKind::State), "uagv/v3/acme/r01/state");
}
