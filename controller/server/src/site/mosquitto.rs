//! Mosquitto's files: configuration, list of passwords, list of rights. Everything that isn't allowed is refused.
//!
//! Password lines are Mosquitto 2.0's `$7$`: PBKDF2 with HMAC-SHA512, 12 bytes of salt, 64 bytes of hash. Mosquitto
//! drops what a list of rights forbids without a word to whoever sent it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA512};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drover_maps::Layout;
use drover_proto::device::{DeviceTopic, DeviceTopicKind};
use drover_proto::vda5050::TopicKind;

use super::credentials::{Account, Owner};
use crate::config::{Config, Peer};
use crate::mqtt::{self, Interfaces};
use drover_core::RobotName;

/// Mosquitto's configuration.
pub const CONF: &str = "mosquitto.conf";
/// Its list of passwords.
pub const PASSWD: &str = "passwd";
/// Its list of rights.
pub const ACL: &str = "acl";
/// Rounds of PBKDF2. The passwords are drawn and of 192 bits, so rounds add nothing: few keep a fleet's reconnect quick.
const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);
const SALT_BYTES: usize = 12;
const HASH_BYTES: usize = 64;
/// Connections beyond the accounts' own: sessions that are being replaced, `drover check`, monitoring.
const CONNECTIONS_SPARE: usize = 50;

/// A line for each account; a line from `before` that still fits is kept, so that nothing changes without need.
///
/// # Errors
/// The machine gives no random numbers.
pub fn passwd(accounts: &[Account], before: &str) -> std::io::Result<String> {
    let kept: BTreeMap<&str, &str> = before.lines().filter_map(|line| line.split_once(':')).collect();
    let mut lines = String::new();
    for Account { user, password, .. } in accounts {
        let line = match kept.get(user.as_str()).filter(|line| fits(line, password)) {
            Some(line) => (*line).to_owned(),
            None => hashed(password, &crate::secret_file::random::<SALT_BYTES>()?, ROUNDS),
        };
        lines += &format!("{user}:{line}\n");
    }
    Ok(lines)
}

fn hashed(password: &str, salt: &[u8], rounds: NonZeroU32) -> String {
    let mut hash = [0; HASH_BYTES];
    pbkdf2::derive(PBKDF2_HMAC_SHA512, rounds, salt, password.as_bytes(), &mut hash);
    format!("$7${rounds}${}${}", STANDARD.encode(salt), STANDARD.encode(hash))
}

fn fits(line: &str, password: &str) -> bool {
    let mut parts = line.strip_prefix("$7$").unwrap_or_default().split('$');
    let mut part = || parts.next().unwrap_or_default();
    let (rounds, salt, hash) =
        (part().parse::<NonZeroU32>(), STANDARD.decode(part()), STANDARD.decode(part()));
    let (Ok(rounds), Ok(salt), Ok(hash)) = (rounds, salt, hash) else { return false };
    rounds == ROUNDS && pbkdf2::verify(PBKDF2_HMAC_SHA512, rounds, &salt, password.as_bytes(), &hash).is_ok()
}

/// Who may read and write what.
#[must_use]
pub fn acl(site: &str, interfaces: &Interfaces, layout: &Layout, accounts: &[Account]) -> String {
    let mut text = "# Written by `drover site credentials`. What isn't named is refused.\n".to_owned();
    for account in accounts {
        text += &format!("\nuser {}\n", account.user);
        text += &match &account.owner {
            Owner::Controller => controller(site, interfaces),
            Owner::Agent => agent(site, layout),
            Owner::Robot { manufacturer, serial, .. } => {
                let name = RobotName { manufacturer: manufacturer.clone(), serial: serial.clone() };
                robot(interfaces.of_robot(&name), manufacturer, serial)
            }
        };
    }
    text
}

/// It reads its whole interfaces, and writes what robots and devices listen to.
fn controller(site: &str, interfaces: &Interfaces) -> String {
    let mut text = String::new();
    for interface in interfaces.all() {
        text += &format!("topic read {interface}/#\n");
        for kind in [TopicKind::Order, TopicKind::InstantActions] {
            text += &format!("topic write {interface}/+/+/+/{}\n", kind.as_str());
        }
    }
    for (right, kind) in [
        ("read", DeviceTopicKind::State),
        ("read", DeviceTopicKind::Connection),
        ("readwrite", DeviceTopicKind::Request),
    ] {
        text += &format!("topic {right} {}\n", DeviceTopic::filter(site, kind));
    }
    text
}

