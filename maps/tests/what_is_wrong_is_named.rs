//! Every finding of `compile`: what makes it, how bad it is, and that its message names key, value and mend.

#![expect(clippy::unwrap_used, reason = "a test that can't read its own data has failed")]

use std::collections::BTreeSet;

use drover_maps::{Compiled, LoadError, Remedy, Severity, compile};
use serde_json::{Value, json};

/// A ring a-b-c-d driven round, 10 m a side, with station S at a bay e beside a.
fn ring() -> Value {
    let nodes = [("a", 0, 0), ("b", 10, 0), ("c", 10, 10), ("d", 0, 10), ("e", 0, -3)];
    let ways = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("a", "e"), ("e", "a")];
    json!({
        "metaInformation": { "lifVersion": "1.0.0" },
        "layouts": [{
            "layoutId": "L",
            "nodes": nodes.map(|(id, x, y)| node(id, f64::from(x), f64::from(y))),
            "edges": ways.map(|(from, to)| edge(&format!("{from}{to}"), from, to)),
            "stations": [{ "stationId": "S", "interactionNodeIds": ["e"] }]
        }]
    })
}

fn node(id: &str, x: f64, y: f64) -> Value {
    json!({ "nodeId": id, "nodePosition": { "x": x, "y": y }, "vehicleTypeNodeProperties": [{ "vehicleTypeId": "t" }] })
}

fn edge(id: &str, from: &str, to: &str) -> Value {
    json!({ "edgeId": id, "startNodeId": from, "endNodeId": to,
            "vehicleTypeEdgeProperties": [{ "vehicleTypeId": "t", "rotationAllowed": false }] })
}

fn push(lif: &mut Value, list: &str, value: Value) {
    lif["layouts"][0][list].as_array_mut().unwrap().push(value);
}

fn compiled(lif: &Value, site: Option<&str>) -> Compiled {
    compile(lif.to_string().as_bytes(), site).unwrap()
}

/// The one finding of this code, whose message holds all these words.
#[track_caller]
fn expect(compiled: &Compiled, severity: Severity, code: &str, words: &[&str]) {
    let found: Vec<_> = compiled.findings.iter().filter(|finding| finding.code == code).collect();
    assert_eq!(found.len(), 1, "{code} once in {:?}", compiled.findings);
    assert_eq!(found[0].severity, severity, "{code}");
    for word in words {
        assert!(found[0].message.contains(word), "`{word}` in `{}`", found[0].message);
    }
}

use Severity::{Error, Warning};

#[test]
fn sound_layout_has_no_findings() {
    let mut lif = ring();
    for (from, to) in [("b", "a"), ("c", "b"), ("d", "c"), ("a", "d")] {
        push(&mut lif, "edges", edge(&format!("{from}{to}"), from, to));
    }
    let compiled = compiled(&lif, None);
    assert_eq!(compiled.findings, []);
    let holding = compiled.layout.holding().iter().map(|node| compiled.layout.node(*node).name.as_str());
    assert_eq!(holding.collect::<Vec<_>>(), ["b", "c", "d"], "all but the station and the node before it");
}

#[test]
fn ids_given_twice_are_errors() {
    let mut lif = ring();
    push(&mut lif, "nodes", node("b", 50.0, 50.0));
    push(&mut lif, "edges", edge("ab", "a", "b"));
    push(&mut lif, "stations", json!({ "stationId": "S", "interactionNodeIds": ["c"] }));
    let compiled = compiled(&lif, None);
    expect(&compiled, Error, "DUPLICATE_NODE", &["nodeId", "`b`", "rename"]);
    expect(&compiled, Error, "DUPLICATE_EDGE", &["edgeId", "`ab`", "rename"]);
    expect(&compiled, Error, "DUPLICATE_STATION", &["stationId", "`S`", "rename"]);
}

#[test]
fn edges_that_lead_nowhere_are_errors() {
    let mut lif = ring();
    push(&mut lif, "edges", edge("ax", "a", "x"));
    push(&mut lif, "edges", edge("aa", "a", "a"));
    let compiled = compiled(&lif, None);
    expect(&compiled, Error, "EDGE_TO_NOWHERE", &["endNodeId", "`ax`", "`x`", "add it or remove"]);
    expect(&compiled, Error, "EDGE_ZERO_LENGTH", &["`aa`", "move a node"]);
}

