//! Forged floors: Exclusive, Covered, Conserved.

use super::*;

#[test]
fn exclusive_sees_outlines_that_overlap() {
    let mut forger = Forger::new();
    forger.oracle.looked(START, &[truth(0.0, 0.0), truth(0.89, 0.0)], &[]);
    assert!(forger.broken().contains(&"Exclusive"));
    let mut forger = Forger::new();
    forger.oracle.looked_at(START, 0, &truth(0.0, 0.0), &[(1, truth(0.0, 0.59))]);
    assert!(forger.broken().contains(&"Exclusive"));
}

#[test]
fn covered_sees_a_robot_beyond_its_decision_point() {
    let mut forger = Forger::new();
    forger.order(0, &order("o", 0, 0, "ABC", 2));
    forger.oracle.looked(START, &[truth(1.6, 0.0), truth(4.5, 0.0)], &[]);
    assert_eq!(forger.broken(), ["Covered"]);
}

#[test]
fn exclusive_sees_robots_that_meet_between_two_looks() {
    let mut forger = Forger::new();
    let later = START.plus_ms(200);
    forger.oracle.looked(START, &[truth(-2.0, 1.0), truth(2.0, 1.0)], &[]);
    forger.oracle.looked(later, &[truth(2.0, 1.0), truth(-2.0, 1.0)], &[]);
    assert!(forger.broken().contains(&"Exclusive"));
    assert!(forger.oracle.violations().iter().any(|found| found.text.contains("ms ago")));
}

#[test]
fn who_was_put_somewhere_by_hand_lies_or_is_gone_breaks_nothing() {
    let excuses = [
        Truth { moved_by_hand: true, ..truth(4.5, 0.3) },
        Truth { is_hostile: true, ..truth(4.5, 0.3) },
        Truth { is_off_floor: true, ..truth(4.5, 0.3) },
    ];
    for excused in excuses {
        let mut forger = Forger::new();
        forger.oracle.looked(START, &[excused.clone(), truth(4.5, 0.0)], &[]);
        // The excuse lasts until it stands on its own base again.
        forger.oracle.looked(START.plus_ms(200), &[truth(4.5, 0.3), truth(4.5, 0.0)], &[]);
        assert_eq!(forger.broken(), [""; 0], "{excused:?}");
        forger.oracle.looked(START.plus_ms(400), &[truth(0.0, 0.0), truth(4.5, 0.0)], &[]);
        forger.oracle.looked(START.plus_ms(600), &[truth(0.0, 0.3), truth(4.5, 0.0)], &[]);
        assert_eq!(forger.broken(), ["Covered"]);
    }
}

/// Job J1 takes load L from A to B.
fn with_load() -> Forger {
    let mut forger = Forger::new();
    forger.oracle.job_published(&spec("J1", None));
    let mut spec = spec("J1", None);
    spec.legs[0].load = Some(Load { id: "L".into(), load_type: None });
    forger.record(Event::JobSubmitted(Box::new(spec)), Vec::new());
    forger
}

fn loaded(x_m: f64) -> Truth {
    Truth { loads: vec!["L".into()], ..truth(x_m, 0.0) }
}

#[test]
fn conserved_follows_a_load_from_its_source_to_its_destination() {
    let mut forger = with_load();
    let looks = [loaded(0.0), loaded(1.5), truth(1.5, 0.0)];
    for look in looks {
        let breaches = forger.oracle.conserved.looked(0, &look, false, &row());
        assert!(breaches.is_empty(), "{breaches:?}");
    }
    let done = forger.notification(1, "J1", JobNews::Done);
    assert_eq!(forger.oracle.conserved.notified(&done, &forger.oracle.jobs, &row()), None);
}

#[test]
fn conserved_sees_a_load_in_two_places_at_the_wrong_one_or_not_there() {
    let mut forger = with_load();
    let mut look = |robot, truth: &Truth| forger.oracle.conserved.looked(robot, truth, false, &row()).len();
    assert_eq!(look(0, &loaded(3.0)), 1, "taken where it doesn't lie");
    assert_eq!(look(1, &loaded(0.0)), 1, "aboard two robots");
    assert_eq!(look(1, &Truth { loads: Vec::new(), ..truth(9.0, 9.0) }), 0, "taken by a person");
    assert_eq!(look(0, &truth(3.0, 0.0)) + look(0, &loaded(0.0)), 1, "taken elsewhere than it was left");
    let mut forger = with_load();
    forger.oracle.conserved.looked(0, &loaded(0.0), false, &row());
    let done = forger.notification(1, "J1", JobNews::Done);
    assert!(forger.oracle.conserved.notified(&done, &forger.oracle.jobs, &row()).is_some(), "still aboard");
}
