//! The cache, as `drover check` sees it.

use super::{ANSWER_MAX, Row, within};
use crate::config::Config;
use crate::readmodel;

pub(super) async fn row(config: &Config) -> Row {
    Row::of("cache", look(config).await)
}

async fn look(config: &Config) -> Result<String, String> {
    let Some(url) = &config.cache else { return Ok("none".to_owned()) };
    within(ANSWER_MAX, async {
        match readmodel::ping(url, &config.cache_trust).await {
            Ok(()) => Ok(format!("{url} answers")),
            Err(error) => Err(format!("{url}: {error}; start Redis, mend key `cache.url` or write \"none\"")),
        }
    })
    .await
}
