//! One parser per message. Each holds the limits first, never panics and answers with a code.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::device::{DeviceConnection, DeviceMessage, DeviceRequest, DeviceState};
use crate::error::{Code, ParseError, Rejection};
use crate::event::EventMessage;
use crate::job::JobMessage;
use crate::limits::{self, Kind};
use crate::vda5050::{
    Connection, Dialect, Factsheet, InstantActions, Message, Order, Reference, State, Visualization,
};

/// Reads a VDA 5050 state.
///
/// # Errors
/// [`ParseError`] with a stable code.
pub fn parse_state(bytes: &[u8]) -> Result<State, ParseError> {
    parse_in(Dialect::V2, bytes)
}

/// Reads a VDA 5050 order. The graph's rules (sequence, stitching) are the robot's to check.
///
/// # Errors
/// [`ParseError`] with a stable code.
pub fn parse_order(bytes: &[u8]) -> Result<Order, ParseError> {
    parse_in(Dialect::V2, bytes)
}

/// Reads VDA 5050 instantActions.
///
/// # Errors
/// [`ParseError`] with a stable code.
pub fn parse_instant_actions(bytes: &[u8]) -> Result<InstantActions, ParseError> {
    parse_in(Dialect::V2, bytes)
}

/// Reads a VDA 5050 connection.
///
/// # Errors
/// [`ParseError`] with a stable code.
pub fn parse_connection(bytes: &[u8]) -> Result<Connection, ParseError> {
    parse_in(Dialect::V2, bytes)
}

/// Reads a VDA 5050 factsheet.
///
/// # Errors
/// [`ParseError`] with a stable code.
pub fn parse_factsheet(bytes: &[u8]) -> Result<Factsheet, ParseError> {
    parse_in(Dialect::V2, bytes)
}

/// Reads a VDA 5050 visualization.
///
/// # Errors
/// [`ParseError`] with a stable code.
pub fn parse_visualization(bytes: &[u8]) -> Result<Visualization, ParseError> {
    parse_in(Dialect::V2, bytes)
}

/// Reads a VDA 5050 message as this major of the standard writes it.
///
/// # Errors
/// [`ParseError`] with a stable code.
pub fn parse_in<T: Message>(dialect: Dialect, bytes: &[u8]) -> Result<T, ParseError> {
    let message: T = if dialect.is_model() { object(T::KIND, bytes)? } else { translated(dialect, bytes)? };
    let header = message.header();
    if header.major().is_some_and(|major| major != dialect.major()) {
        let (version, major) = (crate::error::quote(&header.version), dialect.major());
        let reason = format!("`version` is {version}; this topic speaks {major}.x");
        return Err(ParseError::new(Code::UnknownVersion, reason));
    }
    in_bounds(message)
}

/// Reads a job, a cancel or an update.
///
/// # Errors
/// [`Rejection`] with a stable code, a reason that names key, value and mend, and the job id when there is one.
pub fn parse_job(bytes: &[u8]) -> Result<JobMessage, Rejection> {
    let value = limits::check(Kind::Job, bytes)
        .and_then(|text| serde_json::from_str(text).map_err(|error| ParseError::from_json(&error)))
        .map_err(|error| Rejection::of(error, None))?;
    JobMessage::from_json(value)
}

/// Reads a job event.
///
/// # Errors
/// [`ParseError`] with a stable code.
pub fn parse_event(bytes: &[u8]) -> Result<EventMessage, ParseError> {
    let message: EventMessage = object(Kind::Event, bytes)?;
    if message.v != EventMessage::VERSION {
        let reason = format!("`v` is {}; this version reads 1", message.v);
        return Err(ParseError::new(Code::UnknownVersion, reason));
    }
    Ok(message)
}

/// Reads what is wanted of a site device.
///
/// # Errors
/// [`ParseError`] with a stable code.
pub fn parse_device_request(bytes: &[u8]) -> Result<DeviceRequest, ParseError> {
    device(bytes)
}

