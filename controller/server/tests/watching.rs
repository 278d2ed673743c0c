//! A real Prometheus watches a real site: every query of the dashboard and every alert is asked for, and answered.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use drover_controller::telemetry::list::{Kind, METRICS};
use drover_proto::grpc::v1;
use drover_proto::grpc::v1::job_service_client::JobServiceClient;
use kit::amqp::Client;
use kit::mosquitto::Mosquitto;
use kit::process::{Folder, free_port, installed, wait_until};
use kit::prometheus::Prometheus;
use kit::rabbit::Rabbit;
use kit::redis::Redis;
use kit::site::{Drover, Place, Wiring, robots};
use serde_json::Value;

const SITE: &str = "watch-test";
const SPEED: &str = "15";
const JOBS: usize = 6;
const DONE_MAX: Duration = Duration::from_secs(240);
const DATA_MAX: Duration = Duration::from_secs(60);

fn deployed(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file)
}

fn dashboard() -> Value {
    serde_json::from_str(&std::fs::read_to_string(deployed("grafana/drover.json")).unwrap()).unwrap()
}

/// Every query of the dashboard, with its panel's title.
fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| {
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        targets.into_iter().map(|target| (panel["title"].clone(), target["expr"].clone()))
    });
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    targets.map(|(title, expression)| (text(&title), text(&expression))).collect()
}

/// As Grafana would ask it.
fn filled(expression: &str) -> String {
    expression.replace("$__rate_interval", "30s").replace("$site", SITE)
}

/// Names of ours in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("drover_")).map(base).collect()
}

/// The metric a series belongs to.
fn base(series: &str) -> String {
    let histogram = |name: &str| METRICS.iter().any(|m| m.name == name && m.kind == Kind::Seconds);
    let bare = ["_bucket", "_sum", "_count"].iter().find_map(|end| series.strip_suffix(end));
    bare.filter(|name| histogram(name)).unwrap_or(series).to_owned()
}

#[test]
fn dashboard_and_alerts_use_metrics_of_the_list_only() {
    let listed: BTreeSet<String> = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    let alerts = std::fs::read_to_string(deployed("prometheus/alerts.yaml")).unwrap();
    let expressions: Vec<String> =
        queries(&dashboard()).into_iter().map(|(_, expression)| expression).collect();
    for text in expressions.iter().chain([&alerts]) {
        let unknown: Vec<_> = names(text).difference(&listed).cloned().collect();
        assert!(unknown.is_empty(), "{unknown:?} in {text:.200}");
    }
    let shown: BTreeSet<String> = expressions.iter().chain([&alerts]).flat_map(|text| names(text)).collect();
    let unseen: Vec<_> = listed.difference(&shown).collect();
    println!("in the list, on no screen: {unseen:?}");
}

#[test]
fn the_dashboard_is_one_grafana_can_load() {
    let dashboard = dashboard();
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 36 && dashboard["uid"] == "drover");
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert_eq!(
        variables.iter().map(|v| v["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["datasource", "site"]
    );
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id comes twice");
        assert!(title.contains(" / ") && !title.is_ascii(), "{title}: not Korean and English");
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{title}: beyond the grid");
        for (x, y) in
            (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y)))
        {
            assert!(taken.insert((x, y)), "{title}: on top of another panel");
        }
        match panel["type"].as_str().unwrap() {
            "row" => assert_eq!(panel["collapsed"], false),
            "stat" | "timeseries" => {
                assert!(!panel["targets"].as_array().unwrap().is_empty(), "{title}: no query");
                assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
                assert!(panel["fieldConfig"]["defaults"]["thresholds"]["steps"].is_array(), "{title}");
                assert!(panel["options"].is_object(), "{title}");
            }
            other => panic!("{title}: a panel of type {other}"),
        }
    }
}

