//! Orders without updates: taking over, driving, base and horizon.

use super::{Rule, driven};
use crate::conform::kit::{EVENT_MS, Kit, QUIET_MS, Verdict, ensure, fail};
use crate::conform::seen::{brief, holds};
use drover_proto::vda5050::{ActionStatus, BlockingType, Order, State};
use std::rc::Rc;

/// So near to a node the robot has to be when it says it is there, metres.
const THERE_M: f64 = 0.5;

pub(super) const RULES: &[Rule] = &[
    driven!(
        "state-on-order",
        "6.10",
        "A state shows the order within 10 s of its sending",
        "the standard says: on receiving an order; 10 s allow for slow links",
        0,
        state_on_order
    ),
    driven!(
        "order-one-node",
        "6.6.1",
        "An order of the node it stands on is done without driving",
        "",
        0,
        one_node
    ),
    driven!(
        "order-lists-rest",
        "6.10.6",
        "The first state of an order lists its nodes and edges as released",
        "whether the first node is listed",
        2,
        lists_rest
    ),
    driven!(
        "order-driven",
        "6.10.2",
        "An order is driven to its last node, and the lists are empty then",
        "",
        2,
        drives
    ),
    driven!(
        "horizon-listed",
        "6.6.1",
        "Nodes and edges of the horizon are listed with released false",
        "",
        1,
        horizon_listed
    ),
    driven!(
        "horizon-not-driven",
        "6.6.1",
        "The robot stops at the last released node and stays there, the horizon listed",
        "",
        1,
        horizon_not_driven
    ),
    driven!(
        "horizon-actions-wait",
        "6.11",
        "Actions of the horizon don't begin",
        "whether they are listed as WAITING or not at all",
        0,
        horizon_actions
    ),
    driven!(
        "order-continued",
        "6.6.2",
        "A completed order goes on with an update that begins at its last node",
        "",
        2,
        continued
    ),
];

async fn state_on_order(kit: Rc<Kit>) -> Verdict {
    let order = kit.order(&kit.path(1).await?, 1);
    kit.send(&order);
    kit.until_within(EVENT_MS, "a state with the order", |state| holds(state, &order)).await.map(|_| ())
}

async fn one_node(kit: Rc<Kit>) -> Verdict {
    let order = kit.order(&kit.path(1).await?, 1);
    let from = kit.here();
    kit.send(&order);
    kit.done(&order).await?;
    kit.every(from, "the robot drove", |state| !state.driving)
}

async fn lists_rest(kit: Rc<Kit>) -> Verdict {
    let order = kit.order(&kit.path(3).await?, 3);
    kit.send(&order);
    let state = kit.accepted(&order).await?;
    listed(&state, &[2, 4], &[1, 3])?;
    let is_released = state.node_states.iter().all(|node| node.released)
        && state.edge_states.iter().all(|edge| edge.released);
    ensure(is_released, || "released nodes or edges are listed with released false".to_owned())?;
    kit.done(&order).await.map(|_| ())
}

/// These are left, and perhaps the first node.
fn listed(state: &State, nodes: &[u32], edges: &[u32]) -> Verdict {
    let said: Vec<u32> =
        state.node_states.iter().map(|node| node.sequence_id).filter(|seq| *seq > 0).collect();
    ensure(said == nodes, || format!("nodeStates has the sequenceIds {said:?}, not {nodes:?}"))?;
    let said: Vec<u32> = state.edge_states.iter().map(|edge| edge.sequence_id).collect();
    ensure(said == edges, || format!("edgeStates has the sequenceIds {said:?}, not {edges:?}"))
}

async fn drives(kit: Rc<Kit>) -> Verdict {
    let path = kit.path(3).await?;
    let order = kit.order(&path, 3);
    let from = kit.here();
    kit.send(&order);
    let state = kit.done(&order).await?;
    ensure(state.last_node_sequence_id == 4, || {
        format!("lastNodeSequenceId is {}, not 4, at the end", state.last_node_sequence_id)
    })?;
    let has_driven = kit.since(from).iter().any(|state| state.driving);
    ensure(has_driven, || "no state on the way said driving true".to_owned())?;
    is_at(&state, &order, 2)
}

fn is_at(state: &State, order: &Order, index: usize) -> Verdict {
    let (Some(at), Some(node)) = (&state.agv_position, order.nodes[index].node_position.as_ref()) else {
        return Ok(());
    };
    let off_m = (at.x - node.x).hypot(at.y - node.y);
    ensure(off_m <= THERE_M, || {
        format!("it says it is at {:?}, but its position is {off_m:.2} m away", state.last_node_id)
    })
}

async fn horizon_listed(kit: Rc<Kit>) -> Verdict {
    let order = kit.order(&kit.path(4).await?, 2);
    kit.send(&order);
    let state = kit.accepted(&order).await?;
    listed(&state, &[2, 4, 6], &[1, 3, 5])?;
    let released = |seq: u32| seq <= 2;
    let node = state.node_states.iter().find(|node| node.released != released(node.sequence_id));
    let edge = state.edge_states.iter().find(|edge| edge.released != released(edge.sequence_id));
    match (node, edge) {
        (None, None) => Ok(()),
        (Some(node), _) => {
            fail(format!("node {} is listed with released {}", node.sequence_id, node.released))
        }
        (None, Some(edge)) => {
            fail(format!("edge {} is listed with released {}", edge.sequence_id, edge.released))
        }
    }
}

async fn horizon_not_driven(kit: Rc<Kit>) -> Verdict {
    let order = kit.order(&kit.path(4).await?, 2);
    kit.send(&order);
    let stands = |state: &State| holds(state, &order) && state.last_node_sequence_id == 2 && !state.driving;
    let state = kit.until("the robot stops at the last released node", stands).await?;
    is_at(&state, &order, 1)?;
    let from = kit.here();
    kit.probe().await;
    kit.quiet(QUIET_MS).await;
    let is_left = |state: &State| state.node_states.iter().map(|node| node.sequence_id).eq([4, 6]);
    kit.every(from, "it drove into the horizon", |state| !state.driving)?;
    kit.every(from, "the horizon isn't listed any more", is_left)
}

async fn horizon_actions(kit: Rc<Kit>) -> Verdict {
    let action = kit.new_action(&kit.action()?, BlockingType::None);
    let id = action.action_id.clone();
    let mut order = kit.order(&kit.path(2).await?, 1);
    order.nodes[1].actions.push(action);
    let from = kit.here();
    kit.send(&order);
    kit.accepted(&order).await?;
    kit.probe().await;
    kit.quiet(QUIET_MS).await;
    kit.every(from, "the action began", |state| match crate::conform::seen::status(state, &id) {
        None | Some(ActionStatus::Waiting) => true,
        Some(
            ActionStatus::Initializing
            | ActionStatus::Running
            | ActionStatus::Paused
            | ActionStatus::Finished
            | ActionStatus::Failed
            | ActionStatus::Unknown,
        ) => false,
    })
}

async fn continued(kit: Rc<Kit>) -> Verdict {
    let path = kit.path(3).await?;
    let order = kit.order(&path.part(0, 1), 2);
    kit.send(&order);
    kit.done(&order).await?;
    let update = kit.update(&order, 1, 2, &path.part(1, 2), 2);
    kit.send(&update);
    kit.accepted(&update).await?;
    let state = kit.done(&update).await?;
    ensure(state.last_node_sequence_id == 4, || format!("it ended elsewhere; it said {}", brief(&state)))
}
