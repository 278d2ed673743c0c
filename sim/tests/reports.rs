//! What a run leaves behind, as a CI system and a browser would take it; through the program itself.

#![expect(clippy::unwrap_used, reason = "a test's helpers are tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use drover_maps::generate::Warehouse;
use drover_sim::report::{self, Heading, Report};
use drover_sim::{Scenario, Wire, World};

const CROSS: &str = r#"
what = "</script><b>a hostile \"name\"</b> & co"
[layout]
grid = """
##B##
A...C
##D##
"""
[robots]
at = ["A", "B"]
[[job]]
legs = ["A pick", "C drop"]
[[job]]
legs = ["B pick", "D drop"]
[expect]
hours_max = 0.2
"#;

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn drover_sim(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_drover-sim")).current_dir(folder).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The last line of what was printed.
fn last_json(output: &Output) -> serde_json::Value {
    serde_json::from_str(stdout(output).lines().last().unwrap()).unwrap()
}

/// Every element opened is closed in its turn, every attribute is quoted, every entity is known.
fn check_well_formed(text: &str) {
    let (mut open, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once('<') {
        before.split('&').skip(1).for_each(|entity| {
            assert!(
                ["amp;", "lt;", "gt;", "quot;"].iter().any(|known| entity.starts_with(known)),
                "&{entity}"
            );
        });
        let (tag, behind) = after.split_once('>').unwrap();
        rest = behind;
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name.to_owned()), "before {:.60}", behind);
            continue;
        }
        let name = tag.split([' ', '/', '\n']).next().unwrap().to_owned();
        assert_eq!(tag.matches('"').count() % 2, 0, "<{tag}>");
        if ["script", "style"].contains(&name.as_str()) {
            rest = &behind[behind.find(&format!("</{name}>")).unwrap()..];
        }
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
}

#[test]
fn a_run_leaves_the_promised_keys_a_page_and_a_suite() {
    let folder = folder("run");
    fs::write(folder.join("cross.toml"), CROSS).unwrap();
    let arguments =
        ["run", "cross.toml", "--seed", "3", "--report", "out", "--junit", "out/junit.xml", "--json"];
    let output = drover_sim(&folder, &arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("out/report.json")).unwrap()).unwrap();
    assert_eq!(report, last_json(&output));
    let mut keys: Vec<&String> = report.as_object().unwrap().keys().collect();
    keys.sort();
    let promised = [
        "digest",
        "invariant_violations",
        "jobs_done",
        "jobs_failed",
        "jobs_late",
        "jobs_per_hour",
        "jobs_total",
        "robots",
        "sequences_broken",
        "sim_seconds",
        "wall_seconds",
    ];
    assert_eq!(keys, promised);
    let suite = fs::read_to_string(folder.join("out/junit.xml")).unwrap();
    check_well_formed(&suite);
    assert!(suite.contains("failures=\"0\"") && suite.contains("name=\"Exclusive\""), "{suite}");
    assert!(suite.contains("value=\"drover-sim run cross.toml --seed 3\""), "{suite}");
    let page = fs::read_to_string(folder.join("out/report.html")).unwrap();
    check_well_formed(&page);
    assert!(!page.contains("<b>a hostile") && !page.contains("</script><b>"));
    assert!(page.matches("</script>").count() == 2 && page.contains("default-src 'none'"));
    let text = fs::read_to_string(folder.join("out/report.md")).unwrap();
    assert!(text.contains("drover-sim run cross.toml --seed 3"), "{text}");
}

#[test]
fn the_pages_data_is_json_with_a_way_for_each_robot() {
    let folder = folder("data");
    fs::write(folder.join("cross.toml"), CROSS).unwrap();
    drover_sim(&folder, &["run", "cross.toml", "--report", "out"]);
    let page = fs::read_to_string(folder.join("out/report.html")).unwrap();
    let data = page.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["what"], "</script><b>a hostile \"name\"</b> & co");
    for list in ["robots", "tracks", "spans"] {
        assert_eq!(data[list].as_array().unwrap().len(), 2, "{list}");
    }
    assert!(data["tracks"][0].as_str().unwrap().len() > 20, "it drove nowhere");
    assert_eq!(data["duties"].as_array().unwrap().len(), 2);
    assert_eq!(data["series"]["states"].as_array().unwrap().len(), 6);
}

