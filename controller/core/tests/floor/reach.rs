//! Prices on large floors: searched towards who asks, bounded in work and memory, and never below the true price.

use drover_core::plan::floor::Floor;
use drover_core::plan::ground::Ground;
use drover_core::plan::guidance::Guidance;
use drover_core::plan::lattice::{Lattice, NONE, Step};
use drover_core::plan::reach::{Prices, Reach, UNREACHED};
use proptest::prelude::*;

use crate::grid;

/// Too little for every table of these floors, enough for the few that are asked for.
const LITTLE: usize = 1 << 20;
const PLENTY: usize = 1 << 32;

/// A floor of shelves two deep, with lanes one robot wide, and some more places blocked.
fn floor(width: usize, height: usize, blocked: &[usize]) -> Lattice {
    let free = |x: usize, y: usize| {
        (y.is_multiple_of(3) || x.is_multiple_of(4)) && !blocked.contains(&(y * width + x))
    };
    let rows: Vec<Vec<bool>> = (0..height).map(|y| (0..width).map(|x| free(x, y)).collect()).collect();
    Lattice::grid(&rows)
}

/// The price paid by always going on to the cheapest state.
fn descend(lattice: &Lattice, guidance: &Guidance, prices: &Prices, goal: u32, from: u32) -> u32 {
    let (mut at, mut paid) = (from, 0);
    while lattice.place(at) != goal {
        let ahead = lattice.after(at, Step::Ahead);
        let steps = [
            (ahead, if ahead == NONE { 0 } else { guidance.ahead(ahead) }),
            (lattice.after(at, Step::Right), guidance.turn),
            (lattice.after(at, Step::Left), guidance.turn),
        ];
        let steps = steps.into_iter().filter(|(after, _)| *after != NONE);
        let (after, price) =
            steps.min_by_key(|(after, price)| prices.get(lattice, *after) + price).expect("one can turn");
        paid += u32::from(price);
        at = after;
        assert!(paid < 1 << 16, "goes round in circles");
    }
    paid
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_search_towards_who_asks_has_the_price_of_a_whole_one(
        blocked in prop::collection::vec(0..3_000_usize, 0..120),
        pairs in prop::collection::vec((any::<u32>(), any::<u32>()), 1..12),
        same_start in any::<bool>(),
    ) {
        let lattice = floor(60, 50, &blocked);
        for guidance in [Guidance::even(&lattice), Guidance::streets(&lattice, 2)] {
            let mut whole = Reach::new(&lattice, &guidance, PLENTY);
            let mut part = Reach::new(&lattice, &guidance, LITTLE);
            prop_assert!(whole.is_small() && !part.is_small());
            let first = pairs[0].0 % lattice.state_count() as u32;
            for (from, goal) in &pairs {
                let from = if same_start { first } else { from % lattice.state_count() as u32 };
                let goal = goal % lattice.place_count() as u32;
                let exact = whole.to(&lattice, &guidance, goal, from);
                let prices = part.to(&lattice, &guidance, goal, from);
                prop_assert_eq!(prices.get(&lattice, from), exact.get(&lattice, from));
                for state in 0..lattice.state_count() as u32 {
                    let known = prices.get(&lattice, state);
                    prop_assert!(!prices.is_exact(state) || known >= exact.get(&lattice, state));
                }
                if exact.get(&lattice, from) != UNREACHED {
                    let paid = descend(&lattice, &guidance, &prices, goal, from);
                    prop_assert_eq!(paid, u32::from(exact.get(&lattice, from)));
                }
            }
        }
    }
}

/// Steps, by their index modulo what there are, and by how much each is dearer for now.
type Dearer = Vec<(usize, u16)>;

fn dearer() -> impl Strategy<Value = Vec<Dearer>> {
    let by = prop_oneof![1..64_u16, Just(12_000), Just(24_000)];
    prop::collection::vec(prop::collection::vec((any::<usize>(), by), 0..6), 1..10)
}

