//! The database, as `drover check` sees it. Looked at only: no file and no table is made.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{ANSWER_MAX, Row, within};
use crate::config::{Config, SecretUrl};
use crate::store::{Look, Store};
use crate::tls;

pub(super) async fn rows(config: &Config) -> Vec<Row> {
    let mut rows = vec![Row::of("store", look(config).await)];
    if is_in_the_clear(&config.store.url) {
        let mend = "passwords and the journal may travel in the clear; add ?sslmode=verify-full&sslrootcert=FILE \
                    to key `store.url`, or ?sslmode=disable where something else encrypts the way";
        rows.push(Row::warning("store", mend));
    }
    rows
}

async fn look(config: &Config) -> Result<String, String> {
    let url = &config.store.url;
    let wrong = |error: &dyn std::fmt::Display| {
        let told = tls::told(&error, "sslrootcert of store.url");
        format!("{url}: {told}; start the database or mend key `store.url`")
    };
    let look = within(ANSWER_MAX, async {
        Store::look(url.reveal(), &config.site).await.map_err(|error| wrong(&error))
    });
    Ok(match look.await? {
        Look::Absent => format!("{url} doesn't exist yet; `drover run` makes it"),
        Look::Empty => format!("{url} answers; no tables yet, `drover run` makes them"),
        Look::Forbidden => {
            let mend = "give the role a schema of its own, e.g. CREATE SCHEMA AUTHORIZATION the role";
            return Err(format!("{url} answers; no tables yet, and this role may not make them: {mend}"));
        }
        Look::Ready(None) => format!("{url} answers; no journal of this site yet"),
        Look::Ready(Some(lease)) => {
            let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            let leads = if u128::from(lease.expires.0) > now_ms { "leads" } else { "led last" };
            let (tip, epoch) = (lease.tip.0, lease.epoch.0);
            format!("{url} answers; journal up to {tip}; {} {leads}, epoch {epoch}", lease.holder)
        }
    })
}

/// A PostgreSQL on another machine, and nothing said of TLS: the driver then takes what the server offers, unproved.
fn is_in_the_clear(url: &SecretUrl) -> bool {
    let Some((scheme, rest)) = url.reveal().split_once("://") else { return false };
    if !scheme.starts_with("postgres") || rest.contains("sslmode=") {
        return false;
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let host = place.rsplit('@').next().unwrap_or_default().split('/').next().unwrap_or_default();
    let host = match host.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, _)) => host,
        None => host.rsplit_once(':').map_or(host, |(host, _)| host),
    };
    let is_socket = host.is_empty() || host.starts_with("%2F") || query.contains("host=/");
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    !is_socket && !is_here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_url_to_another_machine_is_in_the_clear() {
        let clear = |url: &str| is_in_the_clear(&SecretUrl::new(url));
        for url in
            ["postgres://d:p@db/drover", "postgresql://d@10.0.0.7:5432/drover", "postgres://d@[fd00::1]/x"]
        {
            assert!(clear(url), "{url}");
        }
        for url in [
            "postgres://d@127.0.0.1/drover",
            "postgres://d@localhost:5433/drover",
            "postgres://d@[::1]:5432/drover",
            "postgres://d@db/drover?sslmode=verify-full",
            "postgres:///drover?host=/run/postgresql",
            "sqlite:drover.db",
        ] {
            assert!(!clear(url), "{url}");
        }
    }
}
