//! The harness of the lifelong planner from outside: what it reads, what its checker finds, what its commands answer.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod checker;
mod command;
mod format;
mod layouts;
mod reader;

use std::fs;
use std::path::{Path, PathBuf};

/// A folder with this instance, named after the test.
fn instance(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    for (file, text) in FILES {
        fs::write(folder.join(file), text).unwrap();
    }
    folder
}

/// Ten cells, one of them blocked; two robots at the upper left.
const FILES: [(&str, &str); 4] = [
    (
        "problem.json",
        "{\"mapFile\":\"map.map\",\"agentFile\":\"agents.txt\",\"teamSize\":2,\"taskFile\":\"tasks.txt\",\"numTasksReveal\":1}",
    ),
    ("map.map", "type octile\nheight 2\nwidth 5\nmap\n.....\n.@...\n"),
    ("agents.txt", "# robots\n2\n0\n1\n"),
    ("tasks.txt", "# tasks\n3\n1,3\n4\n9\n"),
];
