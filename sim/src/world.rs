//! The world: one process, one thread, simulated time. A [`Site`] and its robots, joined by a network and a store, judged
//! by the oracle. Nothing here decides for the fleet and nothing reads a clock: the same setup gives the same run, bit for
//! bit.
//!
//! ```text
//!   Queue ──(time, happening)──► World ──► Site::receive ──► effects ──► Store, Net, Intake
//!                                  │                                        │
//!                                  └──► Machine (robot) ◄───────────────────┘
//!                    everything that is written, sent or driven ──► Oracle, Tally, Trace
//! ```

use std::io;

use drover_core::job::JobRequest;
use drover_core::{
    Caller, DeviceMessage, Digest, Effect, Epoch, Input, JobId, RobotMessage, Site, Ticket, Time, ToRobot,
    Verdict,
};

use drover_proto::device::{DeviceRequest, DeviceState};

use crate::doors::{Door, DoorFault};
use crate::intake::Intake;
use crate::machine::Machine;
use crate::net::{Net, Way};
use crate::oracle::{Oracle, Truth, Violation};
use crate::people::People;
use crate::queue::Queue;
use crate::rng::Rng;
use crate::scenario::{START, Setup};
use crate::store::Store;
use crate::tally::Tally;
use crate::trace::Trace;
use crate::why;
use crate::wire::{Wire, WireError};

/// Time between two looks at all true places, ms.
const LOOK_MS: u64 = 200;
/// Another robot this near may touch one within a look, m.
const NEAR_M: f64 = 5.0;

/// What can happen next.
#[derive(Debug)]
enum Happening {
    /// The site asked to be woken.
    SiteTimer,
    /// A robot's broker session stands.
    Connect(usize),
    /// A robot asked to be woken.
    RobotTimer(usize),
    /// A message arrives at a robot.
    Down(usize, ToRobot),
    /// A message arrives at the controller.
    Up(usize, RobotMessage),
    /// A producer publishes a job.
    Publish(usize),
    /// A job arrives at the controller.
    Job(usize),
    /// The append in flight is durable.
    Committed,
    /// The events broker confirms.
    Confirmed(u64),
    /// A person at a station confirms.
    Person(JobId, usize),
    /// A request arrives at a door.
    DoorDown(usize, DeviceRequest),
    /// A door's state arrives at the controller.
    DoorUp(usize, DeviceState),
    /// A door's fault begins or ends.
    DoorFault(usize, Option<DoorFault>),
    /// An operator wants something.
    Operator(usize),
    /// The oracle looks at the floor.
    Look,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// What became of the jobs.
    pub tally: Tally,
    /// Broken invariants.
    pub violations: Vec<Violation>,
    /// Digest of the fleet at the end.
    pub digest: Digest,
    /// Simulated time, ms.
    pub sim_ms: u64,
    /// Robots.
    pub robots: usize,
    /// Order messages sent, states heard, journalled events.
    pub traffic: Traffic,
    /// Why the run ended.
    pub end: End,
    /// Whether the whole trace could be written, if one was wanted.
    pub trace: io::Result<()>,
}

impl Outcome {
    /// Jobs done per simulated hour, until the last was done.
    pub fn jobs_per_hour(&self) -> f64 {
        let busy_ms = self.tally.last_done.map_or(0, |at| at.since_ms(START));
        if busy_ms == 0 { 0.0 } else { self.tally.done as f64 * 3_600_000.0 / busy_ms as f64 }
    }
}

/// Messages and events counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages to robots.
    pub down: u64,
    /// Messages from robots.
    pub up: u64,
    /// Journalled events.
    pub events: u64,
    /// Alarms.
    pub alarms: u64,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every job has ended.
    Over,
    /// Jobs are left and nothing was heard of any for too long.
    Quiet,
    /// The simulated time is used up.
    OutOfTime,
    /// Enough invariants broke.
    Broken,
}

/// A run in progress.
pub struct World<'a> {
    setup: Setup,
    wire: Wire,
    now: Time,
    queue: Queue<Happening>,
    site: Site,
    site_timer: Option<Time>,
    robots: Vec<Machine>,
    truths: Vec<Truth>,
    doors: Vec<Door>,
    net: Net,
    store: Store,
    intake: Intake,
    people: People,
    events_delay: Rng,
    oracle: Oracle,
    tally: Tally,
    traffic: Traffic,
    last_news: Time,
    trace: Option<Trace<'a>>,
    effects: Vec<Effect>,
}

