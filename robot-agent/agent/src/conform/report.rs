//! What came out: a table for people, JSON and JUnit for machines.

use super::kit::{Halt, Verdict};
use super::rules::Rule;
use super::xml::escaped;
use serde_json::{Value, json};

/// How a rule ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Pass,
    Fail,
    Skip,
}

/// A rule's result.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub rule: &'static Rule,
    pub outcome: Outcome,
    /// Empty if it passed.
    pub why: String,
    pub ms: u64,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

impl Finding {
    pub fn of(rule: &'static Rule, verdict: Verdict, ms: u64) -> Self {
        let (outcome, why) = match verdict {
            Ok(()) => (Outcome::Pass, String::new()),
            Err(Halt::Fail(why)) => (Outcome::Fail, why),
            Err(Halt::Skip(why)) => (Outcome::Skip, why),
        };
        Self { rule, outcome, why, ms }
    }

    /// Lines of the table, the reason below.
    pub fn line(&self) -> String {
        let Rule { id, section, title, .. } = self.rule;
        let line = format!("{}  {id:<24} {section:<8} {title}", self.outcome.as_str());
        if self.why.is_empty() { line } else { format!("{line}\n      {}", self.why) }
    }
}

/// How many ended so.
pub(crate) fn count(findings: &[Finding], outcome: Outcome) -> usize {
    findings.iter().filter(|finding| finding.outcome == outcome).count()
}

/// The table's last line.
pub(crate) fn summary(findings: &[Finding]) -> String {
    let [passed, failed, skipped] =
        [Outcome::Pass, Outcome::Fail, Outcome::Skip].map(|outcome| count(findings, outcome));
    format!("{passed} passed, {failed} failed, {skipped} skipped")
}

/// The rules without a robot.
pub(crate) fn list(rules: &[&'static Rule]) -> String {
    let line = |rule: &&Rule| {
        let open =
            if rule.open.is_empty() { String::new() } else { format!("\n{:35}open: {}", "", rule.open) };
        format!("{:<25} {:<8} {}{open}\n", rule.id, rule.section, rule.title)
    };
    rules.iter().map(line).collect()
}

/// The rules without a robot, for machines.
pub(crate) fn list_json(rules: &[&'static Rule]) -> Value {
    let rule = |rule: &&Rule| json!({ "id": rule.id, "section": rule.section, "title": rule.title, "open": rule.open });
    json!({ "rules": rules.iter().map(rule).collect::<Vec<_>>() })
}

pub(crate) fn json(robot: &str, findings: &[Finding]) -> Value {
    let rule = |finding: &Finding| {
        let Rule { id, section, title, .. } = finding.rule;
        json!({ "id": id, "section": section, "title": title, "outcome": finding.outcome.as_str(),
            "why": finding.why, "ms": finding.ms })
    };
    json!({
        "robot": robot,
        "rules": findings.iter().map(rule).collect::<Vec<_>>(),
        "passed": count(findings, Outcome::Pass),
        "failed": count(findings, Outcome::Fail),
        "skipped": count(findings, Outcome::Skip),
    })
}

/// One suite, a test case per rule.
pub(crate) fn junit(robot: &str, findings: &[Finding]) -> String {
    let seconds = |ms: u64| format!("{:.3}", ms as f64 / 1_000.0);
    let total_ms: u64 = findings.iter().map(|finding| finding.ms).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"VDA 5050 {}\" tests=\"{}\" \
         failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{}\">\n",
        escaped(robot),
        findings.len(),
        count(findings, Outcome::Fail),
        count(findings, Outcome::Skip),
        seconds(total_ms),
    );
    for finding in findings {
        let Rule { id, section, title, .. } = finding.rule;
        text += &format!(
            "  <testcase classname=\"vda5050.{section}\" name=\"{id}: {}\" time=\"{}\"",
            escaped(title),
            seconds(finding.ms)
        );
        let why = escaped(&finding.why);
        text += &match finding.outcome {
            Outcome::Pass => "/>\n".to_owned(),
            Outcome::Fail => format!(">\n    <failure message=\"{why}\">{why}</failure>\n  </testcase>\n"),
            Outcome::Skip => format!(">\n    <skipped message=\"{why}\"/>\n  </testcase>\n"),
        };
    }
    text + "</testsuite>\n</testsuites>\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conform::rules::all;

    #[test]
    fn reasons_are_told_in_xml_that_parsers_take() {
        let rules = all();
        let bad = Finding::of(rules[0], Err(Halt::Fail("a < b & \"c\"\u{1}\nsecond".into())), 1_250);
        let skipped = Finding::of(rules[1], Err(Halt::Skip("no <action>".into())), 0);
        let good = Finding::of(rules[2], Ok(()), 5);
        let xml = junit("acme/r\"1", &[bad, skipped, good]);
        for part in [
            "<testsuite name=\"VDA 5050 acme/r&quot;1\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"1.255\">",
            "<failure message=\"a &lt; b &amp; &quot;c&quot; second\">",
            "<skipped message=\"no &lt;action&gt;\"/>",
            "time=\"0.005\"/>",
        ] {
            assert!(xml.contains(part), "{part} is missing in {xml}");
        }
    }
}
