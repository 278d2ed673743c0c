//! Where the broker is, how its word is trusted, and who we are there.

use rumqttc::{TlsConfiguration, Transport};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

const PORT_DEFAULT: u16 = 1883;
const PORT_DEFAULT_TLS: u16 = 8883;

/// User and password.
pub type Login = (String, String);

/// A broker's address and credentials.
#[derive(Clone)]
pub struct Broker {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User and password of whoever has none of their own.
    pub login: Option<Login>,
    /// Whom TLS trusts; none = no TLS.
    tls: Option<Arc<ClientConfig>>,
}

impl Broker {
    /// Reads `mqtt[s]://[user:password@]host[:port]`; `tcp://` and no scheme mean `mqtt://`. `ca` is a PEM file to trust
    /// instead of what this machine trusts. The error names the mend.
    pub fn parse(url: &str, ca: Option<&Path>) -> Result<Self, String> {
        let (is_secure, rest) = match url.split_once("://") {
            Some(("mqtt" | "tcp", rest)) => (false, rest),
            Some(("mqtts" | "ssl" | "tls", rest)) => (true, rest),
            Some((scheme, _)) => return Err(format!("scheme {scheme:?} isn't known; use mqtt://host:1883")),
            None => (false, url),
        };
        let (login, address) = match rest.trim_end_matches('/').rsplit_once('@') {
            Some((login, address)) => (Some(login.split_once(':').unwrap_or((login, ""))), address),
            None => (None, rest.trim_end_matches('/')),
        };
        let (host, port) = split_port(address)?;
        if host.is_empty() || host.contains(['/', ' ']) {
            return Err("the host is missing or wrong; use mqtt://host:1883".to_owned());
        }
        if ca.is_some() && !is_secure {
            return Err("a CA file is for TLS; use mqtts://host:8883, or leave ca out".to_owned());
        }
        let tls = if is_secure { Some(trust(ca)?) } else { None };
        let port = port.unwrap_or(if is_secure { PORT_DEFAULT_TLS } else { PORT_DEFAULT });
        let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
        Ok(Self { host, port, login, tls })
    }

    /// The same broker for somebody with an account of their own.
    #[must_use]
    pub fn with_login(&self, login: Option<Login>) -> Self {
        Self { login: login.or_else(|| self.login.clone()), ..self.clone() }
    }

    /// How bytes get there.
    pub(crate) fn transport(&self) -> Transport {
        match &self.tls {
            Some(trusted) => Transport::tls_with_config(TlsConfiguration::Rustls(trusted.clone())),
            None => Transport::tcp(),
        }
    }
}

fn split_port(address: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match address.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => address.split_once(':').map_or((address, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map(|port| match port.parse() {
        Ok(port) if port > 0 => Ok(port),
        Ok(_) | Err(_) => Err(format!("port {port:?} isn't 1 to 65535")),
    });
    Ok((host.to_owned(), port.transpose()?))
}

/// The certificates of this file, or this machine's own.
fn trust(ca: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(file) => {
            let cant = |why: &dyn fmt::Display| format!("ca {}: {why}", file.display());
            let certificates = CertificateDer::pem_file_iter(file).map_err(|error| cant(&error))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| cant(&error))?;
                roots.add(certificate).map_err(|error| cant(&error))?;
            }
            if roots.is_empty() {
                return Err(cant(&"holds no certificate; write the CA's, in PEM form"));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err("this machine trusts no CA; name the broker's with ca".to_owned());
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| format!("TLS can't be set up: {error}"))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

impl fmt::Display for Broker {
    /// Without the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "mqtts" } else { "mqtt" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::Broker;
    use std::path::Path;

    #[test]
    fn urls_are_read_with_their_defaults() {
        let read = |url: &str| Broker::parse(url, None).map(|broker| broker.to_string());
        assert_eq!(read("mqtt://127.0.0.1:1884"), Ok("mqtt://127.0.0.1:1884".into()));
        assert_eq!(read("mqtt://broker/"), Ok("mqtt://broker:1883".into()));
        assert_eq!(read("broker"), Ok("mqtt://broker:1883".into()));
        assert_eq!(read("tcp://[::1]:9"), Ok("mqtt://::1:9".into()));
        let login = Broker::parse("mqtt://me:p@ss@host", None).unwrap().login;
        assert_eq!(login, Some(("me".into(), "p@ss".into())));
    }

    #[test]
    fn wrong_urls_say_what_to_write() {
        for url in ["http://h", "mqtt://", "mqtt://h:0", "mqtt://h:x", "mqtt://a b"] {
            assert!(Broker::parse(url, None).is_err(), "{url}");
        }
        let said = |url, ca: &str| Broker::parse(url, Some(Path::new(ca))).unwrap_err();
        assert!(said("mqtt://h", "ca.pem").contains("mqtts://"));
        assert!(said("mqtts://h", "no-such.pem").contains("no-such.pem"));
        assert!(said("mqtts://h", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).contains("PEM"));
    }
}
