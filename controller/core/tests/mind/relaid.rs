//! A new layout takes the place of the present one while robots drive: where nothing is reserved at once, else when the
//! region has drained. Jobs and history survive it, and a replay goes the same way.

use std::sync::Arc;

use drover_core::{Config, Epoch, Fleet, JobNews, Site, Verdict, Wish, replay};
use drover_maps::Layout;

use super::shell::{ROUND_EDGES, ROUND_NODES, Shell, drawn, other, position, robot, round_about, under_way};

/// Longer than a plan waits, ms.
const CYCLE_MS: u64 = 500;

/// The same, with this node elsewhere. A new one comes first, so that every id is another.
fn with(name: &str, x: f64, y: f64) -> Arc<Layout> {
    let mut nodes = ROUND_NODES.to_vec();
    nodes.iter_mut().filter(|node| node.0 == name).for_each(|node| (node.1, node.2) = (x, y));
    nodes.insert(0, ("n", 0.0, -8.0));
    let edges: Vec<&str> = ["an", "na"].into_iter().chain(ROUND_EDGES).collect();
    drawn(&nodes, &edges, &["A", "C"])
}

fn is_on(shell: &Shell, layout: &Layout) -> bool {
    shell.site.fleet().layout().fingerprint() == layout.fingerprint()
}

fn finish(shell: &mut Shell) {
    for _ in 0..20 {
        shell.obey();
        shell.wait(CYCLE_MS);
        shell.commit();
    }
    assert!(shell.notes.iter().any(|note| note.what == JobNews::Done), "{:?}", shell.notes);
}

fn replays(shell: &Shell) {
    let done = replay(shell.layouts.clone(), shell.journal.clone().into_iter(), &mut |_, _, _| {});
    assert_eq!(done.expect("a whole journal").digest, shell.site.fleet().digest());
}

#[test]
fn where_nothing_is_reserved_the_layout_is_swapped_at_once_and_the_job_goes_on() {
    let mut shell = under_way();
    let after = with("f", 18.0, 8.0);
    shell.relay(7, &after);
    assert_eq!(shell.answers.last().map(|(_, verdict)| verdict.clone()), Some(Verdict::Accepted));
    assert!(is_on(&shell, &after));
    assert_eq!(shell.held(), ["a", "b"], "what the robot holds is the same by name");
    assert!(shell.alarms.iter().any(|text| text.contains("is in use")), "{:?}", shell.alarms);
    let entry = shell.site.fleet().audit().next_back().expect("an entry");
    assert_eq!((entry.action.as_str(), entry.refused.as_deref()), ("layout.change", None));
    finish(&mut shell);
    replays(&shell);
}

#[test]
fn a_region_drains_first_and_whoever_is_in_it_drives_on_and_out() {
    let mut shell = under_way();
    let after = with("b", 8.0, 1.0);
    shell.relay(7, &after);
    assert!(!is_on(&shell, &after), "b is held");
    let pending = shell.site.fleet().pending_layout().expect("a pending change");
    assert_eq!((pending.fingerprint, pending.by.as_str()), (after.fingerprint(), "kim"));
    let waits = shell.site.fleet().layout_waits_for();
    assert!(waits.iter().any(|text| text.contains("acme/r1 holds b")), "{waits:?}");
    let mut shell = shell.crash();
    assert!(shell.site.fleet().pending_layout().is_some(), "a start goes on with it");
    shell.hear();
    shell.commit();
    shell.wait(CYCLE_MS);
    shell.commit();
    shell.obey();
    for _ in 0..20 {
        if is_on(&shell, &after) {
            break;
        }
        shell.wait(CYCLE_MS);
        shell.commit();
        shell.obey();
    }
    assert!(is_on(&shell, &after));
    assert_eq!(shell.held(), ["c"]);
    finish(&mut shell);
    replays(&shell);
}

