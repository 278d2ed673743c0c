//! One model, several majors of the standard on the wire. The model is 2.1.0's; another major is a table of what differs
//! from it: names of fields, words, a few shapes. A new one is a table here and a variant of [`Dialect`].
//!
//! 3.0: the core messages. Its zone sets, requests and planned paths are read over. 1.1 has no table yet.

mod v3;

use serde_json::{Map, Value};

use super::lenient::same_word;
use crate::limits::Kind;

/// A major version of the standard as it stands in topics and headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Dialect {
    /// 2.0 and 2.1, which a reader needn't tell apart.
    #[default]
    V2,
    /// 3.0.
    V3,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::V2, Self::V3];

    /// The topic's level, e.g. "v2".
    #[must_use]
    pub const fn level(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V3 => "v3",
        }
    }

    /// The version we write where the peer hasn't shown one.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::V2 => super::VERSION,
            Self::V3 => "3.0.0",
        }
    }

    /// The dialect of a major version.
    #[must_use]
    pub fn of_major(major: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.major() == major)
    }

    /// The dialect of a version such as "2.1.0"; of the model where it says none that we know.
    #[must_use]
    pub fn of_version(version: &str) -> Self {
        let major = version.trim().split('.').next().and_then(|major| major.parse().ok());
        major.and_then(Self::of_major).unwrap_or_default()
    }

    /// The number before the first dot.
    #[must_use]
    pub const fn major(self) -> u32 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }

    fn differences(self) -> &'static [Difference] {
        match self {
            Self::V2 => &[],
            Self::V3 => v3::DIFFERENCES,
        }
    }

    /// Nothing differs: the model is what stands on the wire.
    pub(crate) fn is_model(self) -> bool {
        self.differences().is_empty()
    }

    /// From the wire to the model: the table backwards, so that a container has our name again before what is in it.
    pub(crate) fn read(self, kind: Kind, body: &mut Value) {
        for difference in self.differences().iter().rev().filter(|it| it.kinds.contains(&kind)) {
            at_each(body, difference.at, &mut |object| difference.change.read(object));
        }
    }

    /// From the model to the wire.
    pub(crate) fn write(self, kind: Kind, body: &mut Value) {
        for difference in self.differences().iter().filter(|it| it.kinds.contains(&kind)) {
            at_each(body, difference.at, &mut |object| difference.change.write(object));
        }
    }
}

/// One thing that differs: in which messages, where in them (by the model's names, lists walked through), and what.
struct Difference {
    kinds: &'static [Kind],
    at: &'static str,
    change: Change,
}

/// What differs, seen from the model.
enum Change {
    /// A field's name: ours, theirs.
    Name(&'static str, &'static str),
    /// A word in a field: ours, theirs.
    Word(&'static str, &'static str, &'static str),
    /// A word that they don't have: which they have for it.
    OurWord(&'static str, &'static str, &'static str),
    /// A word that we don't have: which we have for it.
    TheirWord(&'static str, &'static str, &'static str),
    /// A field that they don't have.
    OurField(&'static str),
    /// A field that they must have: its value where nothing else is known, read or written.
    TheirField(&'static str, fn() -> Value),
    /// Anything else: how it is read, and how it is written.
    Shape(fn(&mut Map<String, Value>), fn(&mut Map<String, Value>)),
}

impl Change {
    fn read(&self, object: &mut Map<String, Value>) {
        match self {
            Self::Name(ours, theirs) => rename(object, theirs, ours),
            Self::Word(field, ours, theirs) | Self::TheirWord(field, ours, theirs) => {
                reword(object, field, theirs, ours);
            }
            // Said nevertheless, it is read as what we would write for it.
            Self::OurWord(field, ours, theirs) => reword(object, field, ours, theirs),
            Self::OurField(ours) => drop(object.remove(*ours)),
            Self::TheirField(theirs, value) => fill(object, theirs, *value),
            Self::Shape(read, _) => read(object),
        }
    }

    fn write(&self, object: &mut Map<String, Value>) {
        match self {
            Self::Name(ours, theirs) => rename(object, ours, theirs),
            Self::Word(field, ours, theirs) | Self::OurWord(field, ours, theirs) => {
                reword(object, field, ours, theirs);
            }
            Self::TheirWord(..) => {}
            Self::OurField(ours) => drop(object.remove(*ours)),
            Self::TheirField(theirs, value) => fill(object, theirs, *value),
            Self::Shape(_, write) => write(object),
        }
    }
}

fn rename(object: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = object.remove(from) {
        object.insert(to.to_owned(), value);
    }
}

fn fill(object: &mut Map<String, Value>, field: &str, value: fn() -> Value) {
    object.entry(field).or_insert_with(value);
}

fn reword(object: &mut Map<String, Value>, field: &str, from: &str, to: &str) {
    let is_it = |value: &Value| value.as_str().is_some_and(|word| same_word(word, from));
    if let Some(value) = object.get_mut(field).filter(|value| is_it(value)) {
        *value = Value::from(to);
    }
}

/// Every object at the end of a path of field names with dots between; a list on the way is walked.
fn at_each(value: &mut Value, path: &str, change: &mut dyn FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| at_each(item, path, change)),
        Value::Object(object) if path.is_empty() => change(object),
        Value::Object(object) => {
            let (first, rest) = path.split_once('.').unwrap_or((path, ""));
            if let Some(inner) = object.get_mut(first) {
                at_each(inner, rest, change);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_version_tells_its_dialect_and_an_unknown_one_is_taken_for_the_model() {
        let of = Dialect::of_version;
        assert_eq!([of("2.0.0"), of("2.1.0"), of(""), of("nonsense")], [Dialect::V2; 4]);
        assert_eq!([of("3.0.0"), of(" 3.1")], [Dialect::V3; 2]);
        for dialect in Dialect::ALL {
            assert_eq!(of(dialect.version()), dialect);
            assert_eq!(dialect.level(), format!("v{}", dialect.major()));
        }
    }

    #[test]
    fn a_path_reaches_into_every_object_of_lists_of_lists() {
        let mut body = json!({"nodes": [{"actions": [{"x": 1}, {"x": 2}]}, {"actions": null}, 7, {}]});
        let mut seen = 0;
        at_each(&mut body, "nodes.actions", &mut |object| seen += object["x"].as_i64().unwrap());
        assert_eq!(seen, 3);
    }

    #[test]
    fn a_field_that_3_0_must_have_reads_as_what_is_written_for_it() {
        let mut body = json!({"physicalParameters": {"maximumHeight": 0.45}});
        Dialect::V3.read(Kind::Factsheet, &mut body);
        assert_eq!(body, json!({"physicalParameters": {"heightMin": 0, "heightMax": 0.45}}));
    }
}
