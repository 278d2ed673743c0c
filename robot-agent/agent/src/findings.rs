//! Reads a TOML table key by key and says everything that is wrong with it at once: key, value and mend.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;

use toml::{Table, Value};

/// Longest value that is repeated in a finding, bytes.
const SHOWN_MAX: usize = 60;

/// What is wrong with one file.
#[derive(Debug)]
pub struct Findings {
    file: String,
    /// A line each.
    pub lines: Vec<String>,
    /// Every key that was asked for.
    pub known: BTreeSet<&'static str>,
}

impl Findings {
    /// None yet.
    pub fn new(file: impl Display) -> Self {
        Self { file: file.to_string(), lines: Vec::new(), known: BTreeSet::new() }
    }

    /// One more.
    pub fn add(&mut self, key: impl Display, value: impl Display, mend: impl Display) {
        self.lines.push(format!("{}: {key} = {value}: {mend}", self.file));
    }

    fn missing(&mut self, key: impl Display, mend: impl Display) {
        self.lines.push(format!("{}: {key} is missing: {mend}", self.file));
    }
}

/// One table of the file. Every key that is asked for is a known one; [`Section::end`] names the others.
#[derive(Debug)]
pub struct Section<'a> {
    /// Where it is: `device[2]`.
    pub path: String,
    table: &'a Table,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// A table at this path; the file itself is at "".
    pub fn new(path: impl Into<String>, table: &'a Table) -> Self {
        Self { path: path.into(), table, known: Vec::new() }
    }

    /// The full name of a key.
    pub fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The key is there.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.push(key);
        self.table.get(key)
    }

    /// The key holds a text.
    pub fn is_text(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(Value::is_str)
    }

    /// A text that may be there.
    pub fn optional_text(
        &mut self,
        findings: &mut Findings,
        key: &'static str,
        example: &str,
    ) -> Option<&'a str> {
        if self.has(key) {
            return self.text(findings, key, example);
        }
        self.known.push(key);
        None
    }

    /// A number that may be there.
    pub fn real(&mut self, findings: &mut Findings, key: &'static str) -> Option<f64> {
        match self.value(key)? {
            Value::Integer(number) => return Some(*number as f64),
            Value::Float(number) => return Some(*number),
            other => findings.add(self.key(key), shown(other), "write a number"),
        }
        None
    }

    /// A text that must be there.
    pub fn text(&mut self, findings: &mut Findings, key: &'static str, example: &str) -> Option<&'a str> {
        match self.value(key) {
            Some(Value::String(text)) => return Some(text),
            Some(other) => findings.add(self.key(key), shown(other), format!("write a text: {example}")),
            None => findings.missing(self.key(key), format!("write {key} = {example}")),
        }
        None
    }

    /// A whole number; the default when it is missing or wrong.
    pub fn number(
        &mut self,
        findings: &mut Findings,
        key: &'static str,
        range: RangeInclusive<u32>,
        default: u32,
    ) -> u32 {
        match self.value(key) {
            None => return default,
            Some(Value::Integer(number)) => {
                if let Some(number) = u32::try_from(*number).ok().filter(|number| range.contains(number)) {
                    return number;
                }
                let mend = format!("use {} to {}", range.start(), range.end());
                findings.add(self.key(key), number, mend);
            }
            Some(other) => {
                let mend = format!("write a whole number, {} to {}", range.start(), range.end());
                findings.add(self.key(key), shown(other), mend);
            }
        }
        default
    }

    /// Yes or no.
    pub fn flag(&mut self, findings: &mut Findings, key: &'static str, default: bool) -> bool {
        match self.value(key) {
            None => default,
            Some(Value::Boolean(flag)) => *flag,
            Some(other) => {
                findings.add(self.key(key), shown(other), "write true or false");
                default
            }
        }
    }

    /// One of a few words; the first is the default.
    pub fn choice(
        &mut self,
        findings: &mut Findings,
        key: &'static str,
        words: &[&'static str],
    ) -> &'static str {
        let default = words.first().copied().unwrap_or_default();
        let Some(value) = self.value(key) else { return default };
        let found = value.as_str().and_then(|text| words.iter().copied().find(|word| *word == text));
        found.unwrap_or_else(|| {
            findings.add(self.key(key), shown(value), format!("use {}", words.join(" or ")));
            default
        })
    }

    /// A table inside this one.
    pub fn section(
        &mut self,
        findings: &mut Findings,
        key: &'static str,
        example: &str,
    ) -> Option<Section<'a>> {
        match self.value(key)? {
            Value::Table(table) => return Some(Section::new(self.key(key), table)),
            other => findings.add(self.key(key), shown(other), format!("write a table: {example}")),
        }
        None
    }

    /// A list of tables: `[[key]]`.
    pub fn list(&mut self, findings: &mut Findings, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let tables: Option<Vec<&Table>> =
            value.as_array().and_then(|items| items.iter().map(Value::as_table).collect());
        let Some(tables) = tables else {
            findings.add(self.key(key), shown(value), format!("write it as [[{key}]] tables"));
            return Vec::new();
        };
        let named = tables.into_iter().enumerate();
        named.map(|(index, table)| Section::new(format!("{}[{index}]", self.key(key)), table)).collect()
    }

    /// Says which keys nobody asked for.
    pub fn end(self, findings: &mut Findings) {
        findings.known.extend(&self.known);
        for (key, value) in self.table.iter().filter(|(key, _)| !self.known.contains(&key.as_str())) {
            let mend = format!("isn't a key here; {}", nearest(key, &self.known));
            findings.add(self.key(key), shown(value), mend);
        }
    }
}

/// A value as a finding repeats it.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= SHOWN_MAX).last().unwrap_or(0);
    if text.len() <= SHOWN_MAX { text } else { format!("{}...", &text[..end]) }
}

/// "did you mean", or all words when none is near.
pub fn nearest(word: &str, known: &[&str]) -> String {
    let best = known.iter().map(|known| (distance(word, known), known)).min();
    match best {
        Some((far, near)) if far <= 1 + word.len() / 4 => format!("did you mean {near}?"),
        Some(_) | None => format!("use one of {}", known.join(", ")),
    }
}

/// Levenshtein's.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().take(SHOWN_MAX).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().take(SHOWN_MAX).enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let changed = corner + usize::from(a != *b);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let known = ["command", "opened", "closed", "travel_ms_max"];
        assert_eq!(nearest("comand", &known), "did you mean command?");
        assert_eq!(nearest("travel_ms", &known), "use one of command, opened, closed, travel_ms_max");
        assert_eq!(nearest("travel_max_ms", &known), "did you mean travel_ms_max?");
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
