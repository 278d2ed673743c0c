//! cancelOrder.

use super::{Rule, driven};
use crate::conform::kit::{Halt, Kit, QUIET_MS, Verdict, ensure};
use crate::conform::seen::{brief, holds, is_idle, is_word, status};
use drover_proto::vda5050::{ActionStatus, BlockingType, Order, State};
use std::rc::Rc;

pub(super) const RULES: &[Rule] = &[
    driven!(
        "cancel-driving",
        "6.6.3",
        "cancelOrder stops a driving robot; it is FINISHED once the robot stands, and not before",
        "whether it stops on the spot or at the next node; whether RUNNING is seen",
        2,
        driving
    ),
    driven!(
        "cancel-empties-lists",
        "6.6.3",
        "After cancelOrder nodeStates and edgeStates are empty, orderId and orderUpdateId are kept",
        "",
        0,
        empties_lists
    ),
    driven!(
        "cancel-fails-waiting",
        "6.6.3",
        "cancelOrder makes actions that wait FAILED",
        "",
        2,
        fails_waiting
    ),
    driven!(
        "cancel-without-order",
        "6.6.3.2",
        "cancelOrder without an order is FAILED with noOrderToCancel, which names its actionId",
        "",
        0,
        without_order
    ),
    driven!(
        "order-after-cancel",
        "6.6.3.1",
        "After a cancel an order that begins at the robot's place is taken over and driven",
        "",
        3,
        order_after
    ),
];

/// An order of four nodes on its way.
async fn on_the_way(kit: &Kit, action: Option<&str>) -> Result<Order, Halt> {
    let mut order = kit.order(&kit.path(4).await?, 4);
    if let Some(action) = action {
        order.nodes[3].actions.push(kit.new_action(action, BlockingType::Hard));
    }
    kit.send(&order);
    kit.accepted(&order).await?;
    kit.under_way(&order).await?;
    Ok(order)
}

async fn driving(kit: Rc<Kit>) -> Verdict {
    on_the_way(&kit, None).await?;
    let from = kit.here();
    let id = kit.instant("cancelOrder", &[]);
    let state = kit.finished(&id, "cancelOrder").await?;
    ensure(!state.driving, || "cancelOrder is FINISHED while driving is true".to_owned())?;
    let finished = kit.here();
    kit.probe().await;
    kit.quiet(QUIET_MS).await;
    kit.every(finished, "the robot drove on after the cancel", |state| !state.driving)?;
    let early = |state: &State| status(state, &id) != Some(ActionStatus::Finished) || !state.driving;
    kit.every(from, "cancelOrder was FINISHED while the robot drove", early)
}

async fn empties_lists(kit: Rc<Kit>) -> Verdict {
    let order = kit.order(&kit.path(3).await?, 1);
    kit.send(&order);
    kit.accepted(&order).await?;
    let id = kit.instant("cancelOrder", &[]);
    let state = kit.finished(&id, "cancelOrder").await?;
    let is_empty = state.node_states.is_empty() && state.edge_states.is_empty();
    ensure(is_empty, || format!("the lists aren't empty; it said {}", brief(&state)))?;
    ensure(holds(&state, &order), || format!("the order's ids aren't kept; it said {}", brief(&state)))
}

async fn fails_waiting(kit: Rc<Kit>) -> Verdict {
    let action = kit.action()?;
    let order = on_the_way(&kit, Some(&action)).await?;
    let waiting = order.nodes[3].actions[0].action_id.clone();
    let id = kit.instant("cancelOrder", &[]);
    let state = kit.finished(&id, "cancelOrder").await?;
    match status(&state, &waiting) {
        Some(ActionStatus::Failed) => Ok(()),
        Some(other) => Err(Halt::Fail(format!("the action that waited is {}", other.as_str()))),
        None => Err(Halt::Fail("the action that waited isn't listed any more".to_owned())),
    }
}

async fn without_order(kit: Rc<Kit>) -> Verdict {
    let id = kit.instant("cancelOrder", &[]);
    let has_ended = |state: &State| status(state, &id).is_some_and(ActionStatus::has_ended);
    let state = kit.until("cancelOrder is FAILED", has_ended).await?;
    ensure(status(&state, &id) == Some(ActionStatus::Failed), || "cancelOrder is FINISHED".to_owned())?;
    let says = |state: &State| {
        state.errors.iter().any(|error| {
            is_word(&error.error_type, "noOrderToCancel") && error.reference("actionId") == Some(id.as_str())
        })
    };
    kit.until("an error noOrderToCancel with the reference actionId", says).await.map(|_| ())
}

async fn order_after(kit: Rc<Kit>) -> Verdict {
    on_the_way(&kit, None).await?;
    let id = kit.instant("cancelOrder", &[]);
    kit.finished(&id, "cancelOrder").await?;
    kit.until("the robot is idle after the cancel", is_idle).await?;
    let order = kit.order(&kit.path(2).await?, 2);
    kit.send(&order);
    kit.accepted(&order).await?;
    kit.done(&order).await.map(|_| ())
}
