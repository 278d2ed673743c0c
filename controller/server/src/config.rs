//! What a site's operator may set: one TOML file, every key also in the environment, secrets from files.
//!
//! Typed and validated before anything starts. A problem names the file or variable, the key, the value and the
//! mend, and all problems are told at once. An unknown key is a problem: a misspelt key must not silently keep a
//! default. The core's own options are derived here and nowhere else.

mod access;
mod reader;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use access::{Auth, Jwt, Tls};
use drover_core::dispatch::policy::{Name, POLICIES};
use reader::Reader;

use crate::store::Opening;
use crate::tls::Trust;

/// Round trip of a message in real time, ms.
const ROUND_TRIP_MS: f64 = 60.0;
/// How long robots that start together take to be heard, in real time, ms.
const GATHER_MS: f64 = 2_000.0;

/// How long a journal is kept, days.
const KEEP_DAYS: u64 = 90;
/// A day, ms.
const DAY_MS: u64 = 24 * 3_600_000;
/// From a wish for a device, by MQTT and its gateway, to the state that shows it begun, in real time, ms.
const DEVICE_TRIP_MS: f64 = 300.0;
/// How long a device's agent may say nothing, in real time, ms.
const DEVICE_SILENT_MS: f64 = 6_000.0;

/// A URL that may hold a password: shown without it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// Wraps the text.
    pub fn new(text: impl Into<String>) -> SecretUrl {
        SecretUrl(text.into())
    }

    /// The whole text, password included: for the client library only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else { return f.write_str(&self.0) };
        let Some((user, host)) = rest.rsplit_once('@') else { return f.write_str(&self.0) };
        let user = user.split_once(':').map_or(user, |(name, _)| name);
        write!(f, "{scheme}://{user}@{host}")
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Where something lives that may also run inside this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Inside this process: for demonstrations and tests, one machine only.
    Embedded,
    /// A server.
    Url(SecretUrl),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Embedded => f.write_str("embedded"),
            Peer::Url(url) => url.fmt(f),
        }
    }
}

/// `[mqtt]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mqtt {
    /// The broker.
    pub peer: Peer,
    /// Topic prefix.
    pub interface: String,
    /// User, when the URL names none.
    pub username: Option<String>,
    /// Password, from `password_file`.
    pub password: Option<SecretUrl>,
    /// Whom `mqtts://` trusts: `ca`, `cert`, `key`.
    pub trust: Trust,
}

/// `[robots] enroll`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enroll {
    /// Only the robots of `site.toml`.
    Configured,
    /// Any robot seen on the interface with a position on the layout.
    Auto,
}

/// `[log] format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object per line.
    Json,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// What is logged: a `tracing` filter, e.g. `info` or `drover_controller=debug`.
    pub level: String,
}

/// `[store]`, but for what the mind decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// The database.
    pub url: SecretUrl,
    /// `keep_days`, in ms; none = for ever.
    pub keep_ms: Option<u64>,
}

impl StoreOptions {
    /// How the store is opened, password included.
    pub fn reveal(&self) -> Opening<'_> {
        Opening { url: self.url.reveal(), keep_ms: self.keep_ms }
    }
}

/// Everything set, typed and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file it came from.
    pub file: PathBuf,
    /// `[site] id`.
    pub site: String,
    /// `[site] layout`, found.
    pub layout: PathBuf,
    /// `[site] site`, found.
    pub site_file: Option<PathBuf>,
    /// `[jobs] url`.
    pub jobs: Peer,
    /// Whom `amqps://` trusts: `[jobs] ca`.
    pub jobs_trust: Trust,
    /// `[jobs] file`, found: a wave handed in at the start, with embedded jobs only.
    pub jobs_file: Option<PathBuf>,
    /// `[mqtt]`.
    pub mqtt: Mqtt,
    /// `[store]`.
    pub store: StoreOptions,
    /// `[cache] url`; none = no cache.
    pub cache: Option<SecretUrl>,
    /// Whom `rediss://` trusts: `[cache] ca`.
    pub cache_trust: Trust,
    /// `[trace] otlp`, the collector; none = no traces.
    pub trace: Option<SecretUrl>,
    /// `[robots] enroll`.
    pub enroll: Enroll,
    /// `[http] listen`.
    pub listen: SocketAddr,
    /// `[http] tls_cert`, `tls_key`; none = no TLS.
    pub tls: Option<Tls>,
    /// `[auth]`.
    pub auth: Auth,
    /// `[log]`.
    pub log: Log,
    /// Files that secrets were read from, with their keys.
    pub secret_files: Vec<(String, PathBuf)>,
    /// The options of the mind, from `[plan]`, `[release]` and the above.
    pub core: drover_core::Config,
}

