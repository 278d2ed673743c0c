//! The files a configuration names, as `drover check` sees them: secrets, certificates, users, credentials; and the
//! log's filter.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use drover_maps::Layout;
use tracing_subscriber::EnvFilter;

use super::{Row, Verdict};
use crate::auth::{Access, Role};
use crate::config::{Config, Enroll, Peer};
use crate::site::credentials::{CREDENTIALS, Known, robot_user};
use crate::tls::{self, FileError, Validity};
use crate::users::Users;

/// A certificate that ends sooner is worth a warning, days.
const RENEW_DAYS: i64 = 30;
const DAY_S: i64 = 24 * 60 * 60;
/// What `drover site new` writes where a password must come.
pub(crate) const PLACEHOLDER: &str = "CHANGE-ME";
/// Robots named in one row, at most.
const NAMES_MAX: usize = 8;
/// Anybody on the machine may read.
const OTHERS_READ: u32 = 0o004;
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

pub(super) fn rows(config: &Config, layout: Option<&Layout>) -> Vec<Row> {
    let mut rows = secrets(config);
    rows.extend(certificates(config));
    rows.extend(access(config));
    rows.extend(layout.and_then(|layout| credentials(config, layout)));
    rows.push(log(&config.log.level));
    rows
}

fn secrets(config: &Config) -> Vec<Row> {
    let mut rows: Vec<Row> = config
        .secret_files
        .iter()
        .map(|(key, file)| match others_may_read(file) {
            true => Row::warning(
                "secrets",
                format!(
                    "{} of key `{key}`: everybody on this machine may read it; chmod 600",
                    file.display()
                ),
            ),
            false => Row::right("secrets", format!("{} of key `{key}`", file.display())),
        })
        .collect();
    let jobs = match &config.jobs {
        Peer::Url(url) => Some(url),
        Peer::Embedded => None,
    };
    let given = [
        ("jobs.url", jobs),
        ("mqtt.password", config.mqtt.password.as_ref()),
        ("store.url", Some(&config.store.url)),
        ("cache.url", config.cache.as_ref()),
    ];
    let unchanged =
        given.iter().filter(|(_, secret)| secret.is_some_and(|s| s.reveal().contains(PLACEHOLDER)));
    rows.extend(unchanged.map(|(key, _)| {
        Row::wrong("secrets", format!("key `{key}` still holds {PLACEHOLDER}; write the real value"))
    }));
    rows
}

fn others_may_read(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|meta| meta.permissions().mode() & OTHERS_READ != 0)
}

fn certificates(config: &Config) -> Vec<Row> {
    let is_secure = |peer: &Peer, scheme: &str| match peer {
        Peer::Url(url) => url.reveal().starts_with(scheme),
        Peer::Embedded => false,
    };
    let cache = config.cache.as_ref().is_some_and(|url| url.reveal().starts_with("rediss://"));
    let trusts = [
        (&config.mqtt.trust, is_secure(&config.mqtt.peer, "mqtts://"), "mqtts://"),
        (&config.jobs_trust, is_secure(&config.jobs, "amqps://"), "amqps://"),
        (&config.cache_trust, cache, "rediss://"),
    ];
    let mut rows = Vec::new();
    for (trust, is_used, scheme) in trusts {
        for (key, file) in trust.files() {
            if !is_used {
                let mend = format!("key `{key}` isn't used: the URL doesn't begin with {scheme}");
                rows.push(Row::warning("tls", mend));
            } else if !key.ends_with(".key") {
                rows.push(certificate(&key, file));
            }
        }
        if is_used && let Some((cert, key)) = &trust.identity {
            let names = [format!("{}.cert", trust.section), format!("{}.key", trust.section)];
            rows.push(pair(tls::judge_pair((&names[0], cert), (&names[1], key)), key));
        }
    }
    if let Some(own) = &config.tls {
        rows.push(certificate("http.tls_cert", &own.cert));
        let (cert, key) = (("http.tls_cert", own.cert.as_path()), ("http.tls_key", own.key.as_path()));
        rows.push(match tls::judge_pair(cert, key) {
            Err(error) => Row::wrong("tls", error.to_string()),
            Ok(()) => secret_key(&own.key),
        });
    }
    rows.extend(
        store_files(config.store.url.reveal()).into_iter().map(|(key, file)| certificate(&key, &file)),
    );
    rows
}

