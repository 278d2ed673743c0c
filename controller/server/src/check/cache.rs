//! The cache, as `drover check` sees it.

use super::{ANSWER_MAX, Row, within};
use crate::config::Config;

pub(super) async fn row(config: &Config) -> Row {
    Row::of("cache", look(config).await)
}

async fn look(config: &Config) -> Result<String, String> {
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
