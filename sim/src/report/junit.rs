//! Verdicts as JUnit XML, the form that CI systems read: one suite, a test case per rule.

use super::Verdict;

/// One test case: a rule that held or broke.
pub type Case = Verdict;

/// The suite as a file's text. `properties` are shown beside it; `seconds` is its real time.
pub fn junit(name: &str, seconds: f64, properties: &[(&str, String)], cases: &[Case]) -> String {
    let failures = cases.iter().filter(|case| case.broken.is_some()).count();
    let (name, tests) = (escaped(name), cases.len());
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"{name}\" tests=\"{tests}\" \
         failures=\"{failures}\" errors=\"0\" skipped=\"0\" time=\"{seconds:.3}\">\n  <properties>\n"
    );
    for (key, value) in properties {
        text += &format!("    <property name=\"{}\" value=\"{}\"/>\n", escaped(key), escaped(value));
    }
    text += "  </properties>\n";
    for case in cases {
        text += &format!("  <testcase classname=\"{name}\" name=\"{}\" time=\"0\"", escaped(&case.name));
        text += &case.broken.as_ref().map_or("/>\n".to_owned(), |broken| failure(broken));
    }
    text + "</testsuite>\n</testsuites>\n"
}

/// The first line is what a CI system lists; the rest is the story.
fn failure(broken: &str) -> String {
    let first = broken.lines().next().unwrap_or_default();
    format!(">\n    <failure message=\"{}\">{}</failure>\n  </testcase>\n", escaped(first), escaped(broken))
}

/// Text that XML can carry.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_in_xml_that_parsers_take() {
        let broken = Case { name: "Fifo".into(), broken: Some("a < b & \"c\"\u{1}\nsecond".into()) };
        let held = Case { name: "Live".into(), broken: None };
        let xml = junit("x\"", 0.5, &[("seed", "7".into())], &[broken, held]);
        for part in [
            "tests=\"2\" failures=\"1\"",
            "<testsuite name=\"x&quot;\"",
            "<failure message=\"a &lt; b &amp; &quot;c&quot;\">a &lt; b &amp; &quot;c&quot;\nsecond</failure>",
            "name=\"Live\" time=\"0\"/>",
        ] {
            assert!(xml.contains(part), "{part} is missing in {xml}");
        }
    }
}
