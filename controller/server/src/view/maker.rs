//! Makes the pictures: keeps track of what was touched, so that a picture costs little however many jobs there are.
//!
//! It runs on the site's thread and must stay cheap: job views are made again only for jobs that the records name, and
//! pictures come the more seldom the longer one takes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use drover_core::{
    Alarm, Command, Entry, Epoch, Event, Fleet, JobId, JobNews, Notification, Record, Seq, Site, Time, audit,
};

use super::job::Told;
use super::station::Ahead;
use super::{
    ALARMS_MAX, AlarmView, AuditView, BlockedEdgeView, DeviceView, EVERY_MIN, Ground, JobView, RobotView,
    Screen, View, ZoneView, keep,
};

/// Ended jobs in a picture, at most.
const ENDED_MAX: usize = 1_000;
/// Longest real time between two pictures, so that whoever looks sees the fleet's clock go on.
const EVERY_MAX: Duration = Duration::from_secs(1);
/// A picture may take this share of the site's thread: one part in so many.
const SHARE: u32 = 20;

/// Makes pictures of one site.
pub(crate) struct Maker {
    screen: Screen,
    epoch: Epoch,
    leader: String,
    speed: f64,
    newest: Arc<View>,
    /// Made, and not yet wholly in the journal.
    held: Option<Arc<View>>,
    is_dirty: bool,
    made_at: Option<Instant>,
    pause: Duration,
    appended: Seq,
    touched: BTreeMap<JobId, Told>,
    jobs: BTreeMap<u64, Arc<JobView>>,
    ahead: Ahead,
    /// Ended jobs in the picture, by their end.
    ended: VecDeque<(JobId, u64)>,
    /// Ended jobs left out of it, by their end.
    left_out: VecDeque<JobId>,
    alarms: Vec<Arc<AlarmView>>,
    alarm_count: u64,
    audit: Vec<Arc<AuditView>>,
}

impl Maker {
    /// A maker of pictures of this site, which this process leads as `leader` in this epoch.
    pub(crate) fn new(screen: Screen, site: &Site, epoch: Epoch, leader: String, speed: f64) -> Maker {
        let jobs = site.fleet().jobs().map(|job| (job.spec.id.clone(), Told::default()));
        Maker {
            screen,
            epoch,
            leader,
            speed,
            newest: Arc::default(),
            held: None,
            is_dirty: true,
            made_at: None,
            pause: EVERY_MIN,
            appended: Seq(0),
            touched: jobs.collect(),
            jobs: BTreeMap::new(),
            ahead: Ahead::default(),
            ended: VecDeque::new(),
            left_out: VecDeque::new(),
            alarms: Vec::new(),
            alarm_count: 0,
            audit: Vec::new(),
        }
    }

    /// Something was heard that no event tells.
    pub(crate) fn note_change(&mut self) {
        self.is_dirty = true;
    }

    /// A record is on its way into the journal.
    pub(crate) fn note_record(&mut self, record: &Record, fleet: &Fleet) {
        self.is_dirty = true;
        self.appended = record.seq_to;
        for entry in &record.entries {
            self.touch(entry, fleet);
        }
    }

    fn touch(&mut self, entry: &Entry, fleet: &Fleet) {
        match &entry.event {
            Event::JobSubmitted(spec) => drop(self.touched.entry(spec.id.clone()).or_default()),
            Event::JobCancelled { job } => {
                // A sequence that was held may go on: its members' reasons change.
                let sequence = fleet.job(job).and_then(|job| fleet.sequence(job.spec.sequence.as_deref()?));
                for member in sequence.into_iter().flat_map(|sequence| &sequence.members) {
                    self.touched.entry(member.clone()).or_default();
                }
                self.touched.entry(job.clone()).or_default();
            }
            Event::JobUpdated { job, .. } | Event::LegConfirmed { job, .. } | Event::LegShort { job, .. } => {
                self.touched.entry(job.clone()).or_default();
            }
            Event::Tick
            | Event::Configured(_)
            | Event::RobotEnrolled { .. }
            | Event::Robot { .. }
            | Event::Device { .. }
            | Event::Wished { .. }
            | Event::Audited(_)
            | Event::StrangersExpected(_)
            | Event::Confirmed { .. } => {}
        }
        for command in &entry.commands {
            match command {
                Command::Assign { job, .. } => drop(self.touched.entry(job.clone()).or_default()),
                Command::Notify(news) => tell(self.touched.entry(news.job.clone()).or_default(), news),
                Command::Reject(_)
                | Command::Ignore { .. }
                | Command::Release { .. }
                | Command::Pause { .. }
                | Command::Cancel { .. }
                | Command::Device { .. }
                | Command::Layout { .. }
                | Command::Refuse { .. }
                | Command::Alarm(_) => {}
            }
        }
    }

