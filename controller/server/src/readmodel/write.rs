//! The leader's side: each picture into Redis, only what changed, in one script.

use std::sync::Arc;
use std::time::Instant;

use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd};
use tokio::sync::watch;

use super::changes::Changes;
use super::{FORMAT, Keys, Outage, PART, PAUSE, RENEW_EVERY, TTL, WRITE_EVERY, connect, limited};
use crate::telemetry::Health;
use crate::view::View;

/// Refuses a leader that was followed by another one, and changes that aren't on top of our own last write.
/// ARGV: epoch, the write before ('' = write whole), ttl, the four counts, then head fields, sets and removals, each
/// list after its length.
const SCRIPT: &str = "
local head = redis.call('HMGET', KEYS[1], 'epoch', 'write')
local epoch = head[1] and tonumber(head[1]) or 0
if epoch > tonumber(ARGV[1]) then return 'fenced' end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
elseif head[1] ~= ARGV[1] or head[2] ~= ARGV[2] then
  return 'gone'
end
local at = 8
local last = at + tonumber(ARGV[at]) * 2
while at < last do
  redis.call('HSET', KEYS[1], ARGV[at + 1], ARGV[at + 2])
  at = at + 2
end
at = at + 1
last = at + tonumber(ARGV[at]) * 3
while at < last do
  redis.call('HSET', KEYS[tonumber(ARGV[at + 1]) + 2], ARGV[at + 2], ARGV[at + 3])
  at = at + 3
end
at = at + 1
last = at + tonumber(ARGV[at]) * 2
while at < last do
  redis.call('HDEL', KEYS[tonumber(ARGV[at + 1]) + 2], ARGV[at + 2])
  at = at + 2
end
for key = 1, 5 do
  redis.call('EXPIRE', KEYS[key], ARGV[3])
  if key > 1 and redis.call('HLEN', KEYS[key]) ~= tonumber(ARGV[key + 2]) then return 'gone' end
end
return 'ok'";

/// Writes the pictures of one leader.
pub(super) struct Writer {
    client: Client,
    keys: Keys,
    epoch: u64,
    views: watch::Receiver<Arc<View>>,
    health: Health,
    /// What Redis shows, as far as we know.
    shown: Option<Arc<View>>,
    /// Writes of this leader so far.
    writes: u64,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Written,
    /// Redis doesn't show what we wrote before.
    Gone,
    /// A newer leader has written.
    Fenced,
}

impl Writer {
    pub(super) fn new(
        client: Client,
        keys: Keys,
        epoch: u64,
        views: watch::Receiver<Arc<View>>,
        health: Health,
    ) -> Writer {
        Writer { client, keys, epoch, views, health, shown: None, writes: 0 }
    }

    /// Writes until nobody makes pictures any more; every outage is waited out.
    pub(super) async fn serve(mut self) {
        while let Err(outage) = self.connected().await {
            metrics::counter!("drover_cache_writes_total", "outcome" => "failed").increment(1);
            self.health.down(PART, outage.to_string());
            self.shown = None;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn connected(&mut self) -> Result<(), Outage> {
        let mut connection = connect(&self.client).await?;
        loop {
            let view = Arc::clone(&self.views.borrow_and_update());
            if view.is_known() && view.leads {
                self.show(&mut connection, view).await?;
                self.health.up(PART);
            }
            tokio::time::sleep(WRITE_EVERY).await;
            let renew = tokio::time::timeout(RENEW_EVERY - WRITE_EVERY, self.views.changed());
            if let Ok(Err(_)) = renew.await {
                return Ok(());
            }
        }
    }

    /// Writes what changed; whole when Redis lost it.
    async fn show(&mut self, connection: &mut MultiplexedConnection, view: Arc<View>) -> Result<(), Outage> {
        let mut outcome = self.write(connection, &view).await?;
        if outcome == Outcome::Gone {
            self.shown = None;
            outcome = self.write(connection, &view).await?;
        }
        self.shown = (outcome == Outcome::Written).then_some(view);
        Ok(())
    }

    async fn write(
        &mut self,
        connection: &mut MultiplexedConnection,
        view: &View,
    ) -> Result<Outcome, Outage> {
        let started = Instant::now();
        let command = self.command(view);
        let is_whole = self.shown.is_none();
        self.writes += 1;
        let answer = limited(command.query_async::<String>(connection)).await?;
        metrics::histogram!("drover_cache_write_seconds").record(started.elapsed().as_secs_f64());
        let (outcome, word) = match answer.as_str() {
            "ok" if is_whole => (Outcome::Written, "whole"),
            "ok" => (Outcome::Written, "changes"),
            "gone" => return Ok(Outcome::Gone),
            "fenced" => (Outcome::Fenced, "fenced"),
            other => return Err(Outage::Unreadable(format!("the answer `{other}`"))),
        };
        metrics::counter!("drover_cache_writes_total", "outcome" => word).increment(1);
        if outcome == Outcome::Fenced {
            tracing::debug!(epoch = self.epoch, "a newer leader's view is in Redis: ours isn't written");
        }
        Ok(outcome)
    }

    fn command(&self, view: &View) -> Cmd {
        let changes = Changes::between(self.shown.as_deref(), view);
        let before = self.shown.as_ref().map(|_| self.writes.to_string()).unwrap_or_default();
        let mut command = redis::cmd("EVAL");
        command.arg(SCRIPT).arg(5).arg(&self.keys.head).arg(&self.keys.hashes);
        command.arg(self.epoch).arg(before).arg(TTL.as_secs()).arg(&changes.counts[..]);
        let head = [
            ("format", FORMAT.to_owned()),
            ("seq", view.seq.to_string()),
            ("epoch", self.epoch.to_string()),
            ("write", (self.writes + 1).to_string()),
            ("at_ms", view.at_ms.to_string()),
            ("speed", view.speed.to_string()),
            ("leader", view.leader.clone()),
            ("jobs_left_out", view.jobs_left_out.to_string()),
        ];
        command.arg(head.len());
        for (field, value) in head {
            command.arg(field).arg(value);
        }
        command.arg(changes.set.len());
        for (hash, field, value) in changes.set {
            command.arg(hash).arg(field).arg(value);
        }
        command.arg(changes.removed.len());
        for (hash, field) in changes.removed {
            command.arg(hash).arg(field);
        }
        command
    }
}
