//! Who calls, and what they may: bearer tokens with roles, checked in one table (`rules`), at one gate (`gate`).
//!
//! A token is one of the user file, or a JWT of the site's identity provider. Without a token the caller is anonymous, and
//! gets the role the configuration gives to anonymous callers, if any. A token that isn't good is always refused.

mod gate;
mod jwt;
mod rules;
mod users;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tonic::metadata::MetadataMap;

use crate::config;
use crate::reload;
use jwt::Verifier;
use users::Users;

pub(crate) use gate::{Gate, pass};

/// Name of a caller without a token.
pub const ANONYMOUS: &str = "anonymous";

/// What a caller may do; each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look.
    Viewer,
    /// Run the floor: jobs, pauses, zones.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// The role's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Admin => "admin",
        }
    }

    /// The role of this word.
    pub fn named(word: &str) -> Option<Role> {
        [Role::Viewer, Role::Operator, Role::Admin].into_iter().find(|role| role.as_str() == word)
    }
}

/// A caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The person or program.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// The access rules can't be set up.
#[derive(Debug, thiserror::Error)]
#[error("failed to read key `{key}`: {}: {reason}", file.display())]
pub struct AccessError {
    key: &'static str,
    file: PathBuf,
    reason: String,
}

/// Why a caller isn't known, as a stable code and in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub(crate) code: &'static str,
    pub(crate) reason: &'static str,
}

const BAD_HEADER: Unknown =
    Unknown { code: "TOKEN_INVALID", reason: "the header `authorization` isn't `Bearer <token>`" };
const BAD_TOKEN: Unknown =
    Unknown { code: "TOKEN_INVALID", reason: "the token isn't one of this site: get a new one" };
const EXPIRED: Unknown = Unknown { code: "TOKEN_EXPIRED", reason: "the token has expired: get a new one" };
const NO_TOKEN: Unknown =
    Unknown { code: "TOKEN_MISSING", reason: "send a token: `authorization: Bearer <token>`" };

/// Tells callers apart. Cheap to share; its files are read again when they change.
#[derive(Debug)]
pub struct Access {
    anonymous: Option<Role>,
    users: RwLock<Arc<Users>>,
    jwt: RwLock<Option<Arc<Verifier>>>,
}

impl Access {
    /// Reads the files of `[auth]`.
    ///
    /// # Errors
    /// [`AccessError`] names the key, the file and the mend.
    pub fn open(config: &config::Auth) -> Result<Arc<Access>, AccessError> {
        let access = Access { anonymous: config.anonymous, users: RwLock::default(), jwt: RwLock::default() };
        let access = Arc::new(access);
        if let Some(file) = &config.users {
            let shared = Arc::clone(&access);
            keep_fresh("auth.users", file, move |text| {
                *shared.users.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Users::parse(text)?);
                Ok(())
            })?;
        }
        if let Some(jwt) = config.jwt.clone() {
            let shared = Arc::clone(&access);
            keep_fresh("auth.jwt_key", &jwt.key.clone(), move |text| {
                let verifier = Verifier::new(text, &jwt)?;
                *shared.jwt.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(verifier));
                Ok(())
            })?;
        }
        Ok(access)
    }

    /// Everybody has this role: for demonstrations.
    pub fn free(role: Role) -> Arc<Access> {
        let (users, jwt) = (RwLock::default(), RwLock::default());
        Arc::new(Access { anonymous: Some(role), users, jwt })
    }

    /// Who calls with this header.
    pub(crate) fn caller(&self, headers: &MetadataMap) -> Result<User, Unknown> {
        let Some(header) = headers.get("authorization") else {
            let anonymous = |role| User { name: ANONYMOUS.to_owned(), role };
            return self.anonymous.map(anonymous).ok_or(NO_TOKEN);
        };
        let text = header.to_str().map_err(|_| BAD_HEADER)?;
        let (scheme, token) = text.split_once(' ').ok_or(BAD_HEADER)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(BAD_HEADER);
        }
        let users = Arc::clone(&self.users.read().unwrap_or_else(PoisonError::into_inner));
        if let Some(user) = users.with_token(token.trim()) {
            return Ok(user);
        }
        let jwt = self.jwt.read().unwrap_or_else(PoisonError::into_inner).clone();
        jwt.map_or(Err(BAD_TOKEN), |jwt| jwt.user(token.trim()))
    }
}

/// Takes the file now, and again whenever it changes; then a file that can't be used changes nothing.
fn keep_fresh(
    key: &'static str,
    file: &Path,
    take: impl Fn(&str) -> Result<(), String> + Send + 'static,
) -> Result<(), AccessError> {
    let wrong = |reason: String| AccessError { key, file: file.to_owned(), reason };
    let bytes = std::fs::read(file)
        .map_err(|error| wrong(format!("can't be read ({error}); give a readable file")))?;
    take(&String::from_utf8_lossy(&bytes)).map_err(wrong)?;
    let name = file.display().to_string();
    reload::watch(vec![file.to_owned()], vec![bytes], move |contents| {
        match take(&String::from_utf8_lossy(&contents[0])) {
            Ok(()) => tracing::info!(key, file = name, "read again: it has changed"),
            Err(reason) => tracing::error!(
                key,
                file = name,
                reason,
                "has changed and can't be used; what it said before stands"
            ),
        }
    });
    Ok(())
}
