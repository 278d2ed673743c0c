//! A standby's side: what the leader wrote, once a second, as a picture of a process that doesn't lead.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use redis::Client;
use redis::aio::MultiplexedConnection;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::{FORMAT, JOBS, Keys, Outage, PART, PAUSE, READ_EVERY, ROBOTS, SITE, STATIONS, connect, limited};
use crate::telemetry::Health;
use crate::view::{Ground, JobView, RobotView, StationView, View};

/// Reads the pictures of whoever leads.
pub(super) struct Reader {
    client: Client,
    keys: Keys,
    site: String,
    views: watch::Sender<Arc<View>>,
    health: Health,
    /// Epoch and write of the last picture.
    seen: Option<(u64, u64)>,
    parts: Parts,
}

/// What was read last, with its text: a part whose text is the same stays the same `Arc`.
#[derive(Default)]
struct Parts {
    robots: Known<RobotView>,
    jobs: Known<JobView>,
    stations: Known<StationView>,
}

type Known<T> = HashMap<String, (String, Arc<T>)>;
type Hash = HashMap<String, String>;

impl Reader {
    pub(super) fn new(
        client: Client,
        keys: Keys,
        site: &str,
        views: watch::Sender<Arc<View>>,
        health: Health,
    ) -> Reader {
        let site = site.to_owned();
        Reader { client, keys, site, views, health, seen: None, parts: Parts::default() }
    }

    /// Reads for as long as it is let; every outage is waited out, and leaves the last picture where it is.
    pub(super) async fn serve(mut self) {
        loop {
            let Err(outage) = self.connected().await;
            self.health.down(PART, outage.to_string());
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn connected(&mut self) -> Result<std::convert::Infallible, Outage> {
        let mut connection = connect(&self.client).await?;
        loop {
            self.look(&mut connection).await?;
            self.health.up(PART);
            tokio::time::sleep(READ_EVERY).await;
        }
    }

    async fn look(&mut self, connection: &mut MultiplexedConnection) -> Result<(), Outage> {
        let mut place = redis::cmd("HMGET");
        place.arg(&self.keys.head).arg(&["epoch", "write"]);
        let (epoch, write): (Option<u64>, Option<u64>) = limited(place.query_async(connection)).await?;
        let Some(place) = epoch.zip(write).filter(|place| self.seen != Some(*place)) else { return Ok(()) };
        let mut all = redis::pipe();
        all.atomic().cmd("HGETALL").arg(&self.keys.head);
        for key in &self.keys.hashes {
            all.cmd("HGETALL").arg(key);
        }
        let (head, robots, jobs, stations, site): (Hash, Hash, Hash, Hash, Hash) =
            limited(all.query_async(connection)).await?;
        if let Some(view) = self.view(&head, [robots, jobs, stations, site])? {
            self.seen = Some(place);
            self.views.send_modify(|shown| {
                // Who leads is the lease's word, not the cache's.
                let leader = shown.leader.clone();
                *shown = Arc::new(View { leader, ..view });
            });
        }
        Ok(())
    }

    /// None = the keys went away, or another version wrote them.
    fn view(&mut self, head: &Hash, mut hashes: [Hash; 4]) -> Result<Option<View>, Outage> {
        if head.get("format").map(String::as_str) != Some(FORMAT) {
            return Ok(None);
        }
        let site = std::mem::take(&mut hashes[SITE]);
        let key = &self.keys.hashes;
        let Parts { robots, jobs, stations } = &mut self.parts;
        renew(robots, std::mem::take(&mut hashes[ROBOTS]), &key[ROBOTS])?;
        renew(jobs, std::mem::take(&mut hashes[JOBS]), &key[JOBS])?;
        renew(stations, std::mem::take(&mut hashes[STATIONS]), &key[STATIONS])?;
        let jobs: BTreeMap<u64, Arc<JobView>> =
            jobs.values().map(|(_, job)| (job.admitted, Arc::clone(job))).collect();
        Ok(Some(View {
            site: self.site.clone(),
            at_ms: number(head, "at_ms")?,
            speed: number(head, "speed")?,
            seq: number(head, "seq")?,
            epoch: number(head, "epoch")?,
            leader: String::new(),
            leads: false,
            robots: in_order(robots, list::<String>(&site, "robots")?),
            jobs: jobs.into_values().collect(),
            jobs_left_out: number(head, "jobs_left_out")?,
            stations: in_order(stations, list::<String>(&site, "stations")?),
            zones: shared(list(&site, "zones")?),
            devices: shared(list(&site, "devices")?),
            // A leader of an earlier version writes none.
            blocked_edges: site
                .contains_key("blocked_edges")
                .then(|| list(&site, "blocked_edges"))
                .transpose()?
                .map(shared)
                .unwrap_or_default(),
            alarms: shared(list(&site, "alarms")?),
            audit: shared(list(&site, "audit")?),
            ground: Ground::default(),
        }))
    }
}

/// Takes the new texts over: parts with another text are read, parts without one are forgotten.
fn renew<T: DeserializeOwned>(known: &mut Known<T>, texts: Hash, key: &str) -> Result<(), Outage> {
    known.retain(|field, _| texts.contains_key(field));
    for (field, text) in texts {
        if known.get(&field).is_some_and(|(before, _)| *before == text) {
            continue;
        }
        let part = serde_json::from_str(&text).map_err(|_| Outage::Unreadable(format!("{key} {field}")))?;
        known.insert(field, (text, Arc::new(part)));
    }
    Ok(())
}

fn in_order<T>(known: &Known<T>, names: Vec<String>) -> Vec<Arc<T>> {
    names.iter().filter_map(|name| known.get(name)).map(|(_, part)| Arc::clone(part)).collect()
}

fn list<T: DeserializeOwned>(site: &Hash, field: &str) -> Result<Vec<T>, Outage> {
    let unreadable = || Outage::Unreadable(format!("the field `{field}`"));
    serde_json::from_str(site.get(field).ok_or_else(unreadable)?).map_err(|_| unreadable())
}

fn shared<T>(parts: Vec<T>) -> Vec<Arc<T>> {
    parts.into_iter().map(Arc::new).collect()
}

fn number<T: std::str::FromStr>(head: &Hash, field: &str) -> Result<T, Outage> {
    let value = head.get(field).and_then(|value| value.parse().ok());
    value.ok_or_else(|| Outage::Unreadable(format!("the field `{field}`")))
}
