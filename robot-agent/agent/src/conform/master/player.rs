//! One difficult robot on the broker: an agent over its drive, the mischief between, and a note of all that passes.
//!
//! It only carries; what is lost, late or refused is the mischief's to decide, and nothing here judges.

use super::mischief::{Deed, Mischief};
use super::phase::Phase;
use super::story::{Entry, How, Sent, Story, What};
use crate::clock::Clock;
use crate::drivers::{self, Machine};
use crate::mqtt::{self, Terms};
use crate::robot::Robot;
use crate::session::read;
use crate::{BadInput, broker::Broker};
use drover_agent_core::{Agent, Incoming, Message, Start};
use drover_proto::vda5050::{ConnectionState, Dialect, OperatingMode, TopicKind};
use rumqttc::{AsyncClient, Event, EventLoop, Packet, Publish, QoS};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Messages the client may hold, and messages on their way in.
const CHANNEL: usize = 256;
const RETRY: Duration = Duration::from_secs(1);
/// Entries of a story at most; the run is judged by what came before.
const ENTRIES_MAX: usize = 200_000;
/// How long the last words may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// What the director wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// This mischief.
    Play(Phase),
    /// Say goodbye.
    End,
}

/// How far the robot is with a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub phase: Phase,
    pub received: usize,
    /// The robots' clock; 0 if nothing came yet.
    pub heard_ms: u64,
    pub is_busy: bool,
    pub is_done: bool,
    pub is_exercised: bool,
}

impl Status {
    /// Nothing has happened.
    pub const fn none() -> Self {
        Self {
            phase: Phase::Fair,
            received: 0,
            heard_ms: 0,
            is_busy: false,
            is_done: false,
            is_exercised: false,
        }
    }
}

enum Input {
    Up,
    Message(Publish),
    Down(String),
}

/// A connection; dropping it closes the socket without DISCONNECT.
struct Link {
    client: AsyncClient,
    inputs: mpsc::Receiver<Input>,
    forwarder: JoinHandle<()>,
    is_up: bool,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

/// The robot and all it needs.
pub(super) struct Player {
    robot: Robot,
    agent: Agent<Machine>,
    mischief: Mischief,
    broker: Broker,
    clock: Clock,
    link: Option<Link>,
    /// When to connect again by itself; none while the mischief keeps it away.
    retry_at: Option<Instant>,
    story: Story,
    heard_ms: u64,
    status: watch::Sender<Status>,
}

impl Player {
    pub fn new(
        robot: Robot,
        broker: Broker,
        clock: Clock,
        seed: u64,
        status: watch::Sender<Status>,
    ) -> anyhow::Result<Self> {
        let agent = agent(&robot, &robot.start, clock.now_ms())?;
        let (manufacturer, serial) = (robot.identity.manufacturer.clone(), robot.identity.serial.clone());
        let story = Story { manufacturer, serial, entries: Vec::new() };
        let mischief = Mischief::new(seed);
        let retry_at = Some(Instant::now());
        let (link, heard_ms) = (None, 0);
        Ok(Self { robot, agent, mischief, broker, clock, link, retry_at, story, heard_ms, status })
    }

    /// Until the end is told; gives what it saw.
    pub async fn run(mut self, mut stage: watch::Receiver<Stage>) -> anyhow::Result<Story> {
        loop {
            self.settle()?;
            let pause = self.pause();
            tokio::select! {
                changed = stage.changed() => match (changed, *stage.borrow_and_update()) {
                    (Ok(()), Stage::Play(phase)) => self.mischief.enter(phase),
                    (Ok(()), Stage::End) | (Err(_), _) => break,
                },
                input = next(&mut self.link) => self.on_input(input),
                () = sleep(pause) => {}
            }
        }
        self.say_goodbye().await;
        Ok(self.story)
    }

    /// Does all that is due now.
    fn settle(&mut self) -> anyhow::Result<()> {
        if self.link.is_none() && self.retry_at.is_some_and(|at| at <= Instant::now()) {
            self.connect();
        }
        let now_ms = self.clock.now_ms();
        self.agent.advance(now_ms);
        loop {
            self.collect(now_ms);
            if let Some(deed) = self.mischief.next_deed(now_ms) {
                self.act(deed, now_ms)?;
            } else if let Some(incoming) = self.mischief.next_incoming(now_ms) {
                self.agent.on_message(now_ms, incoming);
            } else {
                break;
            }
        }
        self.transmit(now_ms);
        self.status.send_replace(Status {
            phase: self.mischief.phase(),
            received: self.mischief.received(),
            heard_ms: self.heard_ms,
            is_busy: self.mischief.is_busy(),
            is_done: self.mischief.is_done(now_ms),
            is_exercised: self.mischief.is_exercised(),
        });
        Ok(())
    }

