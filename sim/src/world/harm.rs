//! Faults brought about: what begins, what ends, and what is left to be put right when all of them end.

use drover_core::{Input, JobId, RobotName, Wish};
use drover_maps::NodeId;
use drover_proto::vda5050::OperatingMode;

use super::{Happening, World};
use crate::fault::{Fault, Ill, Kind, Talk, Trouble, Weather, Who};
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
            if let Some(until) = facts.until.filter(|until| self.setup.heal.is_none_or(|heal| *until < heal))
            {
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
        let name = self.name_of(facts);
        self.record_fault(&name, true);
        match (facts.kind, facts.who) {
            (Kind::Net(weather), who) => self.set_weather(weather, who, facts.strength),
            (Kind::Robot(ill), Who::Robot(robot)) => return self.fall_ill(ill, robot, facts),
            (Kind::Door(what), Who::Door(door)) => {
                self.marks.note("fault", facts.kind.name());
                self.doors[door].set_fault(self.now, Some(what));
            }
            (Kind::EdgeBlocked, Who::Edge(edge)) => {
                self.marks.note("fault", facts.kind.name());
                self.ailing.blocked.push(edge);
            }
            (Kind::Site(trouble), _) => return self.begin_trouble(trouble, facts),
            (Kind::Jobs(Talk::Poison), _) => return self.ask_in_vain(),
            // What the customer publishes was drawn with the jobs.
            (Kind::Jobs(Talk::Twice | Talk::Changed), _) => {}
            // The people at the stations look whether it is on.
            (Kind::Jobs(Talk::Short), _) => {}
            (Kind::Robot(_) | Kind::Door(_) | Kind::EdgeBlocked, _) => {}
        }
        Ok(())
    }

    /// For reports: what, and whom.
    fn name_of(&self, fault: Fault) -> String {
        let what = fault.kind.name();
        match fault.who {
            Who::All => what.to_owned(),
            Who::Robot(robot) => format!("{what} {}", self.robots[robot].name),
            Who::Door(door) => format!("{what} {}", self.doors[door].name),
            Who::Edge(edge) => format!("{what} {}", self.setup.layout.edge(edge).name),
        }
    }

    fn begin_trouble(&mut self, trouble: Trouble, fault: Fault) -> Result<(), WireError> {
        let strength = fault.strength;
        match trouble {
            // Noted when it strikes.
            Trouble::Crash => return self.blow(strength, Blow::Crash),
            Trouble::TornWrite => return self.blow(0, Blow::Tear),
            Trouble::Stall => {
                let points = self.chance.below(8);
                return self.blow(points, Blow::Stall(strength));
            }
            Trouble::Stop => return self.leader().map_or(Ok(()), |leader| self.stop(leader)),
            Trouble::SnapshotLost => {
                let lost = self.store.lose_snapshots();
                self.marks.add("fault", "snapshot_lost", u64::from(lost > 0));
                // Only a start reads them.
                return self.blow(0, Blow::Crash);
            }
            Trouble::BrokerDown => {
                self.ailing.broker_down = true;
                self.lose_broker();
            }
            Trouble::StoreDown => self.ailing.store_down = true,
            Trouble::StoreFull => self.ailing.store_full = true,
            Trouble::StoreSlow => self.ailing.store_slow_ms = strength,
            Trouble::CommitFails => self.ailing.commit_fails_pct = strength,
            Trouble::CommitUnknown => self.ailing.commit_unknown_pct = strength,
            Trouble::JobsDown => self.intake.set_down(true),
            Trouble::EventsDown => self.ailing.events_down = true,
        }
        self.marks.note("fault", fault.kind.name());
        Ok(())
    }

    /// Per cent of picks that find less than ordered now.
    pub(super) fn short_share(&self) -> u64 {
        let faults = self.setup.faults.iter().zip(&self.ailing.on);
        let is_on = |(fault, is_on): &(&Fault, &bool)| **is_on && fault.kind == Kind::Jobs(Talk::Short);
        faults.filter(is_on).map(|(fault, _)| fault.strength).max().unwrap_or(0)
    }

    fn blow(&mut self, points: u64, blow: Blow) -> Result<(), WireError> {
        if let Some(leader) = self.leader() {
            self.processes[leader].blow = Some((points, blow));
        }
        Ok(())
    }

    /// Requests that must be refused: people mistake names and moments.
    fn ask_in_vain(&mut self) -> Result<(), WireError> {
        self.marks.note("fault", "poison_jobs");
        let nobody = RobotName { manufacturer: "nobody".into(), serial: "r0".into() };
        let wishes = [Wish::PauseRobots(vec![nobody]), Wish::StopZone("nowhere".to_owned())];
        for wish in wishes {
            self.ask(|by| Input::Wish { ticket: None, wish, by }, "the operator")?;
        }
        let job = self.setup.jobs.first().map_or(JobId("J-0".into()), |(_, job)| job.id.clone());
        self.ask(|by| Input::Confirm { ticket: None, job, leg: 0, by }, "a person at the station")
    }

    fn set_weather(&mut self, weather: Weather, who: Who, strength: u64) {
        let robots = match who {
            Who::Robot(robot) => robot..robot + 1,
            Who::All | Who::Door(_) | Who::Edge(_) => 0..self.robots.len(),
        };
        for robot in robots {
            let now = self.net.weather(robot);
            match weather {
                Weather::Loss => now.loss_pct = strength,
                Weather::Repeat => now.repeat_pct = strength,
                Weather::Reorder => now.reorder_ms = strength,
                Weather::Delay => now.late_ms = strength,
            }
        }
    }

    fn fall_ill(&mut self, ill: Ill, robot: usize, fault: Fault) -> Result<(), WireError> {
        let now = self.now;
        let machine = &mut self.robots[robot];
        match ill {
            Ill::Partition => {
                self.ailing.cut_off[robot] += 1;
                self.cut_off(robot);
            }
            Ill::Breaks => machine.drive().set_broken(now.0, true),
            Ill::Flat => machine.drive().set_charge(now.0, 0),
            Ill::Manual => {
                machine.set_mode(now, OperatingMode::Manual);
                self.listen(robot)?;
                self.carry_away(robot, true);
            }
            Ill::Kidnapped => self.carry_away(robot, false),
            Ill::Reboots => {
                self.ailing.cut_off[robot] += 1;
                self.cut_off(robot);
                let layout = self.setup.layout.clone();
                self.robots[robot].reboot(now, &layout);
            }
            Ill::Lies => (machine.ills.lies, machine.ills.is_hostile) = (true, true),
            Ill::Floods => {
                let every_ms = (1_000 / fault.strength.max(1)).max(1);
                self.queue.push(now, Happening::Flood { robot, every_ms });
            }
            Ill::Misplaced => {
                let node = NodeId(self.chance.index(self.setup.layout.node_count()) as u32);
                machine.ills.misplaced = Some(self.setup.layout.node(node).name.clone());
            }
            Ill::Refuses => machine.ills.refuses = true,
            Ill::Mute => machine.ills.is_mute = true,
            Ill::Stutters => self.ailing.stutters[robot] = true,
            Ill::ActionFails => {
                let kind = if self.chance.below(2) == 0 { "pick" } else { "drop" };
                machine.drive().fail_next(kind);
            }
            Ill::ClockSkew => {
                let most_ms = 1_000 * i64::try_from(fault.strength).unwrap_or(0);
                let offset_ms = self.chance.below(2 * most_ms as u64 + 1) as i64 - most_ms;
                let rate_permille = self.chance.within(500, 2_000);
                machine.ills.skew = Some(Skew { since: now, offset_ms, rate_permille });
            }
        }
        self.marks.note("fault", fault.kind.name());
        self.listen(robot)
    }

    pub(super) fn flood(&mut self, robot: usize, every_ms: u64) -> Result<(), WireError> {
        let is_on = self.setup.faults.iter().zip(&self.ailing.on).any(|(fault, is_on)| {
            *is_on && fault.kind == Kind::Robot(Ill::Floods) && fault.who == Who::Robot(robot)
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
        let name = self.name_of(facts);
        self.record_fault(&name, false);
        match (facts.kind, facts.who) {
            (Kind::Net(weather), who) => self.set_weather(weather, who, 0),
            (Kind::Robot(ill), Who::Robot(robot)) => return self.recover(ill, robot),
            (Kind::Door(_), Who::Door(door)) => self.doors[door].set_fault(self.now, None),
            (Kind::EdgeBlocked, Who::Edge(edge)) => self.ailing.blocked.retain(|blocked| *blocked != edge),
            (Kind::Site(trouble), _) => return self.end_trouble(trouble),
            (Kind::Jobs(_) | Kind::Robot(_) | Kind::Door(_) | Kind::EdgeBlocked, _) => {}
        }
        Ok(())
    }

    fn end_trouble(&mut self, trouble: Trouble) -> Result<(), WireError> {
        match trouble {
            Trouble::BrokerDown => {
                self.ailing.broker_down = false;
                return self.regain_broker();
            }
            Trouble::StoreDown => self.ailing.store_down = false,
            Trouble::StoreFull => self.ailing.store_full = false,
            Trouble::StoreSlow => self.ailing.store_slow_ms = 0,
            Trouble::CommitFails => self.ailing.commit_fails_pct = 0,
            Trouble::CommitUnknown => self.ailing.commit_unknown_pct = 0,
            Trouble::JobsDown => {
                self.intake.set_down(false);
                self.deliver();
            }
            Trouble::EventsDown => self.ailing.events_down = false,
            Trouble::Crash | Trouble::TornWrite | Trouble::Stall | Trouble::Stop | Trouble::SnapshotLost => {}
        }
        Ok(())
    }

    fn recover(&mut self, ill: Ill, robot: usize) -> Result<(), WireError> {
        let now = self.now;
        let machine = &mut self.robots[robot];
        match ill {
            Ill::Partition | Ill::Reboots => {
                self.ailing.cut_off[robot] = self.ailing.cut_off[robot].saturating_sub(1);
                return self.connect(robot);
            }
            Ill::Breaks => machine.drive().set_broken(now.0, false),
            Ill::Flat => machine.drive().set_charge(now.0, 800),
            Ill::Manual => machine.set_mode(now, OperatingMode::Automatic),
            Ill::Lies => machine.ills.lies = false,
            Ill::Misplaced => machine.ills.misplaced = None,
            Ill::Refuses => machine.ills.refuses = false,
            Ill::Mute => machine.ills.is_mute = false,
            Ill::Stutters => {
                self.ailing.stutters[robot] = false;
                machine.set_obstructed(now, false);
            }
            Ill::ClockSkew => machine.ills.skew = None,
            Ill::Kidnapped | Ill::Floods | Ill::ActionFails => {}
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
