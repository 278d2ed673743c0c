//! One robot's session with the broker: connect, carry messages both ways, reconnect for ever.
//!
//! The MQTT client runs in a task of its own that only forwards; nothing here awaits a publish, so a slow broker never
//! stops a robot's clock. After any break the client is made anew: nothing of the old session leaks into the next.

use crate::broker::{Broker, Login};
use crate::clock::Clock;
use crate::drivers::Machine;
use crate::mqtt::{self, BACKOFF_MAX, BACKOFF_MIN, Terms};
use crate::run::told;
use drover_agent_core::{Agent, Incoming, Message, Outgoing};
use drover_proto::parse_in;
use drover_proto::vda5050::{Dialect, TopicKind, encode_in};
use rumqttc::{AsyncClient, ClientError, Event, EventLoop, Packet, Publish, QoS, Request};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Messages the client may hold, and events on their way to the robot.
const CHANNEL: usize = 64;
/// A full client is tried again after this.
const RETRY: Duration = Duration::from_millis(20);

/// What all sessions of a process share.
pub(crate) struct Shared {
    pub broker: Broker,
    clock: Clock,
    total: usize,
    connected: AtomicUsize,
    is_down_told: AtomicBool,
    settled: mpsc::Sender<()>,
}

impl Shared {
    pub fn new(broker: Broker, clock: Clock, total: usize, settled: mpsc::Sender<()>) -> Self {
        let (connected, is_down_told) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { broker, clock, total, connected, is_down_told, settled }
    }

    /// One line for all robots, however often they try.
    fn on_down(&self, was_up: bool, why: &str) {
        if was_up {
            self.connected.fetch_sub(1, Ordering::Relaxed);
        }
        if !self.is_down_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(broker = %self.broker, "can't reach the broker ({why}); trying for ever");
        }
    }

    fn on_up(&self) {
        let connected = self.connected.fetch_add(1, Ordering::Relaxed) + 1;
        if connected == self.total && self.is_down_told.swap(false, Ordering::Relaxed) {
            tracing::info!(broker = %self.broker, robots = connected, "all robots reach the broker again");
        }
    }
}

/// What the client's task tells the robot's.
enum Input {
    Up,
    Message(Publish),
    /// ONLINE is acknowledged, the subscriptions stand, the first state is written.
    Settled,
    Down(String),
}

enum End {
    Stopped,
    Broken { was_up: bool, why: String },
}

/// A robot's agent and what it needs of the process.
pub(crate) struct Session {
    agent: Agent<Machine>,
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
    index: usize,
    login: Option<Login>,
    pending: VecDeque<Publish>,
    has_settled: bool,
}

impl Session {
    pub fn new(
        agent: Agent<Machine>,
        shared: Arc<Shared>,
        stop: watch::Receiver<bool>,
        index: usize,
        login: Option<Login>,
    ) -> Self {
        Self { agent, shared, stop, index, login, pending: VecDeque::new(), has_settled: false }
    }

    /// Until the process is told to stop.
    pub async fn run(mut self) {
        let mut backoff = BACKOFF_MIN;
        loop {
            match self.connected().await {
                End::Stopped => return,
                End::Broken { was_up, why } => {
                    self.shared.on_down(was_up, &why);
                    tracing::debug!(robot = self.agent.identity().serial, why, "session broken");
                    self.agent.on_disconnected(self.shared.clock.now_ms());
                    self.pending.clear();
                    backoff = if was_up { BACKOFF_MIN } else { (backoff * 2).min(BACKOFF_MAX) };
                }
            }
            // Spread, or all robots would come back in the same millisecond.
            let spread = Duration::from_millis((self.index as u64 * 37) % 200);
            if self.wait(backoff + spread).await {
                return;
            }
        }
    }

    /// The robot goes on without a broker. True if the process stops.
    async fn wait(&mut self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        loop {
            let timeout = self.shared.clock.until(self.agent.next_timeout());
            tokio::select! {
                () = told(&mut self.stop) => return true,
                () = sleep_until(end) => return false,
                () = sleep(timeout) => self.agent.advance(self.shared.clock.now_ms()),
            }
        }
    }

    async fn connected(&mut self) -> End {
        let (client, events) = mqtt::client(self.terms());
        let (to_robot, mut inputs) = mpsc::channel(CHANNEL);
        let forwarder = tokio::spawn(forward(events, to_robot));
        let mut was_up = false;
        loop {
            self.transmit(&client);
            let timeout = self.shared.clock.until(self.agent.next_timeout());
            let timeout = if self.pending.is_empty() { timeout } else { timeout.min(RETRY) };
            let input = tokio::select! {
                biased;
                () = told(&mut self.stop) => {
                    self.say_goodbye(&client, was_up, &mut inputs).await;
                    forwarder.abort();
                    return End::Stopped;
                }
                input = inputs.recv() => input.unwrap_or(Input::Down("the client ended".to_owned())),
                () = sleep(timeout) => {
                    self.agent.advance(self.shared.clock.now_ms());
                    continue;
                }
            };
            match input {
                Input::Up => {
                    was_up = true;
                    self.shared.on_up();
                    self.on_up(&client);
                }
                Input::Message(message) => self.on_message(&message),
                Input::Settled => self.on_settled(),
                Input::Down(why) => return End::Broken { was_up, why },
            }
        }
    }

