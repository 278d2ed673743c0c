//! The life of a job when it doesn't go as ordered: taken back, changed, short, overdue, without a way, broken down.

use drover_core::dispatch::policy::Name;
use drover_core::job::{JobRequest, JobSpec, JobState, LegSpec, Short};
use drover_core::load::Load;
use drover_core::robot::{Phase, Task};
use drover_core::{Caller, Input, JobId, JobNews, Ticket, Verdict, Wish, check};
use drover_maps::Layout;
use drover_proto::vda5050::{Action, Error, ErrorLevel, Order, State};
use std::sync::Arc;

use super::shell::{Shell, compiled, job, other, position, robot};

const NODES: [(&str, f64, f64); 5] =
    [("a", 0.0, 0.0), ("b", 8.0, 0.0), ("c", 16.0, 0.0), ("d", 8.0, 8.0), ("e", 8.0, -8.0)];
const EDGES: [&str; 8] = ["ab", "ba", "bc", "cb", "bd", "db", "be", "eb"];

/// A row a, b, c with bays d and e beside b, 8 m each; A, C and E are stations. Nobody is told more than one of the edges.
fn floor(site: &str) -> Arc<Layout> {
    compiled(&NODES, &EDGES, &["A", "C", "E"], Some(site))
}

/// Picks T at A and drops it at C.
fn carry(id: &str, sequence: Option<&str>) -> JobSpec {
    let mut spec = job(id, sequence);
    spec.legs.insert(0, leg("A", "pick"));
    spec
}

fn leg(station: &str, action: &str) -> LegSpec {
    let load = (action == "pick").then(|| Load { id: "T".into(), load_type: Some("tote".into()) });
    let action = Some(drover_core::job::ActionSpec { name: action.into(), parameters: vec![] });
    LegSpec { station: station.into(), action, load, dwell_ms: 0, lines: 0 }
}

fn with(site: &str, spec: JobSpec) -> Shell {
    let mut shell = Shell::on(floor(site));
    shell.commit();
    shell.hear();
    shell.submit(1, spec);
    shell.commit();
    pass(&mut shell);
    shell
}

/// The same, and the robot stands at its first station: what it is to do there is told, and not done.
fn begun(site: &str, spec: JobSpec) -> Shell {
    let mut shell = with(site, spec);
    until(&mut shell, |shell| {
        let phase = &shell.site.fleet().robots()[0].task;
        !told(shell).is_empty() || matches!(phase, Task::Job { phase: Phase::Confirm, .. })
    });
    shell
}

fn pass(shell: &mut Shell) {
    for _ in 0..4 {
        shell.wait(600);
        shell.commit();
    }
    let broken = check::violations(shell.site.fleet());
    assert!(broken.is_empty(), "{broken:?}");
}

/// The robot does all it is told until this is so.
fn until(shell: &mut Shell, is_so: impl Fn(&Shell) -> bool) {
    for _ in 0..24 {
        if is_so(shell) {
            return;
        }
        shell.obey_if_told();
        pass(shell);
    }
    panic!("never: {:?} {:?}", shell.alarms, shell.site.fleet().robots()[0].task);
}

fn cancel(shell: &mut Shell, id: &str) -> Verdict {
    let request = JobRequest::Cancel(JobId(id.into()));
    shell.give(Input::Job { ticket: Some(Ticket(7)), request, by: None });
    shell.commit();
    shell.answers.last().expect("an answer").1.clone()
}

fn short(shell: &mut Shell, leg: usize, line: u32, quantity_milli: u64) -> Verdict {
    let short = Short { leg, line, quantity_milli, reason: "broken".into() };
    let by = Caller { name: "kim".into(), ..Caller::default() };
    shell.give(Input::ShortPick { ticket: Some(Ticket(8)), job: JobId("J-1".into()), short, by });
    shell.commit();
    shell.answers.last().expect("an answer").1.clone()
}

