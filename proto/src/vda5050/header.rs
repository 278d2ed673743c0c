//! The header that opens every message.

use serde::{Deserialize, Serialize};

use super::lenient;

/// The protocol version we write.
pub const VERSION: &str = "2.1.0";

/// Who sent a message and when. Every field has a default on reading: the header is for diagnosis, and two
/// topics of the standard leave it optional.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Per topic, one more with every message sent. Resets at a restart; never drop a message on it.
    #[serde(default, deserialize_with = "lenient::counter")]
    pub header_id: u32,
    /// ISO 8601 in UTC, as sent. Not validated on reading.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub timestamp: String,
    /// Protocol version, "major.minor.patch".
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub version: String,
    /// Manufacturer of the robot.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub manufacturer: String,
    /// Serial number of the robot.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub serial_number: String,
}

impl Header {
    /// A header of [`VERSION`].
    #[must_use]
    pub fn new(
        header_id: u32,
        timestamp: impl Into<String>,
        manufacturer: &str,
        serial_number: &str,
    ) -> Self {
        Self {
            header_id,
            timestamp: timestamp.into(),
            version: VERSION.to_owned(),
            manufacturer: manufacturer.to_owned(),
            serial_number: serial_number.to_owned(),
        }
    }

    /// The major version, when the version says one.
    #[must_use]
    pub fn major(&self) -> Option<u32> {
        self.version.trim().split('.').next()?.parse().ok()
    }
}

impl Default for Header {
    fn default() -> Self {
        Self::new(0, "1970-01-01T00:00:00.000Z", "", "")
    }
}
