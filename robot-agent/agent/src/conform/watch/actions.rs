//! How the states of actions go from one message to the next (6.11).

use super::Book;
use drover_proto::vda5050::{ActionStatus, State};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub(super) struct Actions {
    order: (String, u32),
    last: BTreeMap<String, ActionStatus>,
}

impl Actions {
    pub fn hear(&mut self, book: &mut Book, state: &State) {
        let now: BTreeMap<String, ActionStatus> = state
            .action_states
            .iter()
            .map(|action| (action.action_id.clone(), action.action_status))
            .collect();
        if now.len() < state.action_states.len() {
            book.judge("action-ids", Some("an actionId is listed twice in one state".to_owned()));
        } else if !now.is_empty() {
            book.judge("action-ids", None);
        }
        for (id, before) in &self.last {
            if let Some(after) = now.get(id) {
                let fault = rank(*after) < rank(*before) || (before.has_ended() && after != before);
                let why = || format!("action {id} went from {} to {}", before.as_str(), after.as_str());
                book.judge("action-states-forward", fault.then(why));
            }
        }
        let order = (state.order_id.clone(), state.order_update_id);
        if order == self.order && !self.last.is_empty() {
            let gone = self.last.iter().find(|(id, _)| !now.contains_key(*id));
            let why = gone.map(|(id, status)| {
                format!("action {id}, {}, was left out before another order came", status.as_str())
            });
            book.judge("action-states-kept", why);
        }
        (self.order, self.last) = (order, now);
    }
}

/// Skipping forward is allowed, and RUNNING and PAUSED change to and fro.
fn rank(status: ActionStatus) -> u8 {
    match status {
        ActionStatus::Waiting | ActionStatus::Unknown => 0,
        ActionStatus::Initializing => 1,
        ActionStatus::Running | ActionStatus::Paused => 2,
        ActionStatus::Finished | ActionStatus::Failed => 3,
    }
}