#[test]
fn the_alerts_pass_promtool() {
    let Some(promtool) =
        installed("promtool", ["/usr/bin/promtool".into(), "/usr/local/bin/promtool".into()])
    else {
        return;
    };
    for (words, file) in [(["check", "rules"], "alerts.yaml"), (["test", "rules"], "alerts_test.yaml")] {
        let run = Command::new(&promtool).args(words).arg(file).current_dir(deployed("prometheus")).output();
        let run = run.unwrap();
        let said = [run.stdout, run.stderr].concat();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&said));
    }
    let alerts = std::fs::read_to_string(deployed("prometheus/alerts.yaml")).unwrap();
    let tests = std::fs::read_to_string(deployed("prometheus/alerts_test.yaml")).unwrap();
    for name in alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(&format!("alertname=\"{name}\"")), "{name} isn't shown to fire");
    }
    for key in ["summary:", "summary_ko:", "runbook:", "runbook_ko:"] {
        let count = |key: &str| alerts.lines().filter(|line| line.trim().starts_with(key)).count();
        assert_eq!(count(key), count("- alert:"), "{key} in each alert");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_answers_every_panel_and_every_alert() {
    let (Some(rabbit), Some(mosquitto), Some(redis)) = (Rabbit::start(), Mosquitto::start(), Redis::start())
    else {
        return;
    };
    let folder = Folder::new("watching");
    let drover = site(&rabbit, &mosquitto, &redis, &folder);
    let Some(mut prometheus) = Prometheus::start(drover.port, &deployed("prometheus/alerts.yaml")) else {
        return;
    };
    drover.wait_until_ready();
    let place = Place { layout: folder.file("layout.lif.json"), site: None };
    let _robots = robots(&mosquitto, &place, &folder.file("robots.log"), &["--count", "4", "--speed", SPEED]);
    // What rises before the first look can't be seen to rise.
    ask(&prometheus, "the first look", "drover_ready == 1", true);
    let client = Client::connect(&rabbit.url()).await;
    for number in 0..JOBS {
        client.publish("drover.jobs", SITE, &Place::warehouse_job(number).to_string(), &[]).await;
    }
    client.publish("drover.jobs", SITE, "no job", &[]).await;
    call(&drover).await;
    wait_until("the jobs to be done", DONE_MAX, || {
        drover.metric("drover_jobs_ended_total{outcome=\"on_time\"}") >= JOBS as u64
    });

    assert_listed(&drover);
    for (title, expression) in queries(&dashboard()) {
        let is_news = expression.ends_with("> 0") && !expression.contains("dead_letters");
        ask(&prometheus, &title, &filled(&expression), !is_news);
    }
    assert_alerts(&prometheus);

    prometheus.kill();
    assert!(drover.metric("drover_robots{state=\"idle\"}") > 0, "what is watched doesn't care who watches");
    prometheus.restart();
    ask(&prometheus, "after its kill", "max(drover_ready) == 1 and max(drover_plans_total) > 0", true);
}

fn site(rabbit: &Rabbit, mosquitto: &Mosquitto, redis: &Redis, folder: &Folder) -> Drover {
    let place = Place::warehouse(folder);
    let (jobs, mqtt) = (rabbit.url(), mosquitto.url());
    let drover = Wiring { id: SITE, place, jobs, mqtt, store: None, enroll: "auto", speed: SPEED };
    let mut drover = Drover::configured(&drover);
    let (redis, nobody) = (redis.url(), free_port());
    drover.configure(&format!("[cache]\nurl = \"{redis}\"\n[trace]\notlp = \"http://127.0.0.1:{nobody}\"\n"));
    drover.restart();
    drover
}

/// A unary call that is answered, one that is refused, and a stream.
async fn call(drover: &Drover) {
    let endpoint =
        tonic::transport::Endpoint::from_shared(format!("http://127.0.0.1:{}", drover.port)).unwrap();
    let mut jobs = JobServiceClient::new(endpoint.connect().await.unwrap());
    jobs.list(v1::ListJobsRequest::default()).await.unwrap();
    assert!(jobs.get(v1::GetJobRequest { job_id: "nobody's".to_owned() }).await.is_err());
    drop(jobs.watch(v1::WatchJobsRequest::default()).await);
    let count = |method: &str, code: &str| {
        let series = |method: &str, code: &str| {
            format!("drover_grpc_requests_total{{method=\"JobService/{method}\",code=\"{code}\"}}")
        };
        drover.metric(&series(method, code))
    };
    wait_until("the calls to be counted", DATA_MAX, || {
        count("List", "OK") == 1 && count("Get", "NOT_FOUND") == 1
    });
}

/// What is shown is in the list, with its text and kind.
fn assert_listed(drover: &Drover) {
    let shown = drover.get("/metrics");
    for line in shown.lines().skip_while(|line| !line.starts_with('#')).filter(|line| !line.is_empty()) {
        let name = match line.strip_prefix("# TYPE ").or_else(|| line.strip_prefix("# HELP ")) {
            Some(rest) => rest.split(' ').next().unwrap().to_owned(),
            None => base(line.split(['{', ' ']).next().unwrap()),
        };
        let metric = METRICS.iter().find(|metric| metric.name == name);
        let metric = metric.unwrap_or_else(|| panic!("{name} isn't in the list"));
        if line.starts_with("# TYPE") {
            assert!(line.ends_with(metric.kind.word()), "{line}");
            assert!(shown.contains(&format!("# HELP {name} {}", metric.help)), "{name} has no text");
        }
    }
    for metric in METRICS {
        assert!(shown.contains(&format!("# TYPE {} ", metric.name)), "{} isn't shown", metric.name);
    }
}

/// No error, and series if there must be some.
fn ask(prometheus: &Prometheus, title: &str, expression: &str, must_show: bool) {
    if !must_show {
        prometheus.query(expression).unwrap_or_else(|error| panic!("{title}: {error}: {expression}"));
        return;
    }
    wait_until(&format!("{title}: {expression}"), DATA_MAX, || {
        let found = prometheus.query(expression);
        !found.unwrap_or_else(|error| panic!("{title}: {error}: {expression}")).is_empty()
    });
}

/// Every alert is understood and evaluated; on this site only what is true is on.
fn assert_alerts(prometheus: &Prometheus) {
    let rules = || {
        let groups = prometheus.api("rules").unwrap()["groups"].as_array().cloned().unwrap_or_default();
        groups
            .iter()
            .flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default())
            .collect::<Vec<_>>()
    };
    wait_until("every alert to be evaluated", DATA_MAX, || {
        let rules = rules();
        !rules.is_empty() && rules.iter().all(|rule| rule["health"] == "ok")
    });
    let on: BTreeSet<String> = rules()
        .iter()
        .filter(|rule| rule["state"] != "inactive")
        .map(|rule| rule["name"].as_str().unwrap().to_owned())
        .collect();
    for rule in rules() {
        let (name, expression) = (rule["name"].as_str().unwrap(), rule["query"].as_str().unwrap());
        prometheus.query(expression).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(on.contains("DroverDeadLetters"), "the message that is no job: {on:?}");
    let wrong =
        ["DroverNoLeader", "DroverNotReady", "DroverStoreDown", "DroverRedisDown", "DroverRobotsLost"];
    assert!(wrong.iter().all(|name| !on.contains(*name)), "{on:?}");
    println!("{} alerts, on: {on:?}", rules().len());
}
