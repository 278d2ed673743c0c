//! Topics, requests and instant actions that move nothing.

use super::{Rule, driven};
use crate::conform::kit::{EVENT_MS, Halt, Kit, QUIET_MS, Verdict, ensure, fail};
use crate::conform::seen::{brief, status};
use crate::conform::watch::{STATE_LATE_MS, STATE_MS_MAX};
use drover_proto::vda5050::{ActionStatus, ConnectionState, ErrorLevel, State, TopicKind};
use std::rc::Rc;

pub(super) const RULES: &[Rule] = &[
    driven!("online", "6.14", "A robot that is there says ONLINE on connection", "", 0, online),
    driven!(
        "connection-retained",
        "6.14",
        "connection is kept by the broker (retained) and sent with QoS 1",
        "",
        0,
        connection_retained
    ),
    driven!(
        "factsheet-retained",
        "6.15",
        "factsheet is kept by the broker (retained)",
        "",
        0,
        factsheet_retained
    ),
    driven!(
        "state-not-retained",
        "6.2",
        "state and visualization aren't kept by the broker",
        "",
        0,
        state_not_retained
    ),
    driven!(
        "state-request",
        "6.8.1",
        "stateRequest is FINISHED in a state that follows",
        "",
        0,
        state_request
    ),
    driven!(
        "factsheet-request",
        "6.8.1",
        "factsheetRequest is answered by a factsheet and FINISHED",
        "",
        0,
        factsheet_request
    ),
    driven!(
        "state-interval",
        "6.10",
        "A state comes at the latest every 30 s",
        "2 s of delay",
        0,
        state_interval
    ),
    driven!(
        "instant-action-unknown",
        "6.9",
        "An instant action that isn't known is FAILED, with a WARNING that names its actionId",
        "the error's type",
        0,
        instant_unknown
    ),
    driven!(
        "instant-action-malformed",
        "6.9",
        "instantActions that isn't JSON doesn't keep the robot from answering the next",
        "whether it reports an error",
        0,
        instant_malformed
    ),
    driven!(
        "instant-action-twice",
        "6.9",
        "An instant action sent again with the same actionId isn't carried out again",
        "",
        0,
        instant_twice
    ),
];

async fn online(kit: Rc<Kit>) -> Verdict {
    match kit.connection() {
        Some(ConnectionState::Online) => Ok(()),
        Some(other) => fail(format!("connection says {} while states come", other.as_str())),
        None => fail("nothing came on connection"),
    }
}

/// Has all that is kept brought again.
async fn brought(kit: &Kit) {
    kit.resubscribe();
    kit.probe().await;
    kit.quiet(QUIET_MS / 4).await;
}

async fn connection_retained(kit: Rc<Kit>) -> Verdict {
    brought(&kit).await;
    match kit.kept(TopicKind::Connection) {
        Some((true, 1..)) => Ok(()),
        Some((true, 0)) => fail("connection was sent with QoS 0"),
        Some((false, _)) | None => fail("a new subscriber gets no connection message from the broker"),
    }
}

async fn factsheet_retained(kit: Rc<Kit>) -> Verdict {
    ensure(kit.has_factsheet(), || "no factsheet was ever heard, not even on factsheetRequest".to_owned())?;
    brought(&kit).await;
    let is_kept = kit.kept(TopicKind::Factsheet).is_some_and(|(retained, _)| retained);
    ensure(is_kept, || "a new subscriber gets no factsheet from the broker".to_owned())
}

async fn state_not_retained(kit: Rc<Kit>) -> Verdict {
    brought(&kit).await;
    for kind in [TopicKind::State, TopicKind::Visualization] {
        let is_kept = kit.kept(kind).is_some_and(|(retained, _)| retained);
        ensure(!is_kept, || format!("the broker keeps an old {}: it was sent retained", kind.as_str()))?;
    }
    Ok(())
}

async fn state_request(kit: Rc<Kit>) -> Verdict {
    let id = kit.instant("stateRequest", &[]);
    kit.finished(&id, "stateRequest").await.map(|_| ())
}

async fn factsheet_request(kit: Rc<Kit>) -> Verdict {
    let before = kit.heard(TopicKind::Factsheet);
    let id = kit.instant("factsheetRequest", &[]);
    let has_come = kit.more(TopicKind::Factsheet, before, kit.setting().patience_ms).await;
    ensure(has_come, || "no factsheet followed".to_owned())?;
    kit.finished(&id, "factsheetRequest").await.map(|_| ())
}

async fn state_interval(kit: Rc<Kit>) -> Verdict {
    let before = kit.heard(TopicKind::State);
    let has_come = kit.more(TopicKind::State, before, STATE_MS_MAX + STATE_LATE_MS).await;
    ensure(has_come, || format!("no state for {} s", (STATE_MS_MAX + STATE_LATE_MS) / 1_000))?;
    kit.watched("state-interval")
}

async fn instant_unknown(kit: Rc<Kit>) -> Verdict {
    kit.needs_limits()?;
    let id = kit.instant("conformNoSuchAction", &[]);
    let has_ended = |state: &State| status(state, &id).is_some_and(ActionStatus::has_ended);
    let state = kit.until_within(EVENT_MS, "the unknown action is FAILED", has_ended).await?;
    ensure(status(&state, &id) == Some(ActionStatus::Failed), || "it is FINISHED".to_owned())?;
    let names = |state: &State| {
        state.errors.iter().any(|error| {
            error.error_level == ErrorLevel::Warning && error.reference("actionId") == Some(id.as_str())
        })
    };
    kit.until("a WARNING with the reference actionId", names).await.map(|_| ())
}

async fn instant_malformed(kit: Rc<Kit>) -> Verdict {
    kit.send_raw(TopicKind::InstantActions, "{\"headerId\": 1, \"actions\": [{\"actionType\":");
    let (factsheets, states) = (kit.heard(TopicKind::Factsheet), kit.heard(TopicKind::State));
    kit.instant("factsheetRequest", &[]);
    kit.instant("stateRequest", &[]);
    // Either answer is a sign of life: whether each is given is a rule of its own.
    let has_state = kit.more(TopicKind::State, states, EVENT_MS).await;
    ensure(has_state || kit.heard(TopicKind::Factsheet) > factsheets, || "nothing came any more".to_owned())
}

async fn instant_twice(kit: Rc<Kit>) -> Verdict {
    kit.needs("startPause")?;
    kit.needs("stopPause")?;
    let id = kit.instant("startPause", &[]);
    kit.until("startPause sets paused", |state| state.paused == Some(true)).await?;
    kit.finished(&id, "startPause").await?;
    let stop = kit.instant("stopPause", &[]);
    kit.until("stopPause clears paused", |state| state.paused != Some(true)).await?;
    kit.finished(&stop, "stopPause").await?;
    let from = kit.here();
    kit.instant_as(&id, "startPause", &[]);
    kit.probe().await;
    kit.quiet(QUIET_MS).await;
    match kit.since(from).iter().find(|state| state.paused == Some(true)) {
        Some(state) => Err(Halt::Fail(format!("the robot paused again; it said {}", brief(state)))),
        None => Ok(()),
    }
}
