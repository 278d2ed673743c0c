//! The demonstration's wave: the bundled one moved to now, another as it is.

use std::path::Path;

use drover_core::Time;

use super::{DemoError, file_error, wave};
use crate::inbox::Doors;
use crate::intake;
use crate::report::Shared;

/// The lines of the wave.
pub(super) fn lines(file: Option<&Path>, now: Time) -> Result<Vec<String>, DemoError> {
    match file {
        None => Ok(wave::BUNDLED.lines().map(|line| wave::shift(line, now.0)).collect()),
        Some(file) => {
            let text =
                std::fs::read_to_string(file).map_err(|error| file_error("read the jobs of", file, error))?;
            Ok(intake::wave::lines(&text))
        }
    }
}

/// Hands in every line; lines that aren't jobs are counted as refused, all refusals are told.
pub(super) async fn feed(lines: Vec<String>, doors: Doors, shared: Shared) {
    let unread = lines.iter().filter(|line| intake::read(line.as_bytes()).is_err()).count();
    (0..unread).for_each(|_| shared.lock().judge.refuse());
    intake::wave::feed(lines, doors.submissions, |line, why| eprintln!("line {line}: refused: {why}")).await;
}
