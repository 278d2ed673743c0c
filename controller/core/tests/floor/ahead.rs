//! Assignment that plans ahead, on a floor without a wire: what is given anew, what is told of cut-offs, in which order.

use drover_core::dispatch::policy;
use drover_core::job::{JobSpec, Risk};
use drover_core::{Config, Event, Fleet, JobNews, RobotId, Time};

use crate::grid;
use crate::walkers::{Floor, job, load};

fn planning() -> Event {
    let policy = policy::Name::of("planning").expect("a policy there is");
    Event::Configured(Box::new(Config { site: "test".into(), policy, ..Config::default() }))
}

/// Robots on these nodes of a drawn floor.
fn floor(text: &str, starts: &[&str]) -> Floor {
    let layout = grid::grid(text);
    let starts: Vec<_> =
        starts.iter().map(|name| layout.node_named(name).expect("the test's own data")).collect();
    let mut floor = Floor::new(layout, &starts);
    floor.step(planning());
    floor
}

fn submit(floor: &mut Floor, spec: JobSpec) {
    floor.step(Event::JobSubmitted(Box::new(spec)));
}

fn due(floor: &Floor, id: &str, stations: &[&str], after_ms: u64) -> JobSpec {
    JobSpec { due_at: Some(Time(floor.now + after_ms)), ..job(id, None, stations) }
}

/// Jobs in the order in which something happened to them.
fn order(floor: &Floor, what: &JobNews) -> Vec<String> {
    floor.notes.iter().filter(|note| note.what == *what).map(|note| note.job.0.clone()).collect()
}

/// The same events on a fleet of its own give the same commands and the same state.
fn check_replays(floor: &Floor) {
    let mut again = Fleet::new(floor.layout.clone());
    for (at, event, commands) in &floor.entries {
        let mut found = Vec::new();
        again.step(*at, event.clone(), &mut found);
        assert_eq!(found, *commands);
    }
    assert_eq!(again.digest(), floor.fleet.digest());
}

#[test]
fn a_fleet_that_plans_ahead_keeps_every_rule_and_replays() {
    let layout = load("fresh-dc");
    let starts: Vec<_> = layout.parking().iter().chain(layout.holding()).copied().take(30).collect();
    let mut floor = Floor::new(layout.clone(), &starts);
    floor.checks_each = 20;
    floor.step(planning());
    let picks: Vec<_> =
        layout.stations().iter().filter(|s| s.name.starts_with("PICK")).map(|s| s.name.clone()).collect();
    for index in 0..120_usize {
        let truck = format!("TRUCK-{:02}", index % 6 + 1);
        let dock = format!("DOCK-{:02}", index % 6 + 1);
        let pick = &picks[index * 7 % picks.len()];
        let zone = layout.station_named(pick).map(|station| layout.station(station).nodes[0]);
        let temperature = zone.and_then(|node| layout.zone_of(node)).and_then(|zone| zone.temperature);
        let sequence = (index % 4 > 0).then_some(truck.as_str());
        let due_at = Some(Time(floor.now + 900_000 + 10_000 * (index as u64 % 40)));
        let spec = job(&format!("J-{index:04}"), sequence, &[pick, &dock]);
        submit(&mut floor, JobSpec { temperature, due_at, ..spec });
    }
    for _ in 0..120 {
        floor.run(60_000);
        if floor.done() == 120 {
            break;
        }
    }
    assert_eq!(floor.violations, Vec::<String>::new());
    assert_eq!(floor.done(), 120, "{}", floor.picture());
    let told = floor.notes.iter().filter(|note| note.what == JobNews::Assigned);
    assert!(told.into_iter().all(|note| note.why.as_ref().is_some_and(|why| why.contains("worth"))));
    check_replays(&floor);
}

#[test]
fn the_job_with_less_time_left_goes_first_though_it_came_last() {
    let mut floor = floor("A....B\n......\nC....D", &["n0-1"]);
    for id in ["J-1", "J-2"] {
        let spec = due(&floor, id, &["A", "B"], 3_600_000);
        submit(&mut floor, spec);
    }
    let rush = due(&floor, "J-3", &["C", "D"], 120_000);
    submit(&mut floor, rush);
    floor.run(600_000);
    assert_eq!(floor.done(), 3, "{}", floor.picture());
    assert_eq!(order(&floor, &JobNews::Done)[0], "J-3");
    assert_eq!(floor.violations, Vec::<String>::new());
}

#[test]
fn a_job_gets_a_nearer_robot_until_its_pick_begins() {
    let row = ".".repeat(60);
    let mut floor = floor(&format!("A{row}B\n{row}.."), &["n60-1", "n1-1"]);
    // The near one can't be had at first.
    let near = |is_faulted| Event::Robot { robot: RobotId(1), fact: drover_core::Fact::Faulted(is_faulted) };
    floor.step(near(true));
    submit(&mut floor, job("J-1", None, &["A", "B"]));
    floor.run(3_000);
    floor.step(near(false));
    floor.run(400_000);
    let robots: Vec<_> = floor.notes.iter().filter(|note| note.what == JobNews::Assigned).collect();
    let robots: Vec<_> = robots.iter().filter_map(|note| note.robot.as_deref()).collect();
    assert_eq!(robots, ["drover/r01", "drover/r02"]);
    assert_eq!((floor.done(), &floor.violations), (1, &vec![]));
    check_replays(&floor);
}

#[test]
fn a_job_that_will_be_late_is_told_before_it_is() {
    let mut floor = floor("A....B\n......", &["n0-1"]);
    let begin = floor.now;
    for index in 0..6 {
        let spec = due(&floor, &format!("J-{index}"), &["A", "B"], 150_000);
        submit(&mut floor, spec);
    }
    floor.run(900_000);
    assert_eq!(floor.done(), 6, "{}", floor.picture());
    let late = |note: &&drover_core::Notification| note.what == JobNews::Done && note.at.0 > begin + 150_000;
    let mut late: Vec<_> = floor.notes.iter().filter(late).map(|note| note.job.0.clone()).collect();
    let mut told = Vec::new();
    for note in &floor.notes {
        if let JobNews::AtRisk { eta, due_at, cause } = &note.what {
            assert!(note.at < *due_at && eta.is_some_and(|eta| eta > *due_at), "{note:?}");
            assert!(matches!(cause, Risk::NoRobot | Risk::Travel), "{note:?}");
            told.push(note.job.0.clone());
        }
    }
    late.sort_unstable();
    told.sort_unstable();
    assert!(!late.is_empty());
    assert!(late.iter().all(|job| told.contains(job)), "late {late:?}, told {told:?}");
}

#[test]
fn what_is_expected_of_a_sequence_is_known() {
    let mut floor = floor("A....B\n......", &["n0-1"]);
    for index in 0..3 {
        let spec = JobSpec {
            due_at: Some(Time(floor.now + 3_600_000)),
            ..job(&format!("J-{index}"), Some("TRUCK"), &["A", "B"])
        };
        submit(&mut floor, spec);
    }
    assert_eq!(floor.fleet.sequence_eta("TRUCK"), None);
    floor.run(8_000);
    let eta = floor.fleet.sequence_eta("TRUCK").expect("an estimate");
    let begin = Time(floor.now);
    floor.run(900_000);
    let end = floor.notes.iter().rfind(|note| note.what == JobNews::Done).expect("an end").at;
    let (expected, took) = (eta.since_ms(begin), end.since_ms(begin));
    assert!(took / 2 < expected && expected < took * 2, "expected {expected} ms, took {took} ms");
}
