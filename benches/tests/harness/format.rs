//! The file of a plan: the start-kit's output JSON of 2024.

use drover_benches::lifelong::Plan;

use super::checker::plan;

fn text() -> String {
    let mut bytes = Vec::new();
    plan().write(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn refusal(from: &str, to: &str) -> String {
    let text = text();
    assert!(text.contains(from));
    format!("{:#}", Plan::read(text.replacen(from, to, 1).as_bytes()).unwrap_err())
}

#[test]
fn a_plan_is_written_as_the_start_kit_does() {
    let expected = serde_json::json!({
        "actionModel": "MAPF_T", "version": "2024 LoRR", "teamSize": 2,
        "start": [[0, 0, "E"], [0, 1, "E"]], "numTaskFinished": 3,
        "actualPaths": ["F,F,F,W,W", "F,F,F,R,F"], "actualSchedule": ["1:0,4:3", "1:1,4:2"],
        "events": [[1, 0, 0, 1], [3, 0, 0, 2], [3, 1, 1, 1], [5, 1, 2, 1]],
        "tasks": [[0, 0, [0, 1, 0, 3]], [1, 0, [0, 4]], [2, 3, [1, 4]], [3, 3, [0, 1, 0, 3]], [4, 5, [0, 4]]],
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text()).unwrap(), expected);
}

#[test]
fn a_plan_is_read_as_written() {
    let mut plan = plan();
    plan.log.schedule[0].push((5, None));
    plan.actions[1].clear();
    let mut bytes = Vec::new();
    plan.write(&mut bytes).unwrap();
    assert_eq!(Plan::read(bytes.as_slice()).unwrap(), plan);
}

#[test]
fn what_cannot_be_read_is_named() {
    assert_eq!(
        refusal("F,F,F,R", "F,F,X,R"),
        "`actualPaths` of robot 1: `X` is no action; write F, R, C or W"
    );
    assert_eq!(
        refusal("1:0,4:3", "1:0,4:-2"),
        "`actualSchedule` of robot 0: `4:-2` is no pursuit; write step:task, or step:-1 for none"
    );
    assert_eq!(refusal("MAPF_T", "MAPF"), "`actionModel` is `MAPF`; only plans of `MAPF_T` can be checked");
    assert_eq!(
        refusal("\"teamSize\":2", "\"teamSize\":3"),
        "`start` has 2 robots, `teamSize` is 3; write one entry per robot"
    );
    let said = refusal("\"numTaskFinished\":3,", "");
    assert!(said.starts_with("not a plan of the 2024 rules: missing field `numTaskFinished`"), "{said}");
}

#[test]
fn no_cut_makes_it_panic() {
    let text = text();
    for length in 0..text.len() {
        assert!(Plan::read(&text.as_bytes()[..length]).is_err());
    }
}
