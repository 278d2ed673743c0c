//! A block warehouse from a handful of numbers: aisles between cross roads, docks in the south, chargers in the north.

use thiserror::Error;

use super::Drawing;
use super::draft::{At, BAY_MM, Draft, HALF_GAP_MM};
use crate::layout::{Battery, RobotType, Temperature};

/// Smallest distance between aisles, mm: two lanes and a bay on each side.
const AISLE_SPACING_MM_MIN: u32 = 8_000;
/// Smallest distance between the nodes of an aisle, mm.
const BAY_SPACING_MM_MIN: u32 = 2_000;
/// Largest distance of either kind, mm.
const SPACING_MM_MAX: u32 = 50_000;
/// Most aisles, bays a block or cross roads.
const COUNT_MAX: u32 = 400;
/// Most nodes a drawing may roughly have.
const NODES_MAX: u64 = 150_000;
/// Clear space round the outermost roads, mm.
const BORDER_MM: i32 = 5_000;

/// What to draw. [`Warehouse::draw`] gives the files; the default is a small site for some 15 robots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warehouse {
    /// Name of the site.
    pub name: String,
    /// South-north aisles between the two outer roads, 1 to 400.
    pub aisles: u32,
    /// Bays that each aisle has between two cross roads, 1 to 400.
    pub bays: u32,
    /// West-east cross roads, 2 to 400.
    pub cross_aisles: u32,
    /// Distance between aisles, mm, 8,000 to 50,000.
    pub aisle_spacing_mm: u32,
    /// Distance between nodes of an aisle, mm, 2,000 to 50,000.
    pub bay_spacing_mm: u32,
    /// Docks `DOCK-01`.. along the southern road.
    pub docks: u32,
    /// Pick stations `PICK-001`.., spread evenly over the bays.
    pub pick_stations: u32,
    /// Chargers along the northern road.
    pub chargers: u32,
    /// Parking bays along the northern road and the outer roads, then between the pick stations; robots may wait there too.
    pub parking: u32,
    /// Aisles are single lanes, northward and southward in turn; else each is a road of two lanes.
    pub one_way_aisles: bool,
    /// Zones from west to east, of equal width.
    pub zones: Vec<(String, Temperature)>,
    /// Robots `r01`.. of manufacturer `drover` named in `site.toml`.
    pub robots: u32,
}

impl Default for Warehouse {
    fn default() -> Self {
        Self {
            name: "warehouse".to_owned(),
            aisles: 6,
            bays: 6,
            cross_aisles: 3,
            aisle_spacing_mm: 9_000,
            bay_spacing_mm: 3_000,
            docks: 4,
            pick_stations: 24,
            chargers: 4,
            parking: 16,
            one_way_aisles: true,
            zones: vec![("hall".to_owned(), Temperature::Ambient)],
            robots: 15,
        }
    }
}

/// More is wanted than fits, or a number is out of its range.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what} is {wanted}, but may be {min} to {max} here")]
pub struct NoRoom {
    /// The parameter.
    pub what: &'static str,
    /// What was asked for.
    pub wanted: u64,
    /// The least.
    pub min: u64,
    /// The most that fits with the other parameters as they are.
    pub max: u64,
}

fn within(what: &'static str, wanted: u32, min: u32, max: u64) -> Result<(), NoRoom> {
    let (wanted, min) = (u64::from(wanted), u64::from(min));
    if (min..=max).contains(&wanted) { Ok(()) } else { Err(NoRoom { what, wanted, min, max }) }
}

impl Warehouse {
    /// Draws it.
    ///
    /// # Errors
    /// [`NoRoom`] names the parameter that is out of range and the range.
    pub fn draw(&self) -> Result<Drawing, NoRoom> {
        self.check_ranges()?;
        let mut draft = Draft::default();
        self.roads(&mut draft);
        self.aisles(&mut draft);
        self.picks(&mut draft)?;
        self.southern_bays(&mut draft)?;
        self.northern_bays(&mut draft)?;
        self.zones(&mut draft);
        draft.robots("drover", (1..=self.robots).map(|number| format!("r{number:02}")));
        let robot_type =
            RobotType { battery: Some(Battery::default()), ..RobotType::with_defaults("tote-amr") };
        Ok(draft.write(&self.name, &robot_type))
    }

