//! How many jobs an hour a layout and a fleet may do: an estimate from means, before anything is simulated.
//!
//! It knows distances, speeds, batteries, chargers and docks. It doesn't know who meets whom: waiting is an assumption.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write as _;

use drover_maps::{EdgeId, Layout, NodeId, RobotType, TypeId};

/// Time at a station, s: an assumption.
const SERVICE_S: f64 = 10.0;
/// Time until the next robot stands at a dock that is left, s: an assumption.
const CHANGE_S: f64 = 8.0;
/// Share of its driving time that a robot waits for others: an assumption.
const WAITING: f64 = 0.3;
/// Stations that ways are searched from, at most, spread over all.
const SOURCES_MAX: usize = 200;
/// Lines of the table, at most.
const LINES_MAX: u32 = 10;
/// Robots of the report, at most.
const ROBOTS_MAX: u32 = 10_000;
const HOUR_S: f64 = 3_600.0;

/// Reads `20..60`.
///
/// # Errors
/// What to write instead.
pub fn range(text: &str) -> Result<(u32, u32), String> {
    let mend = || format!("write A..B with 1 <= A <= B <= {ROBOTS_MAX}, e.g. 20..60");
    let (from, to) = text.split_once("..").ok_or_else(mend)?;
    let (from, to): (u32, u32) = (from.parse().map_err(|_| mend())?, to.parse().map_err(|_| mend())?);
    if from < 1 || from > to || to > ROBOTS_MAX { Err(mend()) } else { Ok((from, to)) }
}

/// What the layout gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Ground {
    /// The slowest robot type.
    pub kind: String,
    /// Mean way from a station to another, s, alone on the floor.
    pub way_s: f64,
    /// Pairs of stations looked at, and those without a way.
    pub pairs: (usize, usize),
    /// Places at docks, where every job ends; all stations' places when none is called a dock.
    pub docks: usize,
    /// Whether stations are called docks.
    pub has_docks: bool,
    /// Chargers.
    pub chargers: usize,
    /// Share of its time that a working robot charges; none = no battery is declared.
    pub charging: Option<f64>,
}

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Robots.
    pub robots: u32,
    /// Robots at work on average, the others charge or wait for a charger.
    pub working: f64,
    /// Jobs an hour if nobody ever waits for another.
    pub free: f64,
    /// Jobs an hour with the assumed waiting.
    pub waiting: f64,
    /// What limits it.
    pub limit: &'static str,
}

/// Measures the layout; none when no two stations are joined by a way.
#[must_use]
pub fn ground(layout: &Layout) -> Option<Ground> {
    let (kind, robot_type) = slowest(layout)?;
    let (way_s, pairs) = mean_way(layout, kind)?;
    let is_dock = |name: &str| name.to_ascii_lowercase().contains("dock");
    let places = |only_docks: bool| {
        let stations = layout.stations().iter().filter(|station| !only_docks || is_dock(&station.name));
        stations.map(|station| station.nodes.len()).sum::<usize>()
    };
    let has_docks = places(true) > 0;
    let drive_s = 2.0 * way_s;
    let charging = robot_type.battery.as_ref().map(|battery| {
        let (drive_w, idle_w) = (f64::from(battery.drive_w), f64::from(battery.idle_w));
        let used_w = (drive_w * drive_s + idle_w * 2.0 * SERVICE_S) / (drive_s + 2.0 * SERVICE_S);
        used_w / (used_w + f64::from(battery.charge_w))
    });
    Some(Ground {
        kind: robot_type.name.clone(),
        way_s,
        pairs,
        docks: places(has_docks),
        has_docks,
        chargers: layout.chargers().len(),
        charging,
    })
}

/// The slowest type of the robots that are named, or of all.
fn slowest(layout: &Layout) -> Option<(TypeId, &RobotType)> {
    let named = layout.robots().iter().map(|robot| robot.robot_type);
    let all = layout.robot_types().iter().filter_map(|kind| layout.type_named(&kind.name));
    let types: Vec<TypeId> = if layout.robots().is_empty() { all.collect() } else { named.collect() };
    let slowest = types.into_iter().min_by_key(|kind| layout.robot_type(*kind).speed_mm_s)?;
    Some((slowest, layout.robot_type(slowest)))
}

