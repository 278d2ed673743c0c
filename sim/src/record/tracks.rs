//! Where each robot truly was, as corner points: between two of them a straight line at an even pace is near enough to
//! every pose seen. When there are too many, near enough becomes twice as far, and every way is drawn anew.
//!
//! Online and with a bounded memory, after Reumann and Witkam's opening window ("Optimizing curve segmentation in computer
//! graphics", 1974), with time as one more axis.

use crate::geometry::Outline;

/// Corner points kept, over all robots.
pub(crate) const KEYS_MAX: usize = 1_500_000;
/// Poses between two corner points that are looked at, at most.
const WINDOW: usize = 64;
/// Near enough at first, cm.
const NEAR_CM: i64 = 4;
/// Near enough of a direction at first, hundredths of a degree.
const NEAR_CDEG: i64 = 300;

/// A true pose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// When, tenths of a second since the start.
    pub at_ds: i32,
    /// East, cm.
    pub x_cm: i32,
    /// North, cm.
    pub y_cm: i32,
    /// Direction, hundredths of a degree; goes on beyond a full turn.
    pub theta_cdeg: i32,
    /// The map, by place in [`Tracks::maps`].
    pub map: u16,
}

#[derive(Clone, Debug, Default)]
struct Track {
    keys: Vec<Key>,
    /// Poses seen since the last corner point.
    window: Vec<Key>,
}

/// The ways of all robots.
#[derive(Clone, Debug)]
pub struct Tracks {
    of: Vec<Track>,
    maps: Vec<String>,
    count: usize,
    near: i64,
    max: usize,
}

impl Tracks {
    pub(crate) fn new(robots: usize) -> Tracks {
        let max = KEYS_MAX.max(8 * robots);
        Tracks { of: vec![Track::default(); robots], maps: Vec::new(), count: 0, near: 1, max }
    }

    /// A robot is seen.
    pub(crate) fn note(&mut self, robot: usize, now_ms: u64, map: &str, outline: &Outline) {
        let map = self.map(map);
        let Some(track) = self.of.get_mut(robot) else { return };
        let before = track.window.last().or(track.keys.last()).map_or(0, |key| key.theta_cdeg);
        let theta = (outline.theta_rad.to_degrees() * 100.0).round() as i32;
        let key = Key {
            at_ds: i32::try_from(now_ms / 100).unwrap_or(i32::MAX),
            x_cm: (outline.x_m * 100.0).round() as i32,
            y_cm: (outline.y_m * 100.0).round() as i32,
            theta_cdeg: before + turned(before, theta),
            map,
        };
        self.count += track.note(key, self.near);
        while self.count > self.max {
            self.coarsen();
        }
    }

