//! The file of users, and `drover user`: who may call, as what. It holds hashes; a token is shown once, when it is made.
//!
//! ```toml
//! [[user]]
//! name = "kim"
//! role = "operator"
//! token_sha256 = "<64 hex digits>"
//! ```

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::auth::{ANONYMOUS, Role};
use crate::map::Json;
use crate::secret_file::{self, FileError};

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// Users in a file, at most.
const USERS_MAX: usize = 10_000;
const NAME_LEN_MAX: usize = 64;
const HEAD: &str =
    "# Who may call this controller. Written by `drover user`; tokens are kept as hashes only.\n\n";

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Unique in the file.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of the token's text, hex.
    pub token_sha256: String,
}

impl User {
    /// The hash's bytes; none when it isn't one.
    pub(crate) fn sha256(&self) -> Option<[u8; 32]> {
        let text = self.token_sha256.as_bytes();
        let mut hash = [0; 32];
        if text.len() != 2 * hash.len() {
            return None;
        }
        for (byte, digits) in hash.iter_mut().zip(text.chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            *byte = (digit(digits[0])? * 16 + digit(digits[1])?) as u8;
        }
        Some(hash)
    }
}

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// In the order they were added.
    #[serde(default, rename = "user", skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<User>,
}

/// Why the file can't be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// The disk's fault.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not what we write.
    #[error("failed to read {path}: {reason}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong and how to mend it.
        reason: String,
    },
    /// What was asked for can't be.
    #[error("failed to change {path}: {reason}")]
    Refused {
        /// The file.
        path: String,
        /// Why, and how to mend it.
        reason: String,
    },
}

/// `drover user ...`.
#[derive(Debug, clap::Subcommand)]
pub enum UserCommand {
    /// Add a user and print a new token; it is shown once and kept nowhere.
    Add {
        /// 1 to 64 letters, digits, - _ . @
        name: String,
        /// What the user may do.
        #[arg(long)]
        role: Role,
        /// Which file.
        #[command(flatten)]
        file: UsersFile,
        /// For machines.
        #[command(flatten)]
        json: Json,
    },
    /// List users and roles.
    List {
        /// Which file.
        #[command(flatten)]
        file: UsersFile,
        /// For machines.
        #[command(flatten)]
        json: Json,
    },
    /// Remove a user; the token is worthless from then on.
    Remove {
        /// Who.
        name: String,
        /// Which file.
        #[command(flatten)]
        file: UsersFile,
    },
}

/// Which file.
#[derive(Debug, clap::Args)]
pub struct UsersFile {
    /// The file of users; made when it is absent.
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
}

/// Carries out `drover user ...`.
///
/// # Errors
/// [`UsersError`] names the file and the mend.
pub fn run(command: UserCommand) -> Result<(), UsersError> {
    match command {
        UserCommand::Add { name, role, file, json } => {
            let token = add(&file.file, &name, role)?;
            if json.json {
                println!("{}", serde_json::json!({ "name": name, "role": role, "token": token }));
            } else {
                eprintln!(
                    "{name} may call as {} with this token; it is shown once and kept nowhere:",
                    role.as_str()
                );
                println!("{token}");
            }
        }
        UserCommand::List { file, json } => list(&Users::read(&file.file)?, json),
        UserCommand::Remove { name, file } => {
            remove(&file.file, &name)?;
            eprintln!("{name} is removed");
        }
    }
    Ok(())
}

fn list(users: &Users, json: Json) {
    if json.json {
        let list: Vec<_> = users
            .users
            .iter()
            .map(|user| serde_json::json!({ "name": user.name, "role": user.role }))
            .collect();
        println!("{}", serde_json::json!({ "users": list }));
        return;
    }
    for user in &users.users {
        println!("{:<9} {}", user.role.as_str(), user.name);
    }
}

/// Adds a user to the file, which is made when it is absent; gives the token.
///
/// # Errors
/// [`UsersError`]: the name isn't one or is taken, or the file can't be read or written.
pub fn add(file: &Path, name: &str, role: Role) -> Result<String, UsersError> {
    let refused = |reason| UsersError::Refused { path: file.display().to_string(), reason };
    let is_good = |c: char| c.is_alphanumeric() || "-_.@".contains(c);
    if name.is_empty() || name.len() > NAME_LEN_MAX || !name.chars().all(is_good) {
        return Err(refused(format!(
            "`{name}` isn't a name; use 1 to {NAME_LEN_MAX} letters, digits, - _ . @"
        )));
    }
    let mut users = if file.exists() { Users::read(file)? } else { Users::default() };
    if name == ANONYMOUS {
        return Err(refused(format!(
            "`{name}` is what callers without a token are called; use another name"
        )));
    }
    if users.users.iter().any(|user| user.name == name) {
        return Err(refused(format!(
            "`{name}` is there already; `drover user remove {name}` first, for a new token"
        )));
    }
    let token = secret_file::secret::<TOKEN_BYTES>()
        .map_err(|error| FileError::new("draw a token for", file, error))?;
    let token_sha256 = hash(&token);
    users.users.push(User { name: name.to_owned(), role, token_sha256 });
    users.write(file)?;
    Ok(token)
}

