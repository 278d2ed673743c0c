//! Who may call what, over real gRPC and gRPC-web: tokens, roles, and what becomes of a refusal.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use drover_proto::grpc::v1;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kit::api::{Api, Setup, Token, call, get, must, status};
use kit::process::{Folder, wait_until};
use serde_json::{Value, json};
use tonic::Code;
use tonic::transport::Channel;
use v1::audit_service_client::AuditServiceClient;
use v1::fleet_service_client::FleetServiceClient;
use v1::site_service_client::SiteServiceClient;

const RELOAD_MAX: Duration = Duration::from_secs(30);
const UNAUTHENTICATED: Option<i32> = Some(16);
const PERMISSION_DENIED: Option<i32> = Some(7);

fn user(name: &str, role: &str) -> String {
    let hash = digest(&SHA256, format!("{name}-token").as_bytes());
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("[[user]]\nname = \"{name}\"\nrole = \"{role}\"\ntoken_sha256 = \"{hash}\"\n")
}

fn with_users() -> Api {
    let folder = Folder::new("access");
    let users = [user("vera", "viewer"), user("otto", "operator"), user("ada", "admin")].concat();
    std::fs::write(folder.file("users.toml"), users).unwrap();
    let more = "[auth]\nusers = \"{folder}/users.toml\"\nanonymous = \"none\"\n";
    let api = Api::start(folder, &Setup { name: "access", more, ..Setup::default() });
    api.wait_until_ready();
    api
}

fn token(name: &str) -> Token {
    Token(format!("{name}-token"))
}

/// A method of every class, and how many of viewer, operator and admin it refuses.
const METHODS: [(&str, usize); 14] = [
    ("/drover.v1.JobService/List", 0),
    ("/drover.v1.JobService/Watch", 0),
    ("/drover.v1.FleetService/Watch", 0),
    ("/drover.v1.SiteService/GetLayout", 0),
    ("/drover.v1.SiteService/WatchStatus", 0),
    ("/drover.v1.AuditService/List", 1),
    ("/drover.v1.JobService/Submit", 1),
    ("/drover.v1.FleetService/Pause", 1),
    ("/drover.v1.SiteService/ResumeZone", 1),
    ("/drover.v1.SiteService/BlockEdge", 1),
    ("/drover.v1.SiteService/ListBlockedEdges", 0),
    ("/drover.v1.FloorService/Confirm", 1),
    ("/drover.v1.FleetService/Release", 2),
    ("/drover.v1.JobService/Explode", 2),
];

#[test]
fn every_role_may_what_the_table_says() {
    let api = with_users();
    for (path, refused) in METHODS {
        if path == "/drover.v1.JobService/Watch" {
            // Nothing happens to jobs here, so a caller who is let in hears nothing.
            assert_eq!(status(&call(api.port, path, None, &[])), UNAUTHENTICATED);
            continue;
        }
        assert_eq!(status(&call(api.port, path, None, &[])), UNAUTHENTICATED, "{path} without a token");
        assert_eq!(status(&call(api.port, path, Some("made-up"), &[])), UNAUTHENTICATED, "{path}");
        for (place, name) in ["vera", "otto", "ada"].into_iter().enumerate() {
            let answer = call(api.port, path, Some(&token(name).0), &[]);
            let is_refused = status(&answer) == PERMISSION_DENIED;
            assert_eq!(is_refused, place < refused, "{name} {path}: {}", String::from_utf8_lossy(&answer));
            assert_ne!(status(&answer), UNAUTHENTICATED, "{name} {path}");
        }
    }
    let unknown = call(api.port, "/drover.v1.JobService/Explode", Some(&token("ada").0), &[]);
    assert_eq!(status(&unknown), Some(12));
    assert_eq!(status(&call(api.port, "/grpc.health.v1.Health/Check", None, &[])), Some(0));
    for path in ["/healthz", "/readyz", "/metrics", "/"] {
        assert!(get(api.port, path, "").starts_with("HTTP/1.1 200"), "{path}");
    }
    assert!(get(api.port, "/metrics", "").contains("drover_denied_total"));
}

