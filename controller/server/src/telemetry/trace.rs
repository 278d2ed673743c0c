//! One trace per job, from its acceptance to its end: read from committed records alone, with the fleet's own times.
//!
//! ```text
//!   job ─┬─ queued
//!        └─ leg n ─┬─ to-station            the drive
//!                  ├─ pick, drop, confirm   what is done there
//!                  ├─ dwell
//!                  └─ order                 a message to the robot: committed → shown by the robot's own state
//! ```
//!
//! The trace's id follows from the site and the job, so that a restarted controller goes on in the same trace; or it is
//! that of the job's own `traceparent` (W3C Trace Context). It decides nothing and knows no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use drover_core::event::ActionStatus;
use drover_core::job::{ActionSpec, Job, JobSpec};
use drover_core::release::Order;
use drover_core::{Command, Digest, Entry, Event, Fact, Fleet, JobId, JobNews, Notification, Record};
use drover_core::{RobotId, Seq, Time};
use drover_maps::{Layout, NodeId};

/// Jobs traced at once, at most; more are not traced.
const JOBS_MAX: usize = 50_000;
/// Messages to one robot that no state shows yet, at most.
const UNSHOWN_MAX: usize = 16;

/// A finished span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The trace's id.
    pub trace: [u8; 16],
    /// Its own id.
    pub id: [u8; 8],
    /// The span it is a part of.
    pub parent: Option<[u8; 8]>,
    /// What it is.
    pub name: String,
    /// When it began.
    pub start: Time,
    /// When it ended.
    pub end: Time,
    /// What it concerns.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Why it went wrong, if it did.
    pub fault: Option<String>,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A number.
    Number(u64),
}

/// The traces that have begun and not ended.
#[derive(Debug)]
pub struct Tracer {
    site: String,
    layout: Arc<Layout>,
    /// The site has gone over to another one: ids are others, and arrivals aren't told apart any more.
    is_on_another: bool,
    jobs: BTreeMap<JobId, Trace>,
    robots: BTreeMap<RobotId, Unit>,
    /// The last event known.
    seq: Seq,
}

/// A job's trace.
#[derive(Debug)]
struct Trace {
    id: [u8; 16],
    root: [u8; 8],
    parent: Option<[u8; 8]>,
    spec: JobSpec,
    accepted: Time,
    robot: Option<(RobotId, String)>,
    leg: usize,
    leg_start: Time,
    /// When the robot came to the leg's station.
    arrived: Option<Time>,
    /// When the leg's action or confirmation was over.
    acted: Option<Time>,
}

/// What a robot with a job was told.
#[derive(Debug, Default)]
struct Unit {
    job: Option<JobId>,
    order_id: String,
    nodes: BTreeMap<u32, NodeId>,
    unshown: Vec<Unshown>,
    /// Name, and since when it runs, by id.
    actions: BTreeMap<String, (String, Option<Time>)>,
}

#[derive(Debug)]
struct Unshown {
    update_id: u32,
    at: Time,
    seq: Seq,
}

/// What a record came to.
#[derive(Debug, Default)]
pub struct Traced {
    /// Spans that ended.
    pub spans: Vec<Span>,
    /// Traces given up because records before this one are unknown.
    pub lost: usize,
}

/// Where and when in the journal.
#[derive(Clone, Copy)]
struct At {
    time: Time,
    seq: Seq,
}

impl Tracer {
    /// Goes on where the fleet stands; `seq` is the last event in it.
    pub fn new(site: &str, fleet: &Fleet, seq: Seq) -> Tracer {
        let (site, layout) = (site.to_owned(), Arc::clone(fleet.layout()));
        let mut tracer = Tracer {
            site,
            layout,
            is_on_another: false,
            jobs: BTreeMap::new(),
            robots: BTreeMap::new(),
            seq,
        };
        for job in fleet.jobs().filter(|job| !job.state.is_terminal()) {
            tracer.go_on(job, fleet);
        }
        tracer
    }