/// Removes a user from the file.
///
/// # Errors
/// [`UsersError`]: there is no such user, or the file can't be read or written.
pub fn remove(file: &Path, name: &str) -> Result<(), UsersError> {
    let mut users = Users::read(file)?;
    let before = users.users.len();
    users.users.retain(|user| user.name != name);
    if users.users.len() == before {
        let names: Vec<&str> = users.users.iter().map(|user| user.name.as_str()).collect();
        let reason = format!("there is no `{name}`; there are: {}", names.join(", "));
        return Err(UsersError::Refused { path: file.display().to_string(), reason });
    }
    users.write(file)
}

/// SHA-256 of a token's text, hex.
#[must_use]
pub fn hash(token: &str) -> String {
    digest(&SHA256, token.as_bytes()).as_ref().iter().fold(String::new(), |mut text, byte| {
        // Writing into a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Users {
    /// Reads and judges the file.
    ///
    /// # Errors
    /// [`UsersError`]: it can't be read, or isn't one.
    pub fn read(file: &Path) -> Result<Users, UsersError> {
        let path = || file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| FileError::new("read", file, error))?;
        Users::parse(&text).map_err(|reason| UsersError::Damaged { path: path(), reason })
    }

    /// Reads and judges the text of a file.
    pub(crate) fn parse(text: &str) -> Result<Users, String> {
        let users: Users = toml::from_str(text).map_err(|error| format!("isn't a user file: {error}"))?;
        match users.fault() {
            Some(reason) => Err(reason),
            None => Ok(users),
        }
    }

    fn fault(&self) -> Option<String> {
        if self.users.len() > USERS_MAX {
            return Some(format!("it holds {} users, {USERS_MAX} at most", self.users.len()));
        }
        let (mut names, mut tokens) = (BTreeSet::new(), BTreeSet::new());
        self.users.iter().find_map(|user| {
            let name = &user.name;
            if user.sha256().is_none() {
                return Some(format!(
                    "`token_sha256` of `{name}` isn't 64 hex digits; remove and add the user"
                ));
            }
            if name.is_empty() || name == ANONYMOUS {
                return Some(format!("`{name}` can't be the name of a user; give another one"));
            }
            let is_new = names.insert(name) && tokens.insert(user.token_sha256.to_lowercase());
            (!is_new).then(|| format!("`{name}` or its token is there twice; remove one"))
        })
    }

    fn write(&self, file: &Path) -> Result<(), UsersError> {
        let text = toml::to_string(self).map_err(|error| UsersError::Refused {
            path: file.display().to_string(),
            reason: format!("it can't be written as TOML ({error})"),
        })?;
        Ok(secret_file::write(file, format!("{HEAD}{text}").as_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("drover-users-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_token_is_kept_as_its_hash_only() {
        let folder = Folder::new("hash");
        let file = folder.0.join("users.toml");
        let token = add(&file, "kim", Role::Operator).unwrap();
        let other = add(&file, "lee@dc.example", Role::Viewer).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(token.len() == 43 && !text.contains(&token) && !text.contains(&other), "{text}");
        let users = Users::read(&file).unwrap().users;
        assert_eq!((users[0].role, users[0].token_sha256.as_str()), (Role::Operator, hash(&token).as_str()));
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        // Known answer: printf abc | sha256sum
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_name_is_taken_once_and_removed_once() {
        let folder = Folder::new("names");
        let file = folder.0.join("users.toml");
        add(&file, "kim", Role::Admin).unwrap();
        let again = add(&file, "kim", Role::Viewer).unwrap_err().to_string();
        assert!(again.contains("already") && again.contains("remove"), "{again}");
        for bad in ["", "a b", "a\"b", ANONYMOUS, &"x".repeat(65)] {
            assert!(add(&file, bad, Role::Viewer).is_err(), "{bad}");
        }
        remove(&file, "kim").unwrap();
        assert!(remove(&file, "kim").is_err());
        assert!(Users::read(&file).unwrap().users.is_empty());
    }

    #[test]
    fn a_file_that_is_wrong_is_told_and_left_alone() {
        let folder = Folder::new("wrong");
        let file = folder.0.join("users.toml");
        let user = "[[user]]\nname = \"kim\"\nrole = \"viewer\"\ntoken_sha256 = \"12\"\n";
        for text in ["[[user]]\nname = 7\n", user, "not toml"] {
            std::fs::write(&file, text).unwrap();
            assert!(add(&file, "lee", Role::Viewer).is_err(), "{text}");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        }
    }
}
