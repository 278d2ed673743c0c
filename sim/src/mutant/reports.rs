//! Reports of robots and doors that reach the mind otherwise than they were made.

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_core::{DeviceMessage, Input, RobotMessage, RobotName, Time};
use drover_maps::{Layout, TypeId};
use drover_proto::device::Condition;
use drover_proto::vda5050::{ActionStatus, OperatingMode, State};

use super::Bug;

fn states(inputs: &mut [Input]) -> impl Iterator<Item = (&RobotName, &mut State)> {
    inputs.iter_mut().filter_map(|input| {
        let Input::Robot { name, message: RobotMessage::State(state) } = input else { return None };
        Some((&*name, &mut **state))
    })
}

/// Says of each robot that it has passed its next node, as soon as it could have at full speed.
pub(super) struct FreeByTime {
    layout: Arc<Layout>,
    /// What each robot will be said to have told, and when.
    due: BTreeMap<RobotName, (Time, State)>,
}

impl FreeByTime {
    pub(super) fn new(layout: &Arc<Layout>) -> FreeByTime {
        FreeByTime { layout: Arc::clone(layout), due: BTreeMap::new() }
    }

    /// The state with which it will have passed its next node, and when that is.
    fn ahead(&self, now: Time, state: &State) -> Option<(Time, State)> {
        let mut ahead = state.clone();
        let next = ahead.node_states.first().filter(|node| node.released)?.clone();
        let edge = self.layout.edge_named(&ahead.edge_states.first()?.edge_id)?;
        ahead.node_states.remove(0);
        ahead.edge_states.remove(0);
        (ahead.last_node_id, ahead.last_node_sequence_id) = (next.node_id, next.sequence_id);
        ahead.agv_position = None;
        Some((now.plus_ms(u64::from(self.layout.travel_ms(TypeId(0), edge))), ahead))
    }
}

impl Bug for FreeByTime {
    fn input(&mut self, now: Time, inputs: &mut Vec<Input>) {
        for (name, state) in states(inputs) {
            match self.ahead(now, state) {
                Some(due) => self.due.insert(name.clone(), due),
                None => self.due.remove(name),
            };
        }
        let is_due = |(_, (at, _)): &(&RobotName, &(Time, State))| *at <= now;
        let names: Vec<RobotName> = self.due.iter().filter(is_due).map(|(name, _)| name.clone()).collect();
        for name in names {
            if let Some((_, state)) = self.due.remove(&name) {
                inputs.push(Input::Robot { name, message: RobotMessage::State(Box::new(state)) });
            }
        }
    }
}

/// Every robot is in mode AUTOMATIC.
pub(super) struct ModeUnheard;

impl Bug for ModeUnheard {
    fn input(&mut self, _now: Time, inputs: &mut Vec<Input>) {
        states(inputs).for_each(|(_, state)| state.operating_mode = OperatingMode::Automatic);
    }
}

/// No action ever finishes.
pub(super) struct FinishUnheard;

impl Bug for FinishUnheard {
    fn input(&mut self, _now: Time, inputs: &mut Vec<Input>) {
        let actions = states(inputs).flat_map(|(_, state)| &mut state.action_states);
        for action in actions.filter(|action| action.action_status == ActionStatus::Finished) {
            action.action_status = ActionStatus::Running;
        }
    }
}

/// Every door is open.
pub(super) struct DoorLies;

impl Bug for DoorLies {
    fn input(&mut self, _now: Time, inputs: &mut Vec<Input>) {
        for input in inputs {
            if let Input::Device { message: DeviceMessage::State(state), .. } = input {
                state.state = Condition::Open;
            }
        }
    }
}
