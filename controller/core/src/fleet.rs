//! Fleet: hard state. Events in, commands out, time as an argument; the same events give the same commands, always.
//!
//! ```text
//!   Event ──► step ──┬─ the event itself: a fact frees places, a job joins the queue ...
//!                    ├─ dispatch::pass     which robot, what next
//!                    ├─ plan::cycle        which way      (every cycle, or at once when a goal is new)
//!                    └─ release::extend    how far  ──►  Command
//! ```

mod state;

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_maps::{EdgeId, Layout, StationId};

use crate::audit::AuditEntry;
use crate::change::{self, Change, Pending};
use crate::clock::Time;
use crate::closure;
use crate::command::{Command, JobNews, Notification};
use crate::config::Config;
use crate::device::{self, Device, Level};
use crate::dispatch::{self, Places, Sequence};
use crate::event::{Event, Fact};
use crate::facts;
use crate::hold;
use crate::id::{DeviceId, Digest, JobId, RobotId, RobotName};
use crate::job::{Job, JobState};
use crate::layouts::Layouts;
use crate::operator::{self, Stop};
use crate::plan::{self, Distances, PlannerStats};
use crate::release;
use crate::robot::{Blocked, Robot};
use crate::serves;
use crate::stray;
use crate::traffic::Reservations;

pub(crate) use state::State;

/// How long an ended job can still be looked at, ms.
const ENDED_KEPT_MS: u64 = 3_600_000;
/// Old jobs are looked for whenever so much of the journal's time has passed, ms: a look goes through all of them.
const FORGET_EVERY_MS: u64 = 10_000;
/// Shortest time between two planning cycles, ms.
const CYCLE_MIN_MS: u64 = 100;
/// A pass over all tasks costs time in proportion to the robots: for each so many of them, the next waits a millisecond.
const ROBOTS_PER_DISPATCH_MS: u64 = 2;
/// A large fleet is planned no more seldom than this, ms.
const CYCLE_MAX_MS: u64 = 1_000;
/// A change waits for the next cycle for so long per robot of the fleet, at most a whole cycle, ms.
const CYCLE_MS_PER_ROBOT: u64 = 2;

/// Whom an event may let go on at once. Everybody else is looked at when the next plan is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Concerned {
    /// Nobody.
    Nobody,
    /// This robot, and those that wait for it.
    One(RobotId),
    /// Everybody.
    All,
}

impl Concerned {
    fn by(event: &Event) -> Concerned {
        match event {
            Event::Robot { robot, .. } => Concerned::One(*robot),
            Event::Configured(_)
            | Event::RobotEnrolled { .. }
            | Event::Device { .. }
            | Event::StrangersExpected(_)
            | Event::Wished { .. } => Concerned::All,
            Event::Tick
            | Event::JobSubmitted(_)
            | Event::JobCancelled { .. }
            | Event::JobUpdated { .. }
            | Event::LegConfirmed { .. }
            | Event::LegShort { .. }
            | Event::Audited(_)
            | Event::Confirmed { .. } => Concerned::Nobody,
        }
    }
}

/// The fleet of one site.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub(crate) layout: Arc<Layout>,
    /// Layouts at hand, this one among them.
    pub(crate) layouts: Layouts,
    /// What the pending layout changes.
    pub(crate) change: Option<Arc<Change>>,
    /// The change that the last step made: who keeps ids beside the state carries them over, too.
    pub(crate) carried: Option<Arc<Change>>,
    pub(crate) state: State,
    pub(crate) distances: Distances,
    /// `serves[robot type][station]`: the type can reach and leave it.
    serves: Vec<Vec<bool>>,
    /// Nodes nobody drives through.
    pub(crate) is_leaf: Vec<bool>,
    /// Nodes left by another way than they are entered by.
    pub(crate) is_pull_through: Vec<bool>,
    /// The device whose throat each node lies in.
    pub(crate) throats: Vec<Option<DeviceId>>,
    /// Who goes and stands where.
    pub(crate) places: Places,
    /// When `Event::Tick` is due, as the state says.
    timeout: Option<Time>,
}

