//! gRPC: jobs and the person at the station. A change is answered only after its commit.
//!
//! What comes in goes through the same parser as on the message queue, so that every rule is the same on every way in.

use std::pin::Pin;

use drover_core::job::{Job, JobRequest, JobState};
use drover_core::{Caller, Fleet, JobId, Verdict};
use drover_proto::grpc::v1;
use drover_proto::grpc::v1::floor_service_server::{FloorService, FloorServiceServer};
use drover_proto::grpc::v1::job_service_server::{JobService, JobServiceServer};
use serde_json::{Map, Value, json};
use tokio_stream::Stream;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::inbox::{self, Doors};
use crate::intake;

/// Jobs on one page unless asked otherwise, and at most.
const PAGE_DEFAULT: usize = 100;
const PAGE_MAX: usize = 1_000;
/// Trailer with the stable code of a refusal.
const CODE_TRAILER: &str = "drover-code";

type Answer<T> = Result<Response<T>, Status>;
type Updates<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The gRPC services; everything else of the contract is answered UNIMPLEMENTED.
pub fn routes(doors: Doors) -> axum::Router {
    let jobs = JobServiceServer::new(Jobs { doors: doors.clone() });
    let floor = FloorServiceServer::new(Floor { doors });
    Routes::new(jobs).add_service(floor).prepare().into_axum_router()
}

struct Jobs {
    doors: Doors,
}

struct Floor {
    doors: Doors,
}

#[tonic::async_trait]
impl JobService for Jobs {
    async fn submit(&self, request: Request<v1::SubmitJobRequest>) -> Answer<v1::SubmitJobResponse> {
        let request = request.into_inner();
        let job = request.job.ok_or_else(|| Status::invalid_argument("`job` is missing"))?;
        if !request.idempotency_key.is_empty() && request.idempotency_key != job.job_id {
            return Err(Status::invalid_argument(
                "`idempotency_key` must be empty or the job's own `job_id`",
            ));
        }
        let receipt = ask(&self.doors, parse(&job_json(job)?)?).await?;
        Ok(Response::new(v1::SubmitJobResponse { receipt: Some(receipt) }))
    }

    async fn cancel(&self, request: Request<v1::CancelJobRequest>) -> Answer<v1::CancelJobResponse> {
        let body = json!({ "v": 1, "cancel": request.into_inner().job_id });
        let receipt = ask(&self.doors, parse(&body)?).await?;
        Ok(Response::new(v1::CancelJobResponse { receipt: Some(receipt) }))
    }

    async fn update(&self, request: Request<v1::UpdateJobRequest>) -> Answer<v1::UpdateJobResponse> {
        let request = request.into_inner();
        let mut body = json!({ "v": 1, "update": request.job_id });
        if let Some(due_at) = request.due_at_ms {
            body["due_at"] = instant(due_at)?;
        }
        if let Some(priority) = request.priority {
            body["priority"] = priority.into();
        }
        let receipt = ask(&self.doors, parse(&body)?).await?;
        Ok(Response::new(v1::UpdateJobResponse { receipt: Some(receipt) }))
    }

    async fn get(&self, request: Request<v1::GetJobRequest>) -> Answer<v1::GetJobResponse> {
        let id = JobId(request.into_inner().job_id);
        let name = id.clone();
        let job = self.doors.ask(move |fleet, _| fleet.job(&id).map(|job| job_message(job, fleet))).await;
        match job.ok_or_else(ending)? {
            Some(job) => Ok(Response::new(v1::GetJobResponse { job: Some(job), history: Vec::new() })),
            None => Err(Status::not_found(format!("no job {name}; jobs that ended are shown for an hour"))),
        }
    }

    async fn list(&self, request: Request<v1::ListJobsRequest>) -> Answer<v1::ListJobsResponse> {
        let request = request.into_inner();
        let page = self.doors.ask(move |fleet, _| list(fleet, &request)).await.ok_or_else(ending)??;
        Ok(Response::new(page))
    }

    type WatchStream = Updates<v1::JobEvent>;

    async fn watch(&self, _: Request<v1::WatchJobsRequest>) -> Answer<Self::WatchStream> {
        Err(Status::unimplemented("JobService.Watch comes with a later version; read drover.events instead"))
    }
}

#[tonic::async_trait]
impl FloorService for Floor {
    type NextStream = Updates<v1::StationView>;

    async fn next(&self, _: Request<v1::NextRequest>) -> Answer<Self::NextStream> {
        Err(Status::unimplemented("FloorService.Next comes with a later version"))
    }

    async fn confirm(&self, request: Request<v1::ConfirmRequest>) -> Answer<v1::ConfirmResponse> {
        let request = request.into_inner();
        let task = request.task_id.rsplit_once('/').and_then(|(job, leg)| Some((job, leg.parse().ok()?)));
        let Some((job, leg)) = task else {
            return Err(Status::invalid_argument("`task_id` isn't <job_id>/<leg>, e.g. J-000123/0"));
        };
        let confirm = inbox::Request::Confirm { job: JobId(job.to_owned()), leg, by: local("") };
        let receipt = receipt(&self.doors, self.doors.submit(confirm).await).await?;
        Ok(Response::new(v1::ConfirmResponse { receipt: Some(receipt) }))
    }

