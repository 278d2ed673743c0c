//! Who may use whom: the eight crates, the arrows between them, and which of them may touch the world.

use toml::{Table, Value};

/// What one crate may name in its Cargo.toml.
pub struct Crate {
    /// The package's name.
    pub name: &'static str,
    /// Its folder.
    pub folder: &'static str,
    /// The crates of ours it may use. Nothing points back up.
    pub uses: &'static [&'static str],
    /// What it may do in the world.
    pub reach: Reach,
}

/// How near to the world a crate is.
#[derive(Clone, Copy, PartialEq)]
pub enum Reach {
    /// No clock, I/O, thread or hash order.
    Pure,
    /// The same, but its binary reads files and arguments.
    PureWithBinary,
    /// A process: sockets, clocks, files.
    Process,
}

/// Eight crates, lowest first. A ninth needs a reason in ARCHITECTURE.md.
pub const CRATES: &[Crate] = &[
    Crate { name: "drover-maps", folder: "maps", uses: &[], reach: Reach::Pure },
    Crate { name: "drover-proto", folder: "proto", uses: &[], reach: Reach::Pure },
    Crate {
        name: "drover-core",
        folder: "controller/core",
        uses: &["drover-maps", "drover-proto"],
        reach: Reach::Pure,
    },
    Crate {
        name: "drover-agent-core",
        folder: "robot-agent/core",
        uses: &["drover-proto"],
        reach: Reach::Pure,
    },
    Crate {
        name: "drover-sim",
        folder: "sim",
        uses: &["drover-core", "drover-agent-core", "drover-maps", "drover-proto"],
        reach: Reach::PureWithBinary,
    },
    Crate {
        name: "drover-controller",
        folder: "controller/server",
        uses: &["drover-core", "drover-maps", "drover-proto"],
        reach: Reach::Process,
    },
    Crate {
        name: "drover-agent",
        folder: "robot-agent/agent",
        uses: &["drover-agent-core", "drover-maps", "drover-proto"],
        reach: Reach::Process,
    },
    Crate {
        name: "drover-benches",
        folder: "benches",
        uses: &["drover-sim", "drover-core", "drover-agent-core", "drover-maps", "drover-proto"],
        reach: Reach::Process,
    },
];

/// Foreign crates that belong to some of ours only. The last column: may stand as an optional dependency there.
const KEPT: &[(&[&str], &[&str], &[&str])] = &[
    // SQL and Redis: the server; the benches measure the same services from outside.
    (&["sqlx", "lapin", "redis"], &["drover-controller", "drover-benches"], &[]),
    // gRPC: the server serves it, the words live in proto behind a feature.
    (
        &["tonic", "tonic-prost", "tonic-web", "tonic-health", "tonic-reflection", "prost"],
        &["drover-controller", "drover-benches"],
        &["drover-proto"],
    ),
    // Sockets, runtimes, terminals and chance: the processes.
    (
        &[
            "tokio",
            "futures",
            "axum",
            "hyper",
            "rumqttc",
            "rumqttd",
            "tokio-modbus",
            "rand",
            "getrandom",
            "rayon",
            "crossbeam",
            "num_cpus",
            "chrono",
            "figment",
        ],
        &["drover-controller", "drover-agent", "drover-benches"],
        &[],
    ),
];

/// What is wrong in the Cargo.toml of one crate: rule and mend.
pub fn dependencies(own: &Crate, manifest: &Table) -> Vec<(String, &'static str)> {
    let mut findings = Vec::new();
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        for (name, value) in entries(manifest, section) {
            if name.starts_with("drover-") && name != own.name && !own.uses.contains(&name.as_str()) {
                let rule = format!("[{section}] {} may not use {name}", own.name);
                findings.push((rule, "turn the arrow round, or move the code down"));
            }
            if !flag(value, "workspace") {
                let rule = format!("[{section}] {name} names its own version");
                findings
                    .push((rule, "name it once in the workspace's Cargo.toml and write `workspace = true`"));
            }
        }
    }
    for (name, value) in entries(manifest, "dependencies") {
        let Some((_, keepers, optional)) = KEPT.iter().find(|(names, _, _)| names.contains(&name.as_str()))
        else {
            continue;
        };
        let is_behind_a_feature = optional.contains(&own.name) && flag(value, "optional");
        if !keepers.contains(&own.name) && !is_behind_a_feature {
            let rule = format!("[dependencies] {} may not use {name}", own.name);
            findings.push((rule, "keep it out of the minds and the words: a process does it"));
        }
    }
    if !manifest.get("lints").is_some_and(|lints| flag(lints, "workspace")) {
        findings.push((
            format!("{} doesn't inherit the workspace's lints", own.name),
            "add `[lints]` with `workspace = true`",
        ));
    }
    findings
}

