//! The seam for a robot maker's driver: how a machine is moved, whatever protocol it speaks.
//!
//! The protocol machine hands over waypoints only as far as the robot may go without stopping, and appends. A drive has
//! one duty above all: it comes to rest at the last waypoint it was given. It never sees orders, horizons or updates.

use crate::spec::Pose;
use drover_proto::vda5050::Action;

/// The next place to go and the way there, from the waypoint before (the first: from where the robot stands).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waypoint {
    /// The node's `sequenceId`; rises along the way, comes back in [`Progress::Reached`].
    pub seq: u64,
    /// The node's name.
    pub node_id: String,
    /// Map of the coordinates.
    pub map_id: String,
    /// Metres.
    pub x_m: f64,
    /// Metres.
    pub y_m: f64,
    /// Points of a curved way before the waypoint itself, metres; empty: straight.
    pub via_m: Vec<(f64, f64)>,
    /// The edge's `maxSpeed`, metres per second.
    pub max_speed_m_s: Option<f64>,
    /// How the robot points while it drives there.
    pub facing: Facing,
    /// The robot stops there and turns to this direction before the waypoint counts as reached, radians.
    pub theta_rad: Option<f64>,
}

/// How a robot points on its way, radians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Facing {
    /// Relative to the way: 0 forwards, pi backwards.
    Tangential(f64),
    /// On the map.
    Global(f64),
}

impl Default for Facing {
    fn default() -> Self {
        Self::Tangential(0.0)
    }
}

/// News from the machine, each told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The waypoint with this `seq` was passed, or the robot has come to rest on it.
    Reached(u64),
    /// The action with this id ended: with what it says, or with why it failed.
    Done(String, Result<String, String>),
}

/// What stops a robot and needs help; shown as a FATAL error in its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The battery is empty.
    BatteryEmpty,
    /// The machine doesn't move.
    Breakdown,
    /// The robot isn't on its way any more.
    OffPath,
}

impl Fault {
    /// The `errorType` on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::BatteryEmpty => "batteryEmpty",
            Self::Breakdown => "breakdown",
            Self::OffPath => "offPath",
        }
    }
}

/// The machine now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Where it is.
    pub pose: Pose,
    /// Driving or turning.
    pub driving: bool,
    /// Forward speed, metres per second.
    pub speed_m_s: f64,
    /// Turning rate, radians per second.
    pub omega_rad_s: f64,
    /// Metres driven since the last waypoint.
    pub since_waypoint_m: f64,
    /// State of charge, percent.
    pub charge_pct: f64,
    /// Energy flows in.
    pub charging: bool,
    /// What keeps it from moving.
    pub faults: Vec<Fault>,
}

/// What a machine can do beyond driving; its factsheet lists the actions that go with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// It can be told where it stands: [`Drive::localise`], the action `initPosition`.
    pub localises: bool,
    /// It stores maps that are sent to it: [`Drive::change_map`], the actions `downloadMap`, `enableMap`, `deleteMap`.
    pub stores_maps: bool,
}

/// What is to be done with a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapChange {
    /// Which map.
    pub map_id: String,
    /// Which version of it.
    pub map_version: String,
    /// What with it.
    pub step: MapStep,
}

/// One step in a map's life on the robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapStep {
    /// Fetch and store it; it isn't used yet.
    Download {
        /// Where it is.
        link: String,
        /// What its bytes hash to, if the fleet says.
        hash: Option<String>,
    },
    /// Use this version in the place of any other of the same map.
    Enable,
    /// Forget it.
    Delete,
}

/// A machine that can be moved. Times are milliseconds and never fall; nothing here waits.
pub trait Drive {
    /// Appends to the way. The robot goes at once, and comes to rest at the last waypoint given so far; what comes in time
    /// is driven through without slowing.
    fn extend(&mut self, now_ms: u64, waypoints: Vec<Waypoint>);

