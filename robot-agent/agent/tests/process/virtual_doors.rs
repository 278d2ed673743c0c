//! `drover-agent robots` answers for the doors of the layout, for whichever site asks.

use crate::command_line::layout;
use crate::common::{Agent, Broker, Fleet, Folder, Message, wait};
use crate::devices_on_a_plc::{ask, topic};
use std::time::Duration;

const SITE_FILE: &str = "[[device]]\nid = \"D1\"\nkind = \"door\"\nedges = [\"0-1\"]\n\
                         [[device]]\nid = \"D2\"\nkind = \"door\"\nedges = [\"2-3\"]\n";

#[test]
fn whoever_asks_for_a_door_of_the_layout_is_answered() {
    let Some(broker) = Broker::start() else { return };
    let (folder, fleet, url) = (Folder::new(), Fleet::join(broker.port, "fleet"), broker.url());
    let layout = layout(&folder, 8, 2.0);
    let beside = ["robots", "--broker", &url, "--layout", &layout, "--count", "1", "--speed", "10"];
    folder.write("site.toml", SITE_FILE);
    let mut agent = Agent::start(&beside);
    agent.line();
    agent.line();
    for (want, state) in [("open", "opening"), ("open", "open"), ("closed", "closing"), ("closed", "closed")]
    {
        ask_until(&fleet, want, state);
    }
    fleet.hear(&topic("D2", "state"), |message| message.body["state"] == "closed");
    assert_eq!(agent.stop(), 0);
    fleet.hear(&topic("D2", "connection"), |message| message.body["state"] == "offline");
    let announced = [&beside[..], &["--site-id", "dc"]].concat();
    let agent = Agent::start(&announced);
    fleet.hear(&topic("D2", "connection"), |message| message.body["state"] == "online");
    drop(agent);
    fleet.hear(&topic("D2", "connection"), |message| message.body["state"] == "lost");
}

/// A request is sent again until it is followed, as the controller does: the first may come before the subscription.
fn ask_until(fleet: &Fleet, want: &str, state: &str) {
    let fits = |message: &Message| message.body["state"] == state && message.body["want"] == want;
    wait(state, || {
        ask(fleet, "D1", want);
        fleet.hear_within(Duration::from_millis(500), &topic("D1", "state"), fits)
    });
}
