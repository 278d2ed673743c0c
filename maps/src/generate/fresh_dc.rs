//! The preset `fresh-dc`: a distribution centre for fresh food, 102 m by 62 m, for 60 robots.
//!
//! ```text
//!  y 62 ┌──────────────┬──────────────┬──────────────┐
//!       │ N road ══════╪═door═════════╪═door════════ │
//!       │ ║ ↑ ↓ ║ ↑ ↓ ║│ ║ ↑ ↓ ║ ↑ ↓ ║│ ║ ↑ ↓ ║ ↑ ↓ ║│  ║ a road (two lanes), ↑ ↓ a one-way aisle with picks
//!       │   freezer    │   chilled    │   ambient    │
//!       │ S road ══════╪═door═════════╪═door════════ │
//!  y 20 ├─door─door─door─door─ ... three a zone ─────┤
//!       │ B road: chargers (south), parking (north)  │
//!       │ A road: staging (north), docks (south)     │
//!  y  0 └──────────────────────────────────────────-─┘
//! ```
//!
//! Roads keep to the right. Nine roads cross every zone from south to north, so no lane is the only way; between
//! neighbouring zones there are always two doors or more. Picks are off the roads, in one-way aisles.

use super::Drawing;
use super::draft::{At, BAY_MM, Draft, HALF_GAP_MM};
use crate::layout::{Battery, RobotType, Temperature};

/// Centres of the west-east roads, mm from the south wall.
const ROAD_A: i32 = 5_800;
const ROAD_B: i32 = 14_200;
const ROAD_S: i32 = 24_800;
const ROAD_N: i32 = 58_800;
/// The wall between the dock hall and the three zones.
const HALL_WALL: i32 = 20_000;
const NORTH_WALL: i32 = 62_000;
const ZONE_WIDTH: i32 = 34_000;
/// Centres of a zone's three south-north roads, from its west wall.
const ROADS_OF_ZONE: [i32; 3] = [3_400, 17_000, 30_600];
/// One-way aisles between two roads, from the road's inner lane; and whether they go north.
const AISLES: [(i32, bool); 2] = [(4_000, true), (8_000, false)];
/// Nodes every 2.7 m between S and N road.
const RACK_STEP: i32 = 2_700;
const RACK_STEPS: i32 = 12;

const ZONES: [(&str, &str, Temperature); 3] = [
    ("freezer", "F", Temperature::Frozen),
    ("chilled", "C", Temperature::Chilled),
    ("ambient", "A", Temperature::Ambient),
];

/// Draws the files of `maps/sites/fresh-dc`.
pub fn fresh_dc() -> Drawing {
    let mut draft = Draft::default();
    roads_north(&mut draft);
    roads_east(&mut draft);
    aisles(&mut draft);
    docks(&mut draft);
    hall_bays(&mut draft);
    waiting_bays(&mut draft);
    for (index, (name, _, temperature)) in ZONES.iter().enumerate() {
        let west = index as i32 * ZONE_WIDTH;
        draft.zones.push((
            (*name).to_owned(),
            *temperature,
            [[west, HALL_WALL], [west + ZONE_WIDTH, NORTH_WALL]],
        ));
    }
    let hall = [[0, 0], [3 * ZONE_WIDTH, HALL_WALL]];
    draft.zones.push(("dock-hall".to_owned(), Temperature::Chilled, hall));
    draft.robots("drover", (1..=60).map(|number| format!("r{number:02}")));
    draft.write("fresh-dc", &tote_amr())
}

/// Drives from full to 30 % in an hour and charges from 30 % to 80 % in six minutes: small, so that a demo shows it.
fn tote_amr() -> RobotType {
    let battery =
        Battery { capacity_wh: 200, drive_w: 140, idle_w: 20, charge_w: 1_000, ..Battery::default() };
    RobotType {
        capabilities: Some(vec!["cold".to_owned(), "frozen".to_owned()]),
        battery: Some(battery),
        ..RobotType::with_defaults("tote-amr")
    }
}

/// Centres of all nine south-north roads.
fn road_centres() -> impl Iterator<Item = i32> {
    (0..3).flat_map(|zone| ROADS_OF_ZONE.map(|x| zone * ZONE_WIDTH + x))
}

