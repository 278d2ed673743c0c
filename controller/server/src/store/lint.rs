//! Judges every SQL text of this crate by what Spanner's PostgreSQL interface understands, so that a store there stays
//! possible. A statement may only say what is on these lists, which hold what it documents and we use: single statements,
//! plain tables with a primary key, plain indexes, a few functions, `ON CONFLICT` on the whole primary key.
//!
//! Not on them, as it has none of it or understands it otherwise: serial and generated keys, defaults, triggers,
//! savepoints, partial indexes, advisory and table locks, LISTEN and NOTIFY, SKIP LOCKED, temporary tables, CREATE
//! TABLE AS, system columns (ctid, xmin), updates of a primary key, transactions as text.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::sql;

/// A text that begins with one of these words is SQL.
const VERBS: &[&str] = &[
    "ABORT",
    "ALTER",
    "ANALYZE",
    "ATTACH",
    "BEGIN",
    "CALL",
    "COMMIT",
    "COPY",
    "CREATE",
    "DELETE",
    "DO",
    "DROP",
    "EXPLAIN",
    "GRANT",
    "INSERT",
    "LISTEN",
    "LOCK",
    "MERGE",
    "NOTIFY",
    "PRAGMA",
    "REINDEX",
    "RELEASE",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SELECT",
    "SET",
    "START",
    "TRUNCATE",
    "UNLISTEN",
    "UPDATE",
    "VACUUM",
    "WITH",
];
const KEYWORDS: &[&str] = &[
    "and", "as", "asc", "between", "by", "conflict", "create", "delete", "desc", "distinct", "do", "exists",
    "from", "group", "having", "if", "in", "index", "insert", "into", "is", "key", "like", "limit", "not",
    "nothing", "null", "on", "or", "order", "primary", "select", "set", "table", "update", "values", "where",
];
const TYPES: &[&str] = &["bigint", "bool", "bytea", "float8", "jsonb", "numeric", "timestamptz", "varchar"];
const FUNCTIONS: &[&str] = &["coalesce", "count", "length", "max", "min", "sum"];
/// Asked by `drover check` alone, and no answer is taken at its best: it may ask what Spanner doesn't know.
const TOLERATED: &str = sql::MAY_CREATE;
/// SQLite's own words, in its own file.
const SQLITES: [(&str, &str); 1] = [("sqlite.rs", "BEGIN IMMEDIATE")];

/// Tables with their columns and primary keys, and names of indexes.
#[derive(Default)]
struct Schema {
    tables: BTreeMap<String, Vec<String>>,
    keys: BTreeMap<String, Vec<String>>,
    indexes: Vec<String>,
}

/// Words in small letters, numbers, `$n`, quoted texts and single signs.
fn tokens(statement: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = statement.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || "_$".contains(c);
        let length = match first {
            '\'' => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            first if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            first => first.len_utf8(),
        };
        tokens.push(rest[..length].to_lowercase());
        rest = rest[length..].trim_start();
    }
    tokens
}

/// The names between the brackets that open here, without their types.
fn names(tokens: &[String], open: usize) -> Vec<String> {
    let inner = tokens.iter().skip(open + 1).take_while(|token| *token != ")");
    inner.filter(|token| *token != ",").cloned().collect()
}

fn place(tokens: &[String], words: &[&str]) -> Option<usize> {
    tokens.windows(words.len()).position(|window| window == words)
}

