//! The maps on the robot: downloaded, enabled, deleted, and what drives on them (2.1.0, 6.7).

use crate::common::{Rig, is_done, only_error, order, status};
use drover_agent_core::{Options, Spec, StoredMap};
use drover_proto::vda5050::{Action, ActionStatus, BlockingType, MapStatus, Order, State};

fn act(kind: &str, id: &str, map: &str, version: &str) -> Action {
    let action = Action::new(kind, id, BlockingType::None).with("mapId", map).with("mapVersion", version);
    if kind == "downloadMap" { action.with("mapDownloadLink", "https://maps.example/floor") } else { action }
}

/// `+` is enabled, `-` isn't.
fn maps(state: &State) -> Vec<String> {
    let sign = |status| if status == MapStatus::Enabled { '+' } else { '-' };
    state
        .maps
        .iter()
        .map(|map| format!("{}{}/{}", sign(map.map_status), map.map_id, map.map_version))
        .collect()
}

fn fetch(rig: &mut Rig, id: &str, map: &str, version: &str) -> State {
    rig.at_once(act("downloadMap", id, map, version));
    rig.run_until(|state| status(state, id) == Some(ActionStatus::Finished))
}

fn on_map(mut order: Order, node: usize, map: &str) -> Order {
    order.nodes[node].node_position.as_mut().expect("a position").map_id = map.into();
    order
}

#[test]
fn map_of_the_start_is_there_and_enabled() {
    assert_eq!(maps(&Rig::new().state()), ["+floor/1"]);
    let named = |map_id: &str, map_version: &str| StoredMap {
        map_id: map_id.into(),
        map_version: map_version.into(),
    };
    let stored = vec![named("roof", "4"), named("floor", "7"), named("roof", "5"), named("floor", "7")];
    let options = Options { maps: stored, ..Options::default() };
    let rig = Rig::with(Spec::default(), options, "0_0");
    assert_eq!(maps(&rig.state()), ["+roof/4", "+floor/7", "-roof/5"]);
}

#[test]
fn download_takes_its_time_and_enables_nothing() {
    let mut rig = Rig::new();
    let state = rig.at_once(act("downloadMap", "d", "floor", "2"));
    assert_eq!(status(&state, "d"), Some(ActionStatus::Running));
    assert_eq!(maps(&state), ["+floor/1"], "not before it is there");
    let state = rig.run(1_000);
    assert_eq!(status(&state, "d"), Some(ActionStatus::Finished));
    assert_eq!(maps(&state), ["+floor/1", "-floor/2"]);
    assert!(state.errors.is_empty());
}

#[test]
fn one_version_of_a_map_is_enabled_at_a_time() {
    let mut rig = Rig::new();
    fetch(&mut rig, "d1", "floor", "2");
    fetch(&mut rig, "d2", "roof", "2");
    let state = rig.at_once(act("enableMap", "e", "floor", "2"));
    assert_eq!(status(&state, "e"), Some(ActionStatus::Finished));
    assert_eq!(maps(&state), ["-floor/1", "+floor/2", "-roof/2"]);
    let state = rig.at_once(act("enableMap", "e2", "floor", "2"));
    assert_eq!(status(&state, "e2"), Some(ActionStatus::Finished), "again changes nothing");
    let state = rig.at_once(act("deleteMap", "x", "floor", "1"));
    assert_eq!(status(&state, "x"), Some(ActionStatus::Finished));
    assert_eq!(maps(&state), ["+floor/2", "-roof/2"]);
}

#[test]
fn what_cant_be_done_with_a_map_fails_and_changes_nothing() {
    let cases = [
        ("enabling an absent map", act("enableMap", "a", "roof", "1")),
        ("enabling an absent version", act("enableMap", "a", "floor", "9")),
        ("deleting an absent map", act("deleteMap", "a", "roof", "1")),
        ("deleting the enabled one", act("deleteMap", "a", "floor", "1")),
        ("downloading one that is there", act("downloadMap", "a", "floor", "1")),
    ];
    for (name, action) in cases {
        let mut rig = Rig::new();
        let state = rig.at_once(action);
        assert_eq!(only_error(&state, "a").error_type, "mapError", "{name}");
        assert_eq!(maps(&rig.run(5_000)), ["+floor/1"], "{name}");
    }
    let nameless = Action::new("enableMap", "a", BlockingType::None).with("mapId", "floor");
    let mut rig = Rig::new();
    let error = only_error(&rig.at_once(nameless), "a");
    assert!(error.error_description.unwrap().contains("mapVersion"));
}

#[test]
fn failed_download_leaves_no_map_and_may_be_tried_again() {
    let mut rig = Rig::new();
    rig.agent.drive_mut().fail_next("downloadMap");
    rig.at_once(act("downloadMap", "d", "floor", "2"));
    let state = rig.run(1_000);
    assert_eq!(only_error(&state, "d").error_type, "mapError");
    assert_eq!(maps(&state), ["+floor/1"]);
    assert_eq!(maps(&fetch(&mut rig, "d2", "floor", "2")), ["+floor/1", "-floor/2"]);
}

