//! TLS towards brokers: PEM files read, judged, and made into a client.
//!
//! With a `ca` nobody else's signature counts, not even one the machine trusts; without one the machine's own list
//! does. Files are read when a client is made, that is at the start: a changed file counts from the next start on.
//! A server's name is always checked; there is no way to switch that off.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Why a TLS client can't be made, or a file of it isn't good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to use {file} of key `{key}`: {mend}")]
pub struct FileError {
    /// `section.key`.
    pub key: String,
    /// The file.
    pub file: String,
    /// What is wrong and how to mend it.
    pub mend: String,
}

/// Whom a section of the configuration trusts, and who we are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// The section, for messages.
    pub section: &'static str,
    /// Signers of the server's certificate; none = those the machine trusts.
    pub ca: Option<PathBuf>,
    /// Our own certificate and its key, when the server asks for one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// When a certificate holds, in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Whose it is.
    pub subject: String,
    /// From.
    pub from_s: i64,
    /// Until.
    pub until_s: i64,
}

/// Chooses the process's cryptography. Once, before anything speaks TLS; a second call changes nothing.
pub fn install_provider() {
    // The error says that one is installed already, which is what is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

impl Trust {
    /// Nothing but the machine's own list.
    pub fn of(section: &'static str) -> Trust {
        Trust { section, ca: None, identity: None }
    }

    /// Every file, with its key.
    pub fn files(&self) -> Vec<(String, &Path)> {
        let key = |name: &str| format!("{}.{name}", self.section);
        let ca = self.ca.iter().map(|file| (key("ca"), file.as_path()));
        let own = self
            .identity
            .iter()
            .flat_map(|(cert, private)| [(key("cert"), cert.as_path()), (key("key"), private.as_path())]);
        ca.chain(own).collect()
    }

    /// A client that trusts these.
    ///
    /// # Errors
    /// [`FileError`] names the key, the file and the mend.
    pub fn client(&self) -> Result<Arc<ClientConfig>, FileError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let unusable = |error: rustls::Error| self.wrong("ca", Path::new("TLS"), error.to_string());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = builder.with_root_certificates(self.roots()?);
        let Some((cert, key)) = &self.identity else { return Ok(Arc::new(builder.with_no_client_auth())) };
        let client = builder
            .with_client_auth_cert(self.certificates("cert", cert)?, self.private_key(key)?)
            .map_err(|error| mismatch(&format!("{}.key", self.section), cert, key, &error))?;
        Ok(Arc::new(client))
    }

    fn roots(&self) -> Result<RootCertStore, FileError> {
        let mut roots = RootCertStore::empty();
        let Some(ca) = &self.ca else {
            let machine = rustls_native_certs::load_native_certs();
            if roots.add_parsable_certificates(machine.certs).0 == 0 {
                let mend = "this machine trusts no signer; name the signer's certificate, or install ca-certificates";
                return Err(self.wrong("ca", Path::new("the machine's list"), mend.to_owned()));
            }
            return Ok(roots);
        };
        for certificate in self.certificates("ca", ca)? {
            roots.add(certificate).map_err(|error| {
                self.wrong(
                    "ca",
                    ca,
                    format!("it is no signer's certificate ({error}); give the CA's own, PEM"),
                )
            })?;
        }
        Ok(roots)
    }

    fn certificates(&self, key: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
        certificates(&format!("{}.{key}", self.section), file)
    }

    fn private_key(&self, file: &Path) -> Result<PrivateKeyDer<'static>, FileError> {
        let key = format!("{}.key", self.section);
        private_key(&key, file)
    }

    fn wrong(&self, key: &str, file: &Path, mend: String) -> FileError {
        FileError { key: format!("{}.{key}", self.section), file: file.display().to_string(), mend }
    }
}

/// The bytes of a PEM file.
///
/// # Errors
/// [`FileError`]: it can't be read.
pub fn pem(key: &str, file: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(file).map_err(|error| FileError {
        key: key.to_owned(),
        file: file.display().to_string(),
        mend: format!("it can't be read ({error})"),
    })
}

/// The certificates of a PEM file, at least one.
///
/// # Errors
/// [`FileError`]: it can't be read, or holds none.
pub fn certificates(key: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let wrong = |mend| FileError { key: key.to_owned(), file: file.display().to_string(), mend };
    let bytes = pem(key, file)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = read.map_err(|error| wrong(format!("it is damaged ({error}); give a PEM file")))?;
    if found.is_empty() {
        let mend = "it holds no certificate; give a PEM file with -----BEGIN CERTIFICATE-----";
        return Err(wrong(mend.to_owned()));
    }
    Ok(found)
}

