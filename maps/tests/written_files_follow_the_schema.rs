//! What we write is LIF 1.0.0 by the VDMA's own schema; what others wrote is read. Skipped without the official data.

#![expect(clippy::unwrap_used, reason = "a test that can't read its own data has failed")]

use drover_maps::{Severity, compile, generate, movingai};
use serde_json::Value;

fn official(path: &str) -> Option<String> {
    let Ok(data) = std::env::var("DROVER_DATA") else {
        println!("skipped: DROVER_DATA does not name the folder of official data");
        return None;
    };
    Some(std::fs::read_to_string(std::path::Path::new(&data).join(path)).unwrap())
}

#[test]
fn generated_and_imported_layouts_are_valid_lif() {
    let Some(schema) = official("lif/vdma-1.0.0/LIF.schema") else { return };
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let grid = "type octile\nheight 2\nwidth 3\nmap\n.E.\n.@.\n";
    for drawing in [
        generate::fresh_dc(),
        generate::Warehouse::default().draw().unwrap(),
        movingai::import(grid, &movingai::Options::default()).unwrap(),
    ] {
        let lif: Value = serde_json::from_str(&drawing.lif).unwrap();
        let errors: Vec<String> = validator.iter_errors(&lif).map(|error| error.to_string()).collect();
        assert_eq!(errors, [] as [String; 0]);
    }
}

#[test]
fn sample_of_another_vendor_is_read_and_its_degrees_are_noticed() {
    let Some(sample) = official("lif/continua-systems/example.lif.json") else { return };
    let compiled = compile(sample.as_bytes(), None).unwrap();
    assert_eq!((compiled.layout.node_count(), compiled.layout.edge_count()), (3, 0));
    let codes: Vec<_> = compiled.findings.iter().map(|finding| (finding.severity, finding.code)).collect();
    assert!(codes.contains(&(Severity::Warning, "ANGLE_LOOKS_LIKE_DEGREES")), "{codes:?}");
}
