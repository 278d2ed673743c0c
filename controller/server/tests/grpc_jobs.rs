//! gRPC against the whole process: answers come after the commit, rules are those of the message queue.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use drover_proto::grpc::v1;
use drover_proto::grpc::v1::floor_service_client::FloorServiceClient;
use drover_proto::grpc::v1::job_service_client::JobServiceClient;
use kit::process::{Folder, Service, free_port, tail};
use tonic::Code;
use tonic::transport::Channel;

const CONNECT_MAX: Duration = Duration::from_secs(30);

struct Drover {
    service: Service,
    folder: Folder,
    port: u16,
}

impl Drover {
    fn start() -> Drover {
        let (folder, port) = (Folder::new("grpc"), free_port());
        let maps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../maps/sites/fresh-dc");
        let text = format!(
            "[site]\nid = \"grpc-test\"\nlayout = \"{0}/layout.lif.json\"\nsite = \"{0}/site.toml\"\n[mqtt]\n\
             url = \"embedded\"\n[store]\nurl = \"sqlite:{1}\"\n[http]\nlisten = \"127.0.0.1:{port}\"\n",
            maps.display(),
            folder.file("drover.db").display(),
        );
        std::fs::write(folder.file("drover.toml"), text).unwrap();
        let service = run(&folder);
        Drover { service, folder, port }
    }

