//! An operator's word: robots taken off the floor, edges closed.

use drover_core::{JobId, JobNews, Ticket, Verdict, Wish};
use drover_proto::vda5050::ConnectionState;

use super::shell::{Shell, job, robot};

fn driving() -> Shell {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    shell.take_over();
    shell
}

fn code(shell: &Shell, ticket: u64) -> &'static str {
    match shell.answers.iter().find(|(known, _)| *known == Ticket(ticket)) {
        Some((_, Verdict::Rejected { code, .. })) => code,
        Some((_, Verdict::Accepted)) => "accepted",
        Some((_, Verdict::Ignored)) => "ignored",
        None => "no answer",
    }
}

#[test]
fn a_robot_that_can_be_driven_is_not_let_go_of_by_word() {
    let mut shell = driving();
    shell.wish(7, "", Wish::ReleaseRobots(vec![robot()]));
    assert_eq!(code(&shell, 7), "ROBOT_ACTIVE");
    assert_eq!(shell.held(), ["a", "b", "c"]);
}

#[test]
fn a_robot_taken_off_the_floor_frees_all_it_held_and_its_begun_job_needs_a_person() {
    let mut shell = driving();
    shell.connection(ConnectionState::Offline);
    shell.wish(7, "", Wish::ReleaseRobots(vec![robot()]));
    assert_eq!(code(&shell, 7), "accepted");
    assert!(shell.held().is_empty());
    let failed = shell.notes.iter().find_map(|note| match &note.what {
        JobNews::Failed { code, .. } => Some((note.job.clone(), code.as_str())),
        _ => None,
    });
    assert_eq!(failed, Some((JobId("J-1".into()), "ROBOT_REMOVED")));
    let audit = shell.site.fleet().audit().next_back().expect("an entry").clone();
    assert_eq!((audit.action.as_str(), audit.subject.as_str()), ("robot.release", "acme/r1"));
}

#[test]
fn a_robot_taken_off_the_floor_is_unknown_until_it_answers() {
    let mut shell = driving();
    shell.connection(ConnectionState::Offline);
    shell.wish(7, "", Wish::ReleaseRobots(vec![robot()]));
    shell.state.node_states.clear();
    shell.hear();
    shell.commit();
    assert!(shell.held().is_empty(), "this may be an old state");
    shell.wait(3_000);
    shell.answer();
    assert_eq!(shell.site.fleet().robots()[0].trail.last_node(), shell.site.fleet().layout().node_named("a"));
}

#[test]
fn a_job_that_was_not_begun_goes_back_to_the_queue() {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    let mut spec = job("J-1", None);
    spec.legs[0].action = None;
    shell.submit(1, spec);
    shell.commit();
    shell.connection(ConnectionState::Offline);
    shell.wish(7, "", Wish::ReleaseRobots(vec![robot()]));
    let job = shell.site.fleet().job(&JobId("J-1".into())).expect("the job");
    assert_eq!((&job.state, job.withdrawals), (&drover_core::job::JobState::Queued, 1));
}

#[test]
fn nobody_is_released_onto_a_closed_edge_until_it_is_open_again() {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.wish(7, "", Wish::CloseEdges(vec!["bc".into()]));
    shell.wish(8, "", Wish::CloseEdges(vec!["zz".into()]));
    assert_eq!((code(&shell, 7), code(&shell, 8)), ("accepted", "UNKNOWN_EDGE"));
    shell.submit(1, job("J-1", None));
    for _ in 0..6 {
        shell.wait(600);
        shell.commit();
    }
    assert!(!shell.held().contains(&"c".to_owned()));
    shell.wish(9, "", Wish::OpenEdges(vec!["bc".into()]));
    for _ in 0..6 {
        shell.obey_if_told();
        shell.now = shell.now.plus_ms(3_000);
        shell.wait(600);
        shell.commit();
    }
    let ends = shell.orders.iter().flat_map(|order| &order.nodes).any(|it| it.released && it.node_id == "c");
    assert!(ends);
}

#[test]
fn who_was_told_to_drive_a_closed_edge_stands_until_it_is_open_again() {
    let mut shell = driving();
    shell.wish(7, "", Wish::CloseEdges(vec!["bc".into()]));
    assert_eq!(shell.asked.last().map(String::as_str), Some("startPause"));
    shell.state.paused = Some(true);
    shell.hear();
    shell.commit();
    shell.wish(8, "", Wish::OpenEdges(vec!["bc".into()]));
    assert_eq!(shell.asked.last().map(String::as_str), Some("stopPause"));
}