/// One thing wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// The file, or the environment variable.
    pub origin: String,
    /// `section.key`; empty when the file as a whole is meant.
    pub key: String,
    /// What is wrong, with the value, and how to mend it.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            return write!(f, "{}: {}", self.origin, self.text);
        }
        write!(f, "{}: key `{}`: {}", self.origin, self.key, self.text)
    }
}

/// The configuration can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the configuration:{}", .problems.iter().map(|p| format!("\n  {p}")).collect::<String>())]
pub struct ConfigError {
    /// Everything that is wrong, in file order.
    pub problems: Vec<Problem>,
}

impl Config {
    /// Fits the options to a clock that runs faster than the messages: what takes 60 ms on the wire takes 60 ms times the
    /// speed of the fleet's time.
    pub fn rehearse(&mut self, speed: f64) {
        let core = &mut self.core;
        core.round_trip_ms = core.round_trip_ms.max((ROUND_TRIP_MS * speed) as u64);
        core.resend_ms = core.resend_ms.max(3 * core.round_trip_ms);
        core.device_lead_ms += (DEVICE_TRIP_MS * (speed - 1.0).max(0.0)) as u64;
        core.device_stuck_ms += (DEVICE_TRIP_MS * (speed - 1.0).max(0.0)) as u64;
        core.device_silent_ms = core.device_silent_ms.max((DEVICE_SILENT_MS * speed) as u64);
        core.gather_ms = core.gather_ms.max((GATHER_MS * speed) as u64);
    }

    /// Reads the file and the environment of this process.
    ///
    /// # Errors
    /// [`ConfigError`] lists every problem found.
    pub fn load(file: &Path) -> Result<Config, ConfigError> {
        Config::load_with(file, None)
    }

    /// The same for whoever makes the password of the robots' broker: its file may be absent yet.
    ///
    /// # Errors
    /// [`ConfigError`] lists every problem found.
    pub fn load_before_credentials(file: &Path) -> Result<Config, ConfigError> {
        let nothing = ("DROVER_MQTT__PASSWORD_FILE".to_owned(), "/dev/null".to_owned());
        Config::load_with(file, Some(nothing))
    }

    fn load_with(file: &Path, more: Option<(String, String)>) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|error| ConfigError {
            problems: vec![Problem {
                origin: file.display().to_string(),
                key: String::new(),
                text: format!("can't be read ({error}); give the path of a TOML file to --config"),
            }],
        })?;
        Config::parse(file, &text, std::env::vars().chain(more))
    }

    /// Reads this text as the file, with these environment variables.
    ///
    /// # Errors
    /// [`ConfigError`] lists every problem found.
    pub fn parse(
        file: &Path,
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, ConfigError> {
        let mut reader = Reader::open(file, text, environment)?;
        let config = Config::read(&mut reader);
        match (config, reader.problems) {
            (Some(config), problems) if problems.is_empty() => Ok(config),
            (_, problems) => Err(ConfigError { problems }),
        }
    }

    fn read(reader: &mut Reader) -> Option<Config> {
        let site = reader.name("site.id");
        let layout = reader.path("site.layout", true);
        let site_file = reader.path("site.site", false);
        let jobs = reader.peer("jobs.url", "embedded", &["amqp://", "amqps://"]);
        let jobs_trust = reader.trust("jobs", false);
        let jobs_file = reader.path("jobs.file", false);
        if jobs_file.is_some() && !matches!(jobs, Some(Peer::Embedded)) {
            reader.problem(
                "jobs.file",
                "goes with jobs.url = \"embedded\" only; publish the wave to the broker".to_owned(),
            );
        }
        let mqtt = read_mqtt(reader);
        let store = read_store(reader);
        let cache = reader.url("cache.url", "none", &["redis://", "rediss://", "none"]);
        let cache_trust = reader.trust("cache", false);
        let trace = reader.url("trace.otlp", "none", &["http://", "none"]);
        let enroll =
            reader.word("robots.enroll", &[("configured", Enroll::Configured), ("auto", Enroll::Auto)]);
        let listen = reader.address("http.listen", "127.0.0.1:8080");
        let tls = access::read_tls(reader);
        let auth = access::read_auth(reader, listen);
        let log = Log {
            format: reader.word("log.format", &[("text", LogFormat::Text), ("json", LogFormat::Json)])?,
            level: reader.text("log.level", "info"),
        };
        let core = read_core(reader, site.as_deref().unwrap_or_default(), enroll == Some(Enroll::Auto));
        Some(Config {
            file: reader.file.clone(),
            site: site?,
            layout: layout?,
            site_file,
            jobs: jobs?,
            jobs_trust,
            jobs_file,
            mqtt: mqtt?,
            store: store?,
            cache: cache.filter(|url| url.reveal() != "none"),
            cache_trust,
            trace: trace.filter(|url| url.reveal() != "none"),
            enroll: enroll?,
            listen: listen?,
            tls,
            auth,
            log,
            secret_files: reader.secret_files.clone(),
            core,
        })
    }
}

