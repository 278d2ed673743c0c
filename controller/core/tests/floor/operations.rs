//! Operations of robots that count very differently, and of robots that aren't where they were expected.

use drover_core::plan::epibt::{Beat, DEPTH, Effort, Epibt, Traveller};
use drover_core::plan::guidance::Guidance;
use drover_core::plan::lattice::Lattice;
use drover_core::plan::reach::Reach;

const EFFORT: Effort = Effort { nodes: 10_000, asks: 10 };

struct Lane {
    lattice: Lattice,
    guidance: Guidance,
    reach: Reach,
}

impl Lane {
    /// One lane of 12 places with a bay of one place beside its middle.
    fn new() -> Lane {
        let row = |places: &str| places.chars().map(|place| place == '.').collect::<Vec<bool>>();
        let lattice = Lattice::grid(&[row("............"), row("     .      ")]);
        let guidance = Guidance::even(&lattice);
        let reach = Reach::new(&lattice, &guidance, 1 << 30);
        Lane { lattice, guidance, reach }
    }

    fn traveller(&mut self, place: u32, goal: u32, weight: u32) -> Traveller {
        let state = self.lattice.states(place).start;
        let goal = Some((goal, self.reach.to(&self.lattice, &self.guidance, goal, state)));
        Traveller { goal, weight, ..Traveller::new(state) }
    }

    fn places(&self, epibt: &Epibt<DEPTH>, travellers: &[Traveller]) -> Vec<u32> {
        let beat = Beat { lattice: &self.lattice, guidance: &self.guidance, travellers };
        (0..travellers.len() as u32).map(|robot| self.lattice.place(epibt.next(beat, robot))).collect()
    }
}

#[test]
fn who_counts_for_much_moves_who_counts_for_nothing() {
    let mut lane = Lane::new();
    // The light one stands in the bay's mouth and has arrived; the heavy one must pass.
    let mut travellers = vec![lane.traveller(4, 11, 1_000_000_000), lane.traveller(5, 5, 1)];
    let mut epibt = Epibt::<DEPTH>::new(&lane.lattice);
    for _ in 0..40 {
        let beat = Beat { lattice: &lane.lattice, guidance: &lane.guidance, travellers: &travellers };
        epibt.begin(beat);
        let looked: u64 = (0..2).map(|robot| epibt.improve(beat, robot, EFFORT)).sum();
        assert!(looked <= 20_000);
        let next: Vec<u32> = (0..2).map(|robot| epibt.next(beat, robot)).collect();
        travellers.iter_mut().zip(next).for_each(|(traveller, state)| traveller.state = state);
        assert_ne!(lane.lattice.place(travellers[0].state), lane.lattice.place(travellers[1].state));
    }
    assert_eq!(lane.lattice.place(travellers[0].state), 11);
}

#[test]
fn if_somebody_is_elsewhere_than_expected_nobody_runs_into_it() {
    let mut lane = Lane::new();
    let mut travellers = vec![lane.traveller(0, 8, 100), lane.traveller(11, 11, 100)];
    let mut epibt = Epibt::<DEPTH>::new(&lane.lattice);
    let beat = Beat { lattice: &lane.lattice, guidance: &lane.guidance, travellers: &travellers };
    epibt.begin(beat);
    epibt.improve(beat, 0, EFFORT);
    assert_eq!(lane.places(&epibt, &travellers), [1, 11]);
    // The first does what it was told, the second was carried in front of it.
    travellers[0].state = lane.lattice.states(1).start;
    travellers[1].state = lane.lattice.states(2).start;
    epibt.begin(Beat { lattice: &lane.lattice, guidance: &lane.guidance, travellers: &travellers });
    assert_eq!(lane.places(&epibt, &travellers), [1, 2]);
}

