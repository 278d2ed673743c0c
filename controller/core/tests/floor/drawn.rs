//! The fleet on a floor without a wire: robots that obey at nominal speed.

use drover_core::plan::Algorithm;

use crate::grid;
use crate::walkers::{Floor, job, load};

#[test]
fn three_hundred_jobs_are_done_in_order_on_fresh_dc() {
    let layout = load("fresh-dc");
    let starts: Vec<_> = layout.parking().iter().chain(layout.holding()).copied().take(40).collect();
    assert_eq!(starts.len(), 40);
    let mut floor = Floor::new(layout.clone(), &starts);
    floor.checks_each = 20;
    let picks: Vec<_> =
        layout.stations().iter().filter(|s| s.name.starts_with("PICK")).map(|s| s.name.clone()).collect();
    for index in 0..300_usize {
        let truck = format!("TRUCK-{:02}", index % 12 + 1);
        let dock = format!("DOCK-{:02}", index % 12 + 1);
        let pick = &picks[index * 7 % picks.len()];
        let spec = job(&format!("J-{index:04}"), Some(&truck), &[pick, &dock]);
        floor.step(drover_core::Event::JobSubmitted(Box::new(spec)));
    }
    for _ in 0..180 {
        floor.run(60_000);
        if floor.done() == 300 {
            break;
        }
    }
    assert_eq!(floor.violations, Vec::<String>::new());
    assert_eq!(floor.done(), 300, "{}", floor.picture());
}

/// Drives these jobs on the drawn floor with robots on these nodes, by every planner; all must end.
fn drive(text: &str, starts: &[&str], jobs: &[(Option<&str>, &[&str])]) -> [Floor; 3] {
    [Algorithm::Pibt, Algorithm::Epibt, Algorithm::Lacam].map(|planner| drive_by(planner, text, starts, jobs))
}

fn drive_by(planner: Algorithm, text: &str, starts: &[&str], jobs: &[(Option<&str>, &[&str])]) -> Floor {
    let layout = grid::grid(text);
    let starts: Vec<_> =
        starts.iter().map(|name| layout.node_named(name).expect("the test's own data")).collect();
    let mut floor = Floor::planned_by(planner, layout, &starts);
    for (index, (sequence, stations)) in jobs.iter().enumerate() {
        floor.step(drover_core::Event::JobSubmitted(Box::new(job(
            &format!("J-{index:03}"),
            *sequence,
            stations,
        ))));
    }
    for _ in 0..240 {
        floor.run(60_000);
        if floor.done() == jobs.len() {
            break;
        }
    }
    assert_eq!(floor.violations, Vec::<String>::new());
    assert_eq!(
        floor.done(),
        jobs.len(),
        "{planner}: {:?}\n{}\n{:?}",
        floor.fleet.planner_stats(),
        floor.picture(),
        floor.alarms
    );
    floor
}

#[test]
fn two_robots_cross() {
    drive(
        "  B\n  .\nA...C\n  .\n  D",
        &["n0-2", "n2-0"],
        &[(None, &["A", "C"]), (None, &["B", "D"]), (None, &["C", "A"]), (None, &["D", "B"])],
    );
}

#[test]
fn head_on_in_a_corridor_with_a_bay_one_goes_aside() {
    drive(
        "A.......B\n    .    ",
        &["n0-0", "n8-0"],
        &[(None, &["A", "B"]), (None, &["B", "A"]), (None, &["A", "B"]), (None, &["B", "A"])],
    );
}

#[test]
fn a_one_lane_dead_end_is_served_by_three_robots() {
    drive(
        "....S\n....\n....",
        &["n0-0", "n1-1", "n2-2"],
        &[(None, &["S"]), (None, &["S"]), (None, &["S"]), (None, &["S"]), (None, &["S"])],
    );
}

