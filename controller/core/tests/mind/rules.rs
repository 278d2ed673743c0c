//! What a robot or a customer may do to us, and what must come of it.

use drover_core::job::JobRequest;
use drover_core::{Input, JobId, JobNews, Ticket, Verdict};
use drover_maps::NodeId;
use drover_proto::vda5050::{self, Error, ErrorLevel};

use crate::shell::{Shell, job, robot};

fn driving() -> Shell {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    shell
}

fn code(shell: &Shell, ticket: u64) -> &'static str {
    let answer = shell.answers.iter().find(|(known, _)| *known == Ticket(ticket));
    match answer {
        Some((_, Verdict::Rejected { code, .. })) => code,
        Some((_, Verdict::Accepted)) => "accepted",
        Some((_, Verdict::Ignored)) => "ignored",
        None => "no answer",
    }
}

#[test]
fn a_bad_job_is_refused_with_a_code_and_the_rest_goes_on() {
    let mut shell = Shell::new();
    let mut none = job("J-1", None);
    none.legs.clear();
    let mut nowhere = job("J-2", None);
    nowhere.legs[0].station = "Z".into();
    shell.submit(1, none);
    shell.submit(2, nowhere);
    shell.submit(3, job("J-3", None));
    shell.submit(4, job("J-3", None));
    let mut other = job("J-3", None);
    other.fingerprint = 2;
    shell.submit(5, other);
    shell.commit();
    let codes = [1, 2, 3, 4, 5].map(|ticket| code(&shell, ticket));
    assert_eq!(codes, ["NO_LEGS", "UNKNOWN_STATION", "accepted", "ignored", "JOB_ID_REUSED"]);
}

#[test]
fn a_refused_message_goes_out_under_the_next_id_and_not_for_ever() {
    let mut shell = driving();
    for _ in 0..10 {
        let told = shell.orders.last().expect("an order").clone();
        let error = Error::new("orderError", ErrorLevel::Warning)
            .about("orderId", told.order_id)
            .about("orderUpdateId", told.order_update_id.to_string());
        shell.state.errors = vec![error];
        shell.hear();
        shell.commit();
    }
    let mut ids: Vec<_> = shell.orders.iter().map(|order| (&order.order_id, order.order_update_id)).collect();
    assert_eq!(ids.len(), 5, "{ids:?}");
    ids.dedup();
    assert_eq!(ids.len(), 5, "a refused id came again");
    assert!(shell.alarms.iter().any(|alarm| alarm.contains("refuses order")));
}

#[test]
fn a_robot_gone_from_the_broker_keeps_its_places() {
    let mut shell = driving();
    let held = |shell: &Shell| {
        let nodes = shell.site.fleet().layout().nodes();
        nodes.filter(|node| shell.site.fleet().reservations().node(*node).is_some()).collect::<Vec<NodeId>>()
    };
    let before = held(&shell);
    assert!(before.len() > 1, "{before:?}");
    let message = vda5050::Connection {
        header: vda5050::Header::default(),
        connection_state: vda5050::ConnectionState::ConnectionBroken,
    };
    shell.give(Input::Robot { name: robot(), message: drover_core::RobotMessage::Connection(message) });
    shell.wait(3_600_000);
    shell.commit();
    assert_eq!(held(&shell), before);
    assert!(shell.alarms.iter().any(|alarm| alarm.contains("gone from the broker")));
}

#[test]
fn nothing_is_sent_to_a_robot_that_a_person_drives() {
    let mut shell = Shell::new();
    shell.commit();
    shell.state.operating_mode = vda5050::OperatingMode::Manual;
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.wait(5_000);
    shell.commit();
    assert!(shell.orders.is_empty());
    shell.state.operating_mode = vda5050::OperatingMode::Automatic;
    shell.hear();
    shell.commit();
    assert_eq!(shell.orders.len(), 1);
}

#[test]
fn a_robot_that_forgot_its_order_begins_anew_where_it_stands() {
    let mut shell = driving();
    let first = shell.orders.last().expect("an order").clone();
    shell.state.order_id.clone_from(&first.order_id);
    shell.state.node_states = vec![vda5050::NodeState::default()];
    shell.hear();
    shell.commit();
    shell.state = vda5050::State { last_node_id: "a".into(), ..vda5050::State::default() };
    shell.hear();
    shell.commit();
    shell.answer();
    shell.wait(600);
    shell.commit();
    let again = shell.orders.last().expect("another order");
    assert_ne!(again.order_id, first.order_id);
    assert_eq!(again.nodes[0].node_id, "a");
}

