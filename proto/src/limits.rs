//! Every limit of every message, in one place, and the scanner that holds them before serde sees a byte.
//!
//! The scanner goes once over the bytes and keeps a stack of the open brackets, no longer than the depth
//! allowed. It isn't a JSON parser: what it lets pass may still be no JSON, but it is bounded.

use crate::error::{Code, ParseError};

/// Largest magnitude of a typed float of a VDA 5050 message. As metres it fits an i64 in millimetres, so that
/// no conversion behind the parser overflows. Free values (action parameters, extra fields) may be any finite
/// number.
pub const NUMBER_MAX: f64 = 1e15;
/// Longest number in characters.
pub const NUMBER_LEN_MAX: usize = 64;
/// Longest id or name in a job message, characters.
pub const NAME_CHARS_MAX: usize = 128;
/// Most legs of a job.
pub const LEGS_MAX: usize = 16;
/// Most lines of a leg.
pub const LINES_MAX: usize = 256;
/// Most capabilities a job requires.
pub const REQUIRES_MAX: usize = 32;
/// Most parameters of a leg's action.
pub const PARAMETERS_MAX: usize = 64;
/// Longest dwell, seconds (a day).
pub const DWELL_S_MAX: u32 = 86_400;
/// Longest time out of the cold, seconds (a week).
pub const OUT_OF_COLD_S_MAX: u32 = 604_800;
/// Largest quantity of a line.
pub const QUANTITY_MAX: f64 = 1e9;
/// Highest priority.
pub const PRIORITY_MAX: u8 = 9;
/// Priority of a job that names none.
pub const PRIORITY_DEFAULT: u8 = 5;

/// The kinds of message this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// VDA 5050 state.
    State,
    /// VDA 5050 order.
    Order,
    /// VDA 5050 instantActions.
    InstantActions,
    /// VDA 5050 connection.
    Connection,
    /// VDA 5050 factsheet.
    Factsheet,
    /// VDA 5050 visualization.
    Visualization,
    /// Job, cancel or update.
    Job,
    /// Job event.
    Event,
    /// Request, state or connection of a site device.
    Device,
}

/// What one kind of message may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Whole body, bytes.
    pub bytes_max: usize,
    /// Nested brackets; the outermost object is 1.
    pub depth_max: usize,
    /// Members of one list or object.
    pub list_max: usize,
    /// One string, bytes between its quotes.
    pub text_max: usize,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::State,
        Self::Order,
        Self::InstantActions,
        Self::Connection,
        Self::Factsheet,
        Self::Visualization,
        Self::Job,
        Self::Event,
        Self::Device,
    ];

    /// What this kind may have.
    #[must_use]
    pub const fn limits(self) -> Limits {
        const KIB: usize = 1024;
        match self {
            Self::State | Self::Order => {
                Limits { bytes_max: 256 * KIB, depth_max: 16, list_max: 4096, text_max: 16 * KIB }
            }
            Self::InstantActions => {
                Limits { bytes_max: 64 * KIB, depth_max: 16, list_max: 256, text_max: 16 * KIB }
            }
            Self::Connection | Self::Visualization | Self::Device => {
                Limits { bytes_max: 16 * KIB, depth_max: 8, list_max: 64, text_max: KIB }
            }
            Self::Factsheet => {
                Limits { bytes_max: 256 * KIB, depth_max: 24, list_max: 4096, text_max: 64 * KIB }
            }
            Self::Job => Limits { bytes_max: 64 * KIB, depth_max: 16, list_max: 1024, text_max: 8 * KIB },
            // An event hands a job's extra fields back, and so must hold any of them (1e9 grows to 1000000000.0).
            Self::Event => Limits { bytes_max: 512 * KIB, depth_max: 17, list_max: 1024, text_max: 8 * KIB },
        }
    }
}