fn code(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Rejected { code, .. } => Some(code),
        Verdict::Accepted | Verdict::Ignored => None,
    }
}

fn state(shell: &Shell, id: &str) -> JobState {
    shell.site.fleet().job(&JobId(id.into())).expect("the job").state.clone()
}

fn load(shell: &Shell) -> Option<&str> {
    shell.site.fleet().robots()[0].load.as_deref()
}

fn is_idle(shell: &Shell) -> bool {
    shell.site.fleet().robots()[0].task == Task::Idle
}

fn aboard(shell: &Shell) -> bool {
    load(shell).is_some() && shell.state.node_states.is_empty()
}

/// Node and action of everything it was told to do, in order.
fn told(shell: &Shell) -> Vec<(String, Action)> {
    let nodes = shell.orders.iter().flat_map(|order: &Order| &order.nodes).filter(|node| node.released);
    let mut all: Vec<(String, Action)> = nodes
        .flat_map(|node| node.actions.iter().map(|action| (node.node_id.clone(), action.clone())))
        .collect();
    all.dedup_by(|a, b| a.1.action_id == b.1.action_id);
    all
}

fn places(shell: &Shell) -> Vec<(String, String)> {
    told(shell).into_iter().map(|(node, action)| (node, action.action_type)).collect()
}

fn is(node: &str, action: &str) -> (String, String) {
    (node.to_owned(), action.to_owned())
}

fn ends(shell: &Shell) -> Vec<&JobNews> {
    let is_end =
        |news: &&JobNews| matches!(news, JobNews::Done | JobNews::Failed { .. } | JobNews::Cancelled);
    shell.notes.iter().map(|note| &note.what).filter(is_end).collect()
}

fn alarmed(shell: &Shell, words: &str) -> usize {
    shell.alarms.iter().filter(|text| text.contains(words)).count()
}

fn blocked(shell: &Shell) -> Vec<&str> {
    shell.notes.iter().filter_map(|note| reason(&note.what)).collect()
}

fn reason(news: &JobNews) -> Option<&str> {
    if let JobNews::Blocked { reason } = news { Some(reason) } else { None }
}

#[test]
fn a_load_aboard_goes_back_to_where_it_was_picked() {
    let mut shell = begun("", carry("J-1", None));
    until(&mut shell, aboard);
    assert_eq!(code(cancel(&mut shell, "J-1")), None);
    assert_eq!(state(&shell, "J-1"), JobState::Cancelled);
    assert_eq!(ends(&shell), [&JobNews::Cancelled], "at once, for the customer");
    assert_eq!(load(&shell), Some("T"));
    until(&mut shell, is_idle);
    assert_eq!(load(&shell), None);
    let told = told(&shell);
    assert_eq!(places(&shell), [is("a", "pick"), is("a", "drop")]);
    let parameters = &told[1].1.action_parameters;
    let value = |key: &str| parameters.iter().find(|one| one.key == key).map(|one| one.value.to_string());
    assert_eq!(value("loadId").as_deref(), Some("\"T\""), "{parameters:?}");
    assert_eq!(value("stationName").as_deref(), Some("\"A\""), "{parameters:?}");
}

#[test]
fn where_the_site_names_a_station_for_it_the_load_goes_there() {
    let mut shell = begun("[returns]\nstation = \"E\"\n", carry("J-1", None));
    until(&mut shell, aboard);
    cancel(&mut shell, "J-1");
    until(&mut shell, is_idle);
    assert_eq!(places(&shell), [is("a", "pick"), is("e", "drop")]);
}

#[test]
fn nobody_takes_a_return_back_and_an_ended_job_stays_ended() {
    let mut shell = begun("", carry("J-1", None));
    until(&mut shell, aboard);
    cancel(&mut shell, "J-1");
    let task = shell.site.fleet().robots()[0].task.clone();
    assert!(matches!(cancel(&mut shell, "J-1"), Verdict::Ignored));
    assert_eq!(shell.site.fleet().robots()[0].task, task);
    let mut shell = with("", job("J-1", None));
    until(&mut shell, is_idle);
    assert_eq!(code(cancel(&mut shell, "J-1")), Some("TOO_LATE"));
}

