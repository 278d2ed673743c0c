//! A robot that exists in numbers: trapezoid speeds, turns in place, tasks that take their time, a battery.
//!
//! Every event time is solved, not stepped, and a call at any time in between changes nothing: one big `advance` and many
//! small ones give the same events at the same milliseconds. It must never pass the last waypoint it was given.

mod battery;
mod faults;
mod leg;
mod profile;

use crate::drive::{Abilities, Drive, Fault, MapChange, MapStep, Progress, Status, Waypoint};
use crate::spec::{ACTION_MS_DEFAULT, Pose, Spec, Start};
use battery::Battery;
use drover_proto::vda5050::{Action, BlockingType};
use leg::{Leg, needs_turn, wrap};
use profile::{Profile, Span};
use std::collections::VecDeque;

const HERE_M: f64 = 1e-6;
const ACTION_S_MAX: f64 = 3_600.0;

/// A [`Drive`] that needs no machine.
#[derive(Clone, Debug)]
pub struct SimulatedDrive {
    spec: Spec,
    now_ms: u64,
    /// Where it stands; while it moves: where it was last at rest or passed a waypoint.
    pose: Pose,
    legs: VecDeque<Leg>,
    /// Metres of the first leg behind the robot when it last came to rest.
    offset_m: f64,
    /// At the end of the first leg, but not yet turned as the node wants it.
    arrived: bool,
    motion: Motion,
    held: bool,
    broken: bool,
    obstructed: bool,
    lost: bool,
    empty: bool,
    battery: Battery,
    tasks: Vec<Running>,
    failing: Vec<String>,
    news: VecDeque<Progress>,
}

#[derive(Clone, Debug)]
enum Motion {
    Standing,
    Turning {
        from: f64,
        to: f64,
        start_ms: u64,
        end_ms: u64,
    },
    Rolling {
        profile: Profile,
        start_ms: u64,
        /// Where the first leg begins in the profile's distances.
        leg_start_m: f64,
        event_ms: u64,
    },
}

#[derive(Clone, Debug)]
struct Running {
    action: Action,
    done_ms: u64,
}

impl SimulatedDrive {
    /// A robot at rest.
    pub fn new(spec: Spec, start: &Start, now_ms: u64) -> Self {
        let pose = Pose {
            map_id: start.map_id.clone(),
            x_m: start.x_m,
            y_m: start.y_m,
            theta_rad: wrap(start.theta_rad),
        };
        let battery = Battery::new(spec.battery, start.charge_permille);
        Self {
            empty: battery.is_empty(),
            spec,
            now_ms,
            pose,
            legs: VecDeque::new(),
            offset_m: 0.0,
            arrived: false,
            motion: Motion::Standing,
            held: false,
            broken: false,
            obstructed: false,
            lost: false,
            battery,
            tasks: Vec::new(),
            failing: Vec::new(),
            news: VecDeque::new(),
        }
    }

    fn accel(&self) -> f64 {
        f64::from(self.spec.accel_mm_s2.max(1)) / 1_000.0
    }

    fn top_speed(&self) -> f64 {
        f64::from(self.spec.speed_mm_s.max(1)) / 1_000.0
    }

    fn turn_rate(&self) -> f64 {
        (f64::from(self.spec.turn_mdeg_s.max(1)) / 1_000.0).to_radians()
    }

    fn is_stopped(&self) -> bool {
        self.held || self.broken || self.obstructed || self.empty
    }

    fn set_motion(&mut self, motion: Motion) {
        self.battery.driving = !matches!(motion, Motion::Standing);
        self.battery.charging &= !self.battery.driving;
        self.motion = motion;
    }

    /// Metres behind on the first leg, and the speed.
    fn along(&self) -> (f64, f64) {
        match &self.motion {
            Motion::Standing | Motion::Turning { .. } => (self.offset_m, 0.0),
            Motion::Rolling { profile, start_ms, leg_start_m, .. } => {
                let (s, v) = profile.at(seconds(self.now_ms - start_ms));
                (s - leg_start_m, v)
            }
        }
    }

    fn theta(&self) -> f64 {
        match self.motion {
            Motion::Standing | Motion::Rolling { .. } => self.pose.theta_rad,
            Motion::Turning { from, to, start_ms, end_ms } => {
                let part = seconds(self.now_ms - start_ms) / seconds((end_ms - start_ms).max(1));
                wrap(from + wrap(to - from) * part.min(1.0))
            }
        }
    }