    fn terms(&self) -> Terms<'_> {
        let identity = self.agent.identity();
        let will = encode_in(self.agent.dialect(), &self.agent.will());
        Terms {
            broker: &self.shared.broker,
            client_id: format!("{}-{}", identity.manufacturer, identity.serial),
            login: self.login.as_ref(),
            keep_alive: KEEP_ALIVE,
            will: Some((self.agent.topic(TopicKind::Connection), will)),
            channel: CHANNEL,
        }
    }

    /// Subscribes, then tells the fleet; the broker takes both in this order.
    fn on_up(&mut self, client: &AsyncClient) {
        self.subscribe(client, TopicKind::Order, QoS::AtMostOnce);
        self.subscribe(client, TopicKind::InstantActions, QoS::AtMostOnce);
        self.agent.on_connected(self.shared.clock.now_ms());
        self.transmit(client);
        self.subscribe(client, TopicKind::Connection, QoS::AtMostOnce);
    }

    fn subscribe(&self, client: &AsyncClient, topic: TopicKind, qos: QoS) {
        // The queue of a new client is empty; were it not, the session would be made anew by its silence.
        if let Err(error) = client.try_subscribe(self.agent.topic(topic), qos) {
            tracing::warn!(robot = self.agent.identity().serial, %error, "failed to subscribe");
        }
    }

    fn on_settled(&mut self) {
        if !std::mem::replace(&mut self.has_settled, true) {
            // One place per robot: it can't be full.
            let _ = self.shared.settled.try_send(());
        }
    }

    fn on_message(&mut self, message: &Publish) {
        let kind = message.topic.rsplit('/').next().unwrap_or_default();
        if let Some(incoming) = read(self.agent.dialect(), kind, &message.payload) {
            self.agent.on_message(self.shared.clock.now_ms(), incoming);
        }
    }

    /// Hands over what the client has room for.
    fn transmit(&mut self, client: &AsyncClient) {
        loop {
            let publish = match self.pending.pop_front() {
                Some(publish) => publish,
                None => match self.agent.poll_transmit() {
                    Some(outgoing) => self.publish(&outgoing),
                    None => return,
                },
            };
            let (topic, qos, retain) = (publish.topic, publish.qos, publish.retain);
            if let Err(error) = client.try_publish(topic, qos, retain, publish.payload) {
                if let ClientError::TryRequest(Request::Publish(publish)) = error {
                    self.pending.push_front(publish);
                }
                return;
            }
        }
    }

    fn publish(&self, outgoing: &Outgoing) -> Publish {
        let message = &outgoing.message;
        let dialect = self.agent.dialect();
        let payload = match message {
            Message::State(state) => encode_in(dialect, &**state),
            Message::Connection(connection) => encode_in(dialect, connection),
            Message::Factsheet(factsheet) => encode_in(dialect, &**factsheet),
            Message::Visualization(visualization) => encode_in(dialect, &**visualization),
        };
        let qos = if message.qos() == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
        let topic = self.agent.topic(message.topic());
        let mut publish = Publish::new(topic, qos, payload);
        publish.retain = message.is_retained();
        publish
    }

    /// OFFLINE, then DISCONNECT, so that the broker discards the will.
    async fn say_goodbye(&mut self, client: &AsyncClient, was_up: bool, inputs: &mut mpsc::Receiver<Input>) {
        if !was_up {
            return;
        }
        self.agent.on_shutdown(self.shared.clock.now_ms());
        let mut has_left = false;
        loop {
            self.transmit(client);
            if self.pending.is_empty() && !has_left {
                has_left = client.try_disconnect().is_ok();
            }
            tokio::select! {
                input = inputs.recv() => match input {
                    None | Some(Input::Down(_)) => return,
                    Some(Input::Up | Input::Message(_) | Input::Settled) => {}
                },
                () = sleep(RETRY) => {}
            }
        }
    }
}

/// `None`: a topic that says nothing to a robot.
pub(crate) fn read(dialect: Dialect, kind: &str, payload: &[u8]) -> Option<Incoming> {
    let malformed = |topic, error: drover_proto::ParseError| Incoming::Malformed(topic, error.to_string());
    Some(match kind {
        "order" => match parse_in(dialect, payload) {
            Ok(order) => Incoming::Order(order),
            Err(error) => malformed(TopicKind::Order, error),
        },
        "instantActions" => match parse_in(dialect, payload) {
            Ok(actions) => Incoming::InstantActions(actions),
            Err(error) => malformed(TopicKind::InstantActions, error),
        },
        "connection" => Incoming::Connection(parse_in(dialect, payload).ok()?),
        _ => return None,
    })
}

/// Runs the client until its connection ends, and forwards what matters.
async fn forward(mut events: EventLoop, to_robot: mpsc::Sender<Input>) {
    let (mut subscribed, mut acknowledged, mut published) = (0, 0, 0);
    let mut has_settled = false;
    loop {
        let input = match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => Some(Input::Up),
            Ok(Event::Incoming(Packet::Publish(message))) => Some(Input::Message(message)),
            Ok(event) => {
                match event {
                    Event::Incoming(Packet::SubAck(_)) => subscribed += 1,
                    Event::Incoming(Packet::PubAck(_)) => acknowledged += 1,
                    Event::Outgoing(rumqttc::Outgoing::Publish(_)) => published += 1,
                    Event::Incoming(_) | Event::Outgoing(_) => {}
                }
                // ONLINE, factsheet and state; orders and instant actions.
                let is_settled = subscribed >= 2 && acknowledged >= 1 && published >= 3;
                (is_settled && !std::mem::replace(&mut has_settled, is_settled)).then_some(Input::Settled)
            }
            Err(error) => {
                let _ = to_robot.send(Input::Down(error.to_string())).await;
                return;
            }
        };
        if let Some(input) = input
            && to_robot.send(input).await.is_err()
        {
            return;
        }
    }
}
