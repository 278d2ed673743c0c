//! The world: one process, one thread, simulated time. Processes of the controller over one store, and robots, joined by a
//! network, judged by the oracle. Nothing here decides for the fleet and nothing reads a clock: the same setup gives the
//! same run, bit for bit.
//!
//! ```text
//!   Queue ──(time, happening)──► World ──► Process: Site::receive ──► effects ──► Store, Net, Intake
//!                                  │                                                │
//!                                  ├──► Machine (robot), Door ◄─────────────────────┘
//!                                  └──► faults, people
//!                    everything that is written, sent or driven ──► Oracle, Tally, Trace
//! ```
//!
//! Phases: faults, until `heal`; then live, until every job has ended; then the journal is replayed.

mod control;
mod floor;
mod hands;
mod harm;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use drover_core::job::{JobRequest, Short};
use drover_core::robot::Task;
use drover_core::{Digest, Fleet, Input, JobId, RobotMessage, RobotName, Time, ToRobot};
use drover_proto::device::{DeviceRequest, DeviceState};

use crate::cold::Cold;
use crate::delays::Delays;
use crate::doors::{Door, DoorFault};
use crate::intake::{Delivery, Intake};
use crate::machine::{Begin, Machine};
use crate::marks::Marks;
use crate::mutant::{Mutant, Plant};
use crate::net::Net;
use crate::oracle::{Oracle, Truth, Violation};
use crate::people::People;
use crate::process::Process;
use crate::queue::Queue;
use crate::record::{Recorder, Recording};
use crate::requests;
use crate::rng::Rng;
use crate::scenario::{START, Setup};
use crate::store::Store;
use crate::tally::Tally;
use crate::trace::Trace;
use crate::waits::Waits;
use crate::why;
use crate::wire::{Wire, WireError};
use floor::Line;

/// Time between two looks at all true places, ms.
const LOOK_MS: u64 = 200;

/// What can happen next. `life` and `session` name the life of a process and the session of a robot it is meant for.
#[derive(Debug)]
enum Happening {
    /// A process asked to be woken.
    SiteTimer { process: usize, life: u64 },
    /// A process starts.
    Start { process: usize },
    /// A process looks at the lease.
    Lease { process: usize, life: u64 },
    /// A process wakes up.
    Wake { process: usize, life: u64 },
    /// The store comes to the append in flight.
    Append { process: usize, life: u64 },
    /// The events broker confirms.
    Confirmed { process: usize, life: u64, n: u64 },
    /// A robot's broker session stands.
    Connect { robot: usize },
    /// The broker notices that a robot is gone.
    Will { robot: usize, session: u64 },
    /// A robot asked to be woken.
    RobotTimer { robot: usize },
    /// A message arrives at a robot.
    Down { robot: usize, session: u64, message: ToRobot },
    /// A message arrives at the controller.
    Up { robot: usize, message: RobotMessage },
    /// A producer publishes a request.
    Publish { request: usize },
    /// A request arrives at the controller.
    Deliver(Delivery),
    /// A person at a station confirms.
    Person { job: JobId, leg: usize },
    /// A person at a station says that less was there than ordered.
    Short { job: JobId, short: Short },
    /// A request arrives at a door.
    DoorDown { door: usize, request: DeviceRequest },
    /// A door's state arrives at the controller.
    DoorUp { door: usize, state: DeviceState },
    /// A door's fault begins or ends.
    DoorFault { door: usize, fault: Option<DoorFault> },
    /// An operator of the scenario wants something.
    Operator { wish: usize },
    /// A fault begins.
    FaultOn { fault: usize },
    /// A fault ends.
    FaultOff { fault: usize },
    /// A robot that floods sends once more.
    Flood { robot: usize, every_ms: u64 },
    /// All faults end.
    Heal,
    /// The oracle looks at the floor.
    Look,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// What became of the jobs.
    pub tally: Tally,
    /// How long loads were out of the cold.
    pub cold: Cold,
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
    /// How much robots waited for each other.
    pub waits: Waits,
    /// Jams handed to the joint search.
    pub breaker_calls: u64,
    /// What was seen at least once: faults that bit, codes that were given.
    pub marks: Marks,
    /// Why the run ended.
    pub end: End,
    /// What it looked like, if that was wanted.
    pub recording: Option<Recording>,
    /// Whether the whole trace could be written, if one was wanted.
    pub trace: io::Result<()>,
}

