//! Each kind of mischief, by what comes out at the other end.

use super::{Deed, Mischief};
use crate::conform::master::phase::Phase;
use crate::conform::master::story::How;
use drover_agent_core::{Incoming, Message};
use drover_proto::vda5050::{
    Connection, ConnectionState, Factsheet, Header, Node, NodeState, OptionalParameter, Order,
    ProtocolFeatures, State, Support,
};

fn mischief(phase: Phase) -> Mischief {
    let mut mischief = Mischief::new(7);
    mischief.enter(phase);
    assert_eq!(mischief.next_deed(0), Some(Deed::Show));
    mischief
}

fn order(id: &str, update: u32) -> Incoming {
    let nodes = vec![Node::new("a", 0, true)];
    Incoming::Order(Order { order_id: id.into(), order_update_id: update, nodes, ..Order::default() })
}

/// Under way on this order, past the node with this sequence id.
fn state(id: &str, update: u32, sequence: u32) -> Message {
    let ahead = NodeState { node_id: "z".into(), sequence_id: 90, ..NodeState::default() };
    Message::State(Box::new(State {
        header: Header { header_id: sequence, ..Header::default() },
        order_id: id.into(),
        order_update_id: update,
        last_node_id: format!("n{sequence}"),
        last_node_sequence_id: sequence,
        node_states: vec![ahead],
        ..State::default()
    }))
}

fn out(mischief: &mut Mischief, now_ms: u64) -> Vec<(State, How)> {
    let mut all = Vec::new();
    while let Some(outward) = mischief.next_outgoing(now_ms) {
        if let Message::State(state) = outward.message {
            all.push((*state, outward.how));
        }
    }
    all
}

fn taken(mischief: &mut Mischief, now_ms: u64) -> usize {
    std::iter::from_fn(|| mischief.next_incoming(now_ms)).count()
}

#[test]
fn fair_robot_gets_and_says_everything_at_once() {
    let mut fair = mischief(Phase::Fair);
    fair.take(5, order("O", 0));
    assert_eq!(fair.next_incoming(5), Some(order("O", 0)));
    assert!(fair.give(5, state("O", 0, 2)).is_none());
    let said = out(&mut fair, 5);
    assert_eq!((said.len(), said[0].1, fair.received()), (1, How::Now, 1));
}

#[test]
fn late_messages_come_in_their_order_and_none_before_a_second() {
    let mut late = mischief(Phase::Late);
    for update in 0..20 {
        late.take(1_000, order("O", update));
        assert!(late.give(1_000, state("O", 0, update)).is_some());
    }
    assert_eq!((taken(&mut late, 1_999), out(&mut late, 1_999).len()), (0, 0));
    assert!(late.next_timeout().unwrap() >= 2_000);
    let said = out(&mut late, 10_000);
    assert!(said.iter().map(|(state, _)| state.header.header_id).eq(0..20));
    assert!(said.iter().all(|(_, how)| *how == How::Late));
    let updates = std::iter::from_fn(|| late.next_incoming(10_000));
    assert!(updates.eq((0..20).map(|update| order("O", update))));
}

#[test]
fn a_third_is_lost_both_ways_and_the_same_third_for_the_same_seed() {
    let run = |seed| {
        let mut lossy = Mischief::new(seed);
        lossy.enter(Phase::Lossy);
        (0..1_000_u32).for_each(|update| lossy.take(0, order("O", update)));
        let lost: Vec<u32> =
            (0..1_000).filter(|sequence| lossy.give(0, state("O", 0, *sequence)).is_some()).collect();
        (taken(&mut lossy, 0), lost)
    };
    let (arrived, lost) = run(7);
    assert!((650..750).contains(&arrived) && (250..350).contains(&lost.len()), "{arrived} {}", lost.len());
    assert_eq!(run(7), (arrived, lost.clone()));
    assert_ne!(run(8).1, lost);
}

#[test]
fn connection_is_never_lost() {
    let mut lossy = mischief(Phase::Lossy);
    let word = || Connection { header: Header::default(), connection_state: ConnectionState::Online };
    for _ in 0..100 {
        lossy.take(0, Incoming::Connection(word()));
        lossy.give(0, Message::Connection(word()));
    }
    assert_eq!(taken(&mut lossy, 0), 100);
    assert_eq!(std::iter::from_fn(|| lossy.next_outgoing(0)).count(), 100);
}

#[test]
fn states_come_twice_and_old_ones_again() {
    let mut double = mischief(Phase::Duplicating);
    (1..=9).for_each(|sequence| assert!(double.give(0, state("O", 0, sequence)).is_none()));
    let at_once = out(&mut double, 0);
    assert_eq!(at_once.iter().filter(|(_, how)| *how == How::Now).count(), 9);
    assert_eq!(at_once.len(), 18);
    let old: Vec<_> =
        out(&mut double, 2_000).iter().map(|(state, how)| (state.header.header_id, *how)).collect();
    assert_eq!(old, [(2, How::Again), (5, How::Again)]);
}

