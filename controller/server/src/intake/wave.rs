//! A wave from a file, handed in line by line, in order, as a queue would. Handed in again after a restart, it adds
//! nothing: the fleet knows its jobs by their ids.

use std::collections::VecDeque;

use drover_core::Verdict;
use tokio::sync::{mpsc, oneshot};

use super::{PREFETCH, read};
use crate::inbox::Submission;

/// The lines of a wave: one job message each, empty ones left out.
pub fn lines(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

/// Hands in every line; says of each refused one its number and why.
pub async fn feed(
    lines: Vec<String>,
    jobs: mpsc::Sender<Submission>,
    mut refused: impl FnMut(usize, String),
) {
    let mut unanswered: VecDeque<(usize, oneshot::Receiver<Verdict>)> = VecDeque::new();
    for (index, line) in lines.iter().enumerate() {
        if unanswered.len() >= usize::from(PREFETCH) {
            answer(unanswered.pop_front(), &mut refused).await;
        }
        match read(line.as_bytes()) {
            Ok(request) => {
                let (submission, verdict) = Submission::job(request);
                if jobs.send(submission).await.is_err() {
                    return;
                }
                unanswered.push_back((index + 1, verdict));
            }
            Err(rejection) => refused(index + 1, rejection.to_string()),
        }
    }
    while !unanswered.is_empty() {
        answer(unanswered.pop_front(), &mut refused).await;
    }
}

async fn answer(next: Option<(usize, oneshot::Receiver<Verdict>)>, refused: &mut impl FnMut(usize, String)) {
    let Some((line, verdict)) = next else { return };
    if let Ok(Verdict::Rejected { code, reason }) = verdict.await {
        refused(line, format!("{code}: {reason}"));
    }
}
