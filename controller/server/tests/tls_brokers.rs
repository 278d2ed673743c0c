//! Every way out, encrypted: brokers and database that speak TLS, trusted by the signer that is named and no other.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::fs;
use std::path::Path;
use std::process::Output;

use kit::certificates::{Authority, Pair};
use kit::mosquitto::Mosquitto;
use kit::postgres::Postgres;
use kit::process::Folder;
use kit::rabbit::Rabbit;
use kit::site::{Drover, Place, Wiring};
use serde_json::Value;

const DAYS: u32 = 400;

/// A site whose configuration ends in these lines.
fn site(jobs: &str, mqtt: &str, store: Option<String>) -> Wiring {
    let (jobs, mqtt, place) = (jobs.to_owned(), mqtt.to_owned(), Place::fresh_dc());
    Wiring { id: "tls-test", place, jobs, mqtt, store, enroll: "configured", speed: "1" }
}

/// Adds keys to a section of the configuration.
fn add(drover: &Drover, section: &str, keys: &str) {
    let file = drover.folder.file("drover.toml");
    let text = fs::read_to_string(&file).unwrap();
    let head = format!("[{section}]\n");
    assert!(text.contains(&head), "{text}");
    fs::write(file, text.replace(&head, &format!("{head}{keys}\n"))).unwrap();
}

fn ca(file: &Path) -> String {
    format!("ca = \"{}\"", file.display())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The rows of `drover check` about this.
fn rows(drover: &Drover, what: &str) -> Vec<Value> {
    let output = drover.command("check", &["--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    told["rows"].as_array().unwrap().iter().filter(|row| row["what"] == what).cloned().collect()
}

fn secure(mosquitto: &mut Mosquitto, ca: &Path, pair: &Pair, more: &str) {
    let (port, cert, key) = (mosquitto.port(), pair.cert.display(), pair.key.display());
    let tls = format!("cafile {}\ncertfile {cert}\nkeyfile {key}\n{more}", ca.display());
    mosquitto.configure(format!("listener {port} 127.0.0.1\n{tls}\nallow_anonymous true\n"));
}

#[test]
fn brokers_and_database_are_trusted_by_the_named_signer_and_by_no_other() {
    let (Some(signer), Some(stranger)) = (Authority::new(), Authority::new()) else { return };
    let (Some(mut mosquitto), Some(mut rabbit), Some(mut postgres)) =
        (Mosquitto::absent(), Rabbit::absent(), Postgres::start())
    else {
        return;
    };
    let (server, own) = (signer.issue("server", DAYS), signer.issue("drover", DAYS));
    secure(&mut mosquitto, &signer.ca(), &server, "require_certificate true");
    rabbit.secure(signer.ca(), server.clone());
    postgres.secure(&server);
    mosquitto.restart();
    rabbit.restart();
    postgres.restart();
    let mqtt = mosquitto.url().replace("mqtt://", "mqtts://");
    let store =
        |ca: &Path| Some(format!("{}?sslmode=verify-full&sslrootcert={}", postgres.url(), ca.display()));

    let mut wrong = Drover::configured(&site(&rabbit.secure_url(), &mqtt, store(&stranger.ca())));
    add(&wrong, "mqtt", &ca(&stranger.ca()));
    add(&wrong, "jobs", &ca(&stranger.ca()));
    for (what, key) in [("mqtt", "`mqtt.ca`"), ("jobs", "`jobs.ca`"), ("store", "sslrootcert")] {
        let row = &rows(&wrong, what)[0];
        let detail = row["detail"].as_str().unwrap();
        assert_eq!(row["verdict"], "wrong", "{row}");
        assert!(detail.contains("UnknownIssuer") && detail.contains(key), "{detail}");
    }
    wrong.restart();
    wrong.wait_until_missing_for("store", "UnknownIssuer");
    wrong.stop();
    // Without its database it tries nothing else.
    let mut wrong = Drover::configured(&site(&rabbit.secure_url(), &mqtt, None));
    add(&wrong, "mqtt", &ca(&stranger.ca()));
    add(&wrong, "jobs", &ca(&stranger.ca()));
    wrong.restart();
    for part in ["mqtt", "jobs", "events"] {
        wrong.wait_until_missing_for(part, "UnknownIssuer");
    }
    wrong.stop();

    // The right signer, but the broker asks who we are, too.
    let mut right = Drover::configured(&site(&rabbit.secure_url(), &mqtt, store(&signer.ca())));
    add(&right, "mqtt", &ca(&signer.ca()));
    add(&right, "jobs", &ca(&signer.ca()));
    let nobody = rows(&right, "mqtt")[0]["detail"].as_str().unwrap().to_owned();
    assert!(nobody.contains("CertificateRequired") && nobody.contains("`cert` and `key`"), "{nobody}");
    add(&right, "mqtt", &format!("cert = \"{}\"\nkey = \"{}\"", own.cert.display(), own.key.display()));
    right.restart();
    right.wait_until_ready();
    assert!(rows(&right, "tls").iter().all(|row| row["verdict"] != "wrong"), "{:?}", rows(&right, "tls"));
    // TLS is spoken again after both brokers were gone.
    mosquitto.kill();
    rabbit.stop();
    right.wait_until_missing("mqtt");
    right.wait_until_missing("jobs");
    mosquitto.restart();
    rabbit.restart();
    right.wait_until_ready();
    right.stop();
    let check = right.command("check", &[]);
    assert_eq!(check.status.code(), Some(0), "{}", said(&check));
}

#[test]
fn a_bad_tls_file_is_told_with_key_and_mend_and_nothing_starts() {
    let Some(signer) = Authority::new() else { return };
    let (one, other, late) =
        (signer.issue("one", DAYS), signer.issue("other", DAYS), signer.issue("late", 7));
    let folder = Folder::new("no-pem");
    fs::write(folder.file("no.crt"), "no certificate").unwrap();
    let pair =
        |cert: &Path, key: &Path| format!("cert = \"{}\"\nkey = \"{}\"", cert.display(), key.display());
    let cases = [
        (ca(&folder.file("no.crt")), "no.crt", "`mqtt.ca`"),
        (ca(&one.key), "one.key", "`mqtt.ca`"),
        (pair(&one.cert, &other.key), "other.key", "`mqtt.key`"),
    ];
    for (keys, file, key) in cases {
        let drover = Drover::configured(&site("embedded", "mqtts://127.0.0.1:1", None));
        add(&drover, "mqtt", &keys);
        let check = rows(&drover, "tls");
        let wrong = check.iter().find(|row| row["verdict"] == "wrong").unwrap()["detail"].as_str().unwrap();
        assert!(wrong.contains(file) && wrong.contains(key), "{wrong}");
        let run = drover.command("run", &[]);
        let said = said(&run);
        assert_eq!(run.status.code(), Some(2), "{said}");
        assert!(said.contains(file) && said.contains(key), "{said}");
    }
    let drover = Drover::configured(&site("embedded", "mqtts://127.0.0.1:1", None));
    add(&drover, "mqtt", &ca(&late.cert));
    let row = &rows(&drover, "tls")[0];
    assert_eq!(row["verdict"], "warning", "{row}");
    assert!(row["detail"].as_str().unwrap().contains("within 30 days"), "{row}");
    assert!(!drover.folder.file("drover.db").exists(), "a look makes no database");
}
