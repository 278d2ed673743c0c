//! Where the broker is.

use rumqttc::Transport;
use std::fmt;

const PORT_DEFAULT: u16 = 1883;

/// A broker's address and credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Broker {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User and password.
    pub login: Option<(String, String)>,
}

impl Broker {
    /// Reads `mqtt://[user:password@]host[:port]`; `tcp://` and no scheme mean the same. The error names the mend.
    pub fn parse(url: &str) -> Result<Self, String> {
        let rest = match url.split_once("://") {
            Some(("mqtt" | "tcp", rest)) => rest,
            Some(("mqtts" | "ssl" | "tls", _)) => {
                return Err(
                    "TLS isn't built in; use mqtt:// to a broker on this machine or a tunnel".to_owned()
                );
            }
            Some((scheme, _)) => return Err(format!("scheme {scheme:?} isn't known; use mqtt://host:1883")),
            None => url,
        };
        let (login, address) = match rest.trim_end_matches('/').rsplit_once('@') {
            Some((login, address)) => (Some(login.split_once(':').unwrap_or((login, ""))), address),
            None => (None, rest.trim_end_matches('/')),
        };
        let (host, port) = split_port(address)?;
        if host.is_empty() || host.contains(['/', ' ']) {
            return Err("the host is missing or wrong; use mqtt://host:1883".to_owned());
        }
        let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
        Ok(Self { host, port, login })
    }

    /// How bytes get there.
    pub(crate) fn transport(&self) -> Transport {
        Transport::tcp()
    }
}

fn split_port(address: &str) -> Result<(String, u16), String> {
    let (host, port) = match address.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => address.split_once(':').map_or((address, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        None => PORT_DEFAULT,
        Some(port) => match port.parse() {
            Ok(port) if port > 0 => port,
            Ok(_) | Err(_) => return Err(format!("port {port:?} isn't 1 to 65535")),
        },
    };
    Ok((host.to_owned(), port))
}

impl fmt::Display for Broker {
    /// Without the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mqtt://{}:{}", self.host, self.port)
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

    #[test]
    fn urls_are_read_with_their_defaults() {
        let read = |url: &str| Broker::parse(url).map(|broker| broker.to_string());
        assert_eq!(read("mqtt://127.0.0.1:1884"), Ok("mqtt://127.0.0.1:1884".into()));
        assert_eq!(read("mqtt://broker/"), Ok("mqtt://broker:1883".into()));
        assert_eq!(read("broker"), Ok("mqtt://broker:1883".into()));
        assert_eq!(read("tcp://[::1]:9"), Ok("mqtt://::1:9".into()));
        let login = Broker::parse("mqtt://me:p@ss@host").unwrap().login;
        assert_eq!(login, Some(("me".into(), "p@ss".into())));
    }

    #[test]
    fn wrong_urls_say_what_to_write() {
        for url in ["mqtts://h", "http://h", "mqtt://", "mqtt://h:0", "mqtt://h:x", "mqtt://a b"] {
            assert!(Broker::parse(url).is_err(), "{url}");
        }
    }
}