/// Reads what a site device says of itself.
///
/// # Errors
/// [`ParseError`] with a stable code.
pub fn parse_device_state(bytes: &[u8]) -> Result<DeviceState, ParseError> {
    device(bytes)
}

/// Reads whether a site device is there.
///
/// # Errors
/// [`ParseError`] with a stable code.
pub fn parse_device_connection(bytes: &[u8]) -> Result<DeviceConnection, ParseError> {
    device(bytes)
}

/// What a malformed order or instantActions message says of itself, as far as it can still be read: the
/// references of the `validationError` a robot answers with. Empty when it can't be read at all.
#[must_use]
pub fn peek_references(kind: Kind, bytes: &[u8]) -> Vec<Reference> {
    let Ok(map) = object::<serde_json::Map<String, Value>>(kind, bytes) else { return Vec::new() };
    let keys = ["headerId", "orderId", "orderUpdateId"];
    let reference = |key: &str| {
        let reference_value = match map.get(key)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(Reference { reference_key: key.to_owned(), reference_value })
    };
    keys.into_iter().filter_map(reference).collect()
}

fn object<T: DeserializeOwned>(kind: Kind, bytes: &[u8]) -> Result<T, ParseError> {
    let text = limits::check(kind, bytes)?;
    // Serde would read a struct from a list too.
    if !text.trim_start().starts_with('{') {
        return Err(ParseError::new(Code::NotJson, "the body isn't a JSON object; send one"));
    }
    serde_json::from_str(text).map_err(|error| ParseError::from_json(&error))
}

fn translated<T: Message>(dialect: Dialect, bytes: &[u8]) -> Result<T, ParseError> {
    let mut body = Value::Object(object(T::KIND, bytes)?);
    dialect.read(T::KIND, &mut body);
    serde_json::from_value(body).map_err(|error| ParseError::from_json(&error))
}

fn in_bounds<T: Message>(message: T) -> Result<T, ParseError> {
    let mut worst = None;
    message.numbers(&mut |name, value| {
        if value.is_nan() || value.abs() > limits::NUMBER_MAX {
            worst = Some((name, value));
        }
    });
    match worst {
        None => Ok(message),
        Some((name, value)) => {
            let reason = format!("`{name}` is {value:e}; send at most 1e15");
            Err(ParseError::new(Code::NumberTooLarge, reason))
        }
    }
}

fn device<T: DeviceMessage + DeserializeOwned>(bytes: &[u8]) -> Result<T, ParseError> {
    let message: T = object(Kind::Device, bytes)?;
    if message.version() != crate::device::VERSION {
        let reason = format!("`v` is {}; this version reads 1", message.version());
        return Err(ParseError::new(Code::UnknownVersion, reason));
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_order_still_says_which_it_is() {
        let body = br#"{"headerId":7,"orderId":"O","orderUpdateId":2,"nodes":"none"}"#;
        assert!(parse_order(body).is_err());
        let found: Vec<_> = peek_references(Kind::Order, body)
            .into_iter()
            .map(|reference| (reference.reference_key, reference.reference_value))
            .collect();
        let expected = [("headerId", "7"), ("orderId", "O"), ("orderUpdateId", "2")];
        assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert!(peek_references(Kind::Order, b"{").is_empty());
    }

    #[test]
    fn another_major_version_is_refused_and_any_2_is_read() {
        let code = |version: &str| {
            let body = format!(r#"{{"version":"{version}","connectionState":"ONLINE"}}"#);
            parse_connection(body.as_bytes()).err().map(|error| error.code)
        };
        assert_eq!(["2.0.0", "2.1.0", "2.9", "2", ""].map(code), [None; 5]);
        assert_eq!(["1.1.0", "3.0.0"].map(code), [Some(Code::UnknownVersion); 2]);
    }
}
