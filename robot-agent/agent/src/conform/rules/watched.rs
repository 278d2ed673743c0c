//! What must hold of all that the robot says; the judging is `watch`'s.

use super::{How, Rule};

const fn watched(id: &'static str, section: &'static str, title: &'static str, open: &'static str) -> Rule {
    Rule { id, section, title, open, edges: 0, how: How::Watched }
}

pub(super) const RULES: &[Rule] = &[
    watched(
        "header-complete",
        "6.4",
        "Every message has headerId, timestamp, version, manufacturer and serialNumber",
        "visualization; headerId and timestamp of the factsheet",
    ),
    watched(
        "header-ids",
        "6.4",
        "headerId rises by one with each message of a topic",
        "gaps, if few: QoS 0 may lose messages",
    ),
    watched("version", "6.4", "version is 2.x.y", ""),
    watched(
        "timestamp",
        "6.4",
        "timestamp is ISO 8601 in UTC (YYYY-MM-DDTHH:mm:ss.ffZ)",
        "how many digits of a second",
    ),
    watched("connection-fields", "6.14", "connection has all fields, of the right kind", ""),
    watched("factsheet-fields", "6.15", "factsheet has all fields, of the right kind", ""),
    watched("state-fields", "6.10.6", "state has all fields, of the right kind", "fields of its own"),
    watched(
        "rest-is-of-order",
        "6.10.6",
        "nodeStates and edgeStates list what was ordered, in driving order",
        "",
    ),
    watched(
        "rest-shrinks",
        "6.10.2",
        "Nodes and edges leave the lists from the front and don't come back",
        "",
    ),
    watched(
        "last-node-advances",
        "6.10.2",
        "lastNodeId and lastNodeSequenceId are a node of the order and never go back",
        "until the robot names the first of them",
    ),
    watched("base-not-left", "6.6.1", "No node beyond the last released one is ever passed", ""),
    watched(
        "new-base-request",
        "6.10.3",
        "newBaseRequest is raised only while a horizon is there",
        "whether it is raised",
    ),
    watched(
        "driving-told",
        "6.10",
        "The robot doesn't move while it says driving false",
        "0.3 m between two states",
    ),
    watched("action-ids", "6.11", "An actionId is listed once in a state", ""),
    watched(
        "action-states-forward",
        "6.11",
        "An action's status goes forward only; FINISHED and FAILED stay",
        "",
    ),
    watched(
        "action-states-kept",
        "6.11",
        "Actions stay listed until another order or update is taken over",
        "",
    ),
    watched("will", "6.14", "The last will CONNECTIONBROKEN comes with QoS 1", "judged only if it is seen"),
];