impl<'a> World<'a> {
    /// A world before its first moment.
    pub fn new(setup: Setup, wire: Wire, trace: Option<Trace<'a>>) -> World<'a> {
        let layout = setup.layout.clone();
        let robots: Vec<Machine> =
            setup.robots.iter().map(|begin| Machine::new(&layout, begin, START)).collect();
        let names = setup.robots.iter().map(|begin| begin.name.clone()).collect();
        let stream = |name| Rng::new(setup.seed, name);
        World {
            site: Site::new(layout.clone(), setup.config.clone(), Epoch(1), START),
            net: Net::new(robots.len(), setup.latency, stream("net")),
            store: Store::new(setup.commit, stream("store")),
            intake: Intake::new(setup.latency, stream("intake")),
            people: People::new(stream("people")),
            events_delay: stream("events"),
            oracle: Oracle::new(layout.clone(), names, START),
            tally: Tally::new(setup.jobs.iter().map(|(_, job)| job)),
            doors: Door::all(&layout, &setup.doors, START),
            truths: robots.iter().map(Machine::truth).collect(),
            queue: Queue::default(),
            site_timer: None,
            now: START,
            last_news: START,
            traffic: Traffic::default(),
            effects: Vec::new(),
            robots,
            setup,
            wire,
            trace,
        }
    }

    /// Runs until every job has ended, or the run is cut off. `progress` is called at each look with the time and the tally.
    pub fn run(mut self, progress: &mut dyn FnMut(u64, &Tally)) -> Result<Outcome, WireError> {
        self.begin();
        let end = loop {
            let Some((at, happening)) = self.queue.pop() else { break End::Quiet };
            self.now = at;
            if matches!(happening, Happening::Look) {
                progress(self.now.since_ms(START), &self.tally);
            }
            self.happen(happening)?;
            if let Some(end) = self.end() {
                break end;
            }
        };
        self.settle()?;
        Ok(self.close(end))
    }

    fn begin(&mut self) {
        let mut rng = Rng::new(self.setup.seed, "connect");
        for robot in 0..self.robots.len() {
            self.queue.push(START.plus_ms(rng.within(0, self.setup.connect_ms)), Happening::Connect(robot));
        }
        for (index, (at, _)) in self.setup.jobs.iter().enumerate() {
            self.queue.push(*at, Happening::Publish(index));
        }
        self.queue.push(START, Happening::Look);
        for (index, (at, _)) in self.setup.wishes.iter().enumerate() {
            self.queue.push(*at, Happening::Operator(index));
        }
        for line in &self.setup.doors.fault {
            let Some(door) = self.doors.iter().position(|door| door.name == line.id) else { continue };
            let at = |s: u64| START.plus_ms(s * 1_000);
            self.queue.push(at(line.from_s), Happening::DoorFault(door, Some(line.what)));
            if let Some(until_s) = line.until_s {
                self.queue.push(at(until_s), Happening::DoorFault(door, None));
            }
        }
        if let Some(trace) = &mut self.trace {
            trace.head(&self.setup.layout, &self.setup.robots, self.setup.seed);
        }
        self.arm_site();
    }

    fn end(&self) -> Option<End> {
        let elapsed_ms = self.now.since_ms(START);
        let quiet_ms = self.setup.expect.quiet_minutes_max * 60_000;
        if self.oracle.is_full() {
            Some(End::Broken)
        } else if self.tally.is_over() && self.site.is_idle() {
            Some(End::Over)
        } else if elapsed_ms as f64 > self.setup.expect.hours_max * 3_600_000.0 {
            Some(End::OutOfTime)
        } else if self.now.since_ms(self.last_news) > quiet_ms {
            Some(End::Quiet)
        } else {
            None
        }
    }

    fn happen(&mut self, happening: Happening) -> Result<(), WireError> {
        match happening {
            Happening::SiteTimer if self.site_timer != Some(self.now) => Ok(()),
            Happening::SiteTimer => {
                self.site_timer = None;
                self.tell(Input::Clock)
            }
            Happening::Connect(robot) => {
                self.robots[robot].connect(self.now);
                self.listen(robot)
            }
            Happening::RobotTimer(robot) if self.robots[robot].armed != Some(self.now) => Ok(()),
            Happening::RobotTimer(robot) => {
                self.robots[robot].armed = None;
                self.robots[robot].advance(self.now);
                self.listen(robot)
            }
            Happening::Down(robot, message) => {
                self.robots[robot].hear(self.now, self.wire.down(message)?);
                self.listen(robot)
            }
            Happening::Up(robot, message) => self.hear(robot, message),
            Happening::Publish(index) => self.publish(index),
            Happening::Job(index) => self.hand_over(index),
            Happening::Committed => self.commit(),
            Happening::Confirmed(n) => self.tell(Input::EventConfirmed { n }),
            Happening::Person(job, leg) => self.tell(Input::Confirm {
                ticket: None,
                job,
                leg,
                by: Caller { name: "a person at the station".into(), ..Caller::default() },
            }),
            Happening::DoorDown(door, request) => {
                self.doors[door].hear(self.now, &request);
                self.listen_to_door(door);
                Ok(())
            }
            Happening::DoorUp(door, state) => {
                self.oracle.device_heard(self.now, door, &state);
                let name = self.doors[door].name.clone();
                self.tell(Input::Device { name, message: DeviceMessage::State(state) })
            }
            Happening::DoorFault(door, fault) => {
                self.doors[door].set_fault(self.now, fault);
                Ok(())
            }
            Happening::Operator(index) => {
                let wish = self.setup.wishes[index].1.clone();
                let by = Caller { name: "the operator".into(), ..Caller::default() };
                self.tell(Input::Wish { ticket: None, wish, by })
            }
            Happening::Look => self.look(),
        }
    }

    /// A message reaches the controller: what the oracle takes as evidence.
    fn hear(&mut self, robot: usize, message: RobotMessage) -> Result<(), WireError> {
        self.traffic.up += 1;
        if let Some(trace) = &mut self.trace {
            trace.up(self.now, &self.robots[robot], &message, true);
        }
        if let RobotMessage::State(state) = &message {
            self.oracle.state_heard(self.now, robot, state);
        }
        let name = self.robots[robot].name.clone();
        let message = self.wire.up(message)?;
        self.tell(Input::Robot { name, message })
    }

    /// Takes what a robot says and sets its timer.
    fn listen(&mut self, robot: usize) -> Result<(), WireError> {
        while let Some(message) = self.robots[robot].say() {
            if let Some(trace) = &mut self.trace {
                trace.up(self.now, &self.robots[robot], &message, false);
            }
            if let RobotMessage::State(state) = &message {
                self.oracle.state_said(self.now, robot, state);
                self.look_at(robot);
            }
            let at = self.net.arrival(robot, Way::Up, self.now);
            self.queue.push(at, Happening::Up(robot, message));
        }
        let next = self.robots[robot].next_timeout().map(|at| at.max(self.now));
        if next != self.robots[robot].armed {
            self.robots[robot].armed = next;
            if let Some(at) = next {
                self.queue.push(at, Happening::RobotTimer(robot));
            }
        }
        Ok(())
    }

    fn publish(&mut self, index: usize) -> Result<(), WireError> {
        let job = &self.setup.jobs[index].1;
        self.oracle.job_published(job);
        if let Some(trace) = &mut self.trace {
            trace.job(self.now, job);
        }
        self.last_news = self.now;
        self.intake.publish(index);
        self.deliver();
        Ok(())
    }

    fn deliver(&mut self) {
        while let Some((at, index)) = self.intake.deliver(self.now) {
            self.queue.push(at, Happening::Job(index));
        }
    }

    fn hand_over(&mut self, index: usize) -> Result<(), WireError> {
        let request = JobRequest::Submit(Box::new(self.setup.jobs[index].1.clone()));
        self.tell(Input::Job { ticket: Some(Ticket(index as u64)), request, by: None })
    }

    fn commit(&mut self) -> Result<(), WireError> {
        let Some(record) = self.store.commit() else { return Ok(()) };
        self.traffic.events += record.entries.len() as u64;
        self.oracle.recorded(self.now, &record);
        if let Some(trace) = &mut self.trace {
            trace.record(self.now, &record);
        }
        self.tell(Input::Committed { seq_to: record.seq_to })
    }

    /// The shell's only work: hand over one input, carry out the effects in order.
    fn tell(&mut self, input: Input) -> Result<(), WireError> {
        let mut effects = std::mem::take(&mut self.effects);
        self.site.receive(self.now, input, &mut effects);
        for effect in effects.drain(..) {
            self.carry_out(effect);
        }
        self.effects = effects;
        self.arm_site();
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Append(record) => {
                let at = self.store.append(self.now, record);
                self.queue.push(at, Happening::Committed);
            }
            Effect::Answer { verdict, .. } => {
                self.tally.refused += usize::from(matches!(verdict, Verdict::Rejected { .. }));
                self.intake.answer();
                self.deliver();
            }
            Effect::Send { name, message } => self.send(&name, message),
            Effect::Notify(notification) => {
                self.oracle.notified(self.now, &notification);
                self.tally.notified(&notification);
                if let Some(trace) = &mut self.trace {
                    trace.notification(self.now, &notification);
                }
                self.last_news = self.now;
                let delay = self.events_delay.within(self.setup.latency.min_ms, self.setup.latency.max_ms);
                self.queue.push(self.now.plus_ms(delay), Happening::Confirmed(notification.n));
            }
            Effect::SendDevice { name, request } => self.send_device(&name, request),
            Effect::Alarm(_) => self.traffic.alarms += 1,
            Effect::Snapshot { seq, bytes } => self.store.keep_snapshot(seq, bytes),
        }
    }

