//! The user file: names, roles and hashes of tokens. The tokens themselves are nowhere.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;

use super::{Role, User};

/// Users in a file, at most.
const USERS_MAX: usize = 10_000;
const HASH_LEN: usize = 32;

/// Everybody in the user file.
#[derive(Debug, Default)]
pub(super) struct Users(Vec<Known>);

#[derive(Debug)]
struct Known {
    user: User,
    hash: [u8; HASH_LEN],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    user: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    role: Role,
    token_sha256: String,
}

impl Users {
    /// Reads the file's text; the error says what is wrong and how to mend it.
    pub(super) fn parse(text: &str) -> Result<Users, String> {
        let file: File = toml::from_str(text).map_err(|error| format!("isn't a user file: {error}"))?;
        if file.user.len() > USERS_MAX {
            return Err(format!("has {} users; {USERS_MAX} are the most", file.user.len()));
        }
        let mut users: Vec<Known> = Vec::with_capacity(file.user.len());
        for Entry { name, role, token_sha256 } in file.user {
            let Some(hash) = unhex(&token_sha256) else {
                return Err(format!(
                    "token_sha256 of user \"{name}\" isn't 64 hexadecimal digits; make it with \
                     `printf %s TOKEN | sha256sum`"
                ));
            };
            if name.is_empty() || name == super::ANONYMOUS {
                return Err(format!("\"{name}\" can't be the name of a user; give another one"));
            }
            if users.iter().any(|known| known.user.name == name || known.hash == hash) {
                return Err(format!("user \"{name}\" or its token stands there twice; remove one"));
            }
            users.push(Known { user: User { name, role }, hash });
        }
        Ok(Users(users))
    }

    /// The user with this token. It takes the same time whoever it is.
    pub(super) fn with_token(&self, token: &str) -> Option<User> {
        let hash = digest(&SHA256, token.as_bytes());
        let mut found = None;
        for known in &self.0 {
            if verify_slices_are_equal(&known.hash, hash.as_ref()).is_ok() {
                found = Some(&known.user);
            }
        }
        found.cloned()
    }
}

fn unhex(text: &str) -> Option<[u8; HASH_LEN]> {
    if text.len() != 2 * HASH_LEN || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; HASH_LEN];
    for (place, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

    #[test]
    fn a_token_is_known_by_its_hash() {
        let text = format!("[[user]]\nname = \"kim\"\nrole = \"operator\"\ntoken_sha256 = \"{SECRET}\"\n");
        let users = Users::parse(&text).unwrap();
        let kim = users.with_token("secret").unwrap();
        assert_eq!((kim.name.as_str(), kim.role), ("kim", Role::Operator));
        assert_eq!(users.with_token("Secret"), None);
        assert_eq!(users.with_token(SECRET), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |text: &str| Users::parse(text).unwrap_err();
        assert!(
            wrong("[[user]]\nname = \"kim\"\nrole = \"operator\"\ntoken_sha256 = \"12\"\n").contains("kim")
        );
        assert!(wrong("[[user]]\nname = \"kim\"\nrole = \"boss\"\ntoken_sha256 = \"12\"\n").contains("boss"));
        let one = format!("[[user]]\nname = \"kim\"\nrole = \"viewer\"\ntoken_sha256 = \"{SECRET}\"\n");
        assert!(wrong(&format!("{one}{one}")).contains("twice"));
    }
}