/// The two lanes of a west-east road: eastward south of its centre, westward north of it.
fn lanes(road: i32) -> [i32; 2] {
    [road - HALF_GAP_MM, road + HALF_GAP_MM]
}

fn rack_rows() -> impl Iterator<Item = i32> {
    (1..RACK_STEPS).map(|row| ROAD_S + HALF_GAP_MM + row * RACK_STEP)
}

/// South-north roads: southward lane in the west, northward lane in the east, one door each into the hall.
fn roads_north(draft: &mut Draft) {
    let mut rows: Vec<i32> = [ROAD_A, ROAD_B, ROAD_S, ROAD_N].into_iter().flat_map(lanes).collect();
    rows.extend([10_000, 18_200, 21_600]);
    rows.extend(rack_rows());
    rows.sort_unstable();
    for (index, centre) in road_centres().enumerate() {
        let (_, letter, _) = ZONES[index / 3];
        let name = format!("DOOR-{letter}{}", index % 3 + 1);
        let (south, north) = (centre - HALF_GAP_MM, centre + HALF_GAP_MM);
        draft.lane(&rows.iter().map(|y| [north, *y]).collect::<Vec<_>>());
        draft.lane(&rows.iter().rev().map(|y| [south, *y]).collect::<Vec<_>>());
        draft.door(&name, [north, 18_200], [north, 21_600]);
        draft.door(&name, [south, 21_600], [south, 18_200]);
    }
}

/// West-east roads, with a door in each wall between two zones.
fn roads_east(draft: &mut Draft) {
    for road in [ROAD_A, ROAD_B, ROAD_S, ROAD_N] {
        let columns = columns(road);
        let [east, west] = lanes(road);
        draft.lane(&columns.iter().map(|x| [*x, east]).collect::<Vec<_>>());
        draft.lane(&columns.iter().rev().map(|x| [*x, west]).collect::<Vec<_>>());
        if road == ROAD_A || road == ROAD_B {
            continue;
        }
        let side = if road == ROAD_S { 1 } else { 2 };
        for (wall, letters) in [(ZONE_WIDTH, "FC"), (2 * ZONE_WIDTH, "CA")] {
            let name = format!("DOOR-{letters}{side}");
            draft.door(&name, [wall - 1_300, east], [wall + 1_300, east]);
            draft.door(&name, [wall + 1_300, west], [wall - 1_300, west]);
        }
    }
}

/// Where a west-east road has nodes.
fn columns(road: i32) -> Vec<i32> {
    let mut columns: Vec<i32> = road_centres().flat_map(lanes).collect();
    for (index, start) in blocks().enumerate() {
        match road {
            ROAD_S | ROAD_N => columns.extend(AISLES.map(|(offset, _)| start + offset)),
            // Two connectors of 12 m at the far ends, where no bay needs a node.
            ROAD_B if index == 0 || index == 5 => {}
            _ => columns.extend([1_500, 4_500, 7_500, 10_500].map(|offset| start + offset)),
        }
    }
    for wall in [ZONE_WIDTH, 2 * ZONE_WIDTH] {
        let reach = if road == ROAD_S || road == ROAD_N { 1_300 } else { 1_500 };
        columns.extend([wall - reach, wall + reach]);
    }
    columns.sort_unstable();
    columns
}

/// Western edges of the six 12 m blocks between two roads of one zone.
fn blocks() -> impl Iterator<Item = i32> {
    (0..3).flat_map(|zone| [0, 1].map(|gap| zone * ZONE_WIDTH + ROADS_OF_ZONE[gap] + HALF_GAP_MM))
}

/// One-way aisles and their pick bays: five on the outer side, one on the inner.
fn aisles(draft: &mut Draft) {
    let mut rows: Vec<i32> = lanes(ROAD_S).into_iter().chain(lanes(ROAD_N)).chain(rack_rows()).collect();
    rows.sort_unstable();
    let mut numbers = [0; 3];
    for (block, start) in blocks().enumerate() {
        let zone = block / 2;
        for (aisle, (offset, goes_north)) in AISLES.into_iter().enumerate() {
            let x = start + offset;
            let mut points: Vec<At> = rows.iter().map(|y| [x, *y]).collect();
            if !goes_north {
                points.reverse();
            }
            draft.lane(&points);
            // Piece 1 of the points crosses the first road; racks begin behind it. Outer = left of the way, both times.
            let racks = &points[1..points.len() - 1];
            let outer = [1, 3, 5, 7, 9].map(|piece| (piece, -BAY_MM));
            let inner = [(if aisle == 0 { 4 } else { 2 }, BAY_MM)];
            let mut bays: Vec<(usize, i32)> = outer.into_iter().chain(inner).collect();
            bays.sort_unstable();
            for (piece, right_mm) in bays {
                numbers[zone] += 1;
                let name = format!("PICK-{}-{:02}", ZONES[zone].1, numbers[zone]);
                draft.bay(&name, [racks[piece], racks[piece + 1]], right_mm);
                draft.station(&name);
            }
        }
    }
}

