//! Reads keys one by one and collects what is wrong with each, so that nobody mends a file one error at a time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use figment::value::Value;

use super::{ConfigError, Peer, Problem, SecretUrl};
use crate::tls::Trust;

/// Every key there is. A key marked secret may also be given as `<key>_file`.
pub(super) const KEYS: &[(&str, bool)] = &[
    ("site.id", false),
    ("site.layout", false),
    ("site.site", false),
    ("jobs.url", true),
    ("jobs.file", false),
    ("jobs.ca", false),
    ("jobs.leg_timeout_s", false),
    ("mqtt.url", true),
    ("mqtt.interface", false),
    ("mqtt.username", false),
    ("mqtt.password", true),
    ("mqtt.ca", false),
    ("mqtt.cert", false),
    ("mqtt.key", false),
    ("store.url", true),
    ("store.snapshot_ms", false),
    ("store.snapshot_events", false),
    ("store.keep_days", false),
    ("cache.url", true),
    ("cache.ca", false),
    ("trace.otlp", false),
    ("robots.enroll", false),
    ("robots.policy", false),
    ("http.listen", false),
    ("http.tls_cert", false),
    ("http.tls_key", false),
    ("auth.users", false),
    ("auth.jwt_key", false),
    ("auth.jwt_issuer", false),
    ("auth.jwt_audience", false),
    ("auth.jwt_role_claim", false),
    ("auth.anonymous", false),
    ("plan.cycle_ms", false),
    ("plan.window_ms", false),
    ("release.round_trip_ms", false),
    ("release.resend_ms", false),
    ("release.silent_ms", false),
    ("log.format", false),
    ("log.level", false),
];

/// Prefix of the environment variables.
const PREFIX: &str = "DROVER_";

pub(super) struct Reader {
    pub(super) file: PathBuf,
    pub(super) problems: Vec<Problem>,
    /// Files that a secret was read from, with their keys.
    pub(super) secret_files: Vec<(String, PathBuf)>,
    figment: Figment,
    /// Keys set by the environment, with the variable's name.
    variables: BTreeMap<String, String>,
}

impl Reader {
    pub(super) fn open(
        file: &Path,
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Reader, ConfigError> {
        let mut figment = Figment::from(Toml::string(text));
        if let Err(error) = figment.extract::<Value>() {
            let origin = file.display().to_string();
            let text = format!("isn't valid TOML: {error}");
            return Err(ConfigError { problems: vec![Problem { origin, key: String::new(), text }] });
        }
        let mut variables = BTreeMap::new();
        for (name, value) in environment {
            let Some(key) = key_of(&name) else { continue };
            figment = figment.merge(Serialized::default(&key, value));
            variables.insert(key, name);
        }
        let mut reader = Reader {
            file: file.to_owned(),
            problems: Vec::new(),
            secret_files: Vec::new(),
            figment,
            variables,
        };
        reader.find_unknown_keys();
        Ok(reader)
    }

    pub(super) fn problem(&mut self, key: &str, text: String) {
        let origin = match self.variables.get(key) {
            Some(variable) => format!("environment variable {variable}"),
            None => self.file.display().to_string(),
        };
        self.problems.push(Problem { origin, key: key.to_owned(), text });
    }

    fn find_unknown_keys(&mut self) {
        let Ok(Value::Dict(_, sections)) = self.figment.extract::<Value>() else { return };
        for (section, value) in &sections {
            let Value::Dict(_, keys) = value else {
                self.problem(section, format!("must be a section; write [{section}] and its keys below"));
                continue;
            };
            for key in keys.keys() {
                let full = format!("{section}.{key}");
                if !is_known(&full) {
                    self.problem(&full, unknown(section, key));
                }
            }
        }
    }

    /// The value as text: from the file named by `<key>_file`, else as given.
    pub(super) fn optional(&mut self, key: &str) -> Option<String> {
        let file_key = format!("{key}_file");
        if let Ok(value) = self.figment.find_value(&file_key) {
            let path = self.locate(value.as_str().unwrap_or_default());
            return match std::fs::read_to_string(&path) {
                Ok(text) => {
                    self.secret_files.push((file_key, path));
                    Some(text.trim().to_owned())
                }
                Err(error) => {
                    let text = format!("`{}` can't be read ({error}); give a readable file", path.display());
                    self.problem(&file_key, text);
                    None
                }
            };
        }
        let value = self.figment.find_value(key).ok()?;
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.problem(key, format!("must be text; write it in quotes, e.g. \"{}\"", plain(&value)));
        }
        text
    }

    pub(super) fn text(&mut self, key: &str, default: &str) -> String {
        self.optional(key).unwrap_or_else(|| default.to_owned())
    }

    /// A required id: letters, digits, `-`, `_` and `.`, since it goes into topics, queues and file names.
    pub(super) fn name(&mut self, key: &str) -> Option<String> {
        let Some(text) = self.optional(key) else {
            self.problem(key, "is missing; give the site a short name, e.g. \"fresh-dc\"".to_owned());
            return None;
        };
        let is_good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if text.is_empty() || text.len() > 64 || !text.chars().all(is_good) {
            self.problem(key, format!("`{text}` isn't a name; use 1 to 64 letters, digits, - _ ."));
            return None;
        }
        Some(text)
    }

