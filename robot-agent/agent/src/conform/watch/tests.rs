//! Each watched rule by a state or two that break it, and by those that don't.

use super::*;
use serde_json::json;

fn state(order: &str, last_seq: u32, nodes: &[(u32, bool)]) -> Value {
    let node = |(seq, released): &(u32, bool)| json!({ "nodeId": format!("n{seq}"), "sequenceId": seq, "released": released });
    json!({
        "headerId": 1, "timestamp": "2026-11-22T18:00:00.00Z", "version": "2.1.0", "manufacturer": "acme",
        "serialNumber": "r01", "orderId": order, "orderUpdateId": 0, "lastNodeId": format!("n{last_seq}"),
        "lastNodeSequenceId": last_seq, "driving": false, "operatingMode": "AUTOMATIC",
        "nodeStates": nodes.iter().map(node).collect::<Vec<_>>(), "edgeStates": [], "actionStates": [],
        "batteryState": { "batteryCharge": 80, "charging": false }, "errors": [],
        "safetyState": { "eStop": "NONE", "fieldViolation": false },
    })
}

fn with_actions(actions: &[(&str, &str)]) -> Value {
    let mut state = state("O", 0, &[]);
    let action = |(id, status): &(&str, &str)| json!({ "actionId": id, "actionStatus": status });
    state["actionStates"] = actions.iter().map(action).collect();
    state
}

fn at(x: f64, driving: bool) -> Value {
    let mut state = state("", 0, &[]);
    state["agvPosition"] = json!({ "x": x, "y": 0, "theta": 0, "mapId": "m", "positionInitialized": true });
    state["driving"] = json!(driving);
    state
}

/// Nodes n0, n2, n4, n6; the first two are released.
fn watch() -> Watch {
    let mut watch = Watch::default();
    let node = |seq: u32| drover_proto::vda5050::Node::new(format!("n{seq}"), seq, seq <= 2);
    let order = Order { order_id: "O".into(), nodes: [0, 2, 4, 6].map(node).to_vec(), ..Order::default() };
    watch.sent(&order, None);
    watch
}

/// The rules broken by these states, a second between two.
fn broken(states: &[Value]) -> Vec<&'static str> {
    let mut watch = watch();
    for (index, state) in states.iter().enumerate() {
        let mut state = state.clone();
        state["headerId"] = json!(index + 1);
        watch.hear(1_000 * index as u64, &heard(TopicKind::State, &state));
    }
    watch.book.0.iter().filter(|(_, tally)| tally.broken > 0).map(|(rule, _)| *rule).collect()
}

fn heard(kind: TopicKind, body: &Value) -> Heard {
    Heard { kind, retained: false, qos: 0, payload: body.to_string().into_bytes() }
}

const WHOLE: &[(u32, bool)] = &[(2, true), (4, false), (6, false)];

#[test]
fn sound_states_break_nothing() {
    let states = [state("O", 0, WHOLE), state("O", 0, WHOLE), state("O", 2, &WHOLE[1..]), state("O", 2, &[])];
    assert!(broken(&states).is_empty());
    assert!(broken(&[at(0.0, false), at(0.1, false), at(1.0, true), at(2.0, false)]).is_empty());
    let forward = ["WAITING", "RUNNING", "PAUSED", "RUNNING", "FINISHED"];
    assert!(broken(&forward.map(|status| with_actions(&[("a", status)]))).is_empty());
}

#[test]
fn rest_that_isnt_the_orders_is_found() {
    assert_eq!(broken(&[state("O", 0, &[(2, true), (8, false)])]), ["rest-is-of-order"]);
    assert_eq!(broken(&[state("O", 0, &[(2, false)])]), ["rest-is-of-order"]);
    assert_eq!(broken(&[state("O", 0, &[(4, false), (2, true)])]), ["rest-is-of-order"]);
    assert!(broken(&[state("another's", 0, &[(8, true)])]).is_empty());
}

#[test]
fn rest_that_grows_or_loses_its_middle_is_found() {
    assert_eq!(broken(&[state("O", 0, &WHOLE[1..]), state("O", 0, WHOLE)]), ["rest-shrinks"]);
    assert_eq!(broken(&[state("O", 0, WHOLE), state("O", 0, &[(2, true), (6, false)])]), ["rest-shrinks"]);
}

#[test]
fn last_node_that_goes_back_or_is_foreign_is_found() {
    assert_eq!(broken(&[state("O", 2, &[]), state("O", 0, &[])]), ["last-node-advances"]);
    let mut foreign = state("O", 2, &[]);
    foreign["lastNodeId"] = json!("n4");
    assert_eq!(broken(&[state("O", 0, &[]), foreign.clone()]), ["last-node-advances"]);
    // Before the first node of the order was named it may still be the last order's.
    assert!(broken(&[foreign, state("O", 0, &[])]).is_empty());
}

#[test]
fn node_beyond_the_base_is_found() {
    assert_eq!(broken(&[state("O", 2, &[]), state("O", 4, &[])]), ["base-not-left"]);
}

