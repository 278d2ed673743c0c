//! OnceOnly: an accepted job ends once; each of its actions is ordered once, in the order of its legs, at its station.

use std::collections::{BTreeMap, BTreeSet};

use drover_core::job::{ActionSpec, JobSpec};
use drover_core::{JobId, JobNews, Notification};
use drover_maps::Layout;
use drover_proto::vda5050::{Action, Order};

use super::{Breach, Jobs, word};

/// What was ordered and what was told of each job.
#[derive(Debug, Default)]
pub(crate) struct Once {
    /// Ids of released actions.
    action_ids: BTreeSet<String>,
    /// Robots' actions ordered so far, per job.
    ordered: BTreeMap<JobId, usize>,
    ended: BTreeMap<JobId, String>,
    accepted: BTreeSet<JobId>,
}

impl Once {
    /// An order that is no resend: each released action that is new must be the next of the robot's job.
    pub(crate) fn ordered(
        &mut self,
        robot: usize,
        order: &Order,
        jobs: &Jobs,
        layout: &Layout,
    ) -> Vec<Breach> {
        let mut breaches = Vec::new();
        for node in order.nodes.iter().filter(|node| node.released) {
            for action in &node.actions {
                if !is_of_a_job(action) || !self.action_ids.insert(action.action_id.clone()) {
                    continue;
                }
                let fault = match jobs.of_robot.get(&robot).and_then(|job| jobs.specs.get(job)) {
                    Some(spec) => self.next_fault(spec, action, &node.node_id, layout),
                    None => Some(format!("action {} for a robot without a job", action.action_type)),
                };
                breaches.extend(fault.map(|text| Breach::new("OnceOnly", &[robot], text)));
            }
        }
        breaches
    }

    fn next_fault(&mut self, spec: &JobSpec, action: &Action, node: &str, layout: &Layout) -> Option<String> {
        let ordered = self.ordered.entry(spec.id.clone()).or_default();
        let next = robot_legs(spec).nth(*ordered);
        *ordered += 1;
        if self.ended.contains_key(&spec.id) {
            return Some(format!("job {}: {} ordered after its end", spec.id, action.action_type));
        }
        let Some((station, name)) = next else {
            return Some(format!(
                "job {}: {} ordered once more than it has legs",
                spec.id, action.action_type
            ));
        };
        if name != action.action_type {
            return Some(format!("job {}: {} ordered where {name} comes next", spec.id, action.action_type));
        }
        let nodes =
            layout.station_named(station).map(|id| layout.station(id).nodes.clone()).unwrap_or_default();
        let is_there = layout.node_named(node).is_some_and(|node| nodes.contains(&node));
        (!is_there)
            .then(|| format!("job {}: {name} ordered at {node}, which isn't station {station}", spec.id))
    }

    /// News of a job.
    pub(crate) fn notified(&mut self, notification: &Notification, jobs: &Jobs) -> Option<Breach> {
        let job = &notification.job;
        let breach = |text: String| Some(Breach::new("OnceOnly", &[], text));
        if let Some(end) = self.ended.get(job) {
            return breach(format!("job {job} is told {} after it was {end}", word(&notification.what)));
        }
        match &notification.what {
            JobNews::Accepted if !self.accepted.insert(job.clone()) => {
                breach(format!("job {job} accepted twice"))
            }
            JobNews::Failed { .. } | JobNews::Cancelled => {
                self.ended.insert(job.clone(), word(&notification.what));
                None
            }
            JobNews::Done => {
                self.ended.insert(job.clone(), word(&notification.what));
                let due = jobs.specs.get(job).map_or(0, |spec| robot_legs(spec).count());
                let ordered = self.ordered.get(job).copied().unwrap_or(0);
                if ordered == due {
                    None
                } else {
                    breach(format!("job {job} done with {ordered} of {due} actions"))
                }
            }
            JobNews::Accepted
            | JobNews::Assigned
            | JobNews::Started
            | JobNews::LegDone { .. }
            | JobNews::Blocked { .. } => None,
        }
    }
}

/// Stations and names of the actions a robot does for a job, in order.
pub(crate) fn robot_legs(spec: &JobSpec) -> impl Iterator<Item = (&str, &str)> {
    spec.legs.iter().filter_map(|leg| {
        let action = leg.action.as_ref()?;
        (action.name != ActionSpec::CONFIRM).then_some((leg.station.as_str(), action.name.as_str()))
    })
}

/// Charging is the fleet's own business.
pub(crate) fn is_of_a_job(action: &Action) -> bool {
    !matches!(action.action_type.as_str(), "startCharging" | "stopCharging")
}
