//! The page in a real Chromium, at a real demonstration: robots move, doors open, a zone is stopped and resumed, a robot
//! paused, both languages shown.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use kit::process::Folder;

/// Robots of the demonstration; the site lists more, which stay away.
const ROBOTS: &str = "20";

struct Demo {
    child: Child,
    url: String,
}

impl Demo {
    fn start(folder: &Folder) -> Demo {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drover"));
        command.args(["demo", "--robots", ROBOTS, "--speed", "4", "--listen", "127.0.0.1:0", "--report"]);
        command.arg(folder.file("report")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut told = Vec::new();
        let url = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let url =
                line.split_once("page: ").map(|(_, url)| url.split(' ').next().unwrap_or(url).to_owned());
            told.push(line);
            url
        });
        std::thread::spawn(move || lines.for_each(drop));
        Demo { child, url: url.unwrap_or_else(|| panic!("no address of the page in {told:?}")) }
    }

    fn metrics(&self) -> String {
        let address = self.url.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let ask = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, ask.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Its own children end with it.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn web() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../web")
}

#[test]
fn the_page_shows_and_steers_a_running_site() {
    if !web().join("node_modules/playwright-core").is_dir() || !web().join("dist/index.html").is_file() {
        return eprintln!("skipped: the page isn't built; run `make web`");
    }
    if Command::new("chromium").arg("--version").output().is_err() {
        return eprintln!("skipped: chromium isn't installed; scripts/install.sh test installs it");
    }
    let folder = Folder::new("page");
    let demo = Demo::start(&folder);
    let shots = folder.file("shots");
    let output = Command::new("node")
        .args(["e2e/page.mjs", "--url", &demo.url, "--expect-robots", ROBOTS, "--seconds", "5", "--shots"])
        .arg(&shots)
        .current_dir(web())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    println!("{told}");
    for shot in ["wall-ko.png", "wall-en.png", "zone-stopped-ko.png"] {
        assert!(shots.join(shot).is_file(), "{shot}");
    }
    let metrics = demo.metrics();
    for name in ["drover_device_messages_total", "drover_zones_stopped"] {
        assert!(metrics.contains(name), "{name} is missing in {metrics}");
    }
}