#[test]
fn a_pick_that_was_told_is_let_finish_and_then_the_load_goes_back() {
    let mut shell = begun("", carry("J-1", None));
    assert_eq!(places(&shell), [is("a", "pick")], "told, and not done yet");
    assert_eq!(code(cancel(&mut shell, "J-1")), None);
    assert_eq!(state(&shell, "J-1"), JobState::Cancelled);
    pass(&mut shell);
    assert_eq!(places(&shell).len(), 1, "nothing new while it runs");
    until(&mut shell, is_idle);
    assert_eq!(places(&shell), [is("a", "pick"), is("a", "drop")]);
    assert_eq!(load(&shell), None);
}

#[test]
fn a_pick_that_fails_after_the_cancel_leaves_the_robot_free() {
    let mut shell = begun("", carry("J-1", None));
    cancel(&mut shell, "J-1");
    shell.obey_badly();
    pass(&mut shell);
    assert!(is_idle(&shell) && load(&shell).is_none(), "{:?}", shell.alarms);
    assert_eq!(ends(&shell), [&JobNews::Cancelled]);
}

#[test]
fn a_drop_that_was_told_is_let_finish_and_the_operator_knows_where_the_load_lies() {
    let mut shell = begun("", carry("J-1", None));
    until(&mut shell, |shell| places(shell).contains(&is("c", "drop")));
    cancel(&mut shell, "J-1");
    until(&mut shell, is_idle);
    assert_eq!(places(&shell), [is("a", "pick"), is("c", "drop")]);
    assert_eq!(load(&shell), None);
    assert_eq!(alarmed(&shell, "lies there"), 1, "{:?}", shell.alarms);
}

#[test]
fn a_drop_that_fails_after_the_cancel_sends_the_load_back() {
    let mut shell = begun("", carry("J-1", None));
    until(&mut shell, |shell| places(shell).contains(&is("c", "drop")));
    cancel(&mut shell, "J-1");
    shell.obey_badly();
    pass(&mut shell);
    until(&mut shell, is_idle);
    assert_eq!(places(&shell), [is("a", "pick"), is("c", "drop"), is("a", "drop")]);
}

#[test]
fn a_drop_nobody_knows_the_end_of_is_never_ordered_again() {
    let mut shell = begun("", carry("J-1", None));
    until(&mut shell, |shell| places(shell).contains(&is("c", "drop")));
    cancel(&mut shell, "J-1");
    shell.take_over();
    shell.forgets_at("c");
    pass(&mut shell);
    assert_eq!(places(&shell).len(), 2);
    assert!(is_idle(&shell) && load(&shell) == Some("T"), "it is given nothing until a person has looked");
    assert_eq!(alarmed(&shell, "nobody knows"), 1, "{:?}", shell.alarms);
}

#[test]
fn a_return_that_fails_is_tried_again_and_then_a_persons() {
    let mut shell = begun("", carry("J-1", None));
    until(&mut shell, aboard);
    cancel(&mut shell, "J-1");
    for tries in 1..=3 {
        until(&mut shell, |shell| places(shell).len() == 1 + tries);
        shell.obey_badly();
        shell.wait(31_000);
        shell.commit();
        pass(&mut shell);
    }
    assert_eq!(places(&shell).len(), 4);
    assert!(is_idle(&shell) && load(&shell) == Some("T"));
    assert_eq!((alarmed(&shell, "tries again"), alarmed(&shell, "needs a person")), (2, 1));
    shell.wish(9, "k", Wish::UnloadRobots(vec![robot()]));
    assert_eq!(load(&shell), None);
    shell.wish(10, "l", Wish::UnloadRobots(vec![robot()]));
    assert_eq!(code(shell.answers.last().expect("an answer").1.clone()), Some("NOT_LOADED"));
}