    fn check_ranges(&self) -> Result<(), NoRoom> {
        within("aisles", self.aisles, 1, u64::from(COUNT_MAX))?;
        within("bays", self.bays, 1, u64::from(COUNT_MAX))?;
        within("cross_aisles", self.cross_aisles, 2, u64::from(COUNT_MAX))?;
        within("aisle_spacing_mm", self.aisle_spacing_mm, AISLE_SPACING_MM_MIN, u64::from(SPACING_MM_MAX))?;
        within("bay_spacing_mm", self.bay_spacing_mm, BAY_SPACING_MM_MIN, u64::from(SPACING_MM_MAX))?;
        within("robots", self.robots, 0, crate::limits::ROBOTS_MAX as u64)?;
        within("zones", self.zones.len() as u32, 0, u64::from(self.aisles) + 1)?;
        let rows = u64::from(self.cross_aisles) * u64::from(self.bays + 4);
        let columns = u64::from(self.aisles + 2) * 3;
        let most = NODES_MAX / columns / u64::from(self.bays + 4);
        if rows * columns > NODES_MAX { within("cross_aisles", self.cross_aisles, 2, most) } else { Ok(()) }
    }

    /// Centre of a column: 0 and `aisles + 1` are the outer roads.
    fn x(&self, column: u32) -> i32 {
        BORDER_MM + (column * self.aisle_spacing_mm) as i32
    }

    /// Centre of a cross road.
    fn y(&self, cross: u32) -> i32 {
        BORDER_MM + (cross * (self.bays + 2) * self.bay_spacing_mm) as i32 + cross as i32 * 2 * HALF_GAP_MM
    }

    /// The x of each lane of a column with whether it goes north.
    fn lanes(&self, column: u32) -> Vec<(i32, bool)> {
        let x = self.x(column);
        let outer = column == 0 || column == self.aisles + 1;
        if self.one_way_aisles && !outer {
            vec![(x, column % 2 == 1)]
        } else {
            vec![(x - HALF_GAP_MM, false), (x + HALF_GAP_MM, true)]
        }
    }

    /// Where all south-north lanes have nodes.
    fn rows(&self) -> Vec<i32> {
        let mut rows = vec![];
        for cross in 0..self.cross_aisles {
            rows.extend([self.y(cross) - HALF_GAP_MM, self.y(cross) + HALF_GAP_MM]);
            if cross + 1 < self.cross_aisles {
                let steps = 1..self.bays + 2;
                rows.extend(
                    steps.map(|step| self.y(cross) + HALF_GAP_MM + (step * self.bay_spacing_mm) as i32),
                );
            }
        }
        rows
    }

