//! The text of scenarios: what is wrong is told with line and mend, every key is documented, chance comes from the seed.

#![expect(clippy::unwrap_used, reason = "a test's helpers are tests")]

use std::fs;
use std::path::Path;

use drover_sim::report::verdicts;
use drover_sim::scenario::Expect;
use drover_sim::{Outcome, Scenario, ScenarioError, Setup, Wire, World};

fn no_files(name: &str) -> Result<Vec<u8>, String> {
    Err(format!("{name}: no such file; names are relative to the scenario"))
}

fn build(text: &str) -> Result<Setup, ScenarioError> {
    Scenario::parse(text).and_then(|scenario| scenario.build(None, &no_files))
}

/// A good scenario, one line each, so that a wrong line is easily counted.
const HEAD: &str = "layout.grid = \"A..B\\n....\"\nrobots.at = [\"A\", \"B\"]\n";
const JOB: &str = "[[job]]\nid = \"X\"\nlegs = [\"A pick\", \"B drop\"]\n";

#[test]
fn a_wrong_scenario_is_told_with_its_line_and_the_mend() {
    // The tail after HEAD and JOB (lines 1 to 5), the line that is wrong, and words the error must have.
    let tails: [(&str, usize, &[&str]); 28] = [
        ("[robot]\ncount = 3\n", 6, &["robot", "robots"]),
        ("[net]\nlatency = [1, 2]\n", 7, &["latency", "latency_ms"]),
        ("[net]\nlatency_ms = [9, 2]\n", 7, &["net.latency_ms", "[9, 2]", "shorter"]),
        ("[net]\nlatency_ms = 9\n", 7, &["latency_ms = 9"]),
        (
            "[[job]]\nlegs = [\"A pick\"]\n[[job]]\nlegs = [\"Z drop\"]\n",
            9,
            &["job[2].legs[0]", "\"Z\"", "A, B"],
        ),
        ("[[job]]\nlegs = []\n", 7, &["job[1].legs", "1 to 16"]),
        ("[[job]]\nid = \"X\"\nlegs = [\"A pick\"]\n", 7, &["job[1].id", "\"X\"", "twice"]),
        ("[[job]]\nlegs = [\"A\"]\npriority = 12\n", 8, &["job[1].priority", "12", "0 to 9"]),
        ("[[job]]\nlegs = [\"A\"]\ntemperature = \"cool\"\n", 8, &["cool", "chilled"]),
        ("[[job]]\nlegs = [\"A\"]\nat_s = -3\n", 8, &["at_s = -3"]),
        ("[jobs]\ndraw = 3\nfrom = [\"PICK-*\"]\n", 8, &["jobs.from", "PICK-*", "A, B"]),
        ("[jobs]\nwave = \"w.ndjson\"\n", 7, &["jobs.wave", "w.ndjson", "relative"]),
        (
            "[[jobs.stream]]\nuntil_s = 9\nfrom = [\"A\"]\nto = [\"B\"]\n",
            6,
            &["jobs.stream[0].per_hour", "more than 0"],
        ),
        (
            "[[jobs.stream]]\nper_hour = 9\nfrom_s = 5\nuntil_s = 5\n",
            9,
            &["jobs.stream[0].until_s", "from_s 5"],
        ),
        ("[[jobs.stream]]\nper_hour = 9\nuntil_s = 5\narrival = \"soon\"\n", 9, &["soon", "poisson"]),
        (
            "[[jobs.stream]]\nper_hour = 9\nuntil_s = 5\ntruck = { every_s = 1, jobs = 1, lead_s = 1 }\n",
            7,
            &["jobs.stream[0].per_hour", "truck"],
        ),
        ("[[jobs.stream]]\nuntil_s = 5\ntruck = { every_s = 1, jobs = 1 }\n", 8, &["lead_s"]),
        ("[[operator]]\nat_s = 1\ndoes = \"sing\"\n", 8, &["operator[0].does", "sing", "stop-zone ZONE"]),
        ("[[operator]]\nat_s = 1\ndoes = \"pause sim/s009\"\n", 8, &["sim/s009", "sim/s001"]),
        ("[[operator]]\nat_s = 1\ndoes = \"stop-zone cold\"\n", 8, &["zone \"cold\"", "site.toml"]),
        ("[[operator]]\nat_s = 1\ndoes = \"close-edge A\"\n", 8, &["edge \"A\"", "the first is"]),
        ("[[operator]]\nat_s = 1\ndoes = \"cancel Y\"\n", 8, &["job \"Y\"", "\"X\""]),
        ("[expect]\nhours_max = 0\n", 7, &["expect.hours_max", "more than 0"]),
        ("[expect]\non_time = true\n", 7, &["expect.on_time", "due_after_s"]),
        ("[expect]\nwait_share_max = 40\n", 7, &["expect.wait_share_max", "between 0 and 1"]),
        ("[expect]\nfailed_max = 1\n", 7, &["expect.failed_max", "all_done = false"]),
        ("[config]\ncycle_mss = 5\n", 7, &["config.cycle_mss", "cycle_ms"]),
        ("[[doors.fault]]\nid = \"D\"\nwhat = \"silent\"\n", 7, &["doors.fault[0].id", "\"D\"", "site.toml"]),
    ];
    for (tail, line, words) in tails {
        told(&format!("{HEAD}{JOB}{tail}"), line, words);
    }
}

