//! startPause and stopPause.

use super::{Rule, driven};
use crate::conform::kit::{Halt, Kit, QUIET_MS, Verdict, ensure};
use drover_proto::vda5050::{Order, State};
use std::rc::Rc;

pub(super) const RULES: &[Rule] = &[
    driven!(
        "pause-stops",
        "6.8.1",
        "startPause stops a driving robot: paused is true, it stands, the order is kept",
        "",
        2,
        stops
    ),
    driven!(
        "pause-resumes",
        "6.8.1",
        "stopPause clears paused, and the robot drives the order to its end",
        "",
        3,
        resumes
    ),
    driven!("pause-twice", "6.8.1", "A second startPause is FINISHED too and changes nothing", "", 0, twice),
    driven!("pause-none", "6.8.1", "stopPause without a pause is FINISHED and changes nothing", "", 0, none),
];

async fn paused(kit: &Kit) -> Result<Order, Halt> {
    kit.needs("startPause")?;
    kit.needs("stopPause")?;
    let order = kit.order(&kit.path(4).await?, 4);
    kit.send(&order);
    kit.accepted(&order).await?;
    kit.under_way(&order).await?;
    let id = kit.instant("startPause", &[]);
    kit.until("paused is true and driving false", |state| state.paused == Some(true) && !state.driving)
        .await?;
    kit.finished(&id, "startPause").await?;
    Ok(order)
}

async fn stops(kit: Rc<Kit>) -> Verdict {
    paused(&kit).await?;
    let from = kit.here();
    kit.probe().await;
    kit.quiet(QUIET_MS).await;
    kit.every(from, "the robot drove in the pause", |state| !state.driving)?;
    kit.every(from, "the order's rest was lost in the pause", |state| !state.node_states.is_empty())
}

async fn resumes(kit: Rc<Kit>) -> Verdict {
    let order = paused(&kit).await?;
    let id = kit.instant("stopPause", &[]);
    kit.until("paused is false", |state| state.paused != Some(true)).await?;
    kit.finished(&id, "stopPause").await?;
    kit.done(&order).await.map(|_| ())
}

async fn twice(kit: Rc<Kit>) -> Verdict {
    kit.needs("startPause")?;
    let from = kit.here();
    for name in ["startPause", "a second startPause"] {
        let id = kit.instant("startPause", &[]);
        let state = kit.finished(&id, name).await?;
        ensure(state.paused == Some(true), || format!("paused isn't true when {name} is FINISHED"))?;
    }
    kit.every(from, "the robot drove", |state: &State| !state.driving)
}

async fn none(kit: Rc<Kit>) -> Verdict {
    kit.needs("stopPause")?;
    let from = kit.here();
    let id = kit.instant("stopPause", &[]);
    kit.finished(&id, "stopPause").await?;
    kit.every(from, "the robot drove or paused", |state| !state.driving && state.paused != Some(true))
}
