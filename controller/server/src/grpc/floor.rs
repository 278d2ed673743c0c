//! `FloorService`: the person at a station.

use std::sync::Arc;

use drover_core::JobId;
use drover_core::job::Short;
use drover_proto::grpc::v1;
use drover_proto::grpc::v1::floor_service_server::FloorService;
use tonic::{Request, Response, Status};

use super::desk::{Desk, caller};
use super::jobs::{load_message, temperature};
use super::{Answer, Updates, ms, robot_id};
use crate::inbox;
use crate::view::{StationView, TaskPhase, TaskView, View};

/// Most that anybody counts.
const QUANTITY_MAX: f64 = 1e9;

pub(super) struct Floor(pub(super) Desk);

#[tonic::async_trait]
impl FloorService for Floor {
    type NextStream = Updates<v1::StationView>;

    async fn next(&self, request: Request<v1::NextRequest>) -> Answer<Self::NextStream> {
        let station = request.into_inner().station;
        let Some(place) = self.0.layout(&self.0.now()).station_named(&station) else {
            return Err(Status::not_found(format!("no station \"{station}\" on the layout")));
        };
        let mut sent: Option<Arc<StationView>> = None;
        let mut version = 0;
        Ok(Response::new(self.0.follow(move |view| {
            let Some(queue) = view.stations.get(place.index()) else { return Ok(Vec::new()) };
            let is_same = |sent: &Arc<StationView>| Arc::ptr_eq(sent, queue) || **sent == **queue;
            if sent.as_ref().is_some_and(is_same) {
                return Ok(Vec::new());
            }
            sent = Some(Arc::clone(queue));
            version += 1;
            Ok(vec![station_message(queue, version, view)])
        })))
    }

    async fn confirm(&self, request: Request<v1::ConfirmRequest>) -> Answer<v1::ConfirmResponse> {
        let message = request.get_ref();
        let by = caller(&request, &message.idempotency_key, "")?;
        let (job, leg) = task(&message.task_id)?;
        let confirm = inbox::Request::Confirm { job, leg, by };
        let receipt = self.0.change(confirm).await?;
        Ok(Response::new(v1::ConfirmResponse { receipt: Some(receipt) }))
    }

    async fn short_pick(&self, request: Request<v1::ShortPickRequest>) -> Answer<v1::ShortPickResponse> {
        let message = request.get_ref();
        let by = caller(&request, &message.idempotency_key, &message.reason)?;
        let (job, leg) = task(&message.task_id)?;
        let (line, quantity_milli) = (message.line, quantity_milli(message.quantity)?);
        let short = Short { leg, line, quantity_milli, reason: message.reason.clone() };
        let receipt = self.0.change(inbox::Request::ShortPick { job, short, by }).await?;
        Ok(Response::new(v1::ShortPickResponse { receipt: Some(receipt) }))
    }
}

/// The job and the leg that a task's id names.
fn task(id: &str) -> Result<(JobId, usize), Status> {
    let named = id.rsplit_once('/').and_then(|(job, leg)| Some((JobId(job.to_owned()), leg.parse().ok()?)));
    named.ok_or_else(|| Status::invalid_argument("`task_id` isn't <job_id>/<leg>, e.g. J-000123/0"))
}

fn quantity_milli(quantity: f64) -> Result<u64, Status> {
    if !(0.0..=QUANTITY_MAX).contains(&quantity) {
        let text = format!("`quantity` is {quantity}: say what was really there, 0 to {QUANTITY_MAX}");
        return Err(Status::invalid_argument(text));
    }
    Ok((quantity * 1_000.0).round() as u64)
}

fn station_message(queue: &StationView, version: u64, view: &View) -> v1::StationView {
    let mut tasks = queue.serving.iter().chain(&queue.coming).chain(&queue.next);
    let task = |task: &TaskView| task_message(task, view);
    let now = if queue.serving.is_empty() { None } else { tasks.next().map(task) };
    let next = tasks.map(task).collect();
    v1::StationView { station: queue.id.clone(), version, now, next, notice: String::new() }
}

fn task_message(task: &TaskView, view: &View) -> v1::Task {
    let job = view.job(&task.job_id);
    let leg = job.and_then(|job| job.legs.get(task.leg as usize));
    v1::Task {
        task_id: format!("{}/{}", task.job_id, task.leg),
        job_id: task.job_id.clone(),
        leg: task.leg,
        state: state(task.phase).into(),
        robot: task.robot.as_ref().map(robot_id),
        action: leg.map(|leg| leg.action.clone()).unwrap_or_default(),
        load: leg.and_then(load_message),
        lines: Vec::new(),
        eta_ms: None,
        due_at_ms: job.and_then(|job| job.due_at_ms).map(ms),
        temperature: temperature(job.and_then(|job| job.temperature)).into(),
        order_id: job.map(|job| job.order_id.clone()).unwrap_or_default(),
        sequence: job.map(|job| job.sequence.clone()).unwrap_or_default(),
    }
}

fn state(phase: Option<TaskPhase>) -> v1::TaskState {
    match phase {
        None | Some(TaskPhase::Waiting | TaskPhase::Driving) => v1::TaskState::Coming,
        Some(TaskPhase::Standing | TaskPhase::Acting | TaskPhase::Confirming) => v1::TaskState::Ready,
        Some(TaskPhase::Dwelling) => v1::TaskState::Confirmed,
    }
}