fn read_store(reader: &mut Reader) -> Option<StoreOptions> {
    let url = reader.url("store.url", "sqlite:drover.db", &["postgres://", "postgresql://", "sqlite:"]);
    let keep_days = reader.whole("store.keep_days", KEEP_DAYS, 0, 36_500);
    Some(StoreOptions { url: url?, keep_ms: (keep_days > 0).then_some(keep_days * DAY_MS) })
}

fn read_mqtt(reader: &mut Reader) -> Option<Mqtt> {
    let peer = reader.peer("mqtt.url", "mqtt://127.0.0.1:1883", &["mqtt://", "mqtts://", "tcp://"]);
    let interface = reader.text("mqtt.interface", "uagv");
    let is_topic = |c: char| !"+#$".contains(c) && !c.is_control();
    if interface.split('/').any(str::is_empty) || !interface.chars().all(is_topic) {
        reader.problem(
            "mqtt.interface",
            format!("`{interface}` isn't a topic prefix; write levels without +, # and $, e.g. \"uagv\""),
        );
    }
    Some(Mqtt {
        peer: peer?,
        interface,
        username: reader.optional("mqtt.username"),
        password: reader.optional("mqtt.password").map(SecretUrl::new),
        trust: reader.trust("mqtt", true),
    })
}

