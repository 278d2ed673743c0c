//! The commands: what they print, and how they exit.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use drover_benches::lifelong::Report;

use super::instance;

fn lifelong(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lifelong"));
    command.current_dir(folder).args(["--problem", "problem.json"]).args(args);
    command.output().unwrap()
}

fn planner(data: Option<&Path>, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_planner"));
    command.env_remove("DROVER_DATA").args(args);
    if let Some(data) = data {
        command.env("DROVER_DATA", data);
    }
    command.output().unwrap()
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_run_reports_one_json_line() {
    let folder = instance("json");
    let (code, out, err) = said(&lifelong(&folder, &["--steps", "150", "--expansions", "100", "--json"]));
    assert_eq!((code, out.lines().count(), err.as_str()), (Some(0), 1, ""));
    let report: Report = serde_json::from_str(&out).unwrap();
    assert_eq!((report.steps, report.robots), (150, 2));
    assert_eq!(report.tasks_finished.keys().copied().collect::<Vec<_>>(), [100, 150]);
    assert!(report.finished() > 0);
    assert!(report.wait_share + report.turn_share <= 1.0);
    let promised = "tasks_finished conflict_free steps robots setup_cpu_ms cpu_ms_mean cpu_ms_max cpu_ms_assign_mean \
        cpu_ms_plan_mean peak_rss_mb wait_share longest_no_progress_steps breaker_calls";
    let places: Vec<_> = promised.split_whitespace().map(|key| out.find(&format!("\"{key}\":"))).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{out}");
}

#[test]
fn no_steps_finish_nothing() {
    let folder = instance("no-steps");
    let (code, out, _) = said(&lifelong(&folder, &["--steps", "0", "--json"]));
    let report: Report = serde_json::from_str(&out).unwrap();
    assert_eq!((code, report.finished(), report.conflict_free), (Some(0), 0, 0));
    assert_eq!(said(&lifelong(&folder, &["--steps", "0", "--plots", "plots"])).0, Some(0));
}

#[test]
fn a_written_plan_holds_until_it_is_changed() {
    let folder = instance("written");
    let args = ["--steps", "40", "--expansions", "100", "--plan", "plan.json", "--plots", "plots"];
    assert_eq!(said(&lifelong(&folder, &args)).0, Some(0));
    for picture in ["progress.svg", "waits.svg"] {
        assert!(fs::read_to_string(folder.join("plots").join(picture)).unwrap().ends_with("</svg>\n"));
    }
    let (code, out, _) = said(&lifelong(&folder, &["--check", "plan.json"]));
    assert_eq!(code, Some(0));
    assert!(out.starts_with("plan.json: holds: 2 robots, 40 steps, "), "{out}");

    let text = fs::read_to_string(folder.join("plan.json")).unwrap();
    let (before, after) = text.split_once("\"numTaskFinished\":").unwrap();
    fs::write(folder.join("plan.json"), format!("{before}\"numTaskFinished\":9{after}")).unwrap();
    let (code, _, err) = said(&lifelong(&folder, &["--check", "plan.json"]));
    assert_eq!(code, Some(1));
    assert!(err.starts_with("lifelong: the plan breaks a rule: step 40: "), "{err}");
}

#[test]
fn a_plan_is_the_same_on_several_threads() {
    let folder = instance("threads");
    let [one, three] = ["1", "3"].map(|threads| {
        let args = ["--steps", "40", "--expansions", "500", "--plan", "plan.json", "--threads", threads];
        assert_eq!(said(&lifelong(&folder, &args)).0, Some(0));
        fs::read_to_string(folder.join("plan.json")).unwrap()
    });
    assert_eq!(one, three);
}

#[test]
fn bad_input_is_told_from_bad_plans() {
    let folder = instance("bad-input");
    for args in [
        &["--check", "absent.json"][..],
        &["--check", "map.map"],
        &["--check", "absent.json", "--plan", "plan.json"],
        &["--robots", "3"],
        &["--steps", "1", "--plan", "absent/plan.json"],
        &["--steps", "-1"],
        &["--threads", "0"],
        &["--threads", "65"],
        &["--check", "map.map", "--threads", "2"],
    ] {
        let (code, out, err) = said(&lifelong(&folder, args));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}: {err}");
        assert!(!err.contains("panicked"), "{err}");
    }
}

#[test]
fn the_planner_bench_is_skipped_without_data() {
    let (code, out, _) = said(&planner(None, &[]));
    assert_eq!(code, Some(0));
    assert!(out.starts_with("planner: skipped, since DROVER_DATA isn't set; "), "{out}");
}

#[test]
fn the_planner_bench_knows_its_rows() {
    let folder = instance("rows");
    let (code, _, err) = said(&planner(Some(&folder), &["--only", "nothing"]));
    assert_eq!(code, Some(2));
    assert!(
        err.starts_with("planner: --only nothing: no such row; write a part of one of random-200@600, "),
        "{err}"
    );
}

#[test]
fn a_row_that_cannot_be_run_is_missed() {
    let folder = instance("absent-row");
    let (code, out, err) = said(&planner(Some(&folder), &["--only", "city"]));
    assert_eq!(code, Some(1));
    assert!(err.contains("mapf/city-1500/problem.json: can't be read"), "{err}");
    assert!(out.ends_with("missed: city-1500@1000: the run failed; `lifelong` says above why.\n"), "{out}");
}