#[test]
fn a_return_waits_while_its_station_is_taken_and_the_operator_is_told() {
    let mut shell = begun("", carry("J-1", None));
    until(&mut shell, |shell| places(shell).contains(&is("c", "drop")));
    // A second robot stands at A and can't be moved.
    let second = State {
        last_node_id: "a".into(),
        agv_position: position(0.0, 0.0),
        safety_state: shell.state.safety_state,
        operating_mode: drover_proto::vda5050::OperatingMode::Manual,
        ..State::default()
    };
    shell.tell(other(), 1, &second);
    shell.commit();
    cancel(&mut shell, "J-1");
    shell.obey_badly();
    for round in 2..6 {
        shell.wait(31_000);
        shell.hear();
        shell.tell(other(), round, &second);
        shell.commit();
    }
    assert_eq!(load(&shell), Some("T"), "{:?}", shell.alarms);
    assert_eq!(alarmed(&shell, "isn't back at A yet"), 1, "{:?}", shell.alarms);
}

#[test]
fn the_sequence_goes_on_while_the_load_goes_back() {
    let mut shell = begun("", carry("J-1", Some("S")));
    until(&mut shell, aboard);
    shell.submit(2, JobSpec { fingerprint: 2, ..job("J-2", Some("S")) });
    cancel(&mut shell, "J-1");
    let sequence = shell.site.fleet().sequence("S").expect("it goes on");
    assert_eq!(sequence.members, [JobId("J-2".into())]);
    until(&mut shell, |shell| state(shell, "J-2") == JobState::Done);
    assert_eq!(places(&shell), [is("a", "pick"), is("a", "drop"), is("c", "drop")]);
}

#[test]
fn a_job_that_awaits_a_hand_with_its_load_aboard_can_be_taken_back() {
    let site = "[[action]]\ntype = \"drop\"\non_failure = [\"operator\"]\n";
    let mut shell = begun(site, carry("J-1", None));
    until(&mut shell, |shell| places(shell).contains(&is("c", "drop")));
    shell.obey_badly();
    pass(&mut shell);
    assert_eq!(alarmed(&shell, "by hand"), 1);
    assert_eq!(code(cancel(&mut shell, "J-1")), None);
    until(&mut shell, is_idle);
    assert_eq!(places(&shell), [is("a", "pick"), is("c", "drop"), is("a", "drop")]);
}

#[test]
fn a_person_who_takes_the_load_off_ends_the_return() {
    let mut shell = begun("", carry("J-1", None));
    until(&mut shell, aboard);
    cancel(&mut shell, "J-1");
    shell.wish(9, "k", Wish::UnloadRobots(vec![robot()]));
    assert_eq!(load(&shell), None);
    shell.obey();
    pass(&mut shell);
    assert_eq!(alarmed(&shell, "isn't aboard any more"), 1, "{:?}", shell.alarms);
    assert!(is_idle(&shell));
}

#[test]
fn a_restart_goes_on_with_the_return() {
    let mut shell = begun("", carry("J-1", None));
    until(&mut shell, aboard);
    cancel(&mut shell, "J-1");
    let digest = shell.site.fleet().digest();
    let mut shell = shell.crash();
    assert_eq!(shell.site.fleet().digest(), digest);
    shell.commit();
    shell.connect();
    shell.hear();
    shell.commit();
    pass(&mut shell);
    for _ in 0..8 {
        shell.obey_if_told();
        pass(&mut shell);
    }
    assert!(is_idle(&shell) && load(&shell).is_none(), "{:?}", shell.site.fleet().robots()[0].task);
}

