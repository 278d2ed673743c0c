//! Replay: stepping the journal again gives the same commitments and the same digest.

use std::sync::Arc;

use drover_core::{Digest, Record};
use drover_maps::Layout;

use super::Breach;

/// Steps the records again; `live` is the digest the fleet has that wrote them.
pub(crate) fn replayed(
    layout: &Arc<Layout>,
    records: impl Iterator<Item = Record>,
    live: Digest,
) -> Option<Breach> {
    let fault = match drover_core::replay(layout.clone(), records, &mut |_, _, _| ()) {
        Ok(replayed) if replayed.digest == live => return None,
        Ok(replayed) => format!(
            "the journal gives digest {} at seq {}, the fleet has {live}",
            replayed.digest, replayed.seq.0
        ),
        Err(error) => error.to_string(),
    };
    Some(Breach::new("Replay", &[], fault))
}
