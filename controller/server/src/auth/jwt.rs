//! Tokens of the site's identity provider: JWT, signed RS256, ES256 or EdDSA.

use std::collections::BTreeMap;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;

use super::{BAD_TOKEN, EXPIRED, Role, Unknown, User};
use crate::config;

/// Longest token that is looked at, bytes.
const TOKEN_MAX: usize = 16 * 1024;

/// Checks tokens against one public key.
pub(super) struct Verifier {
    key: DecodingKey,
    validation: Validation,
    role_claim: String,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("role_claim", &self.role_claim).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

impl Verifier {
    /// From a PEM; its kind gives the algorithm. The error says what is wrong and how to mend it.
    pub(super) fn new(pem: &str, config: &config::Jwt) -> Result<Verifier, String> {
        let pem = pem.as_bytes();
        let rsa = || Some((DecodingKey::from_rsa_pem(pem).ok()?, Algorithm::RS256));
        let ec = || Some((DecodingKey::from_ec_pem(pem).ok()?, Algorithm::ES256));
        let ed = || Some((DecodingKey::from_ed_pem(pem).ok()?, Algorithm::EdDSA));
        let Some((key, algorithm)) = rsa().or_else(ec).or_else(ed) else {
            return Err(
                "isn't a PEM public key of RSA, P-256 or Ed25519; give the key (BEGIN PUBLIC KEY) that your \
                        identity provider signs with"
                    .to_owned(),
            );
        };
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&config.issuer]);
        validation.set_audience(&[&config.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        Ok(Verifier { key, validation, role_claim: config.role_claim.clone() })
    }

    /// Who the token names.
    pub(super) fn user(&self, token: &str) -> Result<User, Unknown> {
        if token.len() > TOKEN_MAX {
            return Err(BAD_TOKEN);
        }
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation);
        let claims = match decoded {
            Ok(data) => data.claims,
            Err(error) if matches!(error.kind(), ErrorKind::ExpiredSignature) => return Err(EXPIRED),
            Err(error) => {
                tracing::debug!(%error, "a JWT was refused");
                return Err(BAD_TOKEN);
            }
        };
        let role = claims.more.get(&self.role_claim).and_then(highest).ok_or(BAD_TOKEN)?;
        Ok(User { name: claims.sub, role })
    }
}

/// A role, or the highest of a list; words that aren't ours count for nothing.
fn highest(claim: &Value) -> Option<Role> {
    match claim {
        Value::String(word) => Role::named(word),
        Value::Array(words) => words.iter().filter_map(|word| Role::named(word.as_str()?)).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_role_of_a_list_counts() {
        let claim = serde_json::json!(["viewer", "baker", "operator"]);
        assert_eq!(highest(&claim), Some(Role::Operator));
        assert_eq!(highest(&serde_json::json!("baker")), None);
        assert_eq!(highest(&serde_json::json!({ "admin": true })), None);
    }

    #[test]
    fn a_file_that_is_no_key_is_refused() {
        let (issuer, audience) = ("https://id".to_owned(), "drover".to_owned());
        let config =
            config::Jwt { key: "k.pem".into(), issuer, audience, role_claim: "drover_role".to_owned() };
        assert!(Verifier::new("-----BEGIN NONSENSE-----", &config).is_err());
    }
}
