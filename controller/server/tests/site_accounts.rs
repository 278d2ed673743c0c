//! A new site from nothing: its folder, its accounts on a real Mosquitto, and what each of them may not do.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use kit::mosquitto::Mosquitto;
use kit::mqtt::Client;
use kit::process::{Folder, Service, free_port, wait_until};
use kit::site::{Place, program};
use rumqttc::ConnectReturnCode;
use serde_json::Value;

const WORK_MAX: Duration = Duration::from_secs(60);
const SITE: &str = "busan-2";
const SPEED: &str = "20";
const CONTROLLER: &str = "drover-busan-2";
const AGENT: &str = "agent-busan-2";

fn drover(arguments: &[&str]) -> Output {
    Command::new(program("drover")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A new site's folder.
struct Site {
    #[expect(dead_code, reason = "removed when dropped")]
    above: Folder,
    folder: PathBuf,
    /// The admin's token.
    token: String,
}

impl Site {
    fn new() -> Site {
        let above = Folder::new("new-site");
        let folder = above.file(SITE);
        let place = Place::fresh_dc();
        let output = Command::new(program("drover"))
            .args(["site", "new", SITE, "--robots", "20..60", "--layout"])
            .arg(&place.layout)
            .arg("--site")
            .arg(place.site.unwrap())
            .arg("--out")
            .arg(&folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let token = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Site { above, folder, token }
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap()
    }

    /// Changes the text of a file that must hold it.
    fn change(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} has no {from}: {text}");
        fs::write(self.folder.join(name), text.replace(from, to)).unwrap();
    }

    fn credentials(&self, more: &[&str]) -> Output {
        let (config, out) = (self.path("drover.toml"), self.path("credentials"));
        drover(&[&["site", "credentials", "--config", &config, "--out", &out], more].concat())
    }

    fn passwords(&self) -> BTreeMap<String, String> {
        let text = self.read("credentials/credentials.csv");
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("serial,user,password"));
        let split = |line: &str| {
            let mut fields = line.split(',').skip(1).map(str::to_owned);
            (fields.next().unwrap(), fields.next().unwrap())
        };
        lines.map(split).collect()
    }

    /// What `drover check` says, by row.
    fn check(&self) -> (Option<i32>, Vec<(String, String, String)>) {
        let output = drover(&["check", "--json", "--config", &self.path("drover.toml")]);
        let told: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
        let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        let row = |row: &Value| (text(row, "what"), text(row, "verdict"), text(row, "detail"));
        (output.status.code(), told["rows"].as_array().unwrap().iter().map(row).collect())
    }

    /// A broker with the files that were written.
    fn serve(&self, mosquitto: &mut Mosquitto) {
        let at = mosquitto.folder().file("credentials");
        fs::create_dir_all(&at).unwrap();
        for name in ["passwd", "acl"] {
            fs::copy(self.folder.join("credentials").join(name), at.join(name)).unwrap();
        }
        let port = mosquitto.port();
        let own = fs::canonicalize(self.folder.join("credentials")).unwrap();
        let conf = self.read("credentials/mosquitto.conf");
        assert!(
            conf.contains(&format!("listener {port}\n")) && conf.contains("allow_anonymous false"),
            "{conf}"
        );
        let conf = conf.replace(&format!("listener {port}\n"), &format!("listener {port} 127.0.0.1\n"));
        let conf = conf.replace(own.to_str().unwrap(), at.to_str().unwrap());
        let here = format!("{}/", mosquitto.folder().path().display());
        mosquitto.configure(conf.replace("/var/lib/mosquitto/", &here));
        mosquitto.restart();
    }
}

fn verdict<'a>(rows: &'a [(String, String, String)], what: &str) -> Vec<(&'a str, &'a str)> {
    let about = rows.iter().filter(|(name, ..)| name == what);
    about.map(|(_, verdict, detail)| (verdict.as_str(), detail.as_str())).collect()
}