    /// An alarm has left the site.
    pub(crate) fn note_alarm(&mut self, now: Time, alarm: &Alarm, fleet: &Fleet) {
        self.is_dirty = true;
        self.alarm_count += 1;
        self.alarms.insert(0, Arc::new(AlarmView::of(self.alarm_count, now.0, alarm, fleet)));
        self.alarms.truncate(ALARMS_MAX);
    }

    /// A notification has left the site.
    pub(crate) fn note_news(&self, notification: &Notification) {
        self.screen.news.note(notification);
    }

    /// Everything up to here is in the journal.
    pub(crate) fn note_committed(&mut self, seq: Seq) {
        if let Some(view) = self.held.take_if(|view| view.seq <= seq.0) {
            self.screen.views.send_replace(view);
        }
    }

    /// How long until a picture is due; none while one is held, or while something stepped isn't in a record yet.
    pub(crate) fn due_in(&self, site: &Site) -> Option<Duration> {
        let is_whole = site.is_idle() || self.appended == site.seq();
        if self.held.is_some() || !is_whole {
            return None;
        }
        let pause = if self.is_dirty { self.pause } else { self.pause.max(EVERY_MAX) };
        Some(self.made_at.map_or(Duration::ZERO, |made| pause.saturating_sub(made.elapsed())))
    }

    /// Makes a picture if one is due; it is handed out now if everything in it is committed, else with its commit.
    pub(crate) fn make_if_due(&mut self, now: Time, site: &Site) {
        if self.due_in(site) != Some(Duration::ZERO) {
            return;
        }
        let started = Instant::now();
        let view = Arc::new(self.picture(now, site));
        self.newest = Arc::clone(&view);
        self.is_dirty = false;
        self.made_at = Some(started);
        let took = started.elapsed();
        self.pause = EVERY_MIN.max(took * SHARE);
        metrics::histogram!("drover_view_seconds").record(took.as_secs_f64());
        if site.is_idle() {
            self.screen.views.send_replace(view);
        } else {
            self.held = Some(view);
        }
    }

    fn picture(&mut self, now: Time, site: &Site) -> View {
        let fleet = site.fleet();
        if !self.newest.ground.is(fleet.layout()) {
            // Queues are kept by station, and stations have other places on another layout.
            self.ahead = Ahead::default();
            for job in fleet.jobs() {
                self.touched.entry(job.spec.id.clone()).or_default();
            }
        }
        self.note_jobs(fleet);
        self.note_audit(fleet);
        let (before, layout) = (Arc::clone(&self.newest), fleet.layout());
        let robots =
            (0..fleet.robots().len()).map(|index| keep(before.robots.get(index), RobotView::of(site, index)));
        let stations = self.ahead.stations(fleet).into_iter().enumerate();
        let zones = layout.zones().iter().enumerate();
        let devices = fleet.devices().iter().zip(layout.devices()).enumerate();
        View {
            site: fleet.config().site.clone(),
            at_ms: now.0,
            speed: self.speed,
            seq: site.seq().0,
            epoch: self.epoch.0,
            leader: self.leader.clone(),
            leads: true,
            robots: robots.collect(),
            jobs: self.jobs.values().cloned().collect(),
            jobs_left_out: self.left_out.len(),
            stations: stations.map(|(index, view)| keep(before.stations.get(index), view)).collect(),
            zones: zones
                .map(|(index, zone)| keep(before.zones.get(index), ZoneView::of(&zone.name, fleet)))
                .collect(),
            devices: devices
                .map(|(index, (device, facts))| {
                    keep(before.devices.get(index), DeviceView::of(device, facts))
                })
                .collect(),
            blocked_edges: BlockedEdgeView::all(fleet)
                .into_iter()
                .enumerate()
                .map(|(index, edge)| keep(before.blocked_edges.get(index), edge))
                .collect(),
            alarms: self.alarms.clone(),
            audit: self.audit.clone(),
            ground: Ground::of(fleet.layout()),
        }
    }

