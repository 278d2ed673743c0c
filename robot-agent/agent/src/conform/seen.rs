//! What a state says: the small questions the rules ask of it.

use drover_proto::vda5050::{ActionStatus, Error, Order, State};

/// It shows this order and this update of it.
pub(crate) fn holds(state: &State, order: &Order) -> bool {
    state.order_id == order.order_id && state.order_update_id == order.order_update_id
}

/// Nothing to drive, nothing to do, standing.
pub(crate) fn is_idle(state: &State) -> bool {
    state.node_states.is_empty() && state.edge_states.is_empty() && !state.driving && all_ended(state)
}

/// No action is open.
pub(crate) fn all_ended(state: &State) -> bool {
    state.action_states.iter().all(|action| action.action_status.has_ended())
}

/// The order is driven to its end and its actions have ended.
pub(crate) fn is_done(state: &State, order: &Order) -> bool {
    let last = order.nodes.iter().rfind(|node| node.released).map(|node| node.node_id.as_str());
    holds(state, order) && is_idle(state) && Some(state.last_node_id.as_str()) == last
}

/// The status of an action, if it is listed.
pub(crate) fn status(state: &State, action_id: &str) -> Option<ActionStatus> {
    let found = state.action_states.iter().find(|action| action.action_id == action_id)?;
    Some(found.action_status)
}

/// The action is under way.
pub(crate) fn is_running(state: &State, action_id: &str) -> bool {
    match status(state, action_id) {
        Some(ActionStatus::Running | ActionStatus::Initializing | ActionStatus::Paused) => true,
        Some(
            ActionStatus::Waiting | ActionStatus::Finished | ActionStatus::Failed | ActionStatus::Unknown,
        )
        | None => false,
    }
}

/// Words of the wire differ in case and underscores between versions.
pub(crate) fn is_word(said: &str, wanted: &str) -> bool {
    let letters = |text: &str| text.replace(['_', ' '], "").to_ascii_lowercase();
    letters(said) == letters(wanted)
}

/// The first error that wasn't there before; its description doesn't count.
pub(crate) fn new_error<'a>(before: &[Error], state: &'a State) -> Option<&'a Error> {
    let is_old = |error: &Error| {
        before
            .iter()
            .any(|old| old.error_type == error.error_type && old.error_references == error.error_references)
    };
    state.errors.iter().find(|error| !is_old(error))
}

/// One line for a person who looks for the reason of a failure.
pub(crate) fn brief(state: &State) -> String {
    let nodes: Vec<String> = state.node_states.iter().map(|node| node.sequence_id.to_string()).collect();
    let actions = state.action_states.iter().filter(|action| !action.action_status.has_ended()).count();
    let errors: Vec<&str> = state.errors.iter().map(|error| error.error_type.as_str()).collect();
    format!(
        "orderId {:?} update {}, lastNodeId {:?} ({}), nodes left [{}], driving {}, paused {}, open actions {actions}, \
         errors [{}]",
        state.order_id,
        state.order_update_id,
        state.last_node_id,
        state.last_node_sequence_id,
        nodes.join(" "),
        state.driving,
        state.paused.unwrap_or(false),
        errors.join(" "),
    )
}
