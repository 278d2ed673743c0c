//! The rules that look at one text at a time. Each gives findings that name the line, the rule and the mend.

use crate::mask::{Masked, body_or_semicolon, closing, is_word, line_of, without_tests};

/// Most lines of a source file.
pub const FILE_LINES_MAX: usize = 600;
/// Most lines of a function, from `fn` to its closing brace.
pub const FUNCTION_LINES_MAX: usize = 70;

/// One thing to mend: line, rule and mend.
#[derive(Debug, PartialEq)]
pub struct Finding {
    /// Counted from 1.
    pub line: usize,
    /// The rule broken, and by what.
    pub rule: String,
    /// What to do about it.
    pub mend: &'static str,
}

/// Which parts of the standard library a pure crate may not name, and why.
const IMPURE_STD: &[(&str, &str)] = &[
    ("fs", "take or give bytes; files belong to the processes"),
    ("env", "take options as a value; the environment belongs to the processes"),
    ("net", "sockets belong to the processes"),
    ("process", "starting and ending processes belongs to the processes"),
    ("thread", "no threads: their order differs from run to run"),
];

/// Which words a pure crate may not name, and why.
const IMPURE_WORDS: &[(&str, &str)] = &[
    ("SystemTime", "time is an argument"),
    ("HashMap", "its order differs from run to run; use BTreeMap"),
    ("HashSet", "its order differs from run to run; use BTreeSet"),
    ("RandomState", "it draws a random key per process; hash with a fixed key"),
    ("tokio", "async belongs to the processes"),
    ("stdin", "no I/O; take the text as an argument"),
    ("stdout", "no I/O; give the text to the caller"),
    ("stderr", "no I/O; give the text to the caller"),
    ("println", "no I/O; give the text to the caller"),
    ("eprintln", "no I/O; give the text to the caller"),
];

/// No clock, I/O, thread or hash order outside test modules.
pub fn pure(masked: &Masked) -> Vec<Finding> {
    let code = without_tests(&masked.code);
    let mut findings = Vec::new();
    for (at, name) in std_modules(&code) {
        if let Some((_, mend)) = IMPURE_STD.iter().find(|(banned, _)| *banned == name) {
            findings.push(found(&code, at, format!("a pure crate names std::{name}"), mend));
        }
    }
    for at in words(&code, "Instant").filter(|at| is_clock(&code, *at)) {
        findings.push(found(
            &code,
            at,
            "a pure crate names the clock's Instant".into(),
            "time is an argument",
        ));
    }
    for (word, mend) in IMPURE_WORDS {
        let places = words(&code, word);
        findings.extend(places.map(|at| found(&code, at, format!("a pure crate names {word}"), mend)));
    }
    findings
}

/// The clock's `Instant`, and not VDA 5050's: by its path, its import or its `now`.
fn is_clock(code: &str, at: usize) -> bool {
    let before = &code[..at];
    let group =
        before.rfind('{').filter(|open| !before[*open..].contains('}')).map_or("", |open| &before[..open]);
    before.ends_with("time::") || group.ends_with("time::") || code[at..].starts_with("Instant::now")
}

/// No file above the limit.
pub fn short_file(source: &str) -> Option<Finding> {
    let lines = source.lines().count();
    (lines > FILE_LINES_MAX).then(|| Finding {
        line: lines,
        rule: format!("the file has {lines} lines, {FILE_LINES_MAX} at most"),
        mend: "split it by its nouns",
    })
}

/// No function above the limit.
pub fn short_functions(masked: &Masked) -> Vec<Finding> {
    let code = &masked.code;
    words(code, "fn").filter_map(|at| long_function(code, at)).collect()
}

fn long_function(code: &str, at: usize) -> Option<Finding> {
    let name: String =
        code[at + 2..].trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let open = body_or_semicolon(code.as_bytes(), at).filter(|open| code.as_bytes()[*open] == b'{')?;
    let lines = code[at..closing(code.as_bytes(), open)].lines().count();
    (!name.is_empty() && lines > FUNCTION_LINES_MAX).then(|| Finding {
        line: line_of(code, at),
        rule: format!("`{name}` has {lines} lines, {FUNCTION_LINES_MAX} at most"),
        mend: "decide in the parent, calculate in pure leaves",
    })
}