/// Two docks a block, south of A road's eastward lane: a bay, and half a metre of creeping up to the dock plate.
fn docks(draft: &mut Draft) {
    let lane = lanes(ROAD_A)[0];
    let mut number = 0;
    for start in blocks() {
        for offset in [1_500, 7_500] {
            number += 1;
            let piece = [[start + offset, lane], [start + offset + 3_000, lane]];
            let bay = draft.bay(&format!("DOCK-{number:02}-BAY"), piece, 1_700);
            let name = format!("DOCK-{number:02}");
            draft.spur(&name, bay, [bay[0], bay[1] - 500], 300);
            draft.station(&name);
        }
    }
}

/// Staging north of A road, chargers south of B road, parking north of B road; a waiting bay of each kind at the walls.
fn hall_bays(draft: &mut Draft) {
    let ([a_east, a_west], [b_east, b_west]) = (lanes(ROAD_A), lanes(ROAD_B));
    let (mut staging, mut chargers, mut parking) = (0, 0, 0);
    for (block, start) in blocks().enumerate() {
        for offset in [1_500, 4_500, 7_500] {
            let (near, far) = (start + offset, start + offset + 3_000);
            staging += 1;
            hold(draft, &format!("STAGE-{staging:02}"), [[far, a_west], [near, a_west]]);
            if block == 0 || block == 5 {
                continue;
            }
            chargers += 1;
            let name = format!("CHARGE-{chargers:02}");
            draft.bay(&name, [[near, b_east], [far, b_east]], BAY_MM);
            draft.chargers.push(name);
            parking += 1;
            park(draft, &format!("PARK-{parking:02}"), [[far, b_west], [near, b_west]]);
        }
    }
    for wall in [ZONE_WIDTH, 2 * ZONE_WIDTH] {
        let (near, far) = (wall - 1_500, wall + 1_500);
        for piece in [[[near, a_east], [far, a_east]], [[far, a_west], [near, a_west]]] {
            staging += 1;
            hold(draft, &format!("STAGE-{staging:02}"), piece);
        }
        for piece in [[[near, b_east], [far, b_east]], [[far, b_west], [near, b_west]]] {
            parking += 1;
            park(draft, &format!("PARK-{parking:02}"), piece);
        }
    }
}

/// Bays along the outer walls of each zone: waiting for a pick; outside the freezer also parking.
fn waiting_bays(draft: &mut Draft) {
    let rows: Vec<i32> = rack_rows().collect();
    for (zone, (_, letter, _)) in ZONES.iter().enumerate() {
        let west = zone as i32 * ZONE_WIDTH;
        let lanes =
            [(west + ROADS_OF_ZONE[0] - HALF_GAP_MM, false), (west + ROADS_OF_ZONE[2] + HALF_GAP_MM, true)];
        let mut number = 0;
        for (x, goes_north) in lanes {
            for row in [1, 3, 5, 7, 9] {
                number += 1;
                let name = format!("WAIT-{letter}-{number:02}");
                let (low, high) = ([x, rows[row - 1]], [x, rows[row]]);
                let piece = if goes_north { [low, high] } else { [high, low] };
                if zone == 0 {
                    hold(draft, &name, piece);
                } else {
                    park(draft, &name, piece);
                }
            }
        }
    }
}

fn hold(draft: &mut Draft, name: &str, piece: [At; 2]) {
    draft.bay(name, piece, BAY_MM);
    draft.holding.push(name.to_owned());
}

fn park(draft: &mut Draft, name: &str, piece: [At; 2]) {
    hold(draft, name, piece);
    draft.parking.push(name.to_owned());
}