/// Why a snapshot can't be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The bytes are not a snapshot.
    #[error("restore the fleet: the snapshot can't be read: {0}")]
    Format(#[from] rmp_serde::decode::Error),
    /// The layout is another one.
    #[error(
        "restore the fleet: the journal was written on layout {written:016x}, which isn't kept with it; site.layout is \
         {given:016x}: start once with the layout it was written on, then change it"
    )]
    Layout {
        /// Fingerprint in the snapshot.
        written: u64,
        /// Fingerprint of the layout given.
        given: u64,
    },
    /// The journal has a gap, or was changed.
    #[error("restore the fleet: {0}")]
    Journal(#[from] crate::replay::ReplayError),
}

impl Fleet {
    /// A fleet without robots and jobs; its options come with the first event.
    pub fn new(layouts: impl Into<Layouts>) -> Fleet {
        let layouts = layouts.into();
        let layout = Arc::clone(layouts.first());
        let state = State::new(&layout);
        Fleet::with(layouts, layout, state)
    }

    fn with(layouts: Layouts, layout: Arc<Layout>, mut state: State) -> Fleet {
        state.devices.resize_with(layout.devices().len(), Device::default);
        let (serves, is_leaf) = (serves::stations(&layout), serves::leaves(&layout));
        let is_pull_through = serves::pull_through(&layout);
        let throats = device::throats(&layout);
        let mut distances = Distances::default();
        distances.set_ground(&layout, &state.obstacles, &state.closed);
        let next = state.pending.as_ref().and_then(|pending| layouts.get(pending.fingerprint));
        let change = next.map(|next| Arc::new(Change::between(&layout, Arc::clone(next))));
        let mut fleet = Fleet {
            layout,
            layouts,
            change,
            carried: None,
            state,
            distances,
            serves,
            is_leaf,
            is_pull_through,
            throats,
            places: Places::default(),
            timeout: None,
        };
        fleet.timeout = fleet.first_timeout();
        fleet
    }

    /// The fleet in these bytes, on the layout they were written on.
    pub fn restore(layouts: impl Into<Layouts>, snapshot: &[u8]) -> Result<Fleet, RestoreError> {
        let (layouts, state): (Layouts, State) = (layouts.into(), rmp_serde::from_slice(snapshot)?);
        let given = layouts.first().fingerprint();
        let absent = |written| RestoreError::Layout { written, given };
        let written = state.layout_fingerprint;
        let layout = layouts.get(written).map(Arc::clone).ok_or_else(|| absent(written))?;
        if let Some(pending) = state.pending.as_ref().map(|pending| pending.fingerprint) {
            layouts.get(pending).ok_or_else(|| absent(pending))?;
        }
        Ok(Fleet::with(layouts, layout, state))
    }

    /// One more layout at hand, for a change to it; those that nothing needs any more are let go of.
    pub fn learn(&mut self, layout: Arc<Layout>) {
        let pending = self.state.pending.as_ref().map(|pending| pending.fingerprint);
        let present = self.layout.fingerprint();
        self.layouts.keep(&[present, pending.unwrap_or(present)]);
        self.layouts.add(layout);
    }

    /// Everything that follows from the layout is made anew; the state was carried over.
    pub(crate) fn swap(&mut self, layout: &Arc<Layout>, state: State) {
        *self = Fleet::with(self.layouts.clone(), Arc::clone(layout), state);
    }

