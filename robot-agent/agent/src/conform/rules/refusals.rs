//! Orders that a robot has to refuse, and how it says so. All nodes are on free ground, should it drive nevertheless.

use super::{Rule, driven};
use crate::conform::kit::{Kit, QUIET_MS, Verdict, ensure, fail};
use crate::conform::seen::{holds, is_word, new_error};
use drover_proto::vda5050::{BlockingType, Error, ErrorLevel, Order, State, TopicKind};
use serde_json::{Value, json};
use std::rc::Rc;

pub(super) const RULES: &[Rule] = &[
    driven!(
        "order-while-active",
        "6.6.2",
        "Another orderId is refused while an order is driven, which goes on",
        "the error's type",
        2,
        while_active
    ),
    driven!(
        "order-while-horizon",
        "6.6.2",
        "Another orderId is refused while a horizon waits for its release",
        "the error's type",
        0,
        while_horizon
    ),
    driven!(
        "order-out-of-reach",
        "6.6.2",
        "An order that begins at a node out of reach is refused, and nothing moves",
        "the error's type (noRouteError in practice)",
        0,
        out_of_reach
    ),
    driven!(
        "order-too-few-edges",
        "6.6.4.1",
        "An order without an edge between its nodes is refused with validationError; the old one goes on",
        "",
        2,
        too_few_edges
    ),
    driven!(
        "order-without-nodes",
        "6.6.4.1",
        "An order without the field nodes is refused with validationError; the old one goes on",
        "",
        2,
        without_nodes
    ),
    driven!(
        "order-broken-json",
        "6.6.4.1",
        "An order that isn't JSON is refused with validationError; the old one goes on",
        "",
        2,
        broken_json
    ),
    driven!(
        "order-unknown-action",
        "6.6.4.2",
        "An order with an action that isn't known is refused with orderError",
        "",
        0,
        unknown_action
    ),
    driven!(
        "refusal-references",
        "6.6.4",
        "A refusal is a WARNING whose references name the order (orderId)",
        "further references",
        0,
        references
    ),
    driven!(
        "refusal-stays",
        "6.6.4",
        "The warning stays in the state until an order is taken over, and goes then",
        "",
        0,
        stays
    ),
];

/// Errors of earlier refusals go with an order that is taken over.
pub(super) async fn clean(kit: &Kit) -> Verdict {
    if kit.errors().is_empty() {
        return Ok(());
    }
    let order = kit.order(&kit.path(1).await?, 1);
    kit.send(&order);
    kit.done(&order).await.map(|_| ())
}

/// All states from there on show this order.
pub(super) fn untouched(kit: &Kit, from: usize, order: &Order) -> Verdict {
    kit.every(from, "the refused order was taken over", |state| holds(state, order))
}

async fn while_active(kit: Rc<Kit>) -> Verdict {
    let path = kit.path(3).await?;
    let order = kit.order(&path, 3);
    kit.send(&order);
    kit.accepted(&order).await?;
    let state = kit.until("the robot drives", |state| state.driving).await?;
    let from = kit.here();
    kit.send(&kit.order(&path.part(0, 0), 1));
    kit.refused(&state.errors, "refuses the other order").await?;
    kit.done(&order).await?;
    untouched(&kit, from, &order)
}

async fn while_horizon(kit: Rc<Kit>) -> Verdict {
    let path = kit.path(2).await?;
    let order = kit.order(&path, 1);
    kit.send(&order);
    let before = kit.accepted(&order).await?.errors.clone();
    let from = kit.here();
    kit.send(&kit.order(&path.part(0, 0), 1));
    kit.refused(&before, "refuses the other order").await?;
    kit.quiet(QUIET_MS).await;
    untouched(&kit, from, &order)
}

/// An order that begins two nodes away: the robot isn't there.
async fn far_order(kit: &Kit) -> Result<(Order, Vec<Error>), crate::conform::kit::Halt> {
    clean(kit).await?;
    let path = kit.path(4).await?;
    // The walk there may have been the order that clears the errors.
    let before = kit.errors();
    Ok((kit.order(&path.part(2, 3), 2), before))
}

