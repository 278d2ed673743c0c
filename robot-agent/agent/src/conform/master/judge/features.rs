//! Optional parts of an order: only those that the robot's factsheet lists.

use super::{Check, Ground, Rule};
use crate::conform::master::story::{Heard, Story, What};
use drover_proto::vda5050::ProtocolFeatures;
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[Rule {
    id: "only-listed-fields",
    section: "6.15",
    title: "optional fields are sent only if the factsheet lists them",
    judge: only_listed_fields,
}];

/// What a robot has to know to follow it; descriptions are for people.
const OF_NODES: [&str; 4] = [
    "nodePosition",
    "nodePosition.theta",
    "nodePosition.allowedDeviationXY",
    "nodePosition.allowedDeviationTheta",
];
const OF_EDGES: [&str; 11] = [
    "maxSpeed",
    "maxHeight",
    "minHeight",
    "orientation",
    "orientationType",
    "direction",
    "rotationAllowed",
    "maxRotationSpeed",
    "length",
    "trajectory",
    "corridor",
];

fn only_listed_fields(story: &Story, _: &Ground, check: &mut Check) {
    for heard in story.orders() {
        let factsheet = story.entries[..heard.index].iter().rev().find_map(|entry| match &entry.what {
            What::Factsheet(factsheet) => factsheet.protocol_features.as_ref(),
            What::Order(_) | What::Instant(_) | What::State(..) | What::Connection(_) => None,
            What::Forgot | What::Probed(_) => None,
        });
        let Some(features) = factsheet else { continue };
        let unlisted = unlisted(&heard, features);
        let why = || format!("the factsheet doesn't list {}", unlisted.as_deref().unwrap_or_default());
        check.want(unlisted.is_none(), heard.entry, heard.raw, why);
    }
}

fn unlisted(heard: &Heard<'_>, features: &ProtocolFeatures) -> Option<String> {
    let has = |holder: &Value, path: &str| {
        let value = path.split('.').try_fold(holder, |holder, key| holder.get(key));
        value.is_some_and(|value| !value.is_null())
    };
    if has(heard.raw, "zoneSetId") && !features.supports("order.zoneSetId") {
        return Some("order.zoneSetId".to_owned());
    }
    for (list, paths) in [("nodes", OF_NODES.as_slice()), ("edges", OF_EDGES.as_slice())] {
        let holders: Vec<&Value> = heard.raw.get(list)?.as_array()?.iter().collect();
        for path in paths {
            let name = format!("order.{list}.{path}");
            if !features.supports(&name) && holders.iter().any(|holder| has(holder, path)) {
                return Some(name);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::conform::master::judge::bench::{Bench, assert_fails, assert_not_seen, assert_passes};
    use serde_json::json;

    #[test]
    fn corridor_and_trajectory_need_to_be_listed() {
        let mut bench = Bench::under_way();
        assert_not_seen("only-listed-fields", &bench);
        bench.lists(&["order.nodes.nodePosition", "order.nodes.nodePosition.allowedDeviationXY"]);
        bench.order("O", 1, 4, 8, 8);
        bench.change(|order| order["edges"][0]["corridor"] = json!(null));
        assert_passes("only-listed-fields", &bench);
        let curve = json!({ "degree": 1, "knotVector": [0.0, 1.0], "controlPoints": [] });
        let corridor = json!({ "leftWidth": 1.0, "rightWidth": 1.0 });
        for (field, value) in [("corridor", corridor), ("trajectory", curve), ("maxSpeed", json!(1.0))] {
            let mut bench = bench.clone();
            bench.change(|order| order["edges"][1][field] = value.clone());
            assert_fails("only-listed-fields", &bench, &format!("order.edges.{field}"));
        }
    }

    #[test]
    fn zone_set_needs_to_be_listed() {
        let mut bench = Bench::under_way();
        bench.lists(&["order.nodes.nodePosition", "order.nodes.nodePosition.allowedDeviationXY"]);
        bench.order("O", 1, 4, 8, 8);
        bench.change(|order| order["zoneSetId"] = json!("z"));
        assert_fails("only-listed-fields", &bench, "order.zoneSetId");
    }
}
