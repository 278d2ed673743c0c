//! The robots' and the doors' side of the world: sessions with the broker, messages both ways, true places.

use drover_core::{DeviceMessage, Input, RobotMessage, ToRobot};
use drover_proto::device::{DeviceRequest, DeviceState};

use super::{Happening, World};
use crate::net::Way;
use crate::oracle::Truth;
use crate::wire::WireError;

/// Another robot this near may touch one within a look, m.
const NEAR_M: f64 = 5.0;
/// The broker notices after so long that a robot is gone: one and a half times its keep-alive, ms.
const WILL_AFTER_MS: u64 = 22_000;

/// A robot's session with the broker.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// It stands.
    pub is_up: bool,
    /// Its number.
    pub session: u64,
    /// What the broker keeps of it: its connection and its factsheet.
    connection: Option<RobotMessage>,
    factsheet: Option<RobotMessage>,
    /// The broker hasn't noticed yet that the session before is gone.
    lingers: bool,
}

impl World<'_> {
    /// A robot's session stands: it says so, and tells its state.
    pub(super) fn connect(&mut self, robot: usize) -> Result<(), WireError> {
        let is_kept_off = self.robots[robot].ills.is_off_floor || self.ailing.is_cut_off(robot);
        if self.lines[robot].is_up || self.ailing.broker_down || is_kept_off {
            return Ok(());
        }
        let line = &mut self.lines[robot];
        line.is_up = true;
        line.session += 1;
        let (lingered, session) = (std::mem::take(&mut line.lingers), line.session);
        self.net.begin_session(robot, self.now);
        self.robots[robot].connect(self.now);
        if lingered && self.chance.below(2) == 0 {
            // Some brokers publish the old session's will after the new session's first words.
            self.queue.push(self.now.plus_ms(50), Happening::Will { robot, session });
        }
        self.listen(robot)
    }

    /// A robot's session is gone without a word.
    pub(super) fn cut_off(&mut self, robot: usize) {
        let line = &mut self.lines[robot];
        if !std::mem::take(&mut line.is_up) {
            return;
        }
        line.lingers = true;
        let session = line.session;
        self.robots[robot].disconnect(self.now);
        self.queue.push(self.now.plus_ms(WILL_AFTER_MS), Happening::Will { robot, session });
    }

    /// The robots' broker is gone, with all sessions. What it kept may be gone with it.
    pub(super) fn lose_broker(&mut self) {
        let keeps = self.chance.below(2) == 0;
        for robot in 0..self.robots.len() {
            if std::mem::take(&mut self.lines[robot].is_up) {
                self.robots[robot].disconnect(self.now);
            }
            self.lines[robot].lingers = false;
            if !keeps {
                self.lines[robot].connection = None;
                self.lines[robot].factsheet = None;
            }
        }
        self.speaker = None;
    }

    /// The robots' broker is back: the leader reads its epoch again before it connects, robots come one by one.
    pub(super) fn regain_broker(&mut self) -> Result<(), WireError> {
        for robot in 0..self.robots.len() {
            let at = self.now.plus_ms(self.chance.within(0, 5_000));
            self.queue.push(at, Happening::Connect { robot });
        }
        match self.leader() {
            Some(leader) => self.connect_speaker(leader),
            None => Ok(()),
        }
    }

    /// A process has the site's session from now on, whoever had it before: it hears what the broker keeps.
    pub(super) fn connect_speaker(&mut self, index: usize) -> Result<(), WireError> {
        if self.ailing.broker_down {
            return Ok(());
        }
        self.speaker = Some(index);
        for robot in 0..self.robots.len() {
            let line = &self.lines[robot];
            let kept: Vec<RobotMessage> = line.connection.iter().chain(&line.factsheet).cloned().collect();
            for message in kept {
                let at = self.net.sure_arrival(robot, Way::Up, self.now);
                self.queue.push(at, Happening::Up { robot, message });
            }
        }
        Ok(())
    }

    /// The broker notices that a robot's session is gone, and says so to everybody.
    pub(super) fn tell_will(&mut self, robot: usize, session: u64) -> Result<(), WireError> {
        let line = &self.lines[robot];
        if line.session != session || self.ailing.broker_down {
            return Ok(());
        }
        let will = self.robots[robot].will();
        self.lines[robot].lingers = false;
        self.keep(robot, &will);
        let at = self.net.sure_arrival(robot, Way::Up, self.now);
        self.queue.push(at, Happening::Up { robot, message: will });
        if self.lines[robot].is_up {
            self.robots[robot].hear_own_will(self.now);
            return self.listen(robot);
        }
        Ok(())
    }

    fn keep(&mut self, robot: usize, message: &RobotMessage) {
        let line = &mut self.lines[robot];
        match message {
            RobotMessage::Connection(_) => line.connection = Some(message.clone()),
            RobotMessage::Factsheet(_) => line.factsheet = Some(message.clone()),
            RobotMessage::State(_) => {}
        }
    }

    /// A message reaches a robot, if the session it was sent in still stands.
    pub(super) fn arrive_down(
        &mut self,
        robot: usize,
        session: u64,
        message: ToRobot,
    ) -> Result<(), WireError> {
        if !self.lines[robot].is_up || self.lines[robot].session != session {
            return Ok(());
        }
        self.note_refusal(robot, &message);
        self.robots[robot].hear(self.now, self.wire.down(message)?);
        self.listen(robot)
    }

    /// A message reaches the controller: what the oracle takes as evidence. Without a session nobody hears it.
    pub(super) fn hear(&mut self, robot: usize, message: RobotMessage) -> Result<(), WireError> {
        let Some(speaker) = self.speaker.filter(|_| !self.ailing.broker_down) else { return Ok(()) };
        self.traffic.up += 1;
        if let Some(trace) = &mut self.trace {
            trace.up(self.now, &self.robots[robot], &message, true);
        }
        let name = self.robots[robot].name.clone();
        let message = self.wire.up(message)?;
        self.listen_in(speaker, Input::Robot { name, message })
    }

    /// Something reaches a process: the oracle hears it with the process, which may be when it wakes.
    pub(super) fn listen_in(&mut self, index: usize, input: Input) -> Result<(), WireError> {
        if self.processes[index].is_asleep {
            return self.tell(index, input);
        }
        self.oracle.acts(self.processes[index].epoch);
        match &input {
            Input::Robot { name, message: RobotMessage::State(state) } => {
                let robot = self.places.get(name).copied();
                robot.into_iter().for_each(|robot| self.oracle.state_heard(self.now, robot, state));
            }
            Input::Device { name, message: DeviceMessage::State(state) } => {
                let door = self.doors.iter().position(|door| door.name == *name);
                door.into_iter().for_each(|door| self.oracle.device_heard(self.now, door, state));
            }
            Input::Robot { .. }
            | Input::Device { .. }
            | Input::Clock
            | Input::Job { .. }
            | Input::Confirm { .. }
            | Input::ShortPick { .. }
            | Input::Wish { .. }
            | Input::Layout { .. }
            | Input::Denied { .. }
            | Input::Committed { .. }
            | Input::EventConfirmed { .. }
            | Input::Fenced => {}
        }
        self.tell(index, input)
    }

    /// Takes what a robot says and sets its timer.
    pub(super) fn listen(&mut self, robot: usize) -> Result<(), WireError> {
        while let Some(message) = self.robots[robot].say(self.now) {
            if let Some(trace) = &mut self.trace {
                trace.up(self.now, &self.robots[robot], &message, false);
            }
            if !self.lines[robot].is_up {
                continue;
            }
            if let RobotMessage::State(state) = &message {
                self.oracle.state_said(self.now, robot, state);
                self.look_at(robot);
                let mut arrivals = self.net.arrivals(robot, Way::Up, self.now).into_iter().flatten();
                if let Some(first) = arrivals.next() {
                    let again: Vec<_> = arrivals.map(|at| (at, message.clone())).collect();
                    self.queue.push(first, Happening::Up { robot, message });
                    for (at, message) in again {
                        self.queue.push(at, Happening::Up { robot, message });
                    }
                }
            } else {
                self.keep(robot, &message);
                let at = self.net.sure_arrival(robot, Way::Up, self.now);
                self.queue.push(at, Happening::Up { robot, message });
            }
        }
        let next = self.robots[robot].next_timeout().map(|at| at.max(self.now));
        if next != self.robots[robot].armed {
            self.robots[robot].armed = next;
            if let Some(at) = next {
                self.queue.push(at, Happening::RobotTimer { robot });
            }
        }
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

    pub(super) fn hear_door(&mut self, door: usize, state: DeviceState) -> Result<(), WireError> {
        let Some(speaker) = self.speaker.filter(|_| !self.ailing.broker_down) else { return Ok(()) };
        let name = self.doors[door].name.clone();
        self.listen_in(speaker, Input::Device { name, message: DeviceMessage::State(state) })
    }

    pub(super) fn send_device(&mut self, index: usize, name: &str, request: DeviceRequest) {
        let Some(door) = self.doors.iter().position(|door| door.name == name) else { return };
        if self.may_speak(index) && !self.ailing.broker_down {
            self.oracle.device_asked(self.now, door);
            let delay = self.door_delay();
            self.queue.push(self.now.plus_ms(delay), Happening::DoorDown { door, request });
        }
    }

    pub(super) fn listen_to_door(&mut self, door: usize) {
        if let Some(state) = self.doors[door].say(self.now) {
            let delay = self.door_delay();
            self.queue.push(self.now.plus_ms(delay), Happening::DoorUp { door, state });
        }
    }

    /// Always the longest: a door's messages stay in order.
    fn door_delay(&self) -> u64 {
        self.setup.latency.max_ms
    }
}
