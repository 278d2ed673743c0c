//! The bundled wave: 300 jobs of fresh food for twelve trucks, in queue order.
//!
//! Drawn by [`lines`], the same text every time; `waves/fresh-dc-300.ndjson` is that text, kept so that anyone can
//! read it or publish it to a real broker, and a test holds the two together. Times in it are counted from
//! [`START`], a fixed midnight: [`shift`] moves them to the present, so that the first truck leaves thirty minutes
//! after the demonstration began.

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use serde::Serialize;
use serde_json::Value;

/// The committed file.
pub const BUNDLED: &str = include_str!("../../waves/fresh-dc-300.ndjson");
/// The moment the bundled wave counts from.
pub const START: &str = "2026-01-01T00:00:00Z";
/// First cut-off after the start, minutes.
pub const FIRST_CUT_OFF_MIN: i64 = 30;
/// From one truck's cut-off to the next, minutes.
pub const CUT_OFF_EVERY_MIN: i64 = 3;
/// Trucks.
const TRUCKS: usize = 12;
/// Jobs for each truck.
const JOBS_PER_TRUCK: usize = 25;
/// A truck's jobs begin this many places behind those of the truck that leaves before it.
const STAGGER: usize = 2;
/// Pick stations of each temperature on the layout.
const PICKS: u64 = 24;

