//! Waits: for a state that shows something, for silence, for the end of an order.

use super::{Halt, Kit, fail, place};
use crate::conform::ground::{Ground, Path, Place};
use crate::conform::seen::{self, brief, holds, is_done, new_error};
use drover_proto::vda5050::{ActionStatus, Error, Order, State, TopicKind};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

/// A robot that doesn't answer a stateRequest has had its time to read what came before it.
const PROBE_MS: u64 = 2_000;

impl Kit {
    /// The first state since the last message, or since the last wait ended, for which it holds.
    pub async fn until(&self, what: &str, holds: impl Fn(&State) -> bool) -> Result<Rc<State>, Halt> {
        let patience_ms = self.0.borrow().setting.patience_ms;
        self.until_within(patience_ms, what, holds).await
    }

    pub async fn until_within(
        &self,
        ms: u64,
        what: &str,
        holds: impl Fn(&State) -> bool,
    ) -> Result<Rc<State>, Halt> {
        let deadline = self.now_ms().saturating_add(ms);
        let found = poll_fn(|_| self.0.borrow_mut().look(deadline, &holds)).await;
        found.ok_or_else(|| {
            let last = self.state().map_or("nothing".to_owned(), |state| brief(&state));
            Halt::Fail(format!("{what}: not within {} s; the last state said {last}", ms / 1_000))
        })
    }

    /// Nothing is expected for so long.
    pub async fn quiet(&self, ms: u64) {
        let deadline = self.now_ms().saturating_add(ms);
        poll_fn(|_| self.0.borrow_mut().pass(deadline)).await;
    }

    /// True once more messages of a topic were heard; false when the time is up.
    pub async fn more(&self, kind: TopicKind, than: u32, ms: u64) -> bool {
        let deadline = self.now_ms().saturating_add(ms);
        poll_fn(
            |_| {
                if self.heard(kind) > than { Poll::Ready(()) } else { self.0.borrow_mut().pass(deadline) }
            },
        )
        .await;
        self.heard(kind) > than
    }

    /// The instant action has ended FINISHED.
    pub async fn finished(&self, id: &str, name: &str) -> Result<Rc<State>, Halt> {
        let what = format!("{name} is FINISHED");
        let state =
            self.until(&what, |state| seen::status(state, id).is_some_and(ActionStatus::has_ended)).await?;
        match seen::status(&state, id) {
            Some(ActionStatus::Failed) => fail(format!("{name} is FAILED; the state said {}", brief(&state))),
            Some(_) | None => Ok(state),
        }
    }

    /// Waits until the robot has read what was sent before: it answers a stateRequest, or has had its time.
    pub async fn probe(&self) {
        let id = self.instant("stateRequest", &[]);
        let answered = |state: &State| seen::status(state, &id).is_some_and(ActionStatus::has_ended);
        // A robot that doesn't answer fails the rule about that alone.
        let _ = self.until_within(PROBE_MS, "", answered).await;
    }

    /// A state shows the order.
    pub async fn accepted(&self, order: &Order) -> Result<Rc<State>, Halt> {
        let what =
            format!("the robot takes over order {:?} update {}", order.order_id, order.order_update_id);
        self.until(&what, |state| holds(state, order)).await
    }

    /// The order is driven to the end of its base and all its actions have ended.
    pub async fn done(&self, order: &Order) -> Result<Rc<State>, Halt> {
        let last = order.nodes.iter().rfind(|node| node.released).map(|node| node.node_id.as_str());
        let what = format!("the order ends at node {:?}", last.unwrap_or_default());
        self.until(&what, |state| is_done(state, order)).await
    }

    /// The robot has passed the second node of the order and drives on.
    pub async fn under_way(&self, order: &Order) -> Result<Rc<State>, Halt> {
        let goes_on =
            |state: &State| holds(state, order) && state.last_node_sequence_id >= 2 && state.driving;
        self.until("the robot passes the second node and drives on", goes_on).await
    }

    /// A state shows an error that wasn't there before the message was sent.
    pub async fn refused(&self, before: &[Error], what: &str) -> Result<Error, Halt> {
        let what = format!("an error in the state that {what}");
        let state = self.until(&what, |state| new_error(before, state).is_some()).await?;
        new_error(before, &state).cloned().ok_or(Halt::Fail(what))
    }

    /// A path of so many nodes from where the robot is; it is first driven to where there is one.
    pub async fn path(&self, nodes: usize) -> Result<Path, Halt> {
        if let Some(path) = self.look_for(|ground, place, here| ground.path(place, nodes, here)) {
            return Ok(path);
        }
        let Some(walk) = self.look_for(|ground, place, here| ground.way_to_room(place, nodes, here)) else {
            let place = self.state().map_or("nothing".to_owned(), |state| brief(&state));
            return fail(format!(
                "no path of {nodes} nodes leads on from where the robot is; it said {place}"
            ));
        };
        let order = self.order(&walk, walk.stops.len());
        self.send(&order);
        self.done(&order).await?;
        self.look_for(|ground, place, here| ground.path(place, nodes, here))
            .ok_or_else(|| Halt::Fail(format!("no path of {nodes} nodes leads on from the node driven to")))
    }

    fn look_for<T>(&self, find: impl Fn(&Ground, &Place, &str) -> Option<T>) -> Option<T> {
        let inner = &mut *self.0.borrow_mut();
        let here = inner.fresh("here");
        let place = place(inner.log.last()?);
        find(inner.ground.as_ref()?, &place, &here)
    }
}
