//! One big step in time and many small ones tell the same story.

use crate::common::{Rig, order, with_action};
use drover_agent_core::{BatterySpec, Options, Outgoing, Spec};
use drover_proto::vda5050::{Action, BlockingType};

fn story(step_ms: u64) -> (Vec<Outgoing>, String) {
    let battery = BatterySpec { capacity_wh: 40, drive_w: 900, idle_w: 90, charge_w: 2_000 };
    let options = Options { visualization_interval_ms: Some(1_100), ..Options::default() };
    let mut rig = Rig::with(Spec { battery: Some(battery), ..Spec::default() }, options, "0_0");
    let run = |rig: &mut Rig, ms: u64| {
        let end = rig.now + ms;
        while rig.now < end {
            let step = step_ms.min(end - rig.now);
            rig.run(step);
        }
    };
    let way = ["0_0", "2_0", "4_0.1", "4_3", "9_3", "9_8", "1_8"];
    let first = with_action(order("A", 0, &way, 5, 0), 2, "pick", "a1", BlockingType::Hard);
    rig.order(with_action(first, 3, "beep", "a2", BlockingType::None));
    rig.order(with_action(order("A", 0, &way, 5, 0), 2, "pick", "a1", BlockingType::Hard));
    run(&mut rig, 6_501);
    rig.order(with_action(order("A", 1, &["9_3", "9_8", "1_8"], 3, 8), 2, "drop", "a3", BlockingType::Soft));
    run(&mut rig, 9_003);
    rig.instant("startPause", "p");
    run(&mut rig, 2_000);
    rig.instant("stopPause", "q");
    run(&mut rig, 100_000);
    let map = |kind: &str, id: &str| {
        let action = Action::new(kind, id, BlockingType::None).with("mapId", "roof").with("mapVersion", 3);
        action.with("mapDownloadLink", "https://maps/roof")
    };
    rig.at_once(map("downloadMap", "m1"));
    run(&mut rig, 1_500);
    rig.at_once(map("enableMap", "m2"));
    let here =
        Action::new("initPosition", "i", BlockingType::Hard).with("x", 1.5).with("y", 8).with("theta", 1);
    rig.at_once(here.with("mapId", "roof").with("lastNodeId", "1.5_8"));
    assert_eq!(rig.state().last_node_id, "1.5_8", "it was told where it is");
    rig.instant("startCharging", "c");
    run(&mut rig, 300_007);
    (std::mem::take(&mut rig.sent), format!("{:?}", rig.agent.pose()))
}

#[test]
fn big_jump_equals_small_jumps() {
    let known = story(1);
    assert!(known.0.len() > 30);
    for step_ms in [3, 20, 333, 1_000_000] {
        let other = story(step_ms);
        for (a, b) in known.0.iter().zip(&other.0) {
            assert_eq!(a, b, "in steps of {step_ms} ms");
        }
        assert_eq!(known.0.len(), other.0.len());
        assert_eq!(known.1, other.1);
    }
}
