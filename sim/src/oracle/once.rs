//! OnceOnly: an accepted job ends once; each of its actions is ordered once, in the order of its legs, at its station. One
//! that its robot never began, and has given up by its own word, counts as not ordered; so does one that failed by its
//! robot's word, as often as the site lets it be done again.

use std::collections::{BTreeMap, BTreeSet};

use drover_core::job::{ActionSpec, JobSpec};
use drover_core::{JobId, JobNews, Notification};
use drover_maps::{Layout, Remedy};
use drover_proto::vda5050::{Action, ActionStatus, Order, State};

use super::base::refuses;
use super::{Breach, Jobs, word};

/// What was ordered and what was told of each job.
#[derive(Debug, Default)]
pub(crate) struct Once {
    /// Ids of released actions.
    action_ids: BTreeSet<String>,
    /// Robots' actions ordered so far, per job.
    ordered: BTreeMap<JobId, usize>,
    /// The last action ordered for each job.
    last: BTreeMap<JobId, Last>,
    /// The job that each robot's last action was ordered for.
    job_of: BTreeMap<usize, JobId>,
    /// How often a job's action, by its place, was ordered again after it had failed.
    repeats: BTreeMap<(JobId, usize), usize>,
    ended: BTreeMap<JobId, String>,
    /// How often a job's load was ordered to be put down after the job's end.
    returns: BTreeMap<JobId, usize>,
    accepted: BTreeSet<JobId>,
}

/// What became of an action.
#[derive(Debug)]
struct Last {
    id: String,
    /// The message that named it last.
    order_id: String,
    update_id: u32,
    /// The order that the robot was told after that.
    next_order: Option<String>,
    /// A state has shown its order, or what came before it in the same order.
    is_shown: bool,
    /// Some state said that it was begun, whether anybody heard it or not.
    is_begun: bool,
    /// A state that arrived gives it up: it failed, or its order is gone.
    is_given_up: bool,
    /// A state that arrived says that it failed.
    has_failed: bool,
}

impl Once {
    /// A state left its robot.
    pub(crate) fn said(&mut self, robot: usize, state: &State) {
        let Some(last) = self.last_of(robot) else { return };
        last.is_begun |= status_of(state, &last.id).is_some_and(is_begun);
    }

    /// A state arrived that is no older than those before it.
    pub(crate) fn heard(&mut self, robot: usize, state: &State) {
        let Some(last) = self.last_of(robot) else { return };
        let shows_it = last.order_id == state.order_id;
        last.is_shown |= shows_it;
        let shows_next = last.next_order.as_ref() == Some(&state.order_id);
        let is_refused = refuses(state, &last.order_id, last.update_id);
        let is_gone = shows_next || is_refused || last.is_shown && !shows_it;
        let status = status_of(state, &last.id);
        last.has_failed |= status == Some(ActionStatus::Failed);
        last.is_given_up = status.map_or(last.is_given_up || is_gone, |it| it == ActionStatus::Failed);
    }

    fn last_of(&mut self, robot: usize) -> Option<&mut Last> {
        self.last.get_mut(self.job_of.get(&robot)?)
    }

    /// An order that is no resend: each released action that is new must be the next of the robot's job.
    pub(crate) fn ordered(
        &mut self,
        robot: usize,
        order: &Order,
        jobs: &Jobs,
        layout: &Layout,
    ) -> Vec<Breach> {
        if let Some(last) = self.last_of(robot).filter(|last| last.order_id != order.order_id) {
            last.next_order = Some(order.order_id.clone());
        }
        let mut breaches = Vec::new();
        for node in order.nodes.iter().filter(|node| node.released) {
            for action in &node.actions {
                if !is_of_a_job(action) {
                    continue;
                }
                if !self.action_ids.insert(action.action_id.clone()) {
                    self.told_again(robot, action, order);
                    continue;
                }
                let fault = match jobs.of_robot.get(&robot).and_then(|job| jobs.specs.get(job)) {
                    Some(spec) => {
                        let fault = self.next_fault(spec, action, &node.node_id, layout);
                        self.note(robot, spec, action, order);
                        fault
                    }
                    None => Some(format!("action {} for a robot without a job", action.action_type)),
                };
                breaches.extend(fault.map(|text| Breach::new("OnceOnly", &[robot], text)));
            }
        }
        breaches
    }

