//! What we write validates against the official schemas of 2.1.0 and 3.0.0. They are found through `DROVER_DATA`; without
//! it these tests say that they are skipped.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;
use std::path::PathBuf;

use drover_proto::vda5050::{
    Action, ActionState, ActionStatus, BlockingType, Connection, ConnectionState, Dialect, Edge, Error,
    ErrorLevel, Factsheet, Header, InstantActions, Node, OperatingMode, Order, State, Visualization, encode,
    encode_in,
};
use drover_proto::{
    parse_connection, parse_factsheet, parse_in, parse_instant_actions, parse_order, parse_state,
    parse_visualization,
};
use serde_json::Value;

struct Schema(Option<jsonschema::Validator>);

impl Schema {
    fn of(topic: &str) -> Self {
        Self::in_version("2.1.0", topic)
    }

    fn in_version(version: &str, topic: &str) -> Self {
        let Some(data) = std::env::var_os("DROVER_DATA") else {
            // Not eprintln!, which the test harness would keep to itself.
            let skipped = "skipped: DROVER_DATA doesn't name the folder with";
            let _ = writeln!(std::io::stderr(), "{skipped} vda5050/{version}/{topic}.schema");
            return Self(None);
        };
        let path = PathBuf::from(data).join("vda5050").join(version).join(format!("{topic}.schema"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let schema: Value = serde_json::from_str(&text).unwrap();
        Self(Some(jsonschema::options().should_validate_formats(true).build(&schema).unwrap()))
    }

    fn accepts(&self, body: &[u8]) {
        let Some(validator) = &self.0 else { return };
        let body: Value = serde_json::from_slice(body).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{body:#}");
    }
}

/// The sample with every field, which must lose none of them on its way through our types.
fn full(folder: &str) -> Vec<u8> {
    let path = format!("{}/tests/corpus/{folder}/full.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

/// `written` says all that `sample` says; empty lists may be left out and whole floats gain a ".0".
fn says_all(sample: &Value, written: &Value, path: &str) {
    match (sample, written) {
        (Value::Object(sample), Value::Object(written)) => {
            for (key, value) in sample {
                let is_empty_list = value.as_array().is_some_and(Vec::is_empty);
                match written.get(key) {
                    Some(found) => says_all(value, found, &format!("{path}.{key}")),
                    None => assert!(is_empty_list, "{path}.{key} is lost"),
                }
            }
        }
        (Value::Array(sample), Value::Array(written)) => {
            assert_eq!(sample.len(), written.len(), "{path}");
            sample.iter().zip(written).for_each(|(one, other)| says_all(one, other, &format!("{path}[]")));
        }
        (Value::Number(sample), Value::Number(written)) => {
            assert_eq!(sample.as_f64(), written.as_f64(), "{path}");
        }
        (sample, written) => assert_eq!(sample, written, "{path}"),
    }
}

macro_rules! full_example {
    ($name:ident, $topic:literal, $folder:literal, $parse:ident) => {
        #[test]
        fn $name() {
            let schema = Schema::of($topic);
            let sample = full($folder);
            schema.accepts(&sample);
            let written = encode(&$parse(&sample).unwrap());
            schema.accepts(&written);
            let trees = [&sample, &written].map(|body| serde_json::from_slice::<Value>(body).unwrap());
            says_all(&trees[0], &trees[1], "");
        }
    };
}

macro_rules! full_example_of_3_0 {
    ($name:ident, $topic:literal, $folder:literal, $message:ty) => {
        #[test]
        fn $name() {
            let schema = Schema::in_version("3.0.0", $topic);
            let sample = full($folder);
            schema.accepts(&sample);
            let message: $message = parse_in(Dialect::V3, &sample).unwrap();
            let written = encode_in(Dialect::V3, &message);
            schema.accepts(&written);
            let trees = [&sample, &written].map(|body| serde_json::from_slice::<Value>(body).unwrap());
            says_all(&trees[0], &trees[1], "");
        }
    };
}

full_example_of_3_0!(a_full_order_of_3_0_keeps_the_schema, "order", "order_v3", Order);
full_example_of_3_0!(
    full_instant_actions_of_3_0_keep_the_schema,
    "instantActions",
    "instant_actions_v3",
    InstantActions
);
full_example_of_3_0!(a_full_state_of_3_0_keeps_the_schema, "state", "state_v3", State);
full_example_of_3_0!(a_full_factsheet_of_3_0_keeps_the_schema, "factsheet", "factsheet_v3", Factsheet);
full_example_of_3_0!(
    a_full_visualization_of_3_0_keeps_the_schema,
    "visualization",
    "visualization_v3",
    Visualization
);

#[test]
fn whatever_the_model_says_is_written_for_3_0_too() {
    let schema = |topic| Schema::in_version("3.0.0", topic);
    let header = Header { version: "3.0.0".to_owned(), ..header() };
    for state in [ConnectionState::Online, ConnectionState::Offline, ConnectionState::ConnectionBroken] {
        let message = Connection { header: header.clone(), connection_state: state };
        let body = encode_in(Dialect::V3, &message);
        schema("connection").accepts(&body);
        assert_eq!(parse_in(Dialect::V3, &body), Ok(message));
    }
    // Both majors hold what the other's sample says, but for what only one of them knows.
    let of_2: [(&str, Vec<u8>); 4] = [
        ("order", encode_in(Dialect::V3, &parse_order(&full("order")).unwrap())),
        ("state", encode_in(Dialect::V3, &parse_state(&full("state")).unwrap())),
        ("factsheet", encode_in(Dialect::V3, &parse_factsheet(&full("factsheet")).unwrap())),
        ("instantActions", encode_in(Dialect::V3, &parse_instant_actions(&full("instant_actions")).unwrap())),
    ];
    of_2.iter().for_each(|(topic, body)| schema(topic).accepts(body));
    schema("state").accepts(&encode_in(Dialect::V3, &State { header, ..State::default() }));
}

#[test]
fn instant_actions_stand_apart_in_a_state_of_3_0() {
    let state = |is_instant| ActionState { is_instant, ..ActionState::new("a", ActionStatus::Running) };
    let message = State { action_states: vec![state(false), state(true), state(true)], ..State::default() };
    let body: Value = serde_json::from_slice(&encode_in(Dialect::V3, &message)).unwrap();
    let counts = ["actionStates", "instantActionStates"].map(|key| body[key].as_array().unwrap().len());
    assert_eq!(counts, [1, 2]);
    assert_eq!(serde_json::to_value(&message).unwrap()["actionStates"].as_array().unwrap().len(), 3);
}

#[test]
fn what_only_3_0_says_is_read_over_and_never_read_as_less_strict() {
    let sample = |folder: &str| {
        let path = format!("{}/tests/corpus/{folder}/only_there.json", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).unwrap()
    };
    let body = sample("order_v3");
    Schema::in_version("3.0.0", "order").accepts(&body);
    let order: Order = parse_in(Dialect::V3, &body).unwrap();
    assert_eq!(order.nodes[1].actions[0].blocking_type, BlockingType::Hard);
    assert_eq!(order.nodes[0].node_position.as_ref().unwrap().allowed_deviation_xy, Some(0.2));
    assert_eq!(order.edges[0].trajectory.as_ref().unwrap().degree, 1);
    assert_eq!((order.edges[1].start_node_id.as_str(), order.edges[1].end_node_id.as_str()), ("N2", "N3"));

    let body = sample("state_v3");
    Schema::in_version("3.0.0", "state").accepts(&body);
    let state: State = parse_in(Dialect::V3, &body).unwrap();
    assert_eq!(state.operating_mode, OperatingMode::Intervened);
    let actions = state.action_states.iter().map(|it| (it.action_id.as_str(), it.action_status));
    let expected = [
        ("a-1", ActionStatus::Running),
        ("a-2", ActionStatus::Waiting),
        ("i-1", ActionStatus::Finished),
        ("z-1", ActionStatus::Unknown),
    ];
    assert!(actions.eq(expected));
    assert_eq!(state.action_states[2].action_type.as_deref(), Some("initPosition"));
    assert_eq!(state.action_states[2].result_description.as_deref(), Some("there"));
    assert_eq!(state.battery_state.reach, Some(5400.0));
}

full_example!(a_full_order_keeps_the_schema, "order", "order", parse_order);
full_example!(
    full_instant_actions_keep_the_schema,
    "instantActions",
    "instant_actions",
    parse_instant_actions
);
full_example!(a_full_state_keeps_the_schema, "state", "state", parse_state);
full_example!(a_full_factsheet_keeps_the_schema, "factsheet", "factsheet", parse_factsheet);
full_example!(a_full_visualization_keeps_the_schema, "visualization", "visualization", parse_visualization);

fn header() -> Header {
    Header::new(7, "2026-11-22T10:15:30.120Z", "acme", "r07")
}

#[test]
fn what_the_constructors_make_keeps_the_schemas() {
    let connection = Schema::of("connection");
    for connection_state in
        [ConnectionState::Online, ConnectionState::Offline, ConnectionState::ConnectionBroken]
    {
        let message = Connection { header: header(), connection_state };
        connection.accepts(&encode(&message));
        assert_eq!(parse_connection(&encode(&message)), Ok(message));
    }
    Schema::of("state").accepts(&encode(&State::default()));
    Schema::of("visualization").accepts(&encode(&Visualization::default()));

    let action = Action::new("pick", "a-1", BlockingType::Hard).with("height", 1.2).with("side", "left");
    let actions = vec![action.clone()];
    let instant = InstantActions { header: header(), old_actions: actions.clone(), actions };
    Schema::of("instantActions").accepts(&encode(&instant));

    let mut node = Node::new("B", 2, true);
    node.actions.push(action);
    let order = Order {
        header: header(),
        order_id: "O-1".to_owned(),
        nodes: vec![Node::new("A", 0, true), node],
        edges: vec![Edge::new("A-B", 1, true, "A", "B")],
        ..Order::default()
    };
    Schema::of("order").accepts(&encode(&order));

    let state = State {
        action_states: vec![ActionState::new("a-1", ActionStatus::Finished)],
        errors: vec![Error::new("orderError", ErrorLevel::Warning).about("orderId", "O-1")],
        ..State::default()
    };
    Schema::of("state").accepts(&encode(&state));
}

#[test]
fn a_state_of_256_kib_is_read() {
    let mut body = full("state");
    body.resize(256 * 1024, b' ');
    assert!(parse_state(&body).is_ok());
}
