//! The bundled wave on PostgreSQL, RabbitMQ and Mosquitto: the controller is killed three times, and outsiders notice
//! nothing but a pause.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::env;
use std::time::Instant;

use drover_controller::demo::wave;
use kit::amqp::Client;
use kit::mosquitto::Mosquitto;
use kit::outside::{Heard, Orders};
use kit::postgres::Postgres;
use kit::rabbit::Rabbit;
use kit::site::{Drover, Place, Wiring, robots};
use serde_json::Value;

const SITE: &str = "fresh-dc";
const SPEED: &str = "10";
/// Jobs of the wave's 300, and robots, unless the environment says otherwise.
const JOBS: usize = 40;
const ROBOTS: usize = 20;
/// When the controller is killed, in percent of the jobs done.
const KILLS_PCT: [usize; 3] = [5, 35, 70];

fn from_environment(key: &str, default: usize) -> usize {
    env::var(key).map_or(default, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn three_kills_on_postgres_lose_double_and_reorder_nothing() {
    let (Some(rabbit), Some(mosquitto), Some(postgres)) =
        (Rabbit::start(), Mosquitto::start(), Postgres::start())
    else {
        return;
    };
    let (count, robot_count) =
        (from_environment("DROVER_JOBS", JOBS), from_environment("DROVER_ROBOTS", ROBOTS));
    let place = Place::fresh_dc();
    let (jobs, mqtt, store) = (rabbit.url(), mosquitto.url(), Some(postgres.url()));
    let wiring =
        Wiring { id: SITE, place: place.clone(), jobs, mqtt, store, enroll: "configured", speed: SPEED };
    let mut drover = Drover::start(&wiring);
    let orders = Orders::listen(&mosquitto).await;
    drover.wait_until_ready();
    let client = Client::connect(&rabbit.url()).await;
    client.bind("heard", "drover.events", "#").await;
    let mut events = client.consume("heard").await;
    let robot_args = ["--count", &robot_count.to_string(), "--speed", SPEED];
    let _robots = robots(&mosquitto, &place, &drover.folder.file("robots.log"), &robot_args);
    let lines: Vec<&str> = wave::BUNDLED.lines().take(count).collect();
    let jobs: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let begun = Instant::now();
    for line in &lines {
        client.publish("drover.jobs", SITE, line, &[]).await;
    }

    let mut heard = Heard::default();
    for percent in KILLS_PCT {
        heard.until_done(&mut events, jobs.len() * percent / 100).await;
        drover.kill();
        drover.restart();
        let pause = drover.time_to_first_decision(&orders);
        println!("restart to first decision: {} ms", pause.as_millis());
    }
    heard.until_done(&mut events, jobs.len()).await;
    let seconds = begun.elapsed().as_secs_f64();

    heard.assert_all_done_in_order(&jobs);
    orders.assert_once_only(&jobs);
    println!("{} jobs, {robot_count} robots: {seconds:.1} s at speed {SPEED}", jobs.len());
    println!("{} events, {} of them again", heard.events.len(), heard.repeats);
    drover.stop();
    drover.assert_sound();
}