    /// Where cross roads have nodes: the columns' lanes, and three nodes between two columns.
    fn columns(&self) -> Vec<i32> {
        let mut columns: Vec<i32> =
            (0..self.aisles + 2).flat_map(|column| self.lanes(column)).map(|(x, _)| x).collect();
        columns.extend(self.slots().iter().flatten());
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Pieces of a cross road that touch no crossing, from west to east.
    fn slots(&self) -> Vec<[i32; 2]> {
        let mut slots = vec![];
        for column in 0..=self.aisles {
            let west = self.lanes(column).iter().map(|(x, _)| *x).max().unwrap_or_default();
            let east = self.lanes(column + 1).iter().map(|(x, _)| *x).min().unwrap_or_default();
            let count = ((east - west) / 3_000 - 1).max(1);
            let middle = west + (east - west - count * 2_400) / 2;
            slots.extend((0..count).map(|slot| [middle + slot * 2_400, middle + (slot + 1) * 2_400]));
        }
        slots
    }

    fn roads(&self, draft: &mut Draft) {
        let columns = self.columns();
        for cross in 0..self.cross_aisles {
            let (east, west) = (self.y(cross) - HALF_GAP_MM, self.y(cross) + HALF_GAP_MM);
            draft.lane(&columns.iter().map(|x| [*x, east]).collect::<Vec<_>>());
            draft.lane(&columns.iter().rev().map(|x| [*x, west]).collect::<Vec<_>>());
        }
    }

    fn aisles(&self, draft: &mut Draft) {
        let mut rows = self.rows();
        for (x, goes_north) in (0..self.aisles + 2).flat_map(|column| self.lanes(column)) {
            rows.sort_unstable();
            if !goes_north {
                rows.reverse();
            }
            draft.lane(&rows.iter().map(|y| [x, *y]).collect::<Vec<_>>());
        }
    }

    /// Pieces of the inner aisles that touch no crossing, in the direction of travel.
    fn pick_pieces(&self) -> Vec<[At; 2]> {
        let mut pieces = vec![];
        for (x, goes_north) in (1..=self.aisles).flat_map(|column| self.lanes(column)) {
            for cross in 0..self.cross_aisles - 1 {
                let start = self.y(cross) + HALF_GAP_MM;
                for step in 1..=self.bays {
                    let low = [x, start + (step * self.bay_spacing_mm) as i32];
                    let high = [x, start + ((step + 1) * self.bay_spacing_mm) as i32];
                    pieces.push(if goes_north { [low, high] } else { [high, low] });
                }
            }
        }
        pieces
    }

    fn picks(&self, draft: &mut Draft) -> Result<(), NoRoom> {
        let pieces = self.pick_pieces();
        within("pick_stations", self.pick_stations, 0, pieces.len() as u64)?;
        for number in 0..self.pick_stations as usize {
            let name = format!("PICK-{:03}", number + 1);
            draft.bay(&name, pieces[self.pick_piece(number, pieces.len())], BAY_MM);
            draft.station(&name);
        }
        Ok(())
    }

    /// The piece of an aisle, of so many, at which a pick station is.
    fn pick_piece(&self, number: usize, pieces: usize) -> usize {
        number * pieces / self.pick_stations as usize
    }

    /// Pieces of aisles without a pick station.
    fn free_pieces(&self) -> Vec<[At; 2]> {
        let pieces = self.pick_pieces();
        let mut is_free = vec![true; pieces.len()];
        for number in 0..self.pick_stations as usize {
            is_free[self.pick_piece(number, pieces.len())] = false;
        }
        pieces.into_iter().zip(is_free).filter_map(|(piece, is_free)| is_free.then_some(piece)).collect()
    }

    /// Docks south of the southern road, and a staging bay north of it for each.
    fn southern_bays(&self, draft: &mut Draft) -> Result<(), NoRoom> {
        let slots = self.slots();
        within("docks", self.docks, 0, slots.len() as u64)?;
        let (east, west) = (self.y(0) - HALF_GAP_MM, self.y(0) + HALF_GAP_MM);
        for number in 0..self.docks as usize {
            let [near, far] = slots[number * slots.len() / self.docks as usize];
            let name = format!("DOCK-{:02}", number + 1);
            draft.bay(&name, [[near, east], [far, east]], BAY_MM);
            draft.station(&name);
            let name = format!("STAGE-{:02}", number + 1);
            draft.bay(&name, [[far, west], [near, west]], BAY_MM);
            draft.holding.push(name);
        }
        Ok(())
    }

    /// Chargers first, then parking, north of the northern road; then parking along the outer roads, then in the aisles.
    fn northern_bays(&self, draft: &mut Draft) -> Result<(), NoRoom> {
        let west = self.y(self.cross_aisles - 1) + HALF_GAP_MM;
        let mut pieces: Vec<[At; 2]> =
            self.slots().into_iter().map(|[near, far]| [[far, west], [near, west]]).collect();
        within("chargers", self.chargers, 0, pieces.len() as u64)?;
        let (down, up) = (self.x(0) - HALF_GAP_MM, self.x(self.aisles + 1) + HALF_GAP_MM);
        for cross in 0..self.cross_aisles - 1 {
            for step in 1..=self.bays {
                let low = self.y(cross) + HALF_GAP_MM + (step * self.bay_spacing_mm) as i32;
                let high = low + self.bay_spacing_mm as i32;
                pieces.extend([[[down, high], [down, low]], [[up, low], [up, high]]]);
            }
        }
        pieces.extend(self.free_pieces());
        within("parking", self.parking, 0, pieces.len() as u64 - u64::from(self.chargers))?;
        for (index, piece) in pieces.into_iter().take((self.chargers + self.parking) as usize).enumerate() {
            let name = match index.checked_sub(self.chargers as usize) {
                None => format!("CHARGE-{:02}", index + 1),
                Some(number) => format!("PARK-{:02}", number + 1),
            };
            draft.bay(&name, piece, BAY_MM);
            if index < self.chargers as usize {
                draft.chargers.push(name);
            } else {
                draft.holding.push(name.clone());
                draft.parking.push(name);
            }
        }
        Ok(())
    }

    fn zones(&self, draft: &mut Draft) {
        let width = self.x(self.aisles + 1) + BORDER_MM;
        let height = self.y(self.cross_aisles - 1) + BORDER_MM;
        let count = self.zones.len() as i32;
        for (index, (name, temperature)) in self.zones.iter().enumerate() {
            let (west, east) = (width / count * index as i32, width / count * (index as i32 + 1));
            let east = if index as i32 + 1 == count { width } else { east };
            draft.zones.push((name.clone(), *temperature, [[west, 0], [east, height]]));
        }
    }
}
