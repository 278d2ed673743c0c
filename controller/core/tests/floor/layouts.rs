//! Layouts in beats: what excludes what, how long an edge and a turn take, and prices of the traffic observed.

use drover_core::plan::epibt::{Beat, DEPTH_ON_LAYOUT, Epibt, Traveller};
use drover_core::plan::floor::{BEAT_MS, Floor};
use drover_core::plan::flow::Flow;
use drover_core::plan::ground::Ground;
use drover_core::plan::guidance::{BEAT, Guidance};
use drover_core::plan::lattice::{Lattice, NONE, Step};
use drover_core::plan::reach::{Reach, UNREACHED};
use drover_maps::{Layout, TypeId};

use crate::{grid, walkers};

fn floor(layout: &Layout) -> Floor {
    Floor::new(layout, &Ground::new(layout))
}

/// Somebody at the one place keeps another from the other.
fn excludes(lattice: &Lattice, one: u32, other: u32) -> bool {
    let footprint = lattice.footprint().expect("a layout has one");
    footprint.needs(other).iter().any(|need| footprint.holds(one).contains(need))
}

#[test]
fn places_exclude_one_another_as_the_layout_says_and_always_both_ways() {
    for layout in [grid::grid("A...\n.  .\n..B."), walkers::load("fresh-dc")] {
        let floor = floor(&layout);
        let lattice = &floor.lattice;
        for node in layout.nodes() {
            let conflicts = layout.node_conflicts(node);
            for other in layout.nodes() {
                let expected = other == node || conflicts.nodes.contains(&other);
                assert_eq!(excludes(lattice, floor.node(node), floor.node(other)), expected);
            }
            for edge in layout.edges() {
                let [from, to] = [layout.edge(edge).from, layout.edge(edge).to];
                let by_end = [from, to].iter().any(|end| *end == node || conflicts.nodes.contains(end));
                let expected = by_end || conflicts.edges.contains(&edge);
                let found = excludes(lattice, floor.node(node), floor.edge(edge));
                assert_eq!(found, expected, "{node:?} {edge:?}");
                assert_eq!(excludes(lattice, floor.edge(edge), floor.node(node)), found, "{node:?} {edge:?}");
            }
        }
        for edge in layout.edges() {
            for other in layout.edge_conflicts(edge).edges {
                let places = (floor.edge(edge), floor.edge(*other));
                assert!(excludes(lattice, places.0, places.1) && excludes(lattice, places.1, places.0));
            }
        }
    }
}

#[test]
fn an_edge_takes_its_time_in_beats_and_nobody_waits_on_it() {
    let layout = walkers::load("fresh-dc");
    let floor = floor(&layout);
    let lattice = &floor.lattice;
    for edge in layout.edges() {
        let facts = layout.edge(edge);
        let start = floor.state(TypeId(0), facts.from, Some(facts.heading_mdeg)).expect("it may stand there");
        let first = lattice.ahead(start).find(|ahead| lattice.place(*ahead) == floor.edge(edge));
        let (mut at, mut beats) = (first.expect("it may drive there"), 1);
        while floor.node_at(lattice.place(at)).is_none() {
            assert_eq!(floor.edge_at(lattice.place(at)), Some(edge));
            assert!(!lattice.may_wait(lattice.place(at)));
            at = lattice.ahead(at).next().expect("an edge has an end");
            beats += 1;
        }
        assert_eq!(beats as usize, floor.beats(TypeId(0), edge));
        assert_eq!(Some(at), floor.state(TypeId(0), facts.to, Some(facts.end_heading_mdeg)));
        let travel_ms = layout.travel_ms(TypeId(0), edge);
        assert!(
            beats >= 2 && (beats * BEAT_MS).abs_diff(travel_ms.max(2 * BEAT_MS)) <= BEAT_MS / 2,
            "{edge:?}"
        );
    }
}

