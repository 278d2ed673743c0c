//! The job queue: declared, consumed in order, acknowledged after the verdict; the connection made again for ever.
//!
//! A delivery belongs to its connection. When that is lost, the verdicts still awaited are dropped with it: the broker
//! hands the same messages over again, in the same order, and the fleet ignores those it has seen.

use std::time::Instant;

use drover_core::Verdict;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use futures::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, ConfirmSelectOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Consumer, ExchangeKind};
use tokio::sync::mpsc;
use tokio::sync::oneshot::error::RecvError;

use super::link::{Backoff, Broker, Link, Outage};
use super::poison::{self, DEAD_EXCHANGE, Refusal};
use super::{PART, PREFETCH};
use crate::inbox::Submission;
use crate::telemetry::Health;
use crate::tls;

/// The exchange producers publish to.
const JOBS_EXCHANGE: &str = "drover.jobs";
/// Deliveries of one message, at most. A last guard only: poison is ours to judge, and a low limit dead-letters
/// innocent jobs when a consumer is killed a few times.
const DELIVERY_LIMIT: i64 = 1_000;

/// What to consume, and whom to tell.
pub(super) struct Source {
    pub(super) broker: Broker,
    pub(super) site: String,
    pub(super) submissions: mpsc::Sender<Submission>,
    pub(super) health: Health,
}

/// A connection that consumes.
struct Session<'a> {
    source: &'a Source,
    link: Link,
    consumer: Consumer,
    /// Deliveries handed to the shell, in order, each with its verdict to come.
    unanswered: FuturesOrdered<BoxFuture<'static, Answered>>,
}

/// A delivery, when it came, and its verdict.
type Answered = (Delivery, Instant, Result<Verdict, RecvError>);

impl Source {
    /// Consumes until the shell is gone; every outage is waited out.
    pub(super) async fn serve(mut self) {
        let mut backoff = Backoff::new();
        while !self.submissions.is_closed() {
            if let Err(outage) = self.connected(&mut backoff).await {
                self.health.down(PART, tls::told(&outage, "jobs.ca"));
                backoff.pause().await;
            }
        }
    }

    async fn connected(&mut self, backoff: &mut Backoff) -> Result<(), Outage> {
        let link = Link::open(&mut self.broker, &self.site, PART, &self.health).await?;
        match self.subscribe(&link).await {
            Ok(consumer) => {
                self.health.up(PART);
                backoff.reset();
                let mut session = Session { source: self, link, consumer, unanswered: FuturesOrdered::new() };
                let end = session.run().await;
                session.link.close().await;
                end
            }
            Err(outage) => {
                link.close().await;
                Err(outage)
            }
        }
    }

