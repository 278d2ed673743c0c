//! What is wrong with a site's files, said so that it can be mended: code, subject, key, value, mend.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::limits::FINDINGS_PER_CODE_MAX;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The layout must not be used: it would be unsafe or unusable.
    Error,
    /// The layout may be used; something in it will not work as meant.
    Warning,
}

/// One thing found in a layout or a `site.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether the layout may still be used.
    pub severity: Severity,
    /// Stable name of the kind of finding, e.g. `DUPLICATE_NODE`.
    pub code: &'static str,
    /// What it is about: the id of the node, edge, station, type or the key.
    pub subject: String,
    /// The file's key, the value and the mend, in a sentence.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{word} {} {}: {}", self.code, self.subject, self.message)
    }
}

/// Collects findings, at most [`FINDINGS_PER_CODE_MAX`] in full per code.
#[derive(Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    counts: BTreeMap<&'static str, (Severity, usize)>,
}

impl Findings {
    pub(crate) fn error(&mut self, code: &'static str, subject: &str, message: impl FnOnce() -> String) {
        self.push(Severity::Error, code, subject, message);
    }

    pub(crate) fn warning(&mut self, code: &'static str, subject: &str, message: impl FnOnce() -> String) {
        self.push(Severity::Warning, code, subject, message);
    }

    fn push(
        &mut self,
        severity: Severity,
        code: &'static str,
        subject: &str,
        message: impl FnOnce() -> String,
    ) {
        let (_, count) = self.counts.entry(code).or_insert((severity, 0));
        *count += 1;
        if *count <= FINDINGS_PER_CODE_MAX {
            self.list.push(Finding { severity, code, subject: subject.to_owned(), message: message() });
        }
    }

    /// Errors first, each severity in the order found; a code with too many ends with a count of the rest.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        for (code, (severity, count)) in &self.counts {
            if *count > FINDINGS_PER_CODE_MAX {
                let rest = count - FINDINGS_PER_CODE_MAX;
                let message = format!("{rest} more of the same kind; mend those named first");
                self.list.push(Finding { severity: *severity, code, subject: "...".to_owned(), message });
            }
        }
        self.list.sort_by_key(|finding| finding.severity);
        self.list
    }
}
