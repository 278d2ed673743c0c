//! Why a scenario can't be run, and on which line.

use toml::de::DeTable;

/// Why a scenario can't be run: theirs to mend. Says where, what and how.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The text isn't a scenario.
    #[error("{problem}")]
    Text {
        /// The line, 1 is the first.
        line: Option<usize>,
        /// What is wrong, with the line's own text.
        problem: String,
    },
    /// A value can't be used.
    #[error("key `{key}`: {problem}")]
    Value {
        /// The key with all tables round it; `[0]` is the first of a list.
        key: String,
        /// What is wrong and how to mend it.
        problem: String,
    },
}

impl ScenarioError {
    pub(crate) fn value(key: impl Into<String>, problem: impl Into<String>) -> ScenarioError {
        ScenarioError::Value { key: key.into(), problem: problem.into() }
    }

    /// What the reader of TOML says of this text.
    pub(super) fn text(text: &str, error: &toml::de::Error) -> ScenarioError {
        let line = error.span().map(|span| line_of(text, span.start));
        let shown = line.and_then(|line| text.lines().nth(line - 1)).map(str::trim).unwrap_or_default();
        let problem = format!("`{shown}`: {}; mend it as sim/scenarios/README.md shows", error.message());
        ScenarioError::Text { line, problem }
    }

    /// The same error in one of several tables: `fault.who` in the second one is `fault[1].who`.
    pub(crate) fn in_table(self, list: &str, index: usize) -> ScenarioError {
        match self {
            ScenarioError::Value { key, problem } => {
                let rest = key.strip_prefix(list).unwrap_or(&key).to_owned();
                ScenarioError::Value { key: format!("{list}[{index}]{rest}"), problem }
            }
            ScenarioError::Text { .. } => self,
        }
    }

    /// The line of the scenario it is about: 1 is the first; none if the key isn't written there at all.
    pub fn line(&self, text: &str) -> Option<usize> {
        match self {
            ScenarioError::Text { line, .. } => *line,
            ScenarioError::Value { key, .. } => place(text, key).map(|at| line_of(text, at)),
        }
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
}

/// Where in the text a key is, or as much of it as is written.
fn place(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let (mut table, mut at) = (document.get_ref(), None);
    for part in key.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        let Some((found, mut value)) = table.iter().find(|(known, _)| known.get_ref().as_ref() == name)
        else {
            break;
        };
        at = Some(found.span().start);
        let item = index.and_then(|index| value.get_ref().as_array()?.get(index));
        if let Some(item) = item {
            at = Some(item.span().start);
            value = item;
        }
        let Some(inner) = value.get_ref().as_table() else { break };
        table = inner;
    }
    at
}
