//! `SiteService`: the layout, and what of it is stopped or driven by devices.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drover_core::{Fleet, Wish};
use drover_maps::{Layout, NodeId};
use drover_proto::grpc::v1;
use drover_proto::grpc::v1::site_service_server::SiteService;
use futures::stream;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tonic::{Request, Response, Status};

use super::desk::{Desk, caller, user};
use super::{Answer, Updates, coded, ms, robot_id};
use crate::auth::User;
use crate::inbox;
use crate::view::{AlarmView, BlockedEdgeView, DeviceView, View, ZoneView, kind};

/// Pause between two statuses.
const STATUS_EVERY: Duration = Duration::from_secs(1);
/// Code of a layout that can't be used at all.
const INVALID: &str = "LAYOUT_INVALID";
/// Longest time an edge may be blocked for, s.
const BLOCK_S_MAX: u64 = 30 * 24 * 3_600;

pub(super) struct Ground(pub(super) Desk);

#[tonic::async_trait]
impl SiteService for Ground {
    async fn get_layout(&self, request: Request<v1::GetLayoutRequest>) -> Answer<v1::GetLayoutResponse> {
        let view = self.0.now();
        let layout = &self.0.layout(&view);
        let version = version(layout);
        let head =
            v1::GetLayoutResponse { site: view.site.clone(), version, ..v1::GetLayoutResponse::default() };
        if request.into_inner().known_version == head.version {
            return Ok(Response::new(head));
        }
        let blocked: BTreeSet<&str> =
            view.blocked_edges.iter().map(|blocked| blocked.edge.as_str()).collect();
        let zones =
            (0..layout.zones().len()).map(|zone| zone_message(layout, zone, view.zones.get(zone), true));
        Ok(Response::new(v1::GetLayoutResponse {
            nodes: layout.nodes().map(|node| node_message(layout, node)).collect(),
            edges: layout.edges().map(|edge| edge_message(layout, edge, &blocked)).collect(),
            stations: layout.stations().iter().map(|station| station_message(layout, station)).collect(),
            zones: zones.collect(),
            ..head
        }))
    }

    async fn list_zones(&self, _: Request<v1::ListZonesRequest>) -> Answer<v1::ListZonesResponse> {
        let view = self.0.view().await?;
        Ok(Response::new(v1::ListZonesResponse { zones: zones(&self.0.layout(&view), &view, true) }))
    }

    async fn stop_zone(&self, request: Request<v1::StopZoneRequest>) -> Answer<v1::StopZoneResponse> {
        let message = request.get_ref();
        let by = caller(&request, &message.idempotency_key, &message.reason)?;
        let zone = message.zone.clone();
        let wish = Wish::StopZone(zone.clone());
        let (receipt, robots) = self
            .0
            .change_and(inbox::Request::Wish { wish, by }, move |fleet| standing_in(fleet, &zone))
            .await?;
        Ok(Response::new(v1::StopZoneResponse { receipt: Some(receipt), robots }))
    }

    async fn resume_zone(&self, request: Request<v1::ResumeZoneRequest>) -> Answer<v1::ResumeZoneResponse> {
        let message = request.get_ref();
        let by = caller(&request, &message.idempotency_key, "")?;
        let wish = Wish::ResumeZone(message.zone.clone());
        let receipt = self.0.change(inbox::Request::Wish { wish, by }).await?;
        Ok(Response::new(v1::ResumeZoneResponse { receipt: Some(receipt) }))
    }

    async fn block_edge(&self, request: Request<v1::BlockEdgeRequest>) -> Answer<v1::BlockEdgeResponse> {
        let message = request.get_ref();
        let by = caller(&request, &message.idempotency_key, &message.reason)?;
        let edges = vec![message.edge.clone()];
        let wish = match message.for_s {
            None => Wish::CloseEdges(edges),
            Some(for_s @ 1..=BLOCK_S_MAX) => Wish::CloseEdgesFor { edges, for_ms: for_s * 1_000 },
            Some(for_s) => {
                let text = format!(
                    "`for_s` is {for_s}: use 1 to {BLOCK_S_MAX}, or leave it out to block until unblocked"
                );
                return Err(Status::invalid_argument(text));
            }
        };
        let receipt = self.0.change(inbox::Request::Wish { wish, by }).await?;
        Ok(Response::new(v1::BlockEdgeResponse { receipt: Some(receipt) }))
    }

