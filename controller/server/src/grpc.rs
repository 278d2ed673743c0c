//! gRPC: a file per service. A change is answered only after its commit; what is shown comes from the picture (`view`),
//! never from the site's thread, so that no reader slows the fleet.
//!
//! What comes in goes through the same parser as on the message queue, so that every rule is the same on every way in.

mod audit;
mod desk;
mod fleet;
mod floor;
mod jobs;
mod site;
mod spec;

use std::pin::Pin;
use std::time::Duration;

use drover_core::{RobotName, Verdict};
use drover_proto::grpc::v1;
use tokio_stream::Stream;
use tonic::service::Routes;
use tonic::{Response, Status};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use v1::audit_service_server::AuditServiceServer;
use v1::fleet_service_server::FleetServiceServer;
use v1::floor_service_server::FloorServiceServer;
use v1::job_service_server::JobServiceServer;
use v1::site_service_server::SiteServiceServer;

use crate::auth::{self, Gate};
use crate::telemetry::{Health, red};

pub(crate) use desk::Desk;

/// Entries on one page unless asked otherwise, and at most.
const PAGE_DEFAULT: usize = 100;
const PAGE_MAX: usize = 1_000;
/// Trailer with the stable code of a refusal.
const CODE_TRAILER: &str = "drover-code";
/// Pause between two looks at what is missing, for `grpc.health.v1`.
const HEALTH_EVERY: Duration = Duration::from_millis(500);

type Answer<T> = Result<Response<T>, Status>;
type Updates<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// All gRPC services behind the gate, for gRPC and gRPC-web; a method nobody has is answered UNIMPLEMENTED.
pub(crate) fn routes(desk: Desk, gate: Gate, health: Health) -> axum::Router {
    let (reporter, standard) = tonic_health::server::health_reporter();
    tokio::spawn(report(health, reporter));
    let routes = Routes::new(JobServiceServer::new(jobs::Jobs(desk.clone())))
        .add_service(FleetServiceServer::new(fleet::Robots(desk.clone())))
        .add_service(FloorServiceServer::new(floor::Floor(desk.clone())))
        .add_service(SiteServiceServer::new(site::Ground(desk.clone())))
        .add_service(AuditServiceServer::new(audit::Audit(desk)))
        .add_service(standard);
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(drover_proto::grpc::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1();
    let routes = match reflection {
        Ok(reflection) => routes.add_service(reflection),
        Err(error) => {
            tracing::error!(%error, "no reflection: the descriptors can't be read; a bug");
            routes
        }
    };
    let router = routes.prepare().into_axum_router();
    let gated = router.layer(axum::middleware::from_fn_with_state(gate, auth::pass));
    red::counted(gated).layer(tonic_web::GrpcWebLayer::new())
}

/// Serving while nothing is missing.
async fn report(health: Health, reporter: HealthReporter) {
    const SERVICES: [&str; 6] = [
        "",
        "drover.v1.JobService",
        "drover.v1.FleetService",
        "drover.v1.FloorService",
        "drover.v1.SiteService",
        "drover.v1.AuditService",
    ];
    let mut told = None;
    loop {
        let is_ready = health.missing().is_empty();
        if told != Some(is_ready) {
            let status = if is_ready { ServingStatus::Serving } else { ServingStatus::NotServing };
            for service in SERVICES {
                reporter.set_service_status(service, status).await;
            }
            told = Some(is_ready);
        }
        tokio::time::sleep(HEALTH_EVERY).await;
    }
}

/// The status with its stable code as a trailer.
pub(crate) fn coded(mut status: Status, code: &str) -> Status {
    if let Ok(value) = code.parse() {
        status.metadata_mut().insert(CODE_TRAILER, value);
    }
    status
}

fn refusal(code: &str, reason: &str) -> Status {
    let kind = match code {
        "JOB_ID_REUSED" | "KEY_REUSED" => tonic::Code::AlreadyExists,
        "UNKNOWN_JOB" | "UNKNOWN_ROBOT" | "UNKNOWN_ZONE" | "UNKNOWN_EDGE" => tonic::Code::NotFound,
        "TOO_LATE" | "NOT_AWAITED" | "ROBOT_ACTIVE" | "LAYOUT_UNFIT" | "NOT_LOADED" => {
            tonic::Code::FailedPrecondition
        }
        _ => tonic::Code::InvalidArgument,
    };
    coded(Status::new(kind, format!("{code}: {reason}")), code)
}

/// The process doesn't lead; `leader` is who does, if it is known.
fn not_leader(leader: &str) -> Status {
    let text = match leader {
        "" => "this process doesn't lead the site, or not yet: try again".to_owned(),
        leader => format!("this process stands by; {leader} leads the site: ask there, or try again"),
    };
    coded(Status::unavailable(text), "NOT_LEADER")
}

fn ending() -> Status {
    Status::unavailable("the process is ending: try again")
}

fn later(method: &str, instead: &str) -> Status {
    Status::unimplemented(format!("{method} comes with a later version; {instead}"))
}

fn accepted(verdict: Option<Verdict>) -> Result<bool, Status> {
    match verdict.ok_or_else(ending)? {
        Verdict::Accepted => Ok(false),
        Verdict::Ignored => Ok(true),
        Verdict::Rejected { code, reason } => Err(refusal(code, &reason)),
    }
}

/// Size and place of a page; the token is a number below, or from, which it begins.
fn page(page: Option<v1::Page>) -> Result<(usize, Option<u64>), Status> {
    let page = page.unwrap_or_default();
    let place = match page.token.as_str() {
        "" => None,
        token => Some(token.parse().map_err(|_| Status::invalid_argument("`page.token` isn't one of ours"))?),
    };
    let size = if page.size == 0 { PAGE_DEFAULT } else { (page.size as usize).min(PAGE_MAX) };
    Ok((size, place))
}

fn robot_id(name: &RobotName) -> v1::RobotId {
    v1::RobotId { manufacturer: name.manufacturer.clone(), serial: name.serial.clone() }
}

fn robot_name(id: v1::RobotId) -> RobotName {
    RobotName { manufacturer: id.manufacturer, serial: id.serial }
}

fn ms(at: u64) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}
