//! Reads job messages field by field, so that every refusal can say what to mend.

use serde_json::{Map, Value};

use super::{Job, JobMessage, Leg, LegAction, Line, Load, Temperature};
use crate::error::{Code, ParseError, Rejection};
use crate::{limits, time};

type Read<T> = Result<T, ParseError>;

pub(super) fn message(value: Value) -> Result<JobMessage, Rejection> {
    let Value::Object(map) = value else {
        let error = ParseError::new(Code::NotJson, "the body isn't a JSON object; send one");
        return Err(Rejection::of(error, None));
    };
    let mut fields = Fields { path: String::new(), map };
    let job_id = fields.job_id_if_valid();
    one_of_three(&mut fields).map_err(|error| Rejection::of(error, job_id))
}

fn one_of_three(fields: &mut Fields) -> Read<JobMessage> {
    version(fields)?;
    let is_given = |key: &str| fields.map.get(key).is_some_and(|value| !value.is_null());
    match (is_given("job_id"), is_given("cancel"), is_given("update")) {
        (true, false, false) => Ok(JobMessage::Job(Box::new(job(fields)?))),
        (false, true, false) => Ok(JobMessage::Cancel { job_id: fields.name("cancel")? }),
        (false, false, true) => update(fields),
        (false, false, false) => {
            Err(ParseError::missing("job_id", "send a job with `job_id`, or `cancel` or `update`"))
        }
        (_, true, true) => Err(ParseError::bad("cancel", "given beside `update`", "send one of them")),
        (true, true, false) => Err(ParseError::bad("cancel", "given beside `job_id`", "send one of them")),
        (true, false, true) => Err(ParseError::bad("update", "given beside `job_id`", "send one of them")),
    }
}

fn version(fields: &mut Fields) -> Read<()> {
    let Some(value) = fields.take("v") else { return Err(ParseError::missing("v", "add \"v\": 1")) };
    if value.as_f64() == Some(f64::from(JobMessage::VERSION)) {
        return Ok(());
    }
    let shown = crate::error::quote(&value.to_string());
    Err(ParseError::new(Code::UnknownVersion, format!("`v` is {shown}; this version reads 1")))
}

fn update(fields: &mut Fields) -> Read<JobMessage> {
    let job_id = fields.name("update")?;
    let due_at_ms = fields.at_ms("due_at")?;
    let priority = priority(fields)?;
    if due_at_ms.is_none() && priority.is_none() {
        return Err(ParseError::missing(
            "due_at",
            "give `due_at` or `priority`, or what is there to update?",
        ));
    }
    Ok(JobMessage::Update { job_id, due_at_ms, priority })
}

fn job(fields: &mut Fields) -> Read<Job> {
    Ok(Job {
        job_id: fields.name("job_id")?,
        order_id: fields.optional_name("order_id")?,
        sequence: fields.optional_name("sequence")?,
        legs: legs(fields)?,
        due_at_ms: fields.at_ms("due_at")?,
        best_before: fields.date("best_before")?,
        temperature: temperature(fields)?,
        max_out_of_cold_s: fields.whole("max_out_of_cold_s", limits::OUT_OF_COLD_S_MAX)?,
        requires: requires(fields)?,
        priority: priority(fields)?.unwrap_or(limits::PRIORITY_DEFAULT),
        extra: fields.rest(&["cancel", "update"]),
    })
}

fn priority(fields: &mut Fields) -> Read<Option<u8>> {
    let priority = fields.whole("priority", u32::from(limits::PRIORITY_MAX))?;
    Ok(priority.and_then(|priority| u8::try_from(priority).ok()))
}

fn temperature(fields: &mut Fields) -> Read<Option<Temperature>> {
    let Some(word) = fields.optional_name("temperature")? else { return Ok(None) };
    let found = Temperature::ALL.into_iter().find(|temperature| temperature.as_str() == word);
    found.map(Some).ok_or_else(|| fields.bad("temperature", word, "send frozen, chilled or ambient"))
}

fn requires(fields: &mut Fields) -> Read<Vec<String>> {
    let items = fields.list("requires", limits::REQUIRES_MAX)?;
    items.into_iter().enumerate().map(|(at, item)| name(&format!("requires[{at}]"), item)).collect()
}

