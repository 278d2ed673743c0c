//! The demonstration, as a visitor starts it: real broker, real agents, a report at the end.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use drover_controller::demo::wave;
use kit::process::Folder;
use serde_json::Value;

fn program() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_drover")).to_owned();
    let agent = path.with_file_name("drover-agent");
    assert!(agent.is_file(), "{} is missing: run `cargo build --workspace` first", agent.display());
    path
}

fn demo(folder: &Folder, jobs: &str) -> Output {
    let file = folder.file("jobs.ndjson");
    std::fs::write(&file, jobs).unwrap();
    let mut command = Command::new(program());
    command.args(["demo", "--robots", "8", "--speed", "20", "--exit-when-done", "--json"]);
    command
        .args(["--listen", "127.0.0.1:0"])
        .arg("--jobs")
        .arg(file)
        .arg("--report")
        .arg(folder.file("report"));
    command.output().unwrap()
}

fn summary(folder: &Folder) -> Value {
    let text = std::fs::read_to_string(folder.file("report/report.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_small_wave_is_done_in_order_and_reported() {
    let folder = Folder::new("demo");
    let jobs: Vec<&str> = wave::BUNDLED.lines().take(10).collect();
    let output = demo(&folder, &jobs.join("\n"));
    let report = summary(&folder);
    assert!(output.status.success(), "{}{report}", String::from_utf8_lossy(&output.stderr));
    for (key, value) in [("jobs_total", 10), ("jobs_done", 10), ("jobs_failed", 0), ("robots", 8)] {
        assert_eq!(report[key], value, "{key} of {report}");
    }
    for key in ["sequences_broken", "invariant_violations"] {
        assert_eq!(report[key], 0, "{key} of {report}");
    }
    // The bundled times are long past when they are taken as they are.
    assert_eq!(report["jobs_late"], 10);
    assert!(report["distance_m"].as_u64() > Some(100), "{report}");
    for file in ["report.md", "traffic.svg", "jobs.svg"] {
        assert!(folder.file("report").join(file).is_file(), "{file}");
    }
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), report);
}

#[test]
fn refused_jobs_make_a_demonstration_fail_and_name_their_lines() {
    let folder = Folder::new("demo-refused");
    let good = wave::BUNDLED.lines().next().unwrap();
    let unknown = r#"{"v":1,"job_id":"J-X","legs":[{"station":"NOWHERE"}]}"#;
    let output = demo(&folder, &format!("{good}\nnot a job\n{unknown}\n"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("line 2: refused: NOT_JSON"), "{errors}");
    assert!(errors.contains("line 3: refused: UNKNOWN_STATION"), "{errors}");
    let report = summary(&folder);
    assert_eq!(
        (&report["jobs_total"], &report["jobs_done"], &report["jobs_refused"]),
        (&3.into(), &1.into(), &2.into())
    );
}
