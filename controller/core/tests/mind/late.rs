//! Late, repeated and shuffled states: what counts is the newest one, and time stamps decide nothing.

use std::sync::Arc;

use drover_core::robot::Robot;
use drover_core::{Config, Epoch, Input, RobotMessage, Site, Time};
use drover_maps::Layout;
use drover_proto::vda5050::{self, ConnectionState, OperatingMode, State};

use super::shell::{Shell, job, robot, row};

/// Histories in the fast test; the long one sets the variable.
const HISTORIES: u64 = 10_000;
const HISTORIES_VARIABLE: &str = "DROVER_HISTORIES";

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
fn time_stamps_decide_nothing() {
    let run = |stamp: &str| {
        let mut shell = driving();
        for (id, charge) in [(100, 90.0), (101, 50.0)] {
            shell.state.battery_state.battery_charge = charge;
            shell.state.header.timestamp = stamp.replace('X', &(200 - id).to_string());
            let state = shell.state.clone();
            shell.tell(robot(), id, &state);
        }
        shell.site.fleet().digest()
    };
    let plain = run("2026-11-22T12:00:00Z");
    assert_eq!(run(""), plain);
    assert_eq!(run("1970-01-01T00:00:00Z"), plain);
    assert_eq!(run("2X-01-01T00:00:00Z"), plain, "falling");
    assert_eq!(run("no time at all"), plain);
}

#[test]
fn a_robot_that_counts_anew_is_heard_at_once_after_a_connection_message() {
    let mut shell = driving();
    let state = shell.state.clone();
    shell.tell(robot(), 1_000, &state);
    shell.state.battery_state.battery_charge = 20.0;
    let state = shell.state.clone();
    shell.tell(robot(), 1, &state);
    assert_ne!(shell.site.fleet().robots()[0].charge_permille, Some(200), "a late state");
    shell.connection(ConnectionState::Online);
    shell.tell(robot(), 1, &state);
    assert_eq!(shell.site.fleet().robots()[0].charge_permille, Some(200));
}

#[test]
fn a_robot_that_counts_anew_far_below_is_heard_without_a_word() {
    let mut shell = driving();
    let state = shell.state.clone();
    shell.tell(robot(), 10_000, &state);
    shell.state.battery_state.battery_charge = 20.0;
    let state = shell.state.clone();
    shell.tell(robot(), 10_000 - 4_095, &state);
    assert_ne!(shell.site.fleet().robots()[0].charge_permille, Some(200));
    shell.tell(robot(), 10_000 - 4_096, &state);
    assert_eq!(shell.site.fleet().robots()[0].charge_permille, Some(200));
}

#[test]
fn a_robot_that_counts_anew_without_a_word_is_asked_and_believed_by_its_answer() {
    let mut shell = driving();
    let state = shell.state.clone();
    shell.tell(robot(), 1_000, &state);
    shell.state.battery_state.battery_charge = 20.0;
    for id in 1..20 {
        let state = shell.state.clone();
        shell.tell(robot(), id, &state);
    }
    assert_eq!(shell.asked, ["stateRequest"]);
    assert_ne!(shell.site.fleet().robots()[0].charge_permille, Some(200));
    shell.answer();
    assert_eq!(shell.site.fleet().robots()[0].charge_permille, Some(200));
}

#[test]
fn an_old_state_in_a_new_session_frees_nothing() {
    let mut shell = driving();
    assert_eq!(shell.held(), ["a", "b", "c"]);
    shell.connection(ConnectionState::ConnectionBroken);
    shell.connection(ConnectionState::Online);
    shell.tell(robot(), 1, &State { last_node_id: "a".into(), ..State::default() });
    shell.commit();
    assert_eq!(shell.held(), ["a", "b", "c"], "it may have been written before the order");
    assert_eq!(shell.asked, ["stateRequest"]);
}

/// What a robot tells on its way from a to c, in order; its order comes in two messages.
fn history(shell: &Shell) -> Vec<RobotMessage> {
    let mut told = Vec::new();
    let mut tell = |state: &State| {
        let mut state = state.clone();
        state.header.header_id = 1_000 + told.len() as u32;
        told.push(RobotMessage::State(Box::new(state)));
    };
    let ahead = |node: &str, sequence_id: u32| vda5050::NodeState {
        node_id: node.into(),
        sequence_id,
        released: true,
        ..vda5050::NodeState::default()
    };
    let mut state = State { last_node_id: "a".into(), ..State::default() };
    tell(&state);
    state.order_id.clone_from(&shell.orders[0].order_id);
    state.node_states = vec![ahead("b", 2)];
    tell(&state);
    state.driving = true;
    state.battery_state.battery_charge = 80.0;
    tell(&state);
    (state.order_update_id, state.node_states) = (1, vec![ahead("b", 2), ahead("c", 4)]);
    state.operating_mode = OperatingMode::Semiautomatic;
    tell(&state);
    for (node, sequence_id) in [("b", 2), ("c", 4)] {
        state.node_states.remove(0);
        (state.last_node_id, state.last_node_sequence_id) = (node.into(), sequence_id);
        state.battery_state.battery_charge -= 10.0;
        tell(&state);
    }
    state.driving = false;
    tell(&state);
    for connection_state in [ConnectionState::ConnectionBroken, ConnectionState::Online] {
        let header = vda5050::Header::default();
        told.insert(3, RobotMessage::Connection(vda5050::Connection { header, connection_state }));
    }
    told
}

/// All that was said of the robot, heard at once long after.
fn heard(layout: &Arc<Layout>, snapshot: &[u8], now: Time, messages: &[RobotMessage]) -> Robot {
    let config = Config { site: "test".into(), auto_enroll: true, gather_ms: 0, ..Config::default() };
    let last = drover_core::Seq(1_000);
    let site = Site::restore(Arc::clone(layout), config, Epoch(2), Some((last, snapshot)), &[], now);
    let mut site = site.expect("a snapshot");
    for message in messages {
        let mut effects = Vec::new();
        site.receive(now, Input::Robot { name: robot(), message: message.clone() }, &mut effects);
    }
    site.fleet().robots()[0].clone()
}

/// SplitMix64 (Steele et al., OOPSLA 2014).
fn draw(seed: &mut u64, below: usize) -> usize {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) % below as u64) as usize
}

#[test]
#[expect(clippy::disallowed_methods, reason = "more histories on demand")]
fn any_shuffle_of_a_history_ends_in_the_same_facts_once_the_newest_was_heard() {
    let shell = driving();
    let history = history(&shell);
    let newest = history.last().expect("a state").clone();
    let now = shell.now.plus_ms(20_000);
    let snapshot = shell.site.fleet().snapshot();
    let layout = row();
    let ordered = heard(&layout, &snapshot, now, &history);
    assert_eq!(ordered.trail.last_node(), layout.node_named("c"), "it has come to its end");
    let histories = std::env::var(HISTORIES_VARIABLE).ok().and_then(|count| count.parse().ok());
    for seed in 0..histories.unwrap_or(HISTORIES) {
        let mut draws = seed;
        let count = history.len() + draw(&mut draws, history.len());
        let mut shuffled: Vec<RobotMessage> =
            (0..count).map(|_| history[draw(&mut draws, history.len())].clone()).collect();
        shuffled.push(newest.clone());
        assert_eq!(heard(&layout, &snapshot, now, &shuffled), ordered, "history {seed}: {shuffled:?}");
    }
}
