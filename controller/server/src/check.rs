//! `drover check`: everything a start needs, looked at without starting; a table of what is right and wrong.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use drover_maps::Severity;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet};
use serde::Serialize;

use crate::config::{Config, Enroll, Mqtt, Peer, SecretUrl};
use crate::store::Store;
use crate::{map, mqtt};

/// How long a peer may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was looked at.
    pub what: &'static str,
    /// It is as it should be.
    pub is_right: bool,
    /// What was found, and the mend when it is wrong.
    pub detail: String,
}

impl Row {
    fn of(what: &'static str, result: Result<String, String>) -> Row {
        let is_right = result.is_ok();
        Row { what, is_right, detail: result.unwrap_or_else(|error| error) }
    }
}

/// Looks at everything. Each row stands for itself; without a configuration there is only the first.
pub async fn check(file: &Path) -> Vec<Row> {
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(error) => {
            let problems = error.problems.iter();
            return problems.map(|problem| Row::of("configuration", Err(problem.to_string()))).collect();
        }
    };
    let mut rows = vec![Row::of("configuration", Ok(format!("site {}", config.site)))];
    rows.extend(layout(&config));
    let (mqtt, jobs, store, cache) =
        tokio::join!(robots_broker(&config), jobs_broker(&config.jobs), store(&config), cache(&config));
    rows.push(Row::of("mqtt", mqtt));
    rows.push(Row::of("jobs", jobs));
    rows.push(Row::of("store", store));
    rows.push(Row::of("cache", cache));
    rows.push(Row::of("http", address(config.listen)));
    rows
}

/// Prints the table. True = all right.
pub fn print(rows: &[Row], json: bool) -> bool {
    let is_right = rows.iter().all(|row| row.is_right);
    if json {
        println!("{}", serde_json::json!({ "ok": is_right, "rows": rows }));
        return is_right;
    }
    for row in rows {
        let word = if row.is_right { "right" } else { "WRONG" };
        println!("{word}  {:<14} {}", row.what, row.detail);
    }
    is_right
}

fn layout(config: &Config) -> Vec<Row> {
    let compiled = match map::load(&config.layout, config.site_file.as_deref()) {
        Ok(compiled) => compiled,
        Err(error) => return vec![Row::of("layout", Err(error.to_string()))],
    };
    let layout = &compiled.layout;
    let size = format!(
        "{} nodes, {} edges, {} stations, {} robots",
        layout.node_count(),
        layout.edge_count(),
        layout.stations().len(),
        layout.robots().len()
    );
    let mut rows = vec![Row::of("layout", Ok(size))];
    if layout.robots().is_empty() && config.enroll == Enroll::Configured {
        let mend =
            "no robot may join: name them as [[robot]] in site.toml, or set key `robots.enroll` to \"auto\"";
        rows.push(Row::of("robots", Err(mend.to_owned())));
    }
    rows.extend(compiled.findings.iter().map(|finding| Row {
        what: "layout",
        is_right: finding.severity != Severity::Error,
        detail: finding.to_string(),
    }));
    rows
}

async fn robots_broker(config: &Config) -> Result<String, String> {
    match &config.mqtt.peer {
        Peer::Embedded => Ok("embedded".to_owned()),
        Peer::Url(url) => within(ANSWER_MAX, greet(&config.mqtt, url, &config.site)).await,
    }
}

/// Connects under a name of its own: the site's own would throw a running controller out.
async fn greet(mqtt: &Mqtt, url: &SecretUrl, site: &str) -> Result<String, String> {
    let mqtt::Address { host, port, login } = mqtt::address(url).map_err(|error| error.to_string())?;
    let mut options = MqttOptions::new(format!("drover-check-{site}-{}", std::process::id()), host, port);
    let given = mqtt.username.clone().zip(mqtt.password.as_ref().map(|secret| secret.reveal().to_owned()));
    if let Some((user, password)) = login.or(given) {
        options.set_credentials(user, password);
    }
    let (_client, mut events) = AsyncClient::new(options, 10);
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => return Ok(format!("{url} answers")),
            Ok(_) => {}
            Err(error) => return Err(format!("{url}: {error}; start the broker or mend key `mqtt.url`")),
        }
    }
}

async fn jobs_broker(peer: &Peer) -> Result<String, String> {
    let Peer::Url(url) = peer else { return Ok("embedded: jobs come by gRPC only".to_owned()) };
    within(ANSWER_MAX, async {
        let properties = lapin::ConnectionProperties::default();
        match lapin::Connection::connect(url.reveal(), properties).await {
            Ok(_) => Ok(format!("{url} answers")),
            Err(error) => Err(format!("{url}: {error}; start RabbitMQ or mend key `jobs.url`")),
        }
    })
    .await
}

async fn store(config: &Config) -> Result<String, String> {
    let url = &config.store;
    let wrong = |error: String| format!("{url}: {error}; start the database or mend key `store.url`");
    within(ANSWER_MAX, async {
        let store = Store::connect(url.reveal()).await.map_err(|error| wrong(error.to_string()))?;
        store.ping().await.map_err(|error| wrong(error.to_string()))?;
        let lease = store.lease(&config.site).await.map_err(|error| wrong(error.to_string()))?;
        store.close().await;
        Ok(match lease {
            Some(lease) => format!("{url} answers; journal up to {}, epoch {}", lease.tip.0, lease.epoch.0),
            None => format!("{url} answers; no journal of this site yet"),
        })
    })
    .await
}

async fn cache(config: &Config) -> Result<String, String> {
    let Some(url) = &config.cache else { return Ok("none".to_owned()) };
    let rest = url.reveal().split_once("://").map_or("", |(_, rest)| rest);
    let host = rest.rsplit('@').next().unwrap_or_default().split('/').next().unwrap_or_default();
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:6379") };
    within(ANSWER_MAX, async {
        match tokio::net::TcpStream::connect(&host).await {
            Ok(_) => Ok(format!("{url} answers")),
            Err(error) => Err(format!("{url}: {error}; start Redis, mend key `cache.url` or write \"none\"")),
        }
    })
    .await
}

fn address(listen: SocketAddr) -> Result<String, String> {
    match std::net::TcpListener::bind(listen) {
        Ok(_) => Ok(format!("{listen} is free")),
        Err(error) => Err(format!("{listen}: {error}; stop what listens there or mend key `http.listen`")),
    }
}

async fn within(
    limit: Duration,
    looking: impl Future<Output = Result<String, String>>,
) -> Result<String, String> {
    match tokio::time::timeout(limit, looking).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {} s; is the address right?", limit.as_secs())),
    }
}