impl Outcome {
    /// The run's last moment.
    pub fn end_at(&self) -> Time {
        START.plus_ms(self.sim_ms)
    }

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
    /// Points at which a process could have been struck.
    pub points: u64,
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
    processes: Vec<Process>,
    store: Store,
    chance: Rng,
    /// The process that has the site's session with the robots' broker.
    speaker: Option<usize>,
    /// The process that reads the jobs' queue.
    consumer: Option<usize>,
    robots: Vec<Machine>,
    places: BTreeMap<RobotName, usize>,
    lines: Vec<Line>,
    truths: Vec<Truth>,
    doors: Vec<Door>,
    net: Net,
    intake: Intake,
    requests: Vec<(Time, JobRequest)>,
    refused: BTreeSet<usize>,
    published: usize,
    people: People,
    events_delay: Rng,
    delays: Delays,
    ailing: harm::Ailing,
    oracle: Oracle,
    tally: Tally,
    cold: Cold,
    traffic: Traffic,
    waits: Waits,
    marks: Marks,
    last_news: Time,
    trace: Option<Trace<'a>>,
    recorder: Option<Recorder>,
    mutant: Option<Mutant>,
}

impl<'a> World<'a> {
    /// A world before its first moment.
    pub fn new(setup: Setup, wire: Wire, trace: Option<Trace<'a>>) -> World<'a> {
        let layout = setup.layout.clone();
        let robots: Vec<Machine> =
            setup.robots.iter().map(|begin| Machine::new(&layout, begin, START)).collect();
        let names: Vec<RobotName> = setup.robots.iter().map(|begin| begin.name.clone()).collect();
        let stream = |name| Rng::new(setup.seed, name);
        World {
            processes: (0..if setup.standby { 2 } else { 1 }).map(|_| Process::default()).collect(),
            net: Net::new(robots.len(), setup.latency, stream("net")),
            store: Store::default(),
            chance: stream("chance"),
            speaker: None,
            consumer: None,
            intake: Intake::new(setup.latency, stream("intake")),
            requests: requests::requests(&setup, &layout, &mut stream("requests")),
            refused: BTreeSet::new(),
            published: 0,
            people: People::new(stream("people")),
            events_delay: stream("events"),
            delays: Delays::new(robots.len(), setup.delay_pct, stream("delays")),
            ailing: harm::Ailing::new(&setup),
            places: names.iter().cloned().zip(0..).collect(),
            lines: robots.iter().map(|_| Line::default()).collect(),
            oracle: Oracle::new(layout.clone(), names, START),
            tally: Tally::new(setup.jobs.iter().map(|(_, job)| job)),
            cold: Cold::new(layout.clone(), setup.jobs.iter().map(|(_, job)| job), START),
            doors: Door::all(&layout, &setup.doors, START),
            truths: robots.iter().map(Machine::truth).collect(),
            queue: Queue::default(),
            now: START,
            last_news: START,
            traffic: Traffic::default(),
            waits: Waits::default(),
            marks: Marks::default(),
            robots,
            setup,
            wire,
            trace,
            recorder: None,
            mutant: None,
        }
    }

    /// The same world, watched: its outcome has a recording. Nothing else changes.
    pub fn recorded(mut self) -> World<'a> {
        let layout = &self.setup.layout;
        let size_mm = |begin: &Begin| {
            let robot_type = layout.robot_type(begin.robot_type);
            [robot_type.length_mm, robot_type.width_mm]
        };
        let robots = self.setup.robots.iter().map(|begin| (begin.name.clone(), size_mm(begin))).collect();
        self.recorder = Some(Recorder::new(layout.clone(), robots));
        self
    }

