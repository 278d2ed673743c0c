//! `FleetService`: the robots, and what an operator may ask of them.

use std::sync::Arc;

use drover_core::{Fleet, RobotName, Wish};
use drover_proto::grpc::v1;
use drover_proto::grpc::v1::fleet_service_server::FleetService;
use tonic::{Request, Response, Status};

use super::desk::{Desk, caller};
use super::{Answer, Updates, later, ms, page, robot_id, robot_name};
use crate::inbox;
use crate::view::{BatteryView, ConditionView, ModeView, PoseView, RobotStatus, RobotView, View, Wait};

/// Robots named in one request, at most.
const NAMED_MAX: usize = 1_000;

pub(super) struct Robots(pub(super) Desk);

#[tonic::async_trait]
impl FleetService for Robots {
    async fn list(&self, request: Request<v1::ListRobotsRequest>) -> Answer<v1::ListRobotsResponse> {
        let v1::ListRobotsRequest { page: wanted, statuses } = request.into_inner();
        let (size, from) = page(wanted)?;
        let from = usize::try_from(from.unwrap_or_default()).unwrap_or(usize::MAX);
        let view = self.0.view().await?;
        let is_wanted =
            |robot: &RobotView| statuses.is_empty() || statuses.contains(&i32::from(status(robot.status)));
        let mut robots = view.robots.iter().enumerate().skip(from).filter(|(_, robot)| is_wanted(robot));
        let page = robots.by_ref().take(size).map(|(_, robot)| robot_message(robot)).collect();
        let next_token = robots.next().map(|(place, _)| place.to_string()).unwrap_or_default();
        Ok(Response::new(v1::ListRobotsResponse { robots: page, next_token }))
    }

    type WatchStream = Updates<v1::RobotUpdate>;

    async fn watch(&self, request: Request<v1::WatchRobotsRequest>) -> Answer<Self::WatchStream> {
        let wanted = names(request.into_inner().robots)?;
        let mut sent: Option<Vec<Arc<RobotView>>> = None;
        Ok(Response::new(self.0.follow(move |view| {
            let is_first = sent.is_none();
            let before = sent.replace(view.robots.clone()).unwrap_or_default();
            let is_wanted = |robot: &RobotView| wanted.is_empty() || wanted.contains(&robot.name);
            let mut updates = changes(&before, &view.robots, is_wanted);
            if is_first {
                updates.push(v1::robot_update::Change::Complete(true));
            }
            Ok(updates.into_iter().map(|change| v1::RobotUpdate { change: Some(change) }).collect())
        })))
    }

    async fn pause(&self, request: Request<v1::PauseRobotsRequest>) -> Answer<v1::PauseRobotsResponse> {
        let message = request.get_ref();
        let by = caller(&request, &message.idempotency_key, &message.reason)?;
        let wish = Wish::PauseRobots(names(request.into_inner().robots)?);
        let receipt = self.0.change(inbox::Request::Wish { wish, by }).await?;
        Ok(Response::new(v1::PauseRobotsResponse { receipt: Some(receipt) }))
    }

    async fn resume(&self, request: Request<v1::ResumeRobotsRequest>) -> Answer<v1::ResumeRobotsResponse> {
        let by = caller(&request, &request.get_ref().idempotency_key, "")?;
        let wish = Wish::ResumeRobots(names(request.into_inner().robots)?);
        let receipt = self.0.change(inbox::Request::Wish { wish, by }).await?;
        Ok(Response::new(v1::ResumeRobotsResponse { receipt: Some(receipt) }))
    }

    async fn release(&self, request: Request<v1::ReleaseRobotRequest>) -> Answer<v1::ReleaseRobotResponse> {
        let message = request.get_ref();
        let by = caller(&request, &message.idempotency_key, &message.reason)?;
        let name = robot_name(releasable(message)?);
        let held = held(&self.0.now(), &name);
        let wish = Wish::ReleaseRobots(vec![name]);
        let (receipt, freed) =
            self.0.change_and(inbox::Request::Wish { wish, by }, move |fleet| free_of(fleet, held)).await?;
        Ok(Response::new(v1::ReleaseRobotResponse { receipt: Some(receipt), freed }))
    }

    async fn unload(&self, request: Request<v1::UnloadRobotRequest>) -> Answer<v1::UnloadRobotResponse> {
        let message = request.get_ref();
        let by = caller(&request, &message.idempotency_key, &message.reason)?;
        let Some(robot) = message.robot.clone() else {
            return Err(Status::invalid_argument("`robot` is missing: name the one that was unloaded"));
        };
        let wish = Wish::UnloadRobots(vec![robot_name(robot)]);
        let receipt = self.0.change(inbox::Request::Wish { wish, by }).await?;
        Ok(Response::new(v1::UnloadRobotResponse { receipt: Some(receipt) }))
    }

    async fn send(&self, _: Request<v1::SendRobotRequest>) -> Answer<v1::SendRobotResponse> {
        Err(later("FleetService.Send", "until then submit a job with one leg to the station"))
    }
}

/// The robot, if somebody says that it is off the floor, and why.
fn releasable(message: &v1::ReleaseRobotRequest) -> Result<v1::RobotId, Status> {
    let Some(robot) = message.robot.clone() else {
        return Err(Status::invalid_argument("`robot` is missing: name the one that was taken away"));
    };
    if message.reason.trim().is_empty() {
        return Err(Status::invalid_argument("`reason` is empty: say why, it is kept in the audit"));
    }
    if !message.floor_is_clear {
        let text =
            "`floor_is_clear` is false: look at the floor, and set it when the robot is off the layout";
        return Err(Status::failed_precondition(text));
    }
    Ok(robot)
}