    async fn channel(&self) -> Channel {
        let begun = std::time::Instant::now();
        loop {
            let endpoint = Channel::from_shared(format!("http://127.0.0.1:{}", self.port)).unwrap();
            match endpoint.connect().await {
                Ok(channel) => return channel,
                Err(error) => {
                    assert!(begun.elapsed() < CONNECT_MAX, "{error}: {}", tail(&self.folder.file("log")))
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn run(folder: &Folder) -> Service {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drover"));
    command.arg("run").arg("--config").arg(folder.file("drover.toml"));
    Service::spawn(command, &folder.file("log"))
}

fn submit(id: &str, station: &str) -> v1::SubmitJobRequest {
    let leg = v1::Leg { station: station.to_owned(), action: "pick".to_owned(), ..v1::Leg::default() };
    let job = v1::JobSpec {
        job_id: id.to_owned(),
        sequence: "TRUCK-01".to_owned(),
        legs: vec![leg],
        due_at_ms: Some(1_900_000_000_000),
        extra_json: "{\"wave\":12}".to_owned(),
        ..v1::JobSpec::default()
    };
    v1::SubmitJobRequest { idempotency_key: String::new(), job: Some(job) }
}

#[tokio::test]
async fn a_submitted_job_is_answered_after_its_commit_and_survives_a_kill() {
    let mut drover = Drover::start();
    let mut jobs = JobServiceClient::new(drover.channel().await);
    let first = jobs.submit(submit("J-1", "PICK-C-01")).await.unwrap().into_inner().receipt.unwrap();
    assert!(first.seq > 0 && !first.repeated);
    let again = jobs.submit(submit("J-1", "PICK-C-01")).await.unwrap().into_inner().receipt.unwrap();
    assert!(again.repeated);

    drover.service.kill();
    drover.service = run(&drover.folder);
    let mut jobs = JobServiceClient::new(drover.channel().await);
    let job =
        jobs.get(v1::GetJobRequest { job_id: "J-1".to_owned() }).await.unwrap().into_inner().job.unwrap();
    assert_eq!(job.state(), v1::JobState::Accepted);
    assert_eq!(job.spec.unwrap().extra_json, "{\"wave\":12}");
}

#[tokio::test]
async fn refusals_carry_their_code_and_pages_are_newest_first() {
    let drover = Drover::start();
    let channel = drover.channel().await;
    let mut jobs = JobServiceClient::new(channel.clone());
    for number in 1..=3 {
        jobs.submit(submit(&format!("J-{number}"), "PICK-C-01")).await.unwrap();
    }
    let reused = jobs.submit(submit("J-1", "PICK-C-02")).await.unwrap_err();
    assert_eq!(reused.code(), Code::AlreadyExists);
    assert_eq!(reused.metadata().get("drover-code").unwrap(), "JOB_ID_REUSED");
    let nowhere = jobs.submit(submit("J-4", "NOWHERE")).await.unwrap_err();
    assert_eq!(
        (nowhere.code(), nowhere.metadata().get("drover-code").unwrap().to_str().unwrap()),
        (Code::InvalidArgument, "UNKNOWN_STATION")
    );

    let page = |token: &str| v1::ListJobsRequest {
        page: Some(v1::Page { size: 2, token: token.to_owned() }),
        ..v1::ListJobsRequest::default()
    };
    let ids = |page: &v1::ListJobsResponse| -> Vec<String> {
        page.jobs.iter().map(|job| job.spec.clone().unwrap().job_id).collect()
    };
    let newest = jobs.list(page("")).await.unwrap().into_inner();
    assert_eq!(ids(&newest), ["J-3", "J-2"]);
    let oldest = jobs.list(page(&newest.next_token)).await.unwrap().into_inner();
    assert_eq!((ids(&oldest), oldest.next_token.as_str()), (vec!["J-1".to_owned()], ""));

    let cancel = v1::CancelJobRequest { job_id: "J-3".to_owned(), ..v1::CancelJobRequest::default() };
    jobs.cancel(cancel).await.unwrap();
    let job =
        jobs.get(v1::GetJobRequest { job_id: "J-3".to_owned() }).await.unwrap().into_inner().job.unwrap();
    assert_eq!(job.state(), v1::JobState::Cancelled);

    let mut floor = FloorServiceClient::new(channel);
    let confirm = v1::ConfirmRequest { task_id: "J-1/0".to_owned(), ..v1::ConfirmRequest::default() };
    assert_eq!(floor.confirm(confirm).await.unwrap_err().code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_short_pick_is_taken_once_and_with_nothing_there_the_job_fails() {
    let drover = Drover::start();
    let channel = drover.channel().await;
    let mut jobs = JobServiceClient::new(channel.clone());
    jobs.submit(submit("J-1", "PICK-C-01")).await.unwrap();
    let mut floor = FloorServiceClient::new(channel);
    let short = |task: &str, key: &str, quantity: f64| v1::ShortPickRequest {
        task_id: task.to_owned(),
        idempotency_key: key.to_owned(),
        quantity,
        reason: "broken".to_owned(),
        ..v1::ShortPickRequest::default()
    };
    for (task, quantity) in [("J-1", 0.0), ("J-1/0", -1.0), ("J-1/0", f64::NAN)] {
        let refused = floor.short_pick(short(task, "a", quantity)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{task} {quantity}");
    }
    let not_yet = floor.short_pick(short("J-1/1", "b", 1.0)).await.unwrap_err();
    assert_eq!(not_yet.metadata().get("drover-code").unwrap(), "NOT_AWAITED");
    floor.short_pick(short("J-1/0", "c", 2.5)).await.unwrap();
    let first = floor.short_pick(short("J-1/0", "d", 0.0)).await.unwrap().into_inner().receipt.unwrap();
    let again = floor.short_pick(short("J-1/0", "d", 0.0)).await.unwrap().into_inner().receipt.unwrap();
    assert!(!first.repeated && again.repeated);
    let job =
        jobs.get(v1::GetJobRequest { job_id: "J-1".to_owned() }).await.unwrap().into_inner().job.unwrap();
    assert_eq!((job.state(), job.code.as_str()), (v1::JobState::Failed, "SHORT_PICK"));
    let late = floor.short_pick(short("J-1/0", "e", 1.0)).await.unwrap_err();
    assert_eq!(late.metadata().get("drover-code").unwrap(), "TOO_LATE");
}