#[test]
fn who_is_late_goes_on_late_and_who_follows_waits() {
    let mut lane = Lane::new();
    let mut travellers = vec![lane.traveller(0, 9, 100), lane.traveller(1, 10, 100)];
    let mut epibt = Epibt::<DEPTH>::new(&lane.lattice);
    let beat = Beat { lattice: &lane.lattice, guidance: &lane.guidance, travellers: &travellers };
    epibt.begin(beat);
    assert!(epibt.improve(beat, 1, EFFORT) > 0 && epibt.improve(beat, 0, EFFORT) > 0);
    assert_eq!(lane.places(&epibt, &travellers), [1, 2]);
    // Neither came on: the first was delayed, and the other would have run into it.
    epibt.begin(Beat { lattice: &lane.lattice, guidance: &lane.guidance, travellers: &travellers });
    assert_eq!(lane.places(&epibt, &travellers), [1, 2]);
    // The last one came on, the first in the row didn't.
    travellers[0].state = lane.lattice.states(0).start;
    travellers[1].state = lane.lattice.states(2).start;
    epibt.begin(Beat { lattice: &lane.lattice, guidance: &lane.guidance, travellers: &travellers });
    assert_eq!(lane.places(&epibt, &travellers), [1, 3]);
    // Somebody stands where they were to go: it rests, and so do they.
    travellers.push(lane.traveller(4, 4, 100));
    travellers[0].state = lane.lattice.states(1).start;
    travellers[1].state = lane.lattice.states(3).start;
    epibt.begin(Beat { lattice: &lane.lattice, guidance: &lane.guidance, travellers: &travellers });
    assert_eq!(lane.places(&epibt, &travellers), [1, 3, 4]);
}

#[test]
fn who_has_not_turned_yet_does_not_go() {
    let mut lane = Lane::new();
    // It looks along the lane and is to go into the bay, so it turns first.
    let mut travellers = vec![lane.traveller(5, 12, 100)];
    let mut epibt = Epibt::<DEPTH>::new(&lane.lattice);
    for beats in 0..3 {
        // Delayed three times, it stays where it is and is still to turn.
        let beat = Beat { lattice: &lane.lattice, guidance: &lane.guidance, travellers: &travellers };
        epibt.begin(beat);
        epibt.improve(beat, 0, EFFORT);
        let next = epibt.next(beat, 0);
        assert_eq!(lane.lattice.place(next), 5, "{beats}");
        assert_ne!(next, travellers[0].state, "{beats}");
        assert_eq!(epibt.places(0)[1], 12, "{beats}");
    }
    travellers[0].state += 1;
    let beat = Beat { lattice: &lane.lattice, guidance: &lane.guidance, travellers: &travellers };
    epibt.begin(beat);
    assert_eq!(lane.lattice.place(epibt.next(beat, 0)), 12);
}

#[test]
fn nobody_is_asked_to_make_way_more_often_than_a_try_may() {
    let mut lane = Lane::new();
    let travellers = vec![lane.traveller(4, 11, 1_000), lane.traveller(5, 5, 1)];
    let beat = Beat { lattice: &lane.lattice, guidance: &lane.guidance, travellers: &travellers };
    for (asks, makes_way) in [(0, false), (EFFORT.asks, true)] {
        let mut epibt = Epibt::<DEPTH>::new(&lane.lattice);
        epibt.begin(beat);
        epibt.improve(beat, 0, Effort { asks, ..EFFORT });
        assert_eq!(epibt.places(1).iter().any(|place| *place != 5), makes_way);
    }
}

#[test]
fn a_try_ends_with_its_nodes_and_leaves_everybody_an_operation() {
    let mut lane = Lane::new();
    let travellers = vec![lane.traveller(4, 11, 1_000), lane.traveller(5, 5, 1)];
    let beat = Beat { lattice: &lane.lattice, guidance: &lane.guidance, travellers: &travellers };
    for nodes in 0..200 {
        let mut epibt = Epibt::<DEPTH>::new(&lane.lattice);
        epibt.begin(beat);
        assert!(epibt.improve(beat, 0, Effort { nodes, ..EFFORT }) <= nodes);
        let meets = epibt.places(0).iter().zip(epibt.places(1)).any(|(one, other)| one == other);
        assert!(!meets, "with {nodes} nodes");
    }
}

#[test]
fn what_is_laid_is_what_can_be_done_and_is_in_nobodys_way() {
    let mut lane = Lane::new();
    let travellers = vec![lane.traveller(0, 9, 100), lane.traveller(3, 3, 100)];
    let mut epibt = Epibt::<DEPTH>::new(&lane.lattice);
    let beat = Beat { lattice: &lane.lattice, guidance: &lane.guidance, travellers: &travellers };
    epibt.begin(beat);
    let waits = [0; DEPTH];
    let way = |end: u32| std::array::from_fn(|beat| (beat as u32 + 1).min(end));
    assert!(!epibt.lay(beat, 0, way(4)), "somebody stands there");
    assert!(!epibt.lay(beat, 0, [2; DEPTH]), "that is two places away");
    assert_eq!(epibt.places(0), waits);
    assert!(epibt.lay(beat, 0, way(2)));
    assert_eq!((epibt.places(0), epibt.places(1)), (&way(2)[..], &[3; DEPTH][..]));
    assert!(!epibt.lay(beat, 1, [2; DEPTH]), "somebody comes there");
}
