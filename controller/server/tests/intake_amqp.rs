//! Jobs come in from a real RabbitMQ: in order, acknowledged after their verdict, through kills and outages.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::time::{Duration, Instant};

use drover_controller::inbox::{Request, Submission};
use drover_controller::intake::{self, Broker, PREFETCH};
use drover_controller::telemetry::Health;
use drover_core::Verdict;
use drover_core::job::JobRequest;
use kit::amqp::Client;
use kit::process::Folder;
use kit::rabbit::Rabbit;
use tokio::sync::mpsc;

const SITE: &str = "fresh-dc";
const PATIENCE: Duration = Duration::from_secs(60);
/// Nothing more comes when nothing came for so long.
const QUIET: Duration = Duration::from_secs(1);
/// A broker that says nothing is given up after so long: two heartbeats and some slack.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// A shell that only asks and answers.
struct Shell {
    submissions: mpsc::Receiver<Submission>,
    health: Health,
}

impl Shell {
    fn start(rabbit: &Rabbit) -> Shell {
        Shell::at(&Broker::of(rabbit.url()))
    }

    fn at(broker: &Broker) -> Shell {
        let (sender, submissions) = mpsc::channel(256);
        let health = Health::default();
        intake::spawn(broker, SITE, sender, &health).unwrap();
        Shell { submissions, health }
    }

    async fn next(&mut self) -> (String, Submission) {
        let submission = tokio::time::timeout(PATIENCE, self.submissions.recv()).await.unwrap().unwrap();
        let Request::Job { request, .. } = &submission.request else { panic!("no job") };
        let id = match request {
            JobRequest::Submit(spec) => spec.id.0.clone(),
            JobRequest::Cancel(job) => format!("cancel {job}"),
            JobRequest::Update { job, .. } => format!("update {job}"),
        };
        (id, submission)
    }

    /// Accepts the next one; gives its id.
    async fn accept(&mut self) -> String {
        let (id, submission) = self.next().await;
        submission.answer.send(Verdict::Accepted).unwrap();
        id
    }

