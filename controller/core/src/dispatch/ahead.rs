//! Assignment by a policy that looks ahead: which robots and jobs it sees, and how what it chose is carried out.
//!
//! It sees robots that are free, that will be soon, and that are on their way to a pick; and jobs that may begin or haven't
//! been picked yet. A choice for a robot that isn't free yet keeps it for that job until the next look. A job that isn't
//! picked yet may get another robot, or lose its own to a more urgent one: so often at most, and in a sequence only the last
//! one under way, so that order is kept. The eligibility rules stay in force: they are asked before and after.

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_maps::{NodeId, StationId, TypeId};
use serde::{Deserialize, Serialize};

use super::assign::{free_robots, give, may_begin};
use super::demand::Demand;
use super::forecast::Forecast;
use super::policy::{Candidate, Open, Outlook, Policy};
use super::{admit, charge, forecast, remedy, withdraw};
use crate::clock::Time;
use crate::command::Command;
use crate::fleet::Fleet;
use crate::id::{JobId, RobotId};
use crate::job::Job;
use crate::plan::distance::{Table, UNREACHABLE};
use crate::robot::{Phase, Robot, Task};

/// Everything is looked at again after so long, ms; sooner when a robot or a job has come.
const LOOK_MS: u64 = 1_000;
/// A look costs time in proportion to the queue: for each so many jobs in it the next one waits a millisecond.
const QUEUED_PER_MS: u64 = 20;
/// A robot that will be free within this counts as one that is, ms.
const SOON_MS: u64 = 30_000;
/// Robots looked at for one station, the nearest.
const NEAR_MAX: usize = 64;
/// A job isn't taken back more often than this for another robot.
const REVISIONS_MAX: u32 = 4;
/// Charge is kept above the critical per cent by so much, per mille.
const CHARGE_KEPT_PERMILLE: u32 = 20;

/// When it last looked, and what it saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Looked {
    at: Time,
    free: usize,
    queued: usize,
}

/// Whether it is time to look: a robot has come, a job has, or the last look is older than `pause_ms`; noted. A look goes
/// through the queue, so after one it isn't time for so long as the queue is long.
pub(super) fn is_due(fleet: &mut Fleet, free: &[RobotId], pause_ms: u64, now: Time) -> bool {
    let seen = Looked { at: now, free: free.len(), queued: fleet.state.queue.len() };
    let last = fleet.state.looked;
    let long_ms = (seen.queued as u64 / QUEUED_PER_MS).min(LOOK_MS);
    let pause_ms = if seen.queued > last.queued { long_ms } else { pause_ms.max(long_ms) };
    let is_due = seen.free > last.free || now.since_ms(last.at) >= pause_ms;
    // A job that has come stays new until it was looked at.
    let queued = last.queued.min(seen.queued);
    fleet.state.looked = if is_due { seen } else { Looked { at: last.at, queued, ..seen } };
    is_due
}

/// A robot that may be given a job.
#[derive(Clone, Debug)]
struct Hand {
    robot: RobotId,
    robot_type: TypeId,
    at: NodeId,
    free_ms: u32,
    idle_ms: u64,
    charge_permille: Option<u16>,
    /// The job it hasn't picked yet.
    bound: Option<JobId>,
}

/// Robots near a station that can do what is asked.
#[derive(Debug)]
struct Near {
    /// Travel time and place among the hands, by place.
    hands: Vec<(u32, usize)>,
    /// Type of the nearest.
    robot_type: TypeId,
}

/// What is to be given to whom, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The job.
    pub job: JobId,
    /// The robot that is to do it.
    pub robot: RobotId,
    /// Why, in one line.
    pub why: String,
}

/// Gives out jobs, those of the highest priority first.
pub(super) fn assign(fleet: &mut Fleet, policy: &dyn Policy, now: Time, commands: &mut Vec<Command>) {
    let free = free_robots(fleet);
    if !is_due(fleet, &free, LOOK_MS, now) {
        return;
    }
    let mut forecast = Forecast::of(fleet, now);
    note_turns(fleet, &forecast, now);
    let proposals = propose(fleet, policy, &mut forecast, &free, now);
    for Proposal { job, robot, .. } in &proposals {
        let before = fleet.state.jobs.get(job).and_then(|job| job.state.robot());
        for robot in before.into_iter().chain([*robot]) {
            withdraw::withdraw(fleet, robot, now);
        }
    }
    let mut demand = Demand::of(fleet);
    for Proposal { job, robot, why } in proposals {
        if fleet.state.robots[robot.index()].task == Task::Idle && may_begin(fleet, &job, &demand) {
            fleet.state.jobs.get(&job).into_iter().for_each(|job| demand.add(job));
            fleet.state.jobs.get_mut(&job).into_iter().for_each(|job| job.why = why.clone());
            give(fleet, &job, robot, now, commands);
        }
    }
}

