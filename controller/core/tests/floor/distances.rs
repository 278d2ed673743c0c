//! Distance tables through changes of the ground: a repaired one says what a new one would.

use std::collections::{BTreeMap, BTreeSet};

use drover_core::plan::Distances;
use drover_maps::{EdgeId, Layout, NodeId, TypeId};
use proptest::prelude::*;

use crate::grid;
use crate::walkers::load;

/// A change: places and edges by their index modulo what the layout has, with the time lost.
type Ground = (Vec<(usize, u32)>, Vec<usize>);

fn grounds() -> impl Strategy<Value = Vec<Ground>> {
    let lost = prop_oneof![Just(15_000), Just(600_000), 1..3_000_u32];
    let ground =
        (prop::collection::vec((any::<usize>(), lost), 0..6), prop::collection::vec(any::<usize>(), 0..4));
    prop::collection::vec(ground, 1..12)
}

fn set(distances: &mut Distances, layout: &Layout, (obstacles, closed): &Ground) {
    let place = |(index, lost): &(usize, u32)| (NodeId((index % layout.node_count()) as u32), *lost);
    let edge = |index: &usize| EdgeId((index % layout.edge_count()) as u32);
    let obstacles: BTreeMap<NodeId, u32> = obstacles.iter().map(place).collect();
    let closed: BTreeSet<EdgeId> = closed.iter().map(edge).collect();
    let obstacles: Vec<_> = obstacles.into_iter().collect();
    distances.set_ground(layout, &obstacles, &closed.into_iter().collect::<Vec<_>>());
}

/// The tables of some goals stay right while the ground changes; a goal is not asked for at every change.
fn check(layout: &Layout, grounds: &[Ground]) -> Result<(), TestCaseError> {
    let goals: Vec<NodeId> = layout.nodes().step_by(layout.node_count() / 5).collect();
    let mut kept = Distances::default();
    for (turn, ground) in grounds.iter().enumerate() {
        set(&mut kept, layout, ground);
        let mut fresh = Distances::default();
        set(&mut fresh, layout, ground);
        for (goal, _) in goals.iter().zip(0..).filter(|(_, index)| turn.is_multiple_of(index + 1)) {
            prop_assert_eq!(kept.to(layout, *goal, TypeId(0)), fresh.to(layout, *goal, TypeId(0)));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_repaired_table_is_a_new_one_on_a_drawn_floor(grounds in grounds()) {
        check(&grid::grid("......\n. . ..\n......\n  .\n......\n. . ..\n......"), &grounds)?;
    }

    #[test]
    fn a_repaired_table_is_a_new_one_on_fresh_dc(grounds in grounds()) {
        check(&load("fresh-dc"), &grounds)?;
    }
}

#[test]
fn a_table_older_than_the_changes_kept_is_made_anew() {
    let layout = grid::grid("....\n. ..\n....");
    let mut kept = Distances::default();
    let first = kept.to(&layout, NodeId(0), TypeId(0));
    for turn in 0..3_000 {
        let place = [(NodeId(1 + turn % 7), 20_000 + turn)];
        kept.set_ground(&layout, &place, &[]);
    }
    assert_ne!(kept.to(&layout, NodeId(0), TypeId(0)), first);
    kept.set_ground(&layout, &[], &[]);
    assert_eq!(kept.to(&layout, NodeId(0), TypeId(0)), first);
}

#[test]
fn the_soonest_is_the_one_a_whole_search_finds() {
    let layout = load("fresh-dc");
    let mut distances = Distances::default();
    for start in layout.nodes().step_by(37) {
        for among in [3, 11, 40] {
            let counts = |node: NodeId| {
                node.index().is_multiple_of(among).then_some((node.index() * 97 % 5_000) as u64)
            };
            let ways = layout.nodes().filter_map(|node| {
                let way = distances.to(&layout, node, TypeId(0))[start.index()];
                counts(node).map(|onward| (u64::from(way) + onward, node))
            });
            let wanted = ways.min().map(|(_, node)| node);
            assert_eq!(distances.soonest(&layout, start, TypeId(0), counts), wanted);
        }
    }
}
