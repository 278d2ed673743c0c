//! Every metric there is: the one list that `/metrics`, the README's table, the dashboard and the alerts agree on.
//!
//! A label takes its values from a short list, or from a list somebody else keeps short (codes, methods). Never a job,
//! a robot or a truck: their number has no limit. A series whose values are listed here is there from the start, at 0,
//! so that the first event isn't missed by `increase()`.

use drover_core::command::{AlarmCode, RejectCode};

use self::Kind::{Counter, Gauge, Seconds, Total};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises; starts at 0 with the process.
    Counter,
    /// Rises, starts where the journal left it.
    Total,
    /// The value now.
    Gauge,
    /// Seconds, in buckets.
    Seconds,
}

impl Kind {
    /// Prometheus' word.
    pub fn word(self) -> &'static str {
        match self {
            Counter | Total => "counter",
            Gauge => "gauge",
            Seconds => "histogram",
        }
    }
}

/// The values of a label.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// These.
    These(&'static [&'static str]),
    /// The codes of alarms.
    Alarms,
    /// The codes of refused jobs and wishes.
    Refusals,
    /// Whatever a short list elsewhere says: the text says which.
    Listed(&'static str),
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels, beside `site`.
    pub labels: &'static [(&'static str, Values)],
    /// What it tells.
    pub help: &'static str,
}

type Labels = &'static [(&'static str, Values)];

const fn metric(name: &'static str, kind: Kind, labels: Labels, help: &'static str) -> Metric {
    Metric { name, kind, labels, help }
}

const NONE: Labels = &[];
const PARTS: Labels = &[("part", Values::These(&["store", "mqtt", "jobs", "events", "cache", "trace"]))];
const METHODS: Labels = &[("method", Values::Listed("Service/Method of the contract, or `other`"))];
const CALLS: Labels = &[
    ("method", Values::Listed("Service/Method of the contract, or `other`")),
    ("code", Values::Listed("the gRPC status codes, e.g. `OK`")),
];
const REFUSALS: Labels = &[("code", Values::Refusals)];
const DENIALS: Labels =
    &[("code", Values::These(&["TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED", "ROLE_TOO_LOW"]))];
const TOPICS: Labels = &[("kind", Values::These(&["state", "connection", "factsheet"]))];
const DEVICE_TOPICS: Labels = &[("kind", Values::These(&["state", "connection"]))];
const PUBLISHED: Labels = &[("kind", Values::These(&["order", "instantActions", "device_request"]))];
const UNPUBLISHED: Labels =
    &[("kind", Values::These(&["order", "instantActions", "device_request", "queue"]))];
const ANSWERS: Labels = &[("answer", Values::These(&["accepted", "ignored", "refused"]))];
const JOB_STATES: Labels = &[("state", Values::These(&["queued", "assigned", "started"]))];
const DUE: Labels = &[
    ("state", Values::These(&["waiting", "under_way"])),
    ("within", Values::These(&["overdue", "10m", "30m", "later", "none"])),
];
const NEWS: Labels = &[(
    "state",
    Values::These(&["accepted", "assigned", "started", "leg_done", "blocked", "done", "failed", "cancelled"]),
)];
const OUTCOMES: Labels =
    &[("outcome", Values::These(&["on_time", "late", "no_cut_off", "failed", "cancelled"]))];
const ROBOT_STATES: Labels = &[(
    "state",
    Values::These(&[
        "driving", "waiting", "acting", "charging", "idle", "paused", "lost", "error", "manual", "offline",
    ]),
)];
const CAUSES: Labels = &[(
    "cause",
    Values::These(&["robot", "device", "zone", "plan", "answer", "station", "sequence", "none"]),
)];
const DEVICE_STATES: Labels =
    &[("state", Values::These(&["open", "opening", "closing", "closed", "fault", "unknown"]))];
const TROUBLES: Labels = &[("trouble", Values::These(&["stuck", "lost"]))];
const ALARMS: Labels = &[("code", Values::Alarms)];
const SEQUENCES: Labels = &[("state", Values::These(&["open", "held"]))];
const CACHE: Labels = &[("outcome", Values::These(&["changes", "whole", "fenced", "failed"]))];
const DROPPED: Labels = &[("reason", Values::These(&["queue", "collector", "gap"]))];
const BUILD: Labels = &[("version", Values::Listed("the version of the process"))];

