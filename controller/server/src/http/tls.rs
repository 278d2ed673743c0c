//! TLS: the certificate and its key, read again when they change, so that a new certificate needs no restart.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config;
use crate::reload;

/// Protocols offered, the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The certificate or its key can't be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to read key `{key}`: {}: {reason}", file.display())]
pub struct TlsError {
    key: &'static str,
    file: PathBuf,
    reason: String,
}

/// What new connections are greeted with. Cheap to clone.
#[derive(Clone)]
pub(super) struct Tls {
    newest: Arc<RwLock<TlsAcceptor>>,
}

impl Tls {
    /// Reads both files, and again whenever one changes.
    pub(super) fn open(files: &config::Tls) -> Result<Tls, TlsError> {
        let (contents, acceptor_now) = read_both(files)?;
        let tls = Tls { newest: Arc::new(RwLock::new(acceptor_now)) };
        let (newest, files) = (Arc::clone(&tls.newest), files.clone());
        reload::watch(vec![files.cert.clone(), files.key.clone()], contents, move |contents| match acceptor(
            &files,
            &contents[0],
            &contents[1],
        ) {
            Ok(acceptor) => {
                *newest.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
                tracing::info!("the certificate was read again: new connections get it");
            }
            Err(error) => tracing::error!(%error, "the new certificate can't be used; the one before stands"),
        });
        Ok(tls)
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

const CERT: &str = "http.tls_cert";
const KEY: &str = "http.tls_key";

fn read_both(files: &config::Tls) -> Result<(Vec<Vec<u8>>, TlsAcceptor), TlsError> {
    let read = |key, file: &PathBuf| std::fs::read(file).map_err(|error| unreadable(key, file, &error));
    let (cert, key) = (read(CERT, &files.cert)?, read(KEY, &files.key)?);
    let acceptor = acceptor(files, &cert, &key)?;
    Ok((vec![cert, key], acceptor))
}

fn unreadable(key: &'static str, file: &Path, error: &std::io::Error) -> TlsError {
    let reason = format!("can't be read ({error}); give a readable PEM file");
    TlsError { key, file: file.to_owned(), reason }
}

fn acceptor(files: &config::Tls, cert: &[u8], key: &[u8]) -> Result<TlsAcceptor, TlsError> {
    let bad_cert = |reason: String| TlsError { key: CERT, file: files.cert.clone(), reason };
    let bad_key = |reason: String| TlsError { key: KEY, file: files.key.clone(), reason };
    let certs: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(cert).collect();
    let certs = certs.map_err(|error| bad_cert(format!("isn't a PEM file ({error}); {CERT_MEND}")))?;
    if certs.is_empty() {
        return Err(bad_cert(format!("holds no certificate; {CERT_MEND}")));
    }
    let private = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| bad_key(format!("holds no private key ({error}); {KEY_MEND}")))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| bad_key(error.to_string()))?.with_no_client_auth();
    let mut server = builder.with_single_cert(certs, private).map_err(|error| {
        bad_key(format!("doesn't go with {} ({error}); {KEY_MEND}", files.cert.display()))
    })?;
    server.alpn_protocols = PROTOCOLS.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(TlsAcceptor::from(Arc::new(server)))
}

const CERT_MEND: &str = "give BEGIN CERTIFICATE, ours first, then its issuers";
const KEY_MEND: &str = "give the BEGIN PRIVATE KEY of the first certificate, without a password";