    async fn short_pick(&self, _: Request<v1::ShortPickRequest>) -> Answer<v1::ShortPickResponse> {
        Err(Status::unimplemented("FloorService.ShortPick comes with a later version"))
    }
}

fn local(key: &str) -> Caller {
    Caller { name: "local".to_owned(), key: key.to_owned(), reason: String::new() }
}

fn ending() -> Status {
    Status::unavailable("the process is ending, or doesn't lead yet: try again")
}

fn parse(body: &Value) -> Result<JobRequest, Status> {
    intake::read(body.to_string().as_bytes())
        .map_err(|refused| refusal(refused.code.as_str(), &refused.reason))
}

fn refusal(code: &str, reason: &str) -> Status {
    let kind = match code {
        "JOB_ID_REUSED" => tonic::Code::AlreadyExists,
        "UNKNOWN_JOB" => tonic::Code::NotFound,
        "TOO_LATE" | "NOT_AWAITED" => tonic::Code::FailedPrecondition,
        _ => tonic::Code::InvalidArgument,
    };
    let mut status = Status::new(kind, format!("{code}: {reason}"));
    if let Ok(value) = code.parse() {
        status.metadata_mut().insert(CODE_TRAILER, value);
    }
    status
}

async fn ask(doors: &Doors, request: JobRequest) -> Result<v1::Receipt, Status> {
    receipt(doors, doors.submit(inbox::Request::Job { request, by: Some(local("")) }).await).await
}

/// The place is the journal's when the answer came: the event's own, or one a little later.
async fn receipt(doors: &Doors, verdict: Option<Verdict>) -> Result<v1::Receipt, Status> {
    let repeated = match verdict.ok_or_else(ending)? {
        Verdict::Accepted => false,
        Verdict::Ignored => true,
        Verdict::Rejected { code, reason } => return Err(refusal(code, &reason)),
    };
    let seq = doors.ask(|_, seq| seq.0).await.ok_or_else(ending)?;
    Ok(v1::Receipt { seq, repeated })
}

/// The job as it would stand on the message queue.
fn job_json(job: v1::JobSpec) -> Result<Value, Status> {
    let mut body = object(&job.extra_json, "job.extra_json")?;
    body.insert("v".into(), 1.into());
    body.insert("job_id".into(), job.job_id.into());
    put_text(&mut body, "order_id", job.order_id);
    put_text(&mut body, "sequence", job.sequence);
    put_text(&mut body, "best_before", job.best_before);
    let legs: Result<Vec<Value>, Status> = job.legs.into_iter().map(leg_json).collect();
    body.insert("legs".into(), legs?.into());
    if let Some(due_at) = job.due_at_ms {
        body.insert("due_at".into(), instant(due_at)?);
    }
    let temperature = v1::Temperature::try_from(job.temperature);
    match temperature
        .map_err(|_| Status::invalid_argument("`job.temperature` isn't one of the contract's"))?
    {
        v1::Temperature::Unspecified => {}
        v1::Temperature::Frozen => drop(body.insert("temperature".into(), "frozen".into())),
        v1::Temperature::Chilled => drop(body.insert("temperature".into(), "chilled".into())),
        v1::Temperature::Ambient => drop(body.insert("temperature".into(), "ambient".into())),
    }
    if let Some(seconds) = job.max_out_of_cold_s {
        body.insert("max_out_of_cold_s".into(), seconds.into());
    }
    if !job.requires.is_empty() {
        body.insert("requires".into(), job.requires.into());
    }
    if let Some(priority) = job.priority {
        body.insert("priority".into(), priority.into());
    }
    Ok(Value::Object(body))
}

fn leg_json(leg: v1::Leg) -> Result<Value, Status> {
    let mut body = Map::new();
    body.insert("station".into(), leg.station.into());
    put_text(&mut body, "action", leg.action);
    let parameters = object(&leg.parameters_json, "leg.parameters_json")?;
    if !parameters.is_empty() {
        body.insert("parameters".into(), parameters.into());
    }
    if let Some(load) = leg.load {
        let mut load_body = Map::from_iter([("id".to_owned(), Value::from(load.id))]);
        put_text(&mut load_body, "type", load.r#type);
        body.insert("load".into(), load_body.into());
    }
    if let Some(seconds) = leg.dwell_s {
        body.insert("dwell_s".into(), seconds.into());
    }
    if !leg.lines.is_empty() {
        body.insert("lines".into(), leg.lines.into_iter().map(line_json).collect());
    }
    Ok(body.into())
}

fn line_json(line: v1::Line) -> Value {
    let mut body = Map::from_iter([("item".to_owned(), Value::from(line.item))]);
    put_text(&mut body, "lot", line.lot);
    put_text(&mut body, "use_by", line.use_by);
    put_text(&mut body, "location", line.location);
    if let Some(quantity) = line.quantity {
        body.insert("quantity".into(), quantity.into());
    }
    body.into()
}

fn put_text(body: &mut Map<String, Value>, key: &str, text: String) {
    if !text.is_empty() {
        body.insert(key.to_owned(), text.into());
    }
}

fn object(text: &str, key: &str) -> Result<Map<String, Value>, Status> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text)
        .map_err(|error| Status::invalid_argument(format!("`{key}` isn't a JSON object: {error}")))
}

