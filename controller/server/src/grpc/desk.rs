//! What every service has at hand: the doors into the fleet, the newest picture, and what happens to jobs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use drover_core::{Caller, Fleet};
use drover_maps::Layout;
use drover_proto::grpc::v1;
use futures::{StreamExt, stream};
use tokio::sync::watch;
use tonic::{Request, Status};

use super::{Updates, accepted, ending, not_leader};
use crate::auth::User;
use crate::ground::Files;
use crate::inbox::{self, Denied, Doors};
use crate::view::{News, View};

/// How long a call waits for a process that has just started.
const START_MAX: Duration = Duration::from_secs(10);
/// How long a reader waits to see what was answered before.
const FRESH_MAX: Duration = Duration::from_secs(2);
/// Longest idempotency key, characters.
const KEY_MAX: usize = 128;
/// Longest reason, characters.
const REASON_MAX: usize = 500;

/// Shared by all services. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    doors: Doors,
    views: watch::Receiver<Arc<View>>,
    pub(super) news: News,
    /// Of this process's files at its start: for a standby, and until there is a picture.
    given: Arc<Layout>,
    pub(super) files: Files,
    stop: watch::Receiver<bool>,
    /// Journal place of the last change that was answered: whoever reads afterwards sees it.
    answered: Arc<AtomicU64>,
}

impl Desk {
    pub(crate) fn new(
        doors: Doors,
        views: watch::Receiver<Arc<View>>,
        news: News,
        given: Arc<Layout>,
        files: Files,
        stop: watch::Receiver<bool>,
    ) -> Desk {
        Desk { doors, views, news, given, files, stop, answered: Arc::default() }
    }

    /// The layout that the picture is drawn on.
    pub(super) fn layout(&self, view: &View) -> Arc<Layout> {
        Arc::clone(view.ground.layout().unwrap_or(&self.given))
    }

    /// A request is turned away here: it is written down.
    pub(super) fn deny(&self, by: Caller, action: &str, code: &str) {
        let (action, code) = (action.to_owned(), code.to_owned());
        let denied = Denied { by, action, subject: String::new(), code };
        if self.doors.denied.try_send(denied).is_err() {
            tracing::debug!("a refused request was not written down: too many at once");
        }
    }

    /// The newest picture; one that shows everything this process has answered.
    pub(super) async fn view(&self) -> Result<Arc<View>, Status> {
        let least = self.answered.load(Ordering::Acquire);
        let is_fresh = |view: &Arc<View>| view.is_known() && (view.seq >= least || !view.leads);
        if let Some(view) = self.view_that(is_fresh, FRESH_MAX).await {
            return Ok(view);
        }
        self.view_that(|view| view.is_known(), START_MAX).await.ok_or_else(|| not_leader(""))
    }

    async fn view_that(
        &self,
        is_it: impl FnMut(&Arc<View>) -> bool,
        patience: Duration,
    ) -> Option<Arc<View>> {
        let mut views = self.views.clone();
        let found = tokio::time::timeout(patience, views.wait_for(is_it)).await;
        found.ok()?.ok().map(|view| Arc::clone(&view))
    }

    /// The picture as it is now.
    pub(super) fn now(&self) -> Arc<View> {
        Arc::clone(&self.views.borrow())
    }

    pub(super) fn views(&self) -> watch::Receiver<Arc<View>> {
        self.views.clone()
    }

    /// Hands a change in; the answer comes after its commit.
    pub(super) async fn change(&self, request: inbox::Request) -> Result<v1::Receipt, Status> {
        self.change_and(request, |_| ()).await.map(|(receipt, ())| receipt)
    }

    /// The same, and asks the fleet something right afterwards.
    pub(super) async fn change_and<T: Send + 'static>(
        &self,
        request: inbox::Request,
        question: impl FnOnce(&Fleet) -> T + Send + 'static,
    ) -> Result<(v1::Receipt, T), Status> {
        let decided = self.view_that(|view| view.leads || !view.leader.is_empty(), START_MAX).await;
        match decided {
            Some(view) if view.leads => {}
            Some(view) => return Err(not_leader(&view.leader)),
            None => return Err(not_leader("")),
        }
        let repeated = accepted(self.doors.submit(request).await)?;
        // The place is the journal's when the answer came: the event's own, or one a little later.
        let asked = self.doors.ask(|fleet, seq| (seq.0, question(fleet))).await;
        let (seq, answer) = asked.ok_or_else(ending)?;
        self.answered.fetch_max(seq, Ordering::AcqRel);
        Ok((v1::Receipt { seq, repeated }, answer))
    }

    /// Asks the site's thread: for what isn't in the picture, and on the leader only.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Fleet) -> T + Send + 'static,
    ) -> Result<T, Status> {
        self.doors.ask(|fleet, _| question(fleet)).await.ok_or_else(ending)
    }

    /// What each new picture tells, one picture after the other. Whoever reads slowly skips pictures.
    pub(super) fn follow<T: Send + 'static>(
        &self,
        tell: impl FnMut(&View) -> Result<Vec<T>, Status> + Send + 'static,
    ) -> Updates<T> {
        let mut views = self.views.clone();
        views.mark_changed();
        let begin = (views, VecDeque::new(), tell);
        let told = stream::try_unfold(begin, |(mut views, mut queue, mut tell)| async move {
            loop {
                if let Some(message) = queue.pop_front() {
                    return Ok(Some((message, (views, queue, tell))));
                }
                if views.changed().await.is_err() {
                    return Ok(None);
                }
                let view = Arc::clone(&views.borrow_and_update());
                if view.is_known() {
                    queue.extend(tell(&view)?);
                }
            }
        });
        self.until_stopped(told)
    }

    /// A stream that ends with UNAVAILABLE when the process stops, so that its reader goes elsewhere.
    pub(super) fn until_stopped<T: Send + 'static>(
        &self,
        stream: impl futures::Stream<Item = Result<T, Status>> + Send + 'static,
    ) -> Updates<T> {
        let mut stop = self.stop.clone();
        let stopped = async move {
            // A dropped sender means that the process is ending, too.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        Box::pin(stream.take_until(Box::pin(stopped)).chain(stream::once(async { Err(ending()) })))
    }
}

/// Who calls, for the audit.
pub(super) fn caller<T>(request: &Request<T>, key: &str, reason: &str) -> Result<Caller, Status> {
    for (what, text, most) in [("idempotency_key", key, KEY_MAX), ("reason", reason, REASON_MAX)] {
        if text.chars().count() > most {
            return Err(Status::invalid_argument(format!("`{what}` is longer than {most} characters")));
        }
    }
    let name = user(request)?.name.clone();
    Ok(Caller { name, key: key.to_owned(), reason: reason.to_owned() })
}

/// Who calls; the gate has looked.
pub(super) fn user<T>(request: &Request<T>) -> Result<&User, Status> {
    request.extensions().get::<User>().ok_or_else(|| Status::unauthenticated("nobody has looked who calls"))
}
