//! Jobs out: notifications to the exchange `drover.events`, in order of n, each confirmed by the broker.
//!
//! At least once: after a reconnect everything unconfirmed goes out again, with the same id and the same body. Nothing
//! is reported as confirmed before everything up to it is. What waits is bounded by the window here and by the channel
//! before it; while the broker is away the channel fills, and the shell decides what then slows.

use std::collections::VecDeque;

use drover_core::job::Short;
use drover_core::{JobNews, Notification};
use drover_proto::event::{EventMessage, JobState, ShortLine};
use futures::FutureExt;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Confirmation, ExchangeKind, PublisherConfirm};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout_at};

use crate::intake::link::{Address, Backoff, CONFIRM_MAX, LOOK_EVERY, Link, Outage};
use crate::intake::{Broker, UrlError};
use crate::telemetry::Health;
use crate::tls;

/// Name in [`Health`].
pub const PART: &str = "events";
/// The exchange.
pub const EXCHANGE: &str = "drover.events";
/// Notifications published and not yet confirmed, at most.
pub const WINDOW: usize = 256;
const PERSISTENT: u8 = 2;

/// Starts publishing what comes through `news`, until it is closed and everything is confirmed. `confirmed` gets the
/// highest n up to which all are confirmed. An absent broker is no error: it is waited for.
///
/// # Errors
/// [`UrlError`] when the URL isn't one.
pub fn spawn(
    broker: &Broker,
    site: &str,
    news: mpsc::Receiver<Notification>,
    confirmed: mpsc::Sender<u64>,
    health: &Health,
) -> Result<(), UrlError> {
    Address::of(broker)?;
    health.expect(PART);
    let publisher = Publisher {
        broker: broker.clone(),
        site: site.to_owned(),
        news,
        confirmed,
        health: health.clone(),
        unconfirmed: VecDeque::with_capacity(WINDOW),
    };
    tokio::spawn(publisher.serve());
    Ok(())
}

/// The message of a notification; the same notification always gives the same bytes.
#[must_use]
pub fn message(site: &str, notification: &Notification) -> EventMessage {
    let at_ms = i64::try_from(notification.at.0).unwrap_or(i64::MAX);
    let mut event =
        EventMessage::new(site, notification.n, at_ms, &notification.job.0, state(&notification.what));
    event.order_id.clone_from(&notification.order_id);
    event.robot.clone_from(&notification.robot);
    event.reason.clone_from(&notification.why);
    event.extra = serde_json::from_str(&notification.extra).unwrap_or_default();
    match &notification.what {
        JobNews::LegDone { leg, short } => {
            event.leg = u32::try_from(*leg).ok();
            event.short = short.iter().map(short_line).collect();
        }
        JobNews::Blocked { reason } => event.reason = Some(reason.clone()),
        JobNews::AtRisk { eta, due_at, cause } => {
            event.eta_ms = eta.and_then(|eta| i64::try_from(eta.0).ok());
            event.due_at_ms = i64::try_from(due_at.0).ok();
            event.cause = Some(cause.as_str().to_owned());
        }
        JobNews::Failed { code, reason } => {
            event.code = Some(code.clone());
            event.reason = Some(reason.clone());
        }
        JobNews::Accepted | JobNews::Assigned | JobNews::Started | JobNews::Done | JobNews::Cancelled => {}
    }
    event
}

fn short_line(short: &Short) -> ShortLine {
    let reason = (!short.reason.is_empty()).then(|| short.reason.clone());
    ShortLine { line: short.line, quantity: short.quantity_milli as f64 / 1_000.0, reason }
}

fn state(news: &JobNews) -> JobState {
    match news {
        JobNews::Accepted => JobState::Accepted,
        JobNews::Assigned => JobState::Assigned,
        JobNews::Started => JobState::Started,
        JobNews::LegDone { .. } => JobState::LegDone,
        JobNews::Blocked { .. } => JobState::Blocked,
        JobNews::AtRisk { .. } => JobState::AtRisk,
        JobNews::Done => JobState::Done,
        JobNews::Failed { .. } => JobState::Failed,
        JobNews::Cancelled => JobState::Cancelled,
    }
}