    async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(QUIET, self.submissions.recv()).await.is_err()
    }

    async fn until_health(&self, is_up: bool) {
        let wait = async {
            while self.health.missing().is_empty() != is_up {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap();
    }
}

fn job(at: u32) -> String {
    format!(r#"{{"v":1,"job_id":"{}","legs":[{{"station":"A"}}]}}"#, id(at))
}

fn id(at: u32) -> String {
    format!("J-{at:04}")
}

async fn publish_jobs(client: &Client, jobs: std::ops::Range<u32>) {
    for at in jobs {
        client.publish("drover.jobs", SITE, &job(at), &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_come_in_queue_order_and_are_acknowledged_after_their_verdict() {
    let Some(rabbit) = Rabbit::start() else { return };
    let mut shell = Shell::start(&rabbit);
    shell.until_health(true).await;
    let client = Client::connect(&rabbit.url()).await;
    publish_jobs(&client, 0..200).await;
    client.publish("drover.jobs", SITE, r#"{"v":1,"update":"J-0003","priority":9}"#, &[]).await;
    client.publish("drover.jobs", SITE, r#"{"v":1,"cancel":"J-0003"}"#, &[]).await;

    let mut waiting = Vec::new();
    for at in 0..u32::from(PREFETCH) {
        let (id_found, submission) = shell.next().await;
        assert_eq!(id_found, id(at));
        waiting.push(submission);
    }
    assert!(shell.is_quiet().await, "no more than the prefetch without a verdict");
    for submission in waiting {
        submission.answer.send(Verdict::Ignored).unwrap();
    }
    for at in u32::from(PREFETCH)..200 {
        assert_eq!(shell.accept().await, id(at));
    }
    assert_eq!(shell.accept().await, "update J-0003");
    assert_eq!(shell.accept().await, "cancel J-0003");

    tokio::time::sleep(QUIET).await;
    drop(shell);
    tokio::time::sleep(QUIET).await;
    assert_eq!(client.ready("drover.fresh-dc.jobs").await, 0, "all were acknowledged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unanswered_jobs_come_again_in_order_after_the_broker_was_killed() {
    let Some(mut rabbit) = Rabbit::start() else { return };
    let mut shell = Shell::start(&rabbit);
    shell.until_health(true).await;
    publish_jobs(&Client::connect(&rabbit.url()).await, 0..100).await;
    for at in 0..20 {
        assert_eq!(shell.accept().await, id(at));
    }
    let mut stale = Vec::new();
    for _ in 20..40 {
        stale.push(shell.next().await.1);
    }
    tokio::time::sleep(2 * QUIET).await;
    rabbit.kill();
    shell.until_health(false).await;
    stale.extend(std::iter::from_fn(|| shell.submissions.try_recv().ok()));
    for submission in stale {
        // The connection it came by is gone: nobody may be listening.
        let _ = submission.answer.send(Verdict::Accepted);
    }
    rabbit.restart();
    let first: u32 = shell.accept().await.trim_start_matches("J-").parse().unwrap();
    assert!(first <= 20, "nothing unanswered is skipped: {first}");
    for at in first + 1..100 {
        assert_eq!(shell.accept().await, id(at));
    }
    assert!(shell.is_quiet().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_a_dead_process_go_to_the_standby_in_order() {
    let Some(rabbit) = Rabbit::start() else { return };
    let mut first = Shell::start(&rabbit);
    first.until_health(true).await;
    let mut standby = Shell::start(&rabbit);
    standby.until_health(true).await;
    publish_jobs(&Client::connect(&rabbit.url()).await, 0..50).await;
    for at in 0..10 {
        assert_eq!(first.accept().await, id(at));
    }
    let unanswered = first.next().await;
    assert!(standby.is_quiet().await, "one consumer is active");
    drop((first, unanswered));
    for at in 10..50 {
        assert_eq!(standby.accept().await, id(at));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_goes_to_the_dead_letter_queue_with_a_reason_and_the_rest_goes_on() {
    let Some(rabbit) = Rabbit::start() else { return };
    let mut shell = Shell::start(&rabbit);
    shell.until_health(true).await;
    let client = Client::connect(&rabbit.url()).await;
    let poison = r#"{"v":1,"job_id":"J-0001","legs":[]}"#;
    client.publish("drover.jobs", SITE, &job(0), &[]).await;
    client.publish("drover.jobs", SITE, poison, &[("tenant", "north")]).await;
    client.publish("drover.jobs", SITE, &job(2), &[("tenant", "south")]).await;
    client.publish("drover.jobs", SITE, "not a job at all", &[]).await;
    client.publish("drover.jobs", SITE, &job(4), &[]).await;

    assert_eq!(shell.accept().await, id(0));
    let (id_refused, submission) = shell.next().await;
    assert_eq!(id_refused, id(2));
    let reason = "no station A on this layout; send one of its names".to_owned();
    submission.answer.send(Verdict::Rejected { code: "UNKNOWN_STATION", reason: reason.clone() }).unwrap();
    assert_eq!(shell.accept().await, id(4));

    let mut dead = Vec::new();
    for _ in 0..3 {
        let mut message = client.get("drover.fresh-dc.dead").await;
        assert!(message.is_persistent);
        let mut header = |name: &str| message.headers.remove(name).unwrap_or_default();
        dead.push((header("drover-code"), header("drover-reason"), header("tenant"), message.body));
    }
    dead.sort();
    assert_eq!(
        (dead[0].0.as_str(), dead[0].2.as_str(), dead[0].3.as_str()),
        ("NOT_JSON", "", "not a job at all")
    );
    assert_eq!((dead[1].0.as_str(), dead[1].2.as_str(), dead[1].3.as_str()), ("NO_LEGS", "north", poison));
    assert!(dead[1].1.contains("legs"), "{}", dead[1].1);
    assert_eq!(dead[2], ("UNKNOWN_STATION".to_owned(), reason, "south".to_owned(), job(2)));
    tokio::time::sleep(QUIET).await;
    drop(shell);
    tokio::time::sleep(QUIET).await;
    assert_eq!(client.ready("drover.fresh-dc.jobs").await, 0, "poison doesn't stay in the queue");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_broker_is_waited_for() {
    let Some(mut rabbit) = Rabbit::absent() else { return };
    let mut shell = Shell::start(&rabbit);
    tokio::time::sleep(QUIET).await;
    assert_eq!(shell.health.missing().len(), 1);
    rabbit.restart();
    shell.until_health(true).await;
    publish_jobs(&Client::connect(&rabbit.url()).await, 0..3).await;
    for at in 0..3 {
        assert_eq!(shell.accept().await, id(at));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_broker_is_noticed_and_jobs_go_on_when_it_speaks_again() {
    let Some(rabbit) = Rabbit::start() else { return };
    let mut shell = Shell::start(&rabbit);
    shell.until_health(true).await;
    publish_jobs(&Client::connect(&rabbit.url()).await, 0..3).await;
    let mut stale = vec![shell.next().await.1];
    rabbit.pause();
    let paused = Instant::now();
    shell.until_health(false).await;
    assert!(paused.elapsed() < SILENCE_MAX, "noticed after {:?}", paused.elapsed());
    stale.extend(std::iter::from_fn(|| shell.submissions.try_recv().ok()));
    rabbit.resume();
    for at in 0..3 {
        assert_eq!(shell.accept().await, id(at));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_queue_is_declared_again() {
    let Some(rabbit) = Rabbit::start() else { return };
    let mut shell = Shell::start(&rabbit);
    shell.until_health(true).await;
    let client = Client::connect(&rabbit.url()).await;
    for queue in ["drover.fresh-dc.dead", "drover.fresh-dc.jobs"] {
        client.delete(queue).await;
    }
    client.publish("drover.jobs", SITE, "poison", &[]).await;
    publish_jobs(&client, 0..1).await;
    assert_eq!(shell.accept().await, id(0));
    assert_eq!(client.get("drover.fresh-dc.dead").await.body, "poison");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_waits_for_a_broker_short_of_memory_and_what_came_before_it_is_acknowledged() {
    let Some(rabbit) = Rabbit::start() else { return };
    let mut shell = Shell::start(&rabbit);
    shell.until_health(true).await;
    let client = Client::connect(&rabbit.url()).await;
    publish_jobs(&client, 0..u32::from(PREFETCH)).await;
    client.publish("drover.jobs", SITE, "poison", &[]).await;
    publish_jobs(&client, 100..101).await;
    let mut waiting = Vec::new();
    for _ in 0..PREFETCH {
        waiting.push(shell.next().await.1);
    }
    rabbit.starve(true);
    waiting.into_iter().for_each(|submission| submission.answer.send(Verdict::Accepted).unwrap());
    shell.until_health(false).await;
    assert!(shell.health.missing()[0].1.contains("short of memory"), "{:?}", shell.health.missing());
    rabbit.starve(false);
    assert_eq!(shell.accept().await, id(100));
    shell.until_health(true).await;
    assert_eq!(Client::connect(&rabbit.url()).await.get("drover.fresh-dc.dead").await.body, "poison");
    assert!(shell.is_quiet().await, "nothing comes again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_password_is_read_from_its_file_at_the_next_connection() {
    let Some(rabbit) = Rabbit::start() else { return };
    let folder = Folder::new("password");
    let file = folder.file("jobs-url");
    std::fs::write(&file, rabbit.url()).unwrap();
    let mut shell = Shell::at(&Broker { url_file: Some(file.clone()), ..Broker::of(rabbit.url()) });
    shell.until_health(true).await;
    publish_jobs(&Client::connect(&rabbit.url()).await, 0..1).await;
    assert_eq!(shell.accept().await, id(0));

    let renewed = rabbit.url_as("guest", "rotated");
    rabbit.ctl(&["change_password", "guest", "rotated"]);
    rabbit.ctl(&["close_all_connections", "the password was changed"]);
    shell.until_health(false).await;
    std::fs::write(&file, format!("{renewed}\n")).unwrap();
    publish_jobs(&Client::connect(&renewed).await, 1..2).await;
    assert_eq!(shell.accept().await, id(1));
    shell.until_health(true).await;
}