/// What is wrong with the definition of a table or an index; notes what it defines.
fn define(tokens: &[String], schema: &mut Schema) -> Vec<String> {
    let is_table = tokens.get(1).is_some_and(|word| word == "table");
    let head: Vec<&str> = tokens.iter().take(5).map(String::as_str).collect();
    let expected = ["create", if is_table { "table" } else { "index" }, "if", "not", "exists"];
    let Some(name) = tokens.get(5).filter(|_| head == expected) else {
        return vec!["only CREATE TABLE IF NOT EXISTS and CREATE INDEX IF NOT EXISTS".to_owned()];
    };
    if !is_table {
        schema.indexes.push(name.clone());
        let is_plain = tokens.get(6).is_some_and(|word| word == "on")
            && tokens.get(8).is_some_and(|sign| sign == "(")
            && place(tokens, &[")"]) == Some(tokens.len() - 1);
        return if is_plain { Vec::new() } else { vec!["only a plain index on columns".to_owned()] };
    }
    let Some(key) = place(tokens, &["primary", "key", "("]) else {
        return vec!["a table needs a PRIMARY KEY".to_owned()];
    };
    let body = &tokens[(7).min(key)..key];
    let mut found = Vec::new();
    let mut columns = Vec::new();
    for column in body.split(|token| token == ",").filter(|column| !column.is_empty()) {
        let words: Vec<&str> = column.iter().map(String::as_str).collect();
        let is_plain = match words.as_slice() {
            [_, "varchar", "(", length, ")", rest @ ..] => {
                length.parse::<u32>().is_ok() && (rest.is_empty() || rest == ["not", "null"])
            }
            [_, kind, rest @ ..] => TYPES.contains(kind) && (rest.is_empty() || rest == ["not", "null"]),
            [] | [_] => false,
        };
        if !is_plain {
            found.push(format!("a column is a name, a type and NOT NULL, not `{}`", words.join(" ")));
        }
        columns.push(words[0].to_owned());
    }
    if tokens[key + 3..].iter().skip_while(|token| *token != ")").count() != 2 {
        found.push("nothing follows the primary key".to_owned());
    }
    schema.keys.insert(name.clone(), names(tokens, key + 2));
    schema.tables.insert(name.clone(), columns);
    found
}

/// Words that are on no list.
fn unknown(tokens: &[String], schema: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let is_call = tokens.get(at + 1).is_some_and(|next| next == "(");
        let is_name = token.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let is_column = || schema.tables.values().flatten().any(|column| column == token);
        let is_ours = || schema.tables.contains_key(token) || schema.indexes.contains(token) || is_column();
        let is_type = TYPES.contains(&token.as_str());
        let is_known = KEYWORDS.contains(&token.as_str())
            || is_type
            || FUNCTIONS.contains(&token.as_str()) && is_call
            || is_ours();
        if is_name && !is_known {
            found.push(format!("`{token}` isn't on the list"));
        }
        if !is_name && !token.starts_with(|c: char| c.is_ascii_digit() || "$'(),=<>*".contains(c)) {
            found.push(format!("the sign `{token}`"));
        }
    }
    found
}

/// What is wrong with a statement that reads or writes rows.
fn rows(tokens: &[String], schema: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    let verb = tokens[0].as_str();
    let table = match verb {
        "insert" | "delete" => tokens.get(2),
        "update" => tokens.get(1),
        _ => place(tokens, &["from"]).and_then(|from| tokens.get(from + 1)),
    };
    let Some(key) = table.and_then(|table| schema.keys.get(table)) else {
        return vec![format!("{verb} names no table of ours")];
    };
    if matches!(verb, "update" | "delete") && place(tokens, &["where"]).is_none() {
        found.push(format!("{verb} without WHERE"));
    }
    if verb == "insert" && tokens.get(3).is_none_or(|sign| sign != "(") {
        found.push("an insert names its columns".to_owned());
    }
    if let Some(set) = place(tokens, &["set"]) {
        let assigned = tokens[set..].windows(2).take_while(|pair| pair[0] != "where");
        for pair in assigned.filter(|pair| pair[1] == "=" && key.contains(&pair[0])) {
            found.push(format!("`{}` of the primary key is updated", pair[0]));
        }
    }
    if let Some(conflict) = place(tokens, &["on", "conflict"]) {
        let has_target = tokens.get(conflict + 2).is_some_and(|sign| sign == "(");
        if !has_target || names(tokens, conflict + 2) != *key {
            found.push(format!("ON CONFLICT names the whole primary key ({})", key.join(", ")));
        }
        if tokens.iter().rev().take(2).ne(["nothing", "do"]) {
            found.push("ON CONFLICT ends with DO NOTHING".to_owned());
        }
    }
    found
}

