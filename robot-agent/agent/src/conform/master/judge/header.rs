//! The header of every message, order and instantActions alike.

use super::{Check, Ground, Rule};
use crate::conform::master::story::{Entry, Story, What};
use drover_proto::vda5050::TopicKind;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "header-id-rises",
        section: "6.4",
        title: "headerId rises with every message of a topic, or begins anew",
        judge: header_id_rises,
    },
    Rule {
        id: "timestamp-utc",
        section: "6.4",
        title: "timestamp is ISO 8601 in UTC, with Z",
        judge: timestamp_utc,
    },
    Rule {
        id: "version-of-the-robot",
        section: "6.4",
        title: "version is x.y.z of the robot's major version",
        judge: version_of_the_robot,
    },
    Rule {
        id: "names-of-the-topic",
        section: "6.4",
        title: "manufacturer and serialNumber are those of the topic",
        judge: names_of_the_topic,
    },
];

/// A counter may begin anew with one of these.
const FIRST_ID_MAX: u64 = 1;

fn header_id_rises(story: &Story, _: &Ground, check: &mut Check) {
    let mut last = BTreeMap::new();
    for (entry, topic, raw) in messages(story) {
        let id = raw.get("headerId").and_then(Value::as_u64);
        let Some(id) = id.filter(|id| *id <= u64::from(u32::MAX)) else {
            check.want(false, entry, raw, || "headerId is missing or no uint32".to_owned());
            continue;
        };
        let before = last.insert(topic, id);
        let is_risen = before.is_none_or(|before| id > before || (id < before && id <= FIRST_ID_MAX));
        check.want(is_risen, entry, raw, || format!("headerId {id} after {}", before.unwrap_or_default()));
    }
}

fn timestamp_utc(story: &Story, _: &Ground, check: &mut Check) {
    for (entry, _, raw) in messages(story) {
        let text = raw.get("timestamp").and_then(Value::as_str).unwrap_or_default();
        check.want(is_utc(text), entry, raw, || format!("timestamp {text:?} isn't YYYY-MM-DDTHH:mm:ss.ssZ"));
    }
}

/// Digits stand for digits; a fraction of a second may follow.
fn is_utc(text: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let Some(text) = text.strip_suffix('Z') else { return false };
    let bytes = text.as_bytes();
    let fits = |(shape, byte): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { shape == byte };
    if bytes.len() < SHAPE.len() || !SHAPE.iter().zip(bytes).all(fits) {
        return false;
    }
    match &bytes[SHAPE.len()..] {
        [] => true,
        [b'.', fraction @ ..] => !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit),
        [..] => false,
    }
}

fn version_of_the_robot(story: &Story, _: &Ground, check: &mut Check) {
    for (entry, _, raw) in messages(story) {
        let text = raw.get("version").and_then(Value::as_str).unwrap_or_default();
        let parts: Vec<Option<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
        let is_good = matches!(parts[..], [Some(2), Some(_), Some(_)]);
        check.want(is_good, entry, raw, || format!("version {text:?} isn't 2.y.z"));
    }
}

fn names_of_the_topic(story: &Story, _: &Ground, check: &mut Check) {
    for (entry, _, raw) in messages(story) {
        let name = |field: &str| raw.get(field).and_then(Value::as_str).unwrap_or_default();
        let (manufacturer, serial) = (name("manufacturer"), name("serialNumber"));
        let is_good = manufacturer == story.manufacturer && serial == story.serial;
        check.want(is_good, entry, raw, || format!("it is headed {manufacturer:?} {serial:?}"));
    }
}

/// All the controller's messages; those the broker kept are from another time.
fn messages(story: &Story) -> impl Iterator<Item = (&Entry, TopicKind, &Value)> {
    story.entries.iter().filter_map(|entry| match &entry.what {
        What::Order(sent) if !sent.retain => Some((entry, TopicKind::Order, &sent.raw)),
        What::Instant(sent) if !sent.retain => Some((entry, TopicKind::InstantActions, &sent.raw)),
        What::Order(_) | What::Instant(_) | What::State(..) | What::Connection(_) => None,
        What::Factsheet(_) | What::Forgot | What::Probed(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::is_utc;
    use crate::conform::master::judge::bench::{Bench, assert_fails, assert_passes};
    use serde_json::json;

    #[test]
    fn header_ids_rise_per_topic_and_may_begin_anew() {
        let mut bench = Bench::under_way();
        bench.patch("headerId", json!(900));
        bench.instant("stateRequest", "s1");
        bench.patch("headerId", json!(5));
        bench.order("O", 1, 4, 6, 6);
        bench.patch("headerId", json!(1));
        assert_passes("header-id-rises", &bench);
        bench.order("O", 2, 6, 8, 8);
        bench.patch("headerId", json!(1));
        assert_fails("header-id-rises", &bench, "headerId 1 after 1");
    }

    #[test]
    fn header_id_that_is_missing_or_falls_fails() {
        for (value, why) in
            [(json!(null), "missing"), (json!("7"), "missing"), (json!(1_u64 << 33), "uint32")]
        {
            let mut bench = Bench::under_way();
            bench.patch("headerId", value);
            assert_fails("header-id-rises", &bench, why);
        }
        let mut bench = Bench::under_way();
        bench.patch("headerId", json!(900));
        bench.order("O", 1, 4, 6, 6);
        bench.patch("headerId", json!(899));
        assert_fails("header-id-rises", &bench, "899 after 900");
    }

    #[test]
    fn local_time_fails() {
        let mut bench = Bench::under_way();
        assert_passes("timestamp-utc", &bench);
        bench.patch("timestamp", json!("2026-11-22T12:00:00.00+09:00"));
        assert_fails("timestamp-utc", &bench, "+09:00");
    }

    #[test]
    fn times_are_read_to_the_second_or_finer() {
        for good in ["2026-11-22T12:00:00Z", "2026-11-22T12:00:00.1Z", "2026-11-22T12:00:00.123456Z"] {
            assert!(is_utc(good), "{good}");
        }
        for bad in
            ["", "Z", "2026-11-22T12:00:00", "2026-11-22 12:00:00Z", "2026-11-22T12:00:00.Z", "1795000Z"]
        {
            assert!(!is_utc(bad), "{bad}");
        }
    }

    #[test]
    fn other_major_version_fails() {
        let mut bench = Bench::under_way();
        bench.patch("version", json!("2.0.0"));
        assert_passes("version-of-the-robot", &bench);
        bench.patch("version", json!("3.0.0"));
        assert_fails("version-of-the-robot", &bench, "3.0.0");
        bench.patch("version", json!("2.1"));
        assert_fails("version-of-the-robot", &bench, "2.1");
    }

    #[test]
    fn another_robots_name_fails() {
        let mut bench = Bench::under_way();
        assert_passes("names-of-the-topic", &bench);
        bench.patch("serialNumber", json!("r02"));
        assert_fails("names-of-the-topic", &bench, "r02");
    }
}
