//! Jobs that are taken over, answered and told of otherwise than they should be.

use std::collections::{BTreeMap, BTreeSet};

use drover_core::job::JobRequest;
use drover_core::{Command, Effect, Input, JobId, JobNews, RobotId, Ticket, Time, ToRobot, Verdict};

use super::Bug;

/// The piece of news that is lost.
const LOST_N: u64 = 5;

/// Jobs lose their sequence on the way in.
pub(super) struct UnheardSequence;

impl Bug for UnheardSequence {
    fn input(&mut self, _now: Time, inputs: &mut Vec<Input>) {
        for input in inputs {
            if let Input::Job { request: JobRequest::Submit(spec), .. } = input {
                spec.sequence = None;
            }
        }
    }
}

/// Every other job waits until the next has been handed over.
#[derive(Default)]
pub(super) struct OutOfOrder(Option<Input>);

impl Bug for OutOfOrder {
    fn input(&mut self, _now: Time, inputs: &mut Vec<Input>) {
        if !inputs.iter().any(|input| matches!(input, Input::Job { .. })) {
            return;
        }
        match self.0.take() {
            Some(kept) => inputs.push(kept),
            None => self.0 = inputs.pop(),
        }
    }
}

/// Jobs are acknowledged at once.
#[derive(Default)]
pub(super) struct AckBeforeCommit {
    new: Vec<Ticket>,
    answered: BTreeSet<Ticket>,
}

impl Bug for AckBeforeCommit {
    fn input(&mut self, _now: Time, inputs: &mut Vec<Input>) {
        for input in inputs {
            if let Input::Job { ticket, .. } = input {
                self.new.extend(*ticket);
            }
        }
    }

    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        let is_new = |effect: &Effect| !matches!(effect, Effect::Answer { ticket, .. } if self.answered.contains(ticket));
        effects.retain(is_new);
        for ticket in self.new.drain(..) {
            self.answered.insert(ticket);
            effects.push(Effect::Answer { ticket, verdict: Verdict::Accepted });
        }
    }
}

/// A job is done when its first leg is.
pub(super) struct DoneTooEarly;

impl Bug for DoneTooEarly {
    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        let early = |what: &mut JobNews| {
            if matches!(what, JobNews::LegDone { leg: 0, .. }) {
                *what = JobNews::Done;
            }
        };
        for effect in effects {
            if let Effect::Append(record) = effect {
                for command in record.entries.iter_mut().flat_map(|entry| &mut entry.commands) {
                    if let Command::Notify(news) = command {
                        early(&mut news.what);
                    }
                }
            } else if let Effect::Notify(news) = effect {
                early(&mut news.what);
            }
        }
    }
}

/// One piece of news is lost on the way out.
pub(super) struct NotifyGap;

impl Bug for NotifyGap {
    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        effects.retain(|effect| !matches!(effect, Effect::Notify(news) if news.n == LOST_N));
    }
}

/// News names a robot that it isn't about.
pub(super) struct NotifyOtherBody;

impl Bug for NotifyOtherBody {
    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        for effect in effects {
            if let Effect::Notify(news) = effect {
                news.robot = Some("nobody/r0".to_owned());
            }
        }
    }
}

/// A load whose job was taken back is put down one stretch before the station it is brought back to.
#[derive(Default)]
pub(super) struct DropOnTheWay {
    robots: BTreeMap<JobId, RobotId>,
    returning: BTreeSet<RobotId>,
    /// Orders that were changed in the record.
    changed: BTreeSet<(String, u32)>,
}

impl DropOnTheWay {
    fn record(&mut self, command: &mut Command) {
        match command {
            Command::Assign { job, robot } => {
                self.robots.insert(job.clone(), *robot);
                self.returning.remove(robot);
            }
            Command::Notify(news) if news.what == JobNews::Cancelled => {
                self.returning.extend(self.robots.get(&news.job));
            }
            Command::Release { robot, order } if self.returning.contains(robot) && order.nodes.len() > 1 => {
                let actions = order.nodes.last_mut().map(|last| std::mem::take(&mut last.actions));
                let drops = actions.unwrap_or_default();
                if !drops.is_empty() {
                    self.changed.insert((order.order_id.clone(), order.update_id));
                    order.nodes[0].actions = drops;
                }
            }
            Command::Reject(_)
            | Command::Ignore { .. }
            | Command::Release { .. }
            | Command::Pause { .. }
            | Command::Cancel { .. }
            | Command::Device { .. }
            | Command::Layout { .. }
            | Command::Refuse { .. }
            | Command::Notify(_)
            | Command::Alarm(_) => {}
        }
    }
}

impl Bug for DropOnTheWay {
    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        for effect in effects {
            if let Effect::Append(record) = effect {
                let commands = record.entries.iter_mut().flat_map(|entry| &mut entry.commands);
                commands.for_each(|command| self.record(command));
            } else if let Effect::Send { message: ToRobot::Order(order), .. } = effect
                && self.changed.contains(&(order.order_id.clone(), order.order_update_id))
                && let Some(drops) = order.nodes.last_mut().map(|last| std::mem::take(&mut last.actions))
            {
                order.nodes[0].actions = drops;
            }
        }
    }
}
