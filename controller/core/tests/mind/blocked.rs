//! A robot that stands before something on its own way: the others go round, until it says otherwise or drives on.

use std::sync::Arc;

use drover_core::job::JobSpec;
use drover_core::{JobId, replay};
use drover_maps::Layout;
use drover_proto::vda5050::{Error, ErrorLevel, State};

use super::shell::{Shell, drawn, job, other, robot};

const CYCLE_MS: u64 = 500;

/// A straight way a-b-c-d with e beside b; from e to d the way over b and c is the shorter one, over f the longer.
fn site() -> Arc<Layout> {
    let nodes = [
        ("a", 0.0, 0.0),
        ("b", 30.0, 0.0),
        ("c", 60.0, 0.0),
        ("d", 90.0, 0.0),
        ("e", 30.0, 30.0),
        ("f", 60.0, 90.0),
    ];
    let edges = ["ab", "ba", "bc", "cb", "cd", "dc", "be", "eb", "ef", "fe", "fd", "df"];
    drawn(&nodes, &edges, &["C", "D"])
}

/// r1 stands at b and was told to drive to c; r2 stands at e, with a job at D.
fn meeting() -> Shell {
    let mut shell = Shell::on(site());
    shell.commit();
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    shell.obey();
    wait_a_cycle(&mut shell);
    shell.take_over();
    assert_eq!(shell.held(), ["b", "c"]);
    let second = State { last_node_id: "e".into(), ..State::default() };
    shell.tell(other(), 1, &second);
    shell.commit();
    let mut spec: JobSpec = job("J-2", None);
    (spec.legs[0].station, spec.fingerprint) = ("D".into(), 2);
    shell.submit(2, spec);
    shell.commit();
    wait_a_cycle(&mut shell);
    assert_eq!(shell.site.fleet().robots()[1].job(), Some(&JobId("J-2".into())));
    assert!(!way_of_second(&shell).contains(&"f".to_owned()), "{:?}", way_of_second(&shell));
    shell
}

fn wait_a_cycle(shell: &mut Shell) {
    shell.wait(CYCLE_MS);
    shell.commit();
}

/// Nodes released to r2, where it stands first, and planned for it.
fn way_of_second(shell: &Shell) -> Vec<String> {
    let fleet = shell.site.fleet();
    let second = &fleet.robots()[1];
    let steps = second.trail.steps.iter().map(|step| step.node);
    let nodes = steps.chain(second.claims.iter().map(|claim| claim.node));
    nodes.map(|node| fleet.layout().node(node).name.clone()).collect()
}

fn says(shell: &mut Shell, error: Option<Error>) {
    shell.state.errors = error.into_iter().collect();
    shell.hear();
    shell.commit();
}

fn blocked_on(key: &str, name: &str) -> Option<Error> {
    Some(Error::new("pathBlocked", ErrorLevel::Warning).about(key, name))
}

fn reported(shell: &Shell) -> Vec<String> {
    let fleet = shell.site.fleet();
    fleet.reported_edges().map(|(_, blocked)| fleet.layout().edge(blocked.edge).name.clone()).collect()
}

#[test]
fn others_go_round_within_one_planning_cycle_until_the_robot_says_otherwise() {
    let mut shell = meeting();
    says(&mut shell, blocked_on("edgeId", "bc"));
    assert_eq!(reported(&shell), ["bc"]);
    wait_a_cycle(&mut shell);
    assert_eq!(way_of_second(&shell)[..2], ["e", "f"]);
    let told =
        shell.alarms.iter().filter(|text| text.contains("acme/r1") && text.contains("edge bc")).count();
    assert_eq!(told, 1, "{:?}", shell.alarms);
    says(&mut shell, None);
    assert!(reported(&shell).is_empty());
    let replayed = replay(site(), shell.journal.clone().into_iter(), &mut |_, _, _| {});
    assert_eq!(replayed.expect("a whole journal").digest, shell.site.fleet().digest());
}

#[test]
fn a_node_of_its_way_means_the_edge_that_leads_to_it() {
    let mut shell = meeting();
    says(&mut shell, blocked_on("nodeId", "c"));
    assert_eq!(reported(&shell), ["bc"]);
}

#[test]
fn a_robot_closes_no_edge_but_one_of_the_way_it_holds() {
    for (key, name) in [
        ("edgeId", "ef"),
        ("edgeId", "cd"),
        ("edgeId", "cb"),
        ("nodeId", "b"),
        ("nodeId", "f"),
        ("edgeId", "zz"),
        ("orderId", "bc"),
    ] {
        let mut shell = meeting();
        says(&mut shell, blocked_on(key, name));
        assert!(reported(&shell).is_empty(), "{key} {name}");
    }
    let mut shell = meeting();
    says(&mut shell, Some(Error::new("batteryLow", ErrorLevel::Warning).about("edgeId", "bc")));
    assert!(reported(&shell).is_empty(), "an error of another kind");
    let both = blocked_on("edgeId", "ef").map(|error| error.about("edgeId", "bc"));
    says(&mut shell, both);
    assert_eq!(reported(&shell), ["bc"], "one edge, and only its own");
}

#[test]
fn an_edge_is_open_again_when_its_robot_drives_on() {
    let mut shell = meeting();
    says(&mut shell, blocked_on("edgeId", "bc"));
    shell.state.driving = true;
    shell.hear();
    shell.commit();
    assert!(reported(&shell).is_empty());
}

#[test]
fn an_edge_stays_closed_when_its_robot_falls_silent_and_over_a_restart() {
    let mut shell = meeting();
    says(&mut shell, blocked_on("edgeId", "bc"));
    shell.wait(60_000);
    shell.commit();
    assert!(shell.site.fleet().robots()[0].is_silent);
    assert_eq!(reported(&shell), ["bc"]);
    let shell = shell.crash();
    assert_eq!(reported(&shell), ["bc"]);
}

#[test]
fn a_robot_that_changes_its_mind_all_the_time_is_told_of_once_a_minute() {
    let mut shell = meeting();
    for _ in 0..50 {
        says(&mut shell, blocked_on("edgeId", "bc"));
        says(&mut shell, None);
    }
    let told = shell.alarms.iter().filter(|text| text.contains("is blocked")).count();
    assert_eq!(told, 1);
    assert_eq!(shell.site.fleet().robots()[0].name, robot());
}