    async fn unblock_edge(
        &self,
        request: Request<v1::UnblockEdgeRequest>,
    ) -> Answer<v1::UnblockEdgeResponse> {
        let message = request.get_ref();
        let by = caller(&request, &message.idempotency_key, "")?;
        let wish = Wish::OpenEdges(vec![message.edge.clone()]);
        let receipt = self.0.change(inbox::Request::Wish { wish, by }).await?;
        Ok(Response::new(v1::UnblockEdgeResponse { receipt: Some(receipt) }))
    }

    async fn reload_layout(
        &self,
        request: Request<v1::ReloadLayoutRequest>,
    ) -> Answer<v1::ReloadLayoutResponse> {
        let message = request.get_ref();
        let by = caller(&request, &message.idempotency_key, &message.reason)?;
        let files = self.0.files.clone();
        let read = tokio::task::spawn_blocking(move || files.read()).await.map_err(|_| super::ending())?;
        let (layout, source) = match read {
            Ok(read) => read,
            Err(error) => {
                self.0.deny(by, "layout.change", INVALID);
                let text = format!("{INVALID}: {error}; the site goes on with the layout it has");
                return Err(coded(Status::failed_precondition(text), INVALID));
            }
        };
        let fingerprint = layout.fingerprint();
        let was_same = self.0.now().ground.is(&layout);
        let wish = inbox::Request::Layout { layout, source: Some(Box::new(source)), by };
        let state =
            move |fleet: &Fleet| (fleet.layout().fingerprint() == fingerprint, fleet.layout_waits_for());
        let (receipt, (is_in_use, waits_for)) = self.0.change_and(wish, state).await?;
        let outcome = match (was_same, is_in_use) {
            (true, true) => "unchanged",
            (_, true) => "changed",
            (_, false) => "pending",
        };
        let (outcome, version) = (outcome.to_owned(), format!("{fingerprint:016x}"));
        Ok(Response::new(v1::ReloadLayoutResponse { receipt: Some(receipt), outcome, version, waits_for }))
    }

    async fn list_blocked_edges(
        &self,
        _: Request<v1::ListBlockedEdgesRequest>,
    ) -> Answer<v1::ListBlockedEdgesResponse> {
        let view = self.0.view().await?;
        Ok(Response::new(v1::ListBlockedEdgesResponse { edges: blocked(&view) }))
    }

    async fn list_devices(&self, _: Request<v1::ListDevicesRequest>) -> Answer<v1::ListDevicesResponse> {
        let view = self.0.view().await?;
        Ok(Response::new(v1::ListDevicesResponse { devices: devices(&self.0.layout(&view), &view) }))
    }

    type WatchDevicesStream = Updates<v1::Device>;

    async fn watch_devices(&self, _: Request<v1::WatchDevicesRequest>) -> Answer<Self::WatchDevicesStream> {
        let desk = self.0.clone();
        let mut sent: Vec<Arc<DeviceView>> = Vec::new();
        Ok(Response::new(self.0.follow(move |view| {
            let layout = desk.layout(view);
            let is_new = |(place, device): &(usize, &Arc<DeviceView>)| {
                sent.get(*place).is_none_or(|known| !Arc::ptr_eq(known, device) && **known != ***device)
            };
            let changed = view.devices.iter().enumerate().filter(is_new);
            let messages = changed.map(|(place, device)| device_message(&layout, place, device)).collect();
            sent.clone_from(&view.devices);
            Ok(messages)
        })))
    }

