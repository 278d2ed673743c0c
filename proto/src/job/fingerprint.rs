//! A hash of what a message says, to tell a message sent twice from a job id used twice.

use serde_json::Value;

use super::JobMessage;

/// Hash of the message's meaning: whitespace, the order of keys, defaults written out and the way a
/// timestamp or a known number is spelt don't change it; anything else does. BLAKE3, first 16 bytes. Stored
/// for 30 days, so it must never change.
#[must_use]
pub fn fingerprint(message: &JobMessage) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    feed(&mut hasher, &message.to_json());
    let mut out = [0; 16];
    hasher.finalize_xof().fill(&mut out);
    out
}

/// Each value is fed with a tag and its length, so that no two values feed the same bytes.
fn feed(hasher: &mut blake3::Hasher, value: &Value) {
    match value {
        Value::Null => feed_bytes(hasher, b'0', b""),
        Value::Bool(yes) => feed_bytes(hasher, b'b', &[u8::from(*yes)]),
        Value::Number(number) => feed_bytes(hasher, b'n', number.to_string().as_bytes()),
        Value::String(text) => feed_bytes(hasher, b's', text.as_bytes()),
        Value::Array(items) => {
            feed_bytes(hasher, b'[', &(items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| feed(hasher, item));
        }
        Value::Object(map) => {
            // A feature of serde_json elsewhere in a build may keep the keys in the order sent.
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            feed_bytes(hasher, b'{', &(entries.len() as u64).to_le_bytes());
            for (key, item) in entries {
                feed_bytes(hasher, b'k', key.as_bytes());
                feed(hasher, item);
            }
        }
    }
}

fn feed_bytes(hasher: &mut blake3::Hasher, tag: u8, bytes: &[u8]) {
    hasher.update(&[tag]);
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use crate::parse_job;

    use super::fingerprint;

    fn print_of(body: &str) -> [u8; 16] {
        fingerprint(&parse_job(body.as_bytes()).unwrap())
    }

    #[test]
    fn the_way_a_job_is_spelt_does_not_change_its_fingerprint() {
        let one = print_of(
            r#"{"v":1,"job_id":"J","legs":[{"station":"A","dwell_s":8}],"due_at":"2026-11-22T18:00:00Z","x":{"a":1,"b":2}}"#,
        );
        let two = print_of(
            r#"{ "x":{"b":2,"a":1}, "due_at":"2026-11-22T19:00:00+01:00", "priority":5,
                 "legs":[ {"dwell_s":8.0,"station":"A","load":null} ], "job_id":"J", "v":1 }"#,
        );
        assert_eq!(one, two);
    }

    #[test]
    fn another_body_has_another_fingerprint() {
        let bodies = [
            r#"{"v":1,"job_id":"J","legs":[{"station":"A"}]}"#,
            r#"{"v":1,"job_id":"J","legs":[{"station":"B"}]}"#,
            r#"{"v":1,"job_id":"J","legs":[{"station":"A"},{"station":"A"}]}"#,
            r#"{"v":1,"job_id":"J","legs":[{"station":"A"}],"x":"1"}"#,
            r#"{"v":1,"job_id":"J","legs":[{"station":"A"}],"x":1}"#,
            r#"{"v":1,"job_id":"J","legs":[{"station":"A"}],"x":[]}"#,
            r#"{"v":1,"job_id":"J","legs":[{"station":"A"}],"x":{}}"#,
            r#"{"v":1,"cancel":"J"}"#,
            r#"{"v":1,"update":"J","priority":5}"#,
        ];
        let prints: std::collections::BTreeSet<_> = bodies.map(print_of).into_iter().collect();
        assert_eq!(prints.len(), bodies.len());
    }

    #[test]
    fn the_fingerprint_of_a_stored_job_stays_as_it_was() {
        let print = print_of(r#"{"v":1,"job_id":"J-1","legs":[{"station":"A","action":"pick"}]}"#);
        assert_eq!(print.map(|byte| format!("{byte:02x}")).concat(), "35b43ad7826c079769384e7193ef32c1");
    }
}