#[test]
fn turns_take_their_time_the_shorter_way_round_and_lead_back() {
    let layout = grid::grid("...\n.A.\n...");
    let floor = floor(&layout);
    let node = layout.node_named("n1-1").expect("the test's own data");
    let state =
        |degrees: i32| floor.state(TypeId(0), node, Some(1_000 * degrees)).expect("it may stand there");
    // A quarter turn takes a second, two beats; right is clockwise.
    let mut at = state(90);
    for degrees in [45, 0, -45, -90] {
        let before = at;
        at = floor.lattice.after(at, Step::Right);
        assert_eq!(at, state(degrees), "{degrees}");
        assert_eq!(floor.lattice.after(at, Step::Left), before);
    }
    // In a lane there are two directions, and one way round.
    let lane = grid::grid("...");
    let lane = Floor::new(&lane, &Ground::new(&lane));
    let turned =
        |step| lane.lattice.states(1).filter(|state| lane.lattice.after(*state, step) != NONE).count();
    assert_eq!((lane.lattice.states(1).len(), turned(Step::Right), turned(Step::Left)), (5, 4, 4));
}

#[test]
fn prices_are_those_of_the_way_and_a_closed_edge_is_gone_round() {
    let layout = grid::grid("A...\n.  .\n...B");
    let floor = floor(&layout);
    let (lattice, mut guidance) = (&floor.lattice, Guidance::even(&floor.lattice));
    let node = |name| layout.node_named(name).expect("the test's own data");
    let (start, goal) =
        (floor.state(TypeId(0), node("n0-0"), Some(0)).expect("free"), floor.node(node("n3-0")));
    let price = |guidance: &Guidance| {
        Reach::whole(lattice, guidance, 1 << 30).to(lattice, guidance, goal, start).get(lattice, start)
    };
    // Three edges of 1.5 m at 1.5 m/s: a second each, two beats.
    assert_eq!(price(&guidance), 6 * BEAT);
    let closed = layout.edge_named("n1-0_n2-0").expect("the test's own data");
    let entered = lattice.states(floor.edge(closed)).start;
    guidance.make_dearer(entered, 1_000);
    // Seven edges and three quarter turns on the way round, each two beats.
    let round = 14 * BEAT + 3 * 2 * guidance.turn;
    assert_eq!(price(&guidance), round);
    guidance.make_dearer(entered, UNREACHED);
    assert_eq!(price(&guidance), round);
}

#[test]
fn who_has_to_stand_on_its_way_does_not_turn_for_nothing() {
    let lane = grid::grid("...");
    let floor = floor(&lane);
    let (lattice, guidance) = (&floor.lattice, Guidance::even(&floor.lattice));
    let [start, end] = ["n0-0", "n2-0"].map(|name| lane.node_named(name).expect("the test's own data"));
    let state = floor.state(TypeId(0), start, Some(0)).expect("free");
    let goal = floor.node(end);
    let prices = Reach::whole(lattice, &guidance, 1 << 30).to(lattice, &guidance, goal, state);
    let travellers = [Traveller { goal: Some((goal, prices)), ..Traveller::new(state) }];
    let beat = Beat { lattice, guidance: &guidance, travellers: &travellers };
    let mut epibt = Epibt::<DEPTH_ON_LAYOUT>::new(lattice);
    // At first everybody waits.
    epibt.begin(beat);
    assert_eq!(epibt.next(beat, 0), state);
}

#[test]
fn a_step_that_robots_wait_for_gets_dearer_and_cheaper_again() {
    let lattice = Lattice::grid(&[vec![true; 6]]);
    let base = Guidance::even(&lattice);
    let into = lattice.states(3).start;
    let prices = |waits: u32, passages: u32| {
        let mut flow = Flow::new(&lattice);
        (0..waits).for_each(|_| flow.wait(into));
        (0..passages).for_each(|_| flow.pass(into));
        (0..128).filter_map(|_| flow.look(&base)).map(|guidance| guidance.ahead(into)).collect::<Vec<_>>()
    };
    // Two beats of waiting for each of many who pass: two beats more; less and less once nobody comes any more.
    let [first, then] = prices(200, 96)[..] else { panic!("two looks") };
    assert_eq!(first, BEAT + 2 * BEAT);
    assert!(then < first && then > BEAT);
    assert_eq!(prices(0, 100), [BEAT, BEAT]);
}
