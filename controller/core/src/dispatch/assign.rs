//! Which queued jobs may be given out now, and to whom by the policy.

use std::collections::BTreeMap;
use std::ops::Bound;

use drover_maps::TypeId;

use crate::change;
use crate::clock::Time;
use crate::command::{Command, JobNews};
use crate::dispatch::demand::Demand;
use crate::dispatch::policy::{Candidate, Open, Outlook};
use crate::dispatch::{admit, ahead, charge, goal, leg, remedy};
use crate::fleet::Fleet;
use crate::id::{JobId, RobotId};
use crate::job::JobState;
use crate::plan::distance::{Table, UNREACHABLE};
use crate::robot::{Phase, Task};

/// A place in the queue.
type Place = (u8, u64, JobId);

/// Gives out jobs, batch by batch in queue order, until there is no free robot or no job that may begin.
pub(crate) fn assign(fleet: &mut Fleet, now: Time, commands: &mut Vec<Command>) {
    let policy = fleet.state.config.policy.policy();
    if policy.looks_ahead() {
        return ahead::assign(fleet, policy, now, commands);
    }
    if fleet.state.queue.is_empty() {
        return;
    }
    let mut free = free_robots(fleet);
    if !ahead::is_due(fleet, &free, 0, now) || free.is_empty() {
        return;
    }
    let mut demand = Demand::seen_by(policy, fleet);
    let mut last = None;
    while !free.is_empty() && behind(fleet, last.as_ref()).is_some() {
        let (mut jobs, mut batch) = (Vec::new(), Vec::new());
        let mut priority = None;
        while batch.len() < policy.batch_max().max(1)
            && let Some(place) = behind(fleet, last.as_ref())
            && priority.is_none_or(|one| one == place.0)
        {
            let (rank, job) = (place.0, place.2.clone());
            last = Some(place);
            let may_begin = may_begin(fleet, &job, &demand);
            let Some(open) = may_begin.then(|| open(fleet, &job, &free, &demand, now)).flatten() else {
                continue;
            };
            batch.push(open);
            jobs.push(job);
            priority = Some(rank);
        }
        for choice in policy.choose(&batch) {
            let Some(job) = jobs.get(choice.job) else { continue };
            // One given before may have closed the station or the sequence to it.
            if free.contains(&choice.robot) && may_begin(fleet, job, &demand) {
                free.retain(|other| *other != choice.robot);
                fleet.state.jobs.get(job).into_iter().for_each(|job| demand.add(job));
                give(fleet, job, choice.robot, now, commands);
            }
        }
    }
}

/// The queued job behind this one, or the first.
fn behind(fleet: &Fleet, last: Option<&Place>) -> Option<Place> {
    let queue = &fleet.state.queue;
    let after = last.map_or(Bound::Unbounded, Bound::Excluded);
    queue.range((after, Bound::Unbounded)).next().cloned()
}

/// The job as the policy sees it; none if there is no such job.
fn open(fleet: &mut Fleet, id: &JobId, free: &[RobotId], demand: &Demand, now: Time) -> Option<Open> {
    let candidates = candidates(fleet, id, free, now);
    let first = candidates.first().map(|candidate| fleet.state.robots[candidate.robot.index()].robot_type);
    let length_ms = first.map_or(0, |robot_type| length(fleet, id, robot_type));
    let job = fleet.state.jobs.get(id)?;
    let waited_ms = now.since_ms(job.accepted_at);
    let (busy, backlog) = (demand.busy(job), demand.backlog(job));
    Some(Open { waited_ms, length_ms, busy, backlog, outlook: Outlook::default(), candidates })
}

/// Travel time from the job's first station along the others for robots of this type, ms.
fn length(fleet: &mut Fleet, id: &JobId, robot_type: TypeId) -> u32 {
    let Some(job) = fleet.state.jobs.get(id) else { return 0 };
    let layout = std::sync::Arc::clone(&fleet.layout);
    let mut sum: u32 = 0;
    for leg in job.stations.windows(2) {
        let [from, to] = [leg[0], leg[1]].map(|station| &layout.station(station).nodes);
        let ways = to.iter().flat_map(|node| {
            let table = fleet.distances.to(&layout, *node, robot_type);
            from.iter().map(move |start| table[start.index()])
        });
        sum = sum.saturating_add(ways.min().unwrap_or(0));
    }
    sum
}

