//! What a site needs is absent at the start, or goes in the middle of the work: the controller waits, says what is
//! missing, and goes on by itself.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::time::Duration;

use kit::amqp::{Client, Subscription};
use kit::mosquitto::Mosquitto;
use kit::outside::{Heard, Orders};
use kit::postgres::Postgres;
use kit::process::{Service, wait_until};
use kit::rabbit::Rabbit;
use kit::site::{Drover, Place, Wiring, robots};
use serde_json::{Value, json};

const SITE: &str = "absent-test";
const SPEED: &str = "20";
const QUEUE: &str = "drover.absent-test.jobs";
const RECEIVED_MAX: Duration = Duration::from_secs(30);
/// A dead consumer's messages go back to the queue when its connection is seen to be gone.
const REQUEUED_MAX: Duration = Duration::from_secs(30);

fn job(number: usize) -> Value {
    let truck = 1 + number % 2;
    json!({
        "v": 1, "job_id": format!("J-{number}"), "sequence": format!("TRUCK-{truck}"), "legs": [
            { "station": format!("PICK-C-{:02}", 1 + number % 24), "action": "pick",
              "load": { "id": format!("TOTE-{number}") } },
            { "station": format!("DOCK-{truck:02}"), "action": "drop" },
        ],
    })
}

async fn publish(client: &Client, jobs: &[Value]) {
    for job in jobs {
        client.publish("drover.jobs", SITE, &job.to_string(), &[]).await;
    }
}

async fn listen(client: &Client) -> Subscription {
    client.bind("heard", "drover.events", "#").await;
    client.consume("heard").await
}

fn wiring(rabbit: &Rabbit, mosquitto: &Mosquitto, store: Option<String>) -> Wiring {
    let (place, jobs, mqtt) = (Place::fresh_dc(), rabbit.url(), mosquitto.url());
    Wiring { id: SITE, place, jobs, mqtt, store, enroll: "configured", speed: SPEED }
}

fn six_robots(mosquitto: &Mosquitto, drover: &Drover) -> Service {
    let log = drover.folder.file("robots.log");
    robots(mosquitto, &Place::fresh_dc(), &log, &["--count", "6", "--speed", SPEED])
}

fn wait_until_received(drover: &Drover, jobs: u64) {
    wait_until("the jobs to be received", RECEIVED_MAX, || {
        drover.metric("drover_jobs_received_total") >= jobs
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_late_and_goes_in_between_costs_time_only() {
    let (Some(rabbit), Some(mosquitto), Some(mut postgres)) =
        (Rabbit::start(), Mosquitto::start(), Postgres::start())
    else {
        return;
    };
    postgres.stop();
    let mut drover = Drover::start(&wiring(&rabbit, &mosquitto, Some(postgres.url())));
    // What nobody has tried to reach yet is missing, too: else a start would look ready half way.
    for part in ["store", "mqtt", "jobs", "events"] {
        drover.wait_until_missing(part);
    }
    assert!(drover.get("/healthz").contains("alive"));
    assert_eq!(drover.command("check", &[]).status.code(), Some(1));
    postgres.restart();
    drover.wait_until_ready();

    let jobs: Vec<Value> = (0..9).map(job).collect();
    let orders = Orders::listen(&mosquitto).await;
    let client = Client::connect(&rabbit.url()).await;
    let (mut events, mut heard) = (listen(&client).await, Heard::default());
    let _robots = six_robots(&mosquitto, &drover);
    publish(&client, &jobs[..4]).await;
    heard.until_done(&mut events, 1).await;

    postgres.kill();
    publish(&client, &jobs[4..6]).await;
    wait_until_received(&drover, 6);
    drover.wait_until_missing("store");
    postgres.restart();
    drover.wait_until_ready();
    heard.until_done(&mut events, 6).await;
    assert!(drover.is_running(), "{}", drover.log());

    // Without a commit nothing is acknowledged: a controller killed now leaves the jobs in the queue.
    postgres.kill();
    publish(&client, &jobs[6..]).await;
    wait_until_received(&drover, 9);
    drover.kill();
    wait_until_ready_again(&client, 3).await;
    postgres.restart();
    drover.restart();
    heard.until_done(&mut events, jobs.len()).await;
    heard.assert_all_done_in_order(&jobs);
    orders.assert_once_only(&jobs);
    drover.stop();
    drover.assert_sound();
}

async fn wait_until_ready_again(client: &Client, messages: u32) {
    let waiting = async {
        while client.ready(QUEUE).await != messages {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(REQUEUED_MAX, waiting).await;
    assert!(
        waited.is_ok(),
        "{} of {messages} unacknowledged jobs are in the queue",
        client.ready(QUEUE).await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jobs_broker_killed_in_the_middle_loses_and_doubles_nothing() {
    let (Some(mut rabbit), Some(mosquitto)) = (Rabbit::start(), Mosquitto::start()) else { return };
    let mut drover = Drover::start(&wiring(&rabbit, &mosquitto, None));
    drover.wait_until_ready();
    let orders = Orders::listen(&mosquitto).await;
    let client = Client::connect(&rabbit.url()).await;
    let (mut events, mut heard) = (listen(&client).await, Heard::default());
    let jobs: Vec<Value> = (0..9).map(job).collect();
    let _robots = six_robots(&mosquitto, &drover);
    publish(&client, &jobs[..5]).await;
    heard.until_done(&mut events, 2).await;

    rabbit.kill();
    drover.wait_until_missing("jobs");
    rabbit.restart();
    let client = Client::connect(&rabbit.url()).await;
    let mut events = client.consume("heard").await;
    publish(&client, &jobs[5..]).await;
    heard.until_done(&mut events, jobs.len()).await;
    heard.assert_all_done_in_order(&jobs);
    orders.assert_once_only(&jobs);
    drover.stop();
    drover.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_robots_broker_killed_in_the_middle_costs_time_only() {
    let (Some(rabbit), Some(mut mosquitto)) = (Rabbit::start(), Mosquitto::start()) else { return };
    let mut drover = Drover::start(&wiring(&rabbit, &mosquitto, None));
    drover.wait_until_ready();
    let orders = Orders::listen(&mosquitto).await;
    let client = Client::connect(&rabbit.url()).await;
    let (mut events, mut heard) = (listen(&client).await, Heard::default());
    let jobs: Vec<Value> = (0..6).map(job).collect();
    let _robots = six_robots(&mosquitto, &drover);
    publish(&client, &jobs).await;
    heard.until_done(&mut events, 1).await;

    mosquitto.kill();
    drover.wait_until_missing("mqtt");
    mosquitto.restart();
    drover.wait_until_ready();
    heard.until_done(&mut events, jobs.len()).await;
    heard.assert_all_done_in_order(&jobs);
    orders.assert_once_only(&jobs);
    drover.stop();
    drover.assert_sound();
}
