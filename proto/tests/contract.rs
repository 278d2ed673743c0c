//! Rules of the gRPC contract, read from the `.proto` texts, so that they hold without the feature `grpc`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

fn contract() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("drover/v1");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// Name and request of a call, when the line declares one.
fn call(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.trim().strip_prefix("rpc ")?.split_once('(')?;
    Some((name, rest.split_once(')')?.0))
}

#[test]
fn every_request_that_changes_something_carries_an_idempotency_key_first() {
    let contract = contract();
    let reads = |name: &str| ["Get", "List", "Watch", "Next"].iter().any(|verb| name.starts_with(verb));
    let mut mutations: Vec<&str> = Vec::new();
    for (name, request) in contract.lines().filter_map(call).filter(|(name, _)| !reads(name)) {
        let (_, body) = contract.split_once(&format!("message {request} {{\n")).unwrap();
        let first = body.lines().find(|line| !line.trim().starts_with("//")).unwrap();
        assert_eq!(first.trim(), "string idempotency_key = 1;", "{request}");
        mutations.push(name);
    }
    let expected = [
        "Pause",
        "Resume",
        "Release",
        "Unload",
        "Send",
        "Confirm",
        "ShortPick",
        "Submit",
        "Cancel",
        "Update",
        "StopZone",
        "ResumeZone",
        "BlockEdge",
        "UnblockEdge",
        "ReloadLayout",
    ];
    assert_eq!(mutations, expected);
}

#[test]
fn every_service_of_the_contract_is_there() {
    let contract = contract();
    for service in ["AuditService", "FleetService", "FloorService", "JobService", "SiteService"] {
        assert!(contract.contains(&format!("service {service} {{")), "{service}");
    }
}
