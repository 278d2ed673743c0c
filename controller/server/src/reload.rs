//! Files that may change while the process runs: users, keys, certificates. Looked at now and then, by content, so that
//! it doesn't matter how they are replaced.

use std::path::PathBuf;
use std::time::Duration;

/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Calls `changed` with the contents of all files whenever one differs from before; `known` is what they were when they
/// were last read. A file that can't be read counts as not changed yet.
pub(crate) fn watch(
    files: Vec<PathBuf>,
    mut known: Vec<Vec<u8>>,
    mut changed: impl FnMut(&[Vec<u8>]) + Send + 'static,
) {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Some(contents) = read(&files).await
                && contents != known
            {
                changed(&contents);
                known = contents;
            }
        }
    });
}

async fn read(files: &[PathBuf]) -> Option<Vec<Vec<u8>>> {
    let mut contents = Vec::with_capacity(files.len());
    for file in files {
        contents.push(tokio::fs::read(file).await.ok()?);
    }
    Some(contents)
}