#[test]
fn what_broke_is_told_with_its_story_and_the_way_to_run_it_again() {
    let folder = folder("broken");
    fs::write(
        folder.join("cross.toml"),
        CROSS.replace("hours_max = 0.2", "hours_max = 0.2\njobs_per_hour_min = 1e6"),
    )
    .unwrap();
    let output =
        drover_sim(&folder, &["run", "cross.toml", "--seed", "5", "--junit", "junit.xml", "--report", "out"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("again: drover-sim run cross.toml --seed 5"), "{}", stdout(&output));
    let suite = fs::read_to_string(folder.join("junit.xml")).unwrap();
    check_well_formed(&suite);
    assert!(suite.contains("failures=\"1\"") && suite.contains("expected at least 1000000"), "{suite}");
    check_well_formed(&fs::read_to_string(folder.join("out/report.html")).unwrap());
}

#[test]
fn bad_input_is_told_with_the_mend_and_a_code_of_its_own() {
    let folder = folder("bad");
    fs::write(folder.join("cross.toml"), CROSS).unwrap();
    fs::write(folder.join("policy.toml"), CROSS.replace("[expect]", "[config]\npolicy = \"best\"\n[expect]"))
        .unwrap();
    let told = |arguments: &[&str]| {
        let output = drover_sim(&folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(
        told(&["run", "policy.toml"]).contains("write one of \"nearest\", \"longest_idle\", \"matching\"")
    );
    assert!(told(&["run", "cross.toml", "--policy", "best"]).contains("\"matching\""));
    assert!(told(&["run", "nowhere.toml"]).contains("nowhere.toml"));
    assert!(told(&["compare", "cross.toml", "--policy", "nearest"]).contains("two or more"));
    assert!(told(&["capacity", "--layout", "none.json", "--robots", "1..2"]).contains("none.json"));
    assert!(told(&["capacity", "--layout", "none.json", "--robots", "9..2"]).contains("A..B"));
    let option =
        |option| told(&["capacity", "--layout", "none.json", "--robots", "1..2", "--option", option]);
    assert!(option("windw_ms=3").contains("there are auto_enroll"));
    assert!(option("window_ms=-3").contains("`window_ms=-3`"));
}

#[test]
fn watching_a_run_changes_nothing() {
    let play = |is_recorded| {
        let setup = Scenario::parse(CROSS).unwrap().build(None, &|name| Err(name.to_owned())).unwrap();
        let world = World::new(setup, Wire::Typed, None);
        let world = if is_recorded { world.recorded() } else { world };
        world.run(&mut |_, _| ()).unwrap()
    };
    let (plain, watched) = (play(false), play(true));
    assert_eq!((plain.digest, plain.sim_ms), (watched.digest, watched.sim_ms));
    let recording = watched.recording.as_ref().unwrap();
    assert!(recording.driven.all_mm > 8_000 && recording.driven.empty_mm < recording.driven.all_mm);
    let seconds: u64 = recording.kinds_ms.values().sum::<u64>() / 1_000;
    assert_eq!(seconds, 2 * (watched.sim_ms / 1_000 + 1), "each robot does one thing at a time");
    let heading = Heading {
        name: "x".into(),
        what: String::new(),
        seed: 1,
        policy: "nearest".into(),
        again: String::new(),
    };
    let report = Report::of(&plain, 1.0);
    assert_eq!(report::html(&heading, &report, &[], &plain), None, "there is nothing to replay");
}

#[test]
fn policies_are_compared_on_the_same_seeds_whatever_the_threads() {
    let folder = folder("compare");
    fs::write(folder.join("cross.toml"), CROSS).unwrap();
    let compare = |threads| {
        let arguments = [
            "compare",
            "cross.toml",
            "--policy",
            "nearest,matching",
            "--seeds",
            "2",
            "--json",
            "--threads",
            threads,
        ];
        last_json(&drover_sim(&folder, &arguments))
    };
    let told = compare("1");
    assert_eq!(told, compare("2"));
    assert_eq!(told["figures"][0]["name"], "jobs_per_hour");
    assert!(told["figures"][0]["mean"]["matching"].as_f64().unwrap() > 0.0, "{told}");
    assert!(told["figures"][0]["difference"][0]["standard_error"].is_number(), "{told}");
}

#[test]
fn capacity_is_the_same_on_one_thread_and_on_two() {
    let folder = folder("capacity");
    let warehouse = Warehouse {
        aisles: 2,
        bays: 3,
        cross_aisles: 2,
        docks: 2,
        pick_stations: 4,
        chargers: 0,
        parking: 4,
        ..Warehouse::default()
    };
    let drawing = warehouse.draw().unwrap();
    fs::write(folder.join("layout.lif.json"), drawing.lif).unwrap();
    fs::write(folder.join("site.toml"), drawing.site).unwrap();
    let capacity = |threads, more: &[&str]| {
        let shape = [
            "capacity",
            "--layout",
            "layout.lif.json",
            "--site",
            "site.toml",
            "--robots",
            "1..4",
            "--step",
            "2",
        ];
        let run = ["--hours", "0.1", "--seeds", "2", "--plot", "plot.svg", "--json", "--threads", threads];
        let output = drover_sim(&folder, &[&shape[..], &run, more].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        last_json(&output)
    };
    let told = capacity("1", &[]);
    assert_eq!(told, capacity("2", &[]));
    let most = |told: &serde_json::Value| told["sizes"][2]["jobs_per_hour"].as_f64().unwrap();
    let late = capacity("2", &["--delay", "80", "--option", "policy=\"throughput\""]);
    assert_eq!((&late["delay_pct"], &late["policy"]), (&80.into(), &"throughput".into()));
    assert!(most(&late) < most(&told), "{late}");
    let sizes: Vec<u64> =
        told["sizes"].as_array().unwrap().iter().map(|line| line["robots"].as_u64().unwrap()).collect();
    assert_eq!(sizes, [1, 3, 4]);
    let rates: Vec<f64> = told["sizes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["jobs_per_hour"].as_f64().unwrap())
        .collect();
    assert!(rates[0] > 0.0 && rates[1] > rates[0], "{rates:?}");
    check_well_formed(&fs::read_to_string(folder.join("plot.svg")).unwrap());
}

#[test]
fn a_swarm_leaves_a_suite_with_a_case_for_each_rule() {
    let folder = folder("swarm");
    let output = drover_sim(&folder, &["swarm", "--seeds", "2", "--json", "--junit", "swarm.xml"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(last_json(&output)["seeds"], 2);
    let suite = fs::read_to_string(folder.join("swarm.xml")).unwrap();
    check_well_formed(&suite);
    for rule in ["Exclusive", "Live", "Replay"] {
        assert!(suite.contains(&format!("name=\"{rule}\"")), "{rule} is missing in {suite}");
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let folder = folder("help");
    for command in ["run", "compare", "swarm", "capacity"] {
        let help = stdout(&drover_sim(&folder, &[command, "--help"]));
        assert!(help.contains(&format!("Examples:\n  drover-sim {command}")), "{help}");
    }
}