    fn pause(&self) -> Duration {
        let due = [self.agent.next_timeout(), self.mischief.next_timeout()].into_iter().flatten().min();
        let pause = self.clock.until(due);
        match self.retry_at.filter(|_| self.link.is_none()) {
            Some(at) => pause.min(at.saturating_duration_since(Instant::now())),
            // A robot that waits for nothing still tells the director how far it is.
            None => pause.min(RETRY),
        }
    }

    /// The agent's words go through the mischief; what isn't told at once is noted as not told.
    fn collect(&mut self, now_ms: u64) {
        while let Some(outgoing) = self.agent.poll_transmit() {
            if let Some(state) = self.mischief.give(now_ms, outgoing.message) {
                self.note(now_ms, What::State(How::Never, state));
            }
        }
    }

    fn transmit(&mut self, now_ms: u64) {
        if !self.link.as_ref().is_some_and(|link| link.is_up) {
            return;
        }
        while let Some(outward) = self.mischief.next_outgoing(now_ms) {
            let message = outward.message;
            let topic = self.robot.identity.topic(Dialect::V2, message.topic());
            let qos = if message.qos() == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
            let Some(link) = &self.link else { return };
            if let Err(error) = link.client.try_publish(topic, qos, message.is_retained(), body(&message)) {
                tracing::warn!(robot = self.story.serial, %error, "the broker is too slow; a message is dropped");
                continue;
            }
            let what = match message {
                Message::State(state) => What::State(outward.how, state),
                Message::Connection(connection) => What::Connection(connection.connection_state),
                Message::Factsheet(factsheet) => What::Factsheet(factsheet),
                Message::Visualization(_) => continue,
            };
            self.note(now_ms, what);
        }
    }

    fn act(&mut self, deed: Deed, now_ms: u64) -> anyhow::Result<()> {
        if deed != Deed::Show {
            tracing::info!(robot = self.story.serial, ?deed, "mischief");
        }
        match deed {
            Deed::Show => self.show(now_ms),
            Deed::Cut => self.cut(now_ms, None),
            Deed::Forget => {
                self.cut(now_ms, None);
                self.forget(now_ms)?;
            }
            Deed::Return => self.retry_at = Some(Instant::now()),
            Deed::Manual => self.agent.set_mode(now_ms, OperatingMode::Manual),
            Deed::Automatic => self.agent.set_mode(now_ms, OperatingMode::Automatic),
        }
        if deed == Deed::Return {
            self.connect();
        }
        Ok(())
    }

    /// Sets what is aboard to what is aboard: that makes a state.
    fn show(&mut self, now_ms: u64) {
        let loads = self.agent.loads().to_vec();
        self.agent.set_loads(now_ms, loads);
    }

    fn forget(&mut self, now_ms: u64) -> anyhow::Result<()> {
        let (pose, loads) = (self.agent.pose(), self.agent.loads().to_vec());
        let start = Start {
            node_id: self.agent.last_node_id().to_owned(),
            map_id: pose.map_id,
            x_m: pose.x_m,
            y_m: pose.y_m,
            theta_rad: pose.theta_rad,
            charge_permille: self.robot.start.charge_permille,
        };
        self.agent = agent(&self.robot, &start, now_ms)?;
        self.agent.set_loads(now_ms, loads);
        self.note(now_ms, What::Forgot);
        Ok(())
    }

    fn cut(&mut self, now_ms: u64, retry_at: Option<Instant>) {
        self.link = None;
        self.retry_at = retry_at;
        self.agent.on_disconnected(now_ms);
        self.mischief.on_cut();
        self.note(now_ms, What::Connection(ConnectionState::ConnectionBroken));
    }

    fn connect(&mut self) {
        let identity = &self.robot.identity;
        let will = serde_json::to_vec(&self.agent.will()).unwrap_or_default();
        let (client, events) = mqtt::client(Terms {
            broker: &self.broker,
            client_id: format!("{}-{}", identity.manufacturer, identity.serial),
            login: self.robot.login.as_ref(),
            keep_alive: KEEP_ALIVE,
            will: Some((identity.topic(Dialect::V2, TopicKind::Connection), will)),
            channel: CHANNEL,
        });
        let (to_robot, inputs) = mpsc::channel(CHANNEL);
        let forwarder = tokio::spawn(forward(events, to_robot));
        self.link = Some(Link { client, inputs, forwarder, is_up: false });
        self.retry_at = None;
    }

    fn on_input(&mut self, input: Input) {
        let now_ms = self.clock.now_ms();
        match input {
            Input::Up => self.on_up(now_ms),
            Input::Message(publish) => self.on_publish(now_ms, &publish),
            Input::Down(why) => {
                tracing::warn!(robot = self.story.serial, broker = %self.broker, why, "no connection; trying for ever");
                self.cut(now_ms, Some(Instant::now() + RETRY));
            }
        }
    }

