//! Why a message is refused: a stable code for programs, a reason for people.

use std::fmt;

/// Longest reason in characters.
const REASON_CHARS_MAX: usize = 400;
/// Longest value quoted in a reason, in characters.
const QUOTE_CHARS_MAX: usize = 60;

/// Stable code of a refused message; seen in the dead-letter header, in gRPC and in the docs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// More bytes than the kind of message may have.
    BodyTooLarge,
    /// Not UTF-8.
    NotUtf8,
    /// Not one JSON object.
    NotJson,
    /// Brackets nested too deeply.
    TooDeep,
    /// A list or an object with too many members.
    ListTooLong,
    /// A string that is too long.
    TextTooLong,
    /// A number beyond every use.
    NumberTooLarge,
    /// A version we don't speak.
    UnknownVersion,
    /// A required field is absent.
    MissingField,
    /// A field has the wrong type or value.
    BadField,
    /// A job without legs.
    NoLegs,
    /// A job with more than 16 legs.
    TooManyLegs,
    /// A job id seen before with another body. Found by the intake, not by a parser.
    JobIdReused,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 13] = [
        Self::BodyTooLarge,
        Self::NotUtf8,
        Self::NotJson,
        Self::TooDeep,
        Self::ListTooLong,
        Self::TextTooLong,
        Self::NumberTooLarge,
        Self::UnknownVersion,
        Self::MissingField,
        Self::BadField,
        Self::NoLegs,
        Self::TooManyLegs,
        Self::JobIdReused,
    ];

    /// The stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BodyTooLarge => "BODY_TOO_LARGE",
            Self::NotUtf8 => "NOT_UTF8",
            Self::NotJson => "NOT_JSON",
            Self::TooDeep => "TOO_DEEP",
            Self::ListTooLong => "LIST_TOO_LONG",
            Self::TextTooLong => "TEXT_TOO_LONG",
            Self::NumberTooLarge => "NUMBER_TOO_LARGE",
            Self::UnknownVersion => "UNKNOWN_VERSION",
            Self::MissingField => "MISSING_FIELD",
            Self::BadField => "BAD_FIELD",
            Self::NoLegs => "NO_LEGS",
            Self::TooManyLegs => "TOO_MANY_LEGS",
            Self::JobIdReused => "JOB_ID_REUSED",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {reason}")]
pub struct ParseError {
    /// Stable code.
    pub code: Code,
    /// One line for people, without control characters, 400 characters at most.
    pub reason: String,
}

impl ParseError {
    pub(crate) fn new(code: Code, reason: impl AsRef<str>) -> Self {
        Self { code, reason: clean(reason.as_ref(), REASON_CHARS_MAX) }
    }

    pub(crate) fn missing(key: &str, mend: &str) -> Self {
        Self::new(Code::MissingField, format!("`{}` is missing; {mend}", quote(key)))
    }

    pub(crate) fn bad(key: &str, value: impl fmt::Display, mend: &str) -> Self {
        let (key, value) = (quote(key), quote(&value.to_string()));
        Self::new(Code::BadField, format!("`{key}` is {value}; {mend}"))
    }

    /// Sorts an error of serde_json into a code.
    pub(crate) fn from_json(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let code = match error.classify() {
            serde_json::error::Category::Data if text.starts_with("missing field") => Code::MissingField,
            serde_json::error::Category::Data => Code::BadField,
            serde_json::error::Category::Syntax if text.starts_with("number out of range") => {
                Code::NumberTooLarge
            }
            serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof
            | serde_json::error::Category::Io => Code::NotJson,
        };
        Self::new(code, text)
    }
}

/// A refused job message: the [`ParseError`] with the job it is about, as far as known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {reason}")]
pub struct Rejection {
    /// Stable code.
    pub code: Code,
    /// One line for people that names the key, the value and the mend.
    pub reason: String,
    /// The job's id when the body has a valid one.
    pub job_id: Option<String>,
}

impl Rejection {
    pub(crate) fn of(error: ParseError, job_id: Option<String>) -> Self {
        Self { code: error.code, reason: error.reason, job_id }
    }
}

/// A value shortened for a reason.
pub(crate) fn quote(text: &str) -> String {
    clean(text, QUOTE_CHARS_MAX)
}

fn clean(text: &str, chars_max: usize) -> String {
    let mut out: String = text
        .chars()
        .take(chars_max)
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    if text.chars().nth(chars_max).is_some() {
        out.pop();
        out.push('…');
    }
    out
}