    fn go_on(&mut self, job: &Job, fleet: &Fleet) {
        self.open(&job.spec, job.accepted_at);
        let (Some(trace), Some(id)) = (self.jobs.get_mut(&job.spec.id), job.state.robot()) else { return };
        let Some(robot) = fleet.robots().get(id.index()) else { return };
        trace.robot = Some((id, robot.name.to_string()));
        (trace.leg, trace.leg_start) = (job.legs_done, robot.goal_since.max(job.accepted_at));
        let unit = self.robots.entry(id).or_default();
        unit.job = Some(job.spec.id.clone());
        if let Some(order) = &robot.order.last {
            unit.told(order);
        }
    }

    fn open(&mut self, spec: &JobSpec, accepted: Time) {
        let derived = (Digest::of(format!("drover\0{}\0{}", self.site, spec.id.0).as_bytes()).0, None, true);
        let (id, parent, is_wanted) = parent(&spec.extra).unwrap_or(derived);
        if !is_wanted || self.jobs.len() >= JOBS_MAX {
            return;
        }
        let trace = Trace {
            id,
            root: span_id(id, "job", &spec.id.0),
            parent,
            spec: spec.clone(),
            accepted,
            robot: None,
            leg: 0,
            leg_start: accepted,
            arrived: None,
            acted: None,
        };
        self.jobs.insert(spec.id.clone(), trace);
    }

    /// Takes a committed record in; the spans that ended with it.
    pub fn take(&mut self, record: &Record) -> Traced {
        let mut traced = Traced::default();
        if record.seq_from.0 > self.seq.0 + 1 {
            traced.lost = self.jobs.len();
            self.jobs.clear();
            self.robots.clear();
        }
        let known = self.seq.0;
        for (entry, seq) in record.entries.iter().zip(record.seq_from.0..).filter(|(_, seq)| *seq > known) {
            self.entry(entry, At { time: entry.time, seq: Seq(seq) }, &mut traced.spans);
        }
        self.seq = self.seq.max(record.seq_to);
        traced
    }

    fn entry(&mut self, entry: &Entry, at: At, spans: &mut Vec<Span>) {
        match &entry.event {
            Event::JobSubmitted(spec) if !entry.is_refused() => self.open(spec, at.time),
            Event::LegConfirmed { job, .. } if !entry.is_refused() => self.confirmed(job, at, spans),
            Event::Robot { robot, fact } => self.fact(*robot, fact, at, spans),
            Event::JobSubmitted(_)
            | Event::LegConfirmed { .. }
            | Event::LegShort { .. }
            | Event::Tick
            | Event::Configured(_)
            | Event::JobCancelled { .. }
            | Event::JobUpdated { .. }
            | Event::RobotEnrolled { .. }
            | Event::Device { .. }
            | Event::Wished { .. }
            | Event::Audited(_)
            | Event::StrangersExpected(_)
            | Event::Confirmed { .. } => {}
        }
        for command in &entry.commands {
            match command {
                Command::Assign { job, robot } => self.assign(job, *robot, at, spans),
                Command::Release { robot, order } => self.release(*robot, order, at),
                Command::Notify(news) => self.news(news, at, spans),
                Command::Layout { .. } => self.is_on_another = true,
                Command::Reject(_)
                | Command::Ignore { .. }
                | Command::Pause { .. }
                | Command::Cancel { .. }
                | Command::Device { .. }
                | Command::Refuse { .. }
                | Command::Alarm(_) => {}
            }
        }
    }

    fn assign(&mut self, job: &JobId, robot: RobotId, at: At, spans: &mut Vec<Span>) {
        let Some(trace) = self.jobs.get_mut(job) else { return };
        match trace.robot.clone() {
            None => {
                let (start, id) = (trace.accepted, span_id(trace.id, "queued", &job.0));
                spans.push(trace.span("queued", id, Some(trace.root), start, at));
            }
            Some((before, _)) => {
                spans.push(trace.leg_span(at, "withdrawn"));
                self.robots.remove(&before);
            }
        }
        trace.robot = Some((robot, String::new()));
        (trace.leg_start, trace.arrived, trace.acted) = (at.time, None, None);
        self.robots.insert(robot, Unit { job: Some(job.clone()), ..Unit::default() });
    }

