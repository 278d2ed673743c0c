//! `report.html`: one file that needs no other and no network. Everything a scenario can name goes in as JSON that can't
//! end its script element, and is shown as text only.

use serde_json::{Value, json};

use super::pack::Pack;
use super::{Heading, Report, Verdict, floor};
use crate::oracle::Violation;
use crate::record::{Kind, Recording};
use crate::world::Outcome;

const HTML: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
/// In the order they are run.
const SCRIPTS: [&str; 6] = [
    include_str!("page/words.js"),
    include_str!("page/data.js"),
    include_str!("page/floor.js"),
    include_str!("page/charts.js"),
    include_str!("page/replay.js"),
    include_str!("page/main.js"),
];
/// Places shown on the waiting map.
const HOT_MAX: usize = 3_000;

/// The page. Without a recording there is nothing to replay: then none.
pub fn html(heading: &Heading, report: &Report, verdicts: &[Verdict], outcome: &Outcome) -> Option<String> {
    let recording = outcome.recording.as_ref()?;
    let data = data(heading, report, verdicts, outcome, recording);
    let parts = [
        ("{{title}}", escaped(&heading.name)),
        ("{{style}}", STYLE.to_owned()),
        ("{{data}}", in_script(&data)),
        ("{{script}}", SCRIPTS.join("\n")),
    ];
    Some(filled(HTML, &parts))
}

