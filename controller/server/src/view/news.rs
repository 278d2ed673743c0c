//! What happens to jobs: the last notifications, and a way to follow them. It is filled after the commit; a listener that
//! is too slow is told so and slows nobody.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use drover_core::Notification;
use tokio::sync::broadcast;

/// Notifications kept.
pub const NEWS_KEPT_MAX: usize = 10_000;
/// How far a listener may fall behind, notifications.
const BEHIND_MAX: usize = 4_096;

/// A notification, shared by all who listen.
pub type JobNewsItem = Arc<Notification>;

/// The last notifications. Cheap to clone.
#[derive(Clone, Debug)]
pub struct News {
    kept: Arc<Mutex<VecDeque<JobNewsItem>>>,
    sender: broadcast::Sender<JobNewsItem>,
}

impl Default for News {
    fn default() -> News {
        News { kept: Arc::default(), sender: broadcast::Sender::new(BEHIND_MAX) }
    }
}

impl News {
    /// A notification has left the site. What comes again after a restart is known already.
    pub(crate) fn note(&self, notification: &Notification) {
        let mut kept = self.kept();
        if kept.back().is_some_and(|last| last.n >= notification.n) {
            return;
        }
        let item = Arc::new(notification.clone());
        kept.push_back(Arc::clone(&item));
        if kept.len() > NEWS_KEPT_MAX {
            kept.pop_front();
        }
        // Nobody may be listening.
        let _ = self.sender.send(item);
    }

    /// The kept ones after `n`, oldest first, and all that follow; without `n` only what follows.
    pub fn follow(&self, after_n: Option<u64>) -> (Vec<JobNewsItem>, broadcast::Receiver<JobNewsItem>) {
        let kept = self.kept();
        let receiver = self.sender.subscribe();
        let past = after_n.map(|n| {
            let first = kept.partition_point(|item| item.n <= n);
            kept.range(first..).cloned().collect()
        });
        (past.unwrap_or_default(), receiver)
    }

    /// The kept ones of one job, oldest first.
    pub fn of_job(&self, id: &str) -> Vec<JobNewsItem> {
        self.kept().iter().filter(|item| item.job.0 == id).cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<JobNewsItem>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
