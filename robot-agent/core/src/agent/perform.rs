//! Carrying actions out: what the machine is asked to do, and what follows when it is through.
//!
//! Where the robot is, which maps it has and what it carries change only when the machine says that it is done.

use super::Agent;
use super::book::{Entry, Origin};
use super::catalogue::{number, text};
use super::maps::change;
use super::trouble::Trouble;
use crate::drive::Drive;
use crate::spec::Pose;
use drover_proto::vda5050::{Action, ActionStatus, Error, Load};

impl<D: Drive> Agent<D> {
    /// Its turn has come. An action that can't begin has failed when this returns.
    pub(super) fn perform(&mut self, action: Action) {
        let begun = match action.action_type.as_str() {
            "initPosition" => self.localise(&action),
            "downloadMap" | "enableMap" | "deleteMap" => self.change_map(&action),
            _ => {
                self.drive.begin(self.now_ms, action);
                return;
            }
        };
        if let Err(why) = begun {
            self.on_done(&action.action_id, Err(why));
        }
    }

    /// The machine is through with an action.
    pub(super) fn on_done(&mut self, id: &str, outcome: Result<String, String>) {
        self.maps.end(id, outcome.is_ok());
        let (status, result) = match &outcome {
            Ok(result) => (ActionStatus::Finished, result.clone()),
            Err(why) => (ActionStatus::Failed, why.clone()),
        };
        let Some(entry) = self.book.end(id, status, Some(result).filter(|text| !text.is_empty())) else {
            return;
        };
        self.report.is_dirty = true;
        match outcome {
            Ok(_) => self.follow(&entry.action),
            Err(why) => self.complain(&entry, &why),
        }
    }

    /// Why the robot can't be told now that it stands there; else where.
    pub(super) fn place_in(&self, action: &Action) -> Result<Pose, String> {
        if !self.course.steps.is_empty() || self.book.has_open_of_order() {
            return Err(format!("order {} is active; cancel it first", self.course.order_id));
        }
        let number = |key| number(action, key).ok_or_else(|| format!("{key} isn't a finite number"));
        let text = |key| text(action, key).ok_or_else(|| format!("{key} is missing"));
        let (map_id, _) = (text("mapId")?, text("lastNodeId")?);
        if !self.maps.is_enabled(&map_id) {
            return Err(format!("map {map_id} isn't enabled"));
        }
        Ok(Pose { map_id, x_m: number("x")?, y_m: number("y")?, theta_rad: number("theta")? })
    }

    fn localise(&mut self, action: &Action) -> Result<(), String> {
        let pose = self.place_in(action)?;
        self.drive.localise(self.now_ms, &action.action_id, pose)
    }

    fn change_map(&mut self, action: &Action) -> Result<(), String> {
        let change = change(action).ok_or_else(|| "a parameter is missing".to_owned())?;
        if let Some(why) = self.maps.fault(&change) {
            return Err(why);
        }
        self.drive.change_map(self.now_ms, &action.action_id, change.clone())?;
        self.maps.begin(&action.action_id, change);
        Ok(())
    }

    /// What a finished action changes in the robot's own picture. Maps are done already.
    fn follow(&mut self, action: &Action) {
        match action.action_type.as_str() {
            "initPosition" => {
                // The old order began elsewhere: no update goes on from here.
                self.course.close();
                self.course.last_node_id = text(action, "lastNodeId").unwrap_or_default();
            }
            "pick" => {
                let (load_id, load_type) = (text(action, "loadId"), text(action, "loadType"));
                self.loads.push(Load { load_id, load_type, ..Load::default() });
            }
            "drop" => self.unload(text(action, "loadId").as_deref()),
            _ => {}
        }
    }

    fn unload(&mut self, load_id: Option<&str>) {
        let is_it = |load: &Load| load_id.is_some() && load.load_id.as_deref() == load_id;
        let named = self.loads.iter().position(is_it);
        if let Some(index) = named.or(if self.loads.is_empty() { None } else { Some(0) }) {
            self.loads.remove(index);
        }
    }

    /// Standing errors for what the standard wants one for: places, maps, chargers.
    fn complain(&mut self, entry: &Entry, why: &str) {
        let trouble = match entry.action.action_type.as_str() {
            "initPosition" => Trouble::Place,
            "downloadMap"
                if change(&entry.action).is_some_and(|it| self.maps.has(&it.map_id, &it.map_version)) =>
            {
                Trouble::DuplicateMap
            }
            "downloadMap" | "enableMap" | "deleteMap" => Trouble::Map,
            "startCharging" | "stopCharging" => Trouble::Charging,
            _ => return,
        };
        let error = trouble.error(self.options.dialect, why);
        let id = entry.action.action_id.as_str();
        self.raise(match entry.origin {
            Origin::Instant => of_instant(error, id, entry.header_id),
            // Without orderId: the order was taken, and a fleet would read that it wasn't.
            Origin::Node(_) | Origin::Edge(_) => error.about("actionId", id),
        });
    }
}

/// An error about an instant action.
pub(super) fn of_instant(error: Error, action_id: &str, header_id: u32) -> Error {
    error
        .about("topic", "instantActions")
        .about("headerId", header_id.to_string())
        .about("actionId", action_id)
}
