//! How much each station is asked for.

use drover_maps::StationId;

use crate::dispatch::policy::Policy;
use crate::fleet::Fleet;
use crate::job::Job;
use crate::robot::Robot;

/// By station.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    /// Robots on their way there, or there.
    waiting: Vec<usize>,
    /// Robots that have been given a job that still leads there, now or later.
    bound: Vec<u32>,
    /// Queued jobs that lead there.
    queued: Vec<u32>,
}

impl Demand {
    /// As things are now, without the queue: that may be long.
    pub(crate) fn of(fleet: &Fleet) -> Demand {
        let stations = fleet.layout.stations().len();
        let mut demand =
            Demand { waiting: vec![0; stations], bound: vec![0; stations], queued: vec![0; stations] };
        let job_of = |id| fleet.state.jobs.get(id);
        fleet.state.robots.iter().filter_map(Robot::job).filter_map(job_of).for_each(|job| demand.add(job));
        demand
    }

    /// With all jobs in the queue counted, if the policy weighs them.
    pub(crate) fn seen_by(policy: &dyn Policy, fleet: &Fleet) -> Demand {
        let mut demand = Demand::of(fleet);
        if policy.weighs_backlog() {
            for job in fleet.state.queue.iter().filter_map(|(.., id)| fleet.state.jobs.get(id)) {
                job.stations.iter().for_each(|station| demand.queued[station.index()] += 1);
            }
        }
        demand
    }

    /// A robot has the job now.
    pub(crate) fn add(&mut self, job: &Job) {
        job.station().into_iter().for_each(|station| self.waiting[station.index()] += 1);
        let left = job.stations.iter().skip(job.legs_done);
        left.for_each(|station| self.bound[station.index()] += 1);
    }

    /// Robots on their way to the station, or there.
    pub(crate) fn waiting(&self, station: StationId) -> usize {
        self.waiting[station.index()]
    }

    /// Robots that have jobs which lead to the job's stations, counted at each.
    pub(crate) fn busy(&self, job: &Job) -> u32 {
        job.stations.iter().map(|station| self.bound[station.index()]).sum()
    }

    /// Queued jobs that lead to that of the job's stations to which most do; 0 where nobody counted them.
    pub(crate) fn backlog(&self, job: &Job) -> u32 {
        job.stations.iter().map(|station| self.queued[station.index()]).max().unwrap_or(0)
    }
}