fn legs(fields: &mut Fields) -> Read<Vec<Leg>> {
    let Some(value) = fields.take("legs") else {
        return Err(ParseError::missing("legs", "add 1 to 16 legs"));
    };
    let Value::Array(items) = value else {
        return Err(fields.bad("legs", value, "send a list of 1 to 16 legs"));
    };
    if items.is_empty() {
        return Err(ParseError::new(Code::NoLegs, "`legs` is empty; send 1 to 16 legs"));
    }
    if items.len() > limits::LEGS_MAX {
        let reason = format!("`legs` has {} members; send 1 to 16, or split the job", items.len());
        return Err(ParseError::new(Code::TooManyLegs, reason));
    }
    items.into_iter().enumerate().map(|(at, item)| leg(Fields::of(format!("legs[{at}]"), item)?)).collect()
}

fn leg(mut fields: Fields) -> Read<Leg> {
    let leg = Leg {
        station: fields.name("station")?,
        action: fields.optional_name("action")?.map(|word| LegAction::from_word(&word)),
        parameters: parameters(&mut fields)?,
        load: load(&mut fields)?,
        dwell_s: fields.whole("dwell_s", limits::DWELL_S_MAX)?,
        lines: lines(&mut fields)?,
        extra: fields.rest(&[]),
    };
    if leg.action.is_none() && !leg.parameters.is_empty() {
        return Err(fields.bad("parameters", "given without `action`", "name the robot's action"));
    }
    Ok(leg)
}

fn parameters(fields: &mut Fields) -> Read<Map<String, Value>> {
    let Some(value) = fields.take("parameters") else { return Ok(Map::new()) };
    let Value::Object(map) = value else {
        return Err(fields.bad("parameters", value, "send an object of names and values"));
    };
    if map.len() > limits::PARAMETERS_MAX {
        return Err(fields.bad("parameters", format!("{} members", map.len()), "send at most 64"));
    }
    for (key, value) in &map {
        check_name(&fields.key("parameters"), key)?;
        if value.is_null() {
            return Err(fields.bad(
                &format!("parameters.{key}"),
                value,
                "VDA 5050 has no null; leave it out",
            ));
        }
    }
    Ok(map)
}

fn load(fields: &mut Fields) -> Read<Option<Load>> {
    let Some(value) = fields.take("load") else { return Ok(None) };
    let mut fields = Fields::of(fields.key("load"), value)?;
    Ok(Some(Load { id: fields.name("id")?, load_type: fields.optional_name("type")? }))
}

fn lines(fields: &mut Fields) -> Read<Vec<Line>> {
    let path = fields.key("lines");
    let items = fields.list("lines", limits::LINES_MAX)?;
    items.into_iter().enumerate().map(|(at, item)| line(Fields::of(format!("{path}[{at}]"), item)?)).collect()
}

fn line(mut fields: Fields) -> Read<Line> {
    Ok(Line {
        item: fields.name("item")?,
        lot: fields.optional_name("lot")?,
        use_by: fields.date("use_by")?,
        quantity: fields.quantity("quantity")?,
        location: fields.optional_name("location")?,
    })
}

/// The members of one object, each taken out as it is read; what remains is unknown.
struct Fields {
    /// Where the object is, e.g. `legs[0].load`; empty for the body.
    path: String,
    map: Map<String, Value>,
}

impl Fields {
    fn of(path: String, value: Value) -> Read<Self> {
        match value {
            Value::Object(map) => Ok(Self { path, map }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(ParseError::bad(&path, value, "send an object"))
            }
        }
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn bad(&self, key: &str, value: impl std::fmt::Display, mend: &str) -> ParseError {
        ParseError::bad(&self.key(key), value, mend)
    }

    /// Takes a member; null counts as absent.
    fn take(&mut self, key: &str) -> Option<Value> {
        self.map.remove(key).filter(|value| !value.is_null())
    }

    /// What nobody took, but for members that must not come back.
    fn rest(&mut self, without: &[&str]) -> Map<String, Value> {
        for key in without {
            self.map.remove(*key);
        }
        std::mem::take(&mut self.map)
    }

    fn job_id_if_valid(&self) -> Option<String> {
        let ids = ["job_id", "cancel", "update"].into_iter().filter_map(|key| self.map.get(key)?.as_str());
        ids.into_iter().find(|id| check_name("job_id", id).is_ok()).map(str::to_owned)
    }

    fn name(&mut self, key: &str) -> Read<String> {
        let path = self.key(key);
        let value = self.take(key).ok_or_else(|| ParseError::missing(&path, "add a name"))?;
        name(&path, value)
    }

    fn optional_name(&mut self, key: &str) -> Read<Option<String>> {
        let path = self.key(key);
        self.take(key).map(|value| name(&path, value)).transpose()
    }

    fn list(&mut self, key: &str, len_max: usize) -> Read<Vec<Value>> {
        match self.take(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) if items.len() <= len_max => Ok(items),
            Some(Value::Array(items)) => {
                let mend = format!("send at most {len_max}");
                Err(self.bad(key, format!("{} members", items.len()), &mend))
            }
            Some(other) => Err(self.bad(key, other, "send a list")),
        }
    }

