//! A controller to be called, and callers of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::process::{Folder, Service, free_port, tail, wait_until};
use super::site::{Place, program};

const READY_MAX: Duration = Duration::from_secs(60);
const CONNECT_MAX: Duration = Duration::from_secs(30);
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// What its configuration says.
pub struct Setup<'a> {
    pub name: &'a str,
    pub place: Place,
    pub mqtt: &'a str,
    pub speed: &'a str,
    /// More keys of `[http]`, and whole sections.
    pub more: &'a str,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Setup { name: "api", place: Place::fresh_dc(), mqtt: "embedded", speed: "1", more: "" }
    }
}

/// A controller, configured and started.
pub struct Api {
    pub folder: Folder,
    pub port: u16,
    service: Option<Service>,
    speed: String,
}

impl Api {
    /// In a folder that a test may have put files into; `{folder}` in `more` is that folder.
    pub fn start(folder: Folder, setup: &Setup) -> Api {
        let mut api = Api::configured(folder, setup);
        api.restart();
        api
    }

    pub fn configured(folder: Folder, setup: &Setup) -> Api {
        let port = free_port();
        let mut text = format!("[site]\nid = \"{}\"\n", setup.name);
        text += &format!("layout = \"{}\"\n", setup.place.layout.display());
        if let Some(site) = &setup.place.site {
            text += &format!("site = \"{}\"\n", site.display());
        }
        text += &format!("[mqtt]\nurl = \"{}\"\n[store]\n", setup.mqtt);
        text += &format!("url = \"sqlite:{}\"\n", folder.file("drover.db").display());
        text += &format!("[http]\nlisten = \"127.0.0.1:{port}\"\n");
        text += &setup.more.replace("{folder}", &folder.path().display().to_string());
        std::fs::write(folder.file("drover.toml"), text).unwrap();
        Api { folder, port, service: None, speed: setup.speed.to_owned() }
    }

    pub fn restart(&mut self) {
        self.service = None;
        let config = self.folder.file("drover.toml");
        let mut command = Command::new(program("drover"));
        command.arg("run").arg("--config").arg(config).args(["--speed", &self.speed]);
        self.service = Some(Service::spawn(command, &self.folder.file("log")));
    }

    pub fn wait_until_ready(&self) {
        wait_until("drover to be ready", READY_MAX, || {
            get(self.port, "/readyz", "").starts_with("HTTP/1.1 200")
        });
    }

    pub fn log(&self) -> String {
        tail(&self.folder.file("log"))
    }

    pub async fn channel(&self) -> Channel {
        let begun = Instant::now();
        loop {
            let endpoint = Channel::from_shared(format!("http://127.0.0.1:{}", self.port)).unwrap();
            match endpoint.connect().await {
                Ok(channel) => return channel,
                Err(error) => assert!(begun.elapsed() < CONNECT_MAX, "{error}: {}", self.log()),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", self.log());
        }
    }
}

/// Sends a bearer token with every call.
#[derive(Clone)]
pub struct Token(pub String);

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let value: MetadataValue<_> = format!("Bearer {}", self.0).parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}

/// A page's answer, head and body.
pub fn get(port: u16, path: &str, headers: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: drover\r\nConnection: close\r\n{headers}\r\n");
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return String::new() };
    let mut answer = Vec::new();
    if stream.write_all(request.as_bytes()).is_ok() {
        let _ = stream.read_to_end(&mut answer);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// A gRPC-web call by hand over HTTP/1.1: what comes first, the head at least.
pub fn call(port: u16, path: &str, token: Option<&str>, message: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(ANSWER_MAX)).unwrap();
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: drover\r\nConnection: close\r\nContent-Type: application/grpc-web+proto\r\n\
         {token}Content-Length: {}\r\n\r\n",
        5 + message.len()
    );
    let mut request = head.into_bytes();
    request.push(0);
    request.extend((message.len() as u32).to_be_bytes());
    request.extend(message);
    stream.write_all(&request).unwrap();
    let (mut answer, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    while !is_enough(&answer) {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => answer.extend(&chunk[..length]),
            Err(error) => panic!("{path}: {error}"),
        }
    }
    answer
}

/// The head is there and tells the status; or a message has begun, or a status after messages.
fn is_enough(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    head.contains("grpc-status") || body.contains("grpc-status") || body.len() > 64
}

/// The gRPC status in an answer; none = it goes on well.
pub fn status(answer: &[u8]) -> Option<i32> {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let rest = text.split("grpc-status:").nth(1)?;
    rest.trim_start().chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// Runs a program that must succeed.
pub fn must(folder: &Path, command: &str, arguments: &[&str]) {
    let output = Command::new(command).current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}