/// Nothing half done, nothing muted.
pub fn finished(masked: &Masked) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in [concat!("to", "do"), concat!("unimple", "mented")] {
        for at in words(&masked.code, name).filter(|at| masked.code[at + name.len()..].starts_with('!')) {
            findings.push(found(
                &masked.code,
                at,
                format!("`{name}!` in the code"),
                "write it, or leave the door out",
            ));
        }
    }
    for name in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")] {
        for at in words(&masked.comments, name) {
            findings.push(found(
                &masked.comments,
                at,
                format!("`{name}` in a comment"),
                "do it now, or delete it",
            ));
        }
    }
    for at in words(&masked.code, "allow").filter(|at| opens_attribute(&masked.code[..*at])) {
        let mend = "mend the cause, or write expect with a reason; helpers of several tests: one test target with modules";
        findings.push(found(&masked.code, at, "the allow attribute".into(), mend));
    }
    findings
}

fn opens_attribute(before: &str) -> bool {
    let before = before.trim_end();
    before.ends_with("#[") || before.ends_with("#![")
}

/// The file opens with a `//!` header.
pub fn opened(source: &str) -> Option<Finding> {
    (!source.starts_with("//!")).then(|| Finding {
        line: 1,
        rule: "the module has no `//!` header".into(),
        mend: "open it with two to ten lines: what it decides, what it must never do",
    })
}

/// Words that belong to the workplace, not to the product. `numbers` turns on the search for issue numbers.
pub fn workplace(text: &str, numbers: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(path) = machine_path(line) {
            let rule = format!("a path of one machine: {path}");
            findings.push(Finding { line: index + 1, rule, mend: "write it relative to the repository" });
        }
        if numbers && let Some(number) = issue_number(line) {
            let rule = format!("an issue number: {number}");
            findings.push(Finding { line: index + 1, rule, mend: "say the reason itself" });
        }
    }
    findings
}

fn machine_path(line: &str) -> Option<&'static str> {
    const PATHS: &[&str] = &[
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("..", "/shared"),
    ];
    PATHS.iter().copied().find(|path| {
        line.match_indices(path)
            .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_.}~-".contains(c)))
    })
}

/// `#12` at the start of a word.
fn issue_number(line: &str) -> Option<&str> {
    line.match_indices('#').find_map(|(at, _)| {
        let digits = line[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let next = line.as_bytes().get(at + 1 + digits).copied().unwrap_or(b' ');
        let opens = at == 0 || line[..at].ends_with([' ', '(', '[', ',', '/']);
        (opens && (1..=5).contains(&digits) && !is_word(next) && !b"\"-".contains(&next))
            .then(|| &line[at..=at + digits])
    })
}

fn found(text: &str, at: usize, rule: String, mend: &'static str) -> Finding {
    Finding { line: line_of(text, at), rule, mend }
}

/// Where a whole word stands.
pub fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = text.as_bytes();
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).is_some_and(|before| is_word(bytes[before]));
        let behind = bytes.get(at + word.len()).is_some_and(|byte| is_word(*byte));
        !before && !behind
    })
}

/// The modules named behind `std::`, also in a group: `std::{fs, io}`.
fn std_modules(code: &str) -> Vec<(usize, &str)> {
    let mut modules = Vec::new();
    for at in words(code, "std") {
        let Some(behind) = code[at + 3..].trim_start().strip_prefix("::").map(str::trim_start) else {
            continue;
        };
        let from = code.len() - behind.len();
        if behind.starts_with('{') {
            modules.extend(group(&code[from..closing(code.as_bytes(), from)]).map(|name| (at, name)));
        } else {
            modules.push((at, first_word(behind)));
        }
    }
    modules
}

/// The first word of each member of a group, outer level only.
fn group(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    text.char_indices().filter_map(move |(at, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        let opens = (c == '{' || c == ',') && depth == 1;
        opens.then(|| first_word(text[at + 1..].trim_start()))
    })
}