/// What is wrong in the workspace's member list.
pub fn members(workspace: &Table) -> Vec<(String, &'static str)> {
    let listed = workspace.get("workspace").and_then(|table| table.get("members")).and_then(Value::as_array);
    let mut listed: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
    let mut known: Vec<&str> = CRATES.iter().map(|own| own.folder).collect();
    listed.sort_unstable();
    known.sort_unstable();
    if listed == known {
        return Vec::new();
    }
    vec![(
        format!("the workspace has {listed:?}"),
        "give the reason in ARCHITECTURE.md and name the crate in tests/tidy/crates.rs",
    )]
}

fn entries<'a>(manifest: &'a Table, section: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    manifest.get(section).and_then(Value::as_table).into_iter().flatten()
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool) == Some(true)
}

/// The binary's own files: where a pure crate's files and arguments may be touched.
pub fn is_binary(path: &str) -> bool {
    ["/src/main.rs", "/src/bin/", "/src/cli/"].iter().any(|place| path.contains(place))
}

/// The only places of drover-core that may name drover-proto.
pub fn may_name_proto(path: &str) -> bool {
    ["src/link.rs", "src/link/", "src/site.rs", "src/site/"].iter().any(|place| path.contains(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(name: &str, text: &str) -> Vec<String> {
        let own = CRATES.iter().find(|own| own.name == name).unwrap();
        let text = format!("{text}\n[lints]\nworkspace = true\n");
        dependencies(own, &text.parse().unwrap()).into_iter().map(|(rule, _)| rule).collect()
    }

    #[test]
    fn an_arrow_that_points_up_is_found() {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (own, used) in [
                ("drover-maps", "drover-core"),
                ("drover-core", "drover-sim"),
                ("drover-agent-core", "drover-core"),
            ] {
                let found = findings(own, &format!("[{section}]\n{used}.workspace = true"));
                assert_eq!(found, [format!("[{section}] {own} may not use {used}")]);
            }
        }
        assert!(findings("drover-core", "[dependencies]\ndrover-maps.workspace = true").is_empty());
    }

    #[test]
    fn a_crate_of_the_world_in_a_mind_is_found() {
        for name in KEPT.iter().flat_map(|(names, _, _)| names.iter()) {
            assert_eq!(
                findings("drover-core", &format!("[dependencies]\n{name}.workspace = true")).len(),
                1,
                "{name}"
            );
            assert!(
                findings("drover-controller", &format!("[dependencies]\n{name}.workspace = true")).is_empty(),
                "{name}"
            );
        }
        assert_eq!(findings("drover-proto", "[dependencies]\ntonic.workspace = true").len(), 1);
        assert!(
            findings("drover-proto", "[dependencies]\ntonic = { workspace = true, optional = true }")
                .is_empty()
        );
    }

    #[test]
    fn an_own_version_and_own_lints_are_found() {
        assert_eq!(findings("drover-core", "[dependencies]\nserde = \"1\"").len(), 1);
        let manifest: Table = "[package]\nname = \"x\"".parse().unwrap();
        assert_eq!(dependencies(&CRATES[0], &manifest).len(), 1);
    }

    #[test]
    fn a_ninth_crate_is_found() {
        let list = |more: &str| {
            let folders: Vec<_> = CRATES.iter().map(|own| format!("{:?}", own.folder)).collect();
            format!("[workspace]\nmembers = [{}{more}]", folders.join(",")).parse::<Table>().unwrap()
        };
        assert!(members(&list("")).is_empty());
        assert_eq!(members(&list(",\"ninth\"")).len(), 1);
    }

    #[test]
    fn every_arrow_points_down() {
        for (index, own) in CRATES.iter().enumerate() {
            for used in own.uses {
                assert!(CRATES[..index].iter().any(|lower| lower.name == *used), "{} uses {used}", own.name);
            }
        }
    }

    #[test]
    fn the_binary_is_its_own_files() {
        assert!(is_binary("sim/src/main.rs") && is_binary("sim/src/cli/run.rs"));
        assert!(!is_binary("sim/src/lib.rs") && !is_binary("sim/src/world.rs"));
    }

    #[test]
    fn proto_is_named_in_link_and_site_only() {
        assert!(
            may_name_proto("controller/core/src/link/facts.rs")
                && may_name_proto("controller/core/src/site.rs")
        );
        assert!(
            !may_name_proto("controller/core/src/fleet.rs")
                && !may_name_proto("controller/core/src/release/mod.rs")
        );
    }
}