#[test]
fn a_new_priority_after_assignment_changes_who_goes_first() {
    let mut shell = Shell::by(Name::of("planning").expect("a policy"), floor(""));
    shell.commit();
    shell.hear();
    shell.submit(1, JobSpec { fingerprint: 2, ..carry_from("E", "J-1") });
    shell.commit();
    assert!(state(&shell, "J-1").robot().is_some());
    shell.submit(2, carry_from("C", "J-2"));
    shell.commit();
    assert_eq!(state(&shell, "J-2"), JobState::Queued);
    let request = JobRequest::Update { job: JobId("J-2".into()), due_at: None, priority: Some(9) };
    shell.give(Input::Job { ticket: Some(Ticket(3)), request, by: None });
    shell.commit();
    pass(&mut shell);
    assert!(state(&shell, "J-2").robot().is_some(), "{:?}", shell.notes);
    assert_eq!(state(&shell, "J-1"), JobState::Queued);
}

#[test]
fn a_new_cut_off_after_assignment_changes_who_goes_first() {
    let mut shell = Shell::by(Name::of("planning").expect("a policy"), floor(""));
    shell.commit();
    shell.hear();
    shell.submit(1, JobSpec { fingerprint: 2, ..carry_from("E", "J-1") });
    shell.commit();
    shell.submit(2, carry_from("C", "J-2"));
    shell.commit();
    assert!(state(&shell, "J-1").robot().is_some());
    let due_at = Some(shell.now.plus_ms(120_000));
    let request = JobRequest::Update { job: JobId("J-2".into()), due_at, priority: None };
    shell.give(Input::Job { ticket: Some(Ticket(3)), request, by: None });
    shell.commit();
    pass(&mut shell);
    assert!(state(&shell, "J-2").robot().is_some(), "{:?}", shell.notes);
    assert_eq!(state(&shell, "J-1"), JobState::Queued);
}

/// Picks elsewhere and drops at A.
fn carry_from(station: &str, id: &str) -> JobSpec {
    JobSpec { legs: vec![leg(station, "pick"), leg("A", "drop")], ..job(id, None) }
}

#[test]
fn a_short_pick_is_told_with_its_leg_and_the_job_goes_on() {
    let mut shell = begun("", carry("J-1", None));
    assert_eq!(code(short(&mut shell, 0, 0, 2_500)), None);
    until(&mut shell, is_idle);
    let short = Short { leg: 0, line: 0, quantity_milli: 2_500, reason: "broken".into() };
    let news: Vec<&JobNews> = shell.notes.iter().map(|note| &note.what).collect();
    assert!(news.contains(&&JobNews::LegDone { leg: 0, short: vec![short] }), "{news:?}");
    assert!(news.contains(&&JobNews::LegDone { leg: 1, short: vec![] }));
    assert_eq!(ends(&shell), [&JobNews::Done]);
    let entry = shell.site.fleet().audit().next_back().expect("an entry");
    assert_eq!(
        (entry.by.name.as_str(), entry.action.as_str(), entry.subject.as_str()),
        ("kim", "leg.short_pick", "J-1/0")
    );
}

#[test]
fn with_nothing_there_the_job_fails_and_what_came_aboard_goes_back() {
    let mut shell = begun("", carry("J-1", None));
    short(&mut shell, 0, 0, 0);
    assert!(matches!(ends(&shell)[..], [JobNews::Failed { code, .. }] if code == "SHORT_PICK"));
    until(&mut shell, is_idle);
    assert_eq!(load(&shell), None);
    assert_eq!(places(&shell), [is("a", "pick"), is("a", "drop")]);
}

#[test]
fn a_persons_leg_of_one_line_is_confirmed_by_its_short_pick() {
    let spec = JobSpec { legs: vec![leg("A", "confirm"), leg("C", "drop")], ..job("J-1", None) };
    let mut shell = begun("", spec.clone());
    assert_eq!(code(short(&mut shell, 0, 0, 1_000)), None);
    until(&mut shell, is_idle);
    assert_eq!(ends(&shell), [&JobNews::Done]);
    let mut shell = begun("", spec);
    short(&mut shell, 0, 0, 0);
    assert!(matches!(ends(&shell)[..], [JobNews::Failed { .. }]));
    assert!(is_idle(&shell));
}

