//! What a site keeps beside its fleet goes over to a new layout, too: what links were told, devices, and what waits for its
//! commit. What is said to a robot stays the same to the letter: nothing of it lies where the layouts differ.

use std::sync::Arc;

use drover_maps::Layout;

use super::{Effect, Held, Site, Ticket, requests};
use crate::audit::Caller;
use crate::change::Change;
use crate::clock::Time;
use crate::command::{Alarm, AlarmCode};
use crate::id::{DeviceId, RobotName};
use crate::link::DeviceLink;
use crate::operator::Wish;
use crate::site::Verdict;

impl Site {
    /// The site's files hold this layout. Where nobody awaits the answer, a refusal is an alarm.
    pub(super) fn ask_layout(
        &mut self,
        now: Time,
        layout: Arc<Layout>,
        by: Caller,
        ticket: Option<Ticket>,
        effects: &mut Vec<Effect>,
    ) {
        let fingerprint = layout.fingerprint();
        self.fleet.learn(layout);
        let ask = requests::wish(Wish::ChangeLayout { fingerprint }, &by);
        let verdict = self.ask(now, ask, by, ticket, effects);
        if let (Verdict::Rejected { reason, .. }, None) = (verdict, ticket) {
            let text = format!(
                "site.layout and its site.toml can't be used now, the site goes on without: {reason}"
            );
            let code = AlarmCode::LayoutRefused;
            self.notices.push(Alarm { code, robot: None, device: None, text });
        }
    }

    /// The fleet is on another layout: everything else that holds ids follows.
    pub(super) fn carry_over(&mut self) {
        let Some(change) = self.fleet.carried.take() else { return };
        self.links.iter_mut().for_each(|link| link.carry(&change));
        let mut before: Vec<Option<DeviceLink>> =
            std::mem::take(&mut self.devices).into_iter().map(Some).collect();
        let mut there: Vec<Option<DeviceLink>> = vec![None; self.fleet.state.devices.len()];
        for (link, id) in before.iter_mut().zip((0..).map(DeviceId)) {
            if let Some(place) = change.device(id) {
                there[place.index()] = link.take();
            }
        }
        let states = self.fleet.state.devices.iter();
        let known = there.into_iter().zip(states);
        self.devices = known.map(|(link, state)| link.unwrap_or_else(|| DeviceLink::new(state))).collect();
        let held = std::mem::take(&mut self.held);
        self.held = held.into_iter().filter_map(|(seq, held)| Some((seq, carried(held, &change)?))).collect();
        self.has_changed = true;
    }

    /// Robots that the layout lists join, unless they have.
    pub(super) fn enroll_listed(&mut self, now: Time) {
        let layout = Arc::clone(&self.fleet.layout);
        for robot in layout.robots() {
            let name = RobotName { manufacturer: robot.manufacturer.clone(), serial: robot.serial.clone() };
            self.enroll(name, robot.robot_type, now);
        }
    }
}

/// A message that can't be carried over was replaced by a later one before the change.
fn carried(held: Held, change: &Change) -> Option<Held> {
    match held {
        Held::Deliver(robot, order) => Some(Held::Deliver(robot, Box::new(change.order(&order)?))),
        Held::Device(device, want) => Some(Held::Device(change.device(device)?, want)),
        Held::Effect(Effect::Alarm(alarm)) => {
            let device = alarm.device.and_then(|device| change.device(device));
            Some(Held::Effect(Effect::Alarm(Alarm { device, ..alarm })))
        }
        Held::Effect(_) | Held::Pause(..) | Held::Cancel(_) => Some(held),
    }
}