    /// Subscribes with QoS 2, so that every message shows the one it was sent with.
    fn on_up(&mut self, now_ms: u64) {
        let Some(link) = &mut self.link else { return };
        link.is_up = true;
        for topic in [TopicKind::Order, TopicKind::InstantActions, TopicKind::Connection] {
            let topic = self.robot.identity.topic(Dialect::V2, topic);
            if let Err(error) = link.client.try_subscribe(topic, QoS::ExactlyOnce) {
                tracing::warn!(robot = self.story.serial, %error, "failed to subscribe");
            }
        }
        self.agent.on_connected(now_ms);
    }

    fn on_publish(&mut self, now_ms: u64, publish: &Publish) {
        let kind = publish.topic.rsplit('/').next().unwrap_or_default();
        let Some(incoming) = read(Dialect::V2, kind, &publish.payload) else { return };
        let text = || Value::String(String::from_utf8_lossy(&publish.payload).into_owned());
        let raw = serde_json::from_slice(&publish.payload).unwrap_or_else(|_| text());
        let (retain, qos) = (publish.retain, publish.qos as u8);
        let what = match &incoming {
            Incoming::Order(order) => sent_order(retain, qos, raw, Ok(order.clone())),
            Incoming::InstantActions(actions) => sent_instant(retain, qos, raw, Ok(actions.clone())),
            Incoming::Malformed(TopicKind::Order, why) => sent_order(retain, qos, raw, Err(why.clone())),
            Incoming::Malformed(_, why) => sent_instant(retain, qos, raw, Err(why.clone())),
            Incoming::Connection(_) => return self.mischief.take(now_ms, incoming),
        };
        self.note(now_ms, what);
        if !retain {
            self.heard_ms = now_ms;
            self.mischief.take(now_ms, incoming);
        }
    }

    fn note(&mut self, at_ms: u64, what: What) {
        if self.story.entries.len() < ENTRIES_MAX {
            self.story.entries.push(Entry { at_ms, phase: self.mischief.phase(), what });
        }
    }

    /// OFFLINE, then DISCONNECT, so that the broker discards the will.
    async fn say_goodbye(&mut self) {
        let now_ms = self.clock.now_ms();
        self.mischief.on_cut();
        self.agent.on_shutdown(now_ms);
        self.collect(now_ms);
        self.transmit(now_ms);
        let Some(link) = &mut self.link else { return };
        let leaves = async {
            if link.client.disconnect().await.is_ok() {
                while !matches!(link.inputs.recv().await, None | Some(Input::Down(_))) {}
            }
        };
        let _ = tokio::time::timeout(GOODBYE, leaves).await;
    }
}

fn agent(robot: &Robot, start: &Start, now_ms: u64) -> anyhow::Result<Agent<Machine>> {
    let driver = drivers::named(&robot.driver)
        .ok_or_else(|| BadInput::one(format!("driver {:?} isn't known", robot.driver)))?;
    let machine = (driver.build)(&Robot { start: start.clone(), ..robot.clone() }, now_ms)?;
    let (identity, spec, options) = (robot.identity.clone(), robot.spec.clone(), robot.options.clone());
    Ok(Agent::new(identity, spec, options, start, machine, now_ms))
}

fn body(message: &Message) -> Vec<u8> {
    let body = match message {
        Message::State(state) => serde_json::to_vec(state),
        Message::Connection(connection) => serde_json::to_vec(connection),
        Message::Factsheet(factsheet) => serde_json::to_vec(factsheet),
        Message::Visualization(visualization) => serde_json::to_vec(visualization),
    };
    body.unwrap_or_default()
}

fn sent_order(retain: bool, qos: u8, raw: Value, read: Result<drover_proto::vda5050::Order, String>) -> What {
    What::Order(Box::new(Sent { retain, qos, raw, read }))
}

fn sent_instant(
    retain: bool,
    qos: u8,
    raw: Value,
    read: Result<drover_proto::vda5050::InstantActions, String>,
) -> What {
    What::Instant(Box::new(Sent { retain, qos, raw, read }))
}

/// The next input of the link; never, while there is none.
async fn next(link: &mut Option<Link>) -> Input {
    match link {
        Some(link) => link.inputs.recv().await.unwrap_or_else(|| Input::Down("the client ended".to_owned())),
        None => std::future::pending().await,
    }
}

/// Runs the client until its connection ends, and forwards what matters.
async fn forward(mut events: EventLoop, to_robot: mpsc::Sender<Input>) {
    loop {
        let input = match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => Input::Up,
            Ok(Event::Incoming(Packet::Publish(message))) => Input::Message(message),
            Ok(Event::Incoming(_) | Event::Outgoing(_)) => continue,
            Err(error) => Input::Down(error.to_string()),
        };
        let is_over = matches!(input, Input::Down(_));
        if to_robot.send(input).await.is_err() || is_over {
            return;
        }
    }
}