#[test]
fn station_out_of_reach_is_a_warning_and_a_trap_an_error() {
    let mut lif = ring();
    for (id, x) in [("f", 20.0), ("g", 30.0)] {
        push(&mut lif, "nodes", node(id, x, 0.0));
    }
    push(&mut lif, "edges", edge("bf", "b", "f"));
    push(&mut lif, "edges", edge("gb", "g", "c"));
    push(&mut lif, "stations", json!({ "stationId": "TRAP", "interactionNodeIds": ["f"] }));
    push(&mut lif, "stations", json!({ "stationId": "ISLAND", "interactionNodeIds": ["g"] }));
    push(&mut lif, "stations", json!({ "stationId": "EMPTY", "interactionNodeIds": [] }));
    let compiled = compiled(&lif, None);
    expect(&compiled, Error, "STATION_DEAD_END", &["`TRAP`", "f", "add an edge"]);
    expect(&compiled, Warning, "STATION_UNREACHABLE", &["`ISLAND`", "g", "add an edge"]);
    expect(
        &compiled,
        Error,
        "STATION_WITHOUT_NODES",
        &["interactionNodeIds", "`EMPTY`", "name at least one"],
    );
    expect(&compiled, Warning, "NOT_STRONGLY_CONNECTED", &["`t`", "2 of 7", "f, g"]);
}

#[test]
fn degrees_for_radians_are_noticed() {
    let mut lif = ring();
    lif["layouts"][0]["nodes"][0]["vehicleTypeNodeProperties"][0]["theta"] = json!(90.0);
    expect(&compiled(&lif, None), Warning, "ANGLE_LOOKS_LIKE_DEGREES", &["theta", "90", "pi / 180"]);
}

#[test]
fn millimetres_for_metres_are_out_of_range() {
    let mut lif = ring();
    push(&mut lif, "nodes", node("far", 1e7, 0.0));
    expect(
        &compiled(&lif, None),
        Error,
        "COORDINATE_OUT_OF_RANGE",
        &["nodePosition", "`far`", "10000000", "metres"],
    );
}

#[test]
fn nodes_nearer_than_a_robot_are_named_both() {
    let mut lif = ring();
    push(&mut lif, "nodes", node("near", 0.4, 10.0));
    push(&mut lif, "edges", edge("bn", "b", "near"));
    push(&mut lif, "edges", edge("na", "near", "a"));
    expect(&compiled(&lif, None), Warning, "NODES_TOO_CLOSE", &["`d`", "`near`", "400 mm"]);
}

#[test]
fn site_file_naming_what_is_not_there_is_an_error_each() {
    let site = r#"
        [[robot_type]]
        vehicle_type = "u"
        speed_mm_s = 0
        colour = "red"
        [[robot]]
        manufacturer = "m"
        serial = "1"
        type = "v"
        [[zone]]
        id = "z"
        temperature = "cool"
        nodes = ["a"]
        [[charger]]
        node = "x"
        [[device]]
        id = "d1"
        kind = "door"
        edges = ["zz", "ab"]
        [[device]]
        id = "d2"
        kind = "gate"
    "#;
    let compiled = compiled(&ring(), Some(site));
    let types: Vec<_> = compiled.findings.iter().filter(|finding| finding.code == "UNKNOWN_TYPE").collect();
    assert_eq!(types.iter().map(|finding| finding.subject.as_str()).collect::<Vec<_>>(), ["u", "m/1"]);
    expect(&compiled, Error, "UNKNOWN_KEY", &["`robot_type.colour`", "remove it"]);
    expect(&compiled, Error, "TYPE_OUT_OF_RANGE", &["`robot_type.speed_mm_s`", "0", "1 to"]);
    expect(
        &compiled,
        Error,
        "BAD_TEMPERATURE",
        &["`zone.temperature`", "`cool`", "frozen, chilled or ambient"],
    );
    expect(&compiled, Error, "UNKNOWN_NODE", &["`charger.nodes`", "`x`", "correct or remove"]);
    expect(&compiled, Error, "UNKNOWN_EDGE", &["`device.edges`", "`zz`", "correct or remove"]);
    expect(&compiled, Error, "UNKNOWN_DEVICE_KIND", &["`device.kind`", "`gate`", "door, lift"]);
    let layout = compiled.layout;
    assert_eq!(layout.devices().len(), 1);
    assert_eq!(layout.edge(layout.edge_named("ab").unwrap()).device, Some(0));
}

