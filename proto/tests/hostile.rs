//! One property per parser: whatever is made of the committed corpus, a parser doesn't panic, holds its
//! limits, explains itself in one line, and reads what it wrote as the same value.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Debug;
use std::path::Path;

use drover_proto::device::DeviceTopic;
use drover_proto::limits::{Kind, Limits};
use drover_proto::vda5050::{
    Connection, Dialect, Factsheet, InstantActions, Message, Order, State, Visualization, encode_in,
};
use drover_proto::{
    Code, parse_connection, parse_device_connection, parse_device_request, parse_device_state, parse_event,
    parse_factsheet, parse_in, parse_instant_actions, parse_job, parse_order, parse_state,
    parse_visualization,
};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::Value;

/// Longest body the mutations make, above every limit.
const BYTES_MAX: usize = 600 * 1024;

const TOKENS: [&str; 24] = [
    "null",
    "true",
    "-1",
    "0",
    "1.5",
    "1e999",
    "-1e15",
    "2e15",
    "18446744073709551616",
    "4294967296",
    "\"\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\u{202e}\"",
    "[]",
    "{}",
    "[[]]",
    "{\"a\":{}}",
    "NaN",
    "{",
    "]",
    ",",
    "\"",
    "\\",
];

/// One thing done to a body: which, where, and how much.
type Mutation = (u8, usize, usize);

fn mutations() -> impl Strategy<Value = (usize, Vec<Mutation>)> {
    (any::<usize>(), prop::collection::vec((0..9_u8, any::<usize>(), any::<usize>()), 0..5))
}

fn corpus(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// A sample of the corpus, changed.
fn mutant(folder: &str, pick: usize, changes: Vec<Mutation>) -> Vec<u8> {
    let samples = corpus(folder);
    let mut body = samples[pick % samples.len()].clone();
    changes.into_iter().for_each(|change| mutate(&mut body, change));
    body
}

fn mutate(body: &mut Vec<u8>, (what, at, much): Mutation) {
    let len = body.len().max(1);
    let at = at % len;
    let end = (at + much % 64).min(body.len());
    match what {
        0 => body.truncate(at),
        1 => {
            if let Some(byte) = body.get_mut(at) {
                *byte ^= 1 << (much % 8);
            }
        }
        2 => drop(body.drain(at..end)),
        3 => {
            let part: Vec<u8> = body[at..end].to_vec();
            let times = (much / 64 % 300).min((BYTES_MAX.saturating_sub(body.len())) / part.len().max(1));
            drop(body.splice(at..at, part.repeat(times)));
        }
        4 => drop(body.splice(at..at, TOKENS[much % TOKENS.len()].bytes())),
        5 => {
            let depth = much % 40;
            let nested = [b"[".repeat(depth), b"7".to_vec(), b"]".repeat(depth)].concat();
            replace_value(body, at, &nested);
        }
        6 => replace_value(body, at, TOKENS[much % TOKENS.len()].as_bytes()),
        7 => change_tree(body, at, much, |_| None),
        _ => change_tree(body, at, much, |value| Some(Value::Array(vec![value; much % 20]))),
    }
}

/// Puts `new` in the place of the value after the first colon behind `at`.
fn replace_value(body: &mut Vec<u8>, at: usize, new: &[u8]) {
    let Some(colon) = body.iter().skip(at).position(|byte| *byte == b':') else { return };
    let start = at + colon + 1;
    let is_end = |byte: &u8| b",}\n".contains(byte);
    let len = body[start..].iter().position(is_end).unwrap_or(0);
    drop(body.splice(start..start + len, new.iter().copied()));
}

/// Takes one member out of the tree or puts something else in its place.
fn change_tree(body: &mut Vec<u8>, at: usize, much: usize, change: impl Fn(Value) -> Option<Value>) {
    let Ok(mut root) = serde_json::from_slice::<Value>(body) else { return };
    let mut place = &mut root;
    let mut choice = at ^ much;
    loop {
        let count = place.as_object().map_or(0, serde_json::Map::len);
        if count == 0 {
            break;
        }
        let Some(map) = place.as_object_mut() else { break };
        let Some(key) = map.keys().nth(choice % count).cloned() else { break };
        choice /= count.max(2);
        let goes_deeper = !choice.is_multiple_of(3) && map[&key].is_object();
        if !goes_deeper {
            if let Some(new) = map.remove(&key).and_then(&change) {
                map.insert(key, new);
            }
            break;
        }
        place = &mut map[&key];
    }
    *body = root.to_string().into_bytes();
}

fn breaks_limit(value: &Value, limits: Limits, depth: usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(_) => false,
        Value::Array(items) => {
            depth == limits.depth_max
                || items.len() > limits.list_max
                || items.iter().any(|item| breaks_limit(item, limits, depth + 1))
        }
        Value::Object(map) => {
            depth == limits.depth_max
                || map.len() > limits.list_max
                || map.values().any(|item| breaks_limit(item, limits, depth + 1))
        }
    }
}