#[test]
fn several_lines_are_confirmed_once_and_fail_only_if_all_are_empty() {
    let lines = LegSpec { lines: 2, ..leg("A", "confirm") };
    let spec = JobSpec { legs: vec![lines, leg("C", "drop")], ..job("J-1", None) };
    let mut shell = begun("", spec);
    short(&mut shell, 0, 0, 0);
    assert!(ends(&shell).is_empty() && shell.site.fleet().jobs().all(|job| job.legs_done == 0));
    assert_eq!(code(short(&mut shell, 0, 2, 0)), Some("NOT_AWAITED"), "it has two lines");
    assert_eq!(code(short(&mut shell, 1, 0, 0)), Some("NOT_AWAITED"), "nothing is picked there");
    short(&mut shell, 0, 1, 0);
    assert!(matches!(ends(&shell)[..], [JobNews::Failed { .. }]));
    assert_eq!(code(short(&mut shell, 0, 1, 0)), Some("TOO_LATE"));
}

#[test]
fn where_more_is_to_be_picked_an_empty_leg_is_passed() {
    let legs = vec![leg("A", "confirm"), leg("E", "confirm"), leg("C", "drop")];
    let mut shell = begun("", JobSpec { legs, ..job("J-1", None) });
    short(&mut shell, 0, 0, 0);
    assert!(ends(&shell).is_empty());
    until(&mut shell, |shell| shell.state.last_node_id == "e");
    pass(&mut shell);
    short(&mut shell, 1, 0, 0);
    assert!(matches!(ends(&shell)[..], [JobNews::Failed { .. }]), "nothing at all was there");
}

#[test]
fn a_leg_that_takes_too_long_is_told_once_and_stays_with_its_robot() {
    let spec = JobSpec { legs: vec![leg("A", "confirm"), leg("C", "drop")], ..job("J-1", None) };
    let mut shell = begun("", spec);
    for _ in 0..10 {
        shell.wait(600_000);
        shell.hear();
        shell.commit();
    }
    assert_eq!(alarmed(&shell, "on leg 0 of job J-1"), 1, "{:?}", shell.alarms);
    assert_eq!(alarmed(&shell, "a person to confirm at A"), 1);
    assert!(blocked(&shell).iter().any(|reason| reason.contains("leg 0")), "{:?}", shell.notes);
    assert!(state(&shell, "J-1").robot().is_some());
}

#[test]
fn a_job_not_begun_for_too_long_is_given_to_another_robot() {
    let mut shell = with("", job("J-1", None));
    let second = State {
        last_node_id: "e".into(),
        agv_position: position(8.0, -8.0),
        safety_state: shell.state.safety_state,
        operating_mode: shell.state.operating_mode,
        ..State::default()
    };
    shell.tell(other(), 1, &second);
    shell.commit();
    // The first one is told to stand, and does for more than an hour.
    shell.wish(8, "p", Wish::PauseRobots(vec![robot()]));
    for round in 2..140 {
        shell.wait(30_000);
        shell.take_over();
        shell.tell(other(), round, &second);
        shell.commit();
    }
    assert_eq!(alarmed(&shell, "an operator to resume it; another robot gets it"), 1, "{:?}", shell.alarms);
    assert_eq!(state(&shell, "J-1").robot().map(|robot| robot.index()), Some(1));
}

fn close(shell: &mut Shell, edges: &[&str]) {
    shell.wish(5, "", Wish::CloseEdges(edges.iter().map(|edge| (*edge).to_owned()).collect()));
    pass(shell);
}