#[test]
fn a_late_state_proves_nothing() {
    let mut shell = driving();
    let old = shell.state.clone();
    shell.wait(100);
    shell.obey();
    let digest = shell.site.fleet().digest();
    let seq = shell.site.seq();
    shell.give(Input::Robot { name: robot(), message: drover_core::RobotMessage::State(Box::new(old)) });
    shell.hear();
    assert_eq!((shell.site.fleet().digest(), shell.site.seq()), (digest, seq));
}

#[test]
fn a_job_is_taken_back_while_nothing_is_aboard_and_twice_is_once() {
    let mut shell = Shell::new();
    shell.submit(1, job("J-1", Some("T")));
    shell.submit(2, job("J-2", Some("T")));
    for ticket in [3, 4] {
        shell.give(Input::Job {
            ticket: Some(Ticket(ticket)),
            request: JobRequest::Cancel(JobId("J-1".into())),
            by: None,
        });
    }
    shell.give(Input::Job {
        ticket: Some(Ticket(5)),
        request: JobRequest::Cancel(JobId("J-9".into())),
        by: None,
    });
    shell.commit();
    assert_eq!([3, 4, 5].map(|ticket| code(&shell, ticket)), ["accepted", "ignored", "UNKNOWN_JOB"]);
    assert_eq!(shell.notes.iter().filter(|note| note.what == JobNews::Cancelled).count(), 1);
    shell.hear();
    shell.commit();
    assert_eq!(shell.orders.len(), 1, "the next of the sequence goes on");
}

#[test]
fn a_failed_member_holds_its_sequence_until_it_is_taken_back() {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.submit(1, job("J-1", Some("T")));
    shell.submit(2, job("J-2", Some("T")));
    shell.commit();
    let mut rounds = 0;
    while !shell.notes.iter().any(|note| matches!(note.what, JobNews::Failed { .. })) && rounds < 8 {
        shell.obey_badly();
        shell.wait(600);
        shell.commit();
        rounds += 1;
    }
    assert!(
        shell.notes.iter().any(|note| note.job.0 == "J-2" && matches!(note.what, JobNews::Blocked { .. }))
    );
    let assigned =
        |shell: &Shell| shell.notes.iter().any(|note| note.job.0 == "J-2" && note.what == JobNews::Assigned);
    assert!(!assigned(&shell));
    shell.give(Input::Job { ticket: None, request: JobRequest::Cancel(JobId("J-1".into())), by: None });
    shell.wait(600);
    shell.commit();
    assert!(assigned(&shell));
}

#[test]
fn a_robot_is_spoken_to_in_its_own_version() {
    let mut shell = Shell::new();
    shell.commit();
    shell.state.header.version = "2.0.0".into();
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    assert_eq!(shell.orders.last().expect("an order").header.version, "2.0.0");
}

#[test]
fn a_new_order_shown_with_the_last_sequence_id_of_the_one_before_is_no_alarm() {
    let mut shell = driving();
    let told = shell.orders.last().expect("an order").clone();
    shell.state.order_id = told.order_id;
    shell.state.last_node_sequence_id = 58;
    shell.state.node_states = vec![vda5050::NodeState { sequence_id: 2, ..vda5050::NodeState::default() }];
    shell.hear();
    shell.state.node_states.clear();
    shell.hear();
    shell.commit();
    assert!(shell.alarms.is_empty(), "{:?}", shell.alarms);
    shell.state.last_node_id = "elsewhere".into();
    shell.hear();
    shell.commit();
    assert_eq!(shell.alarms.len(), 1);
}

#[test]
fn a_refusal_by_a_robot_that_a_person_drives_releases_nothing() {
    let mut shell = driving();
    let told = shell.orders.last().expect("an order").clone();
    shell.state.operating_mode = vda5050::OperatingMode::Manual;
    let error = Error::new("orderError", ErrorLevel::Warning)
        .about("orderId", told.order_id)
        .about("orderUpdateId", told.order_update_id.to_string());
    shell.state.errors = vec![error];
    shell.hear();
    shell.wait(120_000);
    shell.commit();
    let commands = shell.journal.iter().flat_map(|record| &record.entries).flat_map(|entry| &entry.commands);
    let releases = commands.filter(|command| matches!(command, drover_core::Command::Release { .. })).count();
    assert_eq!((releases, shell.orders.len()), (1, 1));
}