#[test]
fn holding_on_the_only_way_is_warned_of() {
    let site = "[[holding]]\nnodes = [\"b\"]";
    expect(
        &compiled(&ring(), Some(site)),
        Warning,
        "HOLDING_IS_CUT",
        &["`holding.nodes`", "`b`", "side bay"],
    );
}

#[test]
fn holding_bay_too_near_to_the_only_lane_is_warned_of() {
    let mut lif = ring();
    push(&mut lif, "nodes", node("bay", 5.0, 10.7));
    push(&mut lif, "edges", edge("c-bay", "c", "bay"));
    push(&mut lif, "edges", edge("bay-d", "bay", "d"));
    let site = "[[holding]]\nnodes = [\"bay\"]";
    expect(
        &compiled(&lif, Some(site)),
        Warning,
        "HOLDING_BLOCKS",
        &["`holding.nodes`", "`bay`", "move the node"],
    );
}

#[test]
fn layout_without_a_place_to_wait_is_warned_of() {
    let mut lif = ring();
    lif["layouts"][0]["stations"] = json!([{ "stationId": "S", "interactionNodeIds": ["a"] }]);
    lif["layouts"][0]["nodes"].as_array_mut().unwrap().pop();
    lif["layouts"][0]["edges"].as_array_mut().unwrap().truncate(4);
    let compiled = compiled(&lif, None);
    expect(&compiled, Warning, "NO_HOLDING_NODES", &["side bays"]);
    assert_eq!(compiled.layout.holding().len(), 3);
}

#[test]
fn findings_of_one_kind_are_counted_after_twenty() {
    let mut lif = ring();
    for number in 0..50 {
        push(&mut lif, "edges", edge(&format!("n{number}"), "a", "nowhere"));
    }
    let mut findings = compiled(&lif, None).findings;
    findings.retain(|finding| finding.code == "EDGE_TO_NOWHERE");
    assert_eq!(findings.len(), 21);
    assert!(findings.iter().any(|finding| finding.message.starts_with("30 more")));
}

#[test]
fn text_that_is_no_layout_is_refused_with_its_place() {
    let error = compile(b"{ \"layouts\": [ 7 ] }", None).unwrap_err();
    assert!(matches!(error, LoadError::Lif(_)) && error.to_string().contains("line 1"), "{error}");
    let error = compile(ring().to_string().as_bytes(), Some("[[robot]]\nserial = 7")).unwrap_err();
    assert!(matches!(error, LoadError::Site(_)) && error.to_string().contains("serial"), "{error}");
}

#[test]
fn forty_thousand_nodes_in_one_place_are_refused_rather_than_computed() {
    let mut lif = ring();
    for number in 0..40_000 {
        push(&mut lif, "nodes", node(&format!("n{number}"), 0.0, 0.0));
    }
    let error = compile(lif.to_string().as_bytes(), None).unwrap_err();
    assert!(matches!(error, LoadError::TooDense), "{error}");
}

#[test]
fn every_code_is_in_the_document_and_no_other() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(folder.join("FINDINGS.md")).unwrap();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: BTreeSet<String> = rows.map(|row| row.split('`').next().unwrap().to_owned()).collect();
    let mut used = BTreeSet::new();
    let sources = [
        "compile.rs",
        "compile/ground.rs",
        "compile/places.rs",
        "profile.rs",
        "remedy.rs",
        "site_file.rs",
        "validate.rs",
    ];
    for file in sources {
        let source = std::fs::read_to_string(folder.join("src").join(file)).unwrap();
        let words = source.split('"').skip(1).step_by(2);
        let is_code =
            |word: &&str| word.len() > 5 && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        used.extend(words.filter(is_code).map(str::to_owned));
    }
    assert_eq!(documented, used);
}

#[test]
fn a_station_for_returned_loads_is_known_by_name() {
    let site = "[returns]\nstation = \"S\"";
    let compiled = compiled(&ring(), Some(site));
    assert_eq!(compiled.layout.returns(), compiled.layout.station_named("S"));
    assert!(compiled.layout.returns().is_some(), "{:?}", compiled.findings);
}

#[test]
fn a_station_for_returned_loads_that_there_is_not_is_named() {
    let compiled = compiled(&ring(), Some("[returns]\nstation = \"T\"\nshelf = 7"));
    expect(&compiled, Error, "UNKNOWN_STATION", &["`returns.station`", "`T`", "correct or remove"]);
    expect(&compiled, Error, "UNKNOWN_KEY", &["`returns.shelf`", "station"]);
    assert_eq!(compiled.layout.returns(), None);
}

