//! Localisation and maps: tried only if the factsheet lists the actions, and only so that nothing changes.

use super::{Rule, driven};
use crate::conform::kit::{Halt, Kit, Verdict, ensure, skip};
use crate::conform::seen::status;
use drover_proto::vda5050::{ActionStatus, MapStatus, State};
use serde_json::{Value, json};
use std::rc::Rc;

/// A position may be corrected by so much, metres.
const MOVED_M: f64 = 0.5;
const NO_MAP: &str = "conform-no-such-map";

pub(super) const RULES: &[Rule] = &[
    driven!(
        "init-position",
        "6.8.1",
        "initPosition with the robot's own pose is FINISHED and leaves it where it is, localised",
        "0.5 m of correction",
        0,
        init_position
    ),
    driven!(
        "map-enabled-again",
        "6.7",
        "enableMap of the map that is enabled is FINISHED",
        "",
        0,
        enable_own
    ),
    driven!("map-unknown-enabled", "6.7", "enableMap of an unknown map is FAILED", "", 0, enable_unknown),
    driven!("map-unknown-deleted", "6.7", "deleteMap of an unknown map is FAILED", "", 0, delete_unknown),
    driven!(
        "map-download-fails",
        "6.7",
        "downloadMap from where nothing is to be had is FAILED",
        "",
        0,
        download
    ),
];

async fn init_position(kit: Rc<Kit>) -> Verdict {
    kit.needs_listed("initPosition")?;
    let state = kit.state();
    let Some((state, at)) = state.as_ref().and_then(|state| Some((state, state.agv_position.as_ref()?)))
    else {
        return skip("the robot says no agvPosition");
    };
    let parameters = [
        ("x", json!(at.x)),
        ("y", json!(at.y)),
        ("theta", json!(at.theta)),
        ("mapId", json!(at.map_id)),
        ("lastNodeId", json!(state.last_node_id)),
    ];
    let id = kit.instant("initPosition", &parameters);
    let after = kit.finished(&id, "initPosition").await?;
    let moved_m = after.agv_position.as_ref().map_or(0.0, |now| (now.x - at.x).hypot(now.y - at.y));
    ensure(moved_m <= MOVED_M, || format!("the position went {moved_m:.2} m away"))?;
    let is_localised = |state: &State| state.agv_position.as_ref().is_some_and(|at| at.position_initialized);
    kit.until("positionInitialized is true", is_localised).await.map(|_| ())
}

async fn enable_own(kit: Rc<Kit>) -> Verdict {
    kit.needs_listed("enableMap")?;
    let maps = kit.state().map(|state| state.maps.clone()).unwrap_or_default();
    let Some(map) = maps.iter().find(|map| map.map_status == MapStatus::Enabled) else {
        return skip("no map is listed as ENABLED in the state");
    };
    let parameters = [("mapId", json!(map.map_id)), ("mapVersion", json!(map.map_version))];
    let id = kit.instant("enableMap", &parameters);
    let state = kit.finished(&id, "enableMap").await?;
    let is_enabled =
        state.maps.iter().any(|now| now.map_id == map.map_id && now.map_status == MapStatus::Enabled);
    ensure(is_enabled, || format!("map {:?} isn't ENABLED afterwards", map.map_id))
}

async fn failed(kit: &Kit, action: &str, parameters: &[(&str, Value)]) -> Verdict {
    kit.needs_listed(action)?;
    let maps = kit.state().map(|state| state.maps.clone()).unwrap_or_default();
    let id = kit.instant(action, parameters);
    let has_ended = |state: &State| status(state, &id).is_some_and(ActionStatus::has_ended);
    let state = kit.until(&format!("{action} is FAILED"), has_ended).await?;
    ensure(status(&state, &id) == Some(ActionStatus::Failed), || format!("{action} is FINISHED"))?;
    if state.maps == maps { Ok(()) } else { Err(Halt::Fail("the list of maps changed".to_owned())) }
}

fn no_map() -> [(&'static str, Value); 2] {
    [("mapId", json!(NO_MAP)), ("mapVersion", json!("1"))]
}

async fn enable_unknown(kit: Rc<Kit>) -> Verdict {
    failed(&kit, "enableMap", &no_map()).await
}

async fn delete_unknown(kit: Rc<Kit>) -> Verdict {
    failed(&kit, "deleteMap", &no_map()).await
}

async fn download(kit: Rc<Kit>) -> Verdict {
    let [id, version] = no_map();
    let link = ("mapDownloadLink", json!("http://conform.invalid/no-such-map"));
    failed(&kit, "downloadMap", &[id, version, link]).await
}
