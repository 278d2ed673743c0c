//! Hostile files: a valid LIF and site.toml cut, spliced and changed byte by byte; a committed corpus of such files.

use drover_maps::{compile, movingai, render};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::Value;

const LIF: &str = include_str!("corpus/small.lif.json");
const SITE: &str = include_str!("corpus/small.site.toml");

/// Everything that can be asked of a layout is asked, so that a broken one can't hide.
///
/// Gives whether there was a layout at all.
fn use_all(lif: &[u8], site: Option<&str>) -> bool {
    let Ok(compiled) = compile(lif, site) else { return false };
    let layout = compiled.layout;
    for edge in layout.edges() {
        assert!(layout.travel_ms(drover_maps::TypeId(0), edge) >= 1);
        let ends = layout.edge(edge);
        let conflicts = layout.edge_conflicts(edge);
        assert!(conflicts.nodes.contains(&ends.from) && conflicts.nodes.contains(&ends.to));
        assert!(ends.twin.is_none_or(|twin| conflicts.edges.contains(&twin)));
        assert!(!conflicts.edges.contains(&edge));
        assert!((-180_000..=180_000).contains(&ends.heading_mdeg));
    }
    for node in layout.nodes() {
        assert!(!layout.node_conflicts(node).nodes.contains(&node));
        layout.zone_of(node);
    }
    layout.nearest_node(i64::MIN, i64::MAX);
    render::svg(&layout, &render::Options::default());
    true
}

/// One wound to a text: bytes cut out, doubled, or overwritten by something that means much in these formats.
fn wounded(text: &[u8], wounds: &[(usize, usize, u8)]) -> Vec<u8> {
    let tokens: [&[u8]; 12] =
        [b"-", b"1e308", b"[", b"]", b"{", b"}", b"\"", b",", b"null", b"0", b"99999999999", b"\xff"];
    let mut text = text.to_vec();
    for &(at, length, kind) in wounds {
        let at = at % (text.len() + 1);
        let end = (at + length).min(text.len());
        match kind % 4 {
            0 => drop(text.drain(at..end)),
            1 => {
                let copy = text[at..end].to_vec();
                text.splice(at..at, copy);
            }
            2 => drop(text.splice(at..end, tokens[usize::from(kind) % 12].iter().copied())),
            _ => text.truncate(end.max(text.len() / 2)),
        }
    }
    text
}

fn wounds() -> impl Strategy<Value = Vec<(usize, usize, u8)>> {
    prop::collection::vec((any::<usize>(), 0..40_usize, any::<u8>()), 1..6)
}

/// The `number`th value of a tree, counted depth first.
fn pick<'v>(value: &'v mut Value, number: &mut usize) -> Option<&'v mut Value> {
    if *number == 0 {
        return Some(value);
    }
    *number -= 1;
    let inner: Vec<&mut Value> = match value {
        Value::Array(list) => list.iter_mut().collect(),
        Value::Object(fields) => fields.iter_mut().map(|(_, field)| field).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![],
    };
    inner.into_iter().find_map(|field| pick(field, number))
}

/// Changes a value but keeps the tree readable: repeats, swaps, empties, or puts in what is extreme.
fn bend(lif: &mut Value, at: usize, kind: u8) {
    let mut number = at;
    let Some(value) = pick(lif, &mut number) else { return };
    match value {
        Value::Array(list) if kind.is_multiple_of(3) => list.clear(),
        Value::Array(list) if kind % 3 == 1 => list.extend(list.clone()),
        Value::Array(list) => list.reverse(),
        Value::Object(fields) => {
            let keys: Vec<String> = fields.keys().cloned().collect();
            if let Some(key) = keys.get(usize::from(kind) % (keys.len() + 1)) {
                fields.remove(key);
            }
        }
        Value::Number(_) => {
            let numbers = [0.0, -0.0, 1e308, -1e5, 1e5, 1e-300, 99_999.999_9, 10.000_4, 3.2];
            *value = numbers[usize::from(kind) % numbers.len()].into();
        }
        Value::String(_) => {
            let names = ["a", "b", "c", "d", "up", "ab", "t", "", "S", "\u{0}<&>", "0"];
            *value = names[usize::from(kind) % names.len()].into();
        }
        Value::Null | Value::Bool(_) => *value = Value::Bool(kind.is_multiple_of(2)),
    }
}

#[test]
fn bent_lif_is_answered_and_often_still_a_layout() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let bends = prop::collection::vec((0..250_usize, any::<u8>()), 1..5);
    let mut layouts = 0;
    for _ in 0..2_000 {
        let mut lif: Value = serde_json::from_str(LIF).unwrap();
        for (at, kind) in bends.new_tree(&mut runner).unwrap().current() {
            bend(&mut lif, at, kind);
        }
        layouts += u32::from(use_all(lif.to_string().as_bytes(), Some(SITE)));
    }
    assert!(layouts > 500, "only {layouts} of 2000 were layouts: the bends are too coarse to show anything");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn wounded_lif_is_answered(wounds in wounds()) {
        use_all(&wounded(LIF.as_bytes(), &wounds), Some(SITE));
    }

    #[test]
    fn wounded_site_file_is_answered(wounds in wounds()) {
        let site = wounded(SITE.as_bytes(), &wounds);
        use_all(LIF.as_bytes(), Some(&String::from_utf8_lossy(&site)));
    }

    #[test]
    fn numbers_of_any_size_are_answered(x in any::<f64>(), y in -2e5..2e5, speed in any::<f64>(), length in any::<u32>()) {
        prop_assume!(x.is_finite() && speed.is_finite());
        let lif = LIF.replace("10.0", &format!("{x:e}")).replace("20.0", &format!("{y:e}"));
        let lif = lif.replace("1.5", &format!("{speed:e}"));
        use_all(lif.as_bytes(), Some(&SITE.replace("900", &length.to_string())));
    }

    #[test]
    fn wounded_grid_map_is_answered(wounds in wounds()) {
        let map = "type octile\nheight 3\nwidth 4\nmap\n..@.\n.E..\n@..T\n";
        let map = wounded(map.as_bytes(), &wounds);
        let imported = movingai::import(&String::from_utf8_lossy(&map), &movingai::Options::default());
        if let Ok(drawing) = imported {
            compile(drawing.lif.as_bytes(), Some(&drawing.site)).unwrap();
        }
    }
}

#[test]
fn corpus_is_answered() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 6);
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        use_all(&bytes, Some(SITE));
        use_all(LIF.as_bytes(), Some(&String::from_utf8_lossy(&bytes)));
    }
}
