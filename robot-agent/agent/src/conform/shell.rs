//! The world around a session: the broker, the clock, signals, the terminal.

use super::Plan;
use super::kit::{Heard, Say};
use super::report::Finding;
use super::session::{Session, Stopped};
use crate::BadInput;
use crate::clock::Clock;
use crate::mqtt::{self, BACKOFF_MIN, Terms};
use anyhow::{anyhow, bail};
use drover_proto::vda5050::{ConnectionState, TopicKind};
use rumqttc::{AsyncClient, Event, EventLoop, Packet, Publish, QoS, SubscribeFilter};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::sleep;

const KEEP_ALIVE: Duration = Duration::from_secs(15);
const CHANNEL: usize = 256;
/// What the last message is given to leave before the process ends.
const GOODBYE: Duration = Duration::from_secs(1);
/// What the robot says.
const TOPICS: [TopicKind; 4] =
    [TopicKind::Connection, TopicKind::Factsheet, TopicKind::State, TopicKind::Visualization];

enum Input {
    Message(Publish),
    Subscribed,
    Down(String),
}

/// Tries the rules; each finding is told as it comes in.
pub(super) async fn run(plan: Plan, told: impl FnMut(&Finding)) -> anyhow::Result<Vec<Finding>> {
    let clock = Clock::start(1.0);
    let mut link = Link::connect(&plan, clock).await?;
    let session = Session::new(plan.setting.clone(), plan.rules.clone(), clock.now_ms());
    let signals = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut work =
        Work { plan, clock, session, findings: Vec::new(), told, is_shown: io::stderr().is_terminal() };
    let ended = work.drive(&mut link, signals).await;
    work.clear_progress();
    link.leave().await;
    ended.map(|()| work.findings)
}

struct Work<T> {
    plan: Plan,
    clock: Clock,
    session: Session,
    findings: Vec<Finding>,
    told: T,
    is_shown: bool,
}

impl<T: FnMut(&Finding)> Work<T> {
    async fn drive(&mut self, link: &mut Link, mut signals: (Signal, Signal)) -> anyhow::Result<()> {
        loop {
            link.say(&mut self.session).await?;
            self.tell();
            if let Some(ended) = self.session.ended() {
                return ended.clone().map_err(|stopped| self.explained(&stopped));
            }
            let timeout = self.clock.until(self.session.next_timeout());
            let input = tokio::select! {
                input = link.inputs.recv() => input.unwrap_or(Input::Down("the client ended".to_owned())),
                () = sleep(timeout) => {
                    self.session.advance(self.clock.now_ms());
                    continue;
                }
                _ = signals.0.recv() => return self.abandon(link).await,
                _ = signals.1.recv() => return self.abandon(link).await,
            };
            match input {
                Input::Message(message) => {
                    if let Some(heard) = heard(&message) {
                        self.session.hear(self.clock.now_ms(), &heard);
                    }
                }
                Input::Subscribed => {}
                Input::Down(why) => {
                    bail!("the broker {} was lost ({why}); the robot may be on its way", self.plan.broker)
                }
            }
        }
    }

    /// Told to stop: the robot is, too.
    async fn abandon(&mut self, link: &mut Link) -> anyhow::Result<()> {
        self.session.abandon();
        link.say(&mut self.session).await?;
        bail!("stopped in the middle of {:?}; cancelOrder was sent", self.session.current())
    }

    fn tell(&mut self) {
        for note in self.session.take_notes() {
            self.clear_progress();
            let _ = writeln!(io::stderr(), "{note}");
        }
        for finding in self.session.take_findings() {
            self.clear_progress();
            (self.told)(&finding);
            self.findings.push(finding);
        }
        if self.is_shown && self.session.ended().is_none() {
            let (done, all) = (self.findings.len(), self.plan.rules.len());
            let _ = write!(io::stderr(), "\r\x1b[2K[{done}/{all}] {}", self.session.current());
        }
    }

    fn clear_progress(&self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }

    fn explained(&self, stopped: &Stopped) -> anyhow::Error {
        let (plan, setting) = (&self.plan, &self.plan.setting);
        let robot = format!("{}/{}", setting.manufacturer, setting.serial);
        match stopped {
            Stopped::NeverSeen { connection } => {
                let names: Vec<&str> = TOPICS.iter().map(|kind| kind.as_str()).collect();
                let topics = format!("{}/v2/{robot}/{{{}}}", plan.interface, names.join(","));
                let said = match connection {
                    None => "nothing came on any of them".to_owned(),
                    Some(ConnectionState::Online) => "connection says ONLINE, but no state came".to_owned(),
                    Some(other) => format!("connection says {}: the robot isn't there", other.as_str()),
                };
                anyhow!(
                    "no state of {robot} within {} s. Subscribed to {topics} on {}; {said}. Check that the robot is switched \
                     on and uses this broker, --interface, manufacturer and serial number (case counts), and that the \
                     broker lets this account read there and write to order and instantActions",
                    setting.patience_ms / 1_000,
                    plan.broker,
                )
            }
            Stopped::NotReady(why) => anyhow!("{robot} can't be tried: {why}"),
            Stopped::OffLayout(why) => {
                let layout = plan.layout.as_deref().unwrap_or_default();
                let mend = "put the robot on a node, or leave --layout out";
                BadInput::one(format!("--layout {layout}: {why}; {mend}")).into()
            }
        }
    }
}

