//! MQTT topic names: `<interface>/v2/<manufacturer>/<serial>/<kind>`, with `v3` where 3.0 is spoken.

use std::fmt;

use super::Dialect;

/// The last level of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TopicKind {
    /// Fleet to robot.
    Order,
    /// Fleet to robot.
    InstantActions,
    /// Robot to fleet.
    State,
    /// Robot to fleet, retained.
    Connection,
    /// Robot to fleet, retained.
    Factsheet,
    /// Robot to fleet.
    Visualization,
}

impl TopicKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Order,
        Self::InstantActions,
        Self::State,
        Self::Connection,
        Self::Factsheet,
        Self::Visualization,
    ];

    /// The last level of the topic.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::InstantActions => "instantActions",
            Self::State => "state",
            Self::Connection => "connection",
            Self::Factsheet => "factsheet",
            Self::Visualization => "visualization",
        }
    }

    /// True when the broker keeps the last message of this topic.
    #[must_use]
    pub const fn is_retained(self) -> bool {
        match self {
            Self::Connection | Self::Factsheet => true,
            Self::Order | Self::InstantActions | Self::State | Self::Visualization => false,
        }
    }
}

/// A topic of one robot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Topic {
    /// Prefix; may contain slashes.
    pub interface: String,
    /// What is spoken there.
    pub dialect: Dialect,
    /// Manufacturer.
    pub manufacturer: String,
    /// Serial number.
    pub serial: String,
    /// Which of the robot's topics.
    pub kind: TopicKind,
}

/// Why a topic isn't one of a robot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Longer than [`Topic::LEN_MAX`] bytes.
    #[error("the topic is longer than 1024 bytes")]
    TooLong,
    /// Not `<interface>/v2/<manufacturer>/<serial>/<kind>`, or v3.
    #[error("the topic isn't <interface>/v2/<manufacturer>/<serial>/<kind>")]
    Shape,
    /// The last level is none of ours.
    #[error("the topic's last level is unknown")]
    Kind,
    /// Another major version than those we speak.
    #[error("the topic's major version is neither v2 nor v3")]
    Major,
    /// An empty level, a wildcard or a control character.
    #[error("a level of the topic is empty or holds +, #, $ or a control character")]
    Level,
}

impl Topic {
    /// Longest topic read, in bytes.
    pub const LEN_MAX: usize = 1024;

    /// A topic of 2.x.
    #[must_use]
    pub fn new(interface: &str, manufacturer: &str, serial: &str, kind: TopicKind) -> Self {
        Self::of(Dialect::V2, interface, manufacturer, serial, kind)
    }

    /// A topic of any major.
    #[must_use]
    pub fn of(dialect: Dialect, interface: &str, manufacturer: &str, serial: &str, kind: TopicKind) -> Self {
        Self {
            interface: interface.to_owned(),
            dialect,
            manufacturer: manufacturer.to_owned(),
            serial: serial.to_owned(),
            kind,
        }
    }

    /// Reads a topic name from the right, so that the interface may contain slashes.
    ///
    /// # Errors
    /// [`TopicError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        if text.len() > Self::LEN_MAX {
            return Err(TopicError::TooLong);
        }
        let mut levels = text.rsplitn(5, '/');
        let mut level = || levels.next().ok_or(TopicError::Shape);
        let (kind, serial, manufacturer, major, interface) =
            (level()?, level()?, level()?, level()?, level()?);
        let kind = TopicKind::ALL.into_iter().find(|k| k.as_str() == kind).ok_or(TopicError::Kind)?;
        let of_level = |dialect: &Dialect| dialect.level() == major;
        let dialect = Dialect::ALL.into_iter().find(of_level).ok_or(TopicError::Major)?;
        let is_good = |l: &str| !l.is_empty() && !l.contains(|c: char| "+#$".contains(c) || c.is_control());
        if ![serial, manufacturer].into_iter().chain(interface.split('/')).all(is_good) {
            return Err(TopicError::Level);
        }
        Ok(Self::of(dialect, interface, manufacturer, serial, kind))
    }

    /// The filter that matches one kind of all robots of a dialect on an interface.
    #[must_use]
    pub fn filter(dialect: Dialect, interface: &str, kind: TopicKind) -> String {
        format!("{interface}/{}/+/+/{}", dialect.level(), kind.as_str())
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interface, dialect, manufacturer, serial, kind } = self;
        write!(f, "{interface}/{}/{manufacturer}/{serial}/{}", dialect.level(), kind.as_str())
    }
}

impl std::str::FromStr for Topic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_reads_back_with_slashes_in_its_interface() {
        for interface in ["uagv", "site/hall-2/uagv"] {
            for kind in TopicKind::ALL {
                for dialect in Dialect::ALL {
                    let topic = Topic::of(dialect, interface, "acme", "r.07:b", kind);
                    assert_eq!(Topic::parse(&topic.to_string()), Ok(topic));
                }
            }
        }
    }

    #[test]
    fn a_topic_that_is_not_of_a_robot_is_refused() {
        let cases = [
            ("v2/acme/r1/state", TopicError::Shape),
            ("uagv/v2/acme/r1/zoneSet", TopicError::Kind),
            ("uagv/v1/acme/r1/state", TopicError::Major),
            ("uagv/v2/acme//state", TopicError::Level),
            ("uagv/v2/+/r1/state", TopicError::Level),
            ("/v2/acme/r1/state", TopicError::Level),
            ("", TopicError::Kind),
        ];
        for (text, error) in cases {
            if text.is_empty() {
                assert_eq!(Topic::parse(text), Err(TopicError::Shape));
            } else {
                assert_eq!(Topic::parse(text), Err(error), "{text}");
            }
        }
        assert_eq!(Topic::parse(&"a".repeat(2000)), Err(TopicError::TooLong));
    }
}