fn holds<T, E>(kind: Kind, body: &[u8], parse: impl Fn(&[u8]) -> Result<T, E>, say: fn(&E) -> (Code, &str))
where
    T: Serialize + PartialEq + Debug,
    E: Debug,
{
    let write = |message: &T| serde_json::to_vec(message).unwrap();
    holds_in(kind, body, parse, write, say);
}

fn holds_in<T, E>(
    kind: Kind,
    body: &[u8],
    parse: impl Fn(&[u8]) -> Result<T, E>,
    write: impl Fn(&T) -> Vec<u8>,
    say: fn(&E) -> (Code, &str),
) where
    T: PartialEq + Debug,
    E: Debug,
{
    match parse(body) {
        Ok(message) => {
            assert!(body.len() <= kind.limits().bytes_max);
            let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
            // Serde doesn't look closely at what it ignores (1e999, half a surrogate), and neither do we.
            if let Ok(tree) = serde_json::from_slice::<Value>(text) {
                assert!(!breaks_limit(&tree, kind.limits(), 0));
            }
            match parse(&write(&message)) {
                Ok(again) => assert_eq!(again, message),
                Err(error) => panic!("wrote what it can't read: {error:?}: {message:?}"),
            }
        }
        Err(error) => {
            let (code, reason) = say(&error);
            assert_eq!(code == Code::BodyTooLarge, body.len() > kind.limits().bytes_max);
            assert!(!reason.is_empty() && reason.chars().count() <= 400, "{reason}");
            assert!(!reason.contains(char::is_control), "{reason}");
        }
    }
}

macro_rules! hostile {
    ($name:ident, $folder:literal, $kind:ident, $parse:ident) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(400))]
            #[test]
            fn $name((pick, changes) in mutations()) {
                let body = mutant($folder, pick, changes);
                holds(Kind::$kind, &body, $parse, |error| (error.code, &error.reason));
            }
        }
    };
}

macro_rules! hostile_of_3_0 {
    ($name:ident, $folder:literal, $message:ty) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(400))]
            #[test]
            fn $name((pick, changes) in mutations()) {
                let body = mutant($folder, pick, changes);
                let parse = |body: &[u8]| parse_in::<$message>(Dialect::V3, body);
                let write = |message: &$message| encode_in(Dialect::V3, message);
                holds_in(<$message as Message>::KIND, &body, parse, write, |error| (error.code, &error.reason));
            }
        }
    };
}

hostile_of_3_0!(a_hostile_state_of_3_0_is_refused_or_read_whole, "state_v3", State);
hostile_of_3_0!(a_hostile_order_of_3_0_is_refused_or_read_whole, "order_v3", Order);
hostile_of_3_0!(
    hostile_instant_actions_of_3_0_are_refused_or_read_whole,
    "instant_actions_v3",
    InstantActions
);
hostile_of_3_0!(a_hostile_connection_of_3_0_is_refused_or_read_whole, "connection_v3", Connection);
hostile_of_3_0!(a_hostile_factsheet_of_3_0_is_refused_or_read_whole, "factsheet_v3", Factsheet);
hostile_of_3_0!(a_hostile_visualization_of_3_0_is_refused_or_read_whole, "visualization_v3", Visualization);

hostile!(a_hostile_state_is_refused_or_read_whole, "state", State, parse_state);
hostile!(a_hostile_order_is_refused_or_read_whole, "order", Order, parse_order);
hostile!(
    hostile_instant_actions_are_refused_or_read_whole,
    "instant_actions",
    InstantActions,
    parse_instant_actions
);
hostile!(a_hostile_connection_is_refused_or_read_whole, "connection", Connection, parse_connection);
hostile!(a_hostile_factsheet_is_refused_or_read_whole, "factsheet", Factsheet, parse_factsheet);
hostile!(
    a_hostile_visualization_is_refused_or_read_whole,
    "visualization",
    Visualization,
    parse_visualization
);
hostile!(a_hostile_job_is_refused_or_read_whole, "job", Job, parse_job);
hostile!(a_hostile_event_is_refused_or_read_whole, "event", Event, parse_event);
hostile!(a_hostile_device_request_is_refused_or_read_whole, "device_request", Device, parse_device_request);
hostile!(a_hostile_device_state_is_refused_or_read_whole, "device_state", Device, parse_device_state);
hostile!(
    a_hostile_device_connection_is_refused_or_read_whole,
    "device_connection",
    Device,
    parse_device_connection
);

