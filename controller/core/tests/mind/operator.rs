//! What operators ask: pauses, stopped zones, each done once and written down.

use drover_core::{Caller, Input, Verdict, Wish, replay};
use drover_proto::device::Condition;

use super::shell::{Shell, job, robot, row_with_door};

fn driving() -> Shell {
    let mut shell = Shell::on(row_with_door());
    shell.commit();
    shell.door(Condition::Open);
    shell.hear();
    shell.submit(1, job("J-1", None));
    shell.commit();
    shell.wait(600);
    shell.commit();
    shell
}

fn asked(shell: &Shell) -> Vec<&str> {
    shell.asked.iter().map(String::as_str).filter(|action| action.ends_with("Pause")).collect()
}

fn code(shell: &Shell, ticket: u64) -> &'static str {
    let answer = shell.answers.iter().find(|(known, _)| known.0 == ticket);
    match &answer.expect("an answer").1 {
        Verdict::Accepted => "accepted",
        Verdict::Ignored => "ignored",
        Verdict::Rejected { code, .. } => code,
    }
}

#[test]
fn a_paused_robot_is_told_to_stand_until_it_shows_it_and_goes_on_when_resumed() {
    let mut shell = driving();
    shell.wish(7, "k1", Wish::PauseRobots(vec![robot()]));
    shell.wait(3_100);
    shell.commit();
    assert_eq!(asked(&shell), ["startPause", "startPause"], "sent again while no state shows it");
    shell.state.paused = Some(true);
    shell.hear();
    shell.wait(3_100);
    shell.commit();
    let orders = shell.orders.len();
    assert_eq!(asked(&shell).len(), 2);
    assert!(shell.site.fleet().robots()[0].hold.is_paused);
    shell.wish(8, "k2", Wish::ResumeRobots(vec![]));
    assert_eq!(asked(&shell).last(), Some(&"stopPause"));
    assert_eq!(shell.orders.len(), orders, "nothing is released to who stands");
    shell.state.paused = Some(false);
    shell.obey();
    shell.wait(600);
    shell.commit();
    assert!(shell.orders.len() > orders || shell.site.fleet().jobs().all(|job| job.state.is_terminal()));
}

#[test]
fn a_pause_at_the_robots_own_panel_isnt_ours_to_lift() {
    let mut shell = driving();
    shell.state.paused = Some(true);
    shell.hear();
    shell.wait(10_000);
    shell.commit();
    assert!(asked(&shell).is_empty());
    assert!(!shell.site.fleet().robots()[0].is_usable());
}

#[test]
fn nobody_is_released_into_a_stopped_zone() {
    let mut shell = Shell::on(row_with_door());
    shell.commit();
    shell.door(Condition::Open);
    shell.hear();
    shell.wish(3, "", Wish::StopZone("cold".into()));
    shell.submit(1, job("J-1", None));
    shell.commit();
    for _ in 0..10 {
        shell.obey();
        shell.wait(600);
        shell.commit();
    }
    let ends = |shell: &Shell| {
        shell.orders.iter().any(|order| order.nodes.iter().any(|it| it.released && it.node_id == "c"))
    };
    assert!(!ends(&shell));
    shell.wish(4, "", Wish::ResumeZone("cold".into()));
    shell.wait(600);
    shell.commit();
    shell.obey();
    assert!(ends(&shell));
}

#[test]
fn who_heads_into_a_stopped_zone_is_paused() {
    let mut shell = driving();
    shell.obey();
    shell.wait(600);
    shell.commit();
    let to_c = shell.orders.last().expect("an order").nodes.iter().any(|it| it.released && it.node_id == "c");
    assert!(to_c);
    shell.wish(3, "", Wish::StopZone("cold".into()));
    assert_eq!(asked(&shell), ["startPause"]);
    shell.state.paused = Some(true);
    shell.hear();
    shell.commit();
    shell.wish(4, "", Wish::ResumeZone("cold".into()));
    assert_eq!(asked(&shell), ["startPause", "stopPause"]);
}

#[test]
fn a_key_is_done_once_and_refused_for_another_request() {
    let mut shell = driving();
    shell.wish(3, "k", Wish::StopZone("cold".into()));
    shell.wish(4, "k", Wish::StopZone("cold".into()));
    shell.wish(5, "k", Wish::ResumeZone("cold".into()));
    shell.wish(6, "l", Wish::StopZone("nowhere".into()));
    assert_eq!(
        [3, 4, 5, 6].map(|it| code(&shell, it)),
        ["accepted", "ignored", "KEY_REUSED", "UNKNOWN_ZONE"]
    );
    let mut shell = shell.crash();
    shell.wish(7, "k", Wish::StopZone("cold".into()));
    assert_eq!(code(&shell, 7), "ignored", "also after a restart");
}

#[test]
fn every_request_of_a_named_caller_is_written_down() {
    let mut shell = driving();
    shell.wish(3, "k", Wish::StopZone("cold".into()));
    shell.wish(4, "l", Wish::StopZone("nowhere".into()));
    let by = Caller { name: "lee".into(), ..Caller::default() };
    let (action, subject) = ("zone.stop".to_owned(), "cold".to_owned());
    shell.give(Input::Denied { by, action, subject, code: "PERMISSION_DENIED".into() });
    shell.commit();
    let told: Vec<String> = shell
        .site
        .fleet()
        .audit()
        .map(|it| format!("{} {} {} {} {:?}", it.n, it.by.name, it.action, it.subject, it.refused))
        .collect();
    assert_eq!(
        told,
        [
            "1 kim zone.stop cold None",
            "2 kim zone.stop nowhere Some(\"UNKNOWN_ZONE\")",
            "3 lee zone.stop cold Some(\"PERMISSION_DENIED\")"
        ]
    );
    let replayed = replay(row_with_door(), shell.journal.clone().into_iter(), &mut |_, _, _| {});
    let replayed = replayed.expect("a whole journal");
    assert_eq!(replayed.digest, shell.site.fleet().digest());
}