/// The private key of a PEM file.
///
/// # Errors
/// [`FileError`]: it can't be read, or holds none.
pub fn private_key(key: &str, file: &Path) -> Result<PrivateKeyDer<'static>, FileError> {
    let wrong = |mend| FileError { key: key.to_owned(), file: file.display().to_string(), mend };
    let bytes = pem(key, file)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
        wrong(format!("it holds no private key ({error}); give a PEM file without a pass phrase"))
    })
}

/// The private key belongs to the certificate; each file with its key of the configuration.
///
/// # Errors
/// [`FileError`]: a file can't be read, or they don't belong together.
pub fn judge_pair(cert: (&str, &Path), key: (&str, &Path)) -> Result<(), FileError> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let (chain, private) = (certificates(cert.0, cert.1)?, private_key(key.0, key.1)?);
    rustls::sign::CertifiedKey::from_der(chain, private, &provider)
        .map(drop)
        .map_err(|error| mismatch(key.0, cert.1, key.1, &error))
}

fn mismatch(name: &str, cert: &Path, key: &Path, error: &rustls::Error) -> FileError {
    let mend = format!("it isn't the key of {} ({error}); give the pair made together", cert.display());
    FileError { key: name.to_owned(), file: key.display().to_string(), mend }
}

/// When each certificate of a PEM file holds.
///
/// # Errors
/// [`FileError`]: it can't be read, or isn't one.
pub fn validities(key: &str, file: &Path) -> Result<Vec<Validity>, FileError> {
    let read = |der: &CertificateDer<'_>| match X509Certificate::from_der(der) {
        Ok((_, certificate)) => Ok(Validity {
            subject: certificate.subject().to_string(),
            from_s: certificate.validity().not_before.timestamp(),
            until_s: certificate.validity().not_after.timestamp(),
        }),
        Err(error) => {
            let mend = format!("it is no X.509 certificate ({error})");
            Err(FileError { key: key.to_owned(), file: file.display().to_string(), mend })
        }
    };
    certificates(key, file)?.iter().map(read).collect()
}

/// The error, and what to do when it is about a certificate. `key` names where the signer is configured.
pub fn told(error: &impl fmt::Display, key: &str) -> String {
    let text = error.to_string();
    match MENDS.iter().find(|(word, _)| text.contains(word)) {
        Some((_, mend)) => format!("{text}: {}", mend.replace("{key}", key)),
        None => text,
    }
}

/// What rustls says, and what it means.
const MENDS: [(&str, &str); 10] = [
    (
        "UnknownIssuer",
        "the server's certificate isn't signed by whom we trust; give its signer's certificate as key `{key}`",
    ),
    (
        "BadSignature",
        "the server's certificate was signed by another signer of the same name; give the right one's as key `{key}`",
    ),
    (
        "NotValidForName",
        "the server's certificate is for another name; write that name in the URL, or give the server a certificate for this one",
    ),
    (
        "not valid for name",
        "write one of the certificate's names in the URL, or give the server a certificate for this one",
    ),
    (
        "CaUsedAsEndEntity",
        "the server shows a signer's certificate as its own; give the server one that such a signer signed",
    ),
    ("Expired", "the server's certificate is over; renew it there"),
    ("certificate expired", "the server's certificate is over; renew it there"),
    ("NotValidYet", "the server's certificate doesn't hold yet; is a clock wrong?"),
    ("CertificateRequired", "the server asks for our certificate; give its `cert` and `key` beside `{key}`"),
    ("InvalidContentType", "the server speaks no TLS on this port; use its TLS port, or a URL without the s"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_absent_or_no_certificate_is_named_with_its_key() {
        let mut trust = Trust { ca: Some(PathBuf::from("/nowhere/ca.crt")), ..Trust::of("mqtt") };
        let error = trust.client().unwrap_err();
        assert_eq!((error.key.as_str(), error.file.as_str()), ("mqtt.ca", "/nowhere/ca.crt"));
        trust.ca = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
        let error = trust.client().unwrap_err().to_string();
        assert!(
            error.contains("Cargo.toml") && error.contains("mqtt.ca") && error.contains("PEM"),
            "{error}"
        );
    }

    #[test]
    fn a_stranger_is_told_with_the_key_to_mend() {
        let said = told(&"invalid peer certificate: UnknownIssuer", "jobs.ca");
        assert!(said.contains("UnknownIssuer") && said.contains("`jobs.ca`"), "{said}");
        assert_eq!(told(&"connection refused", "jobs.ca"), "connection refused");
    }
}
