//! Forged journals: OnceOnly, Fifo, Acyclic, OneWriter, Replay.

use super::*;

#[test]
fn a_proper_history_breaks_nothing() {
    let mut forger = Forger::new();
    forger.oracle.job_published(&spec("J1", None));
    forger.submit("J1", None);
    forger.news("J1", JobNews::Accepted);
    forger.assign("J1", 0);
    forger.order(0, &with_action(order("o", 0, 0, "A", 1), "pick", "a1"));
    forger.news("J1", JobNews::Started);
    forger.order(0, &order("o", 1, 0, "ABC", 2));
    forger.oracle.looked(START, &[truth(0.7, 0.0), truth(4.5, 0.0)], &[]);
    forger.heard(0, "o", 1, "B", 2);
    forger.order(0, &with_action(order("o", 2, 2, "B", 1), "drop", "a2"));
    forger.news("J1", JobNews::Done);
    assert_eq!(forger.broken(), [""; 0], "{:#?}", forger.oracle.violations());
}

#[test]
fn once_only_sees_a_second_pick_and_a_second_end() {
    let mut forger = Forger::new();
    forger.oracle.job_published(&spec("J1", None));
    forger.submit("J1", None);
    forger.assign("J1", 0);
    forger.order(0, &with_action(order("o", 0, 0, "A", 1), "pick", "a1"));
    forger.order(0, &with_action(order("o", 1, 0, "A", 1), "pick", "a2"));
    assert_eq!(forger.broken(), ["OnceOnly"]);
    let mut forger = Forger::new();
    forger.news("J1", JobNews::Cancelled);
    forger.news("J1", JobNews::Done);
    assert_eq!(forger.broken(), ["OnceOnly"]);
}

/// J1 was picked at A and taken back; its load is put down at the end of this way.
fn returned(way: &str, released: usize) -> Forger {
    let mut forger = Forger::new();
    forger.oracle.job_published(&spec("J1", None));
    forger.submit("J1", None);
    forger.news("J1", JobNews::Accepted);
    forger.assign("J1", 0);
    forger.order(0, &with_action(order("o", 0, 0, "A", 1), "pick", "a1"));
    forger.news("J1", JobNews::LegDone { leg: 0, short: Vec::new() });
    forger.news("J1", JobNews::Cancelled);
    forger.order(0, &with_action(order("o", 1, 0, way, released), "drop", "a2"));
    forger
}

#[test]
fn a_load_may_be_put_down_once_where_it_was_picked_after_its_job_was_taken_back() {
    let mut forger = returned("A", 1);
    assert_eq!(forger.broken(), [""; 0], "{:#?}", forger.oracle.violations());
    forger.order(0, &with_action(order("o", 2, 0, "A", 1), "drop", "a3"));
    assert_eq!(forger.broken(), ["OnceOnly"], "not twice");
}

#[test]
fn once_only_sees_a_returned_load_put_down_elsewhere_and_work_after_the_end() {
    assert_eq!(returned("AB", 2).broken(), ["OnceOnly"]);
    let mut forger = returned("A", 1);
    forger.order(0, &with_action(order("o", 2, 0, "A", 1), "pick", "a3"));
    assert_eq!(forger.broken(), ["OnceOnly"]);
}

#[test]
fn once_only_sees_a_pick_at_the_wrong_place_and_a_job_done_without_its_drop() {
    let mut forger = Forger::new();
    forger.oracle.job_published(&spec("J1", None));
    forger.submit("J1", None);
    forger.assign("J1", 0);
    forger.order(0, &with_action(order("o", 0, 0, "AB", 2), "pick", "a1"));
    assert_eq!(forger.broken(), ["OnceOnly"]);
    let mut forger = Forger::new();
    forger.oracle.job_published(&spec("J1", None));
    forger.submit("J1", None);
    forger.news("J1", JobNews::Done);
    assert_eq!(forger.broken(), ["OnceOnly"]);
}

#[test]
fn once_only_sees_an_acknowledged_job_that_a_new_process_does_not_have() {
    let mut forger = Forger::new();
    forger.oracle.job_published(&spec("J1", None));
    forger.submit("J1", None);
    forger.oracle.job_acked(START, &JobId("J1".into()));
    forger.oracle.process_began(START, Epoch(2), Seq(forger.seq));
    assert_eq!(forger.broken(), [""; 0]);
    forger.oracle.process_began(START, Epoch(3), Seq(forger.seq - 1));
    assert_eq!(forger.broken(), ["OnceOnly", "OneWriter"]);
}

#[test]
fn fifo_sees_jobs_admitted_out_of_queue_order() {
    let mut forger = Forger::new();
    for job in ["J1", "J2"] {
        forger.oracle.job_published(&spec(job, None));
    }
    forger.submit("J2", None);
    assert_eq!(forger.broken(), ["Fifo"]);
}

#[test]
fn fifo_takes_a_job_that_is_published_or_handed_over_twice_as_one() {
    let mut forger = Forger::new();
    for job in ["J1", "J2", "J1", "J3"] {
        forger.oracle.job_published(&spec(job, None));
    }
    forger.submit("J1", None);
    forger.submit("J2", None);
    let again = Command::Ignore { job: JobId("J1".into()) };
    forger.record(Event::JobSubmitted(Box::new(spec("J1", None))), vec![again]);
    forger.submit("J3", None);
    assert_eq!(forger.broken(), [""; 0], "{:#?}", forger.oracle.violations());
}

