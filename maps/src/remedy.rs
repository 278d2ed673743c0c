//! What is done about a robot's action that failed: `[[action]]`.

use serde::Deserialize;

use crate::finding::Findings;
use crate::site_file::SiteFile;

/// Remedies of one action, at most.
const REMEDIES_MAX: usize = 8;
/// An action of people, which no robot can fail at.
const OF_PEOPLE: &str = "confirm";

/// One thing that can be done about an action that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// The robot does it again.
    Retry,
    /// Another robot does the job; only while the first one has nothing aboard and no leg is done.
    AnotherRobot,
    /// A person does it by hand and confirms the leg, or cancels the job.
    Operator,
}

/// What is done about failed actions of one type: at the first failure the first, at the next one the next. After the last
/// the job fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedies {
    /// VDA 5050 `actionType`.
    pub action_type: String,
    /// In this order.
    pub list: Vec<Remedy>,
}

/// Reads them; what can't be is named.
pub(crate) fn remedies(site: &SiteFile, findings: &mut Findings) -> Vec<Remedies> {
    let mut all: Vec<Remedies> = Vec::new();
    for entry in &site.action {
        let name = &entry.r#type;
        if all.iter().any(|remedies| remedies.action_type == *name) {
            findings.error("DUPLICATE_ACTION", name, || {
                format!("site.toml key `action.type` has `{name}` twice; keep one of them")
            });
            continue;
        }
        if name == OF_PEOPLE {
            findings.error("BAD_ACTION", name, || {
                format!(
                    "site.toml key `action.type` is `{OF_PEOPLE}`, which a person does; name a robot's action"
                )
            });
        }
        let count = entry.on_failure.len();
        if count > REMEDIES_MAX {
            findings.error("BAD_ACTION", name, || {
                format!(
                    "site.toml key `action.on_failure` of `{name}` has {count} remedies; keep {REMEDIES_MAX}"
                )
            });
        }
        let list = entry.on_failure.iter().take(REMEDIES_MAX).copied().collect();
        all.push(Remedies { action_type: name.clone(), list });
    }
    all
}
