//! Job events go out to a real RabbitMQ: in order, confirmed, again with the same id after an outage.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::collections::BTreeMap;
use std::time::Duration;

use drover_controller::events;
use drover_controller::intake::Broker;
use drover_controller::telemetry::Health;
use drover_core::{JobId, JobNews, Notification, Time};
use kit::amqp::{Client, Message};
use kit::rabbit::Rabbit;
use tokio::sync::mpsc;

const SITE: &str = "fresh-dc";
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than a confirm may take.
const BLOCKED_FOR: Duration = Duration::from_secs(12);

/// The shell's side: notifications in, confirmations out.
struct Shell {
    news: mpsc::Sender<Notification>,
    confirmed: mpsc::Receiver<u64>,
    health: Health,
    last_confirmed: u64,
}

impl Shell {
    fn start(rabbit: &Rabbit) -> Shell {
        let (news, news_rx) = mpsc::channel(100_000);
        let (confirmed_tx, confirmed) = mpsc::channel(100_000);
        let health = Health::default();
        events::spawn(&Broker::of(rabbit.url()), SITE, news_rx, confirmed_tx, &health).unwrap();
        Shell { news, confirmed, health, last_confirmed: 0 }
    }

    async fn notify(&self, numbers: std::ops::RangeInclusive<u64>) {
        for n in numbers {
            self.news.send(notification(n)).await.unwrap();
        }
    }

    async fn until_confirmed(&mut self, n: u64) {
        while self.last_confirmed < n {
            let Ok(next) = tokio::time::timeout(PATIENCE, self.confirmed.recv()).await else {
                panic!("{} is the last confirmed; missing: {:?}", self.last_confirmed, self.health.missing());
            };
            let next = next.unwrap();
            assert!(next > self.last_confirmed, "confirmations rise: {next} after {}", self.last_confirmed);
            self.last_confirmed = next;
        }
    }

