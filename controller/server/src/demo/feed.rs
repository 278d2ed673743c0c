//! A wave from a file, handed in line by line, in order, as a queue would.

use std::collections::VecDeque;
use std::path::Path;

use drover_core::{Time, Verdict};
use tokio::sync::oneshot;

use super::{DemoError, file_error, wave};
use crate::inbox::{Doors, Submission};
use crate::intake;
use crate::report::Shared;

/// Jobs handed in and not answered yet, at most: what a queue's prefetch would be.
const UNANSWERED_MAX: usize = 64;

/// The lines of the wave: the bundled one moved to now, another as it is.
pub(super) fn lines(file: Option<&Path>, now: Time) -> Result<Vec<String>, DemoError> {
    let text = match file {
        None => return Ok(wave::BUNDLED.lines().map(|line| wave::shift(line, now.0)).collect()),
        Some(file) => {
            std::fs::read_to_string(file).map_err(|error| file_error("read the jobs of", file, error))?
        }
    };
    Ok(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect())
}

/// Hands in every line; refused ones are counted and told.
pub(super) async fn feed(lines: Vec<String>, doors: Doors, shared: Shared) {
    let mut unanswered: VecDeque<(usize, oneshot::Receiver<Verdict>)> = VecDeque::new();
    for (index, line) in lines.iter().enumerate() {
        if unanswered.len() >= UNANSWERED_MAX {
            answer(unanswered.pop_front()).await;
        }
        match intake::read(line.as_bytes()) {
            Ok(request) => {
                let (submission, verdict) = Submission::job(request);
                if doors.submissions.send(submission).await.is_err() {
                    return;
                }
                unanswered.push_back((index + 1, verdict));
            }
            Err(rejection) => {
                shared.lock().judge.refuse();
                eprintln!("line {}: refused: {rejection}", index + 1);
            }
        }
    }
    while !unanswered.is_empty() {
        answer(unanswered.pop_front()).await;
    }
}

async fn answer(next: Option<(usize, oneshot::Receiver<Verdict>)>) {
    let Some((line, verdict)) = next else { return };
    if let Ok(Verdict::Rejected { code, reason }) = verdict.await {
        eprintln!("line {line}: refused: {code}: {reason}");
    }
}