    /// A file: looked for beside the configuration first, then in the working directory.
    pub(super) fn path(&mut self, key: &str, required: bool) -> Option<PathBuf> {
        let Some(text) = self.optional(key) else {
            if required {
                self.problem(key, "is missing; give the path of the file".to_owned());
            }
            return None;
        };
        let path = self.locate(&text);
        if !path.is_file() {
            let folder = self.file.parent().unwrap_or(Path::new(".")).display().to_string();
            let folder = if folder.is_empty() { ".".to_owned() } else { folder };
            self.problem(
                key,
                format!("no file `{text}`, neither in {folder} nor in the working directory; mend the path"),
            );
            return None;
        }
        Some(path)
    }

    /// `ca` of a section, and with `identity` its `cert` and `key`, which go together.
    pub(super) fn trust(&mut self, section: &'static str, identity: bool) -> Trust {
        let mut trust = Trust { ca: self.path(&format!("{section}.ca"), false), ..Trust::of(section) };
        if !identity {
            return trust;
        }
        let (cert, key) = (format!("{section}.cert"), format!("{section}.key"));
        let is_set = |reader: &Reader, key: &str| reader.figment.find_value(key).is_ok();
        for (given, absent) in [(&cert, &key), (&key, &cert)] {
            if is_set(self, given) && !is_set(self, absent) {
                self.problem(absent, format!("is missing; key `{given}` needs it"));
            }
        }
        trust.identity = self.path(&cert, false).zip(self.path(&key, false));
        trust
    }

    fn locate(&self, text: &str) -> PathBuf {
        let beside = self.file.parent().unwrap_or(Path::new("")).join(text);
        if beside.exists() { beside } else { PathBuf::from(text) }
    }

    pub(super) fn url(&mut self, key: &str, default: &str, schemes: &[&str]) -> Option<SecretUrl> {
        let url = SecretUrl::new(self.text(key, default));
        if schemes.iter().any(|scheme| url.reveal().starts_with(scheme)) {
            return Some(url);
        }
        self.problem(
            key,
            format!("`{url}` isn't understood; it must begin with one of: {}", schemes.join(", ")),
        );
        None
    }

    pub(super) fn peer(&mut self, key: &str, default: &str, schemes: &[&str]) -> Option<Peer> {
        let accepted: Vec<&str> = schemes.iter().copied().chain(["embedded"]).collect();
        let url = self.url(key, default, &accepted)?;
        Some(if url.reveal() == "embedded" { Peer::Embedded } else { Peer::Url(url) })
    }

    /// One of these words; the first is the default.
    pub(super) fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key, words.first()?.0);
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let list: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.problem(key, format!("`{text}` isn't one of {}", list.join(", ")));
        }
        found
    }

    pub(super) fn address(&mut self, key: &str, default: &str) -> Option<SocketAddr> {
        let text = self.text(key, default);
        let address = text.parse().ok();
        if address.is_none() {
            self.problem(key, format!("`{text}` isn't an address; write IP:PORT, e.g. \"127.0.0.1:8080\""));
        }
        address
    }

    pub(super) fn whole(&mut self, key: &str, default: u64, least: u64, most: u64) -> u64 {
        let Ok(value) = self.figment.find_value(key) else { return default };
        let number = match value.as_str() {
            Some(text) => text.parse().ok(),
            None => value.to_i128().and_then(|n| u64::try_from(n).ok()),
        };
        match number {
            Some(number) if (least..=most).contains(&number) => number,
            Some(_) | None => {
                let text = format!(
                    "{} isn't a whole number from {least} to {most}; leave it out for the default {default}",
                    plain(&value)
                );
                self.problem(key, text);
                default
            }
        }
    }
}

/// `DROVER_SITE__ID` is `site.id`; a name without `__` isn't ours.
fn key_of(variable: &str) -> Option<String> {
    let (section, key) = variable.strip_prefix(PREFIX)?.split_once("__")?;
    Some(format!("{section}.{key}").to_ascii_lowercase())
}

fn is_known(key: &str) -> bool {
    KEYS.iter().any(|(known, secret)| {
        *known == key || (*secret && key.strip_suffix("_file").is_some_and(|stem| stem == *known))
    })
}

fn unknown(section: &str, key: &str) -> String {
    let known: Vec<&str> = KEYS
        .iter()
        .filter_map(|(name, _)| name.split_once('.'))
        .filter(|(s, _)| *s == section)
        .map(|(_, k)| k)
        .collect();
    if known.is_empty() {
        let mut sections: Vec<&str> = KEYS.iter().filter_map(|(name, _)| name.split('.').next()).collect();
        sections.dedup();
        return format!("section [{section}] isn't known; remove it or use one of: {}", sections.join(", "));
    }
    let near = known.iter().min_by_key(|name| distance(name, key)).filter(|name| distance(name, key) <= 2);
    match near {
        Some(name) => format!("isn't known; did you mean `{name}`?"),
        None => format!("isn't known; remove it or use one of: {}", known.join(", ")),
    }
}

/// Levenshtein distance, for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map(str::to_owned)
        .or_else(|| value.to_i128().map(|n| n.to_string()))
        .or_else(|| value.to_num().and_then(|n| n.to_f64()).map(|n| n.to_string()))
        .or_else(|| value.to_bool().map(|b| b.to_string()))
        .unwrap_or_else(|| "this value".to_owned())
}