    /// The next motion from here: a turn, a stretch, or rest.
    fn go(&mut self) {
        if self.is_stopped() || matches!(self.motion, Motion::Turning { .. }) {
            return;
        }
        let Some(first) = self.legs.front() else { return };
        if matches!(self.motion, Motion::Rolling { .. }) {
            return self.roll();
        }
        if self.arrived {
            return match first.end_theta.filter(|theta| needs_turn(self.pose.theta_rad, *theta)) {
                Some(theta) => self.turn(theta),
                None => self.finish_leg(),
            };
        }
        match first.at(self.offset_m).1.or(first.theta_in) {
            Some(theta) if needs_turn(self.pose.theta_rad, theta) => self.turn(theta),
            Some(_) | None => self.roll(),
        }
    }

    fn turn(&mut self, to: f64) {
        let from = self.pose.theta_rad;
        let angle = wrap(to - from).abs();
        let end_ms = self.now_ms + millis(angle / self.turn_rate());
        self.set_motion(Motion::Turning { from, to, start_ms: self.now_ms, end_ms });
    }

    /// Plans from the present speed to the next stop.
    fn roll(&mut self) {
        let (offset, speed) = self.along();
        let spans: Vec<Span> = self.legs.iter().take(self.stretch()).map(Leg::span).collect();
        let profile = Profile::plan(speed, &shortened(spans, offset), self.accel());
        self.follow(profile, offset);
    }

    fn follow(&mut self, profile: Profile, offset_m: f64) {
        self.set_motion(Motion::Rolling {
            profile,
            start_ms: self.now_ms,
            leg_start_m: -offset_m,
            event_ms: self.now_ms,
        });
        self.time_next_pass();
    }

    /// When the first leg ends, or the robot comes to rest on it.
    fn time_next_pass(&mut self) {
        let length = self.legs.front().map_or(0.0, |leg| leg.length_m);
        if let Motion::Rolling { profile, start_ms, leg_start_m, event_ms } = &mut self.motion {
            let t = profile.time_at(*leg_start_m + length).unwrap_or(profile.end_t());
            *event_ms = *start_ms + millis(t);
        }
    }

    /// How many legs are driven before the next stop.
    fn stretch(&self) -> usize {
        let mut theta = self.pose.theta_rad;
        for (index, leg) in self.legs.iter().enumerate() {
            theta = leg.theta_out.unwrap_or(theta);
            let next = self.legs.get(index + 1).map(|next| next.theta_in.unwrap_or(theta));
            if leg.turns_at_end() || next.is_none_or(|next| needs_turn(theta, next)) {
                return index + 1;
            }
        }
        0
    }

    fn on_motion_event(&mut self) {
        match &self.motion {
            Motion::Standing => {}
            Motion::Turning { to, .. } => {
                self.pose.theta_rad = *to;
                self.set_motion(Motion::Standing);
                self.go();
            }
            Motion::Rolling { profile, leg_start_m, .. } => {
                let Some(leg) = self.legs.front() else { return self.set_motion(Motion::Standing) };
                let beyond_m = profile.end_s() - (leg_start_m + leg.length_m);
                if beyond_m > HERE_M { self.pass() } else { self.rest(beyond_m) }
            }
        }
    }

    fn pass(&mut self) {
        let Some(leg) = self.leave_leg() else { return };
        if let Motion::Rolling { leg_start_m, .. } = &mut self.motion {
            *leg_start_m += leg.length_m;
        }
        self.time_next_pass();
    }

    /// `beyond_m`: 0 at the leg's end, negative before it.
    fn rest(&mut self, beyond_m: f64) {
        let Some(leg) = self.legs.front() else { return };
        self.arrived = beyond_m >= -HERE_M;
        self.offset_m = leg.length_m + beyond_m.min(0.0);
        let (place, theta) = if self.arrived { (leg.end(), leg.theta_out) } else { leg.at(self.offset_m) };
        self.pose = Pose {
            map_id: self.pose.map_id.clone(),
            x_m: place.0,
            y_m: place.1,
            theta_rad: theta.unwrap_or(self.pose.theta_rad),
        };
        self.set_motion(Motion::Standing);
        if self.arrived && !self.leg_wants_turn() { self.finish_leg() } else { self.go() }
    }

    fn leg_wants_turn(&self) -> bool {
        let wanted = self.legs.front().and_then(|leg| leg.end_theta);
        wanted.is_some_and(|theta| needs_turn(self.pose.theta_rad, theta))
    }

    fn finish_leg(&mut self) {
        self.arrived = false;
        self.offset_m = 0.0;
        self.leave_leg();
        self.go();
    }

    fn leave_leg(&mut self) -> Option<Leg> {
        let leg = self.legs.pop_front()?;
        (self.pose.x_m, self.pose.y_m) = leg.end();
        self.pose.theta_rad = match (&self.motion, leg.theta_out) {
            (Motion::Rolling { .. }, Some(theta)) => theta,
            (Motion::Rolling { .. } | Motion::Standing | Motion::Turning { .. }, _) => self.pose.theta_rad,
        };
        if self.pose.map_id != leg.map_id {
            self.pose.map_id.clone_from(&leg.map_id);
        }
        self.news.push_back(Progress::Reached(leg.seq));
        Some(leg)
    }