#[test]
fn remedies_that_cannot_be_are_named() {
    let site = r#"
        [[action]]
        type = "pick"
        on_failure = ["retry", "another_robot", "operator"]
        colour = "red"
        [[action]]
        type = "pick"
        [[action]]
        type = "confirm"
        [[action]]
        type = "drop"
        on_failure = ["retry", "retry", "retry", "retry", "retry", "retry", "retry", "retry", "retry"]
    "#;
    let compiled = compiled(&ring(), Some(site));
    expect(&compiled, Error, "UNKNOWN_KEY", &["`action.colour`"]);
    expect(&compiled, Error, "DUPLICATE_ACTION", &["`action.type`", "`pick`", "keep one"]);
    let bad = compiled.findings.iter().filter(|finding| finding.code == "BAD_ACTION");
    let bad: Vec<&str> = bad.map(|finding| finding.message.as_str()).collect();
    assert!(bad.len() == 2 && bad[0].contains("`confirm`") && bad[0].contains("a robot's action"), "{bad:?}");
    assert!(bad[1].contains("`drop`") && bad[1].contains("9 remedies; keep 8"), "{bad:?}");
    let of = |name: &str| compiled.layout.remedies(name);
    assert_eq!(of("pick"), [Remedy::Retry, Remedy::AnotherRobot, Remedy::Operator]);
    assert!(of("drop").len() == 8 && of("weld").is_empty());
    let site = "[[action]]\ntype = \"pick\"\non_failure = [\"pray\"]";
    let unknown = compile(ring().to_string().as_bytes(), Some(site)).unwrap_err();
    let told = unknown.to_string();
    assert!(told.contains("`pray`") && told.contains("`another_robot`") && told.contains("line 3"), "{told}");
}

#[test]
fn a_profile_that_cannot_be_spoken_is_named_key_by_key() {
    let site = r#"
        [[profile]]
        name = "a"
        version = "4.0"
        interface = "uagv/+"
        deviation_m = -1
        order_interval_s = 601
        nodes_max = 1
        colour = "red"
        [[profile]]
        name = "a"
        [[robot]]
        manufacturer = "m"
        serial = "1"
        profile = "b"
    "#;
    let compiled = compiled(&ring(), Some(site));
    expect(&compiled, Error, "UNKNOWN_KEY", &["`profile.colour`"]);
    let bad = compiled.findings.iter().filter(|finding| finding.code == "BAD_PROFILE");
    let bad: Vec<&str> = bad.map(|finding| finding.message.as_str()).collect();
    for words in [
        ["`profile.version` of `a`", "`4.0`", "2.0.0, 2.1.0, 3.0.0"],
        ["`profile.interface` of `a`", "`uagv/+`", "without"],
        ["`profile.deviation_m` of `a`", "-1", "0 to 5"],
        ["`profile.order_interval_s` of `a`", "601", "0 to 600"],
        ["`profile.nodes_max` of `a`", "below 2", "two nodes"],
    ] {
        let names_all = |message: &&&str| words.iter().all(|word| message.contains(word));
        assert_eq!(bad.iter().filter(names_all).count(), 1, "{words:?} in {bad:?}");
    }
    assert_eq!(bad.len(), 5);
    expect(&compiled, Error, "DUPLICATE_PROFILE", &["`profile.name`", "`a`", "keep one"]);
    expect(&compiled, Error, "UNKNOWN_PROFILE", &["`robot.profile`", "`b`", "[[profile]]"]);
}

#[test]
fn a_robot_speaks_the_profile_it_names_else_its_makers() {
    let site = r#"
        [[profile]]
        name = "acme"
        manufacturer = "acme"
        version = "3.0"
        order_interval_s = 0.5
        [[profile]]
        name = "old"
        version = "2.0.0"
        [[robot]]
        manufacturer = "acme"
        serial = "1"
        profile = "old"
    "#;
    let layout = compiled(&ring(), Some(site)).layout;
    let version = |maker, serial| layout.profile_of(maker, serial).and_then(|it| it.version.as_deref());
    assert_eq!(version("acme", "1"), Some("2.0.0"));
    assert_eq!(version("acme", "2"), Some("3.0.0"));
    assert_eq!(version("other", "1"), None);
    assert_eq!(layout.profile_of("acme", "9").unwrap().order_interval_ms, Some(500));
}
