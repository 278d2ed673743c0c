//! Optional fields of an order: followed, or the order is refused (2.1.0, 6.6.4.2).

use crate::common::{Rig, is_done, order};
use drover_proto::vda5050::{
    ControlPoint, Corridor, Edge, ErrorLevel, Factsheet, NodePosition, Order, Trajectory,
};

type Use = fn(&mut Order);

fn edge(order: &mut Order) -> &mut Edge {
    &mut order.edges[0]
}

fn place(order: &mut Order) -> &mut NodePosition {
    order.nodes[1].node_position.as_mut().expect("a position")
}

fn curve(degree: u32, weights: [Option<f64>; 3]) -> Option<Trajectory> {
    let [first, second, third] = weights;
    let point = |x, y, weight| ControlPoint { x, y, weight };
    let control_points = vec![point(0.0, 0.0, first), point(1.0, 1.0, second), point(2.0, 0.0, third)];
    Some(Trajectory { degree, knot_vector: vec![0.0, 0.0, 0.5, 1.0, 1.0], control_points })
}

fn way() -> Order {
    order("O", 2, &["0_0", "2_0"], 2, 0)
}

#[test]
fn field_that_the_robot_cant_follow_refuses_the_order() {
    let cases: [(&str, Use); 13] = [
        ("zoneSetId", |order| order.zone_set_id = Some("night".into())),
        ("nodePosition", |order| order.nodes[1].node_position = None),
        ("corridor", |order| {
            edge(order).corridor =
                Some(Corridor { left_width: 1.0, right_width: 1.0, corridor_ref_point: None });
        }),
        ("direction", |order| edge(order).direction = Some("left".into())),
        ("maxHeight", |order| edge(order).max_height = Some(1.0)),
        ("minHeight", |order| edge(order).min_height = Some(1.0)),
        ("maxRotationSpeed", |order| edge(order).max_rotation_speed = Some(1.0)),
        ("orientationType", |order| edge(order).orientation_type = Some("SIDEWAYS".into())),
        ("maxSpeed", |order| edge(order).max_speed = Some(0.0)),
        ("maxSpeed", |order| edge(order).max_speed = Some(0.005)),
        ("degree", |order| edge(order).trajectory = curve(3, [None; 3])),
        ("weights", |order| edge(order).trajectory = curve(1, [None, Some(2.0), None])),
        ("trajectory", |order| {
            edge(order).trajectory = Some(Trajectory { degree: 1, ..Trajectory::default() })
        }),
    ];
    for (name, use_it) in cases {
        let mut rig = Rig::new();
        let mut bad = way();
        bad.header.header_id = 41;
        use_it(&mut bad);
        let state = rig.order(bad);
        let [error] = state.errors.as_slice() else { panic!("{name}: {:?}", state.errors) };
        assert_eq!(
            (error.error_type.as_str(), error.error_level),
            ("orderError", ErrorLevel::Warning),
            "{name}"
        );
        let references =
            ["topic", "headerId", "orderId", "orderUpdateId"].map(|key| error.reference(key).unwrap());
        assert_eq!(references, ["order", "41", "O", "2"], "{name}");
        let place = [error.reference("edgeId"), error.reference("nodeId")];
        let wanted = match name {
            "zoneSetId" => [None, None],
            "nodePosition" => [None, Some("2_0")],
            _ => [Some("0_0-2_0"), None],
        };
        assert_eq!(place, wanted, "{name}");
        assert!(error.error_description.as_ref().unwrap().contains(name), "{name}: {error:?}");
        assert_eq!((state.order_id.as_str(), state.driving), ("", false), "{name}");
    }
}

/// Every parameter of the factsheet, in use.
#[test]
fn field_that_the_factsheet_lists_is_taken() {
    let cases: [(&str, Use); 10] = [
        ("order.nodes.nodePosition", |_| {}),
        ("order.nodes.nodePosition.theta", |order| place(order).theta = Some(1.0)),
        ("order.nodes.nodePosition.allowedDeviationXY", |order| {
            place(order).allowed_deviation_xy = Some(0.1)
        }),
        ("order.nodes.nodePosition.allowedDeviationTheta", |order| {
            place(order).allowed_deviation_theta = Some(0.1);
        }),
        ("order.edges.maxSpeed", |order| edge(order).max_speed = Some(0.5)),
        ("order.edges.orientation", |order| edge(order).orientation = Some(0.0)),
        ("order.edges.orientationType", |order| {
            (edge(order).orientation, edge(order).orientation_type) = (Some(0.0), Some("GLOBAL".into()));
        }),
        ("order.edges.rotationAllowed", |order| edge(order).rotation_allowed = Some(false)),
        ("order.edges.trajectory", |order| edge(order).trajectory = curve(1, [Some(2.0); 3])),
        ("order.edges.length", |order| edge(order).length = Some(2.0)),
    ];
    let factsheet = factsheet();
    let listed = factsheet.protocol_features.unwrap().optional_parameters;
    let listed: Vec<_> = listed.iter().map(|entry| entry.parameter.as_str()).collect();
    assert_eq!(listed, cases.map(|(name, _)| name));
    for (name, use_it) in cases {
        let mut rig = Rig::new();
        let mut good = way();
        use_it(&mut good);
        let state = rig.order(good);
        assert!(state.errors.is_empty(), "{name}: {:?}", state.errors);
        assert_eq!(rig.run_until(is_done).last_node_id, "2_0", "{name}");
    }
}

fn factsheet() -> Factsheet {
    crate::factsheet::of(&Rig::new())
}

#[test]
fn fields_for_people_are_no_reason_to_refuse() {
    let mut rig = Rig::new();
    let mut good = way();
    good.nodes[1].node_description = Some("dock".into());
    good.edges[0].edge_description = Some("aisle".into());
    place(&mut good).map_description = Some("ground floor".into());
    edge(&mut good).direction = Some(String::new());
    good.zone_set_id = Some(String::new());
    assert!(rig.order(good).errors.is_empty());
}

#[test]
fn refused_field_in_an_update_leaves_the_order_as_it_was() {
    let mut rig = Rig::new();
    rig.order(order("O", 0, &["0_0", "2_0", "4_0"], 2, 0));
    let mut bad = order("O", 1, &["2_0", "4_0"], 2, 2);
    edge(&mut bad).max_height = Some(1.0);
    let state = rig.order(bad);
    assert_eq!((state.order_update_id, state.node_states.len()), (0, 2));
    assert_eq!(rig.run(60_000).last_node_id, "2_0");
}

#[test]
fn polyline_is_driven_along_its_points() {
    let mut rig = Rig::new();
    let mut bent = way();
    edge(&mut bent).trajectory = curve(1, [None; 3]);
    rig.order(bent);
    let mut highest: f64 = 0.0;
    for _ in 0..2_000 {
        rig.run(10);
        highest = highest.max(rig.agent.pose().y_m);
    }
    assert!((highest - 1.0).abs() < 0.02, "{highest}");
    assert_eq!(rig.x(), 2.0);
}
