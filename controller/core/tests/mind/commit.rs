//! The order of things: step, append, and only then answer, publish and tell.

use drover_core::{Effect, Input, JobNews, Ticket, Verdict};

use crate::shell::{Shell, job};

#[test]
fn nothing_leaves_before_its_commit() {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.submit(7, job("J-1", None));
    shell.wait(1_000);
    assert_eq!((shell.answers.len(), shell.orders.len(), shell.notes.len()), (0, 0, 0));
    shell.commit();
    assert_eq!(shell.answers, [(Ticket(7), Verdict::Accepted)]);
    assert_eq!(shell.orders.len(), 1);
    assert!(shell.notes.iter().any(|note| note.what == JobNews::Accepted));
}

#[test]
fn a_crash_before_the_commit_forgets_the_job_and_one_after_it_goes_on() {
    let mut shell = Shell::new();
    shell.commit();
    shell.submit(1, job("J-1", None));
    let mut shell = shell.crash();
    shell.commit();
    assert_eq!(shell.site.fleet().jobs().count(), 0, "the broker will deliver it again");
    shell.submit(2, job("J-1", None));
    shell.commit();
    let mut shell = shell.crash();
    shell.wait(1);
    assert_eq!(shell.site.fleet().jobs().count(), 1);
    assert!(shell.notes.iter().any(|note| note.n == 1), "what the broker hasn't confirmed goes out again");
}

#[test]
fn after_a_crash_the_robot_is_asked_and_told_the_same_again() {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.commit();
    shell.submit(1, job("J-1", None));
    shell.commit();
    let told = shell.orders.last().expect("an order").clone();
    let mut shell = shell.crash();
    shell.commit();
    shell.connect();
    assert_eq!(shell.asked, ["stateRequest"]);
    assert!(shell.orders.is_empty(), "nothing is sent before the robot has spoken");
    shell.hear();
    shell.commit();
    let again = shell.orders.last().expect("the same order again");
    assert_eq!((&again.nodes, &again.edges), (&told.nodes, &told.edges));
    assert_eq!((&again.order_id, again.order_update_id), (&told.order_id, told.order_update_id));
}

#[test]
fn a_message_that_no_state_shows_is_sent_again_and_one_that_is_shown_is_not() {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    assert_eq!(shell.orders.len(), 1);
    shell.wait(1_000);
    shell.commit();
    assert_eq!(shell.orders.len(), 1);
    shell.wait(3_000);
    shell.commit();
    assert_eq!(shell.orders.len(), 2);
    assert_eq!(shell.orders[0].nodes, shell.orders[1].nodes);
    shell.obey();
    let sent = shell.orders.iter().filter(|order| order.order_update_id == 0).count();
    shell.wait(10_000);
    shell.commit();
    assert_eq!(shell.orders.iter().filter(|order| order.order_update_id == 0).count(), sent);
}

#[test]
fn a_job_is_driven_to_its_end_and_the_journal_replays_to_the_same_digest() {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    for _ in 0..6 {
        shell.obey();
        shell.wait(600);
        shell.commit();
    }
    assert!(shell.notes.iter().any(|note| note.what == JobNews::Done), "{:?}", shell.notes);
    let numbers: Vec<u64> = shell.notes.iter().map(|note| note.n).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let replayed =
        drover_core::replay(crate::shell::row(), shell.journal.clone().into_iter(), &mut |_, _, _| {})
            .expect("the same");
    assert_eq!(replayed.digest, shell.site.fleet().digest());
    assert_eq!(replayed.seq, shell.site.seq());
}

#[test]
fn a_changed_journal_does_not_replay() {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    let mut journal = shell.journal.clone();
    journal.remove(0);
    drover_core::replay(crate::shell::row(), journal.into_iter(), &mut |_, _, _| {}).expect_err("a gap");
    let mut journal = shell.journal.clone();
    let commands = journal.iter_mut().flat_map(|record| &mut record.entries).map(|entry| &mut entry.commands);
    commands.filter(|commands| !commands.is_empty()).for_each(Vec::clear);
    drover_core::replay(crate::shell::row(), journal.into_iter(), &mut |_, _, _| {})
        .expect_err("other commands");
    let mut journal = shell.journal.clone();
    journal[0].epoch = drover_core::Epoch(9);
    drover_core::replay(crate::shell::row(), journal.into_iter(), &mut |_, _, _| {})
        .expect_err("an epoch that falls");
    let (mut bytes, checksum) = shell.journal[0].encode();
    bytes[3] ^= 1;
    drover_core::Record::decode(&bytes, checksum).expect_err("a flipped bit");
}

#[test]
fn confirmed_notifications_are_not_told_again() {
    let mut shell = Shell::new();
    shell.commit();
    shell.submit(1, job("J-1", None));
    shell.commit();
    shell.give(Input::EventConfirmed { n: 1 });
    shell.wait(2_000);
    shell.commit();
    let mut effects = Vec::new();
    let mut again = shell.crash();
    again.site.receive(again.now, Input::Clock, &mut effects);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Notify(_))));
}

#[test]
fn a_fenced_site_says_nothing_more_whatever_comes_in() {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.submit(1, job("J-1", None));
    let in_flight = shell.in_flight.take().expect("an append");
    shell.give(Input::Fenced);
    shell.give(Input::Committed { seq_to: in_flight.seq_to });
    shell.hear();
    shell.wait(60_000);
    assert!(shell.site.is_deposed() && shell.in_flight.is_none());
    assert_eq!((shell.answers.len(), shell.orders.len(), shell.notes.len()), (0, 0, 0));
    assert_eq!(shell.site.next_timeout(), None);
}