/// `sslrootcert` and `sslcert` of a PostgreSQL URL.
fn store_files(url: &str) -> Vec<(String, PathBuf)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let named = query.split('&').filter_map(|pair| pair.split_once('='));
    named
        .filter(|(name, _)| ["sslrootcert", "ssl-root-cert", "ssl-ca", "sslcert", "ssl-cert"].contains(name))
        .map(|(name, file)| (format!("{name} of store.url"), PathBuf::from(file.replace("%2F", "/"))))
        .collect()
}

fn certificate(key: &str, file: &Path) -> Row {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    match tls::validities(key, file) {
        Ok(found) => {
            let (verdict, text) = judge(&found, i64::try_from(now_s).unwrap_or(i64::MAX));
            Row::new("tls", verdict, format!("{} of key `{key}`: {text}", file.display()))
        }
        Err(error) => Row::wrong("tls", told(&error)),
    }
}

fn pair(judged: Result<(), FileError>, key: &Path) -> Row {
    match judged {
        Err(error) => Row::wrong("tls", told(&error)),
        Ok(()) => secret_key(key),
    }
}

/// A private key that everybody may read is no secret.
fn secret_key(key: &Path) -> Row {
    let key_of = key.display();
    if others_may_read(key) {
        return Row::warning("tls", format!("{key_of}: everybody on this machine may read it; chmod 600"));
    }
    Row::right("tls", format!("{key_of} is the certificate's key"))
}

fn told(error: &FileError) -> String {
    format!("{} of key `{}`: {}", error.file, error.key, error.mend)
}

/// The worst of a file's certificates.
fn judge(found: &[Validity], now_s: i64) -> (Verdict, String) {
    let day = |s: i64| {
        jiff::Timestamp::from_second(s)
            .map_or_else(|_| "?".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
    };
    let late = found.iter().find(|one| one.from_s > now_s);
    let Some(first) = found.iter().min_by_key(|one| one.until_s) else {
        return (Verdict::Wrong, "no certificate".to_owned());
    };
    let (subject, until) = (&first.subject, day(first.until_s));
    if first.until_s <= now_s {
        return (Verdict::Wrong, format!("{subject} was over on {until}; renew it"));
    }
    if let Some(late) = late {
        return (Verdict::Wrong, format!("{} doesn't hold before {}", late.subject, day(late.from_s)));
    }
    if first.until_s - now_s <= RENEW_DAYS * DAY_S {
        return (
            Verdict::Warning,
            format!("{subject} is over on {until}: within {RENEW_DAYS} days; renew it"),
        );
    }
    (Verdict::Right, format!("{subject} holds until {until}"))
}

/// Who may call, and whether tokens can be read on the way.
fn access(config: &Config) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Err(error) = Access::open(&config.auth) {
        rows.push(Row::wrong("users", error.to_string()));
    } else if let Some(file) = &config.auth.users {
        rows.push(users(file));
    }
    let is_local = config.listen.ip().is_loopback();
    let anonymous = config.auth.anonymous;
    let word = anonymous.map_or("none", Role::as_str);
    rows.push(Row::right("users", format!("callers without a token: {word}")));
    if let Some(role) = anonymous.filter(|role| *role > Role::Viewer && !is_local) {
        let (role, listen) = (role.as_str(), config.listen);
        let mend = "write \"viewer\" or \"none\" as key `auth.anonymous`, and name users";
        rows.push(Row::warning(
            "users",
            format!("whoever reaches {listen} may do what an {role} may; {mend}"),
        ));
    }
    if !is_local && config.tls.is_none() {
        let mend = "set http.tls_cert and http.tls_key, or put a proxy with TLS before it";
        rows.push(Row::warning("users", format!("tokens travel in the clear; {mend}")));
    }
    rows
}

fn users(file: &Path) -> Row {
    let (name, users) = (file.display(), Users::read(file));
    match users {
        Err(error) => Row::wrong("users", error.to_string()),
        Ok(users) if users.users.is_empty() => Row::warning(
            "users",
            format!("{name} has nobody; `drover user add NAME --role admin --file {name}`"),
        ),
        Ok(_) if others_may_read(file) => {
            Row::warning("users", format!("{name}: everybody on this machine may read it; chmod 600"))
        }
        Ok(users) => {
            let count = |role| users.users.iter().filter(|user| user.role == role).count();
            let (viewers, operators, admins) =
                (count(Role::Viewer), count(Role::Operator), count(Role::Admin));
            Row::right("users", format!("{name}: {viewers} viewers, {operators} operators, {admins} admins"))
        }
    }
}