#[tokio::test]
async fn a_refused_stop_is_in_the_audit() {
    let api = with_users();
    let channel = api.channel().await;
    let stop = v1::StopZoneRequest { zone: "chilled".to_owned(), ..v1::StopZoneRequest::default() };
    let mut vera = SiteServiceClient::with_interceptor(channel.clone(), token("vera"));
    let refused = vera.stop_zone(stop.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(refused.metadata().get("drover-code").unwrap(), "ROLE_TOO_LOW");
    for _ in 0..50 {
        vera.stop_zone(stop.clone()).await.unwrap_err();
    }
    let mut nobody = SiteServiceClient::new(channel.clone());
    let unknown = nobody.stop_zone(stop.clone()).await.unwrap_err();
    assert_eq!(unknown.code(), Code::Unauthenticated);
    assert_eq!(unknown.metadata().get("drover-code").unwrap(), "TOKEN_MISSING");

    let mut otto = SiteServiceClient::with_interceptor(channel.clone(), token("otto"));
    let request =
        v1::StopZoneRequest { reason: "spill".to_owned(), idempotency_key: "k1".to_owned(), ..stop };
    otto.stop_zone(request).await.unwrap();
    let mut audit = AuditServiceClient::with_interceptor(channel, token("otto"));
    let entries = audit.list(v1::ListAuditRequest::default()).await.unwrap().into_inner().entries;
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            (entry.actor.as_str(), entry.action.as_str(), entry.subject.as_str(), entry.code.as_str())
        })
        .collect();
    let expected = [
        ("otto", "zone.stop", "chilled", ""),
        ("anonymous", "zone.stop", "chilled", "TOKEN_MISSING"),
        ("vera", "zone.stop", "chilled", "ROLE_TOO_LOW"),
    ];
    assert_eq!(told, expected);
    assert_eq!((entries[0].reason.as_str(), entries[0].idempotency_key.as_str()), ("spill", "k1"));

    let zones = otto.list_zones(v1::ListZonesRequest {}).await.unwrap().into_inner().zones;
    let stopped = zones.iter().find(|zone| zone.id == "chilled").unwrap();
    assert_eq!(
        (stopped.stopped, stopped.stopped_by.as_str(), stopped.reason.as_str()),
        (true, "otto", "spill")
    );
    let status = otto.watch_status(v1::WatchStatusRequest {}).await.unwrap().into_inner().message().await;
    let status = status.unwrap().unwrap();
    assert_eq!((status.user.as_str(), status.role.as_str(), status.leads), ("otto", "operator", true));
    assert!(status.zones.iter().any(|zone| zone.stopped && zone.nodes.is_empty()));
}

async fn list_robots(channel: &Channel, token: &str) -> Code {
    let mut fleet = FleetServiceClient::with_interceptor(channel.clone(), Token(token.to_owned()));
    fleet.list(v1::ListRobotsRequest::default()).await.map_or_else(|status| status.code(), |_| Code::Ok)
}

#[tokio::test]
async fn the_user_file_is_read_again_when_it_changes() {
    let api = with_users();
    let channel = api.channel().await;
    assert_eq!(list_robots(&channel, "otto-token").await, Code::Ok);
    let file = api.folder.file("users.toml");
    std::fs::write(&file, "[[user]]\nname = \"otto\"\n").unwrap();
    wait_until("the bad file to be told", RELOAD_MAX, || api.log().contains("can't be used"));
    assert_eq!(list_robots(&channel, "otto-token").await, Code::Ok);
    std::fs::write(&file, user("nina", "viewer")).unwrap();
    let is_new =
        || status(&call(api.port, "/drover.v1.FleetService/List", Some("nina-token"), &[])) == Some(0);
    wait_until("the new user to be let in", RELOAD_MAX, is_new);
    assert_eq!(list_robots(&channel, "otto-token").await, Code::Unauthenticated);
}

fn sign(folder: &Folder, name: &str, algorithm: Algorithm, claims: &Value) -> String {
    let pem = std::fs::read(folder.file(&format!("{name}.key"))).unwrap();
    let key = match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(&pem),
        Algorithm::ES256 => EncodingKey::from_ec_pem(&pem),
        _ => EncodingKey::from_ed_pem(&pem),
    };
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key.unwrap()).unwrap()
}