#[test]
fn base_request_without_a_horizon_is_found() {
    let mut asking = state("O", 0, WHOLE);
    asking["newBaseRequest"] = json!(true);
    assert!(broken(&[asking]).is_empty());
    let mut asking = state("O", 0, &WHOLE[..1]);
    asking["newBaseRequest"] = json!(true);
    assert_eq!(broken(&[asking]), ["new-base-request"]);
}

#[test]
fn move_that_isnt_told_is_found() {
    assert_eq!(broken(&[at(0.0, false), at(1.0, false)]), ["driving-told"]);
}

#[test]
fn action_states_that_go_back_or_away_are_found() {
    for (before, after) in [("RUNNING", "WAITING"), ("FINISHED", "FAILED"), ("FAILED", "RUNNING")] {
        let states = [with_actions(&[("a", before)]), with_actions(&[("a", after)])];
        assert_eq!(broken(&states), ["action-states-forward"], "{before} {after}");
    }
    assert_eq!(broken(&[with_actions(&[("a", "FINISHED")]), with_actions(&[])]), ["action-states-kept"]);
    assert_eq!(broken(&[with_actions(&[("a", "WAITING"), ("a", "WAITING")])]), ["action-ids"]);
    let mut next = with_actions(&[]);
    next["orderId"] = json!("another");
    assert!(broken(&[with_actions(&[("a", "FINISHED")]), next]).is_empty());
}

#[test]
fn silence_of_more_than_thirty_seconds_is_found_unless_the_robot_left() {
    let silent = |ms: u64, between: Option<&str>| {
        let mut watch = watch();
        watch.hear(0, &heard(TopicKind::State, &state("O", 0, &[])));
        if let Some(word) = between {
            watch.hear(
                1,
                &heard(TopicKind::Connection, &json!({ "version": "2.1.0", "connectionState": word })),
            );
        }
        watch.hear(ms, &heard(TopicKind::State, &state("O", 0, &[])));
        watch.verdict("state-interval")
    };
    assert_eq!(silent(STATE_MS_MAX, None), Ok(()));
    assert!(
        matches!(silent(STATE_MS_MAX + STATE_LATE_MS + 1, None), Err(Halt::Fail(why)) if why.contains("32.0 s"))
    );
    assert!(matches!(silent(60_000, Some("OFFLINE")), Err(Halt::Skip(_))));
}

#[test]
fn will_with_qos_0_is_found() {
    let will = |qos: u8| {
        let mut watch = watch();
        let body = json!({ "version": "2.1.0", "connectionState": "CONNECTIONBROKEN" });
        watch.hear(0, &Heard { qos, ..heard(TopicKind::Connection, &body) });
        watch.verdict("will")
    };
    assert_eq!(will(1), Ok(()));
    assert!(matches!(will(0), Err(Halt::Fail(_))));
    assert!(matches!(watch().verdict("will"), Err(Halt::Skip(_))));
}

#[test]
fn every_required_field_is_missed_and_every_wrong_kind_is_seen() {
    let sound = with_actions(&[("a", "RUNNING")]);
    let required =
        ["orderId", "lastNodeSequenceId", "nodeStates", "driving", "errors", "operatingMode", "batteryState"];
    for key in required {
        let mut state = sound.clone();
        state.as_object_mut().unwrap().remove(key);
        assert_eq!(broken(&[state.clone()]), ["state-fields"], "{key} is missing");
        state[key] = Value::Null;
        assert_eq!(broken(&[state]), ["state-fields"], "{key} is null");
    }
    let mut state = sound.clone();
    state["actionStates"][0]["actionStatus"] = json!("BUSY");
    assert_eq!(broken(&[state]), ["state-fields"]);
    let mut state = sound;
    state["paused"] = json!("no");
    assert_eq!(broken(&[state]), ["state-fields"]);
}

#[test]
fn times_that_arent_utc_are_found() {
    for good in ["2026-11-22T18:00:00Z", "2017-04-15T11:40:03.12Z", "2026-02-28T23:59:60.123456Z"] {
        assert!(header::is_utc(good), "{good}");
    }
    for bad in [
        "2026-11-22T18:00:00",
        "2026-11-22 18:00:00Z",
        "2026-13-22T18:00:00Z",
        "2026-11-22T24:00:00Z",
        "now",
        "",
    ] {
        assert!(!header::is_utc(bad), "{bad}");
    }
}

#[test]
fn header_ids_may_miss_some_but_never_stand_still() {
    let ids = |ids: &[u64]| {
        let mut watch = watch();
        for id in ids {
            let mut state = state("O", 0, &[]);
            state["headerId"] = json!(id);
            watch.hear(*id, &heard(TopicKind::State, &state));
        }
        watch.verdict("header-ids").is_ok()
    };
    let mut lossy: Vec<u64> = (0..40).collect();
    lossy.remove(20);
    assert!(ids(&lossy));
    assert!(!ids(&[1, 2, 2]));
    assert!(!ids(&[5, 6, 3]));
    assert!(!ids(&(0..20).map(|step| step * 2).collect::<Vec<_>>()));
    assert!(ids(&[u64::from(u32::MAX) - 1, u64::from(u32::MAX), 0, 1]));
}