    fn whole(&mut self, key: &str, max: u32) -> Read<Option<u32>> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let is_whole = |number: &f64| number.fract() == 0.0 && (0.0..=f64::from(max)).contains(number);
        match value.as_f64().filter(is_whole) {
            Some(number) => Ok(Some(number as u32)),
            None => Err(self.bad(key, value, &format!("send a whole number from 0 to {max}"))),
        }
    }

    fn quantity(&mut self, key: &str) -> Read<Option<f64>> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match value.as_f64().filter(|number| *number > 0.0 && *number <= limits::QUANTITY_MAX) {
            Some(number) => Ok(Some(number)),
            None => Err(self.bad(key, value, "send a number above 0, at most 1000000000")),
        }
    }

    fn at_ms(&mut self, key: &str) -> Read<Option<i64>> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match value.as_str().and_then(time::parse_ms) {
            Some(at_ms) => Ok(Some(at_ms)),
            None => Err(self.bad(key, value, "send a timestamp with zone like 2026-11-22T18:00:00Z")),
        }
    }

    fn date(&mut self, key: &str) -> Read<Option<String>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) if time::is_date(&text) => Ok(Some(text)),
            Some(other) => Err(self.bad(key, other, "send a date like 2026-11-25")),
        }
    }
}

fn name(path: &str, value: Value) -> Read<String> {
    let Value::String(text) = value else {
        return Err(ParseError::bad(path, value, "send a string"));
    };
    check_name(path, &text)?;
    Ok(text)
}

