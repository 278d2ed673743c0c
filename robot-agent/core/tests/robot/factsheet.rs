//! The factsheet: valid, whole, and kept to.

use crate::common::{Rig, order};
use drover_agent_core::{Incoming, Message, Options, Spec};
use drover_proto::vda5050::{
    Action, ActionScope, ActionStatus, BlockingType, ControlPoint, Factsheet, InstantActions, Order, State,
    Trajectory, encode,
};
use serde_json::Value;
use std::io::Write as _;
use std::path::PathBuf;

/// What the robot sent first.
pub fn of(rig: &Rig) -> Factsheet {
    let mut sheets = rig.sent.iter().filter_map(|sent| match &sent.message {
        Message::Factsheet(factsheet) => Some((**factsheet).clone()),
        Message::State(_) | Message::Connection(_) | Message::Visualization(_) => None,
    });
    sheets.next_back().expect("no factsheet was sent")
}

/// The official schema; `None`, and a word about it, without `DROVER_DATA`.
#[expect(
    clippy::disallowed_methods,
    reason = "the schemas aren't ours to bundle: they are read where they lie"
)]
fn schema(topic: &str) -> Option<jsonschema::Validator> {
    let Some(data) = std::env::var_os("DROVER_DATA") else {
        let skipped = "skipped: DROVER_DATA doesn't name the folder with";
        let _ = writeln!(std::io::stderr(), "{skipped} vda5050/2.1.0/{topic}.schema");
        return None;
    };
    let path = PathBuf::from(data).join("vda5050/2.1.0").join(format!("{topic}.schema"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let schema: Value = serde_json::from_str(&text).expect("a JSON schema");
    Some(jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema"))
}

fn keeps(validator: &jsonschema::Validator, body: &[u8]) {
    let body: Value = serde_json::from_slice(body).expect("JSON");
    let errors: Vec<String> =
        validator.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{body:#}");
}

#[test]
fn factsheet_keeps_the_official_schema() {
    let Some(validator) = schema("factsheet") else { return };
    let own = Options { actions: vec!["beep".into(), "pick".into()], ..Options::default() };
    let seen = Options { visualization_interval_ms: Some(500), ..Options::default() };
    for options in [Options::default(), own, seen] {
        keeps(&validator, &encode(&of(&Rig::with(Spec::default(), options, "0_0"))));
    }
}

#[test]
fn states_with_maps_and_errors_keep_the_official_schema() {
    let Some(validator) = schema("state") else { return };
    let mut rig = Rig::new();
    let map = Action::new("downloadMap", "d", BlockingType::None).with("mapId", "roof");
    rig.at_once(map.clone());
    rig.at_once(Action {
        action_id: "e".into(),
        ..map.with("mapVersion", 2).with("mapDownloadLink", "https://m")
    });
    rig.run(2_000);
    rig.order(order("O", 0, &["0_0", "3_0"], 2, 0));
    rig.run(20_000);
    assert!(
        rig.states().any(|state| state.maps.len() == 2) && rig.states().any(|state| !state.errors.is_empty())
    );
    rig.states().for_each(|state| keeps(&validator, &encode(state)));
}

#[test]
fn every_action_is_listed_with_its_scopes_and_parameters() {
    let options = Options {
        actions: ["pick", "drop", "startCharging", "stopCharging", "beep"].map(str::to_owned).to_vec(),
        ..Options::default()
    };
    let sheet = of(&Rig::with(Spec::default(), options, "0_0"));
    let listed: Vec<String> = sheet
        .protocol_features
        .unwrap()
        .agv_actions
        .iter()
        .map(|action| {
            let scopes: Vec<_> = action.action_scopes.iter().map(|scope| &scope.as_str()[..1]).collect();
            let parameters = action.action_parameters.iter().map(|parameter| {
                let mark = if parameter.is_optional == Some(true) { "?" } else { "" };
                format!(" {}:{}{mark}", parameter.key, parameter.value_data_type)
            });
            format!("{} {}{}", action.action_type, scopes.concat(), parameters.collect::<String>())
        })
        .collect();
    let wanted = [
        "cancelOrder I",
        "startPause I",
        "stopPause I",
        "stateRequest I",
        "factsheetRequest I",
        "initPosition I x:NUMBER y:NUMBER theta:NUMBER mapId:STRING lastNodeId:STRING",
        "downloadMap I mapId:STRING mapVersion:STRING mapDownloadLink:STRING mapHash:STRING?",
        "enableMap IN mapId:STRING mapVersion:STRING",
        "deleteMap I mapId:STRING mapVersion:STRING",
        "startCharging IN",
        "stopCharging IN",
        "pick NE loadId:STRING? loadType:STRING?",
        "drop NE loadId:STRING? loadType:STRING?",
        "beep INE",
    ];
    assert_eq!(listed, wanted);
}

fn filled(kind: &str, id: &str) -> Action {
    let action = Action::new(kind, id, BlockingType::None);
    let action = action.with("mapId", "floor").with("mapVersion", "1").with("mapDownloadLink", "https://m");
    action.with("x", 0).with("y", 0).with("theta", 0).with("lastNodeId", "0_0")
}

fn is_unknown(state: &State) -> bool {
    let why = state.errors.iter().filter_map(|error| error.error_description.as_deref());
    why.into_iter().any(|why| why.contains("isn't known") || why.contains("isn't for"))
}

#[test]
fn every_action_is_taken_where_the_factsheet_says_and_nowhere_else() {
    let listed = of(&Rig::new()).protocol_features.unwrap().agv_actions;
    assert!(!listed.is_empty());
    for action in listed {
        for scope in [ActionScope::Instant, ActionScope::Node, ActionScope::Edge] {
            let mut rig = Rig::new();
            let asked = filled(&action.action_type, "a");
            let mut there = order("O", 0, &["0_0", "2_0"], 2, 0);
            let state = match scope {
                ActionScope::Node => {
                    there.nodes[1].actions.push(asked);
                    rig.order(there)
                }
                ActionScope::Edge => {
                    there.edges[0].actions.push(asked);
                    rig.order(there)
                }
                ActionScope::Instant | ActionScope::Unknown => rig.at_once(asked),
            };
            let is_listed = action.action_scopes.contains(&scope);
            assert_eq!(!is_unknown(&state), is_listed, "{} as {scope}", action.action_type);
        }
    }
}

fn many(order: &mut Order, on_edge: bool, count: u64) {
    let actions = (0..count).map(|n| Action::new("pick", format!("p{n}"), BlockingType::None)).collect();
    if on_edge { order.edges[0].actions = actions } else { order.nodes[1].actions = actions }
}

fn long_way(nodes: u64) -> Order {
    let names: Vec<String> = (0..nodes).map(|x| format!("{x}_0")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    order("O", 0, &names, 2, 0)
}

fn polyline(points: u64, knots: u64) -> Order {
    let mut there = order("O", 0, &["0_0", "2_0"], 2, 0);
    let point = |n: u64| ControlPoint { x: 2.0 * n as f64 / points as f64, y: 0.0, weight: None };
    let control_points = (0..points).map(point).collect();
    there.edges[0].trajectory =
        Some(Trajectory { degree: 1, knot_vector: vec![0.5; knots as usize], control_points });
    there
}

#[test]
fn limits_are_taken_at_their_value_and_refused_beyond() {
    let limits = of(&Rig::new()).protocol_limits.unwrap();
    let (lists, texts) = (limits.max_array_lens, limits.max_string_lens);
    let with = |change: &dyn Fn(&mut Order)| {
        let mut there = order("O", 0, &["0_0", "2_0"], 2, 0);
        change(&mut there);
        there
    };
    let parameters = |count: u64| {
        let action = Action::new("pick", "p", BlockingType::None);
        (0..count).fold(action, |action, n| action.with(format!("k{n}"), 1))
    };
    let text = |chars: u64| "é".repeat(chars as usize);
    type Make<'a> = &'a dyn Fn(u64) -> Order;
    let cases: [(&str, Option<u64>, Make<'_>); 12] = [
        ("order.nodes", lists.order_nodes, &long_way),
        ("order.edges", lists.order_edges, &|count| long_way(count + 1)),
        ("node.actions", lists.node_actions, &|count| with(&|order| many(order, false, count))),
        ("edge.actions", lists.edge_actions, &|count| with(&|order| many(order, true, count))),
        ("parameters", lists.action_parameters, &|count| {
            with(&|order| order.nodes[1].actions.push(parameters(count)))
        }),
        ("controlPoints", lists.trajectory_control_points, &|count| polyline(count, 2)),
        ("knotVector", lists.trajectory_knots, &|count| polyline(3, count)),
        ("orderId", texts.id_len, &|chars| with(&|order| order.order_id = text(chars))),
        ("edgeId", texts.id_len, &|chars| with(&|order| order.edges[0].edge_id = text(chars))),
        ("actionId", texts.id_len, &|chars| {
            with(&|order| order.nodes[1].actions.push(Action::new("pick", text(chars), BlockingType::None)))
        }),
        ("nodeId", texts.id_len, &|chars| {
            with(&|order| {
                order.nodes[1].node_id = text(chars);
                order.edges[0].end_node_id = text(chars);
            })
        }),
        ("key", texts.enum_len, &|chars| {
            let action = Action::new("pick", "p", BlockingType::None).with(text(chars), 1);
            with(&|order| order.nodes[1].actions.push(action.clone()))
        }),
    ];
    for (name, limit, make) in cases {
        let limit = limit.unwrap_or_else(|| panic!("{name} has no limit"));
        let state = Rig::new().order(make(limit));
        assert!(state.errors.is_empty(), "{name} of {limit}: {:?}", state.errors);
        let state = Rig::new().order(make(limit + 1));
        assert_eq!(state.errors.len(), 1, "{name} beyond {limit}");
        assert!(state.order_id.is_empty(), "{name}");
    }
}

#[test]
fn instant_actions_beyond_the_limit_are_all_refused() {
    let limit = of(&Rig::new()).protocol_limits.unwrap().max_array_lens.instant_actions.unwrap();
    for (count, is_taken) in [(limit, true), (limit + 1, false)] {
        let mut rig = Rig::new();
        let actions =
            (0..count).map(|n| Action::new("stateRequest", format!("s{n}"), BlockingType::None)).collect();
        let message = InstantActions { actions, ..InstantActions::default() };
        rig.agent.on_message(rig.now, Incoming::InstantActions(message));
        rig.drain();
        let state = rig.state();
        let errors: Vec<_> = state.errors.iter().map(|error| error.error_type.as_str()).collect();
        let wanted: (&[&str], u64) = if is_taken { (&[], count) } else { (&["validationError"], 0) };
        assert_eq!((errors.as_slice(), state.action_states.len() as u64), wanted);
    }
}

#[test]
fn instant_actions_that_wait_are_bounded() {
    let mut rig = Rig::new();
    rig.order(order("O", 0, &["0_0", "99_0"], 2, 0));
    rig.run(2_000);
    for n in 0..300 {
        rig.at_once(Action::new("startCharging", format!("c{n}"), BlockingType::Hard));
    }
    let state = rig.state();
    let count = |wanted| state.action_states.iter().filter(|action| action.action_status == wanted).count();
    assert_eq!((count(ActionStatus::Waiting), count(ActionStatus::Failed)), (256, 44));
}

#[test]
fn base_of_an_order_is_bounded_over_all_its_updates() {
    let mut rig = Rig::new();
    rig.instant("startPause", "p");
    let limit = of(&rig).protocol_limits.unwrap().max_array_lens.order_nodes.unwrap() as u32;
    let names: Vec<String> = (0..=limit).map(|x| format!("{x}_0")).collect();
    let part = |from: u32, to: u32| {
        let names: Vec<&str> = names[from as usize..=to as usize].iter().map(String::as_str).collect();
        order("O", from, &names, names.len(), 2 * from)
    };
    assert!(rig.order(part(0, 3_000)).errors.is_empty());
    let state = rig.order(part(3_000, limit));
    assert_eq!((state.errors[0].error_type.as_str(), state.node_states.len()), ("orderError", 3_000));
    assert!(rig.order(part(3_000, 4_000)).errors.is_empty());
}