/// Nodes that the robot holds, as last seen.
fn held(view: &View, name: &RobotName) -> Vec<String> {
    let robot = view.robots.iter().find(|robot| robot.name == *name);
    let nodes = robot.into_iter().flat_map(|robot| [&robot.last_node].into_iter().chain(&robot.base));
    nodes.filter(|node| !node.is_empty()).cloned().collect()
}

/// Those of the nodes that nobody holds.
fn free_of(fleet: &Fleet, nodes: Vec<String>) -> Vec<String> {
    let is_free = |name: &String| {
        fleet.layout().node_named(name).is_some_and(|node| fleet.reservations().node(node).is_none())
    };
    nodes.into_iter().filter(is_free).collect()
}

fn names(robots: Vec<v1::RobotId>) -> Result<Vec<RobotName>, Status> {
    if robots.len() > NAMED_MAX {
        let text = format!("`robots` has more than {NAMED_MAX} names; leave it empty for all");
        return Err(Status::invalid_argument(text));
    }
    Ok(robots.into_iter().map(robot_name).collect())
}

/// What differs between two lists of robots; a robot keeps its place in the list.
fn changes(
    before: &[Arc<RobotView>],
    now: &[Arc<RobotView>],
    is_wanted: impl Fn(&RobotView) -> bool,
) -> Vec<v1::robot_update::Change> {
    use v1::robot_update::Change;
    let mut changes = Vec::new();
    for (place, robot) in now.iter().enumerate() {
        match before.get(place) {
            Some(known) if Arc::ptr_eq(known, robot) || **known == **robot => continue,
            Some(known) if known.name != robot.name && is_wanted(known) => {
                changes.push(Change::Removed(robot_id(&known.name)));
            }
            Some(_) | None => {}
        }
        if is_wanted(robot) {
            changes.push(Change::Robot(robot_message(robot)));
        }
    }
    let gone = before.iter().skip(now.len()).filter(|robot| is_wanted(robot));
    changes.extend(gone.map(|robot| Change::Removed(robot_id(&robot.name))));
    changes
}

fn robot_message(robot: &RobotView) -> v1::Robot {
    let load = |load: &crate::view::LoadView| v1::CarriedLoad {
        id: load.id.clone(),
        r#type: load.load_type.clone(),
        position: String::new(),
    };
    let error = |error: &crate::view::ErrorView| v1::RobotError {
        r#type: error.error_type.clone(),
        fatal: error.is_fatal,
        description: error.description.clone(),
        ..v1::RobotError::default()
    };
    let integration = if robot.is_utilized { v1::Integration::Utilized } else { v1::Integration::Respected };
    v1::Robot {
        id: Some(robot_id(&robot.name)),
        robot_type: robot.robot_type.clone(),
        status: status(robot.status).into(),
        mode: mode(robot.mode).into(),
        integration: integration.into(),
        online: robot.is_online,
        pose: robot.pose.as_ref().map(pose),
        last_node: robot.last_node.clone(),
        base: robot.base.clone(),
        horizon: robot.horizon.clone(),
        battery: robot.battery.as_ref().map(battery),
        loads: robot.loads.iter().flatten().map(load).collect(),
        loads_known: robot.loads.is_some(),
        job_id: robot.job_id.clone(),
        errors: robot.errors.iter().map(error).collect(),
        waits_for: robot.waits_for.as_ref().and_then(Wait::name).into_iter().collect(),
        last_state_at_ms: robot.last_state_at_ms.map(ms),
        speed_mm_s: robot.speed_mm_s,
        capabilities: robot.capabilities.clone(),
        paused_by: robot.paused.as_ref().map(|stop| stop.by.clone()).unwrap_or_default(),
        paused_at_ms: robot.paused.as_ref().map(|stop| ms(stop.at_ms)),
        condition: robot.condition.map_or(v1::RobotCondition::Unspecified, condition).into(),
    }
}

fn pose(pose: &PoseView) -> v1::Pose {
    v1::Pose { map: pose.map.clone(), x_mm: pose.x_mm, y_mm: pose.y_mm, theta_mdeg: pose.theta_mdeg }
}

fn battery(battery: &BatteryView) -> v1::Battery {
    v1::Battery {
        charge_percent: f64::from(battery.charge_permille) / 10.0,
        charging: battery.is_charging,
        ..v1::Battery::default()
    }
}

fn status(status: RobotStatus) -> v1::RobotStatus {
    match status {
        RobotStatus::Offline => v1::RobotStatus::Offline,
        RobotStatus::Idle => v1::RobotStatus::Idle,
        RobotStatus::Driving => v1::RobotStatus::Driving,
        RobotStatus::Waiting => v1::RobotStatus::Waiting,
        RobotStatus::Acting => v1::RobotStatus::Acting,
        RobotStatus::Charging => v1::RobotStatus::Charging,
        RobotStatus::Paused => v1::RobotStatus::Paused,
        RobotStatus::Lost => v1::RobotStatus::Lost,
        RobotStatus::Error => v1::RobotStatus::Error,
        RobotStatus::NotOurs => v1::RobotStatus::NotOurs,
    }
}

fn condition(condition: ConditionView) -> v1::RobotCondition {
    match condition {
        ConditionView::Good => v1::RobotCondition::Good,
        ConditionView::CanGoOn => v1::RobotCondition::CanGoOn,
        ConditionView::NeedsHelp => v1::RobotCondition::NeedsHelp,
        ConditionView::Dead => v1::RobotCondition::Dead,
    }
}

fn mode(mode: ModeView) -> v1::Mode {
    match mode {
        ModeView::Automatic => v1::Mode::Automatic,
        ModeView::Semiautomatic => v1::Mode::Semiautomatic,
        ModeView::Manual => v1::Mode::Manual,
        ModeView::Service => v1::Mode::Service,
    }
}