#[test]
fn refused_order_is_not_taken_and_named_until_another_is() {
    let mut no = mischief(Phase::Rejecting);
    no.give(0, state("O", 0, 0));
    no.take(0, order("O", 1));
    no.take(0, order("O", 2));
    assert_eq!((taken(&mut no, 0), no.next_deed(0)), (1, Some(Deed::Show)));
    no.give(0, state("O", 0, 0));
    let said = out(&mut no, 0).pop().unwrap().0;
    let error = &said.errors[0];
    assert_eq!(
        (error.error_type.as_str(), error.reference("orderUpdateId")),
        ("orderUpdateError", Some("2"))
    );
    no.take(0, order("O", 2));
    assert_eq!(taken(&mut no, 0), 0, "the same word is refused again");
    no.give(0, state("O", 3, 0));
    assert!(out(&mut no, 0).pop().unwrap().0.errors.is_empty());
}

#[test]
fn refusals_come_once_and_then_thrice() {
    let mut no = mischief(Phase::Rejecting);
    let passed = (0..8).map(|number| {
        no.take(0, order(&format!("O{number}"), 0));
        taken(&mut no, 0)
    });
    assert_eq!(passed.collect::<Vec<_>>(), [1, 0, 1, 0, 0, 0, 1, 1]);
}

/// Begins the deed of this phase at 1000, in the middle of an order.
fn deed(phase: Phase) -> (Mischief, Vec<Deed>) {
    let mut mischief = mischief(phase);
    mischief.give(0, state("O", 0, 2));
    assert!(!mischief.is_busy(), "nothing begins before an order came");
    mischief.take(900, order("O", 1));
    mischief.give(950, state("O", 1, 2));
    assert!(!mischief.is_busy(), "nothing begins between nodes");
    mischief.give(1_000, state("O", 1, 4));
    let deeds = std::iter::from_fn(|| mischief.next_deed(1_000)).collect();
    assert!(mischief.is_busy() && !mischief.is_exercised());
    (mischief, deeds)
}

#[test]
fn silent_robot_says_nothing_for_twenty_seconds() {
    let (mut silent, deeds) = deed(Phase::Silent);
    assert_eq!(deeds, []);
    assert_eq!(taken(&mut silent, 1_000), 1, "it hears all the same");
    out(&mut silent, 1_000);
    assert!(silent.give(20_999, state("O", 1, 6)).is_some());
    assert_eq!((out(&mut silent, 20_999).len(), silent.next_deed(20_999)), (0, None));
    assert_eq!(silent.next_timeout(), Some(21_000));
    assert_eq!(silent.next_deed(21_000), Some(Deed::Show));
    assert!(silent.give(21_000, state("O", 1, 6)).is_none() && silent.is_exercised());
}

#[test]
fn deeds_begin_on_a_node_and_end_in_time() {
    let all = [
        (Phase::Offline, Deed::Cut, Deed::Return, 11_000),
        (Phase::Forgetful, Deed::Forget, Deed::Return, 6_000),
        (Phase::Manual, Deed::Manual, Deed::Automatic, 16_000),
    ];
    for (phase, begin, end, at_ms) in all {
        let (mut mischief, deeds) = deed(phase);
        assert_eq!(deeds, [begin]);
        assert_eq!(mischief.next_deed(at_ms - 1), None);
        assert_eq!(mischief.next_deed(at_ms), Some(end));
        assert!(mischief.is_exercised() && !mischief.is_busy() && !mischief.is_done(at_ms));
        mischief.take(at_ms, order("P", 0));
        assert!(mischief.is_done(at_ms), "the controller's answer ends the phase");
        mischief.give(at_ms, state("P", 0, 8));
        assert!(!mischief.is_busy(), "a deed is done once");
    }
}

#[test]
fn cut_loses_what_was_under_way() {
    let mut late = mischief(Phase::Late);
    late.take(0, order("O", 0));
    late.give(0, state("O", 0, 2));
    late.on_cut();
    assert_eq!((taken(&mut late, 90_000), out(&mut late, 90_000).len()), (0, 0));
}

#[test]
fn wrong_version_is_said_and_a_worse_one_thrown_in() {
    let mut wrong = mischief(Phase::WrongVersion);
    (1..=8).for_each(|sequence| assert!(wrong.give(0, state("O", 0, sequence)).is_none()));
    let said = out(&mut wrong, 0);
    let of = |version: &str| said.iter().filter(|(state, _)| state.header.version == version).count();
    assert_eq!((of("2.0.0"), of("3.0.0"), of("2.1.0")), (8, 2, 0));
    assert!(said.iter().all(|(state, how)| (state.header.version == "2.0.0") == (*how == How::Now)));
}

#[test]
fn factsheet_leaves_the_trajectory_out() {
    let mut fair = mischief(Phase::Fair);
    let listed = ["order.edges.trajectory", "order.edges.maxSpeed"].map(|parameter| OptionalParameter {
        parameter: parameter.into(),
        support: Support::Supported,
        description: None,
    });
    let features = ProtocolFeatures { optional_parameters: listed.to_vec(), ..ProtocolFeatures::default() };
    let factsheet = Factsheet { protocol_features: Some(features), ..Factsheet::default() };
    fair.give(0, Message::Factsheet(Box::new(factsheet)));
    let Some(Message::Factsheet(said)) = fair.next_outgoing(0).map(|outward| outward.message) else {
        panic!()
    };
    let features = said.protocol_features.unwrap();
    assert!(features.supports("order.edges.maxSpeed") && !features.supports("order.edges.trajectory"));
}
