//! Edges blocked and robots let go of over gRPC: who, why, for how long, and where it is seen.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::time::{Duration, Instant};

use drover_proto::grpc::v1;
use kit::api::{Api, Setup};
use kit::process::Folder;
use tonic::transport::Channel;
use tonic::{Code, Status};
use v1::audit_service_client::AuditServiceClient;
use v1::fleet_service_client::FleetServiceClient;
use v1::site_service_client::SiteServiceClient;

const OPEN_MAX: Duration = Duration::from_secs(30);

async fn start(name: &str) -> (Api, Channel) {
    let api = Api::start(Folder::new(name), &Setup { name, ..Setup::default() });
    api.wait_until_ready();
    let channel = api.channel().await;
    (api, channel)
}

fn block(edge: &str, key: &str, for_s: Option<u64>) -> v1::BlockEdgeRequest {
    v1::BlockEdgeRequest {
        idempotency_key: key.to_owned(),
        edge: edge.to_owned(),
        reason: "pallet down".to_owned(),
        for_s,
    }
}

async fn blocked(site: &mut SiteServiceClient<Channel>) -> Vec<v1::BlockedEdge> {
    site.list_blocked_edges(v1::ListBlockedEdgesRequest {}).await.unwrap().into_inner().edges
}

/// Actor, action, subject and code of each entry, newest first.
async fn audit(channel: &Channel) -> Vec<[String; 4]> {
    let mut audit = AuditServiceClient::new(channel.clone());
    let entries = audit.list(v1::ListAuditRequest::default()).await.unwrap().into_inner().entries;
    entries.into_iter().map(|entry| [entry.actor, entry.action, entry.subject, entry.code]).collect()
}

fn code(status: &Status) -> &str {
    status.metadata().get("drover-code").map_or("", |code| code.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_edge_is_seen_everywhere_until_it_is_unblocked() {
    let (_api, channel) = start("edges").await;
    let mut site = SiteServiceClient::new(channel.clone());
    let layout = site.get_layout(v1::GetLayoutRequest::default()).await.unwrap().into_inner();
    assert!(layout.edges.iter().all(|edge| !edge.blocked));
    let edge = layout.edges[0].id.clone();

    let receipt = site.block_edge(block(&edge, "k1", None)).await.unwrap().into_inner().receipt.unwrap();
    assert!(receipt.seq > 0 && !receipt.repeated);
    let again = site.block_edge(block(&edge, "k1", None)).await.unwrap().into_inner().receipt.unwrap();
    assert!(again.repeated);
    let reused = site.block_edge(block(&edge, "k1", Some(60))).await.unwrap_err();
    assert_eq!((reused.code(), code(&reused)), (Code::AlreadyExists, "KEY_REUSED"));

    let listed = blocked(&mut site).await;
    assert_eq!(listed.len(), 1);
    let seen = &listed[0];
    assert_eq!((seen.edge.as_str(), seen.blocked_by.as_str()), (edge.as_str(), "anonymous"));
    assert_eq!((seen.reason.as_str(), seen.until_ms, seen.robot.as_ref()), ("pallet down", None, None));
    let layout = site.get_layout(v1::GetLayoutRequest::default()).await.unwrap().into_inner();
    let marked: Vec<&str> =
        layout.edges.iter().filter(|edge| edge.blocked).map(|edge| edge.id.as_str()).collect();
    assert_eq!(marked, [edge.as_str()]);
    let mut status = site.watch_status(v1::WatchStatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.message().await.unwrap().unwrap().blocked_edges, listed);

    let open = v1::UnblockEdgeRequest { edge: edge.clone(), ..v1::UnblockEdgeRequest::default() };
    site.unblock_edge(open).await.unwrap();
    assert!(blocked(&mut site).await.is_empty());
    let told = audit(&channel).await;
    let done = |action: &str| ["anonymous".to_owned(), action.to_owned(), edge.clone(), String::new()];
    assert_eq!(told, [done("edge.unblock"), done("edge.block")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_for_a_time_ends_by_itself_and_bad_ones_are_refused_with_the_mend() {
    let (_api, channel) = start("edges-time").await;
    let mut site = SiteServiceClient::new(channel.clone());
    let layout = site.get_layout(v1::GetLayoutRequest::default()).await.unwrap().into_inner();
    let edge = layout.edges[0].id.clone();
    let unknown = site.block_edge(block("nowhere", "", None)).await.unwrap_err();
    assert_eq!((unknown.code(), code(&unknown)), (Code::NotFound, "UNKNOWN_EDGE"));
    assert!(unknown.message().contains("\"nowhere\"") && unknown.message().contains("edgeId"), "{unknown}");
    for for_s in [0, 30 * 24 * 3_600 + 1, u64::MAX] {
        let refused = site.block_edge(block(&edge, "", Some(for_s))).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{for_s}");
        assert!(refused.message().contains("for_s"), "{refused}");
    }
    site.block_edge(block(&edge, "", Some(2))).await.unwrap();
    let listed = blocked(&mut site).await;
    assert_eq!(listed[0].until_ms, Some(listed[0].blocked_at_ms + 2_000));
    let begun = Instant::now();
    while !blocked(&mut site).await.is_empty() {
        assert!(begun.elapsed() < OPEN_MAX, "edge {edge} stays blocked");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let told = audit(&channel).await;
    assert_eq!(told[0][..3], ["drover".to_owned(), "edge.unblock".to_owned(), edge]);
    assert_eq!(told.last().unwrap()[3], "UNKNOWN_EDGE");
    let mut status = site.watch_status(v1::WatchStatusRequest {}).await.unwrap().into_inner();
    // An alarm comes into the picture right after the change it tells of.
    let told = async {
        while !status.message().await.unwrap().unwrap().alarms.iter().any(|alarm| alarm.code == "EDGE_OPEN") {
        }
    };
    tokio::time::timeout(OPEN_MAX, told).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_robot_is_let_go_of_with_a_reason_by_somebody_who_has_looked() {
    let (_api, channel) = start("release").await;
    let mut fleet = FleetServiceClient::new(channel.clone());
    let robots = fleet.list(v1::ListRobotsRequest::default()).await.unwrap().into_inner().robots;
    let request = v1::ReleaseRobotRequest {
        idempotency_key: "r1".to_owned(),
        robot: robots[0].id.clone(),
        floor_is_clear: true,
        reason: "carried to the workshop".to_owned(),
    };
    for (bad, what) in [
        (v1::ReleaseRobotRequest { reason: " ".to_owned(), ..request.clone() }, "reason"),
        (v1::ReleaseRobotRequest { floor_is_clear: false, ..request.clone() }, "floor_is_clear"),
        (v1::ReleaseRobotRequest { robot: None, ..request.clone() }, "robot"),
    ] {
        let refused = fleet.release(bad).await.unwrap_err();
        assert!(refused.message().contains(what), "{refused}");
    }
    let answer = fleet.release(request.clone()).await.unwrap().into_inner();
    assert!(answer.receipt.is_some_and(|receipt| !receipt.repeated));
    assert!(answer.freed.is_empty(), "nobody has seen it: it held nothing");
    assert!(fleet.release(request).await.unwrap().into_inner().receipt.unwrap().repeated);
    let mut entries = AuditServiceClient::new(channel);
    let entries = entries.list(v1::ListAuditRequest::default()).await.unwrap().into_inner().entries;
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (entries[0].action.as_str(), entries[0].reason.as_str()),
        ("robot.release", "carried to the workshop")
    );
}