    type WatchStatusStream = Updates<v1::SiteStatus>;

    async fn watch_status(
        &self,
        request: Request<v1::WatchStatusRequest>,
    ) -> Answer<Self::WatchStatusStream> {
        let (user, desk) = (user(&request)?.clone(), self.0.clone());
        self.0.view().await?;
        let status = stream::unfold(Statuses::new(self.0.views()), move |mut statuses| {
            let (user, desk) = (user.clone(), desk.clone());
            async move {
                statuses.wait().await?;
                Some((Ok(statuses.message(&desk.layout(&statuses.view), user)), statuses))
            }
        });
        Ok(Response::new(self.0.until_stopped(status)))
    }
}

/// One status after the other.
struct Statuses {
    views: watch::Receiver<Arc<View>>,
    view: Arc<View>,
    seen: Instant,
    pace: Interval,
}

impl Statuses {
    fn new(mut views: watch::Receiver<Arc<View>>) -> Statuses {
        let view = Arc::clone(&views.borrow_and_update());
        let mut pace = interval(STATUS_EVERY);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Statuses { views, view, seen: Instant::now(), pace }
    }

    /// Until the next status is due; none when there will be no more pictures.
    async fn wait(&mut self) -> Option<()> {
        loop {
            tokio::select! {
                biased;
                changed = self.views.changed() => {
                    changed.ok()?;
                    self.view = Arc::clone(&self.views.borrow_and_update());
                    self.seen = Instant::now();
                }
                _ = self.pace.tick() => return Some(()),
            }
        }
    }

    fn message(&self, layout: &Layout, user: User) -> v1::SiteStatus {
        let view = &self.view;
        let since_ms = self.seen.elapsed().as_secs_f64() * 1_000.0 * view.speed;
        v1::SiteStatus {
            site: view.site.clone(),
            now_ms: ms(view.at_ms + since_ms as u64),
            speed: view.speed,
            seq: view.seq,
            leads: view.leads,
            zones: zones(layout, view, false),
            devices: devices(layout, view),
            alarms: view.alarms.iter().map(|alarm| alarm_message(alarm)).collect(),
            user: user.name,
            role: user.role.as_str().to_owned(),
            leader: view.leader.clone(),
            blocked_edges: blocked(view),
            layout_version: version(layout),
        }
    }
}

fn version(layout: &Layout) -> String {
    format!("{:016x}", layout.fingerprint())
}

/// Robots that hold a place in the zone, and were told to stand.
fn standing_in(fleet: &Fleet, zone: &str) -> Vec<v1::RobotId> {
    let layout = fleet.layout();
    let is_in = |node: NodeId| layout.zone_of(node).is_some_and(|known| known.name == zone);
    let robots = fleet.robots().iter();
    let told =
        robots.filter(|robot| robot.hold.is_told && robot.trail.steps.iter().any(|step| is_in(step.node)));
    told.map(|robot| robot_id(&robot.name)).collect()
}

fn zones(layout: &Layout, view: &View, is_whole: bool) -> Vec<v1::Zone> {
    let zones = 0..layout.zones().len();
    zones.map(|zone| zone_message(layout, zone, view.zones.get(zone), is_whole)).collect()
}

fn zone_message(layout: &Layout, index: usize, view: Option<&Arc<ZoneView>>, is_whole: bool) -> v1::Zone {
    let zone = &layout.zones()[index];
    let stop = view.and_then(|view| view.stopped.as_ref());
    let temperature = zone.temperature.map(|temperature| match temperature {
        drover_maps::Temperature::Frozen => "frozen",
        drover_maps::Temperature::Chilled => "chilled",
        drover_maps::Temperature::Ambient => "ambient",
    });
    let mut message = v1::Zone {
        id: zone.name.clone(),
        temperature: temperature.unwrap_or_default().to_owned(),
        stopped: stop.is_some(),
        reason: stop.map(|stop| stop.reason.clone()).unwrap_or_default(),
        stopped_by: stop.map(|stop| stop.by.clone()).unwrap_or_default(),
        stopped_at_ms: stop.map(|stop| ms(stop.at_ms)),
        ..v1::Zone::default()
    };
    if is_whole {
        let is_in = |node: &NodeId| layout.node(*node).zone.is_some_and(|zone| zone.index() == index);
        message.nodes = layout.nodes().filter(is_in).map(|node| layout.node(node).name.clone()).collect();
        let point = |[x, y]: &[i32; 2]| v1::Point { x_mm: i64::from(*x), y_mm: i64::from(*y) };
        message.outline = zone.polygon_mm.iter().map(point).collect();
    }
    message
}