    fn note_jobs(&mut self, fleet: &Fleet) {
        let mut ended = Vec::new();
        for (id, told) in std::mem::take(&mut self.touched) {
            let job = fleet.job(&id);
            self.ahead.note(&id, job);
            let Some(job) = job else { continue };
            let before = self.jobs.get(&job.admitted);
            let had_ended = before.is_some_and(|before| before.state.is_ended());
            let view = JobView::with(job, fleet, told, before.map(Arc::as_ref));
            if let (Some(ended_at), false) = (job.ended_at, had_ended) {
                ended.push((ended_at, job.admitted, id));
            }
            let view = keep(before, view);
            self.jobs.insert(job.admitted, view);
        }
        ended.sort_unstable();
        self.ended.extend(ended.into_iter().map(|(_, admitted, id)| (id, admitted)));
        self.forget(fleet);
    }

    /// Ended jobs that are too many, or that the fleet has forgotten.
    fn forget(&mut self, fleet: &Fleet) {
        let is_gone = |id: &JobId| fleet.job(id).is_none();
        while let Some((id, admitted)) = self.ended.pop_front_if(|(id, _)| is_gone(id)).or_else(|| {
            let is_full = self.ended.len() > ENDED_MAX;
            is_full.then(|| self.ended.pop_front()).flatten()
        }) {
            self.jobs.remove(&admitted);
            self.left_out.push_back(id);
        }
        while self.left_out.front().is_some_and(is_gone) {
            self.left_out.pop_front();
        }
    }

    fn note_audit(&mut self, fleet: &Fleet) {
        let known = self.audit.last().map_or(0, |entry| entry.n);
        let new = fleet.audit().rev().take_while(|entry| entry.n > known).map(AuditView::of).map(Arc::new);
        let mut new: Vec<Arc<AuditView>> = new.collect();
        new.reverse();
        self.audit.append(&mut new);
        let surplus = self.audit.len().saturating_sub(audit::ENTRIES_MAX);
        self.audit.drain(..surplus);
    }
}

fn tell(told: &mut Told, news: &Notification) {
    match &news.what {
        JobNews::Started => told.started_at_ms = Some(news.at.0),
        JobNews::Failed { reason, .. } => told.reason = Some(reason.clone()),
        JobNews::Accepted
        | JobNews::Assigned
        | JobNews::LegDone { .. }
        | JobNews::AtRisk { .. }
        | JobNews::Blocked { .. }
        | JobNews::Done
        | JobNews::Cancelled => {}
    }
}

#[cfg(test)]
mod tests {
    use drover_core::{Effect, Input, Ticket};

    use super::*;

    struct Floor {
        site: Site,
        maker: Maker,
        screen: Screen,
        now: Time,
    }

    impl Floor {
        fn new() -> Floor {
            let layout = Arc::new(crate::demo::bundled_layout().unwrap().layout);
            let site = Site::new(layout, drover_core::Config::default(), Epoch(7), Time(1_000));
            let screen = Screen::new("fresh-dc");
            let maker = Maker::new(screen.clone(), &site, Epoch(7), "us".to_owned(), 1.0);
            let mut floor = Floor { site, maker, screen, now: Time(1_000) };
            floor.commit(Input::Clock);
            floor
        }

