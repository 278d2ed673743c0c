//! Which layouts a start needs: those the journal was written on, from the store, and that of the site's files.

use std::sync::Arc;

use drover_core::{Layouts, Seq, Site, layouts_needed};
use drover_maps::Layout;

use super::LOAD_PAUSE;
use super::journal::keep_layout;
use super::lead::Led;
use crate::config::Config;
use crate::ground::{self, Files};
use crate::store::{LayoutSource, LoadError, Loaded, Store};

/// A layout and what it is compiled from.
type Read = (Arc<Layout>, LayoutSource);

/// The site's files as they are now; none, with the reason in the log, if they can't be used.
pub(super) async fn read(config: &Config) -> Option<Read> {
    let files = Files::of(config);
    match tokio::task::spawn_blocking(move || files.read()).await {
        Ok(Ok(read)) => Some(read),
        Ok(Err(error)) => {
            tracing::error!(%error, "the layout's files can't be used now: the journal's layout is");
            None
        }
        Err(_) => None,
    }
}

/// Everything that stepping the journal needs, as far as it is kept.
pub(super) async fn of_journal(
    store: &Store,
    site: &str,
    given: Arc<Layout>,
    loaded: &Loaded,
) -> Result<Layouts, LoadError> {
    let snapshot = loaded.snapshot.as_ref().map(|(_, bytes)| bytes.as_slice());
    let mut first = Arc::clone(&given);
    if snapshot.is_none()
        && let Some(begun_on) = heads(store, site).await.first()
        && let Some(layout) = fetch(store, site, *begun_on, &given).await?
    {
        first = layout;
    }
    let mut layouts = Layouts::from(first);
    layouts.add(Arc::clone(&given));
    for fingerprint in layouts_needed(snapshot, &loaded.records) {
        if let Some(layout) = fetch(store, site, fingerprint, &given).await? {
            layouts.add(layout);
        }
    }
    Ok(layouts)
}

async fn heads(store: &Store, site: &str) -> Vec<u64> {
    loop {
        match store.layouts(site).await {
            Ok(heads) => return heads,
            Err(error) => tracing::warn!(%error, "the kept layouts can't be read yet"),
        }
        tokio::time::sleep(LOAD_PAUSE).await;
    }
}

/// The layout of this fingerprint, if its source is kept and gives it.
pub(super) async fn fetch(
    store: &Store,
    site: &str,
    fingerprint: u64,
    given: &Arc<Layout>,
) -> Result<Option<Arc<Layout>>, LoadError> {
    if given.fingerprint() == fingerprint {
        return Ok(Some(Arc::clone(given)));
    }
    let source = loop {
        match store.layout(site, fingerprint).await {
            Ok(source) => break source,
            Err(LoadError::Unavailable(error)) => tracing::warn!(%error, "a kept layout can't be read yet"),
            Err(error) => return Err(error),
        }
        tokio::time::sleep(LOAD_PAUSE).await;
    };
    let Some(source) = source else { return Ok(None) };
    let layout = tokio::task::spawn_blocking(move || ground::compiled(&source)).await.unwrap_or_default();
    if layout.is_none() {
        tracing::warn!("this version makes another layout of the source of {fingerprint:016x}");
    }
    Ok(layout)
}

/// Keeps the source of the files' layout; gives that layout if the site isn't on it, nor on its way to it.
pub(super) async fn keep(led: &Led, site: &Site, files: Option<Read>, is_new: bool) -> Option<Arc<Layout>> {
    let (layout, source) = files?;
    let fleet = site.fleet();
    let present = fleet.layout().fingerprint();
    let since = if is_new { Seq(0) } else { Seq(site.seq().0 + u64::from(source.fingerprint != present)) };
    let is_kept = keep_layout(led, since, &source).await;
    let wanted = fleet.pending_layout().map_or(present, |pending| pending.fingerprint);
    (is_kept && wanted != source.fingerprint).then_some(layout)
}