/// A private and a public key of OpenSSL's making.
fn make_key(folder: &Folder, name: &str, arguments: &[&str]) {
    let key = format!("{name}.key");
    must(folder.path(), "openssl", &[&["genpkey", "-out", &key], arguments].concat());
    must(folder.path(), "openssl", &["pkey", "-in", &key, "-pubout", "-out", &format!("{name}.pem")]);
}

async fn assert_jwt(algorithm: Algorithm, arguments: &[&str]) {
    let folder = Folder::new("jwt");
    make_key(&folder, "idp", arguments);
    make_key(&folder, "other", arguments);
    let more = "[auth]\njwt_key = \"{folder}/idp.pem\"\njwt_issuer = \"https://id\"\njwt_audience = \"drover\"\n\
                anonymous = \"none\"\n";
    let api = Api::start(folder, &Setup { name: "jwt", more, ..Setup::default() });
    api.wait_until_ready();
    let channel = api.channel().await;
    let good = json!({ "sub": "kim", "iss": "https://id", "aud": ["drover"], "exp": 4_000_000_000_u64,
                       "drover_role": ["viewer", "operator"] });
    let with = |key: &str, value: Value| {
        let mut claims = good.clone();
        claims[key] = value;
        sign(&api.folder, "idp", algorithm, &claims)
    };
    let mut site = SiteServiceClient::with_interceptor(channel.clone(), Token(with("x", json!(1))));
    let status = site.watch_status(v1::WatchStatusRequest {}).await.unwrap().into_inner().message().await;
    let status = status.unwrap().unwrap();
    assert_eq!((status.user.as_str(), status.role.as_str()), ("kim", "operator"));

    let mut bad = vec![
        with("iss", json!("https://elsewhere")),
        with("aud", json!("bakery")),
        with("exp", json!(1_000_000_000)),
        with("nbf", json!(4_000_000_000_u64)),
        with("drover_role", json!("baker")),
        sign(&api.folder, "other", algorithm, &good),
    ];
    // Signed with the public key as a secret, and not at all.
    let public = std::fs::read(api.folder.file("idp.pem")).unwrap();
    bad.push(
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &good, &EncodingKey::from_secret(&public))
            .unwrap(),
    );
    let unsigned = with("x", json!(1));
    bad.push(format!("{}.", unsigned.rsplit_once('.').unwrap().0));
    for token in bad {
        assert_eq!(list_robots(&channel, &token).await, Code::Unauthenticated);
    }
}

#[tokio::test]
async fn tokens_of_an_identity_provider_are_checked() {
    assert_jwt(Algorithm::RS256, &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]).await;
    assert_jwt(Algorithm::ES256, &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]).await;
    assert_jwt(Algorithm::EdDSA, &["-algorithm", "ED25519"]).await;
}

#[tokio::test]
async fn a_standby_refuses_changes_and_names_the_leader() {
    let leader = Api::start(Folder::new("leader"), &Setup { name: "pair", ..Setup::default() });
    leader.wait_until_ready();
    let more = "[log]\nlevel = \"info\"\n";
    let mut standby =
        Api::configured(Folder::new("standby"), &Setup { name: "pair", more, ..Setup::default() });
    let config = std::fs::read_to_string(standby.folder.file("drover.toml")).unwrap();
    let (own, shared) = (standby.folder.file("drover.db"), leader.folder.file("drover.db"));
    let config = config.replace(&own.display().to_string(), &shared.display().to_string());
    std::fs::write(standby.folder.file("drover.toml"), config).unwrap();
    standby.restart();
    wait_until("the standby to stand by", RELOAD_MAX, || {
        get(standby.port, "/readyz", "").contains("standing by")
    });
    let mut fleet = FleetServiceClient::new(standby.channel().await);
    let refused = fleet.pause(v1::PauseRobotsRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(refused.metadata().get("drover-code").unwrap(), "NOT_LEADER");
    assert!(refused.message().contains(&format!("127.0.0.1:{}", leader.port)), "{refused}");
    let mut site = SiteServiceClient::new(standby.channel().await);
    let block = v1::BlockEdgeRequest { edge: "any".to_owned(), ..v1::BlockEdgeRequest::default() };
    let refused = site.block_edge(block).await.unwrap_err();
    assert_eq!(refused.metadata().get("drover-code").unwrap(), "NOT_LEADER");
}
