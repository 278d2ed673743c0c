//! What the customer's side publishes, in queue order: the jobs, and, where a fault says so, bad ones among them, some twice,
//! and second thoughts.

use drover_core::job::{JobRequest, JobSpec, LegSpec};
use drover_core::{JobId, Time};
use drover_maps::Layout;

use crate::fault::{Kind, Talk};
use crate::rng::Rng;
use crate::scenario::Setup;

/// A second thought comes so long after its job, ms: earliest and latest.
const SECOND_THOUGHT_MS: [u64; 2] = [500, 120_000];

/// All requests with the time each is published, in queue order.
pub(crate) fn requests(setup: &Setup, layout: &Layout, rng: &mut Rng) -> Vec<(Time, JobRequest)> {
    let (jobs, faults) = (&setup.jobs, &setup.faults);
    let mut requests: Vec<(Time, JobRequest)> = Vec::with_capacity(jobs.len());
    for (at, job) in jobs {
        let happens = |talk: Talk, rng: &mut Rng| {
            let share = faults.iter().filter(|fault| fault.kind == Kind::Jobs(talk) && fault.from <= *at);
            let share = share.filter(|fault| fault.until.is_none_or(|until| *at < until));
            share.map(|fault| fault.strength).max().is_some_and(|share| rng.below(100) < share)
        };
        let later = |rng: &mut Rng| at.plus_ms(rng.within(SECOND_THOUGHT_MS[0], SECOND_THOUGHT_MS[1]));
        requests.push((*at, JobRequest::Submit(Box::new(job.clone()))));
        if happens(Talk::Twice, rng) {
            requests.push((later(rng), JobRequest::Submit(Box::new(job.clone()))));
        }
        if happens(Talk::Changed, rng) {
            requests.push((later(rng), change(job, rng)));
        }
        if happens(Talk::Poison, rng) {
            requests.push((*at, poison(job, layout, rng)));
        }
    }
    requests.extend(setup.changes.iter().cloned());
    requests.sort_by_key(|(at, _)| *at);
    requests
}

fn change(job: &JobSpec, rng: &mut Rng) -> JobRequest {
    let id = job.id.clone();
    match rng.below(3) {
        0 => JobRequest::Cancel(id),
        1 => JobRequest::Update { job: id, due_at: None, priority: Some(rng.below(10) as u8) },
        _ => {
            JobRequest::Update { job: id, due_at: job.due_at.map(|due| due.plus_ms(60_000)), priority: None }
        }
    }
}

/// A request that must be refused.
fn poison(job: &JobSpec, layout: &Layout, rng: &mut Rng) -> JobRequest {
    let mut bad = JobSpec { id: JobId(format!("{}-bad", job.id)), ..job.clone() };
    bad.fingerprint ^= 1;
    bad.sequence = None;
    match rng.below(6) {
        0 => return JobRequest::Cancel(JobId(format!("{}-unknown", job.id))),
        1 => bad.legs.clear(),
        2 => bad.id = job.id.clone(),
        3 if all_declare_capabilities(layout) => bad.requires = vec!["no-robot-can".to_owned()],
        4 => match island(layout) {
            Some(station) => bad.legs.iter_mut().for_each(|leg| leg.station.clone_from(&station)),
            None => nowhere(&mut bad.legs),
        },
        _ => nowhere(&mut bad.legs),
    }
    JobRequest::Submit(Box::new(bad))
}

fn nowhere(legs: &mut [LegSpec]) {
    legs.iter_mut().for_each(|leg| leg.station = "NOWHERE".to_owned());
}

fn all_declare_capabilities(layout: &Layout) -> bool {
    layout.robot_types().iter().all(|robot_type| robot_type.capabilities.is_some())
}

/// A station that no way leads to.
fn island(layout: &Layout) -> Option<String> {
    let is_cut_off =
        |station: &&drover_maps::Station| station.nodes.iter().all(|node| layout.in_edges(*node).is_empty());
    layout.stations().iter().find(is_cut_off).map(|station| station.name.clone())
}
