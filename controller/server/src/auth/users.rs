//! The user file: names, roles and hashes of tokens. The tokens themselves are nowhere.

use super::User;
use crate::users;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

/// Everybody in the user file.
#[derive(Debug, Default)]
pub(super) struct Users(Vec<Known>);

#[derive(Debug)]
struct Known {
    user: User,
    hash: [u8; 32],
}

impl Users {
    /// Reads the file's text; the error says what is wrong and how to mend it.
    pub(super) fn parse(text: &str) -> Result<Users, String> {
        let users = users::Users::parse(text)?.users.into_iter();
        let known = users.filter_map(|entry| {
            let hash = entry.sha256()?;
            Some(Known { user: User { name: entry.name, role: entry.role }, hash })
        });
        Ok(Users(known.collect()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;

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
