//! What we write validates against the official 2.1.0 schemas. They are found through `DROVER_DATA`; without
//! it these tests say that they are skipped.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;
use std::path::PathBuf;

use drover_proto::vda5050::{
    Action, ActionState, ActionStatus, BlockingType, Connection, ConnectionState, Edge, Error, ErrorLevel,
    Header, InstantActions, Node, Order, State, Visualization, encode,
};
use drover_proto::{
    parse_connection, parse_factsheet, parse_instant_actions, parse_order, parse_state, parse_visualization,
};
use serde_json::Value;

struct Schema(Option<jsonschema::Validator>);

impl Schema {
    fn of(topic: &str) -> Self {
        let Some(data) = std::env::var_os("DROVER_DATA") else {
            // Not eprintln!, which the test harness would keep to itself.
            let skipped = "skipped: DROVER_DATA doesn't name the folder with";
            let _ = writeln!(std::io::stderr(), "{skipped} vda5050/2.1.0/{topic}.schema");
            return Self(None);
        };
        let path = PathBuf::from(data).join("vda5050/2.1.0").join(format!("{topic}.schema"));
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
    let instant = InstantActions { header: header(), actions: vec![action.clone()] };
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