#[test]
fn acyclic_sees_two_robots_released_into_each_other() {
    let mut forger = Forger::new();
    let way = |id, update, first, way| Box::new(recorded(&order(id, update, first, way, 2)));
    let release = |robot, order| Command::Release { robot: RobotId(robot), order };
    forger.record(Event::Tick, vec![release(0, way("o", 0, 0, "AB")), release(1, way("p", 0, 0, "DC"))]);
    assert_eq!(forger.broken(), [""; 0]);
    forger.record(Event::Tick, vec![release(0, way("o", 1, 2, "BC")), release(1, way("p", 1, 2, "CB"))]);
    assert_eq!(forger.broken(), ["Acyclic"]);
}

#[test]
fn acyclic_sees_a_circle_of_horizons_but_not_a_queue() {
    let begin = || {
        let mut forger = Forger::new();
        let way = |id, way| Box::new(recorded(&order(id, 0, 0, way, 2)));
        let release = |robot, order| Command::Release { robot: RobotId(robot), order };
        forger.record(Event::Tick, vec![release(0, way("o", "AB")), release(1, way("p", "DC"))]);
        forger
    };
    // Both at once mean to go where the other's base ends; or one follows the other.
    for (theirs, is_circle) in [("CB", true), ("CD", false)] {
        let mut forger = begin();
        let way = |id, way| Box::new(recorded(&order(id, 1, 2, way, 1)));
        let release = |robot, order| Command::Release { robot: RobotId(robot), order };
        forger.record(Event::Tick, vec![release(0, way("o", "BC")), release(1, way("p", theirs))]);
        assert_eq!(forger.broken().contains(&"Acyclic"), is_circle, "{:#?}", forger.oracle.violations());
    }
}

#[test]
fn one_writer_sees_an_epoch_that_falls_and_a_word_of_an_older_one() {
    let mut forger = Forger::new();
    forger.oracle.process_began(START, Epoch(2), Seq(forger.seq));
    forger.epoch = 2;
    forger.record(Event::Tick, Vec::new());
    forger.oracle.acts(Epoch(1));
    assert_eq!(forger.broken(), [""; 0]);
    forger.oracle.instant_sent(START, 0, &InstantActions::default());
    assert_eq!(forger.broken(), ["OneWriter"]);
    forger.oracle.acts(Epoch(2));
    forger.epoch = 1;
    let before = forger.oracle.violations().len();
    forger.record(Event::Tick, Vec::new());
    assert_eq!(forger.oracle.violations().len(), before + 1);
}

#[test]
fn one_writer_sees_news_with_a_gap_or_another_body_and_an_early_acknowledgement() {
    let told = |n: u64, job: &str| {
        let mut forger = Forger::new();
        forger.news("J1", JobNews::Assigned);
        let notification = forger.notification(n, job, JobNews::Assigned);
        forger.oracle.notified(START, &notification);
        forger.broken().contains(&"OneWriter")
    };
    assert!(!told(1, "J1"), "a repeat");
    assert!(told(1, "J2") && told(2, "J1"));
    let mut forger = Forger::new();
    forger.oracle.job_acked(START, &JobId("J1".into()));
    assert_eq!(forger.broken(), ["OneWriter"]);
}

#[test]
fn one_writer_sees_a_message_that_says_more_than_its_record() {
    let mut forger = Forger::new();
    let command = |order: &Order| Command::Release { robot: RobotId(0), order: Box::new(recorded(order)) };
    forger.record(Event::Tick, vec![command(&order("o", 0, 0, "ABC", 2))]);
    forger.sent(0, &order("o", 0, 0, "ABC", 3));
    assert_eq!(forger.broken(), ["OneWriter"]);
}

#[test]
fn fifo_sees_a_sequence_overtaken_at_each_milestone() {
    let begin = || {
        let mut forger = Forger::new();
        for job in ["J1", "J2"] {
            forger.oracle.job_published(&spec(job, Some("TRUCK")));
            forger.submit(job, Some("TRUCK"));
        }
        forger
    };
    let mut forger = begin();
    forger.news("J2", JobNews::Started);
    assert_eq!(forger.broken(), ["Fifo"]);
    let mut forger = begin();
    forger.assign("J2", 0);
    forger.order(0, &with_action(order("o", 0, 0, "A", 1), "pick", "a1"));
    assert_eq!(forger.broken(), [""; 0]);
    forger.order(0, &with_action(order("o", 1, 0, "AB", 2), "drop", "a2"));
    assert_eq!(forger.broken(), ["Fifo"]);
    let mut forger = begin();
    forger.news("J2", JobNews::Done);
    assert!(forger.broken().contains(&"Fifo"));
}

#[test]
fn one_writer_sees_what_leaves_before_its_record() {
    let mut forger = Forger::new();
    forger.oracle.order_sent(START, 0, &order("o", 0, 0, "AB", 2));
    assert_eq!(forger.broken(), ["OneWriter"]);
    let mut forger = Forger::new();
    forger.seq += 1;
    forger.record(Event::Tick, Vec::new());
    assert_eq!(forger.broken(), ["OneWriter"]);
}

#[test]
fn replay_sees_another_digest() {
    let mut forger = Forger::new();
    forger.oracle.replayed(Time(0), std::iter::empty(), Digest([7; 16]));
    assert_eq!(forger.broken(), ["Replay"]);
}