/// All of them, in the order of the README's table.
pub const METRICS: &[Metric] = &[
    metric("drover_build_info", Gauge, BUILD, "1, with the version of the process."),
    metric("drover_ready", Gauge, NONE, "1 while /readyz answers 200."),
    metric("drover_leader", Gauge, NONE, "1 while this process leads the site, 0 while it stands by."),
    metric("drover_epoch", Gauge, NONE, "The fencing token of the leader: rises by one with each new one."),
    metric(
        "drover_up",
        Gauge,
        PARTS,
        "1 while this part is there; cache and trace don't make the site unready.",
    ),
    metric("drover_grpc_requests_total", Counter, CALLS, "gRPC calls that ended, by their status code."),
    metric("drover_grpc_seconds", Seconds, METHODS, "From a unary gRPC call to the end of its answer."),
    metric("drover_grpc_streams", Gauge, METHODS, "gRPC streams that are open now."),
    metric(
        "drover_denied_total",
        Counter,
        DENIALS,
        "gRPC calls turned away: no token, a bad one, or a role that is too low.",
    ),
    metric("drover_jobs_received_total", Counter, NONE, "Messages taken from the job queue."),
    metric(
        "drover_intake_answers_total",
        Counter,
        ANSWERS,
        "Answers to messages of the job queue, given after the commit.",
    ),
    metric("drover_intake_seconds", Seconds, NONE, "From a message of the job queue to its acknowledgement."),
    metric("drover_intake_unanswered", Gauge, NONE, "Messages of the job queue that await their commit."),
    metric(
        "drover_dead_letters_total",
        Counter,
        REFUSALS,
        "Messages of the job queue that were dead-lettered.",
    ),
    metric(
        "drover_rejections_total",
        Counter,
        REFUSALS,
        "Jobs and wishes the fleet refused, on every way in.",
    ),
    metric("drover_robot_messages_total", Counter, TOPICS, "Messages of robots, by topic."),
    metric(
        "drover_robot_messages_malformed_total",
        Counter,
        NONE,
        "Messages of robots and devices that can't be read.",
    ),
    metric(
        "drover_robot_messages_shed_total",
        Counter,
        NONE,
        "Messages of robots dropped because too many waited.",
    ),
    metric("drover_device_messages_total", Counter, DEVICE_TOPICS, "Messages of site devices, by topic."),
    metric(
        "drover_published_total",
        Counter,
        PUBLISHED,
        "Messages to robots and devices, handed to the broker.",
    ),
    metric(
        "drover_publish_dropped_total",
        Counter,
        UNPUBLISHED,
        "Messages to robots and devices dropped; they are sent again until a state shows them.",
    ),
    metric("drover_jobs", Gauge, JOB_STATES, "Jobs that haven't ended."),
    metric(
        "drover_jobs_due",
        Gauge,
        DUE,
        "Jobs that haven't ended, by the time left to their cut-off; waiting = without a robot.",
    ),
    metric("drover_jobs_ended_total", Counter, OUTCOMES, "Jobs that ended, by how."),
    metric(
        "drover_job_seconds",
        Seconds,
        NONE,
        "From the acceptance of a job to its end, by the site's clock.",
    ),
    metric("drover_job_news_total", Counter, NEWS, "Notifications about jobs."),
    metric("drover_assignments_total", Counter, NONE, "Jobs given to a robot."),
    metric(
        "drover_sequences",
        Gauge,
        SEQUENCES,
        "Sequences (trucks) with open jobs; held = one of their jobs failed.",
    ),
    metric("drover_releases_total", Counter, NONE, "Orders and order updates committed."),
    metric("drover_robots", Gauge, ROBOT_STATES, "Robots by what they do now."),
    metric(
        "drover_robots_jammed",
        Gauge,
        NONE,
        "Robots without progress for a minute, with another one in their way.",
    ),
    metric(
        "drover_waiting_seconds_total",
        Counter,
        CAUSES,
        "Robot-seconds of waiting, by cause and the site's clock.",
    ),
    metric("drover_zones_stopped", Gauge, NONE, "Zones an operator has stopped."),
    metric("drover_plans_total", Total, NONE, "Planning cycles."),
    metric("drover_plan_seconds", Seconds, NONE, "Length of a step that planned."),
    metric("drover_plan_expansions_total", Total, NONE, "Node expansions of the planner."),
    metric("drover_breaker_calls_total", Total, NONE, "Jams handed to the joint search."),
    metric(
        "drover_plans_refused_total",
        Total,
        NONE,
        "Plans that didn't pass validation: robots kept their bases.",
    ),
    metric("drover_step_seconds", Seconds, NONE, "Length of a step of the site, planning included."),
    metric("drover_view_seconds", Seconds, NONE, "Time to make a picture of the site for screens."),
    metric("drover_append_seconds", Seconds, NONE, "From a record to its commit, attempts included."),
    metric("drover_records_total", Counter, NONE, "Records committed to the journal."),
    metric("drover_events_total", Counter, NONE, "Events committed to the journal."),
    metric("drover_journal_seq", Gauge, NONE, "Place of the last event stepped."),
    metric("drover_journal_backlog", Gauge, NONE, "Events stepped and not yet committed."),
    metric("drover_snapshot_seconds", Seconds, NONE, "Time to store a snapshot."),
    metric("drover_snapshot_bytes", Gauge, NONE, "Size of the last snapshot stored."),
    metric("drover_snapshots_failed_total", Counter, NONE, "Snapshots that could not be stored."),
    metric("drover_outbox", Gauge, NONE, "Notifications the events broker hasn't confirmed."),
    metric(
        "drover_notifications_confirmed_total",
        Counter,
        NONE,
        "Notifications the events broker has confirmed.",
    ),
    metric(
        "drover_devices",
        Gauge,
        DEVICE_STATES,
        "Site devices by what they show; unknown = nobody answers for it.",
    ),
    metric("drover_devices_in_trouble", Gauge, TROUBLES, "Site devices the operator was told of."),
    metric("drover_alarms_total", Counter, ALARMS, "Alarms told to the operator."),
    metric(
        "drover_cache_writes_total",
        Counter,
        CACHE,
        "Writes of the Redis view; fenced = refused, a newer leader has written.",
    ),
    metric("drover_cache_write_seconds", Seconds, NONE, "Time of a write of the Redis view."),
    metric("drover_spans_total", Counter, NONE, "Trace spans the collector took."),
    metric(
        "drover_spans_dropped_total",
        Counter,
        DROPPED,
        "Trace spans or events lost: full queue, absent collector, or what followed a loss.",
    ),
];