    /// All hard state as bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(&self.state).unwrap_or_default()
    }

    /// Hash of all hard state.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.snapshot())
    }

    /// One event: everything it changes and causes. A bad event becomes `Command::Reject`.
    pub fn step(&mut self, now: Time, event: Event, commands: &mut Vec<Command>) {
        #[cfg(test)]
        crate::site::planted(&event);
        let now = now.max(self.state.now);
        if now.0 / FORGET_EVERY_MS > self.state.now.0 / FORGET_EVERY_MS {
            self.forget(now);
        }
        self.state.now = now;
        if self.state.born == Time::default() {
            self.state.born = now;
        }
        let concerned = Concerned::by(&event);
        let mover = match &event {
            Event::Robot { robot, fact: Fact::Passed { .. } | Fact::Driving(_) } => Some(*robot),
            _ => None,
        };
        self.carried = None;
        self.take(event, now, commands);
        change::pass(self, now, commands);
        self.places.forget();
        if mover.is_none_or(|robot| self.state.robots.get(robot.index()).is_some_and(Robot::is_at_goal)) {
            self.dispatch(concerned, now, commands);
        }
        let concerned = if self.plan(now, commands) { Concerned::All } else { concerned };
        release::extend(self, concerned, now, commands);
        if concerned == Concerned::All {
            device::pass(self, now, commands);
            hold::pass(self, commands);
        }
        stray::pass(self, commands);
        self.note_timeout(concerned);
    }

    /// What the event itself changes.
    fn take(&mut self, event: Event, now: Time, commands: &mut Vec<Command>) {
        match event {
            Event::Tick => {
                closure::expire(self, now, commands);
                facts::ask_refusing(self, now, commands);
                dispatch::end_dwells(self, now, commands);
            }
            Event::Configured(config) => self.state.config = *config,
            Event::JobSubmitted(spec) => dispatch::submit(self, *spec, now, commands),
            Event::JobCancelled { job } => dispatch::cancel(self, &job, now, commands),
            Event::JobUpdated { job, due_at, priority } => {
                dispatch::update(self, &job, due_at, priority, commands)
            }
            Event::LegConfirmed { job, leg, by: _ } => dispatch::confirm(self, &job, leg, now, commands),
            Event::LegShort { job, short, by: _ } => dispatch::note_short(self, &job, short, now, commands),
            Event::RobotEnrolled { name, robot_type } => self.enroll(name, robot_type, now),
            Event::Robot { robot, fact } => facts::take(self, robot, fact, now, commands),
            Event::Device { device, fact } => device::take(self, device, fact, commands),
            Event::Wished { by, wish } => operator::wish(self, by, *wish, now, commands),
            Event::Audited(entry) => self.state.audit.note(*entry),
            Event::StrangersExpected(expected) => self.state.expects_strangers = expected,
            Event::Confirmed { n } => self.state.outbox.retain(|notification| notification.n > n),
        }
    }

    /// Whoever may go on with its task does: everybody, or the robot concerned alone while the last pass is too young.
    fn dispatch(&mut self, concerned: Concerned, now: Time, commands: &mut Vec<Command>) {
        let pace_ms = self.state.robots.len() as u64 / ROBOTS_PER_DISPATCH_MS;
        if now.since_ms(self.state.dispatched_at) >= pace_ms {
            self.state.dispatched_at = now;
            dispatch::pass(self, now, commands);
        } else if let Concerned::One(robot) = concerned {
            dispatch::hear(self, robot, now, commands);
        }
    }

    /// A new plan when one is due, with everything decided before that it should know; says whether it was.
    fn plan(&mut self, now: Time, commands: &mut Vec<Command>) -> bool {
        if now < self.next_plan() {
            return false;
        }
        if self.state.dispatched_at < now {
            self.state.dispatched_at = now;
            dispatch::pass(self, now, commands);
        }
        self.state.plan_is_due = false;
        self.state.planned_at = now;
        plan::cycle(self, now, commands);
        true
    }

    /// A plan costs time in proportion to the robots: the more there are, the longer a change waits for others.
    fn next_plan(&self) -> Time {
        let cycle_ms = self.cycle_ms();
        let soon_ms = self.planning_ms().clamp(CYCLE_MIN_MS, cycle_ms.max(CYCLE_MIN_MS));
        self.state.planned_at.plus_ms(if self.state.plan_is_due { soon_ms.min(cycle_ms) } else { cycle_ms })
    }

    /// Time between two plans when nothing changes, ms: as the site says, or longer if the fleet is large.
    pub(crate) fn cycle_ms(&self) -> u64 {
        self.state.config.cycle_ms.max(self.planning_ms().min(CYCLE_MAX_MS))
    }

    fn planning_ms(&self) -> u64 {
        CYCLE_MS_PER_ROBOT * self.state.robots.len() as u64
    }

    /// When `Event::Tick` is due; none while nothing moves and nothing waits.
    pub fn next_timeout(&self) -> Option<Time> {
        self.timeout
    }

    fn note_timeout(&mut self, concerned: Concerned) {
        let Concerned::One(robot) = concerned else {
            self.timeout = self.first_timeout();
            return;
        };
        let robot = &self.state.robots[robot.index()];
        let next = (robot.is_busy() || self.state.plan_is_due).then(|| self.next_plan());
        self.timeout = self.timeout.into_iter().chain(next).chain(robot.dwells_until()).min();
    }

    fn first_timeout(&self) -> Option<Time> {
        let robots = &self.state.robots;
        let is_due = self.state.plan_is_due
            || robots.iter().any(Robot::is_busy)
            || (!self.state.queue.is_empty() && robots.iter().any(Robot::is_usable))
            || self.state.devices.iter().any(|device| device.want == Level::Open)
            || self.change.is_some();
        let dwells = robots.iter().filter_map(Robot::dwells_until).min();
        let ends = dwells.into_iter().chain(closure::next_end(self)).chain(change::next_tell(self));
        ends.chain(is_due.then(|| self.next_plan())).min()
    }

    fn enroll(&mut self, name: RobotName, robot_type: drover_maps::TypeId, now: Time) {
        if self.state.names.contains_key(&name) || robot_type.index() >= self.layout.robot_types().len() {
            return;
        }
        let id = RobotId(self.state.robots.len() as u32);
        self.state.names.insert(name.clone(), id);
        self.state.robots.push(Robot::new(name, robot_type, now));
    }

    /// Ends a job: its robot is free, its sequence goes on or is held, the customer is told.
    pub(crate) fn end_job(
        &mut self,
        id: &JobId,
        state: JobState,
        news: JobNews,
        now: Time,
        out: &mut Vec<Command>,
    ) {
        self.notify(id, news, now, out);
        let Some(job) = self.state.jobs.get_mut(id) else { return };
        self.state.queue.remove(&(9 - job.spec.priority.min(9), job.admitted, id.clone()));
        let robot = job.state.robot();
        self.places.forget();
        let is_failed = matches!(state, JobState::Failed(_));
        let is_done = state == JobState::Done;
        job.state = state;
        job.ended_at = Some(now);
        if let Some(robot) = robot {
            self.state.robots[robot.index()].free_of_task(now);
            if is_done {
                self.state.robots[robot.index()].load = None;
            }
        }
        let Some(name) = job.spec.sequence.clone() else { return };
        let holds = is_failed && self.layout.on_failure() == drover_maps::OnFailure::Hold;
        if let Some(sequence) = self.state.sequences.get_mut(&name) {
            sequence.members.retain(|member| member != id);
            if holds {
                sequence.held_by = Some(id.clone());
            } else if sequence.members.is_empty() && sequence.held_by.is_none() {
                self.state.sequences.remove(&name);
            }
        }
        if holds {
            self.tell_held(&name, id, now, out);
        }
    }

    fn tell_held(&mut self, sequence: &str, by: &JobId, now: Time, out: &mut Vec<Command>) {
        let members = self.state.sequences.get(sequence).map(|sequence| sequence.members.clone());
        for member in members.unwrap_or_default() {
            let reason =
                format!("job {by} of sequence {sequence} failed: cancel {by} to let the others go on");
            self.notify(&member, JobNews::Blocked { reason }, now, out);
        }
    }

    /// Tells the customer: numbered without a gap, kept until confirmed.
    pub(crate) fn notify(&mut self, id: &JobId, what: JobNews, now: Time, commands: &mut Vec<Command>) {
        let Some(job) = self.state.jobs.get(id) else { return };
        let robot = job.state.robot().map(|robot| self.state.robots[robot.index()].name.to_string());
        self.state.notified += 1;
        let notification = Notification {
            n: self.state.notified,
            at: now,
            job: id.clone(),
            order_id: job.spec.order_id.clone(),
            why: (what == JobNews::Assigned && !job.why.is_empty()).then(|| job.why.clone()),
            what,
            robot,
            extra: job.spec.extra.clone(),
        };
        self.state.outbox.push_back(notification.clone());
        commands.push(Command::Notify(Box::new(notification)));
    }

    pub(crate) fn next_action_id(&mut self, robot: RobotId) -> String {
        self.state.actions += 1;
        release::action_id(&self.state.config.site, self.state.born, robot, self.state.actions)
    }

    /// Lets go of jobs that ended long ago: first their bodies, then their ids.
    fn forget(&mut self, now: Time) {
        let is_old = |job: &Job| job.ended_at.is_some_and(|end| now.since_ms(end) >= ENDED_KEPT_MS);
        let old: Vec<JobId> =
            self.state.jobs.values().filter(|job| is_old(job)).map(|job| job.spec.id.clone()).collect();
        for id in old {
            if let Some(job) = self.state.jobs.remove(&id) {
                self.state.remembered.insert(id, (job.spec.fingerprint, job.ended_at.unwrap_or(now)));
            }
        }
        let kept = self.state.config.remember_jobs_ms;
        self.state.audit.forget(now);
        self.state.remembered.retain(|_, (_, ended)| now.since_ms(*ended) < kept);
    }

    /// Robots of this type can reach and leave the station.
    pub(crate) fn serves(&self, robot_type: usize, station: StationId) -> bool {
        self.serves[robot_type][station.index()]
    }

    /// Journal time of the last event.
    pub fn now(&self) -> Time {
        self.state.now
    }

    /// The map.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// The layout that was asked for and isn't in use yet.
    pub fn pending_layout(&self) -> Option<&Pending> {
        self.state.pending.as_ref()
    }

    /// Who and what is in its way, in words.
    pub fn layout_waits_for(&self) -> Vec<String> {
        change::waits_for(self)
    }

    /// The options.
    pub fn config(&self) -> &Config {
        &self.state.config
    }

    /// All robots, by id.
    pub fn robots(&self) -> &[Robot] {
        &self.state.robots
    }

    /// The robot of this name.
    pub fn robot_named(&self, name: &RobotName) -> Option<RobotId> {
        self.state.names.get(name).copied()
    }

    /// Jobs that haven't ended, or ended lately, by id.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.state.jobs.values()
    }

    /// A job that hasn't ended, or ended lately.
    pub fn job(&self, id: &JobId) -> Option<&Job> {
        self.state.jobs.get(id)
    }

    /// Sequences with members that haven't ended.
    pub fn sequences(&self) -> impl Iterator<Item = (&str, &Sequence)> {
        self.state.sequences.iter().map(|(name, sequence)| (name.as_str(), sequence))
    }

    /// The sequence of this name, while members of it haven't ended or it is held.
    pub fn sequence(&self, name: &str) -> Option<&Sequence> {
        self.state.sequences.get(name)
    }

    /// Who holds which place.
    pub fn reservations(&self) -> &Reservations {
        &self.state.reservations
    }

    /// The site's devices, by place in `Layout::devices`.
    pub fn devices(&self) -> &[Device] {
        &self.state.devices
    }

    /// Zones that an operator stopped, by id.
    pub fn stopped_zones(&self) -> &BTreeMap<String, Stop> {
        &self.state.stopped
    }

    /// Edges that an operator closed.
    pub fn closed_edges(&self) -> &BTreeMap<EdgeId, Stop> {
        &self.state.closed_edges
    }

    /// Edges that robots say are blocked on their own ways, by robot.
    pub fn reported_edges(&self) -> impl Iterator<Item = (RobotId, Blocked)> {
        closure::reported(self)
    }

    /// Requests for changes, oldest first: the newest of them.
    pub fn audit(&self) -> impl DoubleEndedIterator<Item = &AuditEntry> {
        self.state.audit.entries.iter()
    }

    /// Notifications the broker hasn't confirmed yet, by number.
    pub fn outbox(&self) -> impl Iterator<Item = &Notification> {
        self.state.outbox.iter()
    }

    /// What planning has cost so far.
    pub fn planner_stats(&self) -> PlannerStats {
        self.state.planner
    }
}
