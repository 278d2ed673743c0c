//! What messages tell the rules: those that leave the controller, those that robots and devices say, and which arrive.

use drover_core::{Notification, Time};
use drover_proto::device::DeviceState;
use drover_proto::vda5050::{InstantActions, Order, State};

use super::{Breach, Oracle, word};
use crate::story::Happened;

impl Oracle {
    /// An order left the controller.
    pub fn order_sent(&mut self, now: Time, robot: usize, order: &Order) {
        let by = self.writer.acting();
        let is_recorded = |update_id| self.writer.has_released(robot, &order.order_id, update_id);
        let base = self.heard.of(robot);
        let mut breaches = self.prefix.sent(robot, order, base, &self.layout, &is_recorded);
        let is_resend = self.prefix.is_resend();
        breaches.extend(self.bounded.ordered(now, (robot, order), is_resend, self.heard.of(robot)));
        if self.excused[robot] {
            // Where it is, nobody can know: its next order begins where it says it stands.
            breaches.clear();
        }
        if is_resend && self.heard.has_lost(robot, order) {
            // It forgot the order, and is told it once more.
            self.heard.tell_again(robot);
            self.said.tell_again(robot);
            breaches.extend(self.released(now, robot, order));
        }
        if !is_resend {
            breaches.extend(self.released(now, robot, order));
            breaches.extend(self.once.ordered(robot, order, &self.jobs, &self.layout));
            breaches.extend(self.fifo.ordered(robot, order, &self.jobs));
        }
        breaches.extend(self.writer.ordered(robot, order, &self.layout));
        breaches.extend(self.modes.ordered(by, robot, order));
        self.story.note(now, robot, self.ordered(order));
        self.judge(now, breaches);
    }

    /// What is new in an order may be released to the robot: as far as was known when it was decided.
    fn released(&mut self, now: Time, robot: usize, order: &Order) -> Vec<Breach> {
        let by = self.writer.acting();
        let decided = self.writer.decided(now, robot, order);
        let base = self.heard.of(robot);
        let mut breaches = self.doors.ordered(robot, order, base, decided, &self.layout);
        let ground = (&*self.layout, &*self.types);
        breaches.extend(self.strays.ordered(by, decided, (robot, order), base, ground));
        let mut heard = self.heard.extend(robot, order);
        heard.retain(|breach| self.heard.were_known(decided, by, breach));
        // What wasn't even said to be left is more than a lack of evidence.
        let mut said = self.said.extend(robot, order);
        said.retain(|breach| heard.iter().any(|known| known.robots == breach.robots));
        breaches.extend(said);
        breaches.extend(heard);
        breaches
    }

    fn ordered(&self, order: &Order) -> Happened {
        let released: Vec<_> = order.nodes.iter().filter(|node| node.released).collect();
        let named = |name: &str| self.layout.node_named(name);
        Happened::Ordered {
            order_id: order.order_id.clone(),
            update_id: order.order_update_id,
            from: released.first().and_then(|node| named(&node.node_id)),
            to: released.last().and_then(|node| named(&node.node_id)),
            to_sequence_id: released.last().map_or(0, |node| node.sequence_id),
            actions: released.iter().map(|node| node.actions.len()).sum(),
        }
    }

    /// Instant actions left the controller.
    pub fn instant_sent(&mut self, now: Time, robot: usize, actions: &InstantActions) {
        let mut breaches: Vec<Breach> = self.writer.may_send(&[robot]).into_iter().collect();
        breaches.extend(self.modes.instant_sent(self.writer.acting(), robot, actions));
        breaches.extend(self.bounded.instant_sent(now, robot, actions));
        for action in &actions.actions {
            if action.action_type == "cancelOrder" {
                self.heard.cancelled(robot, &action.action_id);
                self.said.cancelled(robot, &action.action_id);
            }
            self.story.note(now, robot, Happened::Job(format!("instant action {}", action.action_type)));
        }
        self.judge(now, breaches);
    }

    /// A state left its robot.
    pub fn state_said(&mut self, now: Time, robot: usize, state: &State) {
        self.hearing.said(robot, state.header.header_id);
        self.said.report((now, self.writer.acting()), robot, state);
        self.once.said(robot, state);
    }

    /// A state arrived at the controller: once, twice, or after later ones.
    pub fn state_heard(&mut self, now: Time, robot: usize, state: &State) {
        let age = self.hearing.heard(robot, state.header.header_id);
        if age.is_newest {
            self.heard.report((now, self.writer.acting()), robot, state);
            self.prefix.heard(robot, state);
            self.once.heard(robot, state);
        }
        if age.is_plain {
            let by = self.writer.acting();
            self.modes.heard(by, robot, state);
            self.strays.heard(now, by, robot, state, self.heard.of(robot), &self.layout);
        }
        let told = Happened::Told {
            update_id: state.order_update_id,
            last: self.layout.node_named(&state.last_node_id),
            last_sequence_id: state.last_node_sequence_id,
            driving: state.driving,
        };
        self.story.note(now, robot, told);
    }

    /// A device's state arrived at the controller.
    pub fn device_heard(&mut self, now: Time, device: usize, state: &DeviceState) {
        self.doors.heard(now, device, state);
    }

    /// A request to a device left the controller.
    pub fn device_asked(&mut self, now: Time, device: usize) {
        let mut breaches: Vec<Breach> = self.writer.may_send(&[]).into_iter().collect();
        breaches.extend(self.bounded.device_asked(now, device));
        self.judge(now, breaches);
    }

    /// A notification left the controller.
    pub fn notified(&mut self, now: Time, notification: &Notification) {
        let mut breaches = self.writer.notified(notification);
        if !self.writer.is_repeat() {
            breaches.extend(self.once.notified(notification, &self.jobs));
            breaches.extend(self.fifo.notified(notification));
            breaches.extend(self.conserved.notified(notification, &self.jobs, &self.layout));
        }
        if let Some(robot) = notification.robot.as_ref().and_then(|name| self.named.get(name)) {
            let text = format!("job {} {}", notification.job, word(&notification.what));
            self.story.note(now, *robot, Happened::Job(text));
        }
        self.judge(now, breaches);
    }
}
