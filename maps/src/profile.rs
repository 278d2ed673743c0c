//! How a robot's VDA 5050 is to be spoken where neither the standard nor its factsheet settles it: `[[profile]]`.

use crate::finding::Findings;
use crate::site_file::{self, SiteFile};

/// The versions that can be written.
const VERSIONS: [&str; 3] = ["2.0.0", "2.1.0", "3.0.0"];
/// A robot may be believed to be this far from a node, at most, metres.
const DEVIATION_MAX_M: f64 = 5.0;
/// The longest interval between two states, and between two orders, s.
const INTERVAL_MAX_S: f64 = 600.0;

/// One `[[profile]]`; what it leaves open is learned from the robot's factsheet, or is the default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// What `[[robot]] profile` calls it by.
    pub name: String,
    /// Robots of this manufacturer speak it where `[[robot]]` names no other.
    pub manufacturer: Option<String>,
    /// The version to write, e.g. "2.1.0"; none = the robot's own.
    pub version: Option<String>,
    /// The topic prefix; none = the site's.
    pub interface: Option<String>,
    /// Values of action parameters are written as text.
    pub text_parameters: Option<bool>,
    /// The list of instant actions is written under its name of 1.1 too.
    pub old_instant_actions: bool,
    /// `allowedDeviationXY`, m; 0 = the field is left out.
    pub deviation_m: Option<f64>,
    /// Most nodes in one order; the horizon is cut for it.
    pub nodes_max: Option<usize>,
    /// Least time between two orders, ms.
    pub order_interval_ms: Option<u64>,
    /// It says its state at least this often, ms.
    pub state_interval_ms: Option<u64>,
}

/// Reads the profiles; what can't be is named.
pub(crate) fn profiles(site: &SiteFile, findings: &mut Findings) -> Vec<Profile> {
    let mut profiles: Vec<Profile> = Vec::new();
    for entry in &site.profile {
        if profiles.iter().any(|profile| profile.name == entry.name) {
            findings.error("DUPLICATE_PROFILE", &entry.name, || {
                format!("site.toml key `profile.name` has `{}` twice; keep one of them", entry.name)
            });
            continue;
        }
        profiles.push(profile(entry, findings));
    }
    profiles
}

fn profile(entry: &site_file::Profile, findings: &mut Findings) -> Profile {
    let ms = |seconds: f64| (seconds * 1_000.0) as u64;
    let mut number = |key: &str, value: Option<f64>, max: f64| {
        let value = value?;
        if (0.0..=max).contains(&value) {
            return Some(value);
        }
        findings.error("BAD_PROFILE", &entry.name, || {
            format!("site.toml key `profile.{key}` of `{}` is {value}; write 0 to {max}", entry.name)
        });
        None
    };
    let deviation_m = number("deviation_m", entry.deviation_m, DEVIATION_MAX_M);
    let order_interval_ms = number("order_interval_s", entry.order_interval_s, INTERVAL_MAX_S).map(ms);
    let state_interval_ms = number("state_interval_s", entry.state_interval_s, INTERVAL_MAX_S).map(ms);
    let version = entry.version.as_deref().and_then(|version| whole(version, entry, findings));
    let interface = entry.interface.clone().filter(|interface| is_prefix(interface, entry, findings));
    if entry.nodes_max.is_some_and(|most| most < 2) {
        findings.error("BAD_PROFILE", &entry.name, || {
            format!(
                "site.toml key `profile.nodes_max` of `{}` is below 2; an order needs two nodes",
                entry.name
            )
        });
    }
    Profile {
        name: entry.name.clone(),
        manufacturer: entry.manufacturer.clone(),
        version,
        interface,
        text_parameters: entry.text_parameters,
        old_instant_actions: entry.old_instant_actions.unwrap_or(false),
        deviation_m,
        nodes_max: entry.nodes_max.map(|most| most.max(2)),
        order_interval_ms,
        state_interval_ms,
    }
}

/// "2.1" and "2.1.0" are the same.
fn whole(version: &str, entry: &site_file::Profile, findings: &mut Findings) -> Option<String> {
    let known = VERSIONS.iter().find(|known| **known == version || known.strip_suffix(".0") == Some(version));
    if known.is_none() {
        findings.error("BAD_PROFILE", &entry.name, || {
            let versions = VERSIONS.join(", ");
            format!(
                "site.toml key `profile.version` of `{}` is `{version}`; write one of {versions}",
                entry.name
            )
        });
    }
    known.map(|known| (*known).to_owned())
}

fn is_prefix(interface: &str, entry: &site_file::Profile, findings: &mut Findings) -> bool {
    let is_level =
        |level: &str| !level.is_empty() && !level.contains(|c: char| "+#$".contains(c) || c.is_control());
    let is_good = interface.split('/').all(is_level);
    if !is_good {
        findings.error("BAD_PROFILE", &entry.name, || {
            let name = &entry.name;
            format!("site.toml key `profile.interface` of `{name}` is `{interface}`; write topic levels without + # $")
        });
    }
    is_good
}