    /// The same world with a planted bug.
    pub fn with_mutant(mut self, plant: &Plant) -> World<'a> {
        self.mutant = Some(plant.grow(&self.setup.layout));
        self
    }

    /// Runs until every job has ended, or the run is cut off. `progress` is called at each look with the time and the tally.
    pub fn run(mut self, progress: &mut dyn FnMut(u64, &Tally)) -> Result<Outcome, WireError> {
        self.begin()?;
        let end = loop {
            let Some((at, happening)) = self.queue.pop() else { break End::Quiet };
            self.now = at;
            let is_look = matches!(happening, Happening::Look);
            if is_look {
                progress(self.now.since_ms(START), &self.tally);
            }
            self.happen(happening)?;
            if let Some(end) = self.end(is_look) {
                break end;
            }
        };
        self.settle()?;
        Ok(self.close(end))
    }

    fn begin(&mut self) -> Result<(), WireError> {
        let mut rng = Rng::new(self.setup.seed, "connect");
        for robot in 0..self.robots.len() {
            let at = START.plus_ms(rng.within(0, self.setup.connect_ms));
            self.queue.push(at, Happening::Connect { robot });
        }
        for (request, (at, _)) in self.requests.iter().enumerate() {
            self.queue.push(*at, Happening::Publish { request });
        }
        self.queue.push(START, Happening::Look);
        for (wish, (at, _)) in self.setup.wishes.iter().enumerate() {
            self.queue.push(*at, Happening::Operator { wish });
        }
        self.schedule_faults();
        if let Some(trace) = &mut self.trace {
            trace.head(&self.setup.layout, &self.setup.robots, self.setup.seed);
        }
        self.processes[0].blow = self.setup.blow;
        (0..self.processes.len()).try_for_each(|process| self.start(process))
    }

    fn end(&self, is_look: bool) -> Option<End> {
        if self.oracle.is_full() {
            return Some(End::Broken);
        }
        // Asking at each look is enough, and cheap.
        if !is_look {
            return None;
        }
        let elapsed_ms = self.now.since_ms(START);
        let quiet_ms = self.setup.expect.quiet_minutes_max * 60_000;
        let healed = self.setup.heal.unwrap_or(START);
        if self.is_over() {
            Some(End::Over)
        } else if elapsed_ms as f64 > self.setup.expect.hours_max * 3_600_000.0 {
            Some(End::OutOfTime)
        } else if self.now.since_ms(self.last_news.max(healed)) > quiet_ms {
            Some(End::Quiet)
        } else {
            None
        }
    }

    /// The faults are over, everything asked for has ended, and a leader has it all in its journal.
    fn is_over(&self) -> bool {
        self.setup.heal.is_none_or(|heal| self.now > heal)
            && self.published == self.requests.len()
            && self.tally.is_over()
            && self.intake.is_empty()
            && self.leader().is_some_and(|leader| {
                self.processes[leader].site.as_ref().is_some_and(|site| {
                    let fleet = site.fleet();
                    site.is_idle()
                        && fleet.jobs().all(|job| job.state.is_terminal())
                        && fleet.robots().iter().all(|robot| !matches!(robot.task, Task::Return { .. }))
                })
            })
    }

    fn happen(&mut self, happening: Happening) -> Result<(), WireError> {
        match happening {
            Happening::SiteTimer { process, life } => self.ring(process, life),
            Happening::Start { process } => self.start(process),
            Happening::Lease { process, life } => self.look_at_lease(process, life),
            Happening::Wake { process, life } => self.wake(process, life),
            Happening::Append { process, life } => self.append(process, life),
            Happening::Confirmed { process, life, n } => self.confirm_event(process, life, n),
            Happening::Connect { robot } => self.connect(robot),
            Happening::Will { robot, session } => self.tell_will(robot, session),
            Happening::RobotTimer { robot } if self.robots[robot].armed != Some(self.now) => Ok(()),
            Happening::RobotTimer { robot } => {
                self.robots[robot].armed = None;
                self.robots[robot].advance(self.now);
                self.listen(robot)
            }
            Happening::Down { robot, session, message } => self.arrive_down(robot, session, message),
            Happening::Up { robot, message } => self.hear(robot, message),
            Happening::Publish { request } => self.publish(request),
            Happening::Deliver(delivery) => self.hand_over(delivery),
            Happening::Person { job, leg } => {
                self.do_by_hand(&job, leg)?;
                self.ask(|by| Input::Confirm { ticket: None, job, leg, by }, "a person at the station")
            }
            Happening::Short { job, short } => {
                if short.quantity_milli > 0 {
                    self.do_by_hand(&job, short.leg)?;
                }
                self.marks.note("fault", "short_picks");
                self.ask(|by| Input::ShortPick { ticket: None, job, short, by }, "a person at the station")
            }
            Happening::DoorDown { door, request } => {
                self.doors[door].hear(self.now, &request);
                self.listen_to_door(door);
                Ok(())
            }
            Happening::DoorUp { door, state } => self.hear_door(door, state),
            Happening::DoorFault { door, fault } => {
                self.doors[door].set_fault(self.now, fault);
                let name = self.doors[door].name.clone();
                self.record_fault(&name, fault.is_some());
                Ok(())
            }
            Happening::Operator { wish } => {
                let wish = self.setup.wishes[wish].1.clone();
                self.carry_off(&wish);
                self.ask(|by| Input::Wish { ticket: None, wish, by }, "the operator")
            }
            Happening::FaultOn { fault } => self.begin_fault(fault),
            Happening::FaultOff { fault } => self.end_fault(fault),
            Happening::Flood { robot, every_ms } => self.flood(robot, every_ms),
            Happening::Heal => self.heal(),
            Happening::Look => self.look(),
        }
    }

    /// The oracle's fine grid of time: every robot where it truly is.
    fn look(&mut self) -> Result<(), WireError> {
        for robot in 0..self.robots.len() {
            if !self.robots[robot].is_at_rest(self.now) {
                self.robots[robot].advance(self.now);
                self.listen(robot)?;
            }
            self.robots[robot].observe(&mut self.truths[robot]);
        }
        self.keep_clear();
        for door in 0..self.doors.len() {
            self.doors[door].advance(self.now);
            self.listen_to_door(door);
        }
        let is_open: Vec<bool> = self.doors.iter().map(Door::is_open).collect();
        self.oracle.looked(self.now, &self.truths, &is_open);
        if let Some(trace) = &mut self.trace {
            trace.poses(self.now, &self.robots, &self.truths);
        }
        self.cold.look(self.now, &self.truths);
        self.record_look();
        if let Some(leader) = self.leader()
            && let Some(site) = &self.processes[leader].site
        {
            self.waits.look(site.fleet());
        }
        self.look_after()?;
        self.queue.push(self.now.plus_ms(LOOK_MS), Happening::Look);
        Ok(())
    }

    fn record_look(&mut self) {
        let leader = self.leader().and_then(|leader| self.processes[leader].site.as_ref());
        if let Some(recorder) = &mut self.recorder {
            let fleet = leader.map(drover_core::Site::fleet);
            recorder.look(self.now.since_ms(START), &self.truths, fleet, &self.tally);
        }
    }

    /// A fault begins or ends, for whoever watches.
    fn record_fault(&mut self, name: &str, is_on: bool) {
        if let Some(recorder) = &mut self.recorder {
            recorder.fault(self.now.since_ms(START), name, is_on);
        }
    }

    /// What the leader believes, if there is one.
    fn fleet(&self) -> Option<&Fleet> {
        self.processes[self.leader()?].site.as_ref().map(drover_core::Site::fleet)
    }

    /// Lets the append in flight end, so that the journal holds all that was stepped.
    fn settle(&mut self) -> Result<(), WireError> {
        let is_idle = |world: &World<'_>| {
            let site = world.leader().and_then(|leader| world.processes[leader].site.as_ref());
            site.is_none_or(drover_core::Site::is_idle)
        };
        while !is_idle(self) {
            let Some((at, happening)) = self.queue.pop() else { break };
            if let Happening::Append { process, life } = happening {
                self.now = at;
                self.append(process, life)?;
            }
        }
        Ok(())
    }

    fn close(mut self, end: End) -> Outcome {
        let digest = self.fleet().map_or(Digest([0; 16]), Fleet::digest);
        let is_led = self.leader().is_some();
        let breaker_calls = self.fleet().map_or(0, |fleet| fleet.planner_stats().breaker_calls);
        if is_led {
            self.oracle.replayed(self.now, self.store.records(), digest);
        } else if let Some(error) = self.store.records().find_map(Result::err) {
            self.oracle.unreadable(self.now, &error);
        }
        if end != End::Over {
            let mut why = self.fleet().map_or_else(|| vec!["nobody leads".to_owned()], why::standing);
            let truly = self.robots.iter().map(|robot| format!("{} truly {}", robot.name, robot.complaint()));
            why.extend(truly.take(why::TOLD_MAX));
            let halted = self.fleet().map_or_else(Vec::new, why::halted);
            let halted = halted.iter().filter_map(|name| self.places.get(name).copied()).take(2);
            why.extend(halted.flat_map(|robot| self.oracle.story_of(&[robot])));
            let left: Vec<_> = self.fleet().into_iter().flat_map(Fleet::jobs).cloned().collect();
            let left: Vec<_> = left.iter().filter(|job| !job.state.is_terminal()).collect();
            self.oracle.unfinished(self.now, &left, why);
            let robots = self.fleet().into_iter().flat_map(|fleet| fleet.robots());
            let returning = robots.filter(|robot| matches!(robot.task, Task::Return { .. }));
            let returning: Vec<String> = returning.map(|robot| robot.name.to_string()).collect();
            self.oracle.unreturned(self.now, returning);
        }
        self.note_toll();
        self.traffic.points = self.processes.iter().map(|process| process.points).sum();
        Outcome {
            tally: self.tally,
            cold: self.cold,
            violations: self.oracle.into_violations(),
            digest,
            sim_ms: self.now.since_ms(START),
            robots: self.robots.len(),
            traffic: self.traffic,
            waits: self.waits,
            breaker_calls,
            marks: self.marks,
            end,
            recording: self.recorder.map(|recorder| recorder.finish(self.now.since_ms(START))),
            trace: self.trace.map_or(Ok(()), Trace::finish),
        }
    }
}