fn first_word(text: &str) -> &str {
    let length = text.bytes().take_while(|byte| is_word(*byte)).count();
    &text[..length]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::mask;

    fn rules(findings: &[Finding]) -> Vec<(usize, &str)> {
        findings.iter().map(|finding| (finding.line, finding.rule.as_str())).collect()
    }

    #[test]
    fn each_impure_name_is_found() {
        for (name, _) in IMPURE_STD {
            for bad in [
                format!("use std::{name};"),
                format!("use std::{{fmt, {name}::x}};"),
                format!("std :: {name}::x()"),
            ] {
                assert_eq!(pure(&mask(&bad)).len(), 1, "{bad}");
            }
        }
        for (word, _) in IMPURE_WORDS {
            assert_eq!(pure(&mask(&format!("fn f() {{\n{word}::x(); }}")))[0].line, 2, "{word}");
        }
    }

    #[test]
    fn the_clocks_instant_is_found_and_the_wires_is_not() {
        for bad in
            ["use std::time::Instant;", "use std::time::{Duration, Instant};", "let t = Instant::now();"]
        {
            assert_eq!(pure(&mask(bad)).len(), 1, "{bad}");
        }
        assert_eq!(
            pure(&mask("use a::{Scope, Instant}; enum Scope { Instant } fn f() { Scope::Instant; }")),
            []
        );
    }

    #[test]
    fn pure_code_and_words_about_impure_code_pass() {
        let good = "//! No HashMap.\nuse std::{fmt, time::Duration, sync::{Arc}};\nfn instant() { let net = \"std::fs\"; }\n\
                    const X: &str = env!(\"X\");\n#[cfg(test)]\nmod tests { use std::fs; }";
        assert_eq!(pure(&mask(good)), []);
    }

    #[test]
    fn a_long_file_is_found() {
        assert!(short_file(&"\n".repeat(FILE_LINES_MAX)).is_none());
        assert!(short_file(&"\n".repeat(FILE_LINES_MAX + 1)).is_some());
    }

    #[test]
    fn a_long_function_is_found_and_a_long_text_in_it_counts() {
        let body = |lines: usize| {
            format!("fn short() {{}}\npub fn long(a: [u8; 2]) -> u8\n{{\n{}}}\n", "a;\n".repeat(lines))
        };
        assert_eq!(short_functions(&mask(&body(FUNCTION_LINES_MAX - 3))), []);
        let findings = short_functions(&mask(&body(FUNCTION_LINES_MAX - 2)));
        assert_eq!(rules(&findings), [(2, "`long` has 71 lines, 70 at most")]);
        let text = format!("fn long() {{\nlet a = \"}}{}\";\n}}\n", "\n".repeat(FUNCTION_LINES_MAX));
        assert_eq!(short_functions(&mask(&text)).len(), 1);
    }

    #[test]
    fn a_pointer_type_and_a_declaration_are_no_functions() {
        let body = "\n".repeat(FUNCTION_LINES_MAX + 1);
        let good = format!(
            "trait T {{ fn a();\n fn b(&self) -> [u8; 3];\n {body} }}\nstruct S {{ f: fn(u8) -> u8, {body} }}"
        );
        assert_eq!(short_functions(&mask(&good)), []);
    }

    #[test]
    fn unfinished_and_muted_code_is_found() {
        let code = [
            concat!("to", "do!()"),
            concat!("unimple", "mented!()"),
            concat!("#[", "allow(x)]"),
            concat!("#![ ", "allow(x)]"),
        ];
        let comments = [concat!("// TO", "DO: x"), concat!("/* FIX", "ME */"), concat!("/// X", "XX")];
        for bad in code.into_iter().chain(comments) {
            assert_eq!(finished(&mask(&format!("fn f() {{}}\n{bad}\n"))).len(), 1, "{bad}");
        }
        let good = "#[expect(dead_code, reason = \"x\")] fn allow() { todo(\"x\"); } // allow(x), mastodon\n";
        assert_eq!(finished(&mask(good)), []);
    }

    #[test]
    fn a_module_without_a_header_is_found() {
        assert!(opened("//! What it decides.\nuse a;").is_none());
        assert!(opened("use a;").is_some() && opened("// A remark.\n").is_some());
    }

    #[test]
    fn words_of_the_workplace_are_found() {
        for bad in [
            concat!("see /wo", "rk/x"),
            concat!("`/ho", "me/me/x`"),
            concat!("cat ..", "/shared/x"),
            "as in #12",
            "(#7)",
            "x/y #123.",
        ] {
            assert_eq!(workplace(&format!("\n{bad}\n"), true).len(), 1, "{bad}");
        }
        for good in [
            "fill=\"#333\"",
            "#112233",
            "# 1. Title",
            "r#\"12\"#",
            "a#12",
            "https://x.org/work/y",
            "#[cfg(x)]",
        ] {
            assert_eq!(workplace(good, true), [], "{good}");
        }
    }
}