    /// Rest as soon as braking allows.
    fn brake(&mut self) {
        match &self.motion {
            Motion::Standing => {}
            Motion::Turning { .. } => {
                self.pose.theta_rad = self.theta();
                self.set_motion(Motion::Standing);
            }
            Motion::Rolling { profile, leg_start_m, .. } => {
                let (offset, speed) = self.along();
                let braking = Profile::brake(speed, self.accel());
                if braking.end_s() < profile.end_s() - leg_start_m - offset - HERE_M {
                    self.follow(braking, offset);
                }
            }
        }
    }

    fn step(&mut self, to_ms: u64) {
        self.battery.advance(to_ms - self.now_ms);
        self.now_ms = to_ms;
        if self.battery.is_empty() && !self.empty {
            self.empty = true;
            self.brake();
        }
        if self.motion_ms().is_some_and(|at| at <= to_ms) {
            self.on_motion_event();
        }
        if let Some(index) = self.tasks.iter().position(|running| running.done_ms <= to_ms) {
            let action = self.tasks.remove(index).action;
            self.finish_action(action);
        }
    }

    fn finish_action(&mut self, action: Action) {
        if let Some(index) = self.failing.iter().position(|kind| *kind == action.action_type) {
            self.failing.remove(index);
            let why = format!("{} failed", action.action_type);
            return self.news.push_back(Progress::Done(action.action_id, Err(why)));
        }
        match action.action_type.as_str() {
            "startCharging" if self.battery.driving => {
                let why = "it drives: a robot charges standing".to_owned();
                return self.news.push_back(Progress::Done(action.action_id, Err(why)));
            }
            "startCharging" => {
                self.battery.charging = true;
                self.empty = self.battery.is_empty();
                self.go();
            }
            "stopCharging" => self.battery.charging = false,
            _ => {}
        }
        self.news.push_back(Progress::Done(action.action_id, Ok(String::new())));
    }

    fn motion_ms(&self) -> Option<u64> {
        match self.motion {
            Motion::Standing => None,
            Motion::Turning { end_ms, .. } => Some(end_ms),
            Motion::Rolling { event_ms, .. } => Some(event_ms),
        }
    }

    fn duration_ms(&self, action: &Action) -> u64 {
        let asked = action.parameter("duration");
        let asked = asked.and_then(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok()));
        match asked.filter(|s| s.is_finite()) {
            Some(s) => millis(s.clamp(0.0, ACTION_S_MAX)),
            None => u64::from(*self.spec.action_ms.get(&action.action_type).unwrap_or(&ACTION_MS_DEFAULT)),
        }
    }
}

impl Drive for SimulatedDrive {
    fn extend(&mut self, now_ms: u64, waypoints: Vec<Waypoint>) {
        self.advance(now_ms);
        if waypoints.is_empty() {
            return;
        }
        let before = self.stretch();
        let was_open = before == self.legs.len();
        for waypoint in waypoints {
            let from = self.legs.back().map_or((self.pose.x_m, self.pose.y_m), Leg::end);
            self.legs.push_back(Leg::new(from, waypoint, self.top_speed()));
        }
        if was_open || matches!(self.motion, Motion::Standing) {
            self.go();
        }
    }

    fn cut(&mut self, now_ms: u64) -> usize {
        self.advance(now_ms);
        self.lost = false;
        if self.broken || self.empty {
            self.abandon(now_ms);
            return 0;
        }
        let (offset, speed) = self.along();
        if !self.arrived && offset < HERE_M && speed < HERE_M {
            self.legs.clear();
            self.brake();
            self.set_motion(Motion::Standing);
            return 0;
        }
        let mut left = offset + speed * speed / (2.0 * self.accel()) - HERE_M;
        let mut kept = 0;
        for leg in &self.legs {
            kept += 1;
            left -= leg.length_m;
            if left <= 0.0 {
                break;
            }
        }
        self.legs.truncate(kept);
        self.go();
        kept
    }

    fn hold(&mut self, now_ms: u64, held: bool) {
        self.advance(now_ms);
        self.held = held;
        if held { self.brake() } else { self.go() }
    }

    fn abandon(&mut self, now_ms: u64) {
        self.advance(now_ms);
        self.pose = self.status().pose;
        self.legs.clear();
        (self.offset_m, self.arrived, self.lost) = (0.0, false, false);
        self.set_motion(Motion::Standing);
    }