proptest! {
    #[test]
    fn noise_is_refused(noise in prop::collection::vec(any::<u8>(), 0..400)) {
        holds(Kind::State, &noise, parse_state, |error| (error.code, &error.reason));
        holds(Kind::Job, &noise, parse_job, |error| (error.code, &error.reason));
        holds(Kind::Event, &noise, parse_event, |error| (error.code, &error.reason));
        holds(Kind::Device, &noise, parse_device_request, |error| (error.code, &error.reason));
        holds(Kind::Device, &noise, parse_device_state, |error| (error.code, &error.reason));
        holds(Kind::Device, &noise, parse_device_connection, |error| (error.code, &error.reason));
    }

    #[test]
    fn a_topic_is_a_devices_or_nobodys(levels in prop::collection::vec("drover|v1|device|state|request|[a-z+#/ ]{0,3}", 0..9)) {
        let text = levels.join("/");
        for text in [format!("drover/v1/{text}"), format!("drover/v1/{text}/device/d/state"), text] {
            if let Some(topic) = DeviceTopic::parse(&text) {
                prop_assert_eq!(topic.to_string(), text);
            }
        }
    }
}

fn later<T: Message>(body: &[u8]) -> Option<Code> {
    parse_in::<T>(Dialect::V3, body).err().map(|error| error.code)
}

#[test]
fn the_corpus_is_read_or_refused_as_its_names_say() {
    let code = |folder: &str, name: &str| {
        let path = format!("{}/tests/corpus/{folder}/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let body = std::fs::read(path).unwrap();
        match folder {
            "state" => parse_state(&body).err().map(|error| error.code),
            "order" => parse_order(&body).err().map(|error| error.code),
            "instant_actions" => parse_instant_actions(&body).err().map(|error| error.code),
            "connection" => parse_connection(&body).err().map(|error| error.code),
            "factsheet" => parse_factsheet(&body).err().map(|error| error.code),
            "visualization" => parse_visualization(&body).err().map(|error| error.code),
            "state_v3" => later::<State>(&body),
            "order_v3" => later::<Order>(&body),
            "instant_actions_v3" => later::<InstantActions>(&body),
            "connection_v3" => later::<Connection>(&body),
            "factsheet_v3" => later::<Factsheet>(&body),
            "visualization_v3" => later::<Visualization>(&body),
            "job" => parse_job(&body).err().map(|error| error.code),
            "device_request" => parse_device_request(&body).err().map(|error| error.code),
            "device_state" => parse_device_state(&body).err().map(|error| error.code),
            "device_connection" => parse_device_connection(&body).err().map(|error| error.code),
            other => {
                assert_eq!(other, "event");
                parse_event(&body).err().map(|error| error.code)
            }
        }
    };
    let refused = [
        ("state", "battery_missing", Code::MissingField),
        ("state", "nodes_missing", Code::MissingField),
        ("state", "huge_numbers", Code::NumberTooLarge),
        ("state", "far_away", Code::NumberTooLarge),
        ("state", "newer_major", Code::UnknownVersion),
        ("state", "duplicate_key", Code::BadField),
        ("visualization", "far_away", Code::NumberTooLarge),
        ("order", "no_ids", Code::BadField),
        ("instant_actions", "both_keys", Code::BadField),
        ("connection", "unknown_word", Code::BadField),
        ("state_v3", "power_supply_missing", Code::MissingField),
        ("order_v3", "older_major", Code::UnknownVersion),
        ("order_v3", "nodes_are_text", Code::BadField),
        ("connection_v3", "unknown_word", Code::BadField),
        ("job", "two_kinds", Code::BadField),
        ("job", "wrong_types", Code::UnknownVersion),
        ("event", "unknown_state", Code::BadField),
        ("event", "newer", Code::UnknownVersion),
        ("device_request", "half_open", Code::BadField),
        ("device_request", "newer", Code::UnknownVersion),
        ("device_request", "want_missing", Code::MissingField),
        ("device_request", "huge_version", Code::BadField),
        ("device_state", "state_missing", Code::MissingField),
        ("device_state", "wrong_want", Code::BadField),
        ("device_state", "newer", Code::UnknownVersion),
        ("device_connection", "state_missing", Code::MissingField),
        ("device_connection", "not_a_word", Code::BadField),
        ("device_connection", "newer", Code::UnknownVersion),
    ];
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")).unwrap() {
        let folder = entry.unwrap();
        let kind = folder.file_name().into_string().unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap();
            let expected =
                refused.iter().find(|(k, n, _)| *k == kind && *n == name).map(|(_, _, code)| *code);
            assert_eq!(code(&kind, name), expected, "{kind}/{name}");
        }
    }
}