/// By their names, the default first.
fn policies() -> Vec<(&'static str, Name)> {
    let of = |(name, _): &(&'static str, _)| Name::of(name).ok().map(|policy| (*name, policy));
    POLICIES.iter().filter_map(of).collect()
}

fn read_core(reader: &mut Reader, site: &str, auto_enroll: bool) -> drover_core::Config {
    let base = drover_core::Config::default();
    let leg_timeout_s = base.leg_timeout_ms / 1_000;
    drover_core::Config {
        site: site.to_owned(),
        auto_enroll,
        policy: reader.word("robots.policy", &policies()).unwrap_or_default(),
        leg_timeout_ms: reader.whole("jobs.leg_timeout_s", leg_timeout_s, 0, 604_800) * 1_000,
        cycle_ms: reader.whole("plan.cycle_ms", base.cycle_ms, 50, 60_000),
        window_ms: reader.whole("plan.window_ms", base.window_ms, 1_000, 600_000),
        round_trip_ms: reader.whole("release.round_trip_ms", base.round_trip_ms, 50, 60_000),
        resend_ms: reader.whole("release.resend_ms", base.resend_ms, 200, 600_000),
        silent_ms: reader.whole("release.silent_ms", base.silent_ms, 5_000, 600_000),
        snapshot_ms: reader.whole("store.snapshot_ms", base.snapshot_ms, 1_000, 3_600_000),
        snapshot_events: reader.whole("store.snapshot_events", base.snapshot_events, 100, 10_000_000),
        ..base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As if the file lay in the workspace's root.
    fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../drover.toml");
        let variables = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::parse(&file, text, variables)
    }

    const NO_DEFAULT: [&str; 10] = [
        "username",
        "file",
        "ca = ",
        "cert = ",
        "key = ",
        "tls_",
        "users",
        "jwt_key",
        "jwt_issuer",
        "jwt_audience",
    ];
    const SITE: &str = "[site]\nid = \"dc-7\"\nlayout = \"maps/sites/fresh-dc/layout.lif.json\"\n";

    #[test]
    fn a_short_file_gets_every_default() {
        let config = parse(SITE, &[]).unwrap();
        assert_eq!(config.site, "dc-7");
        assert_eq!(config.jobs, Peer::Embedded);
        assert_eq!(config.mqtt.interface, "uagv");
        assert_eq!(config.enroll, Enroll::Configured);
        assert_eq!(config.core.site, "dc-7");
        assert_eq!(config.cache, None);
        assert_eq!(config.core.policy.as_str(), "nearest");
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let text = format!("{SITE}[plan]\nwindow_ms = 9000\n");
        let config =
            parse(&text, &[("DROVER_PLAN__WINDOW_MS", "12000"), ("DROVER_SITE__ID", "007")]).unwrap();
        assert_eq!(config.core.window_ms, 12_000);
        assert_eq!(config.site, "007");
    }

    #[test]
    fn every_problem_is_told_at_once_with_key_and_mend() {
        let text = "[site]\nid = \"dc 7\"\nlayuot = \"x\"\n[plan]\nwindow_ms = 3\n[robots]\npolicy = \"best\"\n[store]\nurl = \"mysql://x\"\n";
        let error = parse(text, &[("DROVER_HTTP__LISTEN", "8080")]).unwrap_err();
        let keys: Vec<&str> = error.problems.iter().map(|problem| problem.key.as_str()).collect();
        for key in [
            "site.layuot",
            "site.id",
            "site.layout",
            "plan.window_ms",
            "robots.policy",
            "store.url",
            "http.listen",
        ] {
            assert!(keys.contains(&key), "{key} missing in {error}");
        }
        assert!(error.to_string().contains("DROVER_HTTP__LISTEN"), "{error}");
        assert!(error.to_string().contains("did you mean `layout`"), "{error}");
        assert!(error.to_string().contains("\"planning\""), "{error}");
    }

    #[test]
    fn a_secret_is_read_from_its_file_and_never_shown() {
        let secret = std::env::temp_dir().join(format!("drover-secret-{}", std::process::id()));
        std::fs::write(&secret, "amqp://guest:hidden@rabbit:5672\n").unwrap();
        let text = format!("{SITE}[jobs]\nurl_file = \"{}\"\n", secret.display());
        let config = parse(&text, &[]).unwrap();
        std::fs::remove_file(&secret).unwrap();
        assert_eq!(config.jobs, Peer::Url(SecretUrl::new("amqp://guest:hidden@rabbit:5672")));
        assert!(!format!("{config:?}").contains("hidden"));
    }

    #[test]
    fn a_certificate_of_ours_needs_its_key() {
        let own = "controller/server/Cargo.toml";
        let with = |keys: &str| parse(&format!("{SITE}[mqtt]\nurl = \"mqtts://broker\"\n{keys}"), &[]);
        let trust = with(&format!("ca = \"{own}\"\ncert = \"{own}\"\nkey = \"{own}\"\n")).unwrap().mqtt.trust;
        let keys: Vec<String> = trust.files().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["mqtt.ca", "mqtt.cert", "mqtt.key"]);
        let problems = with(&format!("cert = \"{own}\"\n")).unwrap_err().problems;
        assert_eq!(problems.iter().map(|problem| problem.key.as_str()).collect::<Vec<_>>(), ["mqtt.key"]);
    }

    #[test]
    fn off_the_loopback_somebody_must_be_let_in() {
        let with = |more: &str| parse(&format!("{SITE}[http]\nlisten = \"0.0.0.0:8080\"\n{more}"), &[]);
        let problems = with("").unwrap_err().problems;
        assert_eq!(problems.iter().map(|problem| problem.key.as_str()).collect::<Vec<_>>(), ["auth.users"]);
        let config = with("[auth]\nanonymous = \"viewer\"\n").unwrap();
        assert_eq!(config.auth.anonymous, Some(crate::auth::Role::Viewer));
        assert_eq!(parse(SITE, &[]).unwrap().auth.anonymous, Some(crate::auth::Role::Admin));
        let jwt = with("[auth]\njwt_key = \"Cargo.toml\"\njwt_issuer = \"https://id\"\n").unwrap_err();
        assert_eq!(jwt.problems[0].key, "auth.jwt_audience");
    }

    #[test]
    fn certificate_and_key_go_together() {
        let error = parse(&format!("{SITE}[http]\ntls_cert = \"Cargo.toml\"\n"), &[]).unwrap_err();
        assert_eq!(error.problems[0].key, "http.tls_key");
    }

    #[test]
    fn a_wave_file_goes_with_embedded_jobs_only() {
        let wave = "controller/server/waves/fresh-dc-300.ndjson";
        let with = |url: &str| parse(&format!("{SITE}[jobs]\nurl = \"{url}\"\nfile = \"{wave}\"\n"), &[]);
        assert!(with("embedded").unwrap().jobs_file.is_some_and(|file| file.ends_with(wave)));
        let problems = with("amqp://rabbit:5672").unwrap_err().problems;
        assert_eq!(problems.iter().map(|problem| problem.key.as_str()).collect::<Vec<_>>(), ["jobs.file"]);
    }

    #[test]
    fn the_example_names_every_key_with_its_default() {
        let example = include_str!("../drover.example.toml");
        let defaults = parse(example, &[]).unwrap();
        let keys = example.lines().map(|line| line.trim_start_matches("# "));
        let has_default = |line: &&str| {
            line.starts_with('[')
                || (line.contains(" = ")
                    && !line.contains("_file = ")
                    && !NO_DEFAULT.iter().any(|key| line.starts_with(key)))
        };
        let written: Vec<&str> = keys.filter(has_default).collect();
        assert_eq!(
            parse(&written.join("\n"), &[]),
            Ok(defaults),
            "a default in the example is not the default"
        );
        for (key, _) in reader::KEYS {
            let name = key.split_once('.').unwrap().1;
            assert!(
                example.contains(&format!("{name} = ")) || example.contains(&format!("{name}_file = ")),
                "{key}"
            );
        }
    }
}