struct Publisher {
    broker: Broker,
    site: String,
    news: mpsc::Receiver<Notification>,
    confirmed: mpsc::Sender<u64>,
    health: Health,
    /// In order of n.
    unconfirmed: VecDeque<Notification>,
}

/// A message the broker has and hasn't confirmed.
struct Sent {
    confirm: PublisherConfirm,
    deadline: Instant,
}

/// Why a publisher stops.
enum End {
    /// Everything is confirmed and nothing more comes, or nobody listens.
    Done,
    Outage(Outage),
}

impl From<Outage> for End {
    fn from(outage: Outage) -> Self {
        End::Outage(outage)
    }
}

impl Publisher {
    async fn serve(mut self) {
        let mut backoff = Backoff::new();
        while let End::Outage(outage) = self.connected(&mut backoff).await {
            self.health.down(PART, tls::told(&outage, "jobs.ca"));
            backoff.pause().await;
        }
    }

    async fn connected(&mut self, backoff: &mut Backoff) -> End {
        let link = match Link::open(&mut self.broker, &self.site, PART, &self.health).await {
            Ok(link) => link,
            Err(outage) => return End::Outage(outage),
        };
        let end = match self.run(&link, backoff).await {
            Ok(()) => End::Done,
            Err(end) => end,
        };
        link.close().await;
        end
    }

    async fn run(&mut self, link: &Link, backoff: &mut Backoff) -> Result<(), End> {
        link.setup(link.channel.confirm_select(ConfirmSelectOptions::default())).await?;
        link.exchange(EXCHANGE, ExchangeKind::Topic).await?;
        self.health.up(PART);
        let mut sent = VecDeque::with_capacity(WINDOW);
        let mut look = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let begun = Instant::now();
            while let Some(notification) = self.unconfirmed.get(sent.len()) {
                sent.push_back(publish(link, &self.site, notification).await?);
            }
            // A broker that took nothing for so long has confirmed nothing either.
            sent.iter_mut().for_each(|sent: &mut Sent| sent.deadline += begun.elapsed());
            let has_room = self.unconfirmed.len() < WINDOW;
            tokio::select! {
                biased;
                confirmation = head(&mut sent) => {
                    self.settle(&mut sent, confirmation?).await?;
                    backoff.reset();
                }
                _ = look.tick() => {
                    if link.look()? {
                        backoff.reset();
                    } else {
                        let deadline = Instant::now() + CONFIRM_MAX;
                        sent.iter_mut().for_each(|sent| sent.deadline = deadline);
                    }
                }
                next = self.news.recv(), if has_room => match next {
                    Some(notification) => self.unconfirmed.push_back(notification),
                    None if self.unconfirmed.is_empty() => return Ok(()),
                    None => self.drain(&mut sent).await?,
                },
            }
        }
    }

    /// The first of the sent is confirmed; so may be some after it: only the last of them is reported.
    async fn settle(&mut self, sent: &mut VecDeque<Sent>, first: Confirmation) -> Result<(), End> {
        let mut confirmation = Some(first);
        let mut highest = None;
        while let Some(next) = confirmation {
            if !next.is_ack() {
                return Err(Outage::Refused.into());
            }
            sent.pop_front();
            highest = self.unconfirmed.pop_front().map(|notification| notification.n).or(highest);
            metrics::counter!("drover_notifications_confirmed_total").increment(1);
            confirmation = match sent.front_mut().and_then(|sent| (&mut sent.confirm).now_or_never()) {
                Some(Ok(confirmation)) => Some(confirmation),
                Some(Err(error)) => return self.report(highest).await.and(Err(Outage::from(error).into())),
                None => None,
            };
        }
        self.report(highest).await
    }

    async fn report(&self, highest: Option<u64>) -> Result<(), End> {
        let Some(n) = highest else { return Ok(()) };
        self.confirmed.send(n).await.map_err(|_| End::Done)
    }

    /// Nothing more comes: what is sent is waited for.
    async fn drain(&mut self, sent: &mut VecDeque<Sent>) -> Result<(), End> {
        while !sent.is_empty() {
            let confirmation = head(sent).await?;
            self.settle(sent, confirmation).await?;
        }
        Ok(())
    }
}