    /// Gives up the way beyond the first waypoint at which the robot can come to rest (none if it stands on one), and says
    /// how many waypoints are left to reach.
    fn cut(&mut self, now_ms: u64) -> usize;

    /// Stops on the spot as soon as possible, or goes on.
    fn hold(&mut self, now_ms: u64, held: bool);

    /// Gives up the way where the robot is: stops as soon as possible and forgets every waypoint.
    fn abandon(&mut self, now_ms: u64);

    /// Begins an action, in addition to those that run.
    fn begin(&mut self, now_ms: u64, action: Action);

    /// What else it can do; what isn't named here is never asked for.
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    /// Is told that it stands here. The answer is whether it takes that up; when it knows where it is, or gives up, it says
    /// [`Progress::Done`] with this id.
    ///
    /// # Errors
    /// Why it doesn't, in words for the fleet.
    fn localise(&mut self, now_ms: u64, id: &str, pose: Pose) -> Result<(), String> {
        let _ = (now_ms, id, pose);
        Err("this machine can't be told where it is".to_owned())
    }

    /// Stores, uses or forgets a map. The answer is whether it takes that up; the end is [`Progress::Done`] with this id.
    /// Which maps there are, and that one version of each is in use, is the caller's to know.
    ///
    /// # Errors
    /// Why it doesn't, in words for the fleet.
    fn change_map(&mut self, now_ms: u64, id: &str, change: MapChange) -> Result<(), String> {
        let _ = (now_ms, id, change);
        Err("this machine stores no maps".to_owned())
    }

    /// Ends an action early; there will be no [`Progress::Done`] for it.
    fn interrupt(&mut self, now_ms: u64, id: &str);

    /// Time passes. Called at each [`Drive::next_timeout`], and whenever news may have come in.
    fn advance(&mut self, now_ms: u64);

    /// When something will happen by itself, if no call comes before. Later than the last `advance`.
    fn next_timeout(&self) -> Option<u64>;

    /// When the robot will begin to slow for the end of its way, if it knows.
    fn slows_at(&self) -> Option<u64> {
        None
    }

    /// The next piece of news, in the order it happened.
    fn poll(&mut self) -> Option<Progress>;

    /// Driving or turning.
    fn is_driving(&self) -> bool {
        self.status().driving
    }

    /// The machine at the time of the last call.
    fn status(&self) -> Status;
}

impl<D: Drive + ?Sized> Drive for Box<D> {
    fn extend(&mut self, now_ms: u64, waypoints: Vec<Waypoint>) {
        (**self).extend(now_ms, waypoints);
    }

    fn cut(&mut self, now_ms: u64) -> usize {
        (**self).cut(now_ms)
    }

    fn hold(&mut self, now_ms: u64, held: bool) {
        (**self).hold(now_ms, held);
    }

    fn abandon(&mut self, now_ms: u64) {
        (**self).abandon(now_ms);
    }

    fn begin(&mut self, now_ms: u64, action: Action) {
        (**self).begin(now_ms, action);
    }

    fn abilities(&self) -> Abilities {
        (**self).abilities()
    }

    fn localise(&mut self, now_ms: u64, id: &str, pose: Pose) -> Result<(), String> {
        (**self).localise(now_ms, id, pose)
    }

    fn change_map(&mut self, now_ms: u64, id: &str, change: MapChange) -> Result<(), String> {
        (**self).change_map(now_ms, id, change)
    }

    fn interrupt(&mut self, now_ms: u64, id: &str) {
        (**self).interrupt(now_ms, id);
    }

    fn advance(&mut self, now_ms: u64) {
        (**self).advance(now_ms);
    }

    fn next_timeout(&self) -> Option<u64> {
        (**self).next_timeout()
    }

    fn slows_at(&self) -> Option<u64> {
        (**self).slows_at()
    }

    fn poll(&mut self) -> Option<Progress> {
        (**self).poll()
    }

    fn is_driving(&self) -> bool {
        (**self).is_driving()
    }

    fn status(&self) -> Status {
        (**self).status()
    }
}
