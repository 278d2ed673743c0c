//! A robot as people see it: what it says of itself, what it was told, and what it waits for by name.

use drover_core::event::{Connection, Mode};
use drover_core::link::Seen;
use drover_core::robot::{Cause, ChargePhase, Phase, Robot, Task};
use drover_core::{Fleet, RobotName, Site};
use drover_maps::Layout;
use serde::{Deserialize, Serialize};

use super::StopView;

/// A robot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobotView {
    /// Its VDA 5050 identity.
    pub name: RobotName,
    /// Its type on the layout.
    pub robot_type: String,
    /// What it is about, in a word.
    pub status: RobotStatus,
    /// Who drives it.
    pub mode: ModeView,
    /// It gets jobs.
    pub is_utilized: bool,
    /// The broker says that it is there, and it isn't silent.
    pub is_online: bool,
    /// Where it stands by its own word.
    pub pose: Option<PoseView>,
    /// Last node it reported; empty = none yet.
    pub last_node: String,
    /// Nodes released to it and still ahead.
    pub base: Vec<String>,
    /// Nodes only planned.
    pub horizon: Vec<String>,
    /// None = it hasn't said.
    pub battery: Option<BatteryView>,
    /// None = it doesn't say.
    pub loads: Option<Vec<LoadView>>,
    /// Its job; empty = none.
    pub job_id: String,
    /// Where in its job it is.
    pub phase: Option<super::TaskPhase>,
    /// What it complains of.
    pub errors: Vec<ErrorView>,
    /// What that means for it; none = it hasn't been heard.
    #[serde(default)]
    pub condition: Option<ConditionView>,
    /// What its next step waits for.
    pub waits_for: Option<Wait>,
    /// The operator's pause, if one holds it.
    pub paused: Option<StopView>,
    /// When its last state came.
    pub last_state_at_ms: Option<u64>,
    /// How fast it drives.
    pub speed_mm_s: u32,
    /// What its type can do.
    pub capabilities: Vec<String>,
}

/// What a robot is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RobotStatus {
    /// The broker says that it isn't there.
    Offline,
    /// Nothing to do.
    Idle,
    /// Under way.
    Driving,
    /// Its next step waits for something: see `waits_for`.
    Waiting,
    /// Works, or stands for a person, at a station.
    Acting,
    /// Charges.
    Charging,
    /// Stands because it was told to, by us or at its panel.
    Paused,
    /// Silent or off its path; keeps what it holds.
    Lost,
    /// Can't go on by itself.
    Error,
    /// A person or another system drives it.
    NotOurs,
}

/// What its own errors say of a robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionView {
    /// It complains of nothing.
    Good,
    /// It complains, and can go on.
    CanGoOn,
    /// It stands until a person has helped it; then it can be resumed.
    NeedsHelp,
    /// It needed help, and doesn't answer any more.
    Dead,
}

/// VDA 5050 `operatingMode`, as far as we tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModeView {
    /// We drive it.
    Automatic,
    /// It drives by itself, speed by a person.
    Semiautomatic,
    /// A person drives it.
    Manual,
    /// Service, teach-in or a mode we don't know.
    Service,
}

/// A pose on the layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoseView {
    /// The map.
    pub map: String,
    /// East, mm.
    pub x_mm: i64,
    /// North, mm.
    pub y_mm: i64,
    /// Counter-clockwise from east, mdeg.
    pub theta_mdeg: i32,
}

/// A battery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatteryView {
    /// State of charge, per mille.
    pub charge_permille: u16,
    /// It is charging.
    pub is_charging: bool,
}

/// A load aboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadView {
    /// Its name.
    pub id: String,
    /// Its kind; empty = not said.
    pub load_type: String,
}

/// VDA 5050 `errors[]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorView {
    /// VDA 5050 `errorType`.
    pub error_type: String,
    /// The robot needs a person.
    pub is_fatal: bool,
    /// VDA 5050 `errorDescription`.
    pub description: String,
}

/// What a robot's next step waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// The plan has no next step for it.
    Plan,
    /// Its own state that shows the last message.
    Answer,
    /// This robot holds the place, or has to pass first.
    Robot(RobotName),
    /// This device isn't observed open.
    Device(String),
    /// An operator stopped this zone.
    Zone(String),
}

