//! What doesn't fit together: keys and values that each could be right, but not with one another.

use std::collections::BTreeSet;

use toml::de::DeTable;

use drover_core::job::JobSpec;
use drover_core::{Config, Time};
use drover_maps::Layout;

use super::{Expect, Scenario, ScenarioError};

/// Options that the fleet doesn't have are wrong, not ignored.
pub(super) fn options(text: &str) -> Result<(), ScenarioError> {
    let Ok(document) = DeTable::parse(text) else { return Ok(()) };
    let Some(written) = document.get_ref().get("config").and_then(|value| value.get_ref().as_table()) else {
        return Ok(());
    };
    let known = serde_json::to_value(Config::default()).unwrap_or_default();
    let known: BTreeSet<&String> = known.as_object().into_iter().flat_map(|known| known.keys()).collect();
    match written.keys().find(|key| !known.iter().any(|known| known.as_str() == key.get_ref().as_ref())) {
        None => Ok(()),
        Some(key) => {
            let names: Vec<&str> = known.iter().map(|known| known.as_str()).collect();
            let problem = format!("no such option; there are {}", names.join(", "));
            Err(ScenarioError::value(format!("config.{}", key.get_ref()), problem))
        }
    }
}

/// The first thing that doesn't fit.
pub(super) fn check(
    scenario: &Scenario,
    layout: &Layout,
    jobs: &[(Time, JobSpec)],
) -> Result<(), ScenarioError> {
    for (index, line) in scenario.doors.fault.iter().enumerate() {
        let known: Vec<&str> = layout.devices().iter().map(|device| device.name.as_str()).collect();
        if !known.contains(&line.id.as_str()) {
            let problem = format!("no device {:?}; site.toml has {known:?}", line.id);
            return Err(ScenarioError::value(format!("doors.fault[{index}].id"), problem));
        }
    }
    if jobs.is_empty() {
        let problem = "there are none; write `draw`, `wave`, `[[jobs.stream]]` or `[[job]]`";
        return Err(ScenarioError::value("jobs", problem));
    }
    twice(scenario, jobs)?;
    expect(&scenario.expect, jobs)
}

fn twice(scenario: &Scenario, jobs: &[(Time, JobSpec)]) -> Result<(), ScenarioError> {
    let mut seen = BTreeSet::new();
    let Some((_, job)) = jobs.iter().find(|(_, job)| !seen.insert(&job.id)) else { return Ok(()) };
    let is_it = |line: &super::JobLine| line.id.as_deref() == Some(job.id.0.as_str());
    let key = match scenario.job.iter().rposition(is_it) {
        Some(index) => format!("job[{index}].id"),
        None => "jobs".to_owned(),
    };
    Err(ScenarioError::value(key, format!("job {:?} is there twice; give each an id of its own", job.id.0)))
}

fn expect(expect: &Expect, jobs: &[(Time, JobSpec)]) -> Result<(), ScenarioError> {
    let wrong = |key: &str, problem: String| Err(ScenarioError::value(format!("expect.{key}"), problem));
    if expect.hours_max.is_nan() || expect.hours_max <= 0.0 {
        return wrong("hours_max", format!("{} h is over at once; write more than 0", expect.hours_max));
    }
    if expect.quiet_minutes_max == 0 {
        return wrong("quiet_minutes_max", "0 ends the run at once; write 1 or more".into());
    }
    if expect.wait_share_max.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
        return wrong("wait_share_max", "a share is between 0 and 1".into());
    }
    if expect.job_minutes_p95_max.is_some_and(|minutes| minutes.is_nan() || minutes <= 0.0) {
        return wrong("job_minutes_p95_max", "no job takes no time; write more than 0".into());
    }
    if expect.breaker_calls_max.is_some_and(|most| most < expect.breaker_calls_min) {
        let problem = format!("is less than breaker_calls_min {}; swap them", expect.breaker_calls_min);
        return wrong("breaker_calls_max", problem);
    }
    if expect.all_done && expect.failed_max.is_some_and(|most| most > 0) {
        return wrong("failed_max", "no job may fail while all must be done; add `all_done = false`".into());
    }
    let has_cut_off = jobs.iter().any(|(_, job)| job.due_at.is_some());
    if !has_cut_off && (expect.on_time || expect.late_max.is_some()) {
        let key = if expect.on_time { "on_time" } else { "late_max" };
        return wrong(key, "no job has a cut-off; give some `due_after_s` or a truck".into());
    }
    Ok(())
}