async fn publish(link: &Link, site: &str, notification: &Notification) -> Result<Sent, Outage> {
    let event = message(site, notification);
    let properties = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(event.message_id().into())
        .with_timestamp(notification.at.0 / 1_000)
        .with_app_id("drover".into());
    let body = event.to_bytes();
    let options = BasicPublishOptions::default();
    let publish =
        link.channel.basic_publish(EXCHANGE.into(), event.routing_key().into(), options, &body, properties);
    let confirm = link.taken("publishing", publish).await?;
    Ok(Sent { confirm, deadline: Instant::now() + CONFIRM_MAX })
}

/// The confirmation of the first message sent; never, when none is.
async fn head(sent: &mut VecDeque<Sent>) -> Result<Confirmation, Outage> {
    let Some(first) = sent.front_mut() else { return std::future::pending().await };
    match timeout_at(first.deadline, &mut first.confirm).await {
        Ok(confirmation) => Ok(confirmation?),
        Err(_) => Err(Outage::TooSlow("confirming", CONFIRM_MAX)),
    }
}

#[cfg(test)]
mod tests {
    use drover_core::{JobId, Time};

    use super::*;

    fn notification(what: JobNews) -> Notification {
        Notification {
            n: 4711,
            at: Time(1_763_000_000_123),
            job: JobId("J-000123".to_owned()),
            order_id: Some("SO-8812".to_owned()),
            what,
            robot: Some("acme/r07".to_owned()),
            extra: r#"{"wave":12}"#.to_owned(),
            why: None,
        }
    }

    fn body(what: JobNews) -> serde_json::Value {
        serde_json::from_slice(&message("fresh-dc", &notification(what)).to_bytes()).unwrap()
    }

    #[test]
    fn a_done_leg_is_told_as_promised() {
        let message = message("fresh-dc", &notification(JobNews::LegDone { leg: 0, short: vec![] }));
        assert_eq!(
            (message.message_id(), message.routing_key()),
            ("fresh-dc/4711".into(), "fresh-dc.job.leg_done".into())
        );
        let expected = serde_json::json!({
            "v": 1, "site": "fresh-dc", "n": 4711, "at": "2025-11-13T02:13:20.123Z", "job_id": "J-000123",
            "order_id": "SO-8812", "state": "leg_done", "leg": 0, "robot": "acme/r07", "reason": null,
            "extra": { "wave": 12 }
        });
        assert_eq!(body(JobNews::LegDone { leg: 0, short: vec![] }), expected);
    }

    #[test]
    fn what_was_short_stands_with_its_leg() {
        let short = |line, quantity_milli, reason: &str| Short {
            leg: 0,
            line,
            quantity_milli,
            reason: reason.to_owned(),
        };
        let told = body(JobNews::LegDone { leg: 0, short: vec![short(0, 2_500, "broken"), short(2, 0, "")] });
        let expected = serde_json::json!([
            { "line": 0, "quantity": 2.5, "reason": "broken" },
            { "line": 2, "quantity": 0.0 },
        ]);
        assert_eq!(told["short"], expected);
    }

    #[test]
    fn a_failed_job_tells_its_code_a_blocked_one_its_reason_and_one_at_risk_when_and_why() {
        let failed = body(JobNews::Failed { code: "ACTION_FAILED".to_owned(), reason: "no load".to_owned() });
        assert_eq!(
            (&failed["state"], &failed["code"], &failed["reason"]),
            (&"failed".into(), &"ACTION_FAILED".into(), &"no load".into())
        );
        let (eta, due_at) = (Some(Time(1_763_000_100_000)), Time(1_763_000_060_000));
        let at_risk = body(JobNews::AtRisk { eta, due_at, cause: drover_core::job::Risk::NoRobot });
        assert_eq!(
            (&at_risk["state"], &at_risk["eta"], &at_risk["due_at"], &at_risk["cause"]),
            (
                &"at_risk".into(),
                &"2025-11-13T02:15:00Z".into(),
                &"2025-11-13T02:14:20Z".into(),
                &"no_robot".into()
            )
        );
        let blocked = body(JobNews::Blocked { reason: "robot lost".to_owned() });
        assert_eq!((&blocked["state"], &blocked["reason"]), (&"blocked".into(), &"robot lost".into()));
    }
}