/// Tables of some goals stay right while steps get dearer and cheaper again; a goal is not asked for at every change.
fn stay_right(lattice: &Lattice, turns: &[Dearer]) -> Result<(), TestCaseError> {
    let goals: Vec<u32> =
        (0..lattice.place_count() as u32).filter(|place| lattice.may_wait(*place)).collect();
    let goals: Vec<u32> = goals.iter().step_by(goals.len().div_ceil(4)).copied().collect();
    let steps: Vec<u32> =
        (0..lattice.state_count() as u32).filter(|into| lattice.length(*into) != Some(0)).collect();
    let mut before = Guidance::even(lattice);
    let mut kept = Reach::whole(lattice, &before, PLENTY);
    for (turn, dearer) in turns.iter().enumerate() {
        let mut guidance = Guidance::even(lattice);
        dearer.iter().for_each(|(step, by)| guidance.make_dearer(steps[step % steps.len()], *by));
        let states = 0..lattice.state_count() as u32;
        let changed: Vec<u32> =
            states.clone().filter(|into| guidance.ahead(*into) != before.ahead(*into)).collect();
        kept.change(lattice, &guidance, &changed);
        let mut fresh = Reach::whole(lattice, &guidance, PLENTY);
        for (goal, _) in goals.iter().zip(0..).filter(|(_, index)| turn.is_multiple_of(index + 1)) {
            let [kept, fresh] = [&mut kept, &mut fresh].map(|reach| reach.to(lattice, &guidance, *goal, 0));
            for state in states.clone() {
                prop_assert_eq!(
                    kept.get(lattice, state),
                    fresh.get(lattice, state),
                    "{} from {}",
                    goal,
                    state
                );
            }
        }
        before = guidance;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn repaired_prices_are_new_ones_on_a_grid(turns in dearer()) {
        stay_right(&floor(13, 10, &[5, 17, 60]), &turns)?;
    }

    #[test]
    fn repaired_prices_are_new_ones_on_a_layout(turns in dearer()) {
        let layout = grid::grid("......\n. . ..\n......\n  .\n......\n. . ..\n......");
        stay_right(&Floor::new(&layout, &Ground::new(&layout)).lattice, &turns)?;
    }
}

#[test]
fn prices_older_than_the_changes_kept_are_searched_anew() {
    let lattice = floor(9, 9, &[]);
    let even = Guidance::even(&lattice);
    let mut reach = Reach::whole(&lattice, &even, PLENTY);
    let first: Vec<u16> = prices(&lattice, &mut reach, &even);
    for turn in 0..3_000 {
        let mut guidance = Guidance::even(&lattice);
        let into = turn * 7 % lattice.state_count() as u32;
        guidance.make_dearer(into, 500);
        reach.change(&lattice, &guidance, &[into]);
        reach.change(&lattice, &even, &[into]);
    }
    assert_eq!(prices(&lattice, &mut reach, &even), first);
}

fn prices(lattice: &Lattice, reach: &mut Reach, guidance: &Guidance) -> Vec<u16> {
    let table = reach.to(lattice, guidance, 0, 0);
    (0..lattice.state_count() as u32).map(|state| table.get(lattice, state)).collect()
}

#[test]
fn a_beat_without_budget_goes_by_the_distance_and_the_next_by_the_way() {
    let lattice = floor(60, 50, &[]);
    let guidance = Guidance::even(&lattice);
    let mut reach = Reach::new(&lattice, &guidance, LITTLE);
    let (from, goal) = (0, lattice.place_count() as u32 - 1);
    reach.begin(0);
    let rough = reach.to(&lattice, &guidance, goal, from);
    assert!(!rough.is_exact(from));
    reach.begin(1);
    let exact = reach.to(&lattice, &guidance, goal, from);
    assert!(exact.is_exact(from));
    assert!(rough.get(&lattice, from) <= exact.get(&lattice, from));
    assert_eq!(reach.estimate(&lattice, from, goal), exact.get(&lattice, from));
    // The budget is spent: the next goal has to wait.
    assert!(!reach.to(&lattice, &guidance, goal / 2, from).is_exact(from));
}

#[test]
fn tables_stay_within_their_memory_and_the_oldest_go_first() {
    let lattice = floor(60, 50, &[]);
    let guidance = Guidance::even(&lattice);
    let limit = 1 << 18;
    let table = 2 * lattice.state_count() + 1_024;
    let mut reach = Reach::new(&lattice, &guidance, limit);
    let states = lattice.state_count() as u32;
    for beat in 0..400 {
        reach.begin(u64::MAX);
        for ask in 0..3 {
            let goal = (beat * 37 + ask * 101) % lattice.place_count() as u32;
            reach.to(&lattice, &guidance, goal, (beat * 971 + ask * 13) % states);
            // One table may still be begun under the limit, with the prices that lead it.
            assert!(reach.bytes() <= limit + 2 * table, "{} bytes", reach.bytes());
        }
    }
    let last = (399 * 37) % lattice.place_count() as u32;
    assert!(matches!(reach.guess(&lattice, last), Prices::Whole(_) | Prices::Part(_)));
    assert!(matches!(reach.guess(&lattice, 0), Prices::Rough(_)));
}

#[test]
fn searches_that_begin_everywhere_leave_room_for_tables() {
    let lattice = floor(60, 50, &[]);
    let guidance = Guidance::even(&lattice);
    let limit = 1 << 18;
    let mut reach = Reach::new(&lattice, &guidance, limit);
    let places = lattice.place_count() as u32;
    for beat in 0..2_000 {
        reach.begin(u64::MAX);
        // Every place becomes one where searches begin often.
        let from = lattice.states(beat / 8 % places).start;
        let goal = (beat * 37 + 11) % places;
        assert!(
            reach.to(&lattice, &guidance, goal, from).is_exact(from),
            "beat {beat}: {} bytes",
            reach.bytes()
        );
    }
}
