//! Conserved: each load is in one place: at a station, aboard one robot, or in a person's hands. Told from what the
//! machines truly carry: a robot takes a load only where it lies, and a job is done only when its loads lie where they
//! were to go. What leaves a robot anywhere but at a station was taken by a person.

use std::collections::BTreeMap;

use drover_core::job::{ActionSpec, JobSpec};
use drover_core::{JobNews, Notification};
use drover_maps::{Layout, StationId};

use super::{Breach, Jobs, Truth};

/// A robot this near a station's node can reach the station, m.
const AT_STATION_M: f64 = 1.0;

/// Where a load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Station(StationId),
    Robot(usize),
    /// No station: a person took it.
    Person,
    /// A robot took or left it that was where nobody sent it.
    Anywhere,
}

/// Where all loads are.
#[derive(Debug)]
pub(crate) struct Conserved {
    loads: BTreeMap<String, Place>,
    /// What each robot carried at the last look.
    aboard: Vec<Vec<String>>,
}

impl Conserved {
    pub(crate) fn new(robots: usize) -> Conserved {
        Conserved { loads: BTreeMap::new(), aboard: vec![Vec::new(); robots] }
    }

    /// A job was accepted: its loads lie where it picks them, unless they are known elsewhere.
    pub(crate) fn accepted(&mut self, spec: &JobSpec, layout: &Layout) {
        for leg in &spec.legs {
            let is_pick = leg.action.as_ref().is_some_and(|action| action.name == ActionSpec::PICK);
            let (Some(load), Some(at)) = (&leg.load, layout.station_named(&leg.station)) else { continue };
            if is_pick {
                self.loads.entry(load.id.clone()).or_insert(Place::Station(at));
            }
        }
    }

    /// What a robot truly carries now.
    pub(crate) fn looked(
        &mut self,
        robot: usize,
        truth: &Truth,
        is_excused: bool,
        layout: &Layout,
    ) -> Vec<Breach> {
        if self.aboard[robot] == truth.loads {
            return Vec::new();
        }
        let before = std::mem::replace(&mut self.aboard[robot], truth.loads.clone());
        let mut faults = Vec::new();
        for load in before.iter().filter(|load| !truth.loads.contains(load)) {
            let station = stations_at(layout, truth).next().map_or(Place::Person, Place::Station);
            self.loads.insert(load.clone(), if is_excused { Place::Anywhere } else { station });
        }
        for load in truth.loads.iter().filter(|load| !before.contains(load)) {
            faults.extend(self.take(load, robot, truth, layout).filter(|_| !is_excused));
        }
        faults.into_iter().map(|text| Breach::new("Conserved", &[robot], text)).collect()
    }

    fn take(&mut self, load: &str, robot: usize, truth: &Truth, layout: &Layout) -> Option<String> {
        match self.loads.insert(load.to_owned(), Place::Robot(robot))? {
            Place::Station(station) if stations_at(layout, truth).any(|at| at == station) => None,
            Place::Station(station) => {
                let name = &layout.station(station).name;
                Some(format!("load {load} was taken elsewhere than at {name}, where it lies"))
            }
            Place::Robot(_) => Some(format!("load {load} was taken while it is aboard another robot")),
            Place::Person => Some(format!("load {load} was taken while a person has it")),
            Place::Anywhere => None,
        }
    }

    /// News of a job: one that is done has its loads where they were to go.
    pub(crate) fn notified(
        &self,
        notification: &Notification,
        jobs: &Jobs,
        layout: &Layout,
    ) -> Option<Breach> {
        if notification.what != JobNews::Done {
            return None;
        }
        let spec = jobs.specs.get(&notification.job)?;
        let (load, station) =
            spec.legs.iter().find_map(|leg| self.misplaced(spec, leg.load.as_ref()?.id.as_str(), layout))?;
        let text = format!("job {} is done, but its load {load} isn't at {station}", spec.id);
        Some(Breach::new("Conserved", &[], text))
    }

    /// The load and the station it was to go to, if it isn't there.
    fn misplaced(&self, spec: &JobSpec, load: &str, layout: &Layout) -> Option<(String, String)> {
        let is_drop = |name: &str| name == ActionSpec::DROP;
        let drop = spec.legs.iter().rev().find(|leg| {
            leg.action.as_ref().is_some_and(|action| is_drop(&action.name))
                && leg.load.as_ref().is_none_or(|named| named.id == load)
        })?;
        let is_there = |place: &Place| match place {
            Place::Station(station) => layout.station(*station).name == drop.station,
            Place::Robot(_) | Place::Person => false,
            Place::Anywhere => true,
        };
        let at = self.loads.get(load)?;
        (!is_there(at)).then(|| (load.to_owned(), drop.station.clone()))
    }
}

/// Stations that a robot there can reach.
fn stations_at(layout: &Layout, truth: &Truth) -> impl Iterator<Item = StationId> {
    let (x, y) = (truth.outline.x_m, truth.outline.y_m);
    let is_near = move |node: &drover_maps::NodeId| {
        let at = layout.node(*node);
        at.map == truth.map
            && (x - f64::from(at.x_mm) / 1_000.0).hypot(y - f64::from(at.y_mm) / 1_000.0) <= AT_STATION_M
    };
    let all = layout.stations().iter().zip((0..).map(StationId));
    all.filter(move |(station, _)| station.nodes.iter().any(is_near)).map(|(_, id)| id)
}