    fn begin(&mut self, now_ms: u64, action: Action) {
        self.advance(now_ms);
        let done_ms = self.now_ms + self.duration_ms(&action);
        self.tasks.push(Running { action, done_ms });
    }

    fn abilities(&self) -> Abilities {
        Abilities { localises: true, stores_maps: true }
    }

    /// It has no other notion of where it is: told that it stands elsewhere, it stands there.
    fn localise(&mut self, now_ms: u64, id: &str, pose: Pose) -> Result<(), String> {
        self.advance(now_ms);
        if self.is_driving() || !self.legs.is_empty() {
            return Err("it has a way to go; cancel its order first".to_owned());
        }
        self.pose = Pose { theta_rad: wrap(pose.theta_rad), ..pose };
        (self.offset_m, self.arrived, self.lost) = (0.0, false, false);
        self.news.push_back(Progress::Done(id.to_owned(), Ok(String::new())));
        Ok(())
    }

    fn change_map(&mut self, now_ms: u64, id: &str, change: MapChange) -> Result<(), String> {
        match change.step {
            MapStep::Download { link, .. } if is_nowhere(&link) => {
                return Err(format!("nothing is to be had from {link}"));
            }
            MapStep::Download { .. } => {
                self.begin(now_ms, Action::new("downloadMap", id, BlockingType::None));
            }
            MapStep::Enable | MapStep::Delete => {
                self.advance(now_ms);
                self.news.push_back(Progress::Done(id.to_owned(), Ok(String::new())));
            }
        }
        Ok(())
    }

    fn interrupt(&mut self, now_ms: u64, id: &str) {
        self.advance(now_ms);
        self.tasks.retain(|running| running.action.action_id != id);
    }

    fn advance(&mut self, now_ms: u64) {
        while let Some(at) = self.next_timeout().filter(|at| *at <= now_ms) {
            self.step(at.max(self.now_ms));
        }
        if now_ms > self.now_ms {
            self.battery.advance(now_ms - self.now_ms);
            self.now_ms = now_ms;
        }
    }

    fn next_timeout(&self) -> Option<u64> {
        let task = self.tasks.iter().map(|running| running.done_ms).min();
        let empty = self.battery.empty_in_ms().map(|ms| self.now_ms + ms);
        [self.motion_ms(), task, empty].into_iter().flatten().min()
    }

    fn slows_at(&self) -> Option<u64> {
        let Motion::Rolling { profile, start_ms, .. } = &self.motion else { return None };
        let to_the_end = !self.is_stopped() && self.stretch() == self.legs.len();
        to_the_end.then(|| start_ms + millis(profile.last_braking_t()))
    }

    fn poll(&mut self) -> Option<Progress> {
        self.news.pop_front()
    }

    fn is_driving(&self) -> bool {
        !matches!(self.motion, Motion::Standing)
    }

    fn status(&self) -> Status {
        let (along, speed) = self.along();
        let mut pose = self.pose.clone();
        pose.theta_rad = self.theta();
        if let (Motion::Rolling { .. }, Some(leg)) = (&self.motion, self.legs.front()) {
            let (place, theta) = leg.at(along);
            (pose.x_m, pose.y_m) = place;
            pose.theta_rad = theta.unwrap_or(pose.theta_rad);
        }
        let omega = match self.motion {
            Motion::Turning { from, to, .. } => self.turn_rate() * wrap(to - from).signum(),
            Motion::Standing | Motion::Rolling { .. } => 0.0,
        };
        let faults =
            [(self.empty, Fault::BatteryEmpty), (self.broken, Fault::Breakdown), (self.lost, Fault::OffPath)];
        Status {
            pose,
            driving: self.is_driving(),
            speed_m_s: speed,
            omega_rad_s: omega,
            since_waypoint_m: along.max(0.0),
            charge_pct: self.battery.charge_pct(),
            charging: self.battery.charging,
            faults: faults.into_iter().filter_map(|(is, fault)| is.then_some(fault)).collect(),
        }
    }
}

/// The spans without what is driven of the first.
fn shortened(mut spans: Vec<Span>, offset_m: f64) -> Vec<Span> {
    if let Some(first) = spans.first_mut() {
        first.length_m = (first.length_m - offset_m).max(0.0);
    }
    spans
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

/// The first whole millisecond at which it has happened.
fn millis(s: f64) -> u64 {
    (s * 1_000.0 - 1e-6).ceil().max(0.0) as u64
}

/// Of all hosts those of the top-level domain `invalid` are certain not to be there (RFC 2606).
fn is_nowhere(link: &str) -> bool {
    let host = link.split_once("://").map_or(link, |(_, rest)| rest).split(['/', ':', '?']).next();
    host.is_some_and(|host| host.ends_with(".invalid"))
}