#[test]
fn same_version_isnt_downloaded_twice_at_a_time_and_another_is() {
    let mut rig = Rig::new();
    rig.at_once(act("downloadMap", "d", "floor", "2"));
    let state = rig.at_once(act("downloadMap", "again", "floor", "2"));
    assert_eq!(only_error(&state, "again").error_type, "mapError");
    rig.at_once(act("downloadMap", "other", "floor", "3"));
    assert_eq!(maps(&rig.run(1_000)), ["+floor/1", "-floor/2", "-floor/3"]);
}

#[test]
fn number_of_maps_is_bounded() {
    let mut rig = Rig::new();
    for version in 2..=64 {
        rig.at_once(act("downloadMap", &format!("d{version}"), "floor", &version.to_string()));
    }
    let state = rig.at_once(act("downloadMap", "more", "floor", "65"));
    assert_eq!(only_error(&state, "more").error_type, "mapError");
    assert_eq!(rig.run(1_000).maps.len(), 64);
    rig.at_once(act("deleteMap", "x", "floor", "9"));
    assert_eq!(fetch(&mut rig, "d", "floor", "65").maps.len(), 64, "a deleted map leaves room");
}

#[test]
fn order_onto_a_map_that_isnt_enabled_is_refused() {
    let mut rig = Rig::new();
    let up = || on_map(order("O", 0, &["0_0", "2_0", "4_0"], 2, 0), 2, "roof");
    for known in [false, true] {
        if known {
            fetch(&mut rig, "d", "roof", "1");
        }
        let state = rig.order(up());
        assert_eq!(state.errors[0].error_type, "noRouteError", "even in the horizon");
        assert_eq!(state.errors[0].reference("nodeId"), Some("4_0"));
        assert_eq!(state.errors[0].reference("orderId"), Some("O"));
        assert!(state.order_id.is_empty());
    }
    rig.at_once(act("enableMap", "e", "roof", "1"));
    assert!(rig.order(up()).errors.is_empty());
}

#[test]
fn order_may_enable_the_map_it_goes_on_to() {
    let mut rig = Rig::new();
    fetch(&mut rig, "d", "roof", "1");
    let up = |version: &str, node: usize| {
        let mut up = on_map(order("O", 0, &["0_0", "2_0", "4_0"], 3, 0), 2, "roof");
        let enable = Action { blocking_type: BlockingType::Hard, ..act("enableMap", "e", "roof", version) };
        up.nodes[node].actions.push(enable);
        up
    };
    assert_eq!(rig.order(up("1", 2)).errors[0].error_type, "noRouteError", "too late");
    assert_eq!(rig.order(up("8", 1)).errors[0].error_type, "noRouteError", "not on the robot");
    assert!(rig.order(up("1", 1)).errors.is_empty());
    let state = rig.run_until(is_done);
    assert_eq!(maps(&state), ["+floor/1", "+roof/1"]);
    assert_eq!(state.agv_position.unwrap().map_id, "roof");
}

#[test]
fn map_action_of_a_node_that_fails_doesnt_read_as_a_refused_order() {
    let mut rig = Rig::new();
    let mut there = order("O", 0, &["0_0", "2_0"], 2, 0);
    there.nodes[1].actions.push(act("enableMap", "e", "floor", "9"));
    assert!(rig.order(there).errors.is_empty());
    let state = rig.run_until(is_done);
    assert_eq!(status(&state, "e"), Some(ActionStatus::Failed));
    let error = &state.errors[0];
    assert_eq!((error.error_type.as_str(), error.reference("actionId")), ("mapError", Some("e")));
    assert_eq!(error.reference("orderId"), None);
}

#[test]
fn only_enabling_is_for_nodes_and_none_is_for_edges() {
    for (kind, on_node, wanted) in
        [("enableMap", true, 0), ("enableMap", false, 1), ("downloadMap", true, 1), ("deleteMap", true, 1)]
    {
        let mut rig = Rig::new();
        let mut there = order("O", 0, &["0_0", "2_0"], 2, 0);
        let actions = if on_node { &mut there.nodes[1].actions } else { &mut there.edges[0].actions };
        actions.push(act(kind, "e", "floor", "1"));
        assert_eq!(rig.order(there).errors.len(), wanted, "{kind}");
    }
}

#[test]
fn map_from_a_host_that_cannot_exist_isnt_downloaded() {
    let mut rig = Rig::new();
    let action =
        Action::new("downloadMap", "a", BlockingType::None).with("mapId", "roof").with("mapVersion", "1");
    rig.at_once(action.with("mapDownloadLink", "http://nobody.invalid:80/roof"));
    let state = rig.run_until(|state| status(state, "a") == Some(ActionStatus::Failed));
    assert_eq!(maps(&state), ["+floor/1"]);
}
