//! Actions at nodes: when they begin, what may happen beside them.

use super::{Rule, driven};
use crate::conform::kit::{Halt, Kit, Verdict, ensure, fail};
use crate::conform::seen::{brief, is_running, status};
use drover_proto::vda5050::{ActionStatus, BlockingType, Order, State};
use std::rc::Rc;

pub(super) const RULES: &[Rule] = &[
    driven!(
        "action-runs",
        "6.11",
        "A node's action is carried out where the robot stands and is FINISHED",
        "",
        0,
        runs
    ),
    driven!(
        "action-at-its-node",
        "6.10.2",
        "A node's action begins when its node is passed, not before",
        "",
        2,
        at_its_node
    ),
    driven!(
        "action-hard-alone",
        "6.12",
        "While a HARD action runs the robot stands and no other action runs; then it goes on",
        "",
        2,
        hard
    ),
    driven!("action-soft-stands", "6.12", "While a SOFT action runs the robot stands", "", 2, soft),
    driven!(
        "action-none-finishes",
        "6.12",
        "A NONE action on the way is FINISHED",
        "whether it drives meanwhile",
        2,
        free
    ),
    driven!(
        "action-order",
        "6.12",
        "HARD actions of a node run one after the other, in the order listed",
        "",
        0,
        in_order
    ),
    driven!(
        "action-node-left-first",
        "6.10.2",
        "The node leaves nodeStates before its actions have ended",
        "skipped if the action ends too quickly to be seen",
        2,
        node_first
    ),
];

/// An order of three nodes, actions at the one in the middle; sent, driven and done.
async fn driven_with(kit: &Kit, blocking: &[BlockingType]) -> Result<(Order, Vec<Rc<State>>), Halt> {
    let action = kit.action()?;
    let mut order = kit.order(&kit.path(3).await?, 3);
    order.nodes[1].actions = blocking.iter().map(|blocking| kit.new_action(&action, *blocking)).collect();
    let from = kit.here();
    kit.send(&order);
    kit.accepted(&order).await?;
    let end = kit.done(&order).await?;
    for action in &order.nodes[1].actions {
        let ended = status(&end, &action.action_id);
        ensure(ended == Some(ActionStatus::Finished), || {
            format!("action {} is {}", action.action_type, ended.map_or("not listed", ActionStatus::as_str))
        })?;
    }
    Ok((order, kit.since(from)))
}

/// Fails at a state in which the action runs and it doesn't hold.
fn while_running(states: &[Rc<State>], id: &str, what: &str, holds: impl Fn(&State) -> bool) -> Verdict {
    match states.iter().find(|state| is_running(state, id) && !holds(state)) {
        Some(state) => fail(format!("{what}; a state said {}", brief(state))),
        None => Ok(()),
    }
}

async fn runs(kit: Rc<Kit>) -> Verdict {
    let action = kit.new_action(&kit.action()?, BlockingType::Hard);
    let mut order = kit.order(&kit.path(1).await?, 1);
    let id = action.action_id.clone();
    order.nodes[0].actions.push(action);
    kit.send(&order);
    kit.accepted(&order).await?;
    let state = kit.done(&order).await?;
    match status(&state, &id) {
        Some(ActionStatus::Finished) => Ok(()),
        other => fail(format!("the action is {}", other.map_or("not listed", ActionStatus::as_str))),
    }
}

async fn at_its_node(kit: Rc<Kit>) -> Verdict {
    let (order, states) = driven_with(&kit, &[BlockingType::Hard]).await?;
    let id = &order.nodes[1].actions[0].action_id;
    let is_passed = |state: &State| state.last_node_sequence_id >= 2;
    while_running(&states, id, "the action ran before its node was passed", is_passed)?;
    while_running(&states, id, "the action ran after the next node was passed", |state| {
        state.last_node_sequence_id <= 2
    })
}

async fn hard(kit: Rc<Kit>) -> Verdict {
    let (order, states) = driven_with(&kit, &[BlockingType::None, BlockingType::Hard]).await?;
    let [free, hard] = [0, 1].map(|index| order.nodes[1].actions[index].action_id.as_str());
    while_running(&states, hard, "the robot drove while the HARD action ran", |state| !state.driving)?;
    while_running(&states, hard, "another action ran beside the HARD one", |state| !is_running(state, free))
}

async fn soft(kit: Rc<Kit>) -> Verdict {
    let (order, states) = driven_with(&kit, &[BlockingType::Soft]).await?;
    let id = &order.nodes[1].actions[0].action_id;
    while_running(&states, id, "the robot drove while the SOFT action ran", |state| !state.driving)
}

async fn free(kit: Rc<Kit>) -> Verdict {
    driven_with(&kit, &[BlockingType::None]).await.map(|_| ())
}

async fn in_order(kit: Rc<Kit>) -> Verdict {
    let action = kit.action()?;
    let mut order = kit.order(&kit.path(1).await?, 1);
    let actions = [0, 1].map(|_| kit.new_action(&action, BlockingType::Hard));
    order.nodes[0].actions = actions.to_vec();
    let from = kit.here();
    kit.send(&order);
    kit.accepted(&order).await?;
    kit.done(&order).await?;
    let [first, second] = [&actions[0], &actions[1]].map(|action| action.action_id.as_str());
    let states = kit.since(from);
    let has_ended = |state: &State| status(state, first).is_some_and(ActionStatus::has_ended);
    while_running(&states, second, "the second began before the first had ended", has_ended)?;
    let early = states
        .iter()
        .any(|state| status(state, second).is_some_and(ActionStatus::has_ended) && !has_ended(state));
    ensure(!early, || "the second ended before the first".to_owned())
}

async fn node_first(kit: Rc<Kit>) -> Verdict {
    let (order, states) = driven_with(&kit, &[BlockingType::Hard]).await?;
    let id = &order.nodes[1].actions[0].action_id;
    if !states.iter().any(|state| is_running(state, id)) {
        return Err(Halt::Skip("no state showed the action running".to_owned()));
    }
    let has_left = |state: &State| state.node_states.iter().all(|node| node.sequence_id > 2);
    while_running(&states, id, "the node is listed while its action runs", has_left)
}
