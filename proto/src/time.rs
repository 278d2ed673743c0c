//! Timestamps on the wire: RFC 3339 text outside, milliseconds since 1970 in UTC inside. No clock.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de, ser};

/// 9999-12-30T00:00:00Z, the last instant we read or write, milliseconds.
pub(crate) const AT_MS_MAX: i64 = 253_402_128_000_000;

/// Reads an RFC 3339 timestamp with an offset, from 1970 to 9999; milliseconds, rounded down.
pub(crate) fn parse_ms(text: &str) -> Option<i64> {
    let at_ms = text.parse::<Timestamp>().ok()?.as_millisecond();
    (0..=AT_MS_MAX).contains(&at_ms).then_some(at_ms)
}

/// Writes milliseconds as RFC 3339 in UTC; clamped to what [`parse_ms`] reads.
pub(crate) fn format_ms(at_ms: i64) -> String {
    match Timestamp::from_millisecond(at_ms.clamp(0, AT_MS_MAX)) {
        Ok(at) => at.to_string(),
        Err(_) => "1970-01-01T00:00:00Z".to_owned(),
    }
}

/// True for a calendar date, "YYYY-MM-DD".
pub(crate) fn is_date(text: &str) -> bool {
    text.len() == 10 && text.as_bytes()[4] == b'-' && text.parse::<jiff::civil::Date>().is_ok()
}

pub(crate) fn serialize<S: Serializer>(at_ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_ms(*at_ms))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_ms(&text).ok_or_else(|| {
        de::Error::invalid_value(de::Unexpected::Str(&text), &"a timestamp like 2026-11-22T18:00:00Z")
    })
}

/// The same for optional timestamps.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Serializer, de, format_ms, parse_ms, ser};

    pub(crate) fn serialize<S: Serializer>(at_ms: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
        ser::Serialize::serialize(&at_ms.map(format_ms), serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        parse_ms(&text).map(Some).ok_or_else(|| {
            de::Error::invalid_value(de::Unexpected::Str(&text), &"a timestamp like 2026-11-22T18:00:00Z")
        })
    }
}