    /// After its end nothing is done for a job but that its load is put down, once, where it was picked or where the site
    /// says; again only after the robot's own word that it failed.
    fn return_fault(
        &mut self,
        spec: &JobSpec,
        action: &Action,
        node: &str,
        layout: &Layout,
    ) -> Option<String> {
        let ended = self.ended.get(&spec.id)?;
        let is_early = ended == "cancelled" || ended.starts_with("failed: SHORT_PICK");
        if !is_early || action.action_type != ActionSpec::DROP {
            return Some(format!("job {}: {} ordered after its end", spec.id, action.action_type));
        }
        let ordered = self.ordered.get(&spec.id).copied().unwrap_or(0);
        let pick = robot_legs(spec).take(ordered).filter(|(_, name)| *name == ActionSpec::PICK).last();
        let Some((picked_at, _)) = pick else {
            return Some(format!("job {}: its load is put down, but was never picked", spec.id));
        };
        let returns = self.returns.entry(spec.id.clone()).or_default();
        let is_second = *returns > 0
            || robot_legs(spec).nth(ordered - 1).is_some_and(|(_, name)| name == ActionSpec::DROP);
        *returns += 1;
        if is_second
            && self
                .last
                .get(&spec.id)
                .is_some_and(|last| !last.is_given_up || last.is_begun && !last.has_failed)
        {
            return Some(format!("job {}: its load is put down twice", spec.id));
        }
        let at = layout.returns().map_or(picked_at, |at| &layout.station(at).name);
        is_elsewhere(layout, at, node).then(|| {
            format!("job {}: its load is put down at {node}, not at station {at} where it belongs", spec.id)
        })
    }

    fn next_fault(&mut self, spec: &JobSpec, action: &Action, node: &str, layout: &Layout) -> Option<String> {
        if self.ended.contains_key(&spec.id) {
            return self.return_fault(spec, action, node, layout);
        }
        let is_again = self.is_again(spec, action, layout);
        let ordered = self.ordered.entry(spec.id.clone()).or_default();
        *ordered -= usize::from(is_again);
        let next = robot_legs(spec).nth(*ordered);
        *ordered += 1;
        let Some((station, name)) = next else {
            return Some(format!(
                "job {}: {} ordered once more than it has legs",
                spec.id, action.action_type
            ));
        };
        if name != action.action_type {
            return Some(format!("job {}: {} ordered where {name} comes next", spec.id, action.action_type));
        }
        is_elsewhere(layout, station, node)
            .then(|| format!("job {}: {name} ordered at {node}, which isn't station {station}", spec.id))
    }

    /// The job's last action counts as not ordered.
    fn is_again(&mut self, spec: &JobSpec, action: &Action, layout: &Layout) -> bool {
        let Some(last) = self.last.get(&spec.id).filter(|last| last.is_given_up) else { return false };
        if !last.is_begun {
            return true;
        }
        let place = self.ordered.get(&spec.id).map_or(0, |ordered| ordered - 1);
        let is_same = robot_legs(spec).nth(place).is_some_and(|(_, name)| name == action.action_type);
        let remedies = layout.remedies(&action.action_type).iter();
        let most = remedies.filter(|remedy| **remedy != Remedy::Operator).count();
        let repeats = self.repeats.entry((spec.id.clone(), place)).or_default();
        let is_again = last.has_failed && is_same && *repeats < most;
        *repeats += usize::from(is_again);
        is_again
    }

    /// A refused message's content comes again under the next id.
    fn told_again(&mut self, robot: usize, action: &Action, order: &Order) {
        if let Some(last) = self.last_of(robot).filter(|last| last.id == action.action_id) {
            (last.order_id, last.update_id) = (order.order_id.clone(), order.order_update_id);
            last.next_order = None;
            last.is_shown |= order.order_update_id > 0;
        }
    }

    fn note(&mut self, robot: usize, spec: &JobSpec, action: &Action, order: &Order) {
        let (id, order_id) = (action.action_id.clone(), order.order_id.clone());
        let (update_id, is_shown) = (order.order_update_id, order.order_update_id > 0);
        let (is_begun, is_given_up, has_failed) = (false, false, false);
        let last =
            Last { id, order_id, update_id, next_order: None, is_shown, is_begun, is_given_up, has_failed };
        self.last.insert(spec.id.clone(), last);
        self.job_of.insert(robot, spec.id.clone());
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
            // Whoever did it: it isn't done again.
            JobNews::LegDone { .. } => {
                self.last.remove(job);
                None
            }
            JobNews::Accepted
            | JobNews::Assigned
            | JobNews::Started
            | JobNews::AtRisk { .. }
            | JobNews::Blocked { .. } => None,
        }
    }
}

/// The node is no place of the station.
fn is_elsewhere(layout: &Layout, station: &str, node: &str) -> bool {
    let nodes = layout.station_named(station).map(|id| layout.station(id).nodes.as_slice());
    !layout.node_named(node).is_some_and(|node| nodes.is_some_and(|nodes| nodes.contains(&node)))
}

fn status_of(state: &State, action_id: &str) -> Option<ActionStatus> {
    state.action_states.iter().find(|shown| shown.action_id == action_id).map(|shown| shown.action_status)
}

fn is_begun(status: ActionStatus) -> bool {
    !matches!(status, ActionStatus::Waiting | ActionStatus::Failed)
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