#[test]
fn a_job_without_an_open_way_is_not_given_out_until_there_is_one() {
    let mut shell = Shell::on(floor(""));
    shell.commit();
    shell.hear();
    close(&mut shell, &["bc"]);
    shell.submit(1, job("J-1", None));
    shell.submit(2, JobSpec { fingerprint: 2, ..job("J-2", None) });
    shell.commit();
    for _ in 0..8 {
        shell.wait(10_000);
        shell.hear();
        shell.commit();
    }
    assert_eq!(state(&shell, "J-1"), JobState::Queued);
    assert_eq!(alarmed(&shell, "no open way leads to station C"), 1, "once for the station");
    let told = blocked(&shell);
    assert_eq!(told.len(), 2, "once for each job: {told:?}");
    assert!(told[0].contains("closed are bc"), "{told:?}");
    shell.wish(6, "", Wish::OpenEdges(vec!["bc".into()]));
    pass(&mut shell);
    assert!(state(&shell, "J-1").robot().is_some(), "it goes on by itself");
}

#[test]
fn a_job_not_begun_is_taken_back_when_its_way_is_closed_and_comes_back() {
    let mut shell = with("", job("J-1", None));
    assert!(state(&shell, "J-1").robot().is_some());
    close(&mut shell, &["bc"]);
    for _ in 0..8 {
        shell.wait(10_000);
        shell.take_over();
    }
    assert_eq!(state(&shell, "J-1"), JobState::Queued, "{:?}", shell.alarms);
    assert_eq!(blocked(&shell).len(), 1);
    shell.wish(6, "", Wish::OpenEdges(vec!["bc".into()]));
    until(&mut shell, |shell| state(shell, "J-1") == JobState::Done);
}

#[test]
fn a_robot_that_breaks_down_loaded_is_told_and_a_person_resolves_it() {
    let broken = || {
        let mut shell = begun("", carry("J-1", Some("S")));
        until(&mut shell, aboard);
        shell.state.errors.push(Error::new("motor", ErrorLevel::Fatal));
        for _ in 0..8 {
            shell.wait(10_000);
            shell.hear();
            shell.commit();
        }
        assert_eq!(alarmed(&shell, "can't go on with job J-1, load T aboard"), 1, "{:?}", shell.alarms);
        assert_eq!(blocked(&shell).len(), 1);
        assert!(state(&shell, "J-1").robot().is_some(), "it stays with its robot");
        shell
    };
    let mut shell = broken();
    shell.wish(9, "k", Wish::UnloadRobots(vec![robot()]));
    assert!(matches!(ends(&shell)[..], [JobNews::Failed { code, .. }] if code == "LOAD_TAKEN"));
    assert!(shell.site.fleet().sequence("S").is_some_and(|held| held.held_by.is_some()), "the site holds");
    let mut shell = broken();
    shell.wish(9, "k", Wish::ReleaseRobots(vec![robot()]));
    assert!(matches!(ends(&shell)[..], [JobNews::Failed { code, .. }] if code == "ROBOT_REMOVED"));
    let mut shell = broken();
    assert_eq!(code(cancel(&mut shell, "J-1")), None);
    shell.state.errors.clear();
    shell.hear();
    shell.commit();
    pass(&mut shell);
    until(&mut shell, is_idle);
    assert_eq!(places(&shell), [is("a", "pick"), is("a", "drop")], "mended, it brings the load back");
}

#[test]
fn a_robot_taken_off_the_floor_on_its_way_back_leaves_the_load_to_a_person() {
    let mut shell = begun("", carry("J-1", None));
    until(&mut shell, aboard);
    cancel(&mut shell, "J-1");
    shell.wish(8, "p", Wish::PauseRobots(vec![robot()]));
    shell.wish(9, "k", Wish::ReleaseRobots(vec![robot()]));
    assert!(is_idle(&shell) && load(&shell).is_none());
    assert_eq!(alarmed(&shell, "taken off the floor"), 1, "{:?}", shell.alarms);
}
