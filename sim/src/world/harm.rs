//! Faults brought about: what begins, what ends, and what is left to be put right when all of them end.

use drover_core::{Input, JobId, RobotName, Wish};
use drover_proto::vda5050::OperatingMode;

use super::{Happening, World};
use crate::doors::DoorFault;
use crate::fault::{Fault, Kind, Who};
use crate::machine::Skew;
use crate::process::Blow;
use crate::scenario::Setup;
use crate::wire::WireError;

/// What is wrong with the site as a whole, and which robots have no network.
#[derive(Debug, Default)]
pub(super) struct Ailing {
    pub broker_down: bool,
    pub store_down: bool,
    pub store_full: bool,
    pub store_slow_ms: u64,
    pub commit_fails_pct: u64,
    pub commit_unknown_pct: u64,
    pub events_down: bool,
    /// By robot: faults that keep it off the network.
    cut_off: Vec<u32>,
    /// By robot: it drives a part of the way only.
    stutters: Vec<bool>,
    /// Edges that somebody stands on.
    pub blocked: Vec<drover_maps::EdgeId>,
    /// The faults that are on.
    on: Vec<bool>,
}

impl Ailing {
    /// Nothing is wrong yet.
    pub(super) fn new(setup: &Setup) -> Ailing {
        let robots = setup.robots.len();
        Ailing {
            cut_off: vec![0; robots],
            stutters: vec![false; robots],
            on: vec![false; setup.faults.len()],
            ..Ailing::default()
        }
    }

    pub(super) fn is_cut_off(&self, robot: usize) -> bool {
        self.cut_off[robot] > 0
    }

    pub(super) fn stutters(&self, robot: usize) -> bool {
        self.stutters[robot]
    }

    /// Nothing is written now.
    pub(super) fn refuses_appends(&self) -> bool {
        self.store_down || self.store_full
    }
}

