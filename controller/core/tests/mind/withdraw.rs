//! A job whose robot can't go on is done by another, unless something of it was begun.

use drover_core::{JobId, JobNews};
use drover_proto::vda5050::{ConnectionState, State};

use super::shell::{Shell, job, other, position, row_with_door};

/// The robot has the job and stands before a shut door; another stands at c.
fn halted(sequence: Option<&str>) -> Shell {
    let mut shell = Shell::on(row_with_door());
    shell.commit();
    shell.door(drover_proto::device::Condition::Closed);
    shell.hear();
    shell.submit(1, job("J-1", sequence));
    shell.commit();
    assert_eq!(shell.site.fleet().robots()[0].job(), Some(&JobId("J-1".into())));
    let elsewhere = State { last_node_id: "c".into(), agv_position: position(6.0, 0.0), ..State::default() };
    shell.tell(other(), 1, &elsewhere);
    shell.commit();
    shell
}

fn assigned(shell: &Shell, job: &str) -> Vec<Option<String>> {
    let notes = shell.notes.iter().filter(|note| note.job.0 == job && note.what == JobNews::Assigned);
    notes.map(|note| note.robot.clone()).collect()
}

fn pass(shell: &mut Shell, ms: u64) {
    for _ in 0..ms / 500 {
        shell.wait(500);
        shell.commit();
    }
}

#[test]
fn a_job_of_a_robot_that_is_gone_goes_to_another_after_a_while() {
    let mut shell = halted(None);
    shell.connection(ConnectionState::ConnectionBroken);
    pass(&mut shell, 29_000);
    assert_eq!(assigned(&shell, "J-1"), [Some("acme/r1".to_owned())]);
    pass(&mut shell, 2_000);
    assert_eq!(assigned(&shell, "J-1"), [Some("acme/r1".to_owned()), Some("acme/r2".to_owned())]);
    assert_eq!(shell.held(), ["a", "b"], "its places stay reserved");
}

#[test]
fn a_robot_that_comes_back_in_time_keeps_its_job() {
    let mut shell = halted(None);
    for _ in 0..3 {
        shell.connection(ConnectionState::ConnectionBroken);
        pass(&mut shell, 20_000);
        shell.connection(ConnectionState::Online);
        shell.hear();
        shell.commit();
    }
    assert_eq!(assigned(&shell, "J-1").len(), 1);
}

#[test]
fn a_job_whose_action_was_released_stays_with_its_robot() {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    shell.take_over();
    let last = shell.orders.last().expect("an order").nodes.last().expect("a node");
    assert_eq!(last.actions.len(), 1, "the drop goes with the base's end");
    shell.connection(ConnectionState::ConnectionBroken);
    pass(&mut shell, 120_000);
    assert_eq!(assigned(&shell, "J-1").len(), 1);
    assert_eq!(shell.site.fleet().robots()[0].job(), Some(&JobId("J-1".into())));
}

#[test]
fn a_withdrawn_member_of_a_sequence_keeps_its_place_before_its_followers() {
    let mut shell = halted(Some("T"));
    shell.connection(ConnectionState::ConnectionBroken);
    shell.submit(2, job("J-2", Some("T")));
    pass(&mut shell, 31_000);
    assert_eq!(assigned(&shell, "J-1").len(), 2);
    assert!(assigned(&shell, "J-2").is_empty(), "it waits for the one before it");
    let sequence = shell.site.fleet().sequence("T").expect("a sequence");
    assert_eq!(sequence.members, [JobId("J-1".into()), JobId("J-2".into())]);
}