#[test]
fn a_wrong_ground_or_cast_is_told_with_its_line_and_the_mend() {
    let texts: [(&str, usize, &[&str]); 10] = [
        ("layout.lif = \"x.json\"\n", 1, &["layout.lif", "x.json"]),
        ("layout.grid = \"A\"\nlayout.lif = \"x\"\n", 1, &["layout", "exactly one"]),
        ("layout.grid = \"A.!\"\n", 1, &["layout.grid", "'!'"]),
        ("layout.grid = \"A.A\"\n", 1, &["layout.grid", "'A'", "twice"]),
        ("layout.grid = \"A.B\"\nlayout.site = \"x\"\n", 2, &["layout.site", "lif"]),
        ("layout.grid = \"A.B\"\n[robots]\ncount = 0\n", 2, &["robots", "count"]),
        ("layout.grid = \"A.B\"\n[robots]\ncount = 9\n", 3, &["robots.count", "9 don't fit"]),
        ("layout.grid = \"A.B\"\n[robots]\nat = [\"A\",\n\"Q\"]\n", 4, &["robots.at[1]", "\"Q\""]),
        (
            "layout.grid = \"A.B\"\n[robots]\nat = [\"A\"]\ntypes = [\"big\"]\n",
            4,
            &["robots.types[0]", "big", "amr"],
        ),
        (
            "layout.grid = \"A.B\"\n[robots]\nat = [\"A\"]\nabsent = [\"a/b\"]\n",
            4,
            &["robots.absent[0]", "a/b"],
        ),
    ];
    for (text, line, words) in texts {
        told(text, line, words);
    }
}

fn told(text: &str, line: usize, words: &[&str]) {
    let error = build(text).expect_err(text);
    let found = error.to_string();
    assert_eq!(error.line(text), Some(line), "{found}\n{text}");
    for word in words {
        assert!(found.contains(word), "no {word:?} in {found:?}\n{text}");
    }
}

#[test]
fn every_key_is_documented() {
    let tables = [
        "",
        "layout.",
        "layout.blocks.",
        "robots.",
        "jobs.",
        "job.",
        "jobs.stream.",
        "jobs.stream.truck.",
        "operator.",
        "net.",
        "doors.",
        "fault.",
        "expect.",
    ];
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    for table in tables {
        let lists = ["job.", "operator.", "fault.", "jobs.stream.", "jobs.stream.truck."];
        let text = match table {
            "" => "nonsense = 1\n".to_owned(),
            "jobs.stream.truck." => "[[jobs.stream]]\ntruck = { nonsense = 1 }\n".to_owned(),
            list if lists.contains(&list) => format!("[[{}]]\nnonsense = 1\n", list.trim_end_matches('.')),
            table => format!("[{}]\nnonsense = 1\n", table.trim_end_matches('.')),
        };
        let error = Scenario::parse(&text).unwrap_err().to_string();
        let keys: Vec<&str> = error.split("expected").nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        assert!(keys.len() > 1, "{error}");
        for key in keys.iter().filter(|key| !key.contains('/')) {
            assert!(readme.contains(&format!("| `{key}` |")), "README.md doesn't tell of `{table}{key}`");
        }
    }
}