    fn send(&mut self, name: &drover_core::RobotName, message: ToRobot) {
        let Some(robot) = self.robots.iter().position(|robot| robot.name == *name) else { return };
        self.traffic.down += 1;
        if let Some(trace) = &mut self.trace {
            trace.down(self.now, &self.robots[robot], &message);
        }
        if let ToRobot::Order(order) = &message {
            self.oracle.order_sent(self.now, robot, order);
        }
        let at = self.net.arrival(robot, Way::Down, self.now);
        self.queue.push(at, Happening::Down(robot, message));
    }

    fn send_device(&mut self, name: &str, request: DeviceRequest) {
        let Some(door) = self.doors.iter().position(|door| door.name == name) else { return };
        let delay = self.door_delay();
        self.queue.push(self.now.plus_ms(delay), Happening::DoorDown(door, request));
    }

    fn listen_to_door(&mut self, door: usize) {
        if let Some(state) = self.doors[door].say(self.now) {
            let delay = self.door_delay();
            self.queue.push(self.now.plus_ms(delay), Happening::DoorUp(door, state));
        }
    }

    /// Always the longest: a door's messages stay in order.
    fn door_delay(&self) -> u64 {
        self.setup.latency.max_ms
    }

    fn arm_site(&mut self) {
        let next = self.site.next_timeout().map(|at| at.max(self.now));
        if next != self.site_timer {
            self.site_timer = next;
            if let Some(at) = next {
                self.queue.push(at, Happening::SiteTimer);
            }
        }
    }

