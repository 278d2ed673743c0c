//! `drover check`: everything a start needs, looked at without starting; a table of what is right and wrong.
//!
//! It changes nothing that lasts: no table, no database file, no exchange, and no queue that outlives the look.

mod cache;
mod files;
mod jobs;
mod robots;
mod store;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use drover_maps::{Layout, Severity};
use serde::Serialize;

use crate::config::{Config, Enroll};
use crate::map;

pub(crate) use files::PLACEHOLDER;

/// How long a peer may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// How long whoever listens on our address may take.
const NEIGHBOUR_MAX: Duration = Duration::from_secs(1);

/// How a row is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Right,
    /// A start will do; something won't work as meant.
    Warning,
    /// A start won't do.
    Wrong,
}

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was looked at.
    pub what: &'static str,
    /// How it is judged.
    pub verdict: Verdict,
    /// It isn't wrong.
    pub is_right: bool,
    /// What was found, and the mend when it isn't right.
    pub detail: String,
}

impl Row {
    fn new(what: &'static str, verdict: Verdict, detail: impl Into<String>) -> Row {
        Row { what, verdict, is_right: verdict != Verdict::Wrong, detail: detail.into() }
    }

    fn right(what: &'static str, detail: impl Into<String>) -> Row {
        Row::new(what, Verdict::Right, detail)
    }

    fn warning(what: &'static str, detail: impl Into<String>) -> Row {
        Row::new(what, Verdict::Warning, detail)
    }

    fn wrong(what: &'static str, detail: impl Into<String>) -> Row {
        Row::new(what, Verdict::Wrong, detail)
    }

    fn of(what: &'static str, result: Result<String, String>) -> Row {
        match result {
            Ok(detail) => Row::right(what, detail),
            Err(detail) => Row::wrong(what, detail),
        }
    }
}

/// Looks at everything. Each row stands for itself; without a configuration there is only the first.
pub async fn check(file: &Path) -> Vec<Row> {
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(error) => {
            let problems = error.problems.iter();
            return problems.map(|problem| Row::wrong("configuration", problem.to_string())).collect();
        }
    };
    let mut rows = vec![Row::right("configuration", format!("site {}", config.site))];
    let (layout, found) = layout(&config);
    rows.extend(found);
    rows.extend(files::rows(&config, layout.as_ref()));
    let (mqtt, jobs, store, cache) = tokio::join!(
        robots::rows(&config, layout.as_ref()),
        jobs::rows(&config),
        store::rows(&config),
        cache::row(&config)
    );
    rows.extend(mqtt.into_iter().chain(jobs).chain(store));
    rows.push(cache);
    rows.push(address(config.listen));
    rows
}

/// Prints the table. True = nothing wrong.
pub fn print(rows: &[Row], json: bool) -> bool {
    let is_right = rows.iter().all(|row| row.is_right);
    if json {
        println!("{}", serde_json::json!({ "ok": is_right, "rows": rows }));
        return is_right;
    }
    for row in rows {
        let word = match row.verdict {
            Verdict::Right => "right  ",
            Verdict::Warning => "warning",
            Verdict::Wrong => "WRONG  ",
        };
        println!("{word}  {:<14} {}", row.what, row.detail);
    }
    let count = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    println!(
        "{} right, {} warnings, {} wrong",
        count(Verdict::Right),
        count(Verdict::Warning),
        count(Verdict::Wrong)
    );
    is_right
}

fn layout(config: &Config) -> (Option<Layout>, Vec<Row>) {
    let compiled = match map::load(&config.layout, config.site_file.as_deref()) {
        Ok(compiled) => compiled,
        Err(error) => return (None, vec![Row::wrong("layout", error.to_string())]),
    };
    let layout = &compiled.layout;
    let size = format!(
        "{} nodes, {} edges, {} stations, {} robots",
        layout.node_count(),
        layout.edge_count(),
        layout.stations().len(),
        layout.robots().len()
    );
    let mut rows = vec![Row::right("layout", size)];
    if layout.robots().is_empty() && config.enroll == Enroll::Configured {
        let mend =
            "no robot may join: name them as [[robot]] in site.toml, or set key `robots.enroll` to \"auto\"";
        rows.push(Row::wrong("robots", mend));
    }
    rows.extend(compiled.findings.iter().map(|finding| {
        let verdict = match finding.severity {
            Severity::Error => Verdict::Wrong,
            Severity::Warning => Verdict::Warning,
        };
        Row::new("layout", verdict, finding.to_string())
    }));
    (Some(compiled.layout), rows)
}

fn address(listen: SocketAddr) -> Row {
    match std::net::TcpListener::bind(listen) {
        Ok(_) => Row::right("http", format!("{listen} is free")),
        Err(_) if is_drover(listen) => Row::warning(
            "http",
            format!(
                "{listen}: a controller runs there already; a second one needs another key `http.listen`"
            ),
        ),
        Err(error) => Row::wrong(
            "http",
            format!("{listen}: {error}; stop what listens there or mend key `http.listen`"),
        ),
    }
}

/// Whether whoever listens there answers as a controller does.
fn is_drover(listen: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&listen, NEIGHBOUR_MAX)?;
        stream.set_read_timeout(Some(NEIGHBOUR_MAX))?;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: drover\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.take(4_096).read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    ask().is_ok_and(|answer| answer.ends_with("alive\n"))
}

async fn within<T>(limit: Duration, looking: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    match tokio::time::timeout(limit, looking).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {} s; is the address right?", limit.as_secs())),
    }
}