#[test]
fn nobody_is_released_into_a_region_that_drains_and_nothing_of_it_is_shown() {
    let mut shell = under_way();
    // A person drives a second one.
    let mut at_c = vda_state("c", 16.0, 0.0);
    at_c.operating_mode = drover_proto::vda5050::OperatingMode::Manual;
    shell.tell(other(), 1, &at_c);
    shell.commit();
    let after = with("c", 16.5, 0.0);
    shell.relay(7, &after);
    for id in 2..20 {
        shell.obey();
        shell.wait(CYCLE_MS);
        shell.tell(other(), id, &at_c);
        shell.commit();
    }
    assert!(!is_on(&shell, &after), "a robot stands in it that we don't drive");
    assert!(!shell.held().contains(&"c".to_owned()), "{:?}", shell.held());
    let last = shell.orders.last().expect("an order");
    assert!(last.nodes.iter().all(|node| node.node_id != "c"), "{:?}", last.nodes);
    assert!(!shell.alarms.iter().any(|text| text.contains("still waits")), "{:?}", shell.alarms);
    for _ in 0..130 {
        shell.wait(CYCLE_MS);
        shell.commit();
    }
    let told: Vec<_> = shell.alarms.iter().filter(|text| text.contains("still waits")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("acme/r2 holds c") && told[0].contains("release it"), "{told:?}");
    shell.wish(8, "", Wish::ReleaseRobots(vec![other()]));
    shell.wait(CYCLE_MS);
    shell.commit();
    assert!(
        is_on(&shell, &after),
        "a person's word lets it go on: {:?}",
        shell.site.fleet().layout_waits_for()
    );
    replays(&shell);
}

fn vda_state(node: &str, x: f64, y: f64) -> drover_proto::vda5050::State {
    drover_proto::vda5050::State {
        last_node_id: node.into(),
        agv_position: position(x, y),
        ..drover_proto::vda5050::State::default()
    }
}

#[test]
fn a_layout_without_the_station_of_an_open_job_is_refused_with_what_and_the_mend() {
    let mut shell = under_way();
    let after = drawn(&ROUND_NODES, &ROUND_EDGES, &["A"]);
    shell.relay(7, &after);
    let (_, verdict) = shell.answers.last().expect("an answer");
    let Verdict::Rejected { code, reason } = verdict else { panic!("{verdict:?}") };
    assert_eq!(*code, "LAYOUT_UNFIT");
    assert!(reason.contains("J-1") && reason.contains("\"C\"") && reason.contains("cancel"), "{reason}");
    assert!(shell.site.fleet().pending_layout().is_none());
    finish(&mut shell);
    shell.relay(8, &after);
    assert!(
        shell.site.fleet().pending_layout().is_none() || !is_on(&shell, &round_about()),
        "then it may come"
    );
    replays(&shell);
}

#[test]
fn the_file_put_back_takes_a_pending_change_back() {
    let mut shell = under_way();
    shell.relay(7, &with("b", 8.0, 1.0));
    assert!(shell.site.fleet().pending_layout().is_some());
    shell.relay(8, &round_about());
    assert!(shell.site.fleet().pending_layout().is_none() && is_on(&shell, &round_about()));
    finish(&mut shell);
    replays(&shell);
}

#[test]
fn a_snapshot_after_a_change_is_restored_on_the_new_layout_alone() {
    let mut shell = under_way();
    let after = with("f", 18.0, 8.0);
    shell.relay(7, &after);
    let fleet = shell.site.fleet();
    let snapshot = fleet.snapshot();
    let restored = Fleet::restore(Arc::clone(&after), &snapshot).expect("its own layout");
    assert_eq!(restored.digest(), fleet.digest());
    Fleet::restore(round_about(), &snapshot).expect_err("the one before");
    let needed = drover_core::layouts_needed(Some(&snapshot), &shell.journal);
    assert!(needed.contains(&after.fingerprint()), "{needed:?}");
    let absent = Site::restore(round_about(), Config::default(), Epoch(2), None, &shell.journal, shell.now);
    assert!(absent.expect_err("a layout is absent").to_string().contains("isn't kept"));
    assert_eq!(robot().serial, "r1");
}