    /// Waits until this is told of what is missing.
    async fn until_told(&self, why: &str) {
        let wait = async {
            while !self.health.missing().iter().any(|(_, told)| told.contains(why)) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap();
    }

    async fn until_up(&self) {
        let wait = async {
            while !self.health.missing().is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap();
    }
}

fn notification(n: u64) -> Notification {
    Notification {
        n,
        at: Time(1_763_000_000_000 + n),
        job: JobId(format!("J-{n:04}")),
        order_id: None,
        what: if n.is_multiple_of(2) { JobNews::Done } else { JobNews::LegDone { leg: 0, short: vec![] } },
        robot: None,
        extra: String::new(),
        why: None,
    }
}

/// Everything in the queue up to the last number, as the consumer saw it.
async fn read_until(rabbit: &Rabbit, last: u64) -> Vec<Message> {
    let client = Client::connect(&rabbit.url()).await;
    let mut subscription = client.consume("wms").await;
    let mut messages = Vec::new();
    loop {
        let message = subscription.next().await;
        let is_last = message.id == format!("{SITE}/{last}");
        messages.push(message);
        if is_last {
            return messages;
        }
    }
}

/// Each once, in order of n, ignoring those that came again; those must be the same to the byte.
fn without_repeats(messages: &[Message]) -> Vec<u64> {
    let mut seen: BTreeMap<&str, &Message> = BTreeMap::new();
    let mut numbers = Vec::new();
    for message in messages {
        if let Some(first) = seen.insert(&message.id, message) {
            assert_eq!(first, message, "a repeat is the same message");
        } else {
            numbers.push(message.id.rsplit_once('/').unwrap().1.parse().unwrap());
        }
    }
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_go_out_in_order_with_id_key_and_body() {
    let Some(rabbit) = Rabbit::start() else { return };
    let mut shell = Shell::start(&rabbit);
    shell.until_up().await;
    Client::connect(&rabbit.url()).await.bind("wms", "drover.events", "fresh-dc.job.#").await;
    shell.notify(1..=1_000).await;
    shell.until_confirmed(1_000).await;
    let messages = read_until(&rabbit, 1_000).await;
    assert_eq!(messages.len(), 1_000);
    assert_eq!(without_repeats(&messages), (1..=1_000).collect::<Vec<u64>>());
    let [odd, even] = &messages[..2] else { panic!("two") };
    assert_eq!((odd.key.as_str(), even.key.as_str()), ("fresh-dc.job.leg_done", "fresh-dc.job.done"));
    assert!(odd.is_persistent);
    let body = drover_proto::parse_event(odd.body.as_bytes()).unwrap();
    assert_eq!((body.n, body.job_id.as_str(), body.leg), (1, "J-0001", Some(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_confirmed_also_when_nobody_listens() {
    let Some(rabbit) = Rabbit::start() else { return };
    let mut shell = Shell::start(&rabbit);
    shell.notify(1..=300).await;
    shell.until_confirmed(300).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_reemitted_with_the_same_id_after_a_broker_restart() {
    let Some(mut rabbit) = Rabbit::start() else { return };
    let mut shell = Shell::start(&rabbit);
    shell.until_up().await;
    Client::connect(&rabbit.url()).await.bind("wms", "drover.events", "#").await;
    for round in 0..2 {
        let first = round * 3_000 + 1;
        shell.notify(first..=first + 2_999).await;
        shell.until_confirmed(first + 500).await;
        rabbit.kill();
        tokio::time::sleep(Duration::from_secs(1)).await;
        rabbit.restart();
        shell.until_confirmed(first + 2_999).await;
    }
    let messages = read_until(&rabbit, 6_000).await;
    assert_eq!(without_repeats(&messages), (1..=6_000).collect::<Vec<u64>>(), "none lost, none out of order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_broker_is_waited_for_and_nothing_is_confirmed_meanwhile() {
    let Some(mut rabbit) = Rabbit::absent() else { return };
    let mut shell = Shell::start(&rabbit);
    shell.notify(1..=500).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(shell.confirmed.try_recv().is_err());
    assert_eq!(shell.health.missing().len(), 1);
    rabbit.restart();
    shell.until_confirmed(500).await;
    assert!(shell.health.missing().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_broker_is_noticed_and_every_event_arrives() {
    let Some(rabbit) = Rabbit::start() else { return };
    let mut shell = Shell::start(&rabbit);
    shell.until_up().await;
    Client::connect(&rabbit.url()).await.bind("wms", "drover.events", "#").await;
    shell.notify(1..=100).await;
    shell.until_confirmed(100).await;
    rabbit.pause();
    shell.notify(101..=700).await;
    let noticed = async {
        while shell.health.missing().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, noticed).await.unwrap();
    rabbit.resume();
    shell.until_confirmed(700).await;
    assert_eq!(without_repeats(&read_until(&rabbit, 700).await), (1..=700).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_short_of_memory_is_told_and_waited_out_on_the_same_connection() {
    let Some(rabbit) = Rabbit::start() else { return };
    let mut shell = Shell::start(&rabbit);
    shell.until_up().await;
    Client::connect(&rabbit.url()).await.bind("wms", "drover.events", "#").await;
    rabbit.starve(true);
    shell.notify(1..=600).await;
    shell.until_told("short of memory").await;
    tokio::time::sleep(BLOCKED_FOR).await;
    assert!(shell.confirmed.try_recv().is_err());
    rabbit.starve(false);
    shell.until_confirmed(600).await;
    shell.until_up().await;
    let messages = read_until(&rabbit, 600).await;
    assert_eq!(without_repeats(&messages), (1..=600).collect::<Vec<u64>>());
    assert_eq!(messages.len(), 600, "the connection was kept: nothing went out twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirm_that_never_comes_ends_the_connection_and_every_event_arrives() {
    let Some(rabbit) = Rabbit::start() else { return };
    let mut shell = Shell::start(&rabbit);
    shell.until_up().await;
    Client::connect(&rabbit.url()).await.bind("wms", "drover.events", "#").await;
    shell.notify(1..=10).await;
    shell.until_confirmed(10).await;
    rabbit.halt("wms", true);
    shell.notify(11..=20).await;
    shell.until_told("confirming took longer").await;
    rabbit.halt("wms", false);
    shell.until_confirmed(20).await;
    assert_eq!(without_repeats(&read_until(&rabbit, 20).await), (1..=20).collect::<Vec<u64>>());
}
