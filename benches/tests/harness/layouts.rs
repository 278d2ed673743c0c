//! Layouts: what the checker of routes finds, and what the command answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use drover_benches::lifelong::arena::Start;
use drover_benches::lifelong::book::Log;
use drover_benches::lifelong::plan::Revealed;
use drover_benches::lifelong::route::Leg;
use drover_benches::lifelong::{Arena, Report, Route, inspect};
use drover_maps::{Layout, TypeId};
use serde_json::{Value, json};

/// A ring of eight nodes, 1.5 m apart, all ways clockwise, and a bay at the second; stations at the third and the sixth.
fn lif() -> Value {
    let at = [
        (0.0, 0.0),
        (1.5, 0.0),
        (3.0, 0.0),
        (4.5, 0.0),
        (4.5, 1.5),
        (3.0, 1.5),
        (1.5, 1.5),
        (0.0, 1.5),
        (1.5, -1.5),
    ];
    let node = |(index, (x, y)): (usize, &(f64, f64))| {
        json!({"nodeId": format!("N{index}"), "nodePosition": {"x": x, "y": y},
            "vehicleTypeNodeProperties": [{"vehicleTypeId": "t"}]})
    };
    let edge = |(from, to): (usize, usize)| {
        json!({"edgeId": format!("N{from}-N{to}"), "startNodeId": format!("N{from}"), "endNodeId": format!("N{to}"),
            "vehicleTypeEdgeProperties": [{"vehicleTypeId": "t", "rotationAllowed": true}]})
    };
    let edges: Vec<Value> =
        (0..8).map(|from| (from, (from + 1) % 8)).chain([(1, 8), (8, 1)]).map(edge).collect();
    let station = |node: &str| json!({"stationId": format!("S-{node}"), "interactionNodeIds": [node]});
    json!({
        "metaInformation": {"projectIdentification": "test", "creator": "test", "exportTimestamp": "2026-01-01T00:00:00.00Z",
            "lifVersion": "1.0.0"},
        "layouts": [{"layoutId": "l", "layoutVersion": "1", "nodes": at.iter().enumerate().map(node).collect::<Vec<_>>(),
            "edges": edges, "stations": [station("N2"), station("N5")]}]})
}

fn layout() -> Layout {
    drover_maps::compile(lif().to_string().as_bytes(), None).unwrap().layout
}

/// Robots 0 and 1 at the first node and the fourth, heading on; tasks from the third node to the sixth.
fn arena() -> Arena {
    let mut arena = Arena::draw("ring".to_owned(), layout(), 2, 1).unwrap();
    let node = |name| arena.layout.node_named(name).unwrap();
    let start = |name, heading_mdeg| Start { robot_type: TypeId(0), node: node(name), heading_mdeg };
    let starts = vec![start("N0", 0), start("N3", 0)];
    arena.tasks = vec![vec![node("N2").0, node("N5").0]];
    arena.starts = starts;
    arena.revealed = 1;
    arena
}

/// Robot 1 makes way, robot 0 does the first errand. An edge takes a second, two steps, a quarter turn two.
fn route(arena: &Arena) -> Route {
    let leg = |begun, arrived, name| Leg { begun, arrived, edge: arena.layout.edge_named(name).unwrap() };
    Route {
        steps: 8,
        starts: arena.starts.clone(),
        has_delays: false,
        legs: vec![
            vec![leg(1, Some(2), "N0-N1"), leg(3, Some(4), "N1-N2")],
            vec![leg(3, Some(4), "N3-N4"), leg(7, Some(8), "N4-N5")],
        ],
        log: Log {
            finished: 0,
            schedule: vec![vec![(1, Some(0))], vec![]],
            events: vec![[4, 0, 0, 1]],
            tasks: vec![Revealed(0, 0, arena.tasks[0].clone())],
        },
    }
}

fn found(change: impl FnOnce(&Arena, &mut Route)) -> String {
    let arena = arena();
    let mut route = route(&arena);
    change(&arena, &mut route);
    format!("{:#}", inspect(&arena, &route).unwrap_err())
}