impl Fleet {
    /// What the site's policy would give out at this moment and why, if it is one that looks ahead. Nothing is given.
    pub fn proposals(&mut self, now: Time) -> Vec<Proposal> {
        let policy = self.state.config.policy.policy();
        let free = free_robots(self);
        let mut forecast = Forecast::of(self, now);
        if policy.looks_ahead() { propose(self, policy, &mut forecast, &free, now) } else { Vec::new() }
    }
}

/// Notes of jobs under way whose loads get warm when their turns come, so that their robots can wait in the cold.
fn note_turns(fleet: &mut Fleet, forecast: &Forecast, now: Time) {
    let robots = fleet.state.robots.iter();
    let jobs: Vec<JobId> = robots.filter_map(|robot| robot.job().cloned()).collect();
    for id in jobs {
        let Some(job) = fleet.state.jobs.get(&id).filter(|job| forecast::gets_warm(fleet, job)) else {
            continue;
        };
        let turn_at = forecast.turn_in(fleet, job).map(|turn_ms| now.plus_ms(turn_ms));
        fleet.state.jobs.get_mut(&id).into_iter().for_each(|job| job.turn_at = turn_at);
    }
}

fn propose(
    fleet: &mut Fleet,
    policy: &dyn Policy,
    forecast: &mut Forecast,
    free: &[RobotId],
    now: Time,
) -> Vec<Proposal> {
    let mut hands = hands(fleet, free, forecast, now);
    let demand = Demand::seen_by(policy, fleet);
    let mut tiers: BTreeMap<u8, Vec<JobId>> = BTreeMap::new();
    for (rank, _, id) in fleet.state.queue.iter().filter(|(.., id)| may_begin(fleet, id, &demand)) {
        let tier = tiers.entry(*rank).or_default();
        if tier.len() < policy.batch_max() {
            tier.push(id.clone());
        }
    }
    for job in hands.iter().filter_map(|hand| hand.bound.as_ref()) {
        let rank = fleet.state.jobs.get(job).map_or(9, |job| 9 - job.spec.priority.min(9));
        tiers.entry(rank).or_default().push(job.clone());
    }
    let mut proposals = Vec::new();
    for ids in tiers.into_values() {
        let (mut jobs, mut batch) = (Vec::new(), Vec::new());
        let mut near = BTreeMap::new();
        for id in ids {
            let Some(job) = fleet.state.jobs.get(&id).cloned() else { continue };
            let has = job.state.robot();
            if has.is_none_or(|robot| hands.binary_search_by_key(&robot, |hand| hand.robot).is_ok()) {
                let open = open(fleet, forecast, &mut near, &hands, &job, now);
                batch.push(Open { busy: demand.busy(&job), backlog: demand.backlog(&job), ..open });
                jobs.push(id);
            }
        }
        let choices = policy.choose(&batch);
        for choice in &choices {
            let open = &batch[choice.job];
            let candidate = open.candidates.iter().find(|one| one.robot == choice.robot);
            let is_new = open.outlook.has != Some(choice.robot);
            if let Some(candidate) = candidate.filter(|one| one.free_ms == 0 && is_new) {
                let why = policy.why(open, candidate);
                proposals.push(Proposal { job: jobs[choice.job].clone(), robot: choice.robot, why });
            }
        }
        let mut taken: Vec<RobotId> = choices.iter().map(|choice| choice.robot).collect();
        taken.sort_unstable();
        hands.retain(|hand| taken.binary_search(&hand.robot).is_err());
    }
    proposals
}