/// The connection to the broker.
struct Link {
    client: AsyncClient,
    inputs: mpsc::Receiver<Input>,
    /// `<interface>/v2/<manufacturer>/<serial>`.
    prefix: String,
}

impl Link {
    /// Tries until the patience is over.
    async fn connect(plan: &Plan, clock: Clock) -> anyhow::Result<Self> {
        let deadline = clock.now_ms() + plan.setting.patience_ms;
        loop {
            match Self::try_connect(plan, clock).await {
                Ok(link) => return Ok(link),
                Err(why) if clock.now_ms() >= deadline => {
                    bail!("can't reach the broker {}: {why}", plan.broker)
                }
                Err(_) => sleep(BACKOFF_MIN).await,
            }
        }
    }

    async fn try_connect(plan: &Plan, clock: Clock) -> Result<Self, String> {
        let (client, events) = mqtt::client(Terms {
            broker: &plan.broker,
            client_id: format!("drover-conform-{}-{}", std::process::id(), clock.now_ms() % 1_000_000),
            login: None,
            keep_alive: KEEP_ALIVE,
            will: None,
            channel: CHANNEL,
        });
        let (send, inputs) = mpsc::channel(CHANNEL);
        tokio::spawn(forward(events, send));
        let prefix = format!("{}/v2/{}/{}", plan.interface, plan.setting.manufacturer, plan.setting.serial);
        let mut link = Self { client, inputs, prefix };
        link.subscribe().await.map_err(|error| error.to_string())?;
        loop {
            match link.inputs.recv().await {
                Some(Input::Subscribed) => break,
                Some(Input::Message(_)) => {}
                Some(Input::Down(why)) => return Err(why),
                None => return Err("the client ended".to_owned()),
            }
        }
        // What is kept came with the first subscription, before anybody listened: have it brought again.
        link.subscribe().await.map_err(|error| error.to_string())?;
        Ok(link)
    }

    async fn subscribe(&self) -> Result<(), rumqttc::ClientError> {
        let filter = |kind: TopicKind| {
            SubscribeFilter::new(format!("{}/{}", self.prefix, kind.as_str()), QoS::AtLeastOnce)
        };
        self.client.subscribe_many(TOPICS.map(filter)).await
    }

    async fn say(&self, session: &mut Session) -> anyhow::Result<()> {
        while let Some(say) = session.take_say() {
            match say {
                Say::Publish(kind, body) => {
                    let topic = format!("{}/{}", self.prefix, kind.as_str());
                    self.client.publish(topic, QoS::AtMostOnce, false, body).await?;
                }
                Say::Resubscribe => self.subscribe().await?,
            }
        }
        Ok(())
    }

    /// Leaves in good order: what was handed over before has left then, unless the time is up.
    async fn leave(&mut self) {
        let left = async {
            let _ = self.client.disconnect().await;
            while let Some(Input::Message(_) | Input::Subscribed) = self.inputs.recv().await {}
        };
        let _ = tokio::time::timeout(GOODBYE, left).await;
    }
}

fn heard(message: &Publish) -> Option<Heard> {
    let name = message.topic.rsplit('/').next()?;
    let kind = TOPICS.into_iter().find(|kind| kind.as_str() == name)?;
    Some(Heard { kind, retained: message.retain, qos: message.qos as u8, payload: message.payload.to_vec() })
}

/// Runs the client until its connection ends.
async fn forward(mut events: EventLoop, inputs: mpsc::Sender<Input>) {
    loop {
        let input = match events.poll().await {
            Ok(Event::Incoming(Packet::Publish(message))) => Input::Message(message),
            Ok(Event::Incoming(Packet::SubAck(_))) => Input::Subscribed,
            Ok(Event::Incoming(_) | Event::Outgoing(_)) => continue,
            Err(error) => {
                let _ = inputs.send(Input::Down(error.to_string())).await;
                return;
            }
        };
        if inputs.send(input).await.is_err() {
            return;
        }
    }
}
