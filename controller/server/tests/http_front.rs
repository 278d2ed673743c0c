//! One port: TLS, the page, gRPC-web by hand, health and reflection.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use drover_proto::grpc::v1;
use hyper_util::rt::TokioIo;
use kit::api::{Api, Setup, call, get, must, status};
use kit::process::{Folder, wait_until};
use kit::site::program;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_stream::StreamExt;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
use v1::job_service_client::JobServiceClient;
use v1::site_service_client::SiteServiceClient;

const WAIT_MAX: Duration = Duration::from_secs(30);
const TLS: &str = "tls_cert = \"{folder}/tls.crt\"\ntls_key = \"{folder}/tls.key\"\n";

/// A certificate of OpenSSL's making, for `localhost`.
fn make_certificate(folder: &Folder, name: &str) {
    let (key, cert) = (format!("{name}.key"), format!("{name}.crt"));
    let arguments =
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    let more =
        ["-keyout", &key, "-out", &cert, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    let leaf = ["-addext", "basicConstraints=critical,CA:FALSE"];
    must(folder.path(), "openssl", &[&arguments[..], &more[..], &leaf[..]].concat());
}

/// Connects, trusting this certificate alone.
async fn dial(
    port: u16,
    folder: &Folder,
    name: &str,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let pem = std::fs::read(folder.file(&format!("{name}.crt"))).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let socket = TcpStream::connect(("127.0.0.1", port)).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), socket).await
}

async fn dial_until_it_listens(
    port: u16,
    folder: &Folder,
    name: &str,
    protocol: &[u8],
) -> TlsStream<TcpStream> {
    let begun = std::time::Instant::now();
    loop {
        match dial(port, folder, name, protocol).await {
            Ok(stream) => return stream,
            Err(error) => assert!(begun.elapsed() < WAIT_MAX, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn everything_is_served_by_tls_and_a_new_certificate_needs_no_restart() {
    let folder = Folder::new("tls");
    make_certificate(&folder, "tls");
    let api = Api::start(folder, &Setup { name: "tls", more: TLS, ..Setup::default() });
    let mut plain = dial_until_it_listens(api.port, &api.folder, "tls", b"http/1.1").await;
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    plain.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("alive\n"), "{answer}");

    let stream = dial(api.port, &api.folder, "tls", b"h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut stream = Some(stream);
    let connector = tower::service_fn(move |_: axum::http::Uri| {
        let stream = stream.take().map(TokioIo::new);
        async move { stream.ok_or_else(|| std::io::Error::other("dialled once only")) }
    });
    let channel = Endpoint::from_static("http://localhost").connect_with_connector(connector).await.unwrap();
    let layout = SiteServiceClient::new(channel).get_layout(v1::GetLayoutRequest::default()).await.unwrap();
    assert_eq!(layout.into_inner().site, "tls");

    std::fs::rename(api.folder.file("tls.crt"), api.folder.file("old.crt")).unwrap();
    make_certificate(&api.folder, "tls");
    dial_until_it_listens(api.port, &api.folder, "tls", b"h2").await;
    assert!(dial(api.port, &api.folder, "old", b"h2").await.is_err());
    std::fs::write(api.folder.file("tls.crt"), "no certificate").unwrap();
    wait_until("the bad file to be told", WAIT_MAX, || api.log().contains("can't be used"));
}

/// What `drover run` says of a certificate and key it can't use.
fn complaint(folder: &Folder) -> String {
    let api = Api::configured(Folder::new("bad-tls"), &Setup { name: "bad-tls", ..Setup::default() });
    let more = TLS.replace("{folder}", &folder.path().display().to_string());
    let config = api.folder.file("drover.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text + &more).unwrap();
    let output = Command::new(program("drover")).arg("run").arg("--config").arg(config).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_bad_certificate_is_told_with_key_file_and_mend() {
    let folder = Folder::new("pem");
    make_certificate(&folder, "tls");
    make_certificate(&folder, "other");
    std::fs::copy(folder.file("other.key"), folder.file("tls.key")).unwrap();
    let told = complaint(&folder);
    assert!(
        told.contains("http.tls_key") && told.contains("tls.key") && told.contains("doesn't go with"),
        "{told}"
    );
    std::fs::write(folder.file("tls.crt"), "hello").unwrap();
    let told = complaint(&folder);
    assert!(told.contains("http.tls_cert") && told.contains("BEGIN CERTIFICATE"), "{told}");
    std::fs::remove_file(folder.file("tls.crt")).unwrap();
    let told = complaint(&folder);
    assert!(told.contains("http.tls_cert") && told.contains("tls.crt"), "{told}");
}

#[test]
fn the_page_is_served_with_its_headers() {
    let api = Api::start(Folder::new("page"), &Setup { name: "page", ..Setup::default() });
    api.wait_until_ready();
    for path in ["/", "/index.html", "/stations/PICK-C-01"] {
        let answer = get(api.port, path, "").to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 200"), "{path}: {answer}");
        assert!(answer.contains("content-type: text/html; charset=utf-8"), "{path}: {answer}");
        for header in ["cache-control: no-cache", "content-security-policy: default-src 'self'", "nosniff"] {
            assert!(answer.contains(header), "{path}: {header}");
        }
    }
    let answer = get(api.port, "/", "");
    let tag = answer.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let again = get(api.port, "/", &format!("If-None-Match: {tag}\r\n"));
    assert!(again.starts_with("HTTP/1.1 304"), "{again}");
    assert!(get(api.port, "/no-such-file.js", "").starts_with("HTTP/1.1 404"));
    assert!(get(api.port, "/../Cargo.toml", "").starts_with("HTTP/1.1 404"));
}

#[test]
fn grpc_web_is_spoken_over_http_1() {
    let api = Api::start(Folder::new("web"), &Setup { name: "web", ..Setup::default() });
    api.wait_until_ready();
    let answer = call(api.port, "/drover.v1.SiteService/ListZones", None, &[]);
    let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    assert!(text.contains("content-type: application/grpc-web+proto"), "{text}");
    assert!(text.contains("chilled") && status(&answer) == Some(0), "{text}");
    // Field 2, the job's id.
    let unknown = call(api.port, "/drover.v1.JobService/Cancel", None, b"\x12\x03J-9");
    let text = String::from_utf8_lossy(&unknown).to_ascii_lowercase();
    assert_eq!(status(&unknown), Some(5), "{text}");
    assert!(text.contains("unknown_job"), "{text}");
    assert_eq!(status(&call(api.port, "/drover.v1.FleetService/Send", None, &[])), Some(12));
}

#[tokio::test]
async fn health_follows_readiness_and_reflection_lists_the_services() {
    let api = Api::start(Folder::new("health"), &Setup { name: "health", ..Setup::default() });
    let mut health = HealthClient::new(api.channel().await);
    let request = HealthCheckRequest { service: "drover.v1.FleetService".to_owned() };
    let mut told = health.watch(request).await.unwrap().into_inner();
    while told.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
    api.wait_until_ready();

    let mut reflection = ServerReflectionClient::new(api.channel().await);
    let request = MessageRequest::ListServices(String::new());
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let mut answers =
        reflection.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    let ServerReflectionResponse { message_response, .. } = answers.next().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = message_response else { panic!("no list") };
    let names: Vec<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
    for name in ["drover.v1.JobService", "drover.v1.AuditService", "grpc.health.v1.Health"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let mut jobs = JobServiceClient::new(api.channel().await);
    assert!(jobs.list(v1::ListJobsRequest::default()).await.unwrap().into_inner().jobs.is_empty());
}