#[test]
fn a_route_that_keeps_the_rules_holds_and_is_counted() {
    let arena = arena();
    let account = inspect(&arena, &route(&arena)).unwrap();
    assert_eq!(account.finished, [0; 9]);
    // Robot 0 stands for steps 5 to 8; robot 1 turns for steps 1 and 2, and 5 and 6.
    assert_eq!((account.waits, account.turns), (4, 4));
    assert_eq!((account.stand.robot, account.stand.steps, account.stand.until), (0, 4, 8));
}

#[test]
fn each_rule_broken_is_found() {
    let edge = |arena: &Arena, name: &str| arena.layout.edge_named(name).unwrap();
    let told = found(|arena, route| route.legs[1][0].edge = edge(arena, "N4-N5"));
    assert_eq!(told, "step 3: robot 1: drives onto edge N4-N5, but stands at node N3");
    let told = found(|_, route| route.legs[1][0].begun = 2);
    assert_eq!(
        told,
        "step 2: robot 1: drives onto edge N3-N4, but can't have turned at node N3 before step 3"
    );
    let told = found(|_, route| route.legs[0][1].begun = 2);
    assert_eq!(told, "step 2: robot 0: drives onto edge N1-N2, but is still on edge N0-N1");
    let told = found(|arena, route| {
        route.legs[0].push(Leg { begun: 5, arrived: Some(6), edge: edge(arena, "N2-N3") });
        route.legs[1] = vec![];
    });
    assert_eq!(told, "step 5: robots 0 and 1 both have node N3");
    let told = found(|_, route| route.legs[0][0].arrived = Some(1));
    assert_eq!(told, "step 1: robot 0: is at the end of edge N0-N1 before step 2, sooner than it can be");
    let told = found(|_, route| route.legs[1][1].arrived = None);
    assert_eq!(told, "step 7: robot 1: isn't at the end of edge N4-N5 at step 8, though nobody is delayed");
    let told = found(|_, route| route.log.events.clear());
    assert!(told.starts_with("step 4: robot 0 does errand 1 of task 0, but `events` has nothing"), "{told}");
    let told = found(|_, route| route.legs[1][1].begun = 9);
    assert_eq!(told, "step 8 is the last, but the moves of robot 1 go on with step 9");
    let told = found(|_, route| route.legs[1][1].begun = 2);
    assert!(told.contains("has a move of step 2 after that of a later step"), "{told}");
    let told = found(|arena, route| route.starts[0].node = arena.starts[1].node);
    assert!(told.starts_with("before step 1: "), "{told}");
}

#[test]
fn robots_beside_each_other_are_found() {
    let mut lif = lif();
    // The bay lies so near to the way past it that nobody fits beside who stands in it.
    lif["layouts"][0]["nodes"][8]["nodePosition"]["y"] = json!(-0.7);
    let layout = drover_maps::compile(lif.to_string().as_bytes(), None).unwrap().layout;
    let mut arena = Arena { floor: arena().floor, layout, ..arena() };
    arena.starts[1].node = arena.layout.node_named("N8").unwrap();
    let mut route = route(&arena);
    route.legs[1].clear();
    let told = format!("{:#}", inspect(&arena, &route).unwrap_err());
    assert!(told.starts_with("step 1: robot 0 at N") && told.ends_with("exclude each other"), "{told}");
}

#[test]
fn what_is_written_reads_back() {
    let arena = arena();
    let route = route(&arena);
    let mut text = Vec::new();
    route.write(&arena, &mut text).unwrap();
    assert_eq!(Route::read(&arena, text.as_slice()).unwrap(), route);
    let text = String::from_utf8(text).unwrap();
    for (from, to, told) in [
        ("drover route 1", "drover route 9", "`version` is `drover route 9`"),
        ("\"beatMs\":500", "\"beatMs\":50", "in beats of 50 ms"),
        ("1-2:N0-N1", "1-2:N0-N7", "`moves` of robot 0: `1-2:N0-N7` is no move; write begun-arrived:edge"),
        ("1-2:N0-N1", "1-x:N0-N1", "`1-x:N0-N1` is no move"),
        ("\"steps\":8", "\"steps\":4000000000", "`steps` is 4000000000; only routes of"),
        ("[\"t\",\"N3\"", "[\"t\",\"N9\"", "`robots` has node `N9`"),
        ("\"1:0\",", "", "`schedule` has 1 robots, `robots` 2"),
    ] {
        assert!(text.contains(from), "{from}: {text}");
        let error = Route::read(&arena, text.replace(from, to).as_bytes()).unwrap_err();
        assert!(format!("{error:#}").contains(told), "{error:#}");
    }
}