/// Robots that the broker doesn't know yet. Only where `drover site credentials` has been: beside the password file.
fn credentials(config: &Config, layout: &Layout) -> Option<Row> {
    let (_, password) = config.secret_files.iter().find(|(key, _)| key == "mqtt.password_file")?;
    let file = password.parent()?.join(CREDENTIALS);
    if !file.is_file() {
        return None;
    }
    let known = match Known::read(&file) {
        Ok(known) => known,
        Err(error) => return Some(Row::wrong("credentials", error.to_string())),
    };
    let mend = "run `drover site credentials`, and hand the broker its new files";
    let without: Vec<&str> = layout
        .robots()
        .iter()
        .filter(|robot| known.password(&robot_user(&robot.manufacturer, &robot.serial)).is_none())
        .map(|robot| robot.serial.as_str())
        .collect();
    if !without.is_empty() {
        let names = without[..without.len().min(NAMES_MAX)].join(", ");
        let count = without.len();
        return Some(Row::warning(
            "credentials",
            format!("{count} robots of site.toml have none: {names}; {mend}"),
        ));
    }
    Some(match config.enroll {
        Enroll::Configured => {
            Row::right("credentials", format!("every robot of site.toml has its own, in {}", file.display()))
        }
        Enroll::Auto => Row::warning(
            "credentials",
            "robots may join by themselves (robots.enroll = \"auto\"), but the broker admits only those of site.toml",
        ),
    })
}

/// The filter reads any bare word as the name of a part, so a misspelt level would silence everything else.
fn log(level: &str) -> Row {
    if let Err(error) = EnvFilter::builder().parse(level) {
        let mend = "write e.g. \"info\" or \"info,drover_controller=debug\"";
        return Row::wrong("log", format!("key `log.level`: `{level}` isn't a filter ({error}); {mend}"));
    }
    let words = level.split(',').map(str::trim).filter(|word| !word.is_empty() && !word.contains(['=', '[']));
    let strange: Vec<&str> = words
        .filter(|word| !LEVELS.contains(&word.to_ascii_lowercase().as_str()) && !word.contains("drover"))
        .collect();
    match strange.first() {
        Some(word) => Row::wrong(
            "log",
            format!("key `log.level`: `{word}` isn't a level; write one of {}", LEVELS.join(", ")),
        ),
        None => Row::right("log", format!("level {level}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: i64 = 1_800_000_000;

    fn until(days: i64) -> Validity {
        Validity { subject: "CN=broker".to_owned(), from_s: 0, until_s: NOW_S + days * DAY_S }
    }

    #[test]
    fn the_certificate_that_ends_first_is_judged() {
        assert_eq!(judge(&[until(400)], NOW_S).0, Verdict::Right);
        assert_eq!(judge(&[until(400), until(29)], NOW_S).0, Verdict::Warning);
        assert_eq!(judge(&[until(400), until(-1)], NOW_S).0, Verdict::Wrong);
        let early = Validity { from_s: NOW_S + DAY_S, ..until(400) };
        assert_eq!(judge(&[early], NOW_S).0, Verdict::Wrong);
    }

    #[test]
    fn a_misspelt_level_is_told() {
        for good in ["info", "WARN", "info,drover_controller=debug", "drover_controller", "off"] {
            assert_eq!(log(good).verdict, Verdict::Right, "{good}");
        }
        for bad in ["inof", "info,debg", "drover_controller=loud"] {
            assert_eq!(log(bad).verdict, Verdict::Wrong, "{bad}");
        }
    }

    #[test]
    fn files_of_a_store_url_are_found() {
        let files = store_files("postgres://d@db/x?sslmode=verify-full&sslrootcert=/etc/ca.crt");
        assert_eq!(files, [("sslrootcert of store.url".to_owned(), PathBuf::from("/etc/ca.crt"))]);
        assert!(store_files("sqlite:drover.db").is_empty());
    }
}
