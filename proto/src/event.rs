//! Jobs out: the event message a producer reads back, one per step of a job.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::time;

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Journalled.
    Accepted,
    /// A robot was chosen.
    Assigned,
    /// The robot's own state shows the job's first order.
    Started,
    /// A leg is done.
    LegDone,
    /// It will probably be late.
    AtRisk,
    /// It can't go on for now.
    Blocked,
    /// All legs are done.
    Done,
    /// Given up.
    Failed,
    /// Withdrawn by its producer or an operator.
    Cancelled,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 9] = [
        Self::Accepted,
        Self::Assigned,
        Self::Started,
        Self::LegDone,
        Self::AtRisk,
        Self::Blocked,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word on the wire and the last part of the routing key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Assigned => "assigned",
            Self::Started => "started",
            Self::LegDone => "leg_done",
            Self::AtRisk => "at_risk",
            Self::Blocked => "blocked",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// True for the last event of a job.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Done | Self::Failed | Self::Cancelled => true,
            Self::Accepted
            | Self::Assigned
            | Self::Started
            | Self::LegDone
            | Self::AtRisk
            | Self::Blocked => false,
        }
    }
}

/// Less was there than ordered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShortLine {
    /// From 0, in the leg's `lines`; 0 for a leg without lines.
    pub line: u32,
    /// What was really there.
    pub quantity: f64,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One event of one job. The same event serialises to the same bytes, always.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventMessage {
    /// Version of the message, 1.
    pub v: u32,
    /// Site id.
    pub site: String,
    /// Rises by one per event of the site, without gaps.
    pub n: u64,
    /// When it happened, milliseconds since 1970 in UTC; RFC 3339 on the wire.
    #[serde(rename = "at", with = "time")]
    pub at_ms: i64,
    /// The job.
    pub job_id: String,
    /// The producer's order, as given.
    #[serde(default)]
    pub order_id: Option<String>,
    /// How far the job is.
    pub state: JobState,
    /// The leg it is about, from 0.
    #[serde(default)]
    pub leg: Option<u32>,
    /// "manufacturer/serial" of the robot.
    #[serde(default)]
    pub robot: Option<String>,
    /// For people.
    #[serde(default)]
    pub reason: Option<String>,
    /// Stable code of a failure; only with `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// When it is expected to be done, milliseconds since 1970; only with `at_risk`.
    #[serde(rename = "eta", default, with = "time::option", skip_serializing_if = "Option::is_none")]
    pub eta_ms: Option<i64>,
    /// When it is due, milliseconds since 1970; only with `at_risk`.
    #[serde(rename = "due_at", default, with = "time::option", skip_serializing_if = "Option::is_none")]
    pub due_at_ms: Option<i64>,
    /// Why it is at risk, a stable word; only with `at_risk`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What was short on the leg; only with `leg_done`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub short: Vec<ShortLine>,
    /// The unknown fields of the job, as given.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl EventMessage {
    /// The version we write and read.
    pub const VERSION: u32 = 1;

    /// An event without the optional fields.
    #[must_use]
    pub fn new(site: &str, n: u64, at_ms: i64, job_id: &str, state: JobState) -> Self {
        Self {
            v: Self::VERSION,
            site: site.to_owned(),
            n,
            at_ms,
            job_id: job_id.to_owned(),
            order_id: None,
            state,
            leg: None,
            robot: None,
            reason: None,
            code: None,
            eta_ms: None,
            due_at_ms: None,
            cause: None,
            short: Vec::new(),
            extra: Map::new(),
        }
    }

    /// The AMQP message id, `<site>/<n>`.
    #[must_use]
    pub fn message_id(&self) -> String {
        format!("{}/{}", self.site, self.n)
    }

    /// The routing key, `<site>.job.<state>`.
    #[must_use]
    pub fn routing_key(&self) -> String {
        format!("{}.job.{}", self.site, self.state.as_str())
    }

    /// The body.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Only a map with keys that aren't strings could fail, and there is none.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_the_one_promised() {
        let mut event = EventMessage::new("fresh-dc", 4711, 1_763_000_000_123, "J-000123", JobState::LegDone);
        event.order_id = Some("SO-8812".to_owned());
        event.leg = Some(0);
        event.robot = Some("acme/r07".to_owned());
        let body = String::from_utf8(event.to_bytes()).unwrap();
        assert_eq!(
            body,
            r#"{"v":1,"site":"fresh-dc","n":4711,"at":"2025-11-13T02:13:20.123Z","job_id":"J-000123","order_id":"SO-8812","state":"leg_done","leg":0,"robot":"acme/r07","reason":null}"#
        );
        assert_eq!(event.message_id(), "fresh-dc/4711");
        assert_eq!(event.routing_key(), "fresh-dc.job.leg_done");
        assert_eq!(crate::parse_event(body.as_bytes()), Ok(event));
    }

    #[test]
    fn every_state_has_the_same_word_everywhere() {
        for state in JobState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }
}
