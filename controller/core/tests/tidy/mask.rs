//! Rust text with its comments and strings blanked, byte for byte, so that a rule can look for words and braces.
//!
//! Not a parser: it knows comments (nested), strings (raw, byte, C), characters against lifetimes, and nothing else.
//! Lines and columns stay where they were.

/// The same text seen two ways; both are as long as the source.
pub struct Masked {
    /// Code only: what stood in comments and strings is blank.
    pub code: String,
    /// Comments only: code and strings are blank.
    pub comments: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    Comment,
    Text,
}

/// Splits a source text into its code and its comments.
pub fn mask(source: &str) -> Masked {
    let bytes = source.as_bytes();
    let mut kinds = vec![Kind::Code; bytes.len()];
    let mut at = 0;
    while at < bytes.len() {
        let (kind, end) = span(bytes, at);
        kinds[at..end].fill(kind);
        at = end;
    }
    Masked { code: keep(bytes, &kinds, Kind::Code), comments: keep(bytes, &kinds, Kind::Comment) }
}

/// The line of a byte, counted from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// The code with every item behind `#[cfg(test)]` blanked too.
pub fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut bytes = code.as_bytes().to_vec();
    let mut from = 0;
    while let Some(found) = code[from..].find(MARK) {
        let start = from + found;
        let end = item_end(code.as_bytes(), start + MARK.len());
        blank(&mut bytes[start..end]);
        from = end;
    }
    text_of(bytes)
}

/// Behind the brace that closes the one at `open`, or the end of the text.
pub fn closing(code: &[u8], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// Where an item's body opens, or where it ends without one: the first `{` or `;` outside brackets.
pub fn body_or_semicolon(code: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in code.iter().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' | b';' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

fn item_end(code: &[u8], from: usize) -> usize {
    match body_or_semicolon(code, from) {
        Some(at) if code[at] == b'{' => closing(code, at),
        Some(at) => at + 1,
        None => code.len(),
    }
}

/// What starts at `at`, and where it ends.
fn span(bytes: &[u8], at: usize) -> (Kind, usize) {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return (Kind::Comment, at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()));
    }
    if rest.starts_with(b"/*") {
        return (Kind::Comment, at + block_comment(rest));
    }
    let follows_word = at > 0 && is_word(bytes[at - 1]);
    if !follows_word && let Some(length) = prefixed_string(rest) {
        return (Kind::Text, at + length);
    }
    match rest[0] {
        b'"' => (Kind::Text, at + quoted(rest, b'"')),
        b'\'' if is_character(rest) => (Kind::Text, at + quoted(rest, b'\'')),
        _ => (Kind::Code, at + 1),
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let step = match &rest[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += step;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// `r"`, `r#"`, `b"`, `br#"`, `c"`, `b'`: the length, if one starts here.
fn prefixed_string(rest: &[u8]) -> Option<usize> {
    let letters = rest.iter().take(2).take_while(|byte| matches!(byte, b'r' | b'b' | b'c')).count();
    if letters == 0 {
        return None;
    }
    let hashes = rest[letters..].iter().take_while(|byte| **byte == b'#').count();
    match (rest.get(letters + hashes)?, rest[letters - 1] == b'r', hashes) {
        (b'"', true, _) => Some(raw_end(rest, letters + hashes + 1, hashes)),
        (quote @ (b'"' | b'\''), false, 0) => Some(letters + quoted(&rest[letters..], *quote)),
        _ => None,
    }
}

fn raw_end(rest: &[u8], from: usize, hashes: usize) -> usize {
    let mut end = vec![b'"'];
    end.resize(hashes + 1, b'#');
    let found = rest[from..].windows(end.len()).position(|window| window == end);
    found.map_or(rest.len(), |at| from + at + end.len())
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `'a'`, `'\n'` or `'é'`, and not the lifetime `'a`.
fn is_character(rest: &[u8]) -> bool {
    match rest.get(1) {
        None | Some(b'\'') => false,
        Some(b'\\') => true,
        Some(first) => {
            let length = match first {
                0x00..=0x7f => 1,
                0x80..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xff => 4,
            };
            rest.get(1 + length) == Some(&b'\'')
        }
    }
}

/// A byte of an identifier.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn keep(bytes: &[u8], kinds: &[Kind], wanted: Kind) -> String {
    let kept = bytes
        .iter()
        .zip(kinds)
        .map(|(byte, kind)| if *kind == wanted || *byte == b'\n' { *byte } else { b' ' });
    text_of(kept.collect())
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// Spans end at character borders, so the text stays UTF-8.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blank_and_code_stays_in_place() {
        let source = "let a = \"/* { */\"; // }\nlet b = 1; /* x /* y */ { */ let c = 2;\n";
        let masked = mask(source);
        assert_eq!(masked.code.len(), source.len());
        assert!(!masked.code.contains(['{', '}', 'x', 'y']), "{}", masked.code);
        assert!(masked.code.contains("let c = 2;"));
        assert!(masked.comments.contains("// }") && !masked.comments.contains("let"));
    }

    #[test]
    fn raw_byte_and_escaped_strings_end_where_they_end() {
        for text in [
            "r\"{\\\"",
            "r#\"{\"}\"#",
            "b\"{\\\"\"",
            "br##\"{\"#\"##",
            "\"{\\\\\"",
            "c\"{\"",
            "b'{'",
            "b'\\''",
        ] {
            let source = format!("let a = {text}; let end = 1;");
            let code = mask(&source).code;
            assert!(code.contains("let end = 1;") && !code.contains('{'), "{text}: {code}");
        }
    }

    #[test]
    fn a_lifetime_is_not_a_character() {
        let code =
            mask("fn f<'a>(x: &'a str, y: char) -> &'a str { if y == '{' || y == '\\'' || y == 'é' { x } }")
                .code;
        assert_eq!(code.matches('{').count(), 2, "{code}");
        assert!(code.contains("&'a str"));
    }

    #[test]
    fn a_word_that_ends_like_a_prefix_is_code() {
        assert!(mask("let br = har; let b = c;").code.contains("har; let b = c;"));
    }

    #[test]
    fn test_modules_are_blanked_and_nothing_behind_them() {
        let code = without_tests(
            "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { } }\nfn c() {}\n#[cfg(test)]\nmod d;\nfn e() {}",
        );
        assert!(code.contains("fn a") && code.contains("fn c") && code.contains("fn e"));
        assert!(!code.contains("fn b") && !code.contains("mod d"));
        assert_eq!(code.lines().count(), 7);
    }
}