pub(super) fn free_robots(fleet: &mut Fleet) -> Vec<RobotId> {
    let layout = std::sync::Arc::clone(&fleet.layout);
    let mut free = Vec::new();
    for id in (0..fleet.state.robots.len() as u32).map(RobotId) {
        let robot = &fleet.state.robots[id.index()];
        if robot.task != Task::Idle
            || !robot.is_movable()
            || charge::is_critical(fleet, robot)
            || robot.load.is_some()
        {
            continue;
        }
        let is_low = charge::is_low(fleet, robot);
        if !is_low || goal::nearest_of(fleet, id, layout.chargers(), None).is_none() {
            free.push(id);
        }
    }
    free
}

/// There is a way for it, its turn in its sequence has come, the sequence isn't spread too far, and its first station is
/// neither crowded nor about to change.
pub(super) fn may_begin(fleet: &Fleet, id: &JobId, demand: &Demand) -> bool {
    let state = &fleet.state;
    let Some(job) = state.jobs.get(id).filter(|_| !state.no_way.contains_key(id)) else { return false };
    let Some(station) = job.station().filter(|station| !change::has_closed(fleet, *station)) else {
        return false;
    };
    if let Some(sequence) = job.spec.sequence.as_ref().and_then(|name| state.sequences.get(name)) {
        let spread =
            state.config.sequence_spread_min.max(fleet.layout.holding().len() / state.sequences.len().max(1));
        if sequence.next(&state.jobs) != Some(id) || sequence.under_way(&state.jobs) > spread {
            return false;
        }
        if sequence.may_end(id) {
            return true;
        }
    }
    let places = fleet.layout.station(station).nodes.len();
    demand.waiting(station) < places + state.config.station_queue_max
}

fn candidates(fleet: &mut Fleet, id: &JobId, free: &[RobotId], now: Time) -> Vec<Candidate> {
    let Some(job) = fleet.state.jobs.get(id) else { return Vec::new() };
    let Some(station) = job.station() else { return Vec::new() };
    let (requires, stations) = (job.spec.requires.clone(), job.stations.clone());
    let barred = remedy::barred(fleet, job);
    let layout = std::sync::Arc::clone(&fleet.layout);
    let mut tables: BTreeMap<TypeId, Vec<Table>> = BTreeMap::new();
    let mut found = Vec::new();
    for robot in free {
        if barred.contains(robot) {
            continue;
        }
        let facts = &fleet.state.robots[robot.index()];
        let (robot_type, at) = (facts.robot_type, facts.trail.decision_point());
        let idle_ms = now.since_ms(facts.free_since);
        let serves = stations.iter().all(|station| fleet.serves(robot_type.index(), *station));
        let (Some(at), true) = (at, serves && admit::can(&layout, robot_type.index(), &requires)) else {
            continue;
        };
        let tables = tables.entry(robot_type).or_insert_with(|| {
            let nodes = layout.station(station).nodes.iter();
            nodes.map(|node| fleet.distances.to(&layout, *node, robot_type)).collect()
        });
        let away = tables.iter().map(|table| table[at.index()]).min();
        if let Some(travel_ms) = away.filter(|away| *away != UNREACHABLE) {
            found.push(Candidate {
                robot: *robot,
                travel_ms,
                idle_ms,
                free_ms: 0,
                is_bound: false,
                missing_permille: 0,
                spare: 0,
            });
        }
    }
    found
}

pub(super) fn give(fleet: &mut Fleet, job: &JobId, id: RobotId, now: Time, commands: &mut Vec<Command>) {
    let Some(facts) = fleet.state.jobs.get_mut(job) else { return };
    facts.state = JobState::Assigned(id);
    (facts.leg_since, facts.is_overdue) = (now, false);
    let place = (9 - facts.spec.priority.min(9), facts.admitted, job.clone());
    fleet.state.queue.remove(&place);
    fleet.places.forget();
    let robot = &mut fleet.state.robots[id.index()];
    robot.goal = None;
    robot.task = Task::Job { job: job.clone(), phase: Phase::Wait };
    commands.push(Command::Assign { job: job.clone(), robot: id });
    fleet.notify(job, JobNews::Assigned, now, commands);
    leg::advance(fleet, id, now, commands);
}
