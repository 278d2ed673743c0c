//! A device's connection to the broker, one each, because a connection has one last will.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use drover_proto::device::{
    Condition, DeviceConnection, DeviceTopic, DeviceTopicKind, Level, Presence, VERSION,
};
use rumqttc::{AsyncClient, Event, EventLoop, Packet, Publish, QoS};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Shown;
use super::desk::Desk;
use super::file::File;
use super::gateway::{Poller, Port};
use crate::broker::Broker;
use crate::clock::Clock;
use crate::mqtt::{self, BACKOFF_MAX, BACKOFF_MIN, Terms};
use crate::run::told;

const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Messages the client may hold, and events on their way to the desk.
const CHANNEL: usize = 16;
/// Of a very fast clock.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const GOODBYE_MAX: Duration = Duration::from_secs(2);

/// Where the devices are announced.
#[derive(Clone, Debug)]
pub struct Account {
    /// The site's id in the topics.
    pub site: String,
    /// The broker, with the devices' credentials.
    pub broker: Broker,
    /// Somebody has said that the broker can't be reached: one line for all devices.
    is_down_told: Arc<AtomicBool>,
}

impl Account {
    /// Of this site, on this broker.
    pub fn new(site: impl Into<String>, broker: Broker) -> Self {
        Self { site: site.into(), broker, is_down_told: Arc::default() }
    }

    fn on_down(&self, why: &str) {
        if !self.is_down_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(broker = %self.broker, "devices can't reach the broker ({why}); trying for ever");
        }
    }

    fn on_up(&self) {
        if self.is_down_told.swap(false, Ordering::Relaxed) {
            tracing::info!(broker = %self.broker, "devices reach the broker again");
        }
    }
}

/// Starts a task per gateway and one per device.
pub(crate) fn serve(
    tasks: &mut JoinSet<()>,
    account: &Account,
    file: File,
    clock: Clock,
    stop: &watch::Receiver<bool>,
) {
    for gateway in file.gateways {
        let poke = Arc::new(Notify::new());
        let mut ports = Vec::new();
        for entry in &gateway.devices {
            let starting = Shown::because(Condition::Unknown, "its gateway isn't reached yet");
            let desk = Desk::new(None, starting);
            let (line, port) = Line::new(account.clone(), &entry.id, desk, clock, poke.clone());
            ports.push(port);
            tasks.spawn(line.run(stop.clone()));
        }
        let poller = Poller::new(gateway, ports, poke, clock);
        let mut stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = poller.run() => {}
                () = told(&mut stop) => {}
            }
        });
    }
}

enum Input {
    Up,
    Message(Publish),
    Down(String),
}

/// One device's connection.
pub(crate) struct Line {
    account: Account,
    id: String,
    desk: Desk,
    clock: Clock,
    poke: Arc<Notify>,
    want: watch::Sender<Option<Level>>,
    shown: watch::Receiver<Shown>,
    /// Somebody still shows something.
    has_source: bool,
}

enum End {
    Stopped,
    Broken { was_up: bool, why: String },
}

impl Line {
    /// And the port that whatever moves the device holds.
    pub fn new(account: Account, id: &str, desk: Desk, clock: Clock, poke: Arc<Notify>) -> (Self, Port) {
        let (want, wanted) = watch::channel(desk.level(clock.now_ms()));
        let (show, shown) = watch::channel(desk.shown().clone());
        let line = Self { account, id: id.to_owned(), desk, clock, poke, want, shown, has_source: true };
        (line, Port { want: wanted, shown: show })
    }