#[test]
fn every_expectation_can_break() {
    let world = format!("{HEAD}[[job]]\nlegs = [\"A pick\", \"B drop\"]\ndue_after_s = 1\n");
    let outcome = run(build(&world).unwrap());
    let expect = Expect {
        on_time: true,
        late_max: Some(0),
        jobs_per_hour_min: 1e6,
        job_minutes_p95_max: Some(0.01),
        breaker_calls_min: 1_000,
        ..Expect::default()
    };
    let verdicts = verdicts(&outcome, &expect);
    for name in ["on_time", "late_max", "jobs_per_hour_min", "job_minutes_p95_max", "breaker_calls_min"] {
        let verdict = verdicts.iter().find(|verdict| verdict.name == name).unwrap();
        assert!(verdict.broken.is_some(), "{name} held");
    }
    assert!(verdicts.iter().any(|verdict| verdict.name == "all_done" && verdict.broken.is_none()));
}

#[test]
fn a_seed_draws_the_same_jobs_and_another_seed_others() {
    for name in ["arrivals.toml", "trucks.toml", "parked-in-the-way.toml", "one-way-loops.toml"] {
        let text = fs::read_to_string(folder().join(name)).unwrap();
        let drawn = |seed| {
            let setup = Scenario::parse(&text).unwrap().build(Some(seed), &no_files).unwrap();
            (format!("{:?}", setup.jobs), setup.robots)
        };
        assert!(drawn(3) == drawn(3), "{name}: two draws of a seed differ");
        assert!(drawn(3) != drawn(4), "{name}: the seed does nothing");
    }
}

#[test]
fn long_scenarios_can_be_run() {
    for entry in fs::read_dir(folder().join("long")).unwrap() {
        let path = entry.unwrap().path();
        let setup = build(&fs::read_to_string(&path).unwrap());
        let setup = setup.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(setup.robots.len() >= 500, "{} is small enough for the folder above", path.display());
    }
}

#[test]
fn shifts_can_be_run_and_their_loads_are_as_cold_as_they_are_stored() {
    let mut count = 0;
    for entry in fs::read_dir(folder().join("shifts")).unwrap() {
        let path = entry.unwrap().path();
        let read =
            |name: &str| fs::read(path.parent().unwrap().join(name)).map_err(|error| error.to_string());
        let setup = Scenario::parse(&fs::read_to_string(&path).unwrap()).unwrap().build(None, &read);
        let setup = setup.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let truck = setup.jobs.iter().filter(|(_, job)| job.id.0.starts_with("TRUCK"));
        for (_, job) in truck {
            let station = setup.layout.station_named(&job.legs[0].station).unwrap();
            let zone = setup.layout.zone_of(setup.layout.station(station).nodes[0]).unwrap();
            assert_eq!(job.temperature, zone.temperature, "{}: {}", path.display(), job.id);
        }
        count += 1;
    }
    assert_eq!(count, 4);
}

#[test]
fn a_truck_is_a_sequence_to_one_dock_with_its_departure_as_cut_off() {
    let text = fs::read_to_string(folder().join("trucks.toml")).unwrap();
    let setup = Scenario::parse(&text).unwrap().build(None, &no_files).unwrap();
    let first = setup.jobs[0].1.clone();
    let truck: Vec<_> = setup.jobs.iter().filter(|(_, job)| job.sequence == first.sequence).collect();
    assert_eq!(truck.len(), 8);
    for (comes, job) in truck {
        assert_eq!(job.legs.last().unwrap().station, first.legs.last().unwrap().station);
        assert_eq!(job.due_at.unwrap().since_ms(*comes), 900_000);
    }
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn run(setup: Setup) -> Outcome {
    World::new(setup, Wire::Typed, None).run(&mut |_, _| ()).unwrap()
}