impl World<'_> {
    pub(super) fn schedule_faults(&mut self) {
        for (fault, facts) in self.setup.faults.iter().enumerate() {
            self.queue.push(facts.from, Happening::FaultOn { fault });
            if let Some(until) = facts.until.filter(|until| self.setup.heal.is_none_or(|heal| *until < heal)) {
                self.queue.push(until, Happening::FaultOff { fault });
            }
        }
        if let Some(heal) = self.setup.heal {
            self.queue.push(heal, Happening::Heal);
        }
        for line in &self.setup.doors.fault {
            let Some(door) = self.doors.iter().position(|door| door.name == line.id) else { continue };
            let at = |s: u64| crate::scenario::START.plus_ms(s * 1_000);
            self.queue.push(at(line.from_s), Happening::DoorFault { door, fault: Some(line.what) });
            if let Some(until_s) = line.until_s {
                self.queue.push(at(until_s), Happening::DoorFault { door, fault: None });
            }
        }
    }

    pub(super) fn begin_fault(&mut self, fault: usize) -> Result<(), WireError> {
        let facts = self.setup.faults[fault];
        self.ailing.on[fault] = true;
        match facts.who {
            Who::All => self.begin_at_site(facts),
            Who::Robot(robot) => self.begin_at_robot(facts, robot),
            Who::Door(door) => {
                let what = match facts.kind {
                    Kind::DoorStuck => DoorFault::StuckClosed,
                    Kind::DoorFails => DoorFault::Fault,
                    _ => DoorFault::Silent,
                };
                self.marks.note("fault", facts.kind.name());
                self.doors[door].set_fault(self.now, Some(what));
                Ok(())
            }
            Who::Edge(edge) => {
                self.marks.note("fault", facts.kind.name());
                self.ailing.blocked.push(edge);
                Ok(())
            }
        }
    }

    fn begin_at_site(&mut self, fault: Fault) -> Result<(), WireError> {
        let strength = fault.strength;
        match fault.kind {
            Kind::NetLoss | Kind::NetRepeat | Kind::NetReorder | Kind::NetDelay => {
                (0..self.robots.len()).for_each(|robot| self.set_weather(fault.kind, robot, strength));
            }
            Kind::BrokerDown => {
                self.marks.note("fault", "broker_down");
                self.ailing.broker_down = true;
                self.lose_broker();
            }
            Kind::Crash => self.blow(strength, Blow::Crash),
            Kind::TornWrite => self.blow(0, Blow::Tear),
            Kind::Stall => {
                let points = self.chance.below(8);
                self.blow(points, Blow::Stall(strength));
            }
            Kind::Stop => {
                if let Some(leader) = self.leader() {
                    return self.stop(leader);
                }
            }
            Kind::StoreDown => self.ailing.store_down = true,
            Kind::StoreFull => self.ailing.store_full = true,
            Kind::StoreSlow => self.ailing.store_slow_ms = strength,
            Kind::CommitFails => self.ailing.commit_fails_pct = strength,
            Kind::CommitUnknown => self.ailing.commit_unknown_pct = strength,
            Kind::SnapshotLost => {
                let lost = self.store.lose_snapshots();
                self.marks.add("fault", "snapshot_lost", u64::from(lost > 0));
                // Only a start reads them.
                self.blow(0, Blow::Crash);
            }
            Kind::JobsDown => self.intake.set_down(true),
            Kind::EventsDown => self.ailing.events_down = true,
            Kind::PoisonJobs => {
                self.marks.note("fault", "poison_jobs");
                return self.ask_in_vain();
            }
            // What the customer publishes was drawn with the jobs.
            Kind::JobsTwice | Kind::JobsChanged => {}
            _ => return Ok(()),
        }
        if matches!(
            fault.kind,
            Kind::StoreDown
                | Kind::StoreFull
                | Kind::StoreSlow
                | Kind::CommitFails
                | Kind::CommitUnknown
                | Kind::JobsDown
                | Kind::JobsChanged
        ) {
            self.marks.note("fault", fault.kind.name());
        }
        Ok(())
    }

    fn blow(&mut self, points: u64, blow: Blow) {
        if let Some(leader) = self.leader() {
            self.processes[leader].blow = Some((points, blow));
        }
    }

    /// Requests that must be refused: people mistake names and moments.
    fn ask_in_vain(&mut self) -> Result<(), WireError> {
        let nobody = RobotName { manufacturer: "nobody".into(), serial: "r0".into() };
        let wishes = [Wish::PauseRobots(vec![nobody]), Wish::StopZone("nowhere".to_owned())];
        for wish in wishes {
            self.ask(|by| Input::Wish { ticket: None, wish, by }, "the operator")?;
        }
        let job = self.setup.jobs.first().map_or(JobId("J-0".into()), |(_, job)| job.id.clone());
        self.ask(|by| Input::Confirm { ticket: None, job, leg: 0, by }, "a person at the station")
    }

    fn set_weather(&mut self, kind: Kind, robot: usize, strength: u64) {
        let weather = self.net.weather(robot);
        match kind {
            Kind::NetLoss => weather.loss_pct = strength,
            Kind::NetRepeat => weather.repeat_pct = strength,
            Kind::NetReorder => weather.reorder_ms = strength,
            Kind::NetDelay => weather.late_ms = strength,
            _ => {}
        }
    }

    fn begin_at_robot(&mut self, fault: Fault, robot: usize) -> Result<(), WireError> {
        let now = self.now;
        let machine = &mut self.robots[robot];
        match fault.kind {
            Kind::NetLoss | Kind::NetRepeat | Kind::NetReorder | Kind::NetDelay => {
                self.set_weather(fault.kind, robot, fault.strength);
                return Ok(());
            }
            Kind::Partition => {
                self.ailing.cut_off[robot] += 1;
                self.cut_off(robot);
            }
            Kind::RobotBreaks => machine.drive().set_broken(now.0, true),
            Kind::RobotFlat => machine.drive().set_charge(now.0, 0),
            Kind::RobotManual => {
                machine.set_mode(now, OperatingMode::Manual);
                self.listen(robot)?;
                self.carry_away(robot, true);
            }
            Kind::RobotKidnapped => self.carry_away(robot, false),
            Kind::RobotReboots => {
                self.ailing.cut_off[robot] += 1;
                self.cut_off(robot);
                let layout = self.setup.layout.clone();
                self.robots[robot].reboot(now, &layout);
            }
            Kind::RobotLies => (machine.ills.lies, machine.ills.is_hostile) = (true, true),
            Kind::RobotFloods => {
                let every_ms = 1_000 / fault.strength.max(1);
                self.queue.push(now, Happening::Flood { robot, every_ms: every_ms.max(1) });
            }
            Kind::RobotMisplaced => {
                let node = self.chance.index(self.setup.layout.node_count());
                let node = &self.setup.layout.node(drover_maps::NodeId(node as u32)).name;
                machine.ills.misplaced = Some(node.clone());
            }
            Kind::RobotRefuses => machine.ills.refuses = true,
            Kind::RobotMute => machine.ills.is_mute = true,
            Kind::RobotStutters => self.ailing.stutters[robot] = true,
            Kind::ActionFails => {
                let kind = if self.chance.below(2) == 0 { "pick" } else { "drop" };
                machine.drive().fail_next(kind);
            }
            Kind::ClockSkew => {
                let offset_ms = self.chance.within(0, 2_000 * fault.strength) as i64
                    - i64::try_from(1_000 * fault.strength).unwrap_or(0);
                let rate_permille = self.chance.within(500, 2_000);
                machine.ills.skew = Some(Skew { since: now, offset_ms, rate_permille });
            }
            _ => return Ok(()),
        }
        self.marks.note("fault", fault.kind.name());
        self.listen(robot)
    }

    pub(super) fn flood(&mut self, robot: usize, every_ms: u64) -> Result<(), WireError> {
        let is_on = self.setup.faults.iter().zip(&self.ailing.on).any(|(fault, is_on)| {
            *is_on && fault.kind == Kind::RobotFloods && fault.who == Who::Robot(robot)
        });
        if !is_on {
            return Ok(());
        }
        self.robots[robot].say_again(self.now);
        self.queue.push(self.now.plus_ms(every_ms), Happening::Flood { robot, every_ms });
        self.listen(robot)
    }

    pub(super) fn end_fault(&mut self, fault: usize) -> Result<(), WireError> {
        if !std::mem::take(&mut self.ailing.on[fault]) {
            return Ok(());
        }
        let facts = self.setup.faults[fault];
        match facts.who {
            Who::All => self.end_at_site(facts),
            Who::Robot(robot) => self.end_at_robot(facts, robot),
            Who::Door(door) => {
                self.doors[door].set_fault(self.now, None);
                Ok(())
            }
            Who::Edge(edge) => {
                self.ailing.blocked.retain(|blocked| *blocked != edge);
                Ok(())
            }
        }
    }

    fn end_at_site(&mut self, fault: Fault) -> Result<(), WireError> {
        match fault.kind {
            Kind::NetLoss | Kind::NetRepeat | Kind::NetReorder | Kind::NetDelay => {
                (0..self.robots.len()).for_each(|robot| self.set_weather(fault.kind, robot, 0));
            }
            Kind::BrokerDown => {
                self.ailing.broker_down = false;
                return self.regain_broker();
            }
            Kind::StoreDown => self.ailing.store_down = false,
            Kind::StoreFull => self.ailing.store_full = false,
            Kind::StoreSlow => self.ailing.store_slow_ms = 0,
            Kind::CommitFails => self.ailing.commit_fails_pct = 0,
            Kind::CommitUnknown => self.ailing.commit_unknown_pct = 0,
            Kind::JobsDown => {
                self.intake.set_down(false);
                self.deliver();
            }
            Kind::EventsDown => self.ailing.events_down = false,
            _ => {}
        }
        Ok(())
    }

    fn end_at_robot(&mut self, fault: Fault, robot: usize) -> Result<(), WireError> {
        let now = self.now;
        let machine = &mut self.robots[robot];
        match fault.kind {
            Kind::NetLoss | Kind::NetRepeat | Kind::NetReorder | Kind::NetDelay => {
                self.set_weather(fault.kind, robot, 0);
            }
            Kind::Partition | Kind::RobotReboots => {
                self.ailing.cut_off[robot] = self.ailing.cut_off[robot].saturating_sub(1);
                return self.connect(robot);
            }
            Kind::RobotBreaks => machine.drive().set_broken(now.0, false),
            Kind::RobotFlat => machine.drive().set_charge(now.0, 800),
            Kind::RobotManual => machine.set_mode(now, OperatingMode::Automatic),
            Kind::RobotLies => machine.ills.lies = false,
            Kind::RobotMisplaced => machine.ills.misplaced = None,
            Kind::RobotRefuses => machine.ills.refuses = false,
            Kind::RobotMute => machine.ills.is_mute = false,
            Kind::RobotStutters => {
                self.ailing.stutters[robot] = false;
                machine.set_obstructed(now, false);
            }
            Kind::ClockSkew => machine.ills.skew = None,
            _ => {}
        }
        self.robots[robot].say_again(now);
        self.listen(robot)
    }

    /// All faults end. What else is amiss is the operator's to put right.
    pub(super) fn heal(&mut self) -> Result<(), WireError> {
        for process in &mut self.processes {
            process.blow = None;
        }
        (0..self.setup.faults.len()).try_for_each(|fault| self.end_fault(fault))
    }

    /// A robot that refuses was told something.
    pub(super) fn note_refusal(&mut self, robot: usize, message: &drover_core::ToRobot) {
        let is_order = matches!(message, drover_core::ToRobot::Order(_));
        if is_order && self.robots[robot].ills.refuses {
            self.marks.note("answer", "order_refused");
        }
    }

    /// What the network did, once, at the end.
    pub(super) fn note_toll(&mut self) {
        let toll = self.net.toll();
        let counts = [
            ("net_loss", toll.lost),
            ("net_repeat", toll.repeated),
            ("net_reorder", toll.reordered),
            ("net_delay", toll.late),
        ];
        for (name, count) in counts {
            self.marks.add("fault", name, u64::from(count > 0));
        }
    }
}