fn devices(layout: &Layout, view: &View) -> Vec<v1::Device> {
    let devices = view.devices.iter().enumerate();
    devices.map(|(place, device)| device_message(layout, place, device)).collect()
}

fn device_message(layout: &Layout, place: usize, device: &DeviceView) -> v1::Device {
    let edges = layout.devices().get(place).map(|facts| facts.edges.as_slice()).unwrap_or_default();
    v1::Device {
        id: device.id.clone(),
        kind: kind(device.kind).to_owned(),
        online: device.is_online,
        requested: device.requested.clone(),
        state: device.state.clone(),
        edges: edges.iter().map(|edge| layout.edge(*edge).name.clone()).collect(),
        last_state_at_ms: None,
        error: device.error.clone(),
        trouble: device.trouble.clone(),
    }
}

fn blocked(view: &View) -> Vec<v1::BlockedEdge> {
    let message = |edge: &Arc<BlockedEdgeView>| v1::BlockedEdge {
        edge: edge.edge.clone(),
        blocked_by: edge.by.clone(),
        blocked_at_ms: ms(edge.at_ms),
        reason: edge.reason.clone(),
        until_ms: edge.until_ms.map(ms),
        robot: edge.robot.as_ref().map(robot_id),
    };
    view.blocked_edges.iter().map(message).collect()
}

fn alarm_message(alarm: &AlarmView) -> v1::Alarm {
    v1::Alarm {
        id: alarm.id,
        at_ms: ms(alarm.at_ms),
        code: alarm.code.clone(),
        robot: alarm.robot.as_ref().map(robot_id),
        device: alarm.device.clone(),
        text: alarm.text.clone(),
    }
}

fn node_message(layout: &Layout, node: NodeId) -> v1::LayoutNode {
    let node = layout.node(node);
    v1::LayoutNode {
        id: node.name.clone(),
        map: node.map.clone(),
        x_mm: node.x_mm.into(),
        y_mm: node.y_mm.into(),
    }
}

/// Its speed is that of the fastest robot type on it.
fn edge_message(layout: &Layout, id: drover_maps::EdgeId, blocked: &BTreeSet<&str>) -> v1::LayoutEdge {
    let edge = layout.edge(id);
    let types = (0..layout.robot_types().len() as u16).map(drover_maps::TypeId);
    let times = types.filter(|kind| layout.admits_edge(*kind, id)).map(|kind| layout.travel_ms(kind, id));
    let speed = times.min().map_or(0, |time| u64::from(edge.length_mm) * 1_000 / u64::from(time.max(1)));
    v1::LayoutEdge {
        id: edge.name.clone(),
        from: layout.node(edge.from).name.clone(),
        to: layout.node(edge.to).name.clone(),
        length_mm: edge.length_mm.into(),
        speed_mm_s: u32::try_from(speed).unwrap_or(u32::MAX),
        blocked: blocked.contains(edge.name.as_str()),
    }
}

fn station_message(layout: &Layout, station: &drover_maps::Station) -> v1::LayoutStation {
    v1::LayoutStation {
        id: station.name.clone(),
        name: station.name.clone(),
        nodes: station.nodes.iter().map(|node| layout.node(*node).name.clone()).collect(),
    }
}
