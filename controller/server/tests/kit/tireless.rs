//! Customers' programs that outlast kills of the broker: a producer that sends again what wasn't confirmed, and a consumer
//! that hears every event.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use tokio::task::JoinHandle;

use super::amqp::{Message, read};

/// Pause before the next connection.
const RECONNECT: Duration = Duration::from_millis(200);
/// Messages published before their confirms are awaited.
const BATCH: usize = 1_000;
/// Events handed over and not yet acknowledged, at most.
const PREFETCH: u16 = 1_024;
/// How long the broker may take to confirm a batch, or to say that it is still there.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Publishes all bodies in order. A batch that isn't confirmed whole is sent again, whole: its order is kept, and some of
/// it may come twice.
pub async fn publish(url: &str, exchange: &str, key: &str, bodies: &[String]) {
    for batch in bodies.chunks(BATCH) {
        loop {
            let sent = tokio::time::timeout(ANSWER_MAX, publish_batch(url, exchange, key, batch));
            if matches!(sent.await, Ok(Ok(true))) {
                break;
            }
            tokio::time::sleep(RECONNECT).await;
        }
    }
}

/// Over a connection of its own; true = every message is safe in a queue.
async fn publish_batch(url: &str, exchange: &str, key: &str, batch: &[String]) -> lapin::Result<bool> {
    let (connection, channel) = connect(url).await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut confirms = Vec::with_capacity(batch.len());
    for body in batch {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = BasicProperties::default().with_delivery_mode(2);
        let publish =
            channel.basic_publish(exchange.into(), key.into(), options, body.as_bytes(), properties);
        confirms.push(publish.await?);
    }
    let mut is_whole = true;
    for confirm in confirms {
        let confirmation = confirm.await?;
        is_whole &= confirmation.is_ack() && confirmation.take_message().is_none();
    }
    connection.close(200, "done".into()).await?;
    Ok(is_whole)
}

async fn connect(url: &str) -> lapin::Result<(Connection, Channel)> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    Ok((connection, channel))
}

/// Hears every message of a queue, connecting again for ever.
pub struct Listener<T> {
    book: Arc<Mutex<T>>,
    task: JoinHandle<()>,
}

impl<T: Send + 'static> Listener<T> {
    /// `note` writes each message into the book before it is acknowledged.
    pub fn start(url: String, queue: &'static str, book: T, note: fn(&mut T, &Message)) -> Listener<T> {
        let book = Arc::new(Mutex::new(book));
        let pages = Arc::clone(&book);
        let task = tokio::spawn(async move {
            loop {
                // Whatever ended the connection: what wasn't acknowledged comes again.
                let _ = listen(&url, queue, |message| note(&mut pages.lock().unwrap(), message)).await;
                tokio::time::sleep(RECONNECT).await;
            }
        });
        Listener { book, task }
    }

    /// Looks at what was heard so far; a note that failed fails here.
    pub fn read<R>(&self, question: impl FnOnce(&T) -> R) -> R {
        assert!(!self.task.is_finished(), "a message broke the rules: see the panic of its listener");
        question(&self.book.lock().unwrap())
    }
}

impl<T> Drop for Listener<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(url: &str, queue: &str, mut note: impl FnMut(&Message)) -> lapin::Result<()> {
    let (_connection, channel) = connect(url).await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
    let mut consumer = channel.basic_consume(queue.into(), "listener".into(), options, none).await?;
    while let Some(first) = consumer.next().await {
        let mut last = first?;
        note(&read(&last));
        while let Some(Some(next)) = consumer.next().now_or_never() {
            last = next?;
            note(&read(&last));
        }
        last.acker.ack(BasicAckOptions { multiple: true }).await?;
    }
    Ok(())
}
