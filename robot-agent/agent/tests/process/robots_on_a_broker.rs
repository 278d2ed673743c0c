//! Robots on a real mosquitto: an order is driven, brokers and agents are killed.

use crate::common::{Agent, Broker, Fleet, Folder, free_port};
use serde_json::{Value, json};

/// Three robots side by side on a floor, one metre apart.
fn config(folder: &Folder, url: &str) -> String {
    let mut text = format!("[mqtt]\nurl = \"{url}\"\n");
    for robot in 1..=3 {
        text += &format!(
            "[[robot]]\nmanufacturer = \"acme\"\nserial = \"r0{robot}\"\ndriver = \"simulated\"\n\
             map = \"floor\"\nnode = \"a{robot}\"\nx_m = 0.0\ny_m = {robot}.0\n"
        );
    }
    folder.write("agent.toml", &text).to_str().unwrap().to_owned()
}

fn topic(robot: u32, name: &str) -> String {
    format!("uagv/v2/acme/r0{robot}/{name}")
}

/// One metre along x, then a pick of 200 ms.
fn order(robot: u32) -> Value {
    let position = |x: f64| json!({ "x": x, "y": f64::from(robot), "mapId": "floor" });
    let pick = json!({
        "actionType": "pick", "actionId": format!("pick-{robot}"), "blockingType": "HARD",
        "actionParameters": [{ "key": "duration", "value": 0.2 }, { "key": "loadId", "value": "TOTE-1" }],
    });
    json!({
        "headerId": 1, "timestamp": "2026-11-22T12:00:00.000Z", "version": "2.1.0",
        "manufacturer": "acme", "serialNumber": format!("r0{robot}"),
        "orderId": format!("O-{robot}"), "orderUpdateId": 0,
        "nodes": [
            { "nodeId": format!("a{robot}"), "sequenceId": 0, "released": true, "nodePosition": position(0.0), "actions": [] },
            { "nodeId": format!("b{robot}"), "sequenceId": 2, "released": true, "nodePosition": position(1.0), "actions": [pick] },
        ],
        "edges": [{
            "edgeId": "e", "sequenceId": 1, "released": true,
            "startNodeId": format!("a{robot}"), "endNodeId": format!("b{robot}"), "actions": [],
        }],
    })
}

fn is(state: &'static str) -> impl Fn(&crate::common::Message) -> bool {
    move |message| message.body["connectionState"] == state
}

fn all_online(fleet: &Fleet) {
    for robot in 1..=3 {
        fleet.hear(&topic(robot, "connection"), is("ONLINE"));
    }
}

#[test]
fn three_robots_drive_a_handwritten_order_and_survive_a_dead_broker() {
    let Some(mut broker) = Broker::start() else { return };
    let (folder, fleet) = (Folder::new(), Fleet::join(broker.port, "fleet"));
    let mut agent = Agent::start(&["--config", &config(&folder, &broker.url())]);
    all_online(&fleet);
    for robot in 1..=3 {
        fleet.say(&topic(robot, "order"), &order(robot));
    }
    for robot in 1..=3 {
        let done = fleet.hear(&topic(robot, "state"), |message| {
            message.body["actionStates"][0]["actionStatus"] == "FINISHED"
        });
        assert_eq!(done.body["lastNodeId"], format!("b{robot}"));
        assert_eq!(done.body["loads"][0]["loadId"], "TOTE-1");
        assert_eq!(done.body["agvPosition"]["x"], 1.0);
        assert_eq!(done.body["nodeStates"], json!([]));
        assert!(!done.retained);
    }
    broker.kill();
    broker.restart();
    all_online(&fleet);
    let after = fleet.hear(&topic(3, "state"), |_| true);
    assert_eq!((&after.body["orderId"], &after.body["lastNodeId"]), (&json!("O-3"), &json!("b3")));
    let late = Fleet::join(broker.port, "late");
    assert!(late.hear(&topic(1, "connection"), is("ONLINE")).retained);
    assert!(late.hear(&topic(2, "factsheet"), |_| true).retained || agent.is_running());
}

#[test]
fn killed_agent_leaves_its_will_and_a_stopped_one_says_goodbye() {
    let Some(broker) = Broker::start() else { return };
    let (folder, fleet) = (Folder::new(), Fleet::join(broker.port, "fleet"));
    let file = config(&folder, &broker.url());
    let mut agent = Agent::start(&["--config", &file]);
    all_online(&fleet);
    agent.kill();
    for robot in 1..=3 {
        fleet.hear(&topic(robot, "connection"), is("CONNECTIONBROKEN"));
    }
    let late = Fleet::join(broker.port, "late");
    assert!(late.hear(&topic(1, "connection"), is("CONNECTIONBROKEN")).retained);
    let mut agent = Agent::start(&["--config", &file]);
    all_online(&fleet);
    assert_eq!(agent.stop(), 0);
    for robot in 1..=3 {
        fleet.hear(&topic(robot, "connection"), is("OFFLINE"));
    }
}

#[test]
fn malformed_messages_become_a_warning_in_the_state() {
    let Some(broker) = Broker::start() else { return };
    let (folder, fleet) = (Folder::new(), Fleet::join(broker.port, "fleet"));
    let mut agent = Agent::start(&["--config", &config(&folder, &broker.url())]);
    all_online(&fleet);
    for (name, body) in [("order", "{\"orderId\": 7"), ("instantActions", "[[[["), ("order", "\u{0}")] {
        fleet.say_raw(&topic(1, name), body);
        let state = fleet.hear(&topic(1, "state"), |message| {
            let errors = message.body["errors"].as_array().cloned().unwrap_or_default();
            let is_about = |error: &Value| error["errorReferences"][0]["referenceValue"] == name;
            errors.iter().any(|error| error["errorType"] == "validationError" && is_about(error))
        });
        assert_eq!(state.body["errors"][0]["errorLevel"], "WARNING");
    }
    assert!(agent.is_running());
}

#[test]
fn absent_broker_is_waited_for() {
    let Some(mut broker) = Broker::start() else { return };
    broker.kill();
    broker.port = free_port();
    let folder = Folder::new();
    let mut agent = Agent::start(&["--config", &config(&folder, &broker.url())]);
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert!(agent.is_running());
    broker.restart();
    all_online(&Fleet::join(broker.port, "fleet"));
}