impl Wait {
    /// Who or what, for people: `acme/r07`, a device's id, a zone's id; none when it is nobody's doing.
    pub fn name(&self) -> Option<String> {
        match self {
            Wait::Plan | Wait::Answer => None,
            Wait::Robot(robot) => Some(robot.to_string()),
            Wait::Device(name) | Wait::Zone(name) => Some(name.clone()),
        }
    }
}

impl RobotView {
    /// The robot at this place of `Fleet::robots`.
    pub(super) fn of(site: &Site, index: usize) -> RobotView {
        let fleet = site.fleet();
        let (robot, layout) = (&fleet.robots()[index], fleet.layout());
        let nothing = Seen::default();
        let heard = site.seen(drover_core::RobotId(index as u32));
        let seen = heard.unwrap_or(&nothing);
        let robot_type = layout.robot_type(robot.robot_type);
        let name = |node: drover_maps::NodeId| layout.node(node).name.clone();
        RobotView {
            name: robot.name.clone(),
            robot_type: robot_type.name.clone(),
            status: status(robot),
            mode: mode(robot.mode),
            is_utilized: robot.mode.takes_orders(),
            is_online: is_online(robot),
            pose: pose(seen, robot, layout),
            last_node: robot.trail.last_node().map(name).unwrap_or_default(),
            base: robot.trail.steps.iter().skip(1).map(|step| name(step.node)).collect(),
            horizon: robot.claims.iter().map(|claim| name(claim.node)).collect(),
            battery: robot
                .charge_permille
                .map(|charge_permille| BatteryView { charge_permille, is_charging: robot.is_charging }),
            loads: loads(seen, robot),
            job_id: robot.job().map(|job| job.0.clone()).unwrap_or_default(),
            phase: super::TaskPhase::of(&robot.task),
            errors: errors(seen),
            condition: condition(seen, robot),
            waits_for: robot.waits_for.map(|cause| wait(cause, fleet)),
            paused: robot.hold.by_operator.as_ref().map(StopView::of),
            last_state_at_ms: heard.map(|seen| seen.at.0),
            speed_mm_s: seen.speed_mm_s,
            capabilities: robot_type.capabilities.clone().unwrap_or_default(),
        }
    }
}

fn is_online(robot: &Robot) -> bool {
    robot.connection == Some(Connection::Online) && !robot.is_silent
}

fn status(robot: &Robot) -> RobotStatus {
    if robot.connection != Some(Connection::Online) {
        return RobotStatus::Offline;
    }
    if robot.is_silent || robot.is_off_path || robot.stands.is_some() || robot.trail.steps.is_empty() {
        return RobotStatus::Lost;
    }
    if !robot.mode.takes_orders() {
        return RobotStatus::NotOurs;
    }
    if robot.is_faulted || robot.is_refusing() {
        return RobotStatus::Error;
    }
    if robot.hold.is_on() {
        return RobotStatus::Paused;
    }
    busy(robot)
}

/// What a robot that could do anything does.
fn busy(robot: &Robot) -> RobotStatus {
    match &robot.task {
        Task::Job { phase, .. } | Task::Return { phase, .. } => match phase {
            Phase::Wait | Phase::Drive => moving(robot),
            Phase::Stand => RobotStatus::Waiting,
            Phase::Act { .. } | Phase::Confirm | Phase::Dwell { .. } => RobotStatus::Acting,
        },
        Task::Charge { phase: ChargePhase::Drive } => moving(robot),
        Task::Charge { .. } => RobotStatus::Charging,
        Task::Idle if robot.is_charging => RobotStatus::Charging,
        Task::Idle if robot.is_busy() => moving(robot),
        Task::Idle => RobotStatus::Idle,
    }
}

fn moving(robot: &Robot) -> RobotStatus {
    if robot.is_driving || !robot.trail.is_at_decision_point() {
        RobotStatus::Driving
    } else {
        RobotStatus::Waiting
    }
}

fn mode(mode: Mode) -> ModeView {
    match mode {
        Mode::Automatic => ModeView::Automatic,
        Mode::Semiautomatic => ModeView::Semiautomatic,
        Mode::Manual => ModeView::Manual,
        Mode::OutOfControl => ModeView::Service,
    }
}

/// By its own word, else the last node it reported.
fn pose(seen: &Seen, robot: &Robot, layout: &Layout) -> Option<PoseView> {
    if let Some(pose) = &seen.pose {
        let map = pose.map.clone();
        return Some(PoseView { map, x_mm: pose.x_mm, y_mm: pose.y_mm, theta_mdeg: pose.theta_mdeg });
    }
    let node = layout.node(robot.trail.last_node()?);
    Some(PoseView {
        map: node.map.clone(),
        x_mm: node.x_mm.into(),
        y_mm: node.y_mm.into(),
        theta_mdeg: robot.trail.heading_mdeg.unwrap_or_default(),
    })
}

