//! Scenarios read, results written. An error names the file, what is wrong and the mend.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use drover_sim::{Scenario, ScenarioError, Setup};

use super::BadInput;

/// Reads a scenario and the files it names; an error says file, line and mend.
pub fn load(path: &Path, seed: Option<u64>) -> Result<Setup, BadInput> {
    let text = fs::read_to_string(path)
        .map_err(|error| BadInput(format!("{}: {error}; name a scenario file", path.display())))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let read = |name: &str| {
        let file = folder.join(name);
        fs::read(&file)
            .map_err(|error| format!("{}: {error}; names are relative to the scenario", file.display()))
    };
    let located = |error: ScenarioError| {
        let line = error.line(&text).map_or(String::new(), |line| format!(":{line}"));
        BadInput(format!("{}{line}: {error}", path.display()))
    };
    Scenario::parse(&text).and_then(|scenario| scenario.build(seed, &read)).map_err(located)
}

pub fn create(path: &Path) -> Result<BufWriter<File>, BadInput> {
    make_folder(path)?;
    File::create(path).map(BufWriter::new).map_err(|error| unwritable(path, &error))
}

pub fn save(path: &Path, text: &str) -> Result<(), BadInput> {
    make_folder(path)?;
    fs::write(path, text).map_err(|error| unwritable(path, &error))
}

/// The folder of a file to be written.
fn make_folder(path: &Path) -> Result<(), BadInput> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))
}

pub fn unwritable(path: &Path, error: &std::io::Error) -> BadInput {
    BadInput(format!("{}: {error}; name a place that can be written", path.display()))
}
