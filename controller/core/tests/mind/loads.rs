//! A load is where a fact says it is; one that nobody answers for waits for a person.

use drover_core::job::{ActionSpec, JobSpec, LegSpec};
use drover_core::load::Load;
use drover_proto::vda5050;

use super::shell::{Shell, job};

/// Picks T at A and drops it at C.
fn carry() -> JobSpec {
    let mut spec = job("J-1", None);
    let pick = LegSpec {
        station: "A".into(),
        action: Some(ActionSpec { name: "pick".into(), parameters: vec![] }),
        load: Some(Load { id: "T".into(), load_type: None }),
        dwell_ms: 0,
        lines: 0,
    };
    spec.legs.insert(0, pick);
    spec
}

/// The robot has picked T, and its drop has failed.
fn failed_with_load() -> Shell {
    let mut shell = Shell::new();
    shell.commit();
    shell.hear();
    shell.submit(1, carry());
    shell.commit();
    while shell.site.fleet().robots()[0].load.is_none() && shell.orders.len() < 9 {
        shell.obey();
        shell.wait(600);
        shell.commit();
    }
    assert_eq!(shell.site.fleet().robots()[0].load.as_deref(), Some("T"));
    while shell.site.fleet().robots()[0].job().is_some() && shell.orders.len() < 9 {
        shell.obey_badly();
        shell.wait(600);
        shell.commit();
    }
    assert!(shell.site.fleet().robots()[0].job().is_none(), "the job has failed");
    shell
}

#[test]
fn the_load_of_a_failed_job_is_named_and_keeps_its_robot_from_other_work() {
    let mut shell = failed_with_load();
    let told = shell.alarms.iter().filter(|text| text.contains("load T of the failed job J-1")).count();
    assert_eq!(told, 1, "{:?}", shell.alarms);
    shell.submit(2, job("J-2", None));
    shell.wait(5_000);
    shell.commit();
    assert!(shell.site.fleet().robots()[0].job().is_none());
    assert_eq!(shell.site.fleet().robots()[0].load.as_deref(), Some("T"));
}

#[test]
fn a_robot_is_empty_when_its_answer_lists_no_load_and_not_when_it_says_nothing_of_loads() {
    let mut shell = failed_with_load();
    shell.state.loads = None;
    shell.hear();
    shell.commit();
    assert!(!shell.asked.contains(&"stateRequest".to_owned()));
    shell.state.loads = Some(vec![vda5050::Load::default()]);
    shell.hear();
    shell.commit();
    assert_eq!(shell.site.fleet().robots()[0].load.as_deref(), Some("T"));
    shell.state.loads = Some(vec![]);
    shell.hear();
    shell.commit();
    assert_eq!(shell.site.fleet().robots()[0].load.as_deref(), Some("T"), "this may be an old state");
    shell.answer();
    assert_eq!(shell.site.fleet().robots()[0].load, None);
}
