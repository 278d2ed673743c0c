//! The rules of the standard (VDA 5050 2.1.0), in the order they are tried.
//!
//! A driven rule is an `async fn` that sends something and judges what follows; a watched rule is a tally of all that was said
//! meanwhile. Each begins with a robot at rest. Where the standard leaves something open, `open` says what is allowed.

mod actions;
mod cancel;
mod maps;
mod orders;
mod pause;
mod refusals;
mod requests;
mod updates;
mod watched;

use super::kit::{Kit, Verdict};
use std::pin::Pin;
use std::rc::Rc;

/// A rule on its way.
pub(crate) type Run = Pin<Box<dyn Future<Output = Verdict>>>;

/// A rule of the standard.
pub(crate) struct Rule {
    /// Short name, a promise to users.
    pub id: &'static str,
    /// Section of 2.1.0.
    pub section: &'static str,
    /// What the robot has to do.
    pub title: &'static str,
    /// What the standard leaves open and is allowed here; may be empty.
    pub open: &'static str,
    /// Edges driven, as a rule.
    pub edges: u32,
    pub how: How,
}

/// How a rule is tried.
pub(crate) enum How {
    Driven(fn(Rc<Kit>) -> Run),
    /// Judged at the end by what was seen throughout.
    Watched,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

/// A driven rule in one line of the lists.
macro_rules! driven {
    ($id:literal, $section:literal, $title:literal, $open:literal, $edges:literal, $run:path) => {
        $crate::conform::rules::Rule {
            id: $id,
            section: $section,
            title: $title,
            open: $open,
            edges: $edges,
            how: $crate::conform::rules::How::Driven(|kit| Box::pin($run(kit))),
        }
    };
}
use driven;

/// All of them.
pub(crate) fn all() -> Vec<&'static Rule> {
    let lists = [
        requests::RULES,
        orders::RULES,
        updates::RULES,
        refusals::RULES,
        cancel::RULES,
        pause::RULES,
        actions::RULES,
        maps::RULES,
        watched::RULES,
    ];
    lists.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_rule_has_a_name_of_its_own_and_a_section() {
        let rules = all();
        let ids: BTreeSet<&str> = rules.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), rules.len());
        for rule in rules {
            let is_word = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(rule.id.len() <= 24 && rule.id.chars().all(is_word), "{}", rule.id);
            assert!(rule.section.starts_with(['6', '7']) && !rule.title.is_empty(), "{}", rule.id);
        }
    }
}