    fn map(&mut self, name: &str) -> u16 {
        let known = self.maps.iter().position(|map| map == name);
        let place = known.unwrap_or_else(|| {
            self.maps.push(name.to_owned());
            self.maps.len() - 1
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    fn coarsen(&mut self) {
        self.near *= 2;
        for track in &mut self.of {
            let mut coarse = Track::default();
            for key in track.keys.drain(..) {
                coarse.note(key, self.near);
            }
            coarse.end();
            coarse.window = std::mem::take(&mut track.window);
            *track = coarse;
        }
        self.count = self.of.iter().map(|track| track.keys.len()).sum();
    }

    pub(crate) fn finish(&mut self) {
        self.of.iter_mut().for_each(Track::end);
        self.count = self.of.iter().map(|track| track.keys.len()).sum();
    }

    /// The corner points of a robot's way, oldest first.
    pub fn of(&self, robot: usize) -> &[Key] {
        self.of.get(robot).map_or(&[], |track| &track.keys)
    }

    /// The maps robots were on, by number.
    pub fn maps(&self) -> &[String] {
        &self.maps
    }

    /// How far a robot may have been from the way shown, cm.
    pub fn near_cm(&self) -> i64 {
        NEAR_CM * self.near
    }
}

impl Track {
    /// Takes a pose; says how many corner points that made.
    fn note(&mut self, key: Key, near: i64) -> usize {
        let Some(last) = self.keys.last().copied() else {
            self.keys.push(key);
            return 1;
        };
        // A robot that stands makes no window: its one pose moves along in time.
        if let [only] = self.window.as_mut_slice()
            && only.stands_like(&last)
            && key.stands_like(&last)
        {
            only.at_ds = key.at_ds;
            return 0;
        }
        let fits = self.window.len() < WINDOW
            && key.map == last.map
            && self.window.iter().all(|seen| seen.is_near(&last, &key, near));
        let mut made = 0;
        if !fits && let Some(corner) = self.window.last().copied() {
            self.keys.push(corner);
            self.window.clear();
            made = 1;
        }
        self.window.push(key);
        made
    }

    fn end(&mut self) {
        self.keys.extend(self.window.last().copied());
        self.window.clear();
    }
}

impl Key {
    fn stands_like(&self, other: &Key) -> bool {
        (self.x_cm, self.y_cm, self.theta_cdeg, self.map)
            == (other.x_cm, other.y_cm, other.theta_cdeg, other.map)
    }

    /// It lies where a robot driving evenly from one pose to the other would be at its time.
    fn is_near(&self, from: &Key, to: &Key, near: i64) -> bool {
        let span = i64::from(to.at_ds - from.at_ds).max(1);
        let part = i64::from(self.at_ds - from.at_ds);
        let off = |from: i32, seen: i32, to: i32| {
            (i64::from(seen - from) * span - i64::from(to - from) * part).abs()
        };
        off(from.x_cm, self.x_cm, to.x_cm) <= NEAR_CM * near * span
            && off(from.y_cm, self.y_cm, to.y_cm) <= NEAR_CM * near * span
            && off(from.theta_cdeg, self.theta_cdeg, to.theta_cdeg) <= NEAR_CDEG * near * span
    }
}

/// The shorter way round, hundredths of a degree.
fn turned(from_cdeg: i32, to_cdeg: i32) -> i32 {
    (to_cdeg - from_cdeg + 18_000).rem_euclid(36_000) - 18_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(x_m: f64, y_m: f64, theta_rad: f64) -> Outline {
        Outline { x_m, y_m, theta_rad, half_length_m: 0.5, half_width_m: 0.3 }
    }

    /// Where the corner points say the robot was.
    fn shown(keys: &[Key], at_ds: i32) -> [f64; 2] {
        let next = keys.iter().position(|key| key.at_ds >= at_ds).unwrap_or(keys.len() - 1);
        let (from, to) = (keys[next.saturating_sub(1)], keys[next]);
        let part = if to.at_ds > from.at_ds {
            f64::from(at_ds - from.at_ds) / f64::from(to.at_ds - from.at_ds)
        } else {
            0.0
        };
        let at = |from: i32, to: i32| (f64::from(from) + f64::from(to - from) * part) / 100.0;
        [at(from.x_cm, to.x_cm), at(from.y_cm, to.y_cm)]
    }

    /// Round and round a square, with a rest at each corner.
    fn square(step: u64) -> Outline {
        let (side, part) = (step / 100 % 4, (step % 100).min(80) as f64 / 8.0);
        let (x, y) = [(part, 0.0), (10.0, part), (10.0 - part, 10.0), (0.0, 10.0 - part)][side as usize];
        outline(x, y, side as f64 * std::f64::consts::FRAC_PI_2)
    }

    #[test]
    fn corner_points_show_every_pose_and_are_few() {
        let mut tracks = Tracks::new(1);
        (0..4_000).for_each(|step| tracks.note(0, step * 200, "ground", &square(step)));
        tracks.finish();
        let keys = tracks.of(0);
        for step in 0..4_000 {
            let (real, shown) = (square(step), shown(keys, step as i32 * 2));
            let off = (real.x_m - shown[0]).abs().max((real.y_m - shown[1]).abs());
            assert!(off <= 0.01 * tracks.near_cm() as f64 + 0.006, "step {step}: {off} m");
        }
        assert!(keys.len() < 250, "{} corner points for 40 sides", keys.len());
    }

    #[test]
    fn a_robot_that_stands_for_a_day_needs_two_points() {
        let mut tracks = Tracks::new(1);
        (0..432_000).for_each(|step| tracks.note(0, step * 200, "ground", &outline(1.0, 2.0, 0.0)));
        tracks.finish();
        assert_eq!(tracks.of(0).len(), 2);
    }

    #[test]
    fn a_full_list_shows_less_and_still_begins_and_ends_where_the_robot_did() {
        let mut tracks = Tracks { max: 100, ..Tracks::new(1) };
        (0..20_000).for_each(|step| tracks.note(0, step * 200, "ground", &square(step)));
        tracks.finish();
        let keys = tracks.of(0);
        assert!(keys.len() <= 101 && tracks.near_cm() > NEAR_CM, "{}", keys.len());
        assert_eq!((keys[0].at_ds, keys[keys.len() - 1].at_ds), (0, 39_998));
    }

    #[test]
    fn a_turn_through_north_is_short() {
        assert_eq!((turned(17_900, -17_900), turned(36_100, 0), turned(0, 9_000)), (200, -100, 9_000));
    }
}
