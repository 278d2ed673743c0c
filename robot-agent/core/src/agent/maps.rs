//! The maps on the robot (2.1.0, 6.7): which there are, which version of each is in use, which are on their way.
//!
//! Of one map at most one version is enabled. A version in use is never deleted, and none is fetched over one that is there.

use super::catalogue::text;
use crate::drive::{MapChange, MapStep};
use crate::spec::StoredMap;
use drover_proto::vda5050::{Action, Map, MapStatus};

/// Maps stored or on their way, at most.
pub(super) const MAPS_MAX: usize = 64;

#[derive(Clone, Debug, Default)]
pub(super) struct Maps {
    stored: Vec<Map>,
    /// Changes the machine is at, by the action that asked for them.
    pending: Vec<(String, MapChange)>,
}

/// What a map action asks for; `None` if it isn't one, or a parameter is missing.
pub(super) fn change(action: &Action) -> Option<MapChange> {
    let step = match action.action_type.as_str() {
        "downloadMap" => {
            MapStep::Download { link: text(action, "mapDownloadLink")?, hash: text(action, "mapHash") }
        }
        "enableMap" => MapStep::Enable,
        "deleteMap" => MapStep::Delete,
        _ => return None,
    };
    Some(MapChange { map_id: text(action, "mapId")?, map_version: text(action, "mapVersion")?, step })
}

impl Maps {
    pub fn new<'a>(maps: impl IntoIterator<Item = &'a StoredMap>) -> Self {
        let mut all = Self::default();
        for map in maps {
            if !map.map_id.is_empty() && !all.has(&map.map_id, &map.map_version) && all.has_room() {
                let is_first = !all.is_enabled(&map.map_id);
                let status = if is_first { MapStatus::Enabled } else { MapStatus::Disabled };
                all.stored.push(entry(&map.map_id, &map.map_version, status));
            }
        }
        all
    }

    pub fn states(&self) -> Vec<Map> {
        self.stored.clone()
    }

    /// A version of this map is in use.
    pub fn is_enabled(&self, map_id: &str) -> bool {
        self.stored.iter().any(|map| map.map_id == map_id && map.map_status == MapStatus::Enabled)
    }

    /// This version is stored.
    pub fn has(&self, map_id: &str, map_version: &str) -> bool {
        self.version(map_id, map_version).is_some()
    }

    /// Why a change can't begin; `None` if it can.
    pub fn fault(&self, change: &MapChange) -> Option<String> {
        let name = format!("map {} in version {}", change.map_id, change.map_version);
        if self.pending.iter().any(|(_, pending)| collide(pending, change)) {
            return Some(format!("{name}: another action is at this map; wait for it"));
        }
        let stored = self.version(&change.map_id, &change.map_version);
        match (&change.step, stored.map(|map| map.map_status)) {
            (MapStep::Download { .. }, Some(_)) => Some(format!("{name} is there already; delete it first")),
            (MapStep::Download { .. }, None) if !self.has_room() => {
                Some(format!("{MAPS_MAX} maps are there, no more fit; delete one"))
            }
            (MapStep::Delete, Some(MapStatus::Enabled)) => {
                Some(format!("{name} is in use; enable another version first"))
            }
            (MapStep::Enable | MapStep::Delete, None) => Some(format!("{name} isn't on the robot")),
            (MapStep::Download { .. }, None)
            | (MapStep::Enable, Some(_))
            | (MapStep::Delete, Some(MapStatus::Disabled)) => None,
        }
    }

    /// The machine has taken a change up.
    pub fn begin(&mut self, action_id: &str, change: MapChange) {
        self.pending.push((action_id.to_owned(), change));
    }

    /// The machine is through with it, one way or the other.
    pub fn end(&mut self, action_id: &str, is_done: bool) {
        let Some(index) = self.pending.iter().position(|(id, _)| id == action_id) else { return };
        let (_, change) = self.pending.remove(index);
        let (id, version) = (change.map_id.as_str(), change.map_version.as_str());
        if !is_done {
            return;
        }
        match change.step {
            MapStep::Download { .. } => self.stored.push(entry(id, version, MapStatus::Disabled)),
            MapStep::Enable => {
                for map in self.stored.iter_mut().filter(|map| map.map_id == id) {
                    let is_it = map.map_version == version;
                    map.map_status = if is_it { MapStatus::Enabled } else { MapStatus::Disabled };
                }
            }
            MapStep::Delete => self.stored.retain(|map| map.map_id != id || map.map_version != version),
        }
    }

    fn has_room(&self) -> bool {
        self.stored.len() + self.pending.len() < MAPS_MAX
    }

    fn version(&self, map_id: &str, map_version: &str) -> Option<&Map> {
        self.stored.iter().find(|map| map.map_id == map_id && map.map_version == map_version)
    }
}

/// Both at one version, or one of them at which version is in use.
fn collide(pending: &MapChange, change: &MapChange) -> bool {
    let is_download = |change: &MapChange| matches!(change.step, MapStep::Download { .. });
    let are_apart = is_download(pending) || is_download(change);
    pending.map_id == change.map_id && (!are_apart || pending.map_version == change.map_version)
}

fn entry(map_id: &str, map_version: &str, map_status: MapStatus) -> Map {
    let (map_id, map_version) = (map_id.to_owned(), map_version.to_owned());
    Map { map_id, map_version, map_description: None, map_status }
}