/// Item, shelf life in days, largest quantity.
type Item = (&'static str, u64, u64);

const FROZEN: [Item; 8] = [
    ("냉동만두 1.4kg", 240, 6),
    ("냉동 손질새우 500g", 300, 4),
    ("바닐라 아이스크림 474ml", 300, 8),
    ("냉동 블루베리 1kg", 360, 4),
    ("떡갈비 600g", 180, 5),
    ("냉동 대패삼겹살 1kg", 150, 4),
    ("치즈 핫도그 5입", 210, 6),
    ("냉동 완두콩 1kg", 330, 3),
];

const CHILLED: [Item; 12] = [
    ("국산콩 두부 300g", 6, 12),
    ("시금치 250g", 3, 10),
    ("콩나물 340g", 4, 10),
    ("서울 우유 1L", 8, 12),
    ("무항생제 달걀 15구", 18, 8),
    ("한돈 삼겹살 구이용 500g", 4, 6),
    ("연어 횟감 200g", 2, 4),
    ("설향 딸기 500g", 3, 6),
    ("포기김치 1kg", 25, 5),
    ("플레인 요거트 450g", 12, 8),
    ("깻잎 30g", 3, 12),
    ("애호박 1개", 5, 10),
];

const AMBIENT: [Item; 8] = [
    ("신동진 쌀 4kg", 120, 3),
    ("구운 도시락김 16봉", 150, 6),
    ("진간장 500ml", 400, 5),
    ("꿀고구마 1.5kg", 14, 4),
    ("햇양파 1.5kg", 20, 5),
    ("바나나 1송이", 5, 6),
    ("즉석밥 210g 12입", 200, 4),
    ("참기름 320ml", 300, 5),
];

#[derive(Serialize)]
struct Job {
    v: u8,
    job_id: String,
    order_id: String,
    sequence: String,
    legs: [Leg; 2],
    due_at: String,
    best_before: String,
    temperature: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_out_of_cold_s: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    requires: Vec<&'static str>,
}

#[derive(Serialize)]
struct Leg {
    station: String,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    load: Option<Load>,
    dwell_s: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Load {
    id: String,
    r#type: &'static str,
}

#[derive(Serialize)]
struct Line {
    item: &'static str,
    lot: String,
    use_by: String,
    quantity: u64,
    location: String,
}

/// SplitMix64 (Steele, Lea, Flood 2014): a few lines, the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// Draws the wave: one JSON job per line, in queue order.
pub fn lines() -> Vec<String> {
    let mut places: Vec<(usize, usize, usize)> = (0..TRUCKS)
        .flat_map(|truck| (0..JOBS_PER_TRUCK).map(move |job| (job + truck * STAGGER, truck, job)))
        .collect();
    places.sort_unstable();
    let mut dice = Dice(300);
    let draw = |(number, (_, truck, _)): (usize, (usize, usize, usize))| {
        serde_json::to_string(&job(number + 1, truck + 1, &mut dice)).unwrap_or_default()
    };
    places.into_iter().enumerate().map(draw).collect()
}

fn job(number: usize, truck: usize, dice: &mut Dice) -> Job {
    let (temperature, letter, items, cold_s, requires): (_, _, &[Item], _, _) = match dice.below(10) {
        0 | 1 => ("frozen", 'F', &FROZEN, Some(1_200), vec!["frozen"]),
        2..=6 => ("chilled", 'C', &CHILLED, Some(2_400), vec!["cold"]),
        _ => ("ambient", 'A', &AMBIENT, None, vec![]),
    };
    let station = format!("PICK-{letter}-{:02}", 1 + dice.below(PICKS));
    let lines: Vec<Line> = (0..1 + dice.below(3)).map(|_| line(items, &station, dice)).collect();
    let best_before = lines.iter().map(|line| line.use_by.clone()).min().unwrap_or_default();
    let load = Load { id: format!("TOTE-{:04}", 1_000 + number), r#type: "tote" };
    let pick = Leg { station, action: "pick", load: Some(load), dwell_s: 5 + dice.below(6), lines };
    let dock = format!("DOCK-{truck:02}");
    let drop =
        Leg { station: dock, action: "drop", load: None, dwell_s: 5 + dice.below(3), lines: Vec::new() };
    let cut_off = FIRST_CUT_OFF_MIN + CUT_OFF_EVERY_MIN * (truck as i64 - 1);
    Job {
        v: 1,
        job_id: format!("J-{number:06}"),
        order_id: format!("SO-{}", 8_800 + (number - 1) / 2),
        sequence: format!("TRUCK-{truck:02}"),
        legs: [pick, drop],
        due_at: (start() + Span::new().minutes(cut_off)).to_string(),
        best_before,
        temperature,
        max_out_of_cold_s: cold_s,
        requires,
    }
}

/// One position of a pick list: the lot that expires first is taken first.
fn line(items: &[Item], station: &str, dice: &mut Dice) -> Line {
    let (item, shelf_days, quantity_max) = items[dice.below(items.len() as u64) as usize];
    let left = 1 + dice.below(shelf_days);
    let packed_ago = (shelf_days - left) as i64;
    let day = Date::new(2026, 1, 1).unwrap_or_default();
    let packed = day.saturating_sub(Span::new().days(packed_ago));
    Line {
        item,
        lot: format!("L{}-{}", packed.strftime("%y%m%d"), 1 + dice.below(4)),
        use_by: day.saturating_add(Span::new().days(left as i64)).to_string(),
        quantity: 1 + dice.below(quantity_max),
        location: format!("{station}-{}", 1 + dice.below(6)),
    }
}

fn start() -> Timestamp {
    START.parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Moves a line of the bundled wave to a demonstration that starts at `now_ms`; a line without times stays as it is.
pub fn shift(line: &str, now_ms: u64) -> String {
    let Ok(mut job) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    let later_ms = now_ms as i64 - start().as_millisecond();
    let days = later_ms.div_euclid(86_400_000);
    if let Some(due_at) = job.get_mut("due_at") {
        move_instant(due_at, later_ms);
    }
    if let Some(day) = job.get_mut("best_before") {
        move_day(day, days);
    }
    let legs = job.get_mut("legs").and_then(Value::as_array_mut);
    let lines = legs.into_iter().flatten().filter_map(|leg| leg.get_mut("lines")?.as_array_mut()).flatten();
    for line in lines {
        if let Some(day) = line.get_mut("use_by") {
            move_day(day, days);
        }
    }
    job.to_string()
}

fn move_instant(value: &mut Value, later_ms: i64) {
    let Some(at) = value.as_str().and_then(|text| text.parse::<Timestamp>().ok()) else { return };
    if let Ok(at) = Timestamp::from_millisecond(at.as_millisecond() + later_ms) {
        *value = Value::from(at.to_string());
    }
}

fn move_day(value: &mut Value, days: i64) {
    if let Some(day) = value.as_str().and_then(|text| text.parse::<Date>().ok()) {
        *value = Value::from(day.saturating_add(Span::new().days(days)).to_string());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_committed_wave_is_what_the_generator_draws() {
        let fresh = lines().join("\n") + "\n";
        if std::env::var_os("DROVER_UPDATE").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/waves/fresh-dc-300.ndjson"), &fresh)
                .unwrap();
        }
        assert!(fresh == BUNDLED, "stale: run this test once with DROVER_UPDATE=1, then build again");
    }

    #[test]
    fn every_station_of_the_wave_is_on_the_layout_and_every_job_parses() {
        let compiled = crate::demo::bundled_layout().unwrap();
        let mut trucks: BTreeMap<String, usize> = BTreeMap::new();
        for line in BUNDLED.lines() {
            assert!(drover_proto::parse_job(line.as_bytes()).is_ok(), "{line}");
            let job: Value = serde_json::from_str(line).unwrap();
            for leg in job["legs"].as_array().unwrap() {
                let station = leg["station"].as_str().unwrap();
                assert!(compiled.layout.station_named(station).is_some(), "{station}");
            }
            *trucks.entry(job["sequence"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        assert_eq!(trucks.len(), 12);
        assert!(trucks.values().all(|jobs| *jobs == 25), "{trucks:?}");
    }

    #[test]
    fn the_first_truck_leaves_thirty_minutes_after_the_start() {
        let now = "2026-11-22T15:04:05Z".parse::<Timestamp>().unwrap();
        let first = shift(BUNDLED.lines().next().unwrap(), now.as_millisecond() as u64);
        let job: Value = serde_json::from_str(&first).unwrap();
        assert_eq!(job["due_at"], "2026-11-22T15:34:05Z");
        assert!(job["best_before"].as_str().unwrap() > "2026-11-22");
    }
}