/// It speaks for the site's devices.
fn agent(site: &str, layout: &Layout) -> String {
    let rights = [
        ("write", DeviceTopicKind::State),
        ("write", DeviceTopicKind::Connection),
        ("read", DeviceTopicKind::Request),
    ];
    let lines = layout.devices().iter().flat_map(|device| {
        rights.map(|(right, kind)| format!("topic {right} {}\n", DeviceTopic::new(site, &device.name, kind)))
    });
    lines.collect()
}

/// It speaks for itself, in whatever version.
fn robot(interface: &str, manufacturer: &str, serial: &str) -> String {
    let line = |kind: TopicKind| {
        let right = match kind {
            TopicKind::Order | TopicKind::InstantActions => "read",
            TopicKind::State | TopicKind::Connection | TopicKind::Factsheet | TopicKind::Visualization => {
                "write"
            }
        };
        format!("topic {right} {interface}/+/{manufacturer}/{serial}/{}\n", kind.as_str())
    };
    TopicKind::ALL.into_iter().map(line).collect()
}

/// The broker's configuration; `folder` is where its files lie on its machine.
#[must_use]
pub fn conf(config: &Config, accounts: usize, folder: &Path) -> String {
    let address = match &config.mqtt.peer {
        Peer::Url(url) => mqtt::address(url).ok(),
        Peer::Embedded => None,
    };
    let (port, is_secure) = address.map_or((1883, false), |address| (address.port, address.is_secure));
    let comment = if is_secure { "" } else { "# " };
    let secure_port = if is_secure { port } else { 8883 };
    let plain = if is_secure { "# listener 1883 127.0.0.1".to_owned() } else { format!("listener {port}") };
    let connections = accounts + CONNECTIONS_SPARE;
    let folder = folder.display();
    format!(
        "# The robots' broker of site {site}, for Mosquitto 2.0. Written by `drover site credentials`.
# Everything named here must be readable by the user mosquitto.

# In the clear: for a network of its own.
{plain}

# With TLS. `drover` and the robots then use mqtts:// and the signer's certificate.
{comment}listener {secure_port}
{comment}certfile /etc/mosquitto/certs/broker.crt
{comment}keyfile /etc/mosquitto/certs/broker.key
{comment}tls_version tlsv1.2

allow_anonymous false
password_file {folder}/{PASSWD}
acl_file {folder}/{ACL}

# Orders are small and must not wait for one another.
set_tcp_nodelay true

# Retained messages (connection, factsheet) and sessions outlive a restart.
persistence true
persistence_location /var/lib/mosquitto/
autosave_interval 60

max_connections {connections}
max_packet_size 1048576
max_inflight_messages 100
max_queued_messages 1000
max_keepalive 120
persistent_client_expiration 7d
log_dest stderr
log_type error
log_type warning
log_type notice
",
        site = config.site,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(password: &str) -> Account {
        Account { owner: Owner::Agent, user: "agent-dc".to_owned(), password: password.to_owned() }
    }

    #[test]
    fn a_password_line_is_kept_until_the_password_changes() {
        let first = passwd(&[account("one")], "").unwrap();
        assert!(first.starts_with("agent-dc:$7$1000$") && first.ends_with("==\n"), "{first}");
        assert_eq!(passwd(&[account("one")], &first).unwrap(), first);
        let second = passwd(&[account("two")], &first).unwrap();
        assert_ne!(second, first);
        assert!(passwd(&[], &second).unwrap().is_empty());
    }

    #[test]
    fn a_damaged_line_is_written_anew() {
        for before in
            ["agent-dc:", "agent-dc:$6$aa$bb", "agent-dc:$7$0$x$y", "agent-dc:$7$1000$%%$%%", "nonsense"]
        {
            let line = passwd(&[account("one")], before).unwrap();
            assert!(fits(line.trim_end().split_once(':').unwrap().1, "one"), "{before}");
        }
    }
}
