//! `drover check` on a real RabbitMQ: what an account may not do is told, and nothing is left behind.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use kit::rabbit::Rabbit;
use kit::site::{Drover, Place, Wiring};
use serde_json::Value;

const RIGHTS: &str = r"^drover\..*$";
const NONE: &str = "^$";

/// Verdict and detail of a row of `drover check`.
fn row(jobs: &str, what: &str) -> (String, String) {
    let (place, mqtt) = (Place::fresh_dc(), "embedded".to_owned());
    let id = "rights-test";
    let wiring =
        Wiring { id, place, jobs: jobs.to_owned(), mqtt, store: None, enroll: "configured", speed: "1" };
    let drover = Drover::configured(&wiring);
    let output = drover.command("check", &["--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = told["rows"].as_array().unwrap().iter().find(|row| row["what"] == what).unwrap().clone();
    assert!(!drover.folder.file("drover.db").exists(), "a look makes no database");
    (row["verdict"].as_str().unwrap().to_owned(), row["detail"].as_str().unwrap().to_owned())
}

#[test]
fn what_an_account_may_not_do_is_told_and_nothing_is_left_behind() {
    let Some(rabbit) = Rabbit::start() else { return };
    rabbit.ctl(&["await_startup"]);
    rabbit.ctl(&["add_user", "site", "secret"]);
    let url = rabbit.url_as("site", "secret");
    let (verdict, detail) = row(&rabbit.url_as("site", "guess"), "jobs");
    assert!(verdict == "wrong" && detail.contains("bad user or password"), "{detail}");
    assert!(!detail.contains("guess"), "{detail}");
    let (verdict, detail) = row(&url, "jobs");
    assert!(verdict == "wrong" && detail.contains("vhost"), "{detail}");

    for (configure, write, read, told) in [
        (NONE, RIGHTS, RIGHTS, "may not declare"),
        (RIGHTS, NONE, RIGHTS, "may not bind"),
        (RIGHTS, RIGHTS, NONE, "may not bind"),
    ] {
        rabbit.ctl(&["set_permissions", "site", configure, write, read]);
        let (verdict, detail) = row(&url, "jobs rights");
        assert!(verdict == "wrong" && detail.contains(told) && detail.contains(r"drover\..*"), "{detail}");
    }
    rabbit.ctl(&["set_permissions", "site", RIGHTS, RIGHTS, RIGHTS]);
    let (verdict, detail) = row(&url, "jobs rights");
    assert_eq!(verdict, "right", "{detail}");
    let (_, detail) = row(&url, "jobs queue");
    assert!(detail.contains("not there yet"), "{detail}");
    for list in ["list_queues", "list_exchanges"] {
        let names = rabbit.ctl(&[list, "name", "--no-table-headers"]);
        assert!(!names.contains("drover"), "{list}: {names}");
    }
}
