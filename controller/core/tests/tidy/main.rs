//! Tidy: the habits that a machine can keep, kept by reading the repository's own files.
//!
//! `crates` knows who may use whom, `rules` looks at one text, `mask` tells code from comments. Every finding names
//! file, line, rule and mend; only code marked as generated is excepted. Each rule has a bad example in its
//! own unit tests, so that it can't go blind.
#![expect(clippy::disallowed_methods, reason = "reads the repository's own files; runs in tests only")]

mod crates;
mod mask;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use crates::{CRATES, Crate, Reach, is_binary, may_name_proto};
use mask::mask;
use rules::Finding;

/// Folders that aren't ours to read.
const SKIPPED: &[&str] = &["target", "node_modules", "dist", "demo-report"];
/// Hidden folders that are ours.
const HIDDEN: &[&str] = &[".ci", ".config", ".github"];
/// Names and endings of the texts that are read.
const TEXTS: &[&str] = &["rs", "md", "toml", "proto", "yaml", "yml", "sh", "ts", "tsx", "Makefile", "run"];

/// A text of the repository.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn ends_with_any(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }

    fn is_generated(&self) -> bool {
        self.text.lines().take(5).any(|line| line.contains(concat!("@", "generated")))
    }

    fn is_under(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }
}

#[test]
fn nobody_uses_a_crate_above_it() {
    let workspace = manifest(Path::new("Cargo.toml"));
    let mut findings: Vec<String> =
        crates::members(&workspace).iter().map(|found| told("Cargo.toml", 1, found)).collect();
    for own in CRATES {
        let path = format!("{}/Cargo.toml", own.folder);
        let found = crates::dependencies(own, &manifest(Path::new(&path)));
        findings.extend(found.iter().map(|found| told(&path, 1, found)));
    }
    report(findings);
}

#[test]
fn core_names_the_wire_in_link_and_site_only() {
    let found = sources()
        .into_iter()
        .filter(|source| source.is_under("controller/core/src") && !may_name_proto(&source.path));
    report(found.flat_map(|source| {
        let code = mask(&source.text).code;
        let lines: Vec<usize> =
            rules::words(&code, "drover_proto").map(|at| mask::line_of(&code, at)).collect();
        let rule =
            ("names drover_proto outside link/ and site.rs".to_owned(), "pass a Fact, an Event or a Command");
        lines.into_iter().map(move |line| told(&source.path, line, &rule))
    }));
}

#[test]
fn pure_crates_are_pure() {
    report(each(|source| {
        let Some(own) = owner(source) else { return Vec::new() };
        let is_free = match own.reach {
            Reach::Pure => false,
            Reach::PureWithBinary => is_binary(&source.path),
            Reach::Process => true,
        };
        if is_free || is_test_file(source) { Vec::new() } else { rules::pure(&mask(&source.text)) }
    }));
}

#[test]
fn pure_crates_have_their_bans_in_clippy_too() {
    const BANS: &[&str] =
        &["allow-unwrap-in-tests = true", "HashMap", "SystemTime::now", "Instant::now", "thread::spawn"];
    let mut findings = Vec::new();
    for own in CRATES.iter().filter(|own| own.reach != Reach::Process) {
        let path = format!("{}/clippy.toml", own.folder);
        let text = fs::read_to_string(root().join(&path)).unwrap_or_default();
        for ban in BANS.iter().filter(|ban| !text.contains(**ban)) {
            findings.push(told(
                &path,
                1,
                &(format!("misses {ban}"), "the nearest file replaces the root one: repeat it here"),
            ));
        }
    }
    report(findings);
}

#[test]
fn files_and_functions_are_short() {
    report(each(|source| {
        if !source.ends_with_any(&[".rs", ".ts", ".tsx"]) {
            return Vec::new();
        }
        let functions = if source.path.ends_with(".rs") {
            rules::short_functions(&mask(&source.text))
        } else {
            Vec::new()
        };
        rules::short_file(&source.text).into_iter().chain(functions).collect()
    }));
}

#[test]
fn nothing_is_half_done_or_muted() {
    report(each(|source| {
        if source.path.ends_with(".rs") { rules::finished(&mask(&source.text)) } else { Vec::new() }
    }));
}

#[test]
fn every_module_says_what_it_is() {
    report(each(|source| {
        if owner(source).is_some() { rules::opened(&source.text).into_iter().collect() } else { Vec::new() }
    }));
}

#[test]
fn the_workplace_stays_out() {
    report(each(|source| {
        if source.path == ".ci/run" {
            return Vec::new();
        }
        if source.path.ends_with(".rs") {
            let numbers = rules::workplace(&mask(&source.text).comments, true).into_iter();
            let paths = rules::workplace(&source.text, false).into_iter();
            return numbers.filter(|found| found.rule.contains('#')).chain(paths).collect();
        }
        rules::workplace(&source.text, !source.ends_with_any(&[".ts", ".tsx"]))
    }));
}

#[test]
fn tidy_sees_the_tree() {
    let sources = sources();
    for expected in
        ["Cargo.toml", "README.md", "Makefile", ".ci/run", "controller/core/src/lib.rs", "maps/src/lib.rs"]
    {
        assert!(sources.iter().any(|source| source.path == expected), "{expected} isn't read");
    }
    assert!(sources.iter().all(|source| !source.is_under("target")));
    for own in CRATES {
        assert!(
            sources.iter().any(|source| owner(source).is_some_and(|owner| owner.name == own.name)),
            "{} isn't read",
            own.name
        );
    }
}

/// The crate whose `src/` holds the file.
fn owner(source: &Source) -> Option<&'static Crate> {
    let is_rust = source.path.ends_with(".rs");
    CRATES.iter().find(|own| is_rust && source.is_under(&format!("{}/src", own.folder)))
}

/// A test module in a file of its own.
fn is_test_file(source: &Source) -> bool {
    source.path.ends_with("/tests.rs")
        || source.path.contains("/src/tests/")
        || source.path.contains("/tests/")
}

fn each(rule: impl Fn(&Source) -> Vec<Finding>) -> Vec<String> {
    let tell = |source: &Source| -> Vec<String> {
        let found = rule(source).into_iter();
        found.map(|found| told(&source.path, found.line, &(found.rule, found.mend))).collect()
    };
    sources().iter().filter(|source| !source.is_generated()).flat_map(tell).collect()
}

fn told(path: &str, line: usize, (rule, mend): &(String, &str)) -> String {
    format!("{path}:{line}: {rule}. Mend: {mend}.")
}

fn report(findings: impl IntoIterator<Item = String>) {
    let findings: Vec<String> = findings.into_iter().collect();
    assert!(findings.is_empty(), "{} to mend:\n{}\n", findings.len(), findings.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn manifest(path: &Path) -> toml::Table {
    let text = fs::read_to_string(root().join(path))
        .unwrap_or_else(|error| panic!("failed to read {}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("failed to parse {}: {error}", path.display()))
}

/// Every text of the repository, sorted by path.
fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root(), "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        let path = format!("{prefix}{name}");
        let is_hidden = name.starts_with('.') && !HIDDEN.contains(&name.as_str());
        if kind.is_dir() && !is_hidden && !SKIPPED.contains(&name.as_str()) {
            walk(&entry.path(), &format!("{path}/"), found);
        }
        let ending = name.rsplit('.').next().unwrap_or_default();
        if kind.is_file()
            && TEXTS.contains(&ending)
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            found.push(Source { path, text });
        }
    }
}