/// Everything that is wrong with a statement, on these tables.
fn judge(statement: &str, schema: &mut Schema) -> Vec<String> {
    let tokens = tokens(statement);
    let mut found = match tokens.first().map(String::as_str) {
        Some("create") => define(&tokens, schema),
        Some("select" | "insert" | "update" | "delete") => rows(&tokens, schema),
        _ => vec!["neither a definition nor SELECT, INSERT, UPDATE or DELETE".to_owned()],
    };
    found.extend(unknown(&tokens, schema));
    let mut numbers: Vec<usize> =
        tokens.iter().filter_map(|token| token.strip_prefix('$')?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.iter().enumerate().any(|(at, number)| *number != at + 1) {
        found.push("its values aren't numbered from $1 on".to_owned());
    }
    found
}

fn schema() -> Schema {
    let mut schema = Schema::default();
    for statement in sql::CREATE {
        assert_eq!(judge(statement, &mut schema), Vec::<String>::new(), "{statement}");
    }
    schema
}

/// Texts between quotes in code that isn't a test, escapes left as they are.
fn literals(code: &str) -> Vec<String> {
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n").replace("'\"'", "").replace("'\\\"'", "");
    let mut found = Vec::new();
    let mut rest = code.as_str();
    while let Some(open) = rest.find('"') {
        rest = &rest[open + 1..];
        let mut is_escaped = false;
        let end = rest.find(|c| {
            let is_end = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end
        });
        let Some(end) = end else { break };
        found.push(rest[..end].to_owned());
        rest = &rest[end + 1..];
    }
    found
}

fn is_sql(text: &str) -> bool {
    let first = text.trim_start().split(|c: char| !c.is_ascii_uppercase()).next().unwrap_or_default();
    let follows = text.trim_start()[first.len()..].chars().next();
    VERBS.contains(&first) && follows.is_some_and(|c| c.is_whitespace() || c == ';')
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
        let path = entry.path();
        // Tests of their own, which reach around the store.
        if ["store/lint.rs", "store/conformance.rs", "store/conformance"].iter().any(|it| path.ends_with(it))
        {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_statement_keeps_to_what_spanner_understands() {
    let mut schema = schema();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut judged = 0;
    for path in sources(&folder) {
        let code = fs::read_to_string(&path).expect("a source");
        let is_home = path.ends_with("store/sql.rs");
        for text in literals(&code).into_iter().filter(|text| is_sql(text)) {
            if SQLITES.iter().any(|(file, words)| path.ends_with(file) && text == *words) {
                continue;
            }
            assert!(is_home, "{}: SQL stands in store/sql.rs only: {text}", path.display());
            if text == TOLERATED || text.contains("{rows}") {
                continue;
            }
            assert_eq!(judge(&text, &mut schema), Vec::<String>::new(), "{text}");
            judged += 1;
        }
    }
    for rows in sql::JOBS_PER_INSERT {
        let (statement, _) = sql::insert_jobs(rows);
        assert_eq!(judge(statement, &mut schema), Vec::<String>::new(), "{statement}");
    }
    assert!(judged > 30, "{judged} statements were found");
}

#[test]
fn what_spanner_lacks_is_found() {
    let wrong = [
        ("CREATE TABLE IF NOT EXISTS x (id bigserial NOT NULL, PRIMARY KEY (id))", "bigserial"),
        (
            "CREATE TABLE IF NOT EXISTS x (id bigint GENERATED BY DEFAULT AS IDENTITY, PRIMARY KEY (id))",
            "generated",
        ),
        ("CREATE TABLE IF NOT EXISTS x (id integer NOT NULL, PRIMARY KEY (id))", "integer"),
        ("CREATE TABLE IF NOT EXISTS x (id bigint NOT NULL DEFAULT 0, PRIMARY KEY (id))", "default"),
        ("CREATE TABLE IF NOT EXISTS x (id bigint NOT NULL)", "needs a PRIMARY KEY"),
        (
            "CREATE TABLE IF NOT EXISTS x (id bigint NOT NULL, PRIMARY KEY (id)) WITHOUT ROWID",
            "follows the primary",
        ),
        ("CREATE TABLE x (id bigint NOT NULL, PRIMARY KEY (id))", "IF NOT EXISTS"),
        ("CREATE TEMP TABLE x (id bigint NOT NULL, PRIMARY KEY (id))", "temp"),
        ("CREATE TABLE IF NOT EXISTS x AS SELECT seq FROM drover_jobs", "needs a PRIMARY KEY"),
        ("CREATE INDEX IF NOT EXISTS i ON drover_jobs (seq) WHERE seq > 5", "plain index"),
        ("CREATE INDEX CONCURRENTLY i ON drover_jobs (seq)", "concurrently"),
        ("CREATE TRIGGER t BEFORE UPDATE ON drover_jobs EXECUTE FUNCTION f()", "trigger"),
        ("ALTER TABLE drover_journal ADD COLUMN IF NOT EXISTS chain bigint", "neither"),
        ("SELECT seq FROM drover_jobs WHERE site = $1 FOR UPDATE SKIP LOCKED", "`skip`"),
        ("SELECT ctid FROM drover_jobs WHERE site = $1", "ctid"),
        ("SELECT seq FROM drover_jobs WHERE xmin = $1", "xmin"),
        ("SELECT pg_advisory_lock($1) FROM drover_jobs", "pg_advisory_lock"),
        ("SELECT seq FROM other WHERE site = $1", "no table of ours"),
        ("SELECT seq::text FROM drover_jobs WHERE site = $1", "the sign `:`"),
        ("SELECT seq FROM drover_jobs WHERE site = $2", "numbered from $1"),
        ("SELECT seq FROM drover_jobs; DELETE FROM drover_jobs", "the sign `;`"),
        ("DELETE FROM drover_jobs", "without WHERE"),
        ("UPDATE drover_jobs SET job_id = $1 WHERE site = $2", "primary key is updated"),
        ("INSERT INTO drover_jobs VALUES ($1, $2, $3, $4, $5)", "names its columns"),
        (
            "INSERT INTO drover_jobs (site, job_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            "whole primary key",
        ),
        (
            "INSERT INTO drover_jobs (site, job_id) VALUES ($1, $2) ON CONFLICT (site) DO NOTHING",
            "(site, job_id)",
        ),
        (
            "INSERT INTO drover_jobs (site, job_id) VALUES ($1, $2) ON CONFLICT (site, job_id) DO UPDATE SET seq = 1",
            "ends with DO NOTHING",
        ),
        ("SAVEPOINT s", "neither"),
        ("LISTEN news", "neither"),
        ("NOTIFY news", "neither"),
        ("LOCK TABLE drover_jobs", "neither"),
        ("BEGIN; SELECT 1", "neither"),
        ("WITH x AS (SELECT 1) SELECT seq FROM drover_jobs", "neither"),
    ];
    for (statement, part) in wrong {
        let found = judge(statement, &mut schema()).join("; ");
        assert!(found.contains(part), "{statement}: {found}");
        assert!(is_sql(statement), "{statement}");
    }
    assert!(!judge(TOLERATED, &mut schema()).is_empty(), "what is judged sound needs no exception");
}

#[test]
fn texts_in_code_are_found_whatever_stands_around_them() {
    let code = "// \"SELECT 1\"\nlet a = '\"'; let b = \"SELECT \\\" 2\"; call(\"x\",\n \"DELETE\n FROM y\")";
    assert_eq!(literals(code), ["SELECT \\\" 2", "x", "DELETE\n FROM y"]);
    let (sql, other) = (["SELECT 1", " BEGIN;", "DO $$"], ["SELECTED x", "Select 1", "SET", "DO", ""]);
    assert!(sql.iter().all(|text| is_sql(text)) && !other.iter().any(|text| is_sql(text)));
}