fn instant(ms: i64) -> Result<Value, Status> {
    let at = jiff::Timestamp::from_millisecond(ms);
    at.map(|at| at.to_string().into()).map_err(|_| Status::invalid_argument("`due_at_ms` is out of range"))
}

fn state_message(state: &JobState) -> v1::JobState {
    match state {
        JobState::Queued => v1::JobState::Accepted,
        JobState::Assigned(_) => v1::JobState::Assigned,
        JobState::Started(_) => v1::JobState::Started,
        JobState::Done => v1::JobState::Done,
        JobState::Failed(_) => v1::JobState::Failed,
        JobState::Cancelled => v1::JobState::Cancelled,
    }
}

fn job_message(job: &Job, fleet: &Fleet) -> v1::Job {
    let robot = job.state.robot().and_then(|robot| fleet.robots().get(robot.index()));
    let code = if let JobState::Failed(code) = &job.state { code.as_str().to_owned() } else { String::new() };
    v1::Job {
        spec: Some(spec_message(job)),
        state: state_message(&job.state).into(),
        legs_done: job.legs_done as u32,
        robot: robot.map(|robot| v1::RobotId {
            manufacturer: robot.name.manufacturer.clone(),
            serial: robot.name.serial.clone(),
        }),
        accepted_at_ms: job.accepted_at.0 as i64,
        ended_at_ms: job.ended_at.map(|at| at.0 as i64),
        code,
        ..v1::Job::default()
    }
}

fn spec_message(job: &Job) -> v1::JobSpec {
    let spec = &job.spec;
    let legs = spec.legs.iter().map(|leg| v1::Leg {
        station: leg.station.clone(),
        action: leg.action.as_ref().map(|action| action.name.clone()).unwrap_or_default(),
        load: leg
            .load
            .as_ref()
            .map(|load| v1::Load { id: load.id.clone(), r#type: load.load_type.clone().unwrap_or_default() }),
        dwell_s: (leg.dwell_ms > 0).then(|| u32::try_from(leg.dwell_ms / 1_000).unwrap_or(u32::MAX)),
        ..v1::Leg::default()
    });
    v1::JobSpec {
        job_id: spec.id.0.clone(),
        order_id: spec.order_id.clone().unwrap_or_default(),
        sequence: spec.sequence.clone().unwrap_or_default(),
        legs: legs.collect(),
        due_at_ms: spec.due_at.map(|at| at.0 as i64),
        best_before: spec.best_before.clone().unwrap_or_default(),
        max_out_of_cold_s: spec.max_out_of_cold_s,
        requires: spec.requires.clone(),
        priority: Some(u32::from(spec.priority)),
        extra_json: spec.extra.clone(),
        ..v1::JobSpec::default()
    }
}

/// Newest first; the token is the admission place below which the next page begins.
fn list(fleet: &Fleet, request: &v1::ListJobsRequest) -> Result<v1::ListJobsResponse, Status> {
    let page = request.page.clone().unwrap_or_default();
    let below: u64 = match page.token.as_str() {
        "" => u64::MAX,
        token => token.parse().map_err(|_| Status::invalid_argument("`page.token` isn't one of ours"))?,
    };
    let size = if page.size == 0 { PAGE_DEFAULT } else { (page.size as usize).min(PAGE_MAX) };
    let mut jobs: Vec<&Job> =
        fleet.jobs().filter(|job| job.admitted < below && is_wanted(job, fleet, request)).collect();
    jobs.sort_unstable_by_key(|job| std::cmp::Reverse(job.admitted));
    let next_token = match jobs.get(size - 1) {
        Some(last) if jobs.len() > size => last.admitted.to_string(),
        Some(_) | None => String::new(),
    };
    let jobs = jobs.into_iter().take(size).map(|job| job_message(job, fleet)).collect();
    Ok(v1::ListJobsResponse { jobs, next_token })
}

fn is_wanted(job: &Job, fleet: &Fleet, request: &v1::ListJobsRequest) -> bool {
    let state = i32::from(state_message(&job.state));
    let is_equal = |wanted: &str, is: &Option<String>| wanted.is_empty() || is.as_deref() == Some(wanted);
    let robot = || job.state.robot().and_then(|robot| fleet.robots().get(robot.index()));
    (request.states.is_empty() || request.states.contains(&state))
        && is_equal(&request.sequence, &job.spec.sequence)
        && is_equal(&request.order_id, &job.spec.order_id)
        && request.robot.as_ref().is_none_or(|wanted| {
            robot().is_some_and(|robot| {
                robot.name.manufacturer == wanted.manufacturer && robot.name.serial == wanted.serial
            })
        })
}