#[test]
fn robots_start_where_they_have_room_and_tasks_have_ways() {
    let drawn = |robots, seed| Arena::draw("ring".to_owned(), layout(), robots, seed).unwrap();
    let (arena, again, other) = (drawn(3, 7), drawn(3, 7), drawn(3, 8));
    assert_eq!((&arena.starts, &arena.tasks), (&again.starts, &again.tasks));
    assert_ne!((&arena.starts, &arena.tasks), (&other.starts, &other.tasks));
    assert!(arena.tasks.iter().all(|task| task.len() == 2 && task[0] != task[1]));
    for (robots, told) in
        [(0, "no robots"), (99, "99 robots have no room to start; 9 have: write --robots 9 or fewer")]
    {
        let error = Arena::draw("ring".to_owned(), layout(), robots, 1).unwrap_err();
        assert!(format!("{error:#}").contains(told), "{error:#}");
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("ring.lif.json"), lif().to_string()).unwrap();
    folder
}

fn lifelong(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lifelong"));
    command.current_dir(folder).args(["--layout", "ring.lif.json"]).args(args).output().unwrap()
}

#[test]
fn every_planner_plays_a_layout_and_its_route_holds() {
    let folder = folder("layout");
    for planner in [
        &[][..],
        &["--delay", "20"],
        &["--planner", "pibt"],
        &["--planner", "lacam"],
        &["--planner", "epibt", "--delay", "20"],
    ] {
        let args = [
            "--robots",
            "3",
            "--steps",
            "300",
            "--expansions",
            "100",
            "--json",
            "--plan",
            "plan.json",
            "--plots",
            "plots",
        ];
        let output = lifelong(&folder, &[&args, planner].concat());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{told}");
        let report: Report = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((report.steps, report.robots), (300, 3));
        assert!(
            report.finished() > 0 && report.finished() <= report.conflict_free + 1,
            "{planner:?}: {report:?}"
        );
        for picture in ["progress.svg", "waits.svg"] {
            assert!(fs::read_to_string(folder.join("plots").join(picture)).unwrap().ends_with("</svg>\n"));
        }
        let output = lifelong(&folder, &["--robots", "3", "--check", "plan.json"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stdout.starts_with(b"plan.json: holds: 3 robots, 300 steps, "));
    }
    let output = lifelong(&folder, &["--robots", "2", "--check", "plan.json"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn bad_input_names_the_mend() {
    let folder = folder("layout-bad-input");
    fs::write(folder.join("bad.lif.json"), "{").unwrap();
    fs::write(folder.join("bad.toml"), "[[zone]]\nid = 1").unwrap();
    for (args, told) in [
        (&["--steps", "1"][..], "--robots"),
        (&["--robots", "99"], "write --robots 9 or fewer"),
        (&["--robots", "2", "--site", "absent.toml"], "absent.toml: can't be read"),
        (&["--robots", "2", "--site", "bad.toml"], "site.toml can't be read"),
        (&["--robots", "2", "--planner", "best"], "there is no planner \"best\""),
        (&["--robots", "2", "--problem", "problem.json"], "cannot be used with"),
        (&["--robots", "2", "--check", "bad.lif.json"], "not a route"),
    ] {
        let output = lifelong(&folder, args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains(told) && !error.contains("panicked"), "{args:?}: {error}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_lifelong"));
    let output =
        command.current_dir(&folder).args(["--layout", "bad.lif.json", "--robots", "2"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(2) && error.contains("bad.lif.json: the LIF file can't be read"),
        "{error}"
    );
}