        /// Steps it; gives what must be committed.
        fn step(&mut self, input: Input) -> Option<Seq> {
            let mut effects = Vec::new();
            self.site.receive(self.now, input, &mut effects);
            let mut appended = None;
            for effect in effects {
                if let Effect::Append(record) = effect {
                    self.maker.note_record(&record, self.site.fleet());
                    appended = Some(record.seq_to);
                }
            }
            self.maker.made_at = None;
            self.maker.make_if_due(self.now, &self.site);
            appended
        }

        fn commit(&mut self, input: Input) {
            let mut appended = self.step(input);
            while let Some(seq_to) = appended {
                self.maker.note_committed(seq_to);
                appended = self.step(Input::Committed { seq_to });
            }
        }

        fn shown(&self) -> Arc<View> {
            self.screen.views.borrow().clone()
        }
    }

    fn submit(number: usize) -> Input {
        let body = format!(r#"{{"v":1,"job_id":"J-{number}","legs":[{{"station":"PICK-C-01"}}]}}"#);
        let request = crate::intake::read(body.as_bytes()).unwrap();
        Input::Job { ticket: Some(Ticket(number as u64)), request, by: None }
    }

    #[test]
    fn nothing_is_shown_before_its_commit() {
        let mut floor = Floor::new();
        let before = floor.shown();
        let seq = floor.step(submit(1)).unwrap();
        assert_eq!(floor.shown(), before);
        floor.maker.note_committed(seq);
        let shown = floor.shown();
        assert_eq!((shown.seq, shown.epoch, shown.leads), (seq.0, 7, true));
        assert_eq!(shown.job("J-1").unwrap().state, super::super::JobState::Accepted);
        let station = shown.stations.iter().find(|station| station.id == "PICK-C-01").unwrap();
        assert_eq!(station.next.iter().map(|task| task.job_id.as_str()).collect::<Vec<_>>(), ["J-1"]);
    }

    #[test]
    fn what_did_not_change_is_the_same_part() {
        let mut floor = Floor::new();
        floor.commit(submit(1));
        let before = floor.shown();
        floor.commit(submit(2));
        let shown = floor.shown();
        assert!(Arc::ptr_eq(&before.jobs[0], &shown.jobs[0]));
        let pairs = before.robots.iter().zip(&shown.robots);
        assert!(pairs.into_iter().all(|(one, other)| Arc::ptr_eq(one, other)));
        let is_same = |(one, other): (&Arc<_>, &Arc<_>)| Arc::ptr_eq(one, other);
        let changed = before.stations.iter().zip(&shown.stations).filter(|pair| !is_same(*pair)).count();
        assert_eq!(changed, 1);
    }

    #[test]
    fn ended_jobs_beyond_the_limit_are_left_out() {
        let mut floor = Floor::new();
        let many = ENDED_MAX + 5;
        for number in 0..many {
            floor.step(submit(number));
            let request = drover_core::job::JobRequest::Cancel(JobId(format!("J-{number}")));
            floor.step(Input::Job { ticket: None, request, by: None });
        }
        floor.commit(Input::Clock);
        while !floor.site.is_idle() {
            let seq_to = floor.maker.appended;
            floor.maker.note_committed(seq_to);
            floor.commit(Input::Committed { seq_to });
        }
        floor.commit(submit(many));
        let shown = floor.shown();
        assert_eq!((shown.jobs.len(), shown.jobs_left_out), (ENDED_MAX + 1, 5));
        assert!(shown.jobs.windows(2).all(|pair| pair[0].admitted < pair[1].admitted));
    }

    #[test]
    fn a_picture_is_the_same_after_the_wire() {
        let mut floor = Floor::new();
        floor.commit(submit(1));
        let shown = floor.shown();
        let text = serde_json::to_string(&*shown).unwrap();
        let told = View { ground: shown.ground.clone(), ..serde_json::from_str(&text).unwrap() };
        assert_eq!(told, *shown);
    }
}