/// Robots that may be given a job now or soon.
fn hands(fleet: &Fleet, free: &[RobotId], forecast: &Forecast, now: Time) -> Vec<Hand> {
    let mut hands = Vec::new();
    for id in (0..fleet.state.robots.len() as u32).map(RobotId) {
        let robot = &fleet.state.robots[id.index()];
        let Some(at) = robot.trail.decision_point() else { continue };
        let idle_ms = now.since_ms(robot.free_since);
        let hand = |at, free_ms, bound| Hand {
            robot: id,
            robot_type: robot.robot_type,
            at,
            free_ms,
            idle_ms,
            charge_permille: robot.charge_permille,
            bound,
        };
        if free.binary_search(&id).is_ok() {
            hands.push(hand(at, 0, None));
        } else if let Some(job) = robot.job().and_then(|job| fleet.state.jobs.get(job)) {
            if may_revise(fleet, robot, job) {
                hands.push(hand(at, 0, Some(job.spec.id.clone())));
            } else if let Some((at, free_ms)) = soon(fleet, robot, job, forecast) {
                hands.push(hand(at, free_ms, None));
            }
        }
    }
    hands
}

/// It may be taken back for another robot, or for another job.
fn may_revise(fleet: &Fleet, robot: &Robot, job: &Job) -> bool {
    let comes = matches!(&robot.task, Task::Job { phase: Phase::Wait | Phase::Drive, .. });
    let sequence = job.spec.sequence.as_ref().and_then(|name| fleet.state.sequences.get(name));
    let is_last = sequence.is_none_or(|sequence| {
        let mut behind = sequence.members.iter().rev().take_while(|member| **member != job.spec.id);
        sequence.held_by.is_none()
            && behind.all(|member| fleet.state.jobs.get(member).is_none_or(|job| job.state.robot().is_none()))
    });
    comes
        && is_last
        && job.withdrawals < REVISIONS_MAX
        && robot.is_movable()
        && withdraw::is_untouched(robot, job)
        && !charge::is_critical(fleet, robot)
}

/// Where and when it will be free, if that is soon.
fn soon(fleet: &Fleet, robot: &Robot, job: &Job, forecast: &Forecast) -> Option<(NodeId, u32)> {
    let course = forecast.course_of(&job.spec.id)?;
    let is_sound = robot.can_go_on() && !charge::is_low(fleet, robot);
    if !is_sound || course.done_ms > SOON_MS || !job.is_on_last_leg() {
        return None;
    }
    let node = fleet.layout.station(job.station()?).nodes.first()?;
    Some((*node, (course.done_ms as u32).max(1)))
}

/// The job as the policy sees it.
fn open(
    fleet: &mut Fleet,
    forecast: &mut Forecast,
    near: &mut BTreeMap<(StationId, Vec<String>), Arc<Near>>,
    hands: &[Hand],
    job: &Job,
    now: Time,
) -> Open {
    let key = (job.stations[0], job.spec.requires.clone());
    let found = match near.get(&key) {
        Some(found) => Arc::clone(found),
        None => {
            let found = Arc::new(nearest(fleet, hands, key.0, &key.1));
            near.insert(key, Arc::clone(&found));
            found
        }
    };
    let outlook = forecast.outlook(fleet, job, found.robot_type, now);
    let mut outlook = Outlook { has: job.state.robot(), ..outlook };
    let barred = remedy::barred(fleet, job);
    let types = 0..fleet.layout.robot_types().len();
    let serves: Vec<bool> =
        types.map(|of_type| job.stations.iter().all(|at| fleet.serves(of_type, *at))).collect();
    let candidates: Vec<Candidate> = found
        .hands
        .iter()
        .map(|(travel_ms, place)| (*travel_ms, &hands[*place]))
        .filter(|(_, hand)| serves[hand.robot_type.index()] && !barred.contains(&hand.robot))
        .map(|(travel_ms, hand)| candidate(fleet, job, &outlook, hand, travel_ms))
        .collect();
    let nearest = candidates.iter().map(|one| u64::from(one.free_ms) + u64::from(one.travel_ms)).min();
    if let (Some(nearest), None) = (nearest, outlook.has) {
        let there_ms = nearest + u64::from(outlook.to_turn_ms);
        let free_ms = forecast.queue(fleet, job, there_ms, u64::from(outlook.end_ms));
        outlook.turn_ms = outlook.turn_ms.max(u32::try_from(free_ms).unwrap_or(u32::MAX));
    }
    let length_ms = outlook.to_turn_ms;
    Open { waited_ms: now.since_ms(job.accepted_at), length_ms, busy: 0, backlog: 0, outlook, candidates }
}

