//! What a robot is doing, in one word, as the controller itself sees it.

use drover_core::event::Connection;
use drover_core::robot::{Cause, ChargePhase, Phase, Robot, Task};
use drover_core::{Fleet, RobotId};

/// One word for what a robot does. The order is that of the report's legend and of its packed spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Nothing to do.
    Idle,
    /// On its way to a parking place.
    ToPark,
    /// On its way to the first station of its job.
    ToPick,
    /// On its way to a later station of its job.
    ToDrop,
    /// Its station or its turn isn't free yet.
    WaitTurn,
    /// Another robot is in its way, or goes first.
    WaitRobot,
    /// A device isn't open.
    WaitDevice,
    /// A zone is stopped.
    WaitZone,
    /// The plan has no step for it now.
    WaitPlan,
    /// Its last message hasn't been answered.
    WaitAnswer,
    /// It works at a station.
    Act,
    /// A person has to confirm.
    Confirm,
    /// On its way to a charger.
    ToCharge,
    /// At a charger.
    Charge,
    /// Told to stand.
    Paused,
    /// It can't go on by itself.
    Faulted,
    /// A person drives it.
    Manual,
    /// It isn't heard.
    Lost,
    /// It hasn't joined yet.
    Absent,
    /// Nobody leads the site: it drives on as far as it was told.
    Unled,
}

impl Kind {
    /// All kinds, each at its own number.
    pub const ALL: [Kind; 20] = [
        Kind::Idle,
        Kind::ToPark,
        Kind::ToPick,
        Kind::ToDrop,
        Kind::WaitTurn,
        Kind::WaitRobot,
        Kind::WaitDevice,
        Kind::WaitZone,
        Kind::WaitPlan,
        Kind::WaitAnswer,
        Kind::Act,
        Kind::Confirm,
        Kind::ToCharge,
        Kind::Charge,
        Kind::Paused,
        Kind::Faulted,
        Kind::Manual,
        Kind::Lost,
        Kind::Absent,
        Kind::Unled,
    ];

    /// Its name in data.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Idle => "idle",
            Kind::ToPark => "to_park",
            Kind::ToPick => "to_pick",
            Kind::ToDrop => "to_drop",
            Kind::WaitTurn => "wait_turn",
            Kind::WaitRobot => "wait_robot",
            Kind::WaitDevice => "wait_device",
            Kind::WaitZone => "wait_zone",
            Kind::WaitPlan => "wait_plan",
            Kind::WaitAnswer => "wait_answer",
            Kind::Act => "act",
            Kind::Confirm => "confirm",
            Kind::ToCharge => "to_charge",
            Kind::Charge => "charge",
            Kind::Paused => "paused",
            Kind::Faulted => "faulted",
            Kind::Manual => "manual",
            Kind::Lost => "lost",
            Kind::Absent => "absent",
            Kind::Unled => "unled",
        }
    }

    /// Its place among the states of the stacked series: driving, waiting, working, charging, idle, out.
    pub fn state(self) -> usize {
        match self {
            Kind::ToPick | Kind::ToDrop | Kind::ToPark | Kind::ToCharge => 0,
            Kind::WaitTurn
            | Kind::WaitRobot
            | Kind::WaitDevice
            | Kind::WaitZone
            | Kind::WaitPlan
            | Kind::WaitAnswer => 1,
            Kind::Act | Kind::Confirm => 2,
            Kind::Charge => 3,
            Kind::Idle => 4,
            Kind::Paused | Kind::Faulted | Kind::Manual | Kind::Lost | Kind::Absent | Kind::Unled => 5,
        }
    }

    /// It stands, though it has somewhere to go.
    pub fn waits(self) -> bool {
        self.state() == 1
    }
}

/// What a robot does, and whom or what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// What.
    pub kind: Kind,
    /// The robot (by place in the scenario), the device or the zone it waits for.
    pub with: Option<u32>,
}

/// What this robot does. `place` gives a robot's place in the scenario.
pub fn of(fleet: &Fleet, robot: &Robot, place: impl Fn(RobotId) -> Option<usize>) -> Activity {
    let plain = |kind| Activity { kind, with: None };
    if let Some(kind) = out(robot) {
        return plain(kind);
    }
    let going = match &robot.task {
        Task::Idle => Kind::ToPark,
        Task::Charge { phase: ChargePhase::Drive } => Kind::ToCharge,
        Task::Charge { .. } => return plain(Kind::Charge),
        Task::Job { phase, .. } | Task::Return { phase, .. } => match phase {
            Phase::Act { .. } | Phase::Dwell { .. } => return plain(Kind::Act),
            Phase::Confirm => return plain(Kind::Confirm),
            Phase::Stand => return plain(Kind::WaitTurn),
            Phase::Wait | Phase::Drive => {
                let job = robot.job().and_then(|job| fleet.job(job));
                if job.is_some_and(|job| job.legs_done == 0) { Kind::ToPick } else { Kind::ToDrop }
            }
        },
    };
    if robot.is_driving {
        return plain(going);
    }
    match robot.waits_for.filter(|_| !robot.is_at_goal()) {
        Some(cause) => waiting(cause, place),
        None if robot.task == Task::Idle => plain(Kind::Idle),
        None if robot.is_at_goal() || robot.goal.is_none() => plain(Kind::WaitTurn),
        None => plain(going),
    }
}

/// Why the controller doesn't drive it, if it doesn't.
fn out(robot: &Robot) -> Option<Kind> {
    if robot.connection.is_none() || robot.trail.steps.is_empty() {
        Some(Kind::Absent)
    } else if robot.connection != Some(Connection::Online) || robot.is_silent {
        Some(Kind::Lost)
    } else if !robot.mode.takes_orders() {
        Some(Kind::Manual)
    } else if robot.is_faulted || robot.is_off_path || robot.is_refusing() {
        Some(Kind::Faulted)
    } else if robot.hold.is_on() {
        Some(Kind::Paused)
    } else {
        None
    }
}

fn waiting(cause: Cause, place: impl Fn(RobotId) -> Option<usize>) -> Activity {
    let (kind, with) = match cause {
        Cause::Robot(other) => (Kind::WaitRobot, place(other).map(|place| place as u32)),
        Cause::Device(device) => (Kind::WaitDevice, Some(u32::from(device.0))),
        Cause::Zone(zone) => (Kind::WaitZone, Some(zone.index() as u32)),
        Cause::Plan => (Kind::WaitPlan, None),
        Cause::Answer => (Kind::WaitAnswer, None),
    };
    Activity { kind, with }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_stands_at_its_own_number() {
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number, "{}", kind.as_str());
        }
    }
}
