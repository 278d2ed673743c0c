//! Order updates: the decision point, the horizon, the same and lower orderUpdateIds.

use super::refusals::{clean, untouched};
use super::{Rule, driven};
use crate::conform::kit::{Kit, QUIET_MS, Verdict, ensure};
use crate::conform::seen::{brief, holds, is_word, new_error};
use drover_proto::vda5050::{BlockingType, State};
use std::rc::Rc;

pub(super) const RULES: &[Rule] = &[
    driven!(
        "update-stitched",
        "6.6.2",
        "An update that begins at the last released node is taken over, and the robot goes on",
        "",
        3,
        stitched
    ),
    driven!(
        "update-new-horizon",
        "6.6.2",
        "An update's nodes take the place of the horizon",
        "",
        2,
        new_horizon
    ),
    driven!(
        "update-drops-horizon",
        "6.6.2",
        "An update of the stitching node alone drops the horizon, and the order is done",
        "",
        0,
        drops_horizon
    ),
    driven!(
        "update-same-id",
        "6.6.4.3",
        "The same orderUpdateId again is discarded: no error, no second drive, no second action",
        "",
        2,
        same_id
    ),
    driven!(
        "update-lower-id",
        "6.6.4.3",
        "A lower orderUpdateId is refused with orderUpdateError and the order is left as it was",
        "",
        0,
        lower_id
    ),
    driven!(
        "update-wrong-stitch",
        "6.6.2",
        "An update that doesn't begin at the last released node is refused",
        "the error's type",
        0,
        wrong_stitch
    ),
];

async fn stitched(kit: Rc<Kit>) -> Verdict {
    let path = kit.path(4).await?;
    let order = kit.order(&path.part(0, 1), 2);
    kit.send(&order);
    kit.accepted(&order).await?;
    let update = kit.update(&order, 1, 2, &path.part(1, 3), 3);
    kit.send(&update);
    kit.accepted(&update).await?;
    let state = kit.done(&update).await?;
    ensure(state.last_node_sequence_id == 6, || format!("it ended elsewhere; it said {}", brief(&state)))
}

async fn new_horizon(kit: Rc<Kit>) -> Verdict {
    let path = kit.path(4).await?;
    let order = kit.order(&path, 2);
    kit.send(&order);
    kit.accepted(&order).await?;
    let from = kit.here();
    let update = kit.update(&order, 1, 2, &path.part(1, 2), 2);
    kit.send(&update);
    kit.accepted(&update).await?;
    kit.done(&update).await?;
    let has_old = |state: &State| state.node_states.iter().any(|node| node.sequence_id == 6);
    kit.every(from, "the old horizon is still listed", |state| !holds(state, &update) || !has_old(state))
}

async fn drops_horizon(kit: Rc<Kit>) -> Verdict {
    let path = kit.path(3).await?;
    let order = kit.order(&path, 1);
    kit.send(&order);
    kit.accepted(&order).await?;
    let from = kit.here();
    let update = kit.update(&order, 1, 0, &path.part(0, 0), 1);
    kit.send(&update);
    kit.done(&update).await?;
    kit.every(from, "the robot drove", |state| !state.driving)
}

async fn same_id(kit: Rc<Kit>) -> Verdict {
    clean(&kit).await?;
    let mut order = kit.order(&kit.path(3).await?, 3);
    if let Ok(action) = kit.action() {
        order.nodes[1].actions.push(kit.new_action(&action, BlockingType::Hard));
    }
    let from = kit.here();
    kit.send(&order);
    let before = kit.accepted(&order).await?.errors.clone();
    kit.send(&order);
    kit.until("the first node is passed", |state| state.last_node_sequence_id >= 2 && holds(state, &order))
        .await?;
    kit.send(&order);
    kit.done(&order).await?;
    kit.send(&order);
    let done = kit.here();
    kit.probe().await;
    kit.quiet(QUIET_MS).await;
    kit.every(from, "there is a new error", |state| {
        new_error(&before, state).is_none() || !holds(state, &order)
    })?;
    kit.every(done, "the order began again", |state| !state.driving && state.node_states.is_empty())?;
    kit.every(done, "its action began again", crate::conform::seen::all_ended)
}

async fn lower_id(kit: Rc<Kit>) -> Verdict {
    let path = kit.path(2).await?;
    let order = kit.order(&path, 1);
    kit.send(&order);
    kit.accepted(&order).await?;
    let update = kit.update(&order, 2, 0, &path, 1);
    kit.send(&update);
    let before = kit.accepted(&update).await?.errors.clone();
    let from = kit.here();
    kit.send(&kit.update(&order, 1, 0, &path, 2));
    let error = kit.refused(&before, "refuses the lower orderUpdateId").await?;
    let said = &error.error_type;
    ensure(is_word(said, "orderUpdateError"), || format!("errorType is {said:?}, not \"orderUpdateError\""))?;
    kit.quiet(QUIET_MS).await;
    untouched(&kit, from, &update)?;
    kit.every(from, "the robot drove", |state| !state.driving)
}

async fn wrong_stitch(kit: Rc<Kit>) -> Verdict {
    let path = kit.path(3).await?;
    let order = kit.order(&path, 1);
    kit.send(&order);
    let before = kit.accepted(&order).await?.errors.clone();
    let from = kit.here();
    kit.send(&kit.update(&order, 1, 2, &path.part(1, 2), 2));
    kit.refused(&before, "refuses the update").await?;
    kit.quiet(QUIET_MS).await;
    untouched(&kit, from, &order)?;
    kit.every(from, "the robot drove", |state| !state.driving)
}
