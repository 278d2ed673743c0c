//! Closed edges: robots go round within a planning cycle, and an edge that was closed for a time opens by itself.

use drover_core::{Wish, replay};

use super::shell::{Shell, round_about, under_way};

/// The longest time between two plans of so small a fleet, ms.
const CYCLE_MS: u64 = 500;

/// The node planned right beyond the decision point.
fn next(shell: &Shell) -> String {
    let fleet = shell.site.fleet();
    let claim = fleet.robots()[0].claims.front();
    claim.map(|claim| fleet.layout().node(claim.node).name.clone()).unwrap_or_default()
}

fn is_closed(shell: &Shell, edge: &str) -> bool {
    let fleet = shell.site.fleet();
    let edge = fleet.layout().edge_named(edge).expect("an edge of the test's layout");
    fleet.closed_edges().contains_key(&edge)
}

fn close(edge: &str) -> Wish {
    Wish::CloseEdges(vec![edge.into()])
}

fn close_for(edge: &str, for_ms: u64) -> Wish {
    Wish::CloseEdgesFor { edges: vec![edge.into()], for_ms }
}

#[test]
fn a_robot_under_way_goes_round_a_closed_edge_within_one_planning_cycle() {
    let mut shell = under_way();
    shell.wish(7, "", close("bc"));
    shell.wait(CYCLE_MS);
    shell.commit();
    assert_eq!(next(&shell), "e");
    shell.wish(8, "", Wish::OpenEdges(vec!["bc".into()]));
    shell.wait(CYCLE_MS);
    shell.commit();
    assert_eq!(next(&shell), "c", "and straight on when it is open again");
}

#[test]
fn an_edge_closed_for_a_time_opens_by_itself_and_it_is_written_down() {
    let mut shell = under_way();
    shell.wish(7, "", close_for("bc", 1_200));
    shell.wait(CYCLE_MS);
    shell.commit();
    assert_eq!(next(&shell), "e");
    shell.wait(CYCLE_MS);
    shell.commit();
    assert!(is_closed(&shell, "bc"));
    let due = shell.site.next_timeout().expect("a time");
    assert!(due.since_ms(shell.now) <= 200, "the end of the time is looked for");
    shell.wait(200);
    shell.commit();
    assert!(!is_closed(&shell, "bc"));
    shell.wait(CYCLE_MS);
    shell.commit();
    assert_eq!(next(&shell), "c");
    let entry = shell.site.fleet().audit().next_back().expect("an entry");
    assert_eq!((entry.action.as_str(), entry.subject.as_str()), ("edge.unblock", "bc"));
    assert!(entry.by.reason.contains("kim"), "{}", entry.by.reason);
    assert!(shell.alarms.iter().any(|text| text.contains("edge bc is open again")), "{:?}", shell.alarms);
    let replayed = replay(round_about(), shell.journal.clone().into_iter(), &mut |_, _, _| {});
    assert_eq!(replayed.expect("a whole journal").digest, shell.site.fleet().digest());
}

#[test]
fn a_time_that_ended_while_nobody_led_ends_at_the_start() {
    let mut shell = under_way();
    shell.wish(7, "", close_for("bc", 60_000));
    shell.now = shell.now.plus_ms(120_000);
    let mut shell = shell.crash();
    assert!(is_closed(&shell, "bc"));
    shell.wait(1);
    shell.commit();
    assert!(!is_closed(&shell, "bc"));
}

#[test]
fn of_two_blocks_of_one_edge_the_longer_one_holds() {
    for (first, second, until_ms) in [
        (close("bc"), close_for("bc", 10_000), None),
        (close_for("bc", 10_000), close("bc"), None),
        (close_for("bc", 90_000), close_for("bc", 10_000), Some(90_000)),
        (close_for("bc", 10_000), close_for("bc", 90_000), Some(90_000)),
    ] {
        let mut shell = under_way();
        shell.wish(7, "", first.clone());
        shell.wish(8, "", second.clone());
        let fleet = shell.site.fleet();
        let stop = fleet.closed_edges().values().next().expect("a closed edge");
        let lasts_ms = stop.until.map(|until| until.since_ms(stop.at));
        assert_eq!(lasts_ms, until_ms, "{first:?}, then {second:?}");
    }
}

#[test]
fn an_unknown_edge_is_refused_by_name_with_the_mend() {
    let mut shell = under_way();
    shell.wish(7, "", close_for("zz", 1_000));
    let (_, verdict) = shell.answers.last().expect("an answer");
    let drover_core::Verdict::Rejected { code, reason } = verdict else { panic!("{verdict:?}") };
    assert_eq!(*code, "UNKNOWN_EDGE");
    assert!(reason.contains("\"zz\"") && reason.contains("edgeId"), "{reason}");
    assert_eq!(shell.site.fleet().closed_edges().len(), 0);
}
