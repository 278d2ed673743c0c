//! The header of every message (6.4).

use super::Book;
use crate::conform::kit::Heard;
use drover_proto::vda5050::TopicKind;
use serde_json::Value;
use std::collections::BTreeMap;

/// QoS 0 may lose some: ids that jump more often than once in so many messages weren't counted by topic.
const JUMPS_ONE_IN: u64 = 5;

#[derive(Clone, Debug, Default)]
pub(super) struct Headers {
    last: BTreeMap<TopicKind, u64>,
    steps: BTreeMap<TopicKind, (u64, u64)>,
}

impl Headers {
    pub fn hear(&mut self, book: &mut Book, heard: &Heard, body: &Value) {
        let topic = heard.kind.as_str();
        let is_optional = match heard.kind {
            // 2.x leaves the header of these to the robot.
            TopicKind::Visualization => true,
            TopicKind::Factsheet
            | TopicKind::State
            | TopicKind::Connection
            | TopicKind::Order
            | TopicKind::InstantActions => false,
        };
        if !is_optional {
            book.judge("header-complete", incomplete(topic, heard, body));
        }
        if let Some(version) = body["version"].as_str() {
            let fault = !is_version(version);
            book.judge("version", fault.then(|| format!("{topic}: version {version:?} isn't 2.x.y")));
        }
        if let Some(timestamp) = body["timestamp"].as_str() {
            let fault = !is_utc(timestamp);
            let why = || format!("{topic}: timestamp {timestamp:?} isn't like 2026-11-22T18:00:00.00Z");
            book.judge("timestamp", fault.then(why));
        }
        // A last will and what a broker keeps have old ids by nature.
        if !heard.retained && heard.kind != TopicKind::Connection {
            self.count(book, heard.kind, body);
        }
    }

    fn count(&mut self, book: &mut Book, kind: TopicKind, body: &Value) {
        let Some(id) = body["headerId"].as_u64() else { return };
        let Some(last) = self.last.insert(kind, id) else { return };
        let (steps, jumps) = self.steps.entry(kind).or_default();
        *steps += 1;
        let topic = kind.as_str();
        // 32 bits run over.
        let is_next = id == last + 1 || (last == u64::from(u32::MAX) && id <= 1);
        *jumps += u64::from(!is_next);
        let fault = if id <= last && !is_next {
            Some(format!("{topic}: headerId {id} came after {last}"))
        } else if !is_next && *jumps * JUMPS_ONE_IN > *steps && *jumps > 2 {
            Some(format!("{topic}: headerId {id} came after {last}; {jumps} of {steps} steps weren't by one"))
        } else {
            None
        };
        book.judge("header-ids", fault);
    }
}

fn incomplete(topic: &str, heard: &Heard, body: &Value) -> Option<String> {
    // The factsheet's schema of 2.1.0 asks for the last three only.
    let counted: &[&str] = if heard.kind == TopicKind::Factsheet { &[] } else { &["headerId"] };
    let texts: &[&str] = if heard.kind == TopicKind::Factsheet {
        &["version", "manufacturer", "serialNumber"]
    } else {
        &["timestamp", "version", "manufacturer", "serialNumber"]
    };
    let number = counted.iter().find(|key| body[**key].as_u64().is_none_or(|id| id > u64::from(u32::MAX)));
    let text = texts.iter().find(|key| body[**key].as_str().is_none_or(str::is_empty));
    number.or(text).map(|key| format!("{topic}: {key} is missing or of another kind"))
}

fn is_version(version: &str) -> bool {
    let parts: Vec<&str> = version.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && parts[0] == "2" && parts.iter().all(is_number)
}

/// `YYYY-MM-DDTHH:mm:ss[.f]Z`.
pub(super) fn is_utc(text: &str) -> bool {
    let Some(rest) = text.strip_suffix('Z') else { return false };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
    let shape = whole.bytes().zip("dddd-dd-ddTdd:dd:dd".bytes());
    let fits = |(byte, wanted): (u8, u8)| {
        if wanted == b'd' { byte.is_ascii_digit() } else { byte == wanted }
    };
    let number =
        |from: usize| whole.get(from..from + 2).and_then(|text| text.parse::<u32>().ok()).unwrap_or(99);
    whole.len() == 19
        && shape.into_iter().all(fits)
        && (1..=12).contains(&number(5))
        && (1..=31).contains(&number(8))
        && number(11) < 24
        && number(14) < 60
        && number(17) <= 60
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
}
