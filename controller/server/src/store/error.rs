//! What can go wrong with the store, one enum per operation.

use std::time::Duration;

use drover_core::id::{Epoch, JobId, Seq};
use drover_core::record::DecodeError;

/// The world's fault: try again. Whether a write took effect is unknown.
#[derive(Debug, thiserror::Error)]
#[error("reach the store: {0}")]
pub struct Unavailable(String);

impl Unavailable {
    pub(super) fn too_slow(limit: Duration) -> Self {
        Unavailable(format!("no answer within {} s", limit.as_secs()))
    }

    /// The database answers, and has no such table.
    pub(super) fn is_no_table(&self) -> bool {
        ["no such table", "does not exist"].iter().any(|words| self.0.contains(words))
    }
}

impl From<sqlx::Error> for Unavailable {
    fn from(error: sqlx::Error) -> Self {
        Unavailable(error.to_string())
    }
}

/// Why a store can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody's scheme.
    #[error("open the store: `{0}:` is no store's scheme; use sqlite:PATH or postgres://USER@HOST/DATABASE")]
    UnknownScheme(String),
    /// The scheme is known, the rest isn't.
    #[error("open the store: its URL can't be read: {0}")]
    BadUrl(String),
    /// The database can't be reached now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why the leadership wasn't taken.
#[derive(Debug, thiserror::Error)]
pub enum LeadError {
    /// Somebody else took it at the same moment.
    #[error("lead site {site}: another process took the lease at the same moment")]
    Contended {
        /// The site.
        site: String,
    },
    /// The database can't be reached now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a record wasn't appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another epoch leads the site: this process must end.
    #[error("append to the journal of {site}: epoch {leads:?} leads, ours is {ours:?}")]
    Fenced {
        /// The site.
        site: String,
        /// The record's epoch.
        ours: Epoch,
        /// The epoch that leads.
        leads: Epoch,
    },
    /// Our bug: the record doesn't follow the journal's last one.
    #[error("append to the journal of {site}: record starts at {from:?}, the journal ends at {tip:?}")]
    OutOfPlace {
        /// The site.
        site: String,
        /// The record's first place.
        from: Seq,
        /// The journal's last place.
        tip: Seq,
    },
    /// Our bug: a job that was accepted before is accepted again.
    #[error("append to the journal of {site}: job {job} was accepted before")]
    JobTwice {
        /// The site.
        site: String,
        /// The job.
        job: JobId,
    },
    /// Our bug: the record has no bytes.
    #[error("append to the journal of {site}: the record at {from:?} can't be encoded")]
    Unencodable {
        /// The site.
        site: String,
        /// The record's first place.
        from: Seq,
    },
    /// The database can't be reached now, or the outcome is unknown: append the same record again.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a journal can't be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A record isn't what was written.
    #[error("read the journal of {site}: the record at {seq:?} is damaged: {reason}")]
    Damaged {
        /// The site.
        site: String,
        /// The damaged record's first place.
        seq: Seq,
        /// What is wrong with it.
        reason: String,
    },
    /// A record is missing.
    #[error("read the journal of {site}: the record at {expected:?} is missing, the next is at {found:?}")]
    Gap {
        /// The site.
        site: String,
        /// The place that should come.
        expected: Seq,
        /// The place that comes, or the journal's promised end.
        found: Seq,
    },
    /// Two whole records that weren't written one after the other.
    #[error(
        "read the journal of {site}: the record at {seq:?} was written after another one than the one that ends at \
         {before:?}: one of the two was exchanged, or restored from another backup"
    )]
    Unlinked {
        /// The site.
        site: String,
        /// The record's first place.
        seq: Seq,
        /// The last place of the one before it.
        before: Seq,
    },
    /// A whole record of a version this one can't read.
    #[error("read the journal of {site}: the record at {seq:?} is of another version: {source}")]
    Unreadable {
        /// The site.
        site: String,
        /// The record's first place.
        seq: Seq,
        /// What the decoder says.
        source: DecodeError,
    },
    /// Another process took the lease while the damaged last record was being cut.
    #[error("read the journal of {site}: another process took the lease")]
    Fenced {
        /// The site.
        site: String,
    },
    /// The database can't be reached now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a snapshot wasn't written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Another epoch leads the site.
    #[error("write a snapshot of {site}: epoch {leads:?} leads, ours is {ours:?}")]
    Fenced {
        /// The site.
        site: String,
        /// The writer's epoch.
        ours: Epoch,
        /// The epoch that leads.
        leads: Epoch,
    },
    /// The journal isn't as far as the snapshot yet: write it after the record is committed.
    #[error("write a snapshot of {site}: it is at {seq:?}, the journal ends at {tip:?}")]
    Ahead {
        /// The site.
        site: String,
        /// The snapshot's place.
        seq: Seq,
        /// The journal's last place.
        tip: Seq,
    },
    /// The database can't be reached now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

macro_rules! from_sqlx {
    ($($error:ty),+) => {
        $(impl From<sqlx::Error> for $error {
            fn from(error: sqlx::Error) -> Self {
                Unavailable::from(error).into()
            }
        })+
    };
}
from_sqlx!(ConnectError, LeadError, AppendError, LoadError, SnapshotError);
