//! A failed action: done again, by another robot, or by hand, as the site says; and never twice by anybody.

use drover_core::dispatch::policy::Name;
use drover_core::job::{JobRequest, JobState};
use drover_core::{Input, JobNews, RobotId, Ticket};
use drover_proto::vda5050::State;

use super::shell::{Shell, compiled, job, other, position};

/// A row a, b, c with a bay d beside b. Robot r1 stands at a and drives to C for job J-1.
fn driving(on_failure: &str) -> Shell {
    driving_by("nearest", on_failure)
}

fn driving_by(policy: &str, on_failure: &str) -> Shell {
    let nodes = [("a", 0.0, 0.0), ("b", 3.0, 0.0), ("c", 6.0, 0.0), ("d", 3.0, 3.0)];
    let edges = ["ab", "ba", "bc", "cb", "bd", "db"];
    let site = format!("[[action]]\ntype = \"drop\"\non_failure = {on_failure}\n");
    let policy = Name::of(policy).expect("a policy");
    let mut shell = Shell::by(policy, compiled(&nodes, &edges, &["A", "C"], Some(&site)));
    shell.commit();
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    shell
}

/// The robot drives to where it is to act.
fn arrive(shell: &mut Shell) {
    for _ in 0..8 {
        let order = shell.orders.last().expect("an order");
        let acts = order.nodes.iter().any(|node| node.released && !node.actions.is_empty());
        if acts {
            return;
        }
        shell.obey();
        pass(shell);
    }
    panic!("it is never told to act: {:?}", shell.orders);
}

/// It fails at its work there.
fn fail(shell: &mut Shell) {
    arrive(shell);
    shell.obey_badly();
    pass(shell);
}

fn pass(shell: &mut Shell) {
    for _ in 0..4 {
        shell.wait(600);
        shell.commit();
    }
}

fn actions(shell: &Shell) -> Vec<String> {
    let nodes = shell.orders.iter().flat_map(|order| &order.nodes).filter(|node| node.released);
    let mut ids: Vec<String> =
        nodes.flat_map(|node| &node.actions).map(|action| action.action_id.clone()).collect();
    ids.dedup();
    ids
}

fn state(shell: &Shell) -> JobState {
    shell.site.fleet().jobs().next().expect("a job").state.clone()
}

fn ends(shell: &Shell) -> Vec<&JobNews> {
    let is_end = |news: &&JobNews| matches!(news, JobNews::Done | JobNews::Failed { .. });
    shell.notes.iter().map(|note| &note.what).filter(is_end).collect()
}

fn confirm(shell: &mut Shell) {
    let job = shell.site.fleet().jobs().next().expect("a job").spec.id.clone();
    let by = drover_core::Caller { name: "kim".into(), key: "k".into(), reason: String::new() };
    shell.give(Input::Confirm { ticket: Some(Ticket(9)), job, leg: 0, by });
    shell.commit();
}

#[test]
fn without_a_remedy_the_job_fails_at_once() {
    let mut shell = driving("[]");
    fail(&mut shell);
    assert!(matches!(ends(&shell)[..], [JobNews::Failed { code, .. }] if code == "ACTION_FAILED"));
    assert_eq!(actions(&shell).len(), 1);
}

#[test]
fn it_is_done_again_under_a_new_id_as_often_as_the_site_says() {
    let mut shell = driving(r#"["retry", "retry"]"#);
    fail(&mut shell);
    fail(&mut shell);
    assert!(ends(&shell).is_empty());
    assert_eq!(actions(&shell).len(), 3);
    assert!(shell.alarms.iter().any(|text| text.contains("it does it again")), "{:?}", shell.alarms);
    fail(&mut shell);
    assert!(matches!(ends(&shell)[..], [JobNews::Failed { .. }]));
    assert_eq!(actions(&shell).len(), 3);
}

#[test]
fn one_that_goes_well_the_second_time_ends_the_job() {
    let mut shell = driving(r#"["retry"]"#);
    fail(&mut shell);
    shell.obey();
    pass(&mut shell);
    assert_eq!(ends(&shell), [&JobNews::Done]);
}

#[test]
fn another_robot_does_the_job_and_the_one_that_failed_is_not_asked_again() {
    for policy in ["nearest", "planning"] {
        hands_over(policy);
    }
}

fn hands_over(policy: &str) {
    let mut shell = driving_by(policy, r#"["another_robot"]"#);
    let second = State {
        last_node_id: "d".into(),
        agv_position: position(3.0, 3.0),
        safety_state: shell.state.safety_state,
        operating_mode: shell.state.operating_mode,
        ..State::default()
    };
    arrive(&mut shell);
    shell.tell(other(), 1, &second);
    shell.commit();
    fail(&mut shell);
    assert_eq!(state(&shell).robot(), Some(RobotId(1)), "{:?}", shell.alarms);
    assert!(ends(&shell).is_empty());
}

#[test]
fn a_robot_that_is_alone_leaves_it_to_the_next_remedy() {
    let mut shell = driving(r#"["another_robot", "operator"]"#);
    fail(&mut shell);
    assert!(shell.alarms.iter().any(|text| text.contains("by hand and confirm leg 0")), "{:?}", shell.alarms);
    assert_eq!(state(&shell).robot(), Some(RobotId(0)));
    assert_eq!(actions(&shell).len(), 1);
    confirm(&mut shell);
    pass(&mut shell);
    assert_eq!(ends(&shell), [&JobNews::Done]);
}

#[test]
fn an_action_nobody_knows_the_end_of_is_never_done_again() {
    let mut shell = driving(r#"["retry", "another_robot", "operator"]"#);
    fail(&mut shell);
    assert_eq!(actions(&shell).len(), 2, "done again after its own word");
    shell.take_over();
    // It stands at its work, and has forgotten all of it.
    shell.forgets_at("c");
    pass(&mut shell);
    assert_eq!(actions(&shell).len(), 2, "nobody knows how far it came");
    assert!(shell.alarms.iter().any(|text| text.contains("by hand")), "{:?}", shell.alarms);
}

#[test]
fn a_job_that_awaits_a_hand_can_be_taken_back() {
    let mut shell = driving(r#"["operator"]"#);
    fail(&mut shell);
    let job = shell.site.fleet().jobs().next().expect("a job").spec.id.clone();
    shell.give(Input::Job { ticket: Some(Ticket(7)), request: JobRequest::Cancel(job), by: None });
    shell.commit();
    assert_eq!(state(&shell), JobState::Cancelled);
}
