//! What screens and programs see of a site: one immutable picture, made by the shell, read by everybody.
//!
//! A picture is made at most a few times a second and only after something changed, and is handed out only once
//! everything in it is in the journal. Parts that didn't change are the same `Arc` as in the picture before, so that a
//! stream, or the read model's writer, tells what is new by comparing pointers. Nothing is decided by it.

mod blocked;
mod job;
mod maker;
mod news;
mod parts;
mod robot;
mod station;

use std::sync::Arc;
use std::time::Duration;

use drover_maps::Layout;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use blocked::BlockedEdgeView;
pub use job::{JobState, JobView, LegView};
pub(crate) use maker::Maker;
pub use news::{JobNewsItem, NEWS_KEPT_MAX, News};
pub(crate) use parts::kind;
pub use parts::{ALARMS_MAX, AlarmView, AuditView, DeviceView, StopView, ZoneView};
pub use robot::{
    BatteryView, ConditionView, ErrorView, LoadView, ModeView, PoseView, RobotStatus, RobotView, Wait,
};
pub use station::{StationView, TaskPhase, TaskView};

/// Shortest real time between two pictures.
pub const EVERY_MIN: Duration = Duration::from_millis(250);

/// A picture of a site. Times are milliseconds since 1970 on the fleet's clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The site's id.
    pub site: String,
    /// When it was made.
    pub at_ms: u64,
    /// How much faster than real time the fleet's clock runs.
    pub speed: f64,
    /// The last event in it; 0 = nothing is known yet.
    pub seq: u64,
    /// The leader that made it.
    pub epoch: u64,
    /// Who leads, as its lease names it; empty = not known.
    pub leader: String,
    /// This process leads. False on a standby, whatever the leader wrote.
    pub leads: bool,
    /// By enrolment; a robot never leaves its place in the list.
    #[serde(with = "shared")]
    pub robots: Vec<Arc<RobotView>>,
    /// In order of submission: all that haven't ended, and those that ended last.
    #[serde(with = "shared")]
    pub jobs: Vec<Arc<JobView>>,
    /// Jobs that ended within the hour and are too many to be in `jobs`.
    pub jobs_left_out: usize,
    /// In the layout's order.
    #[serde(with = "shared")]
    pub stations: Vec<Arc<StationView>>,
    /// In the layout's order.
    #[serde(with = "shared")]
    pub zones: Vec<Arc<ZoneView>>,
    /// In the layout's order.
    #[serde(with = "shared")]
    pub devices: Vec<Arc<DeviceView>>,
    /// By edge, in the layout's order: operators' first, then robots'.
    #[serde(with = "shared")]
    pub blocked_edges: Vec<Arc<BlockedEdgeView>>,
    /// Newest first.
    #[serde(with = "shared")]
    pub alarms: Vec<Arc<AlarmView>>,
    /// Requests for changes, oldest first.
    #[serde(with = "shared")]
    pub audit: Vec<Arc<AuditView>>,
    /// The layout it is drawn on: the leader's own.
    #[serde(skip)]
    pub ground: Ground,
}

/// The layout of a picture; none on a standby, which knows that of its own files.
#[derive(Clone, Debug, Default)]
pub struct Ground(Option<Arc<Layout>>);

impl Ground {
    /// This one.
    pub fn of(layout: &Arc<Layout>) -> Ground {
        Ground(Some(Arc::clone(layout)))
    }

    /// It is this one.
    pub fn is(&self, layout: &Layout) -> bool {
        self.0.as_ref().is_some_and(|known| known.fingerprint() == layout.fingerprint())
    }

    /// The layout, if it is known.
    pub fn layout(&self) -> Option<&Arc<Layout>> {
        self.0.as_ref()
    }
}

impl PartialEq for Ground {
    fn eq(&self, other: &Ground) -> bool {
        let print = |ground: &Ground| ground.0.as_ref().map(|layout| layout.fingerprint());
        print(self) == print(other)
    }
}

impl View {
    /// A site of which nothing is known yet.
    pub fn unknown(site: &str) -> View {
        View { site: site.to_owned(), speed: 1.0, ..View::default() }
    }

    /// There is something to see.
    pub fn is_known(&self) -> bool {
        self.seq > 0
    }

    /// The job of this id, if it is in the picture.
    pub fn job(&self, id: &str) -> Option<&Arc<JobView>> {
        self.jobs.iter().rev().find(|job| job.id == id)
    }
}

/// The sending end: whoever leads fills it from its site, a standby from the read model.
#[derive(Clone, Debug)]
pub struct Screen {
    /// The newest picture.
    pub views: watch::Sender<Arc<View>>,
    /// What happens to jobs.
    pub news: News,
}

impl Screen {
    /// A screen that shows nothing yet.
    pub fn new(site: &str) -> Screen {
        Screen { views: watch::Sender::new(Arc::new(View::unknown(site))), news: News::default() }
    }

    /// Another process leads: `leader` as its lease names it.
    pub(crate) fn note_leader(&self, leader: &str) {
        self.views.send_if_modified(|view| {
            let is_new = view.leader != leader || view.leads;
            if is_new {
                let view = Arc::make_mut(view);
                view.leader = leader.to_owned();
                view.leads = false;
            }
            is_new
        });
    }
}

/// Lists of shared parts, written and read as lists of the parts.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        list: &[Arc<T>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(Arc::as_ref))
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Arc<T>>, D::Error> {
        Ok(Vec::<T>::deserialize(deserializer)?.into_iter().map(Arc::new).collect())
    }
}

/// The new part, or the one before when it is the same.
fn keep<T: PartialEq>(before: Option<&Arc<T>>, new: T) -> Arc<T> {
    match before {
        Some(before) if **before == new => Arc::clone(before),
        Some(_) | None => Arc::new(new),
    }
}