    fn release(&mut self, robot: RobotId, order: &Order, at: At) {
        let Some(unit) = self.robots.get_mut(&robot) else { return };
        unit.told(order);
        if unit.unshown.len() < UNSHOWN_MAX {
            unit.unshown.push(Unshown { update_id: order.update_id, at: at.time, seq: at.seq });
        }
    }

    fn fact(&mut self, robot: RobotId, fact: &Fact, at: At, spans: &mut Vec<Span>) {
        let Some(unit) = self.robots.get_mut(&robot) else { return };
        let Some(trace) = unit.job.as_ref().and_then(|job| self.jobs.get_mut(job)) else { return };
        match fact {
            Fact::OrderSeen { update_id } => {
                let (shown, unshown) = std::mem::take(&mut unit.unshown)
                    .into_iter()
                    .partition(|told| told.update_id <= *update_id);
                unit.unshown = unshown;
                spans.extend(Vec::into_iter(shown).map(|told| trace.order_span(unit, &told, at, None)));
            }
            Fact::Rejected { order_id, update_id, reason } if *order_id == unit.order_id => {
                let refused = unit.unshown.iter().position(|told| told.update_id == *update_id);
                let refused = refused.map(|place| unit.unshown.remove(place));
                spans.extend(refused.map(|told| trace.order_span(unit, &told, at, Some(reason))));
            }
            Fact::Passed { sequence_id } => {
                let node = unit.nodes.get(sequence_id).filter(|_| !self.is_on_another);
                let station = trace.spec.legs.get(trace.leg).map(|leg| leg.station.as_str());
                let station =
                    self.layout.stations().iter().find(|known| Some(known.name.as_str()) == station);
                if station.zip(node).is_some_and(|(station, node)| station.nodes.contains(node)) {
                    trace.arrived = Some(at.time);
                }
            }
            Fact::Action { action_id, status } => {
                let Some((name, since)) = unit.actions.get_mut(action_id) else { return };
                match status {
                    ActionStatus::Waiting => {}
                    ActionStatus::Running => *since = since.or(Some(at.time)),
                    ActionStatus::Finished | ActionStatus::Failed => {
                        let fault =
                            (*status == ActionStatus::Failed).then(|| "the robot reported FAILED".to_owned());
                        let start = since.unwrap_or(at.time);
                        let name = std::mem::take(name);
                        unit.actions.remove(action_id);
                        trace.acted = Some(at.time);
                        let id = span_id(trace.id, "action", action_id);
                        spans.push(Span { fault, ..trace.span(&name, id, Some(trace.leg_id()), start, at) });
                    }
                }
            }
            Fact::Rejected { .. }
            | Fact::Located { .. }
            | Fact::Driving(_)
            | Fact::Battery { .. }
            | Fact::Mode(_)
            | Fact::Faulted(_)
            | Fact::Connection(_)
            | Fact::Silent(_)
            | Fact::Paused(_)
            | Fact::Strayed { .. }
            | Fact::Load(_)
            | Fact::Blocked { .. } => {}
        }
    }

    fn confirmed(&mut self, job: &JobId, at: At, spans: &mut Vec<Span>) {
        let Some(trace) = self.jobs.get_mut(job) else { return };
        trace.acted = Some(at.time);
        let start = trace.arrived.unwrap_or(trace.leg_start);
        let id = span_id(trace.id, "confirm", &trace.leg.to_string());
        spans.push(trace.span(ActionSpec::CONFIRM, id, Some(trace.leg_id()), start, at));
    }

