//! `[http]` TLS and `[auth]`: who may call, and how they know that it is us.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::reader::Reader;
use crate::auth::Role;

/// `[http] tls_cert`, `tls_key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// PEM: our certificate, then those of its issuers.
    pub cert: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
}

/// `[auth]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// Users with tokens.
    pub users: Option<PathBuf>,
    /// Tokens of an identity provider.
    pub jwt: Option<Jwt>,
    /// What callers without a token may do; none = nothing.
    pub anonymous: Option<Role>,
}

/// `[auth] jwt_...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwt {
    /// PEM: the public key tokens are signed with.
    pub key: PathBuf,
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must hold.
    pub audience: String,
    /// The claim with the role, or roles.
    pub role_claim: String,
}

pub(super) fn read_tls(reader: &mut Reader) -> Option<Tls> {
    let (cert, key) = (reader.optional("http.tls_cert"), reader.optional("http.tls_key"));
    let lonely = match (&cert, &key) {
        (None, None) => return None,
        (Some(_), Some(_)) => None,
        (Some(_), None) => Some(("http.tls_key", "the PEM file of the certificate's private key")),
        (None, Some(_)) => Some(("http.tls_cert", "the PEM file of the key's certificate")),
    };
    if let Some((missing, what)) = lonely {
        reader.problem(missing, format!("is missing; tls_cert and tls_key go together: give {what}"));
        return None;
    }
    Some(Tls { cert: reader.path("http.tls_cert", true)?, key: reader.path("http.tls_key", true)? })
}

pub(super) fn read_auth(reader: &mut Reader, listen: Option<SocketAddr>) -> Auth {
    let is_local = listen.is_none_or(|listen| listen.ip().is_loopback());
    let before = reader.problems.len();
    let users = reader.path("auth.users", false);
    let jwt = read_jwt(reader);
    let anonymous = read_anonymous(reader, is_local);
    let is_nobody = users.is_none() && jwt.is_none() && anonymous.is_none();
    if is_nobody && reader.problems.len() == before {
        let text = "nobody may call: there are neither users nor tokens, and callers without a token get nothing \
                    (the default when http.listen isn't a loopback address); set auth.users or auth.jwt_key, or \
                    auth.anonymous = \"viewer\"";
        reader.problem("auth.users", text.to_owned());
    }
    Auth { users, jwt, anonymous }
}

fn read_jwt(reader: &mut Reader) -> Option<Jwt> {
    let (issuer, audience) = (reader.optional("auth.jwt_issuer"), reader.optional("auth.jwt_audience"));
    let role_claim = reader.text("auth.jwt_role_claim", "drover_role");
    let key = reader.path("auth.jwt_key", false)?;
    for (name, value) in [("auth.jwt_issuer", &issuer), ("auth.jwt_audience", &audience)] {
        if value.is_none() {
            let text =
                "is missing; with auth.jwt_key it says whose tokens are good, and for whom they must be";
            reader.problem(name, text.to_owned());
        }
    }
    Some(Jwt { key, issuer: issuer?, audience: audience?, role_claim })
}

fn read_anonymous(reader: &mut Reader, is_local: bool) -> Option<Role> {
    let default = if is_local { Role::Admin.as_str() } else { "none" };
    let word = reader.text("auth.anonymous", default);
    let role = Role::named(&word);
    if role.is_none() && word != "none" {
        let text = format!("`{word}` isn't one of \"none\", \"viewer\", \"operator\", \"admin\"");
        reader.problem("auth.anonymous", text);
    }
    role
}