/// Robots that can do what is asked, the nearest to the station: those that have a job are all among them.
fn nearest(fleet: &mut Fleet, hands: &[Hand], station: StationId, requires: &[String]) -> Near {
    let layout = Arc::clone(&fleet.layout);
    let mut tables: BTreeMap<TypeId, Vec<Table>> = BTreeMap::new();
    let mut found = Vec::new();
    for (place, hand) in hands.iter().enumerate() {
        if !admit::can(&layout, hand.robot_type.index(), requires) {
            continue;
        }
        let tables = tables.entry(hand.robot_type).or_insert_with(|| {
            let nodes = layout.station(station).nodes.iter();
            nodes.map(|node| fleet.distances.to(&layout, *node, hand.robot_type)).collect()
        });
        let away = tables.iter().map(|table| table[hand.at.index()]).min();
        found.extend(away.filter(|away| *away != UNREACHABLE).map(|away| (away, place)));
    }
    let is_near = |(away, place): &(u32, usize)| (away.saturating_add(hands[*place].free_ms), *place);
    if found.len() > NEAR_MAX {
        found.select_nth_unstable_by_key(NEAR_MAX, is_near);
        let kept = |(_, place): &(u32, usize)| hands[*place].bound.is_some();
        let bound: Vec<(u32, usize)> = found.drain(NEAR_MAX..).filter(kept).collect();
        found.extend(bound);
    }
    let nearest = found.iter().min_by_key(|one| is_near(one));
    let robot_type = nearest.map_or(TypeId(0), |(_, place)| hands[*place].robot_type);
    found.sort_unstable_by_key(|(_, place)| *place);
    Near { hands: found, robot_type }
}

fn candidate(fleet: &Fleet, job: &Job, outlook: &Outlook, hand: &Hand, travel_ms: u32) -> Candidate {
    let robot_type = fleet.layout.robot_type(hand.robot_type);
    let travel_ms = fleet.state.pace.of(travel_ms);
    let busy_ms = hand.free_ms.saturating_add(travel_ms).saturating_add(outlook.to_turn_ms);
    let spare =
        robot_type.capabilities.as_ref().map_or(0, |has| has.len().saturating_sub(job.spec.requires.len()));
    Candidate {
        robot: hand.robot,
        travel_ms,
        idle_ms: hand.idle_ms,
        free_ms: hand.free_ms,
        is_bound: hand.bound.is_some(),
        missing_permille: missing(fleet, hand, busy_ms),
        spare: spare.min(255) as u8,
    }
}

/// Charge missing, after so long on the way, to what it must keep, per mille.
fn missing(fleet: &Fleet, hand: &Hand, busy_ms: u32) -> u16 {
    let battery = fleet.layout.robot_type(hand.robot_type).battery.as_ref();
    let Some((battery, charge)) = battery.zip(hand.charge_permille) else { return 0 };
    let full_ms_w = u64::from(battery.capacity_wh.max(1)) * 3_600_000;
    let used = u64::from(battery.drive_w) * u64::from(busy_ms) * 1_000 / full_ms_w;
    let kept = u64::from(battery.critical_pct) * 10 + u64::from(CHARGE_KEPT_PERMILLE);
    (kept + used).saturating_sub(u64::from(charge)).min(1_000) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_queue_is_gone_through_seldom_unless_a_robot_has_come() {
        let text = include_bytes!("../../../../maps/sites/fresh-dc/layout.lif.json");
        let layout = drover_maps::compile(text, None).expect("a layout of ours").layout;
        let mut fleet = Fleet::new(Arc::new(layout));
        let queue = |number: u64| (4, number, JobId(format!("J-{number}")));
        fleet.state.queue.extend((0..2_000).map(queue));
        let [none, one] = [&[][..], &[RobotId(0)]];
        let mut is_due = |free: &[RobotId], at_ms: u64| is_due(&mut fleet, free, 0, Time(1_000_000 + at_ms));
        assert!(is_due(none, 0));
        assert!(is_due(one, 1), "a robot has come");
        assert!(!is_due(one, 100), "for each 20 jobs the next look waits a millisecond");
        assert!(is_due(one, 101));
        assert!(!is_due(none, 102));
        assert!(is_due(one, 103), "a robot has come again");
    }
}
