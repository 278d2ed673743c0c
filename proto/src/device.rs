//! Site devices between controller and agent: doors, lifts, conveyors, chargers. JSON on
//! `drover/v1/<site>/device/<id>/{request,state,connection}`.
//!
//! `request` is a level, not an event: what is wanted now, sent again until `state` shows it. `state` is a full snapshot,
//! sent on every change and at the latest every 5 s. `connection` is retained, with a last will.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Version of these messages.
pub const VERSION: u32 = 1;
/// A state comes at the latest after this time, ms.
pub const STATE_EVERY_MS_MAX: u64 = 5_000;

/// What is wanted of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Level {
    /// Robots pass.
    Open,
    /// Nobody passes.
    Closed,
}

/// What a device shows, as its own sensors have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", from = "String")]
pub enum Condition {
    /// Wide open: a robot may pass.
    Open,
    /// On its way to open.
    Opening,
    /// On its way to closed.
    Closing,
    /// Shut.
    Closed,
    /// It says itself that it can't go on.
    Fault,
    /// Its gateway doesn't know: no contact, or a word of a later version.
    Unknown,
}

/// Whether somebody answers for a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", from = "String")]
pub enum Presence {
    /// There.
    Online,
    /// Left in good order.
    Offline,
    /// Gone without a word: the last will.
    Lost,
}

// Read as texts first: serde_json calls anything but a text in a word's place a syntax error, which it isn't.

impl TryFrom<String> for Level {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        match word.as_str() {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err("a level is open or closed"),
        }
    }
}

impl From<String> for Condition {
    fn from(word: String) -> Self {
        match word.as_str() {
            "open" => Self::Open,
            "opening" => Self::Opening,
            "closing" => Self::Closing,
            "closed" => Self::Closed,
            "fault" => Self::Fault,
            _ => Self::Unknown,
        }
    }
}

impl From<String> for Presence {
    fn from(word: String) -> Self {
        match word.as_str() {
            "online" => Self::Online,
            "offline" => Self::Offline,
            _ => Self::Lost,
        }
    }
}

/// Topic `request`: controller to agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequest {
    /// [`VERSION`].
    pub v: u32,
    /// When it was sent, RFC 3339; for people.
    pub at: String,
    /// What is wanted.
    pub want: Level,
}

/// Topic `state`: agent to controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceState {
    /// [`VERSION`].
    pub v: u32,
    /// When it was sent, RFC 3339; for people.
    pub at: String,
    /// What the device shows.
    pub state: Condition,
    /// The request the agent follows; none = it has seen none since it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub want: Option<Level>,
    /// Why it is in fault or unknown, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Topic `connection`: agent to controller, retained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceConnection {
    /// [`VERSION`].
    pub v: u32,
    /// Whether somebody answers.
    pub state: Presence,
}

/// A message of this module: all carry a version.
pub(crate) trait DeviceMessage {
    fn version(&self) -> u32;
}

impl DeviceMessage for DeviceRequest {
    fn version(&self) -> u32 {
        self.v
    }
}

impl DeviceMessage for DeviceState {
    fn version(&self) -> u32 {
        self.v
    }
}

impl DeviceMessage for DeviceConnection {
    fn version(&self) -> u32 {
        self.v
    }
}

/// The last level of a device's topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceTopicKind {
    /// Controller to agent.
    Request,
    /// Agent to controller.
    State,
    /// Agent to controller, retained.
    Connection,
}

impl DeviceTopicKind {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::State => "state",
            Self::Connection => "connection",
        }
    }
}

/// A topic of one device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceTopic {
    /// The site's id.
    pub site: String,
    /// The device's id.
    pub device: String,
    /// Which of its topics.
    pub kind: DeviceTopicKind,
}

impl DeviceTopic {
    const PREFIX: &'static str = "drover/v1/";

    /// A topic of this device.
    #[must_use]
    pub fn new(site: &str, device: &str, kind: DeviceTopicKind) -> Self {
        Self { site: site.to_owned(), device: device.to_owned(), kind }
    }

    /// Reads a topic; none when it isn't one of a device.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut levels = text.strip_prefix(Self::PREFIX)?.split('/');
        let (site, word, device, kind) = (levels.next()?, levels.next()?, levels.next()?, levels.next()?);
        let kinds = [DeviceTopicKind::Request, DeviceTopicKind::State, DeviceTopicKind::Connection];
        let kind = kinds.into_iter().find(|known| known.as_str() == kind)?;
        let is_whole = word == "device" && levels.next().is_none() && !site.is_empty() && !device.is_empty();
        is_whole.then(|| Self::new(site, device, kind))
    }

    /// The filter that matches one kind of all devices of a site, or of all sites (`+`).
    #[must_use]
    pub fn filter(site: &str, kind: DeviceTopicKind) -> String {
        format!("{}{site}/device/+/{}", Self::PREFIX, kind.as_str())
    }
}

impl fmt::Display for DeviceTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}/device/{}/{}", Self::PREFIX, self.site, self.device, self.kind.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_reads_back() {
        let topic = DeviceTopic::new("fresh-dc", "DOOR-CA1", DeviceTopicKind::State);
        assert_eq!(topic.to_string(), "drover/v1/fresh-dc/device/DOOR-CA1/state");
        assert_eq!(DeviceTopic::parse(&topic.to_string()), Some(topic));
        for other in
            ["drover/v1/a/device/b/order", "drover/v1/a/device//state", "drover/v1/a/device/b/state/c"]
        {
            assert_eq!(DeviceTopic::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_word_of_a_later_version_is_unknown_not_an_error() {
        let body = br#"{"v":1,"at":"","state":"ajar"}"#;
        assert_eq!(crate::parse_device_state(body).map(|state| state.state).ok(), Some(Condition::Unknown));
        assert!(crate::parse_device_state(br#"{"v":2,"at":"","state":"open"}"#).is_err());
    }
}
