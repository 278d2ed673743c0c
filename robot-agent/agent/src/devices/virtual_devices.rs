//! Devices made of numbers for `drover-agent robots`: whoever asks for one of the layout's devices is answered.
//!
//! The site's id isn't in the layout, so it is learnt from the first request, unless it is given.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use drover_proto::device::{Condition, DeviceTopic, DeviceTopicKind, Level};
use rumqttc::{Event, EventLoop, Packet, QoS};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Shown;
use super::desk::Desk;
use super::gateway::Port;
use super::north::{Account, Line};
use crate::broker::Broker;
use crate::clock::Clock;
use crate::mqtt::{self, BACKOFF_MAX, BACKOFF_MIN, Terms};
use crate::run::told;

/// How long it takes from shut to wide open and back, ms of the robots' clock.
const TRAVEL_MS: f64 = 2_000.0;
/// Most sites that are answered: anybody may write a request for any.
const SITES_MAX: usize = 16;
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const CHANNEL: usize = 64;

/// What to serve.
#[derive(Clone, Debug)]
pub struct Virtual {
    /// Known from the start; else learnt.
    pub site: Option<String>,
    /// The devices of the layout's site file.
    pub ids: Vec<String>,
    /// The broker, with the devices' credentials.
    pub broker: Broker,
}

impl Virtual {
    /// Until told to stop.
    pub(crate) async fn run(self, clock: Clock, mut stop: watch::Receiver<bool>) {
        let (sites, tasks) = (BTreeSet::new(), JoinSet::new());
        let mut hall = Hall { ids: self.ids, broker: self.broker, clock, stop: stop.clone(), sites, tasks };
        if let Some(site) = &self.site {
            hall.serve(site, None);
        }
        tokio::select! {
            () = hall.listen() => {}
            () = told(&mut stop) => {}
        }
        while hall.tasks.join_next().await.is_some() {}
    }
}

/// All virtual devices of all sites.
struct Hall {
    ids: Vec<String>,
    broker: Broker,
    clock: Clock,
    stop: watch::Receiver<bool>,
    sites: BTreeSet<String>,
    tasks: JoinSet<()>,
}

impl Hall {
    /// Reconnects for ever.
    async fn listen(&mut self) {
        let mut backoff = BACKOFF_MIN;
        loop {
            let (client, events) = mqtt::client(Terms {
                broker: &self.broker,
                client_id: format!("virtual-devices-{}-{}", std::process::id(), self.clock.now_ms()),
                login: None,
                keep_alive: KEEP_ALIVE,
                will: None,
                channel: CHANNEL,
            });
            let (send, mut heard) = mpsc::channel(CHANNEL);
            let forwarder = tokio::spawn(forward(events, send));
            while let Some(input) = heard.recv().await {
                match input {
                    Input::Up => {
                        backoff = BACKOFF_MIN;
                        let filter = DeviceTopic::filter("+", DeviceTopicKind::Request);
                        let _ = client.try_subscribe(filter, QoS::AtLeastOnce);
                    }
                    Input::Request(topic, want) => self.on_request(&topic, want),
                }
            }
            forwarder.abort();
            sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    fn on_request(&mut self, topic: &DeviceTopic, want: Level) {
        let is_new = self.ids.contains(&topic.device) && !self.sites.contains(&topic.site);
        if is_new && self.sites.len() < SITES_MAX {
            self.serve(&topic.site, Some((&topic.device, want)));
        }
    }

    fn serve(&mut self, site: &str, first: Option<(&str, Level)>) {
        tracing::info!(site, devices = self.ids.len(), "serving virtual devices");
        self.sites.insert(site.to_owned());
        let account = Account::new(site, self.broker.clone());
        for id in &self.ids {
            let want = first.filter(|(device, _)| device == id).map(|(_, want)| want);
            let desk = Desk::new(want, Shown::plain(Condition::Closed));
            let (line, port) = Line::new(account.clone(), id, desk, self.clock, Arc::new(Notify::new()));
            self.tasks.spawn(line.run(self.stop.clone()));
            let leaf = Leaf { openness: 0.0, goal: 0.0, at_ms: self.clock.now_ms() };
            self.tasks.spawn(leaf.run(port, self.clock, self.stop.clone()));
        }
    }
}

/// One leaf that opens and shuts.
struct Leaf {
    openness: f64,
    goal: f64,
    at_ms: u64,
}

impl Leaf {
    async fn run(mut self, mut port: Port, clock: Clock, mut stop: watch::Receiver<bool>) {
        loop {
            self.travel(clock.now_ms());
            let want = *port.want.borrow_and_update();
            self.goal = if want == Some(Level::Open) { 1.0 } else { 0.0 };
            let shown = Shown { under: want, ..Shown::plain(self.condition()) };
            port.shown.send_if_modified(|old| std::mem::replace(old, shown.clone()) != shown);
            let left_ms = ((self.goal - self.openness).abs() * TRAVEL_MS).ceil() as u64;
            let arrival = (left_ms > 0).then_some(self.at_ms + left_ms);
            tokio::select! {
                changed = port.want.changed() => if changed.is_err() { return },
                () = sleep(clock.until(arrival)) => {}
                () = told(&mut stop) => return,
            }
        }
    }

    fn travel(&mut self, now_ms: u64) {
        let reach = now_ms.saturating_sub(self.at_ms) as f64 / TRAVEL_MS;
        let away = self.goal - self.openness;
        self.openness = if away.abs() <= reach { self.goal } else { self.openness + reach * away.signum() };
        self.at_ms = now_ms;
    }

    fn condition(&self) -> Condition {
        match (self.goal == 1.0, self.openness) {
            (true, 1.0) => Condition::Open,
            (true, _) => Condition::Opening,
            (false, 0.0) => Condition::Closed,
            (false, _) => Condition::Closing,
        }
    }
}

enum Input {
    Up,
    Request(DeviceTopic, Level),
}

/// Runs the client until its connection ends, and forwards what matters.
async fn forward(mut events: EventLoop, send: mpsc::Sender<Input>) {
    loop {
        let input = match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => Input::Up,
            Ok(Event::Incoming(Packet::Publish(message))) => {
                let request = drover_proto::parse_device_request(&message.payload);
                let (Some(topic), Ok(request)) = (DeviceTopic::parse(&message.topic), request) else {
                    continue;
                };
                Input::Request(topic, request.want)
            }
            Ok(_) => continue,
            Err(_) => return,
        };
        if send.send(input).await.is_err() {
            return;
        }
    }
}