    fn news(&mut self, news: &Notification, at: At, spans: &mut Vec<Span>) {
        let Some(trace) = self.jobs.get_mut(&news.job) else { return };
        if let (Some((_, name)), Some(robot)) = (&mut trace.robot, &news.robot) {
            name.clone_from(robot);
        }
        let (outcome, fault) = match &news.what {
            JobNews::Accepted
            | JobNews::Assigned
            | JobNews::Started
            | JobNews::AtRisk { .. }
            | JobNews::Blocked { .. } => return,
            JobNews::LegDone { leg, short: _ } => {
                trace.leg = *leg;
                spans.extend(trace.end_leg(at));
                return;
            }
            JobNews::Done => ("done", None),
            JobNews::Failed { code, reason } => ("failed", Some(format!("{code}: {reason}"))),
            JobNews::Cancelled => ("cancelled", None),
        };
        let is_under_way = trace.leg < trace.spec.legs.len() && trace.robot.is_some();
        if is_under_way {
            spans.push(trace.leg_span(at, outcome));
        }
        let mut span = trace.span("job", trace.root, trace.parent, trace.accepted, at);
        span.attributes.push(("drover.outcome", Attribute::Text(outcome.to_owned())));
        spans.push(Span { fault, ..span });
        if let Some((robot, _)) = self.jobs.remove(&news.job).and_then(|trace| trace.robot) {
            self.robots.remove(&robot);
        }
    }
}

impl Unit {
    fn told(&mut self, order: &Order) {
        if order.order_id != self.order_id {
            self.order_id.clone_from(&order.order_id);
            self.nodes.clear();
        }
        // What lies behind the robot's decision point isn't reported any more than once.
        let first = order.nodes.first().map_or(0, |node| node.sequence_id);
        self.nodes = self.nodes.split_off(&first.saturating_sub(64));
        self.nodes.extend(order.nodes.iter().map(|node| (node.sequence_id, node.node)));
        let known: BTreeSet<&String> = self.actions.keys().collect();
        let new =
            order.nodes.iter().flat_map(|node| &node.actions).filter(|action| !known.contains(&action.id));
        let new: Vec<_> = new.map(|action| (action.id.clone(), (action.name.clone(), None))).collect();
        self.actions.extend(new);
    }
}

impl Trace {
    fn span(&self, name: &str, id: [u8; 8], parent: Option<[u8; 8]>, start: Time, at: At) -> Span {
        let text = |text: &str| Attribute::Text(text.to_owned());
        let mut attributes =
            vec![("drover.job", text(&self.spec.id.0)), ("drover.seq", Attribute::Number(at.seq.0))];
        attributes.extend(self.spec.sequence.as_deref().map(|name| ("drover.sequence", text(name))));
        attributes.extend(self.spec.order_id.as_deref().map(|id| ("drover.customer_order", text(id))));
        attributes.extend(self.robot.as_ref().map(|(_, name)| ("drover.robot", text(name))));
        if parent != self.parent || id != self.root {
            attributes.push(("drover.leg", Attribute::Number(self.leg as u64)));
            let leg = self.spec.legs.get(self.leg);
            attributes.extend(leg.map(|leg| ("drover.station", text(&leg.station))));
        }
        let end = at.time.max(start);
        Span { trace: self.id, id, parent, name: name.to_owned(), start, end, attributes, fault: None }
    }

    fn leg_id(&self) -> [u8; 8] {
        span_id(self.id, "leg", &self.leg.to_string())
    }

    fn leg_span(&self, at: At, outcome: &str) -> Span {
        let mut span = self.span("leg", self.leg_id(), Some(self.root), self.leg_start, at);
        span.attributes.push(("drover.outcome", Attribute::Text(outcome.to_owned())));
        span
    }