/// Jobs an hour for so many robots.
#[must_use]
pub fn estimate(ground: &Ground, robots: u32) -> Line {
    let drive_s = 2.0 * ground.way_s;
    let fleet = f64::from(robots);
    let charging = ground.charging.unwrap_or(0.0);
    let by_need = fleet * (1.0 - charging);
    let by_chargers =
        if charging > 0.0 { ground.chargers as f64 * (1.0 - charging) / charging } else { f64::INFINITY };
    let working = by_need.min(by_chargers);
    let by_docks = ground.docks as f64 * HOUR_S / (SERVICE_S + CHANGE_S);
    let jobs = |drive_s: f64| (working * HOUR_S / (drive_s + 2.0 * SERVICE_S)).min(by_docks);
    let waiting = jobs(drive_s / (1.0 - WAITING));
    let limit = if waiting >= by_docks {
        "docks"
    } else if by_chargers < by_need {
        "chargers"
    } else {
        "robots"
    };
    Line { robots, working, free: jobs(drive_s), waiting, limit }
}

/// The sizes shown: both ends and even steps between.
fn sizes((from, to): (u32, u32)) -> Vec<u32> {
    let step = (to - from).div_ceil(LINES_MAX - 1).max(1);
    let mut sizes: Vec<u32> = (from..to).step_by(step as usize).collect();
    sizes.push(to);
    sizes
}

/// The report, Markdown.
#[must_use]
pub fn report(site: &str, layout: &Layout, robots: (u32, u32)) -> String {
    let mut text = format!("# Capacity of {site}: an estimate\n\n");
    let Some(ground) = ground(layout) else {
        return text + "No two stations are joined by a way: nothing can be estimated.\n";
    };
    text += "From means and assumptions, before a single meeting of two robots is looked at. Take it to choose what to\n\
             simulate, and believe the simulation.\n\n";
    text += "| robots | at work | jobs/h if nobody waits | jobs/h with the assumed waiting | limited by |\n|---:|---:|---:|---:|---|\n";
    for line in sizes(robots).into_iter().map(|robots| estimate(&ground, robots)) {
        let Line { robots, working, free, waiting, limit } = line;
        // Writing into a String can't fail.
        let _ = writeln!(text, "| {robots} | {working:.1} | {free:.0} | {waiting:.0} | {limit} |");
    }
    text + &assumptions(&ground) + &commands(robots)
}

fn assumptions(ground: &Ground) -> String {
    let Ground { kind, way_s, pairs: (pairs, without), docks, has_docks, chargers, charging } = ground;
    let charging = match charging {
        Some(share) => format!(
            "A working robot charges {:.1} % of its time (battery of `{kind}`); with {chargers} chargers at most {:.0} robots can work at once.",
            100.0 * share,
            *chargers as f64 * (1.0 - share) / share
        ),
        None => {
            format!("`{kind}` has no battery in site.toml: charging isn't counted ({chargers} chargers).")
        }
    };
    let docks = if *has_docks {
        format!("Every job ends at one of {docks} places of the stations called dock")
    } else {
        format!("No station is called a dock: every job ends at any of all {docks} places")
    };
    format!(
        "\n## What it is made of\n\n\
         - The slowest robot type, `{kind}`: {way_s:.1} s from a station to another on average, alone on the floor, turns and one\n  \
           start and stop included ({pairs} pairs of stations; {without} pairs have no way).\n\
         - A job is two drives of that length (to the pick, and from there to the drop) and two stops of {SERVICE_S} s. The\n  \
           nearest free robot comes sooner than that; an idle one may stand far away.\n\
         - Waiting: {:.0} % of the driving time in the last column. It grows with the fleet, and only a simulation knows it.\n\
         - {charging}\n\
         - {docks}, each taken for {SERVICE_S} s and {CHANGE_S} s until the next robot stands there.\n\
         - Not counted: doors, lifts, people, breakdowns, batches of jobs that come at once.\n",
        100.0 * WAITING
    )
}

fn commands((from, to): (u32, u32)) -> String {
    format!(
        "\n## Simulate it\n\n```sh\n\
         drover-sim capacity --layout layout.lif.json --site site.toml --robots {from}..{to}\n\
         drover demo --layout layout.lif.json --site site.toml --jobs wave.ndjson --robots {to} --speed 20 --exit-when-done --report report\n\
         ```\n\nThe second plays jobs of your own, one a line, with virtual robots; `report/report.md` has its jobs an hour.\n"
    )
}