/// Holds the limits of a kind: size first, then UTF-8, then depth, lists, strings and numbers in one pass.
/// Gives back the text without a byte order mark.
///
/// # Errors
/// The first limit broken.
pub fn check(kind: Kind, bytes: &[u8]) -> Result<&str, ParseError> {
    let limits = kind.limits();
    if bytes.len() > limits.bytes_max {
        let reason = format!("the body has {} bytes; send at most {}", bytes.len(), limits.bytes_max);
        return Err(ParseError::new(Code::BodyTooLarge, reason));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let reason = format!("byte {} isn't UTF-8; send JSON as UTF-8", error.valid_up_to());
        ParseError::new(Code::NotUtf8, reason)
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    scan(text, limits)?;
    Ok(text)
}

fn scan(text: &str, limits: Limits) -> Result<(), ParseError> {
    let bytes = text.as_bytes();
    let mut members: Vec<usize> = Vec::with_capacity(limits.depth_max);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at + 1);
                if end - at - 1 > limits.text_max {
                    let reason = format!(
                        "the string at byte {at} is longer than {} bytes; shorten it",
                        limits.text_max
                    );
                    return Err(ParseError::new(Code::TextTooLong, reason));
                }
                at = end;
            }
            b'{' | b'[' if members.len() == limits.depth_max => {
                let reason =
                    format!("brackets are nested deeper than {} at byte {at}; flatten it", limits.depth_max);
                return Err(ParseError::new(Code::TooDeep, reason));
            }
            b'{' | b'[' => members.push(1),
            b'}' | b']' => {
                members.pop();
            }
            b',' => count_member(&mut members, at, limits)?,
            b'-' | b'0'..=b'9' => at = number_end(bytes, at)?,
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Index of the closing quote, or of the end.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn count_member(members: &mut [usize], at: usize, limits: Limits) -> Result<(), ParseError> {
    let Some(count) = members.last_mut() else { return Ok(()) };
    *count += 1;
    if *count > limits.list_max {
        let reason =
            format!("the list around byte {at} has more than {} members; send fewer", limits.list_max);
        return Err(ParseError::new(Code::ListTooLong, reason));
    }
    Ok(())
}

/// Index of the number's last byte. How large it may be is for the field it is in.
fn number_end(bytes: &[u8], start: usize) -> Result<usize, ParseError> {
    let is_number = |byte: &&u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    let len = bytes.iter().skip(start).take_while(is_number).count();
    if len > NUMBER_LEN_MAX {
        let reason =
            format!("the number at byte {start} is longer than {NUMBER_LEN_MAX} characters; round it");
        return Err(ParseError::new(Code::NumberTooLarge, reason));
    }
    Ok(start + len.max(1) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(kind: Kind, text: &str) -> Option<Code> {
        check(kind, text.as_bytes()).err().map(|error| error.code)
    }

    #[test]
    fn a_body_at_its_limit_passes_and_one_byte_more_does_not() {
        for kind in Kind::ALL {
            let limits = kind.limits();
            let spaces = " ".repeat(limits.bytes_max);
            assert_eq!(code(kind, &spaces), None);
            assert_eq!(code(kind, &format!("{spaces} ")), Some(Code::BodyTooLarge));
        }
    }

    #[test]
    fn depth_is_held_before_serde() {
        for kind in Kind::ALL {
            let depth = kind.limits().depth_max;
            assert_eq!(code(kind, &"[".repeat(depth)), None);
            assert_eq!(code(kind, &"[".repeat(depth + 1)), Some(Code::TooDeep));
            assert_eq!(code(kind, &format!("\"{}\"", "[".repeat(depth + 1))), None);
            assert_eq!(code(kind, &format!("\"\\\"{}\"", "{".repeat(depth + 1))), None);
        }
    }

    #[test]
    fn lists_strings_and_numbers_are_held() {
        let limits = Kind::Job.limits();
        let list = |n: usize| format!("[{}0]", "0,".repeat(n - 1));
        assert_eq!(code(Kind::Job, &list(limits.list_max)), None);
        assert_eq!(code(Kind::Job, &list(limits.list_max + 1)), Some(Code::ListTooLong));
        let text = |n: usize| format!("\"{}\"", "a".repeat(n));
        assert_eq!(code(Kind::Job, &text(limits.text_max)), None);
        assert_eq!(code(Kind::Job, &text(limits.text_max + 1)), Some(Code::TextTooLong));
        assert_eq!(code(Kind::Job, &"1".repeat(NUMBER_LEN_MAX)), None);
        assert_eq!(code(Kind::Job, &"1".repeat(NUMBER_LEN_MAX + 1)), Some(Code::NumberTooLarge));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused_and_a_byte_order_mark_is_dropped() {
        assert_eq!(check(Kind::Job, b"{\"\xff\":1}").err().map(|error| error.code), Some(Code::NotUtf8));
        assert_eq!(check(Kind::Job, b"\xef\xbb\xbf{}"), Ok("{}"));
    }
}