    /// The oracle's fine grid of time: every robot where it truly is.
    fn look(&mut self) -> Result<(), WireError> {
        for robot in 0..self.robots.len() {
            self.robots[robot].advance(self.now);
            self.listen(robot)?;
            self.truths[robot] = self.robots[robot].truth();
        }
        for door in 0..self.doors.len() {
            self.doors[door].advance(self.now);
            self.listen_to_door(door);
        }
        let is_open: Vec<bool> = self.doors.iter().map(Door::is_open).collect();
        self.oracle.looked(self.now, &self.truths, &is_open);
        if let Some(trace) = &mut self.trace {
            trace.poses(self.now, &self.robots, &self.truths);
        }
        for (at, job, leg) in self.people.look(self.now, self.site.fleet()) {
            self.queue.push(at, Happening::Person(job, leg));
        }
        self.queue.push(self.now.plus_ms(LOOK_MS), Happening::Look);
        Ok(())
    }

    /// One robot at its state event, beside those that were near at the last look.
    fn look_at(&mut self, robot: usize) {
        let truth = self.robots[robot].truth();
        let is_near = |other: &Truth| {
            (other.outline.x_m - truth.outline.x_m).abs() < NEAR_M
                && (other.outline.y_m - truth.outline.y_m).abs() < NEAR_M
        };
        let near: Vec<usize> =
            (0..self.truths.len()).filter(|other| *other != robot && is_near(&self.truths[*other])).collect();
        let near: Vec<(usize, Truth)> = near
            .into_iter()
            .map(|other| {
                // What it has to say now stays with it: its own timer is due at this very moment.
                self.robots[other].advance(self.now);
                (other, self.robots[other].truth())
            })
            .collect();
        self.oracle.looked_at(self.now, robot, &truth, &near);
    }

    /// Lets the append in flight end, so that the journal holds all that was stepped.
    fn settle(&mut self) -> Result<(), WireError> {
        while !self.site.is_idle() {
            let Some((at, happening)) = self.queue.pop() else { break };
            if matches!(happening, Happening::Committed) {
                self.now = at;
                self.commit()?;
            }
        }
        Ok(())
    }

    fn close(mut self, end: End) -> Outcome {
        let digest = self.site.fleet().digest();
        match self.store.records().collect::<Result<Vec<_>, _>>() {
            Ok(records) => self.oracle.replayed(self.now, records, digest),
            Err(error) => self.oracle.unreadable(self.now, &error),
        }
        if end != End::Over {
            let why = why::standing(self.site.fleet());
            let left: Vec<_> = self.site.fleet().jobs().filter(|job| !job.state.is_terminal()).collect();
            self.oracle.unfinished(self.now, &left, why);
        }
        Outcome {
            tally: self.tally,
            violations: self.oracle.into_violations(),
            digest,
            sim_ms: self.now.since_ms(START),
            robots: self.robots.len(),
            traffic: self.traffic,
            end,
            trace: self.trace.map_or(Ok(()), Trace::finish),
        }
    }
}
