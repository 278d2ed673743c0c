//! How a run came out: a table for people, JSON for programs, JUnit for pipelines.

use super::judge::{Fault, Outcome, Rule};
use super::phase::Phase;
use crate::conform::xml::escaped;
use serde_json::{Value, json};
use std::fmt::Write;

/// The outcome of a run.
pub struct Report {
    /// As they were played.
    pub phases: Vec<Played>,
    /// All rules.
    pub rules: Vec<(Rule, Outcome)>,
}

/// A phase that was played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Played {
    /// Which.
    pub phase: Phase,
    /// Orders and updates received by all robots, each counted once.
    pub orders: usize,
    /// Orders came, and what makes the phase happened.
    pub is_exercised: bool,
}

impl Report {
    /// How many rules failed.
    pub fn failures(&self) -> usize {
        self.faults().count()
    }

    fn faults(&self) -> impl Iterator<Item = (&Rule, &Fault)> {
        self.rules.iter().filter_map(|(rule, outcome)| match outcome {
            Outcome::Fail(fault) => Some((rule, &**fault)),
            Outcome::Pass | Outcome::NotSeen => None,
        })
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut text = format!("{:<14} {:>6}  \n", "PHASE", "ORDERS");
        for Played { phase, orders, is_exercised } in &self.phases {
            let word = if *is_exercised { "exercised" } else { "not exercised" };
            let _ = writeln!(text, "{:<14} {orders:>6}  {word}", phase.name());
        }
        let _ = writeln!(text, "\n{:<8} {:<7} {:<26} WANTED", "OUTCOME", "SECTION", "RULE");
        for (rule, outcome) in &self.rules {
            let _ = writeln!(text, "{:<8} {:<7} {:<26} {}", word(outcome), rule.section, rule.id, rule.title);
        }
        for (rule, fault) in self.faults() {
            let Fault { robot, phase, why, message, .. } = fault;
            let _ = writeln!(text, "\n{} ({robot}, {}): {why}\n  {message}", rule.id, phase.name());
        }
        let count = |wanted: &str| self.rules.iter().filter(|(_, outcome)| word(outcome) == wanted).count();
        let (pass, fail, rest) = (count("pass"), count("FAIL"), count("not seen"));
        let _ = writeln!(text, "\n{pass} passed, {fail} failed, {rest} not seen (VDA 5050 2.1.0)");
        text
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let phases = self.phases.iter().map(|played| {
            json!({ "name": played.phase.name(), "orders": played.orders, "exercised": played.is_exercised })
        });
        let rules = self.rules.iter().map(|(rule, outcome)| {
            let mut line = json!({
                "id": rule.id, "section": rule.section, "title": rule.title,
                "outcome": word(outcome).to_lowercase(),
            });
            if let Outcome::Fail(fault) = outcome {
                line["robot"] = json!(fault.robot);
                line["phase"] = json!(fault.phase.name());
                line["at_ms"] = json!(fault.at_ms);
                line["why"] = json!(fault.why);
                line["message"] = json!(fault.message);
            }
            line
        });
        json!({
            "standard": "VDA 5050 2.1.0", "phases": phases.collect::<Vec<_>>(), "rules": rules.collect::<Vec<_>>(),
            "failed": self.failures(),
        })
    }

    /// For pipelines: a case per rule, those not seen skipped.
    pub fn junit(&self) -> String {
        let count = |wanted: &str| self.rules.iter().filter(|(_, outcome)| word(outcome) == wanted).count();
        let (tests, failures, skipped) = (self.rules.len(), count("FAIL"), count("not seen"));
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = writeln!(
            text,
            "<testsuite name=\"conform-master\" tests=\"{tests}\" failures=\"{failures}\" skipped=\"{skipped}\">"
        );
        for (rule, outcome) in &self.rules {
            let name = escaped(&format!("{} {} {}", rule.id, rule.section, rule.title));
            let inner = match outcome {
                Outcome::Pass => String::new(),
                Outcome::NotSeen => "<skipped/>".to_owned(),
                Outcome::Fail(fault) => {
                    let place = escaped(&format!("{} in {}: {}", fault.robot, fault.phase.name(), fault.why));
                    format!("<failure message=\"{place}\">{}</failure>", escaped(&fault.message))
                }
            };
            let _ =
                writeln!(text, "  <testcase classname=\"conform.master\" name=\"{name}\">{inner}</testcase>");
        }
        text + "</testsuite>\n"
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail(_) => "FAIL",
        Outcome::NotSeen => "not seen",
    }
}

#[cfg(test)]
mod tests {
    use super::{Played, Report};
    use crate::conform::master::judge::{Fault, Outcome, RULES};
    use crate::conform::master::phase::Phase;

    fn report() -> Report {
        let fault = Fault {
            robot: "acme/r01".into(),
            phase: Phase::Manual,
            at_ms: 5,
            why: "an order & more".into(),
            message: "{\"orderId\":\"<O>\"}".into(),
        };
        let outcomes = [Outcome::Pass, Outcome::Fail(Box::new(fault)), Outcome::NotSeen];
        let rules = RULES.iter().flat_map(|group| group.iter().copied()).zip(outcomes).collect();
        let phases = vec![Played { phase: Phase::Manual, orders: 3, is_exercised: true }];
        Report { phases, rules }
    }

    #[test]
    fn table_names_phase_rule_and_message_of_a_failure() {
        let table = report().table();
        for wanted in [
            "manual              3  exercised",
            "(acme/r01, manual): an order",
            "1 passed, 1 failed, 1 not seen",
        ] {
            assert!(table.contains(wanted), "{wanted} in {table}");
        }
    }

    #[test]
    fn json_says_the_same() {
        let json = report().json();
        assert_eq!(json["failed"], 1);
        let outcomes: Vec<_> =
            (0..3).map(|index| json["rules"][index]["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["pass", "fail", "not seen"]);
        assert_eq!(json["rules"][1]["phase"], "manual");
    }

    #[test]
    fn junit_is_escaped() {
        let junit = report().junit();
        assert!(junit.contains("tests=\"3\" failures=\"1\" skipped=\"1\""), "{junit}");
        assert!(junit.contains("an order &amp; more") && junit.contains("&lt;O&gt;"), "{junit}");
    }
}