fn check_name(path: &str, text: &str) -> Read<()> {
    if text.trim().is_empty() {
        return Err(ParseError::bad(path, "empty", "send a name of 1 to 128 characters"));
    }
    if text.chars().nth(limits::NAME_CHARS_MAX).is_some() {
        return Err(ParseError::bad(
            path,
            format!("{} characters long", text.chars().count()),
            "send at most 128",
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(ParseError::bad(path, format!("{text:?}"), "leave control characters out"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_job;

    const FULL: &str = include_str!("../../tests/corpus/job/full.json");

    fn refused(body: &str) -> (Code, String) {
        let rejection = parse_job(body.as_bytes()).unwrap_err();
        (rejection.code, rejection.reason)
    }

    #[test]
    fn a_full_job_is_read_with_every_field() {
        let JobMessage::Job(job) = parse_job(FULL.as_bytes()).unwrap() else { panic!("not a job") };
        assert_eq!((job.job_id.as_str(), job.order_id.as_deref()), ("J-000123", Some("SO-8812")));
        assert_eq!(job.sequence.as_deref(), Some("TRUCK-07"));
        assert_eq!(job.due_at_ms, Some(1_795_370_400_000));
        assert_eq!(job.best_before.as_deref(), Some("2026-11-25"));
        assert_eq!((job.temperature, job.max_out_of_cold_s), (Some(Temperature::Chilled), Some(600)));
        assert_eq!((job.requires.as_slice(), job.priority), (["cold".to_owned()].as_slice(), 5));
        assert_eq!(job.extra.get("wave"), Some(&Value::from(12)));
        let pick = &job.legs[0];
        assert_eq!((pick.station.as_str(), pick.action.as_ref()), ("PICK-A-12", Some(&LegAction::Pick)));
        assert_eq!(pick.load, Some(Load { id: "TOTE-9".to_owned(), load_type: Some("tote".to_owned()) }));
        assert_eq!((pick.dwell_s, pick.lines.len()), (Some(8), 2));
        assert_eq!(pick.lines[0].quantity, Some(6.0));
        assert_eq!(job.legs[1].action, Some(LegAction::Own("liftFork".to_owned())));
        assert_eq!(job.legs[1].parameters.get("height"), Some(&Value::from(1.2)));
    }

    #[test]
    fn control_messages_are_read() {
        let cancel = parse_job(br#"{"v":1,"cancel":"J-1"}"#);
        assert_eq!(cancel, Ok(JobMessage::Cancel { job_id: "J-1".to_owned() }));
        let update = parse_job(br#"{"v":1,"update":"J-1","priority":9,"due_at":null}"#);
        let expected = JobMessage::Update { job_id: "J-1".to_owned(), due_at_ms: None, priority: Some(9) };
        assert_eq!(update, Ok(expected));
    }

    #[test]
    fn a_refusal_names_key_value_and_mend() {
        let leg = r#""legs":[{"station":"A"}]"#;
        let cases: &[(String, Code, &str)] = &[
            ("[]".into(), Code::NotJson, "the body isn't a JSON object"),
            ("{".into(), Code::NotJson, "EOF"),
            (format!(r#"{{"job_id":"J",{leg}}}"#), Code::MissingField, "`v` is missing; add"),
            (
                format!(r#"{{"v":2,"job_id":"J",{leg}}}"#),
                Code::UnknownVersion,
                "`v` is 2; this version reads 1",
            ),
            (format!(r#"{{"v":1,{leg}}}"#), Code::MissingField, "`job_id` is missing"),
            (format!(r#"{{"v":1,"job_id":7,{leg}}}"#), Code::BadField, "`job_id` is 7; send a string"),
            (format!(r#"{{"v":1,"job_id":"","cancel":null,{leg}}}"#), Code::BadField, "`job_id` is empty"),
            (format!(r#"{{"v":1,"job_id":"a\nb",{leg}}}"#), Code::BadField, "control characters"),
            (r#"{"v":1,"job_id":"J"}"#.into(), Code::MissingField, "`legs` is missing; add 1 to 16 legs"),
            (r#"{"v":1,"job_id":"J","legs":[]}"#.into(), Code::NoLegs, "`legs` is empty"),
            (
                r#"{"v":1,"job_id":"J","legs":[{}]}"#.into(),
                Code::MissingField,
                "`legs[0].station` is missing",
            ),
            (
                format!(r#"{{"v":1,"job_id":"J","priority":10,{leg}}}"#),
                Code::BadField,
                "`priority` is 10; send a whole number from 0 to 9",
            ),
            (
                format!(r#"{{"v":1,"job_id":"J","due_at":"tomorrow",{leg}}}"#),
                Code::BadField,
                "`due_at` is \"tomorrow\"; send a timestamp",
            ),
            (
                format!(r#"{{"v":1,"job_id":"J","best_before":"2026-02-30",{leg}}}"#),
                Code::BadField,
                "`best_before` is \"2026-02-30\"; send a date",
            ),
            (
                format!(r#"{{"v":1,"job_id":"J","temperature":"cold",{leg}}}"#),
                Code::BadField,
                "`temperature` is cold; send frozen, chilled or ambient",
            ),
            (format!(r#"{{"v":1,"job_id":"J","cancel":"J",{leg}}}"#), Code::BadField, "beside `job_id`"),
            (r#"{"v":1,"update":"J"}"#.into(), Code::MissingField, "give `due_at` or `priority`"),
        ];
        for (body, code, part) in cases {
            let (found, reason) = refused(body);
            assert_eq!(found, *code, "{body}: {reason}");
            assert!(reason.contains(part), "{body}: {reason}");
        }
    }

    #[test]
    fn sixteen_legs_pass_and_seventeen_do_not() {
        let body = |n: usize| {
            let legs = vec![r#"{"station":"A"}"#; n].join(",");
            format!(r#"{{"v":1,"job_id":"J","legs":[{legs}]}}"#)
        };
        assert!(parse_job(body(16).as_bytes()).is_ok());
        assert_eq!(refused(&body(17)).0, Code::TooManyLegs);
    }

    #[test]
    fn a_refusal_knows_the_job_when_its_id_is_valid() {
        let job_id = |body: &str| parse_job(body.as_bytes()).unwrap_err().job_id;
        assert_eq!(job_id(r#"{"v":9,"job_id":"J"}"#).as_deref(), Some("J"));
        assert_eq!(job_id(r#"{"v":1,"update":"J"}"#).as_deref(), Some("J"));
        assert_eq!(job_id(&format!(r#"{{"v":1,"job_id":"{}"}}"#, "x".repeat(129))), None);
    }
}
