//! A package of npm's, installed under the build's folder the first time, and programs of ours that use it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::Service;

/// The folder that holds this package, as `name@version`. None, with a word, where it can't be had.
pub fn package(package: &str) -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(package);
    if home.is_dir() {
        return Some(home);
    }
    // Installed aside and then renamed: whoever finds the folder finds it whole.
    let aside = home.with_file_name(format!("{package}-{}", std::process::id()));
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
    npm.arg(&aside).arg(package).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let is_there = npm.status().is_ok_and(|status| status.success());
    if is_there && fs::rename(&aside, &home).is_err() {
        let _ = fs::remove_dir_all(&aside);
    }
    if !home.is_dir() {
        println!(
            "skipped: {package} can't be installed (are Node.js and npm there, and npm's registry reachable?)"
        );
    }
    home.is_dir().then_some(home)
}

/// A script of `tests/foreign`, with the package's folder and these arguments.
pub fn run(script: &str, package: &Path, arguments: &[&str], log: &Path) -> Service {
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign").join(script));
    command.arg(package).args(arguments);
    Service::spawn(command, log)
}