/// Mean time from a station to another, s, and how many pairs were looked at and how many have no way.
fn mean_way(layout: &Layout, kind: TypeId) -> Option<(f64, (usize, usize))> {
    let stations = layout.stations();
    let step = stations.len().div_ceil(SOURCES_MAX).max(1);
    let robot_type = layout.robot_type(kind);
    let start_ms = f64::from(robot_type.speed_mm_s) * 1_000.0 / f64::from(robot_type.accel_mm_s2.max(1));
    let (mut sum_ms, mut found, mut without) = (0.0, 0_usize, 0_usize);
    for from in stations.iter().step_by(step) {
        let Some(start) = from.nodes.iter().find(|node| layout.admits_node(kind, **node)) else { continue };
        let times = times_from(layout, kind, *start);
        for to in stations.iter().filter(|to| to.name != from.name) {
            match to.nodes.iter().filter_map(|node| times[node.index()]).min() {
                Some(ms) => {
                    found += 1;
                    sum_ms += ms as f64 + start_ms;
                }
                None => without += 1,
            }
        }
    }
    (found > 0).then(|| (sum_ms / found as f64 / 1_000.0, (found + without, without)))
}

/// Shortest times from a node to each node, ms, turns on the spot included. Dijkstra over edges: the heading counts.
fn times_from(layout: &Layout, kind: TypeId, start: NodeId) -> Vec<Option<u64>> {
    let mut times = vec![None; layout.node_count()];
    times[start.index()] = Some(0);
    let mut done = vec![false; layout.edge_count()];
    let mut open: BinaryHeap<Reverse<(u64, EdgeId)>> = BinaryHeap::new();
    let admitted =
        |node| layout.out_edges(node).iter().copied().filter(|edge| layout.admits_edge(kind, *edge));
    open.extend(admitted(start).map(|edge| Reverse((u64::from(layout.travel_ms(kind, edge)), edge))));
    while let Some(Reverse((ms, edge))) = open.pop() {
        if std::mem::replace(&mut done[edge.index()], true) {
            continue;
        }
        let reached = layout.edge(edge);
        let time = &mut times[reached.to.index()];
        *time = Some(time.map_or(ms, |known: u64| known.min(ms)));
        for next in admitted(reached.to).filter(|next| !done[next.index()]) {
            let turn = layout.turn_ms(kind, reached.end_heading_mdeg, layout.edge(next).heading_mdeg);
            let more = u64::from(turn) + u64::from(layout.travel_ms(kind, next));
            open.push(Reverse((ms + more, next)));
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ground_of(docks: usize, chargers: usize, charging: Option<f64>) -> Ground {
        Ground { kind: "t".into(), way_s: 40.0, pairs: (1, 0), docks, has_docks: true, chargers, charging }
    }

    #[test]
    fn ranges_are_read_and_judged() {
        assert_eq!(range("20..60"), Ok((20, 60)));
        for bad in ["20", "0..3", "6..5", "a..b", "1..99999", "1...3"] {
            assert!(range(bad).is_err(), "{bad}");
        }
        assert_eq!(sizes((5, 5)), [5]);
        let sizes = sizes((20, 60));
        assert!(sizes.len() <= 10 && sizes[0] == 20 && sizes.ends_with(&[60]), "{sizes:?}");
    }

    #[test]
    fn robots_then_chargers_then_docks_limit_the_jobs() {
        // 100 s a job: 36 jobs/h for each robot that nobody hinders.
        assert_eq!(estimate(&ground_of(100, 0, None), 10).free, 360.0);
        let charging = estimate(&ground_of(100, 2, Some(0.2)), 20);
        assert_eq!((charging.working, charging.limit), (8.0, "chargers"));
        assert_eq!(estimate(&ground_of(1, 0, None), 100).limit, "docks");
        let line = estimate(&ground_of(100, 0, None), 10);
        assert!(line.waiting < line.free && line.limit == "robots");
    }

    #[test]
    fn the_bundled_site_is_measured() {
        let drawn = drover_maps::generate::fresh_dc();
        let layout = drover_maps::compile(drawn.lif.as_bytes(), Some(&drawn.site)).unwrap().layout;
        let ground = ground(&layout).unwrap();
        assert!((20.0..200.0).contains(&ground.way_s), "{ground:?}");
        assert!(ground.has_docks && ground.chargers == 12 && ground.pairs.1 == 0, "{ground:?}");
        let text = report("fresh-dc", &layout, (20, 60));
        assert!(text.contains("estimate") && text.contains("drover-sim capacity"), "{text}");
    }
}