    /// The leg is done: its spans, and the next one begins.
    fn end_leg(&mut self, at: At) -> Vec<Span> {
        let leg = self.leg_id();
        let part = |name: &str, start: Time, end: Time| {
            let id = span_id(self.id, name, &self.leg.to_string());
            self.span(name, id, Some(leg), start, At { time: end, seq: at.seq })
        };
        let arrived = self.arrived.unwrap_or(self.leg_start);
        let mut spans = vec![part("to-station", self.leg_start, arrived)];
        if self.spec.legs.get(self.leg).is_some_and(|leg| leg.dwell_ms > 0) {
            spans.push(part("dwell", self.acted.unwrap_or(arrived), at.time));
        }
        spans.push(self.leg_span(at, "done"));
        self.leg += 1;
        (self.leg_start, self.arrived, self.acted) = (at.time, None, None);
        spans
    }

    fn order_span(&self, unit: &Unit, told: &Unshown, at: At, refused: Option<&String>) -> Span {
        let name = format!("{}/{}", unit.order_id, told.update_id);
        let id = span_id(self.id, "order", &name);
        let mut span = self.span("order", id, Some(self.leg_id()), told.at, at);
        span.attributes.push(("drover.order", Attribute::Text(unit.order_id.clone())));
        span.attributes.push(("drover.update", Attribute::Number(u64::from(told.update_id))));
        span.attributes.push(("drover.released_seq", Attribute::Number(told.seq.0)));
        let outcome = if refused.is_some() { "refused" } else { "shown" };
        span.attributes.push(("drover.outcome", Attribute::Text(outcome.to_owned())));
        Span { fault: refused.cloned(), ..span }
    }
}

/// The same span has the same id, whoever leads.
fn span_id(trace: [u8; 16], name: &str, which: &str) -> [u8; 8] {
    let digest = Digest::of(&[&trace, name.as_bytes(), b"\0", which.as_bytes()].concat());
    let mut id = [0; 8];
    id.copy_from_slice(&digest.0[..8]);
    id
}

type Parent = ([u8; 16], Option<[u8; 8]>, bool);

/// Trace, span and whether it is sampled, from the job's `traceparent`: `00-<32 hex>-<16 hex>-<2 hex>`.
fn parent(extra: &str) -> Option<Parent> {
    if !extra.contains("traceparent") {
        return None;
    }
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(extra).ok()?;
    let mut parts = fields.get("traceparent")?.as_str()?.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let [version] = bytes(version)?;
    let (trace, span, [flags]) = (bytes(trace)?, bytes(span)?, bytes(flags)?);
    let is_valid = version != 0xff && trace != [0; 16] && span != [0; 8];
    is_valid.then_some((trace, Some(span), flags & 1 == 1))
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let is_hex = hex.len() == 2 * N && hex.bytes().all(|b| b.is_ascii_hexdigit());
    let mut bytes = [0; N];
    for (byte, at) in bytes.iter_mut().zip((0..hex.len()).step_by(2)) {
        *byte = u8::from_str_radix(is_hex.then(|| &hex[at..at + 2])?, 16).ok()?;
    }
    is_hex.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jobs_own_traceparent_is_its_traces_parent() {
        let text = r#"{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"#;
        let (trace, span, is_sampled) = parent(text).unwrap();
        assert_eq!((trace[0], span.unwrap()[7], is_sampled), (0x0a, 0x31, true));
        assert!(!parent(&text.replace("-01", "-00")).unwrap().2, "not sampled");
        for broken in [
            r#"{"traceparent":7}"#,
            r#"{"traceparent":"00-0af7-b7ad-01"}"#,
            r#"{"traceparent":"00-00000000000000000000000000000000-b7ad6b7169203331-01"}"#,
            r#"{"traceparent":"00-0af7651916cd43dd8448eb211c8031é-b7ad6b7169203331-01"}"#,
            r#"{"note":"traceparent"}"#,
        ] {
            assert_eq!(parent(broken), None, "{broken}");
        }
    }

    #[test]
    fn ids_follow_from_what_they_name() {
        let id = span_id([1; 16], "leg", "0");
        assert_eq!(id, span_id([1; 16], "leg", "0"));
        assert_ne!(id, span_id([1; 16], "leg", "1"));
        assert_ne!(id, span_id([2; 16], "leg", "0"));
    }
}