    /// Until told to stop.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut backoff = BACKOFF_MIN;
        loop {
            match self.connected(&mut stop).await {
                End::Stopped => return,
                End::Broken { was_up, why } => {
                    self.account.on_down(&why);
                    self.desk.on_down();
                    backoff = if was_up { BACKOFF_MIN } else { (backoff * 2).min(BACKOFF_MAX) };
                }
            }
            tokio::select! {
                () = sleep(backoff) => {}
                () = told(&mut stop) => return,
            }
        }
    }

    async fn connected(&mut self, stop: &mut watch::Receiver<bool>) -> End {
        let (client, events) = mqtt::client(self.terms());
        let (to_line, mut inputs) = mpsc::channel(CHANNEL);
        let forwarder = tokio::spawn(forward(events, to_line));
        let mut was_up = false;
        loop {
            self.tell();
            if let Some(state) = self.desk.poll(self.clock.now_ms()) {
                self.publish(&client, DeviceTopicKind::State, &state);
            }
            let pause = self.clock.until(self.desk.next_timeout(self.clock.now_ms()));
            tokio::select! {
                () = told(stop) => {
                    self.say_goodbye(&client, was_up, &mut inputs).await;
                    forwarder.abort();
                    return End::Stopped;
                }
                input = inputs.recv() => match input {
                    Some(Input::Up) => {
                        was_up = true;
                        self.on_up(&client);
                    }
                    Some(Input::Message(message)) => self.on_message(&client, &message),
                    Some(Input::Down(why)) => return End::Broken { was_up, why },
                    None => return End::Broken { was_up, why: "the client ended".to_owned() },
                },
                changed = self.shown.changed(), if self.has_source => {
                    self.has_source = changed.is_ok();
                    self.on_shown();
                }
                () = sleep(pause.max(PAUSE_MIN)) => {}
            }
        }
    }

    fn terms(&self) -> Terms<'_> {
        let will = (self.topic(DeviceTopicKind::Connection), presence(Presence::Lost));
        Terms {
            broker: &self.account.broker,
            client_id: format!("device-{}-{}", self.account.site, self.id),
            login: None,
            keep_alive: KEEP_ALIVE,
            will: Some(will),
            channel: CHANNEL,
        }
    }

    fn topic(&self, kind: DeviceTopicKind) -> String {
        DeviceTopic::new(&self.account.site, &self.id, kind).to_string()
    }

    /// Hands the wanted level on, if it is another.
    fn tell(&self) {
        let level = self.desk.level(self.clock.now_ms());
        if self.want.send_if_modified(|old| std::mem::replace(old, level) != level) {
            self.poke.notify_one();
        }
    }

    fn on_up(&mut self, client: &AsyncClient) {
        self.account.on_up();
        for kind in [DeviceTopicKind::Request, DeviceTopicKind::Connection] {
            let _ = client.try_subscribe(self.topic(kind), QoS::AtLeastOnce);
        }
        self.announce(client);
        self.on_shown();
        self.desk.on_up(self.clock.now_ms());
    }

    fn announce(&self, client: &AsyncClient) {
        let topic = self.topic(DeviceTopicKind::Connection);
        let _ = client.try_publish(topic, QoS::AtLeastOnce, true, presence(Presence::Online));
    }

    /// A desk whose gateway task has died must not go on showing what it saw last.
    fn on_shown(&mut self) {
        let shown = if self.has_source {
            self.shown.borrow_and_update().clone()
        } else {
            Shown::because(Condition::Unknown, "its gateway's task ended; start the agent again")
        };
        self.desk.on_shown(shown);
    }

    fn on_message(&mut self, client: &AsyncClient, message: &Publish) {
        match DeviceTopic::parse(&message.topic).map(|topic| topic.kind) {
            Some(DeviceTopicKind::Request) => match drover_proto::parse_device_request(&message.payload) {
                Ok(request) => self.desk.on_request(&request),
                Err(error) => tracing::warn!(device = self.id, %error, "request refused"),
            },
            // The will of a former connection of ours may come after our word.
            Some(DeviceTopicKind::Connection) => {
                let said = drover_proto::parse_device_connection(&message.payload);
                if said.is_ok_and(|said| said.state != Presence::Online) {
                    self.announce(client);
                }
            }
            Some(DeviceTopicKind::State) | None => {}
        }
    }

    /// A full client loses it; the next snapshot comes soon.
    fn publish(&self, client: &AsyncClient, kind: DeviceTopicKind, state: &impl serde::Serialize) {
        let body = serde_json::to_vec(state).unwrap_or_default();
        let _ = client.try_publish(self.topic(kind), QoS::AtMostOnce, false, body);
    }

    /// Offline, then DISCONNECT, so that the broker discards the will.
    async fn say_goodbye(&self, client: &AsyncClient, was_up: bool, inputs: &mut mpsc::Receiver<Input>) {
        if !was_up {
            return;
        }
        let topic = self.topic(DeviceTopicKind::Connection);
        let _ = client.try_publish(topic, QoS::AtLeastOnce, true, presence(Presence::Offline));
        let _ = client.try_disconnect();
        let gone = async { while !matches!(inputs.recv().await, None | Some(Input::Down(_))) {} };
        let _ = tokio::time::timeout(GOODBYE_MAX, gone).await;
    }
}

fn presence(state: Presence) -> Vec<u8> {
    serde_json::to_vec(&DeviceConnection { v: VERSION, state }).unwrap_or_default()
}

/// Runs the client until its connection ends, and forwards what matters.
async fn forward(mut events: EventLoop, to_line: mpsc::Sender<Input>) {
    loop {
        let input = match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => Input::Up,
            Ok(Event::Incoming(Packet::Publish(message))) => Input::Message(message),
            Ok(_) => continue,
            Err(error) => Input::Down(error.to_string()),
        };
        let is_last = matches!(input, Input::Down(_));
        if to_line.send(input).await.is_err() || is_last {
            return;
        }
    }
}
