//! Doors: asked in time, passed only while observed open, told by name when they don't open.

use drover_core::robot::Cause;
use drover_core::{DeviceId, replay};
use drover_proto::device::{Condition, Level};

use super::shell::{Shell, job, row_with_door};

/// A robot on its way to C, as far as the shut door.
fn before_the_door() -> Shell {
    let mut shell = Shell::on(row_with_door());
    shell.commit();
    shell.door(Condition::Closed);
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    shell.wait(600);
    shell.commit();
    shell
}

fn base_end(shell: &Shell) -> String {
    let last = shell.orders.last().expect("an order");
    last.nodes.iter().rfind(|node| node.released).expect("a base").node_id.clone()
}

#[test]
fn a_base_ends_before_a_door_until_it_is_observed_open() {
    let mut shell = before_the_door();
    assert_eq!(base_end(&shell), "b");
    assert_eq!(shell.requests, [Level::Open], "it is asked while the robot is on its way");
    shell.door(Condition::Opening);
    shell.obey();
    assert_eq!(base_end(&shell), "b");
    let robot = &shell.site.fleet().robots()[0];
    assert_eq!(robot.waits_for, Some(Cause::Device(DeviceId(0))));
    shell.door(Condition::Open);
    assert_eq!(base_end(&shell), "c");
}

#[test]
fn a_request_leaves_after_its_commit_and_is_sent_again_until_the_state_shows_it() {
    let mut shell = Shell::on(row_with_door());
    shell.commit();
    shell.hear();
    shell.submit(1, job("J-1", None));
    assert!(shell.requests.is_empty(), "nothing leaves before the commit");
    shell.commit();
    shell.wait(3_100);
    shell.commit();
    assert_eq!(shell.requests, [Level::Open; 2]);
    shell.door(Condition::Opening);
    shell.wait(3_100);
    shell.commit();
    assert_eq!(shell.requests, [Level::Open; 2]);
}

#[test]
fn a_door_closes_when_nobody_has_needed_it_for_a_while() {
    let mut shell = before_the_door();
    shell.door(Condition::Open);
    shell.obey();
    while shell.site.fleet().jobs().any(|job| !job.state.is_terminal()) {
        shell.obey();
        shell.wait(600);
        shell.commit();
    }
    // It parks on this side of the door.
    shell.obey();
    for _ in 0..8 {
        shell.wait(600);
        shell.commit();
    }
    assert_eq!(shell.requests.last(), Some(&Level::Closed));
}

#[test]
fn a_stuck_door_is_named_once_and_tried_again() {
    let mut shell = before_the_door();
    shell.obey();
    for _ in 0..300 {
        shell.wait(500);
        shell.commit();
        shell.door(Condition::Closed);
        shell.hear();
        shell.commit();
    }
    let named = shell.alarms.iter().filter(|text| text.starts_with("D: asked to open")).count();
    assert_eq!(named, 1, "{:?}", shell.alarms);
    assert_eq!(shell.requests.last(), Some(&Level::Open));
    shell.door(Condition::Open);
    assert!(shell.alarms.iter().any(|text| text == "D: it works again"), "{:?}", shell.alarms);
    shell.hear();
    shell.commit();
    assert_eq!(base_end(&shell), "c");
}

#[test]
fn a_silent_door_isnt_open() {
    let mut shell = before_the_door();
    shell.door(Condition::Open);
    shell.wait(12_100);
    shell.commit();
    assert!(!shell.site.fleet().devices()[0].is_open());
    assert!(shell.alarms.iter().any(|text| text.contains("is its agent running?")), "{:?}", shell.alarms);
    shell.door(Condition::Open);
    assert!(shell.site.fleet().devices()[0].is_open());
}

#[test]
fn doors_and_what_was_asked_of_them_survive_a_crash() {
    let mut shell = before_the_door();
    shell.door(Condition::Opening);
    shell.obey();
    let before = shell.site.fleet().digest();
    let replayed = replay(row_with_door(), shell.journal.clone().into_iter(), &mut |_, _, _| {});
    let replayed = replayed.expect("a whole journal");
    assert_eq!(replayed.digest, before);
    let mut shell = shell.crash();
    shell.hear();
    shell.wait(100);
    shell.commit();
    assert_eq!(shell.requests, [Level::Open], "who starts anew says what is wanted");
    shell.door(Condition::Open);
    assert_eq!(base_end(&shell), "c");
}