#[test]
fn a_new_site_is_whole_and_waits_for_its_brokers_only() {
    let site = Site::new();
    assert_eq!(site.token.len(), 43, "{}", site.token);
    assert!(!site.read("users.toml").contains(&site.token));
    for secret in ["users.toml", "secrets/jobs-url", "credentials/credentials.csv", "credentials/passwd"] {
        let mode = fs::metadata(site.folder.join(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    for text in ["drover.toml", "values.yaml", "README.md", "capacity.md"] {
        let text = site.read(text);
        assert!(text.contains(SITE) && !text.contains("{{"), "{text}");
    }
    assert!(site.read("capacity.md").contains("| 60 |") && site.read("README.md").contains("당일"));
    site.change("drover.toml", "127.0.0.1:8080", &format!("127.0.0.1:{}", free_port()));
    site.change("drover.toml", "127.0.0.1:1883", &format!("127.0.0.1:{}", free_port()));
    let (status, rows) = site.check();
    assert_eq!(status, Some(1), "{rows:?}");
    for (what, verdict, detail) in &rows {
        let is_absent = ["mqtt", "jobs", "store"].contains(&what.as_str());
        let is_placeholder = what == "secrets" && detail.contains("CHANGE-ME");
        assert_eq!(verdict == "wrong", is_absent || is_placeholder, "{what} {verdict}: {detail}");
    }
    assert_eq!(verdict(&rows, "credentials")[0].0, "right", "{rows:?}");

    let again =
        drover(&["site", "new", SITE, "--layout", &site.path("layout.lif.json"), "--out", &site.path("")]);
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    assert!(said(&again).contains("already"), "{}", said(&again));
}

#[test]
fn a_site_of_a_bad_layout_or_name_is_refused_and_leaves_nothing() {
    let folder = Folder::new("bad-site");
    let layout = Place::fresh_dc().layout.to_str().unwrap().to_owned();
    let bad = folder.file("bad.json");
    let mut lif: Value = serde_json::from_slice(&fs::read(&layout).unwrap()).unwrap();
    lif["layouts"][0]["edges"][0]["endNodeId"] = "NOWHERE".into();
    fs::write(&bad, lif.to_string()).unwrap();
    let out = folder.file("out").to_str().unwrap().to_owned();
    for (name, layout, why) in [
        ("dc", bad.to_str().unwrap(), "EDGE_TO_NOWHERE"),
        ("d c", &layout, "isn't a name"),
        ("+", &layout, "name"),
    ] {
        let output = drover(&["site", "new", name, "--layout", layout, "--out", &out]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(why), "{}", said(&output));
        assert!(!Path::new(&out).exists());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing but the bad layout is there");
}

/// r01 reaches its own topics and nobody else's, whether it writes or reads.
async fn assert_a_robot_is_alone(port: u16, passwords: &BTreeMap<String, String>) {
    let login = |user: &'static str| Some((user, passwords[user].as_str()));
    let mut controller =
        Client::connect(port, login(CONTROLLER)).await.unwrap_or_else(|code| panic!("{code:?}"));
    let mut robot =
        Client::connect(port, login("robot-drover-r01")).await.unwrap_or_else(|code| panic!("{code:?}"));
    controller.subscribe("uagv/#").await;
    controller.subscribe(&format!("drover/v1/{SITE}/device/#")).await;
    for topic in
        ["uagv/v2/drover/+/order", "uagv/#", "#", "uagv/v2/drover/r02/order", "uagv/v2/drover/r01/order"]
    {
        robot.subscribe(topic).await;
    }
    // A broker keeps the order of one client's messages: what should not arrive would come first.
    for foreign in [
        "uagv/v2/drover/r02/state",
        "uagv/v2/drover/r02/connection",
        "uagv/v2/drover/r02/order",
        "uagv/v2/drover/r01/order",
        "uagv/v2/drover/r01/instantActions",
        "drover/v1/busan-2/device/DOOR-A1/state",
        "drover/v1/busan-2/device/DOOR-A1/request",
    ] {
        robot.publish(foreign, "forged").await;
    }
    robot.publish("uagv/v2/drover/r01/state", "mine").await;
    assert_eq!(controller.next().await, ("uagv/v2/drover/r01/state".to_owned(), "mine".to_owned()));

    for (topic, body) in [
        ("uagv/v2/drover/r02/order", "for r02"),
        ("uagv/v2/drover/r02/instantActions", "for r02"),
        ("uagv/v2/drover/r01/order", "for r01"),
    ] {
        controller.publish(topic, body).await;
    }
    assert_eq!(robot.next().await, ("uagv/v2/drover/r01/order".to_owned(), "for r01".to_owned()));

    let mut agent = Client::connect(port, login(AGENT)).await.unwrap_or_else(|code| panic!("{code:?}"));
    agent.subscribe("#").await;
    agent.publish("uagv/v2/drover/r01/state", "forged").await;
    agent.publish("drover/v1/busan-2/device/NO-SUCH/state", "forged").await;
    agent.publish("drover/v1/busan-2/device/DOOR-A1/state", "open").await;
    while let (topic, body) = controller.next().await
        && topic != "drover/v1/busan-2/device/DOOR-A1/state"
    {
        assert!(body.starts_with("for "), "{topic}: {body}");
    }
    controller.publish("uagv/v2/drover/r02/order", "for r02").await;
    controller.publish("drover/v1/busan-2/device/DOOR-A1/request", "open").await;
    assert_eq!(
        agent.next().await,
        ("drover/v1/busan-2/device/DOOR-A1/request".to_owned(), "open".to_owned())
    );

    assert_eq!(Client::connect(port, None).await.err(), Some(ConnectReturnCode::NotAuthorized));
    let guess = Client::connect(port, Some((CONTROLLER, "guess"))).await;
    assert_eq!(guess.err(), Some(ConnectReturnCode::NotAuthorized));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_account_reaches_its_own_topics_and_no_others_also_after_the_broker_was_killed() {
    let Some(mut mosquitto) = Mosquitto::absent() else { return };
    let (site, port) = (Site::new(), mosquitto.port());
    site.change("drover.toml", "127.0.0.1:1883", &format!("127.0.0.1:{port}"));
    site.change("drover.toml", "127.0.0.1:8080", &format!("127.0.0.1:{}", free_port()));
    assert!(site.credentials(&[]).status.success());
    site.serve(&mut mosquitto);
    assert_a_robot_is_alone(port, &site.passwords()).await;
    let (_, rows) = site.check();
    assert_eq!(verdict(&rows, "mqtt")[0].0, "right", "{rows:?}");
    assert_eq!(verdict(&rows, "mqtt rights")[0].0, "right", "{rows:?}");
    let devices = verdict(&rows, "devices")[0];
    assert!(devices.0 == "warning" && devices.1.contains("DOOR-"), "{devices:?}");

    mosquitto.kill();
    mosquitto.restart();
    assert_a_robot_is_alone(port, &site.passwords()).await;

    // A controller with a robot's account, with a wrong password, and without one.
    let own = site.read("credentials/drover-mqtt-password");
    let robot = site.read("credentials/robots/robot-drover-r01.password");
    site.change("drover.toml", "username = \"drover-busan-2\"", "username = \"robot-drover-r01\"");
    fs::write(site.folder.join("credentials/drover-mqtt-password"), &robot).unwrap();
    let (_, rows) = site.check();
    let rights = verdict(&rows, "mqtt rights")[0];
    assert!(rights.0 == "wrong" && rights.1.contains("/order"), "{rights:?}");
    site.change("drover.toml", "username = \"robot-drover-r01\"", "username = \"drover-busan-2\"");
    let (_, rows) = site.check();
    let mqtt = verdict(&rows, "mqtt")[0];
    assert!(mqtt.0 == "wrong" && mqtt.1.contains("bad user or password"), "{mqtt:?}");
    fs::write(site.folder.join("credentials/drover-mqtt-password"), own).unwrap();
}

#[test]
fn the_controller_and_the_agent_work_with_their_accounts() {
    let Some(mut mosquitto) = Mosquitto::absent() else { return };
    let (site, port, listen) = (Site::new(), mosquitto.port(), free_port());
    site.change("drover.toml", "127.0.0.1:1883", &format!("127.0.0.1:{port}"));
    site.change("drover.toml", "127.0.0.1:8080", &format!("127.0.0.1:{listen}"));
    site.change(
        "drover.toml",
        "url_file = \"secrets/jobs-url\"",
        "url = \"embedded\"\nfile = \"wave.ndjson\"",
    );
    // Through the doors of the frozen zone and back.
    let job = r#"{"v":1,"job_id":"J-1","legs":[{"station":"PICK-F-01","action":"pick","load":{"id":"T-1"}},{"station":"DOCK-01","action":"drop"}]}"#;
    fs::write(site.folder.join("wave.ndjson"), job).unwrap();
    let store = format!("url = \"sqlite:{}\"", site.path("drover.db"));
    site.change("drover.toml", "url_file = \"secrets/store-url\"", &store);
    assert!(site.credentials(&[]).status.success());
    site.serve(&mut mosquitto);
    let mut run = Command::new(program("drover"));
    run.args(["run", "--speed", SPEED, "--config", &site.path("drover.toml")]);
    let _controller = Service::spawn(run, &site.folder.join("log"));
    let mut agent = Command::new(program("drover-agent"));
    let (layout, toml) = (site.path("layout.lif.json"), site.path("site.toml"));
    agent.args([
        "robots",
        "--speed",
        SPEED,
        "--count",
        "8",
        "--broker",
        &mosquitto.url(),
        "--layout",
        &layout,
        "--site",
        &toml,
    ]);
    agent.args(["--credentials", &site.path("credentials/credentials.csv")]);
    let _agent = Service::spawn(agent, &site.folder.join("agent.log"));
    let (mut status, mut rows) = (None, Vec::new());
    let is_there = |rows: &[(String, String, String)]| {
        let said = |what: &str, word: &str| rows.iter().any(|row| row.0 == what && row.2.contains(word));
        said("robots", "8 of 60") && said("http", "controller runs there")
    };
    wait_until("robots and controller", WORK_MAX, || {
        (status, rows) = site.check();
        is_there(&rows)
    });
    assert_eq!(status, Some(0), "{rows:?}");
    wait_until("the job to be done", WORK_MAX, || {
        let log = site.read("log");
        log.lines().any(|line| line.contains("J-1") && line.contains("done")) && log.contains("wanted Open")
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_kept_until_they_are_rotated_and_go_with_their_robot() {
    let Some(mut mosquitto) = Mosquitto::absent() else { return };
    let (site, port) = (Site::new(), mosquitto.port());
    site.change("drover.toml", "127.0.0.1:1883", &format!("127.0.0.1:{port}"));
    assert!(site.credentials(&[]).status.success());
    let files = ["mosquitto.conf", "acl", "passwd", "credentials.csv", "agent.toml", "drover-mqtt-password"];
    let all = || files.map(|name| site.read(&format!("credentials/{name}")));
    let (before, old) = (all(), site.passwords());
    assert!(site.credentials(&[]).status.success());
    assert_eq!(all(), before, "a second run changes nothing");

    assert!(site.credentials(&["--rotate", "r01"]).status.success());
    let new = site.passwords();
    let changed: Vec<&String> =
        new.iter().filter(|(user, new)| old[*user] != **new).map(|(user, _)| user).collect();
    assert_eq!(changed, ["robot-drover-r01"]);
    site.serve(&mut mosquitto);
    let try_with = |password: String| async move {
        Client::connect(port, Some(("robot-drover-r01", &password))).await.err()
    };
    assert_eq!(try_with(old["robot-drover-r01"].clone()).await, Some(ConnectReturnCode::NotAuthorized));
    assert_eq!(try_with(new["robot-drover-r01"].clone()).await, None);
    let nobody = site.credentials(&["--rotate", "r999"]);
    assert_eq!(nobody.status.code(), Some(2), "{}", said(&nobody));

    let robot = "[[robot]]\nmanufacturer = \"drover\"\nserial = \"r02\"\n";
    site.change("site.toml", robot, &robot.replace("r02", "r-new"));
    let (_, rows) = site.check();
    let told = verdict(&rows, "credentials")[0];
    assert!(told.0 == "warning" && told.1.contains("r-new"), "{told:?}");
    let output = site.credentials(&[]);
    assert!(said(&output).contains("gone: robot-drover-r02"), "{}", said(&output));
    for file in all() {
        assert!(!file.contains("drover-r02") && !file.contains("drover/r02/"), "{file}");
    }
    assert!(!site.folder.join("credentials/robots/robot-drover-r02.password").exists());
    assert!(site.folder.join("credentials/robots/robot-drover-r-new.password").exists());

    for name in ["r+1", "r/1", "r#", "r 1"] {
        let new = robot.replace("r02", name);
        site.change("site.toml", &robot.replace("r02", "r-new"), &new);
        let output = site.credentials(&[]);
        assert!(!output.status.success() && said(&output).contains(name), "{name}: {}", said(&output));
        site.change("site.toml", &new, &robot.replace("r02", "r-new"));
    }
}
