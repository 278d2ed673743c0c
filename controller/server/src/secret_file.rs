//! Files that only their owner may read: written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use aws_lc_rs::rand::fill;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Read and written by the owner alone.
const OWNER_ONLY: u32 = 0o600;
/// The same for a folder.
const OWNER_ONLY_FOLDER: u32 = 0o700;

/// A file can't be read or written.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what} {path}: {error}")]
pub struct FileError {
    what: &'static str,
    path: String,
    error: std::io::Error,
}

impl FileError {
    /// What was tried, where, and why it failed.
    pub fn new(what: &'static str, path: &Path, error: std::io::Error) -> FileError {
        FileError { what, path: path.display().to_string(), error }
    }
}

/// Writes a file of mode 0600: whoever reads it meanwhile reads the old one or the new one, never a part.
///
/// # Errors
/// [`FileError`]: the folder is absent or full, or isn't ours.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("file");
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write_new(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        // The error that is told came first.
        let _ = fs::remove_file(&beside);
        FileError::new("write", path, error)
    })
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file: File =
        OpenOptions::new().write(true).create(true).truncate(true).mode(OWNER_ONLY).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a folder of mode 0700, with those above it; one that is there is left as it is.
///
/// # Errors
/// [`FileError`].
pub fn folder(path: &Path) -> Result<(), FileError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(OWNER_ONLY_FOLDER)
        .create(path)
        .map_err(|error| FileError::new("make the folder", path, error))
}

/// So many bytes that nobody can guess.
///
/// # Errors
/// The machine gives no random numbers.
pub fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    fill(&mut bytes).map_err(|_| std::io::Error::other("no random numbers"))?;
    Ok(bytes)
}

/// A secret of so many random bytes, in letters, digits, `-` and `_`; it begins with a letter or digit, so that no
/// program takes it for an option or a formula.
///
/// # Errors
/// The machine gives no random numbers.
pub fn secret<const N: usize>() -> std::io::Result<String> {
    loop {
        let text = URL_SAFE_NO_PAD.encode(random::<N>()?);
        if text.starts_with(|first: char| first.is_ascii_alphanumeric()) {
            return Ok(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_file_is_replaced_whole_and_is_its_owners() {
        let folder = std::env::temp_dir().join(format!("drover-secret-file-{}", std::process::id()));
        super::folder(&folder).unwrap();
        let file = folder.join("password");
        for text in ["first", "second, longer"] {
            write(&file, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, OWNER_ONLY);
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn secrets_differ_and_begin_with_a_letter_or_digit() {
        let secrets: Vec<String> = (0..64).map(|_| secret::<32>().unwrap()).collect();
        assert!(secrets.iter().all(|secret| secret.len() == 43));
        assert!(secrets.iter().all(|secret| secret.starts_with(|c: char| c.is_ascii_alphanumeric())));
        assert_eq!(secrets.iter().collect::<std::collections::BTreeSet<_>>().len(), secrets.len());
    }
}
