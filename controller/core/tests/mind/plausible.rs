//! What a robot can't have done yet it isn't believed: its places stay reserved until it can have left them.

use drover_proto::vda5050;

use super::shell::{Shell, job, other};

/// A robot that has taken over an order from a by b to c.
fn driving() -> Shell {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    shell.take_over();
    shell
}

#[test]
fn a_node_passed_sooner_than_top_speed_allows_frees_nothing_and_is_told_once() {
    let mut shell = driving();
    assert_eq!(shell.held(), ["a", "b", "c"]);
    shell.state.node_states.remove(0);
    (shell.state.last_node_id, shell.state.last_node_sequence_id) = ("b".into(), 2);
    shell.hear();
    let seq = shell.site.seq();
    shell.hear();
    shell.commit();
    assert_eq!(shell.held(), ["a", "b", "c"], "3 m in less than half a second");
    assert_eq!(shell.site.seq(), seq, "who was told of fills no journal");
    let told = shell.alarms.iter().filter(|text| text.contains("sooner than its type's top speed")).count();
    assert_eq!(told, 1, "{:?}", shell.alarms);
    shell.now = shell.now.plus_ms(1_500);
    shell.hear();
    shell.commit();
    assert_eq!(shell.held(), ["b", "c"], "it can have come so far by now");
}

#[test]
fn an_honest_robot_at_top_speed_is_believed() {
    let mut shell = driving();
    shell.now = shell.now.plus_ms(2_000);
    shell.state.node_states.remove(0);
    (shell.state.last_node_id, shell.state.last_node_sequence_id) = ("b".into(), 2);
    shell.hear();
    shell.commit();
    assert_eq!(shell.held(), ["b", "c"]);
    assert!(shell.alarms.is_empty(), "{:?}", shell.alarms);
}

#[test]
fn the_topic_decides_who_speaks_and_the_header_does_not() {
    let mut shell = driving();
    let mut lie = vda5050::State { last_node_id: "c".into(), ..vda5050::State::default() };
    lie.header.manufacturer = "acme".into();
    lie.header.serial_number = "r1".into();
    let facts = |shell: &Shell| {
        let robot = &shell.site.fleet().robots()[0];
        (robot.trail.clone(), robot.order.clone(), robot.mode, robot.stands.clone())
    };
    let before = facts(&shell);
    shell.tell(other(), 900, &lie);
    shell.commit();
    assert_eq!(facts(&shell), before, "nothing was said of the robot in the header");
}
