//! How long loads were out of the cold: from where they truly were, on whatever robot, not from what the controller thinks.
//!
//! A load counts while it is aboard and its robot isn't in a zone at least as cold as the load must be kept. Where no zone
//! says how cold it is, that is all the time aboard.

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_core::job::JobSpec;
use drover_core::{JobId, Time};
use drover_maps::{Layout, Node, Temperature, Zone};

use crate::oracle::Truth;

/// Looks farther apart than this count as so far apart, ms.
const LOOK_MAX_MS: u64 = 5_000;

/// Loads that must be kept cold, and what became of them.
#[derive(Clone, Debug)]
pub struct Cold {
    layout: Arc<Layout>,
    loads: BTreeMap<String, Load>,
    looked_at: Time,
}

#[derive(Clone, Debug)]
struct Load {
    job: JobId,
    temperature: Temperature,
    /// It may be out of the cold for so long, ms.
    max_ms: Option<u64>,
    out_ms: u64,
}

impl Cold {
    /// Before anything was picked.
    pub fn new<'a>(layout: Arc<Layout>, jobs: impl Iterator<Item = &'a JobSpec>, start: Time) -> Cold {
        let mut loads = BTreeMap::new();
        for job in jobs {
            let Some(temperature) = job.temperature.filter(|needed| *needed != Temperature::Ambient) else {
                continue;
            };
            let max_ms = job.max_out_of_cold_s.map(|max| u64::from(max) * 1_000);
            for load in job.legs.iter().filter_map(|leg| leg.load.as_ref()) {
                let load_of = Load { job: job.id.clone(), temperature, max_ms, out_ms: 0 };
                loads.entry(load.id.clone()).or_insert(load_of);
            }
        }
        Cold { layout, loads, looked_at: start }
    }

    /// A look at where the robots truly are and what they have aboard.
    pub fn look(&mut self, now: Time, truths: &[Truth]) {
        let passed_ms = now.since_ms(self.looked_at).min(LOOK_MAX_MS);
        self.looked_at = now;
        if self.loads.is_empty() {
            return;
        }
        for truth in truths.iter().filter(|truth| !truth.is_off_floor) {
            for name in &truth.loads {
                let Some(load) = self.loads.get_mut(name) else { continue };
                let at = [truth.outline.x_m, truth.outline.y_m].map(|metres| (metres * 1_000.0) as i32);
                let here = temperature_at(&self.layout, &truth.map, at);
                let is_cold = here.is_some_and(|here| here <= load.temperature);
                load.out_ms += if is_cold { 0 } else { passed_ms };
            }
        }
    }

    /// Time out of the cold, of all loads, ms.
    pub fn out_ms(&self) -> u64 {
        self.loads.values().map(|load| load.out_ms).sum()
    }

    /// Jobs with a load that was out of the cold for longer than it may be.
    pub fn too_long(&self) -> usize {
        let is_over = |load: &&Load| load.max_ms.is_some_and(|max| load.out_ms > max);
        let mut jobs: Vec<&JobId> = self.loads.values().filter(is_over).map(|load| &load.job).collect();
        jobs.sort_unstable();
        jobs.dedup();
        jobs.len()
    }
}

/// How cold it is at this point of the map, mm.
fn temperature_at(layout: &Layout, map: &str, at: [i32; 2]) -> Option<Temperature> {
    let zone = layout.zones().iter().find(|zone| has(&zone.polygon_mm, at));
    zone.or_else(|| zone_of_nearest(layout, map, at)).and_then(|zone| zone.temperature)
}

/// The zone of the nearest node, if that zone is given by its nodes.
fn zone_of_nearest<'a>(layout: &'a Layout, map: &str, at: [i32; 2]) -> Option<&'a Zone> {
    if layout.zones().iter().all(|zone| !zone.polygon_mm.is_empty()) {
        return None;
    }
    let away = |node: &Node| {
        let apart = |from: i32, to: i32| i64::from(from) - i64::from(to);
        let (x, y) = (apart(node.x_mm, at[0]), apart(node.y_mm, at[1]));
        x * x + y * y
    };
    let of_map = layout.nodes().filter(|node| layout.node(*node).map == map);
    let nearest = of_map.min_by_key(|node| (away(layout.node(*node)), *node))?;
    layout.zone_of(nearest).filter(|zone| zone.polygon_mm.is_empty())
}

/// Even-odd rule in whole numbers.
fn has(polygon: &[[i32; 2]], [x, y]: [i32; 2]) -> bool {
    let mut is_inside = false;
    for (place, [x1, y1]) in polygon.iter().enumerate() {
        let [x2, y2] = polygon[(place + 1) % polygon.len()];
        if (*y1 > y) == (y2 > y) {
            continue;
        }
        let (run, rise) = (i64::from(x2) - i64::from(*x1), i64::from(y2) - i64::from(*y1));
        let side = (i64::from(x) - i64::from(*x1)) * rise - (i64::from(y) - i64::from(*y1)) * run;
        is_inside ^= (side < 0) == (rise > 0);
    }
    is_inside
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Outline;
    use crate::scenario::START;
    use crate::workload;

    const SQUARE: [[i32; 2]; 4] = [[0, 0], [1_000, 0], [1_000, 1_000], [0, 1_000]];

    #[test]
    fn a_point_lies_inside_whichever_way_the_outline_runs() {
        let mut turned = SQUARE;
        turned.reverse();
        for polygon in [SQUARE, turned] {
            assert!(has(&polygon, [1, 500]) && has(&polygon, [999, 1]));
            assert!(
                !has(&polygon, [-1, 500]) && !has(&polygon, [1_001, 500]) && !has(&polygon, [500, 1_200])
            );
        }
    }

    #[test]
    fn a_load_counts_only_aboard_and_only_where_it_is_too_warm() {
        let site = drover_maps::generate::Warehouse {
            zones: vec![("cold".into(), Temperature::Chilled), ("warm".into(), Temperature::Ambient)],
            ..Default::default()
        };
        let drawing = site.draw().unwrap();
        let layout = drover_maps::compile(drawing.lif.as_bytes(), Some(&drawing.site)).unwrap().layout;
        let [west, east] = [0, 1].map(|zone| layout.zones()[zone].polygon_mm[0][0] + 1_000);
        let mut job = workload::spec("J".into(), None, vec![workload::leg("PICK-001", "pick", "J")]);
        (job.temperature, job.max_out_of_cold_s) = (Some(Temperature::Chilled), Some(2));
        let mut cold = Cold::new(Arc::new(layout), [&job].into_iter(), START);
        let mut look = |at_ms: u64, x_mm: i32, loads: &[&str]| {
            let outline = Outline { x_m: f64::from(x_mm) / 1_000.0, y_m: 1.0, ..Outline::default() };
            let loads = loads.iter().map(|name| (*name).to_owned()).collect();
            let truth = Truth { map: "m".into(), outline, loads, ..Truth::default() };
            cold.look(START.plus_ms(at_ms), &[truth]);
            (cold.out_ms(), cold.too_long())
        };
        assert_eq!(look(1_000, east, &[]), (0, 0));
        assert_eq!(look(2_000, west, &["load-J"]), (0, 0));
        assert_eq!(look(4_000, east, &["load-J"]), (2_000, 0));
        assert_eq!(look(4_200, east, &["load-J"]), (2_200, 1));
    }
}