/// Tells the recorder what every metric is, and sets every counter whose values are known to 0.
pub(super) fn describe() {
    for metric in METRICS {
        match metric.kind {
            Counter | Total => metrics::describe_counter!(metric.name, metric.help),
            Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Seconds => metrics::describe_histogram!(metric.name, metric.help),
        }
        if metric.kind == Counter {
            begin(metric);
        }
    }
}

fn begin(metric: &Metric) {
    match metric.labels {
        [] => metrics::counter!(metric.name).increment(0),
        [(label, values)] => {
            for value in values.known() {
                metrics::counter!(metric.name, *label => value).increment(0);
            }
        }
        _ => {}
    }
}

impl Values {
    /// The values, as far as they are listed.
    fn known(self) -> Vec<&'static str> {
        match self {
            Values::These(these) => these.to_vec(),
            Values::Alarms => ALARM_CODES.iter().map(|code| code.as_str()).collect(),
            Values::Refusals => {
                let read = drover_proto::Code::ALL.iter().map(|code| code.as_str());
                let mut codes: Vec<&str> =
                    REJECT_CODES.iter().map(|code| code.as_str()).chain(read).collect();
                codes.sort_unstable();
                codes.dedup();
                codes
            }
            Values::Listed(_) => Vec::new(),
        }
    }

    fn text(self) -> String {
        match self {
            Values::These(these) => these.join(", "),
            Values::Alarms => "codes of alarms".to_owned(),
            Values::Refusals => "codes of refusals".to_owned(),
            Values::Listed(text) => text.to_owned(),
        }
    }
}