#[test]
fn two_stations_in_one_dead_end_are_served() {
    drive(
        "......\n.A..B.....T..S\n......",
        &["n0-0", "n1-1", "n2-2", "n5-0"],
        &[
            (None, &["S", "T"]),
            (None, &["T", "S"]),
            (None, &["S", "A"]),
            (None, &["T", "B"]),
            (None, &["A", "S"]),
            (None, &["B", "T"]),
        ],
    );
}

#[test]
fn a_parked_robot_gives_way() {
    drive("A...B\n .   ", &["n0-0", "n2-0"], &[(None, &["A", "B"])]);
}

#[test]
fn a_robot_of_another_type_goes_aside_where_only_it_may_go() {
    let jobs: [(Option<&str>, &[&str]); 2] = [(None, &["B"]), (None, &["A", "B"])];
    let [by_pibt, ..] = drive("A...B\n  ,  \n  ,  ", &["n0-0", "n2-1", "n2-2"], &jobs);
    assert!(by_pibt.fleet.planner_stats().breaker_calls > 0, "no jam to break");
}

#[test]
fn a_full_ring_of_robots_turns() {
    drive(
        "A.B\n. .\nD.C",
        &["n0-0", "n1-0", "n2-0", "n2-1", "n2-2", "n1-2", "n0-2"],
        &[(None, &["A", "C"]), (None, &["B", "D"]), (None, &["C", "A"]), (None, &["D", "B"])],
    );
}

#[test]
fn all_robots_are_called_to_one_station() {
    let jobs: Vec<(Option<&str>, &[&str])> = (0..20).map(|_| (None, &["S", "D"][..])).collect();
    drive(
        "........\n........\n...S....\n........\n......D.",
        &["n0-0", "n2-0", "n4-0", "n6-0", "n0-2", "n6-2", "n0-4", "n2-4"],
        &jobs,
    );
}

#[test]
fn sequences_end_in_order_at_one_dock() {
    let ways: [&[&str]; 3] = [&["A", "D"], &["B", "D"], &["C", "D"]];
    let all: Vec<_> = (0..24).map(|index| (Some(["X", "Y", "Z"][index % 3]), ways[index / 3 % 3])).collect();
    let floors = drive(
        "A......B\n........\n........\n........\nC......D",
        &["n1-1", "n3-1", "n5-1", "n1-3", "n3-3", "n5-3"],
        &all,
    );
    for (name, floor) in (0..3).flat_map(|name| floors.iter().map(move |floor| (name, floor))) {
        let done: Vec<_> = floor
            .notes
            .iter()
            .filter(|n| n.what == drover_core::JobNews::Done)
            .map(|n| n.job.0[2..].parse::<usize>().expect("the test's own data"))
            .filter(|n| n % 3 == name)
            .collect();
        assert!(done.is_sorted(), "{done:?}");
    }
}

#[test]
fn a_dead_robot_in_a_bottleneck_is_named_to_the_operator_and_keeps_its_place() {
    let layout = grid::grid("A....B");
    let starts = ["n0-0", "n3-0"].map(|name| layout.node_named(name).expect("the test's own data"));
    let mut floor = Floor::new(layout, &starts);
    let dead = drover_core::RobotId(1);
    let gone = drover_core::Fact::Connection(drover_core::event::Connection::Broken);
    floor.step(drover_core::Event::Robot { robot: dead, fact: gone });
    floor.step(drover_core::Event::JobSubmitted(Box::new(job("J-1", None, &["B"]))));
    floor.run(180_000);
    assert_eq!(floor.done(), 0);
    assert_eq!(floor.violations, Vec::<String>::new());
    let jams: Vec<_> = floor.alarms.iter().filter(|alarm| alarm.contains("is in its way")).collect();
    assert_eq!(jams.len(), 1, "{:?}\n{}", floor.alarms, floor.picture());
    assert!(jams[0].starts_with("drover/r01") && jams[0].contains("drover/r02"), "{jams:?}");
    assert_eq!(floor.fleet.reservations().node(starts[1]), Some(dead));
}