    async fn subscribe(&self, link: &Link) -> Result<Consumer, Outage> {
        let channel = &link.channel;
        link.setup(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        self.declare(link).await?;
        link.setup(channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
        let (queue, options) = (self.queue("jobs"), BasicConsumeOptions::default());
        link.setup(channel.basic_consume(queue.into(), "drover".into(), options, FieldTable::default())).await
    }

    async fn declare(&self, link: &Link) -> Result<(), Outage> {
        link.exchange(DEAD_EXCHANGE, ExchangeKind::Direct).await?;
        link.exchange(JOBS_EXCHANGE, ExchangeKind::Direct).await?;
        let arguments = queue_arguments("dead", &self.site);
        self.declare_queue(link, self.queue("dead"), DEAD_EXCHANGE, arguments).await?;
        let arguments = queue_arguments("jobs", &self.site);
        self.declare_queue(link, self.queue("jobs"), JOBS_EXCHANGE, arguments).await
    }

    async fn declare_queue(
        &self,
        link: &Link,
        queue: String,
        exchange: &str,
        arguments: FieldTable,
    ) -> Result<(), Outage> {
        let channel = &link.channel;
        let name: lapin::types::ShortString = queue.into();
        link.setup(channel.queue_declare(name.clone(), QueueDeclareOptions::durable(), arguments)).await?;
        let (key, options) = (self.site.as_str().into(), QueueBindOptions::default());
        link.setup(channel.queue_bind(name, exchange.into(), key, options, FieldTable::default())).await
    }

    fn queue(&self, kind: &str) -> String {
        format!("drover.{}.{kind}", self.site)
    }
}

impl Session<'_> {
    /// Ok = the shell is gone; nothing more is acknowledged.
    async fn run(&mut self) -> Result<(), Outage> {
        loop {
            tokio::select! {
                biased;
                Some(answered) = self.unanswered.next() => {
                    if !self.settle(answered).await? {
                        return Ok(());
                    }
                    self.show_unanswered();
                },
                () = self.source.submissions.closed() => return Ok(()),
                next = self.consumer.next() => match next {
                    Some(delivery) => self.take(delivery?).await?,
                    None => return Err(Outage::Cancelled),
                },
            }
        }
    }

    /// A delivery: to the shell, or to the dead-letter queue.
    async fn take(&mut self, delivery: Delivery) -> Result<(), Outage> {
        metrics::counter!("drover_jobs_received_total").increment(1);
        let came = Instant::now();
        let request = match super::read(&delivery.data) {
            Ok(request) => request,
            Err(rejection) => {
                let job = rejection.job_id;
                let refusal = Refusal { code: rejection.code.as_str(), reason: rejection.reason, job };
                return self.refuse(&delivery, refusal).await;
            }
        };
        let (submission, verdict) = Submission::job(request);
        // The shell is gone: `run` sees it next.
        if self.source.submissions.send(submission).await.is_ok() {
            self.unanswered.push_back(Box::pin(async move { (delivery, came, verdict.await) }));
            self.show_unanswered();
        }
        Ok(())
    }

    fn show_unanswered(&self) {
        metrics::gauge!("drover_intake_unanswered").set(self.unanswered.len() as f64);
    }

    /// Everything that has its verdict, in order, acknowledged at once; false = the shell is gone.
    async fn settle(&mut self, first: Answered) -> Result<bool, Outage> {
        let (mut next, mut done) = (Some(first), None);
        while let Some((delivery, came, verdict)) = next {
            metrics::histogram!("drover_intake_seconds").record(came.elapsed().as_secs_f64());
            match verdict {
                Ok(Verdict::Accepted) => done = Some(count("accepted", delivery)),
                Ok(Verdict::Ignored) => done = Some(count("ignored", delivery)),
                Ok(Verdict::Rejected { code, reason }) => {
                    self.acknowledge_up_to(done.take()).await?;
                    self.refuse(&delivery, Refusal { code, reason, job: None }).await?;
                }
                Err(_) => return Ok(false),
            }
            next = self.unanswered.next().now_or_never().flatten();
        }
        self.acknowledge_up_to(done).await?;
        Ok(true)
    }

    /// Everything before it has been answered too: verdicts come in order, and what is refused at sight is acknowledged then.
    async fn acknowledge_up_to(&mut self, last: Option<Delivery>) -> Result<(), Outage> {
        match last {
            Some(last) => self.acknowledge(&last, BasicAckOptions { multiple: true }).await,
            None => Ok(()),
        }
    }

    async fn acknowledge(&mut self, delivery: &Delivery, options: BasicAckOptions) -> Result<(), Outage> {
        self.link.taken("acknowledging", delivery.acker.ack(options)).await?;
        Ok(())
    }

    /// Safe in the dead-letter queue first, acknowledged then: between the two it may come twice, never not at all.
    async fn refuse(&mut self, delivery: &Delivery, refusal: Refusal) -> Result<(), Outage> {
        poison::bury(&self.link, &self.source.site, delivery, &refusal).await?;
        metrics::counter!("drover_dead_letters_total", "code" => refusal.code).increment(1);
        metrics::counter!("drover_intake_answers_total", "answer" => "refused").increment(1);
        let Refusal { code, reason, job } = refusal;
        tracing::warn!(code, reason, job, "a job message was refused and dead-lettered");
        self.acknowledge(delivery, BasicAckOptions::default()).await
    }
}

fn count(answer: &'static str, delivery: Delivery) -> Delivery {
    metrics::counter!("drover_intake_answers_total", "answer" => answer).increment(1);
    delivery
}

/// How the site's queue of this kind is declared.
pub(crate) fn queue_arguments(kind: &str, site: &str) -> FieldTable {
    let mut arguments = table([("x-queue-type", text("quorum"))]);
    if kind == "jobs" {
        arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(DELIVERY_LIMIT));
        arguments.insert("x-dead-letter-exchange".into(), text(DEAD_EXCHANGE));
        arguments.insert("x-dead-letter-routing-key".into(), text(site));
    }
    arguments
}

fn table<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in entries {
        table.insert(key.into(), value);
    }
    table
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}