const ALARM_CODES: [AlarmCode; 26] = [
    AlarmCode::OrderRefused,
    AlarmCode::PlaceContested,
    AlarmCode::OffItsPath,
    AlarmCode::ActionFailed,
    AlarmCode::RobotFaulted,
    AlarmCode::RobotLost,
    AlarmCode::RobotRefused,
    AlarmCode::Jammed,
    AlarmCode::PlanRefused,
    AlarmCode::DeviceStuck,
    AlarmCode::DeviceLost,
    AlarmCode::DeviceBack,
    AlarmCode::Implausible,
    AlarmCode::LoadAboard,
    AlarmCode::LoadReturn,
    AlarmCode::LegOverdue,
    AlarmCode::JobHalted,
    AlarmCode::StationUnreachable,
    AlarmCode::EdgeBlocked,
    AlarmCode::EdgeOpen,
    AlarmCode::Frozen,
    AlarmCode::RobotRequires,
    AlarmCode::PauseUnheeded,
    AlarmCode::LayoutPending,
    AlarmCode::LayoutChanged,
    AlarmCode::LayoutRefused,
];

const REJECT_CODES: [RejectCode; 14] = [
    RejectCode::JobIdReused,
    RejectCode::UnknownStation,
    RejectCode::UnreachableStation,
    RejectCode::NoCapableRobot,
    RejectCode::NoLegs,
    RejectCode::UnknownJob,
    RejectCode::TooLate,
    RejectCode::NotAwaited,
    RejectCode::UnknownRobot,
    RejectCode::UnknownZone,
    RejectCode::UnknownEdge,
    RejectCode::RobotActive,
    RejectCode::LayoutUnfit,
    RejectCode::NotLoaded,
];

/// The list as a Markdown table, for people.
pub fn table() -> String {
    let mut text = "| metric | kind | labels | what it tells |\n|---|---|---|---|\n".to_owned();
    for metric in METRICS {
        let label = |(name, values): &(&str, Values)| format!("`{name}`: {}", values.text());
        let labels: Vec<String> = metric.labels.iter().map(label).collect();
        let (name, kind, labels) = (metric.name, metric.kind.word(), labels.join("; "));
        text += &format!("| `{name}` | {kind} | {labels} | {} |\n", metric.help);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Names in calls of the crate `metrics` outside this file.
    fn used(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                used(&path, found);
            } else if !path.ends_with("telemetry/list.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let names = text.split('"').filter(|text| text.starts_with("drover_") && !text.contains(' '));
                let is_metric =
                    |name: &&str| METRICS.iter().any(|m| m.name == *name) || is_counted(&text, name);
                found.extend(names.filter(is_metric).map(str::to_owned));
            }
        }
    }

    fn is_counted(text: &str, name: &str) -> bool {
        let squeezed: String = text.split_whitespace().collect();
        ["counter", "gauge", "histogram"].iter().any(|kind| squeezed.contains(&format!("{kind}!(\"{name}\"")))
    }

    #[test]
    fn the_list_names_exactly_the_metrics_of_the_code() {
        let mut found = BTreeSet::new();
        used(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        let listed: BTreeSet<String> = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
        assert_eq!(listed.len(), METRICS.len(), "a name stands twice");
        let (extra, absent): (Vec<_>, Vec<_>) =
            (found.difference(&listed).collect(), listed.difference(&found).collect());
        assert!(extra.is_empty() && absent.is_empty(), "not listed: {extra:?}; never set: {absent:?}");
    }

    #[test]
    fn names_tell_their_kind() {
        for metric in METRICS {
            let is_counter = matches!(metric.kind, Counter | Total);
            assert_eq!(metric.name.ends_with("_total"), is_counter, "{}", metric.name);
            assert_eq!(metric.name.ends_with("_seconds"), metric.kind == Seconds, "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.name);
        }
    }

    #[test]
    fn the_guide_shows_the_list() {
        let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/README.md");
        let text = std::fs::read_to_string(&guide).unwrap();
        let table = table();
        assert!(text.contains(&table), "put this table into {}:\n\n{table}", guide.display());
    }

    #[test]
    fn refusals_are_known_by_every_code_once() {
        let known = Values::Refusals.known();
        assert!(known.contains(&"NO_LEGS") && known.contains(&"BODY_TOO_LARGE"));
        assert_eq!(known.len(), known.iter().collect::<BTreeSet<_>>().len());
    }
}