/// By its own word, else the one it picked for its job.
fn loads(seen: &Seen, robot: &Robot) -> Option<Vec<LoadView>> {
    let load = |(id, load_type): &(String, String)| LoadView { id: id.clone(), load_type: load_type.clone() };
    let said = seen.loads.as_ref().map(|loads| loads.iter().map(load).collect());
    said.or_else(|| robot.load.as_ref().map(|id| vec![LoadView { id: id.clone(), load_type: String::new() }]))
}

/// By its last word, which a restart of ours doesn't make better: the record knows of a fault.
fn condition(seen: &Seen, robot: &Robot) -> Option<ConditionView> {
    robot.connection?;
    let is_stopped = robot.is_faulted || seen.errors.iter().any(|error| error.stops_it);
    Some(match (is_stopped, is_online(robot)) {
        (true, true) => ConditionView::NeedsHelp,
        (true, false) => ConditionView::Dead,
        (false, _) if seen.errors.is_empty() => ConditionView::Good,
        (false, _) => ConditionView::CanGoOn,
    })
}

fn errors(seen: &Seen) -> Vec<ErrorView> {
    let error = |error: &drover_core::link::RobotError| ErrorView {
        error_type: error.error_type.clone(),
        is_fatal: error.is_fatal,
        description: error.description.clone(),
    };
    seen.errors.iter().map(error).collect()
}

fn wait(cause: Cause, fleet: &Fleet) -> Wait {
    let layout = fleet.layout();
    match cause {
        Cause::Plan => Wait::Plan,
        Cause::Answer => Wait::Answer,
        Cause::Robot(robot) => Wait::Robot(fleet.robots()[robot.index()].name.clone()),
        Cause::Device(device) => Wait::Device(layout.devices()[device.index()].name.clone()),
        Cause::Zone(zone) => Wait::Zone(layout.zones()[zone.index()].name.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use drover_core::{Config, Epoch, Input, RobotMessage, Time};
    use drover_proto::vda5050::{self, Error, ErrorLevel, State};

    use super::*;

    struct Floor(Site, u32);

    impl Floor {
        fn hear(&mut self, message: RobotMessage) -> Option<ConditionView> {
            self.1 += 1;
            let name = self.0.fleet().robots()[0].name.clone();
            let now = Time(1_000 + u64::from(self.1));
            self.0.receive(now, Input::Robot { name, message }, &mut Vec::new());
            RobotView::of(&self.0, 0).condition
        }

        fn state(&mut self, level: Option<ErrorLevel>) -> Option<ConditionView> {
            let errors = level.into_iter().map(|level| Error::new("liftStuck", level)).collect();
            let mut state = State { errors, ..State::default() };
            state.header.header_id = self.1 + 1;
            self.hear(RobotMessage::State(Box::new(state)))
        }
    }

    #[test]
    fn errors_are_told_apart_by_what_they_mean_for_the_robot() {
        let layout = Arc::new(crate::demo::bundled_layout().unwrap().layout);
        let site = Site::new(layout, Config::default(), Epoch(1), Time(1_000));
        assert_eq!(RobotView::of(&site, 0).condition, None, "it hasn't been heard");
        let mut floor = Floor(site, 0);
        assert_eq!(floor.state(None), Some(ConditionView::Good));
        assert_eq!(floor.state(Some(ErrorLevel::Warning)), Some(ConditionView::CanGoOn));
        assert_eq!(floor.state(Some(ErrorLevel::Urgent)), Some(ConditionView::CanGoOn));
        assert_eq!(floor.state(Some(ErrorLevel::Critical)), Some(ConditionView::NeedsHelp));
        assert_eq!(floor.state(Some(ErrorLevel::Fatal)), Some(ConditionView::NeedsHelp));
        let gone = vda5050::Connection {
            header: vda5050::Header::default(),
            connection_state: vda5050::ConnectionState::ConnectionBroken,
        };
        assert_eq!(floor.hear(RobotMessage::Connection(gone)), Some(ConditionView::Dead));
        assert_eq!(floor.state(None), Some(ConditionView::Good), "helped, and back");
    }
}