async fn out_of_reach(kit: Rc<Kit>) -> Verdict {
    let (order, before) = far_order(&kit).await?;
    let from = kit.here();
    kit.send(&order);
    kit.refused(&before, "refuses the order").await?;
    kit.quiet(QUIET_MS).await;
    kit.every(from, "the refused order was taken over", |state| !holds(state, &order))?;
    kit.every(from, "the robot drove", |state| !state.driving)
}

/// Sends something malformed while an order is driven.
async fn malformed(kit: &Kit, spoil: impl Fn(Value) -> String) -> Verdict {
    clean(kit).await?;
    let order = kit.order(&kit.path(3).await?, 3);
    kit.send(&order);
    let before = kit.accepted(&order).await?.errors.clone();
    let from = kit.here();
    let path = kit.path(1).await?;
    let bad = serde_json::to_value(kit.order(&path, 1)).unwrap_or_default();
    kit.send_raw(TopicKind::Order, &spoil(bad));
    let error = kit.refused(&before, "refuses the malformed order").await?;
    let said = &error.error_type;
    ensure(is_word(said, "validationError"), || format!("errorType is {said:?}, not \"validationError\""))?;
    kit.done(&order).await?;
    untouched(kit, from, &order)
}

async fn too_few_edges(kit: Rc<Kit>) -> Verdict {
    let twice = |mut order: Value| {
        let mut second = order["nodes"][0].clone();
        second["sequenceId"] = json!(2);
        if let Some(nodes) = order["nodes"].as_array_mut() {
            nodes.push(second);
        }
        order.to_string()
    };
    malformed(&kit, twice).await
}

async fn without_nodes(kit: Rc<Kit>) -> Verdict {
    let without = |mut order: Value| {
        if let Some(fields) = order.as_object_mut() {
            fields.remove("nodes");
        }
        order.to_string()
    };
    malformed(&kit, without).await
}

async fn broken_json(kit: Rc<Kit>) -> Verdict {
    let cut = |order: Value| {
        let text = order.to_string();
        text.chars().take(text.chars().count() * 2 / 3).collect()
    };
    malformed(&kit, cut).await
}

async fn unknown_action(kit: Rc<Kit>) -> Verdict {
    kit.needs_limits()?;
    clean(&kit).await?;
    let mut order = kit.order(&kit.path(1).await?, 1);
    order.nodes[0].actions.push(kit.new_action("conformNoSuchAction", BlockingType::Hard));
    let (from, before) = (kit.here(), kit.errors());
    kit.send(&order);
    let error = kit.refused(&before, "refuses the order").await?;
    let said = &error.error_type;
    ensure(is_word(said, "orderError"), || format!("errorType is {said:?}, not \"orderError\""))?;
    kit.every(from, "the refused order was taken over", |state| !holds(state, &order))
}

async fn references(kit: Rc<Kit>) -> Verdict {
    let (order, before) = far_order(&kit).await?;
    kit.send(&order);
    let error = kit.refused(&before, "refuses the order").await?;
    ensure(error.error_level == ErrorLevel::Warning, || "errorLevel isn't WARNING".to_owned())?;
    match error.reference("orderId") {
        Some(id) if id == order.order_id => Ok(()),
        Some(id) => fail(format!("the reference orderId is {id:?}; refused was {:?}", order.order_id)),
        None => fail(format!("{:?} has no reference with referenceKey orderId", error.error_type)),
    }
}

async fn stays(kit: Rc<Kit>) -> Verdict {
    let (order, before) = far_order(&kit).await?;
    kit.send(&order);
    let error = kit.refused(&before, "refuses the order").await?;
    let from = kit.here();
    let has = |state: &State| state.errors.iter().any(|other| other.error_type == error.error_type);
    for _ in 0..2 {
        kit.probe().await;
        kit.quiet(QUIET_MS / 2).await;
    }
    kit.every(from, "the warning is gone before an order was taken over", has)?;
    let good = kit.order(&kit.path(1).await?, 1);
    kit.send(&good);
    let is_gone = |state: &State| holds(state, &good) && (new_error(&before, state).is_none() || !has(state));
    kit.until("the warning goes with the order taken over", is_gone).await.map(|_| ())
}