/// The template with its parts, in the order they stand in it; what a part holds is never looked into.
fn filled(template: &str, parts: &[(&str, String)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    for (mark, part) in parts {
        let (before, after) = rest.split_once(mark).unwrap_or((rest, ""));
        text.push_str(before);
        text.push_str(part);
        rest = after;
    }
    text + rest
}

/// Text that HTML can carry.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// JSON inside a script element: nothing in it can end the element or begin a comment.
fn in_script(value: &Value) -> String {
    let text = value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn data(
    heading: &Heading,
    report: &Report,
    verdicts: &[Verdict],
    outcome: &Outcome,
    recording: &Recording,
) -> Value {
    let robots = recording.robots.iter().zip(&recording.sizes_mm);
    json!({
        "name": heading.name, "what": heading.what, "seed": heading.seed, "again": heading.again,
        "policy": heading.policy, "report": report, "took_ms": taken(outcome),
        "verdicts": verdicts.iter().map(|one| json!([one.name, one.broken])).collect::<Vec<_>>(),
        "violations": outcome.violations.iter().map(|found| violation(found, recording)).collect::<Vec<_>>(),
        "floor": floor::floor(&recording.layout),
        "robots": robots.map(|(name, size)| json!([name.to_string(), size[0], size[1]])).collect::<Vec<_>>(),
        "kinds": Kind::ALL.map(|kind| json!([kind.as_str(), kind.state()])),
        "kinds_s": Kind::ALL.map(|kind| recording.kinds_ms.get(&kind).map_or(0, |ms| ms / 1_000)),
        "driven_m": [recording.driven.all_mm / 1_000, recording.driven.empty_mm / 1_000],
        "series": series(recording), "spans": spans(recording), "tracks": tracks(recording),
        "map_names": recording.tracks.maps(), "map_changes": map_changes(recording),
        "near_cm": recording.tracks.near_cm(), "shortest_ms": recording.spans.shortest_ms(),
        "heat": heat(recording), "faults": faults(recording), "alarms": alarms(recording), "duties": duties(recording),
    })
}

/// Mean and 95th percentile of the jobs' time from accepted to done.
fn taken(outcome: &Outcome) -> Value {
    json!([outcome.tally.took_mean_ms(), outcome.tally.took_p95_ms()])
}

fn violation(found: &Violation, recording: &Recording) -> Value {
    let place = |name: &String| recording.robots.iter().position(|robot| robot.to_string() == *name);
    let robots: Vec<usize> = found.robots.iter().filter_map(place).collect();
    json!([found.at_ms, found.invariant, robots, found.text, found.story])
}

/// Time in tenths of a second, jobs done, jobs late, robots by state; one list each.
fn series(recording: &Recording) -> Value {
    let points = recording.series.points();
    let column = |of: &dyn Fn(&crate::record::Point) -> u64| points.iter().map(of).collect::<Vec<u64>>();
    let states = (0..crate::record::STATES).map(|state| column(&|point| u64::from(point.states[state])));
    json!({
        "at": column(&|point| point.at_ms / 100), "done": column(&|point| point.done as u64),
        "late": column(&|point| point.late as u64), "states": states.collect::<Vec<_>>(),
    })
}

/// Per robot: time since the span before (tenths of a second), kind, whom it is about (0 = nobody).
fn spans(recording: &Recording) -> Vec<String> {
    let robots = 0..recording.robots.len();
    let packed = robots.map(|robot| {
        let (mut pack, mut at) = (Pack::default(), 0);
        for span in recording.spans.of(robot) {
            pack.whole(span.from_ms / 100 - at);
            at = span.from_ms / 100;
            pack.whole(span.activity.kind as u64);
            pack.whole(span.activity.with.map_or(0, |with| u64::from(with) + 1));
        }
        pack.text()
    });
    packed.collect()
}

/// Per robot and corner point: time (tenths of a second), x, y (cm), direction (tenths of a degree), each since the one before.
fn tracks(recording: &Recording) -> Vec<String> {
    let robots = 0..recording.robots.len();
    let packed = robots.map(|robot| {
        let (mut pack, mut last) = (Pack::default(), [0; 4]);
        for key in recording.tracks.of(robot) {
            let next = [key.at_ds, key.x_cm, key.y_cm, key.theta_cdeg.div_euclid(10)].map(i64::from);
            next.iter().zip(last).for_each(|(next, last)| pack.signed(next - last));
            last = next;
        }
        pack.text()
    });
    packed.collect()
}

/// Per robot: when it came onto which map; nothing where there is one map only.
fn map_changes(recording: &Recording) -> Value {
    if recording.tracks.maps().len() < 2 {
        return json!([]);
    }
    let robots = 0..recording.robots.len();
    let changes = robots.map(|robot| {
        let mut changes: Vec<(i32, u16)> = Vec::new();
        for key in recording.tracks.of(robot) {
            if changes.last().is_none_or(|(_, map)| *map != key.map) {
                changes.push((key.at_ds, key.map));
            }
        }
        changes
    });
    json!(changes.collect::<Vec<_>>())
}

/// Node, seconds waited there in traffic, and for a turn; the longest first.
fn heat(recording: &Recording) -> Vec<[u64; 3]> {
    recording
        .hottest(HOT_MAX)
        .into_iter()
        .map(|(node, traffic_ms, turn_ms)| [node.index() as u64, traffic_ms / 1_000, turn_ms / 1_000])
        .collect()
}

fn faults(recording: &Recording) -> Vec<Value> {
    recording.faults.iter().map(|fault| json!([fault.name, fault.from_ms, fault.until_ms])).collect()
}

fn alarms(recording: &Recording) -> Vec<Value> {
    recording.alarms.iter().map(|mark| json!([mark.at_ms, mark.code, mark.robot, mark.text])).collect()
}

fn duties(recording: &Recording) -> Vec<Value> {
    let duty = |duty: &crate::record::Duty| json!([duty.robot, duty.from_ms, duty.until_ms, duty.job]);
    recording.duties.iter().map(duty).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_neither_end_the_script_nor_be_a_mark_of_the_template() {
        let text = in_script(&json!("</script><!-- {{script}} & \u{2028}"));
        assert!(!text.contains('<') && !text.contains('&') && !text.contains('\u{2028}'), "{text}");
        let page = filled(
            "<a>{{title}}</a>{{data}}!",
            &[("{{title}}", "{{data}}".into()), ("{{data}}", "1".into())],
        );
        assert_eq!(page, "<a>{{data}}</a>1!");
    }

    #[test]
    fn the_template_has_every_mark_once_and_in_order() {
        let marks = ["{{title}}", "{{style}}", "{{data}}", "{{script}}"];
        let places: Vec<usize> = marks.iter().map(|mark| HTML.find(mark).unwrap()).collect();
        assert!(places.is_sorted() && marks.iter().all(|mark| HTML.matches(mark).count() == 1));
    }

    #[test]
    fn the_page_asks_for_nothing_from_outside() {
        let all = SCRIPTS.join("\n") + HTML + STYLE;
        for word in
            ["http://", "https://", "fetch(", "XMLHttpRequest", "import(", "@import", "url(", "innerHTML"]
        {
            let found = all.replace("http://www.w3.org/2000/svg", "").contains(word);
            assert!(!found, "the page names {word}");
        }
    }
}
