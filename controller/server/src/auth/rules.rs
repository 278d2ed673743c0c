//! The one table: which method needs which role, and under which word a refusal is written down.

use prost::Message;

use drover_proto::grpc::v1;

use super::Role;

/// What a method needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// Nobody is asked who they are.
    Nothing,
    /// At least this role.
    Role(Role),
}

/// A method's line in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// What it needs.
    pub(crate) need: Need,
    /// The audit's word of a change; empty = it changes nothing.
    pub(crate) action: &'static str,
}

const fn open() -> Rule {
    Rule { need: Need::Nothing, action: "" }
}

const fn look(role: Role) -> Rule {
    Rule { need: Need::Role(role), action: "" }
}

const fn change(role: Role, action: &'static str) -> Rule {
    Rule { need: Need::Role(role), action }
}

/// A method that isn't in the table.
const UNKNOWN: Rule = look(Role::Admin);

const RULES: &[(&str, Rule)] = &[
    ("/drover.v1.JobService/Submit", change(Role::Operator, "job.submit")),
    ("/drover.v1.JobService/Cancel", change(Role::Operator, "job.cancel")),
    ("/drover.v1.JobService/Update", change(Role::Operator, "job.update")),
    ("/drover.v1.JobService/Get", look(Role::Viewer)),
    ("/drover.v1.JobService/List", look(Role::Viewer)),
    ("/drover.v1.JobService/Watch", look(Role::Viewer)),
    ("/drover.v1.FleetService/List", look(Role::Viewer)),
    ("/drover.v1.FleetService/Watch", look(Role::Viewer)),
    ("/drover.v1.FleetService/Pause", change(Role::Operator, "robot.pause")),
    ("/drover.v1.FleetService/Resume", change(Role::Operator, "robot.resume")),
    ("/drover.v1.FleetService/Release", change(Role::Admin, "robot.release")),
    ("/drover.v1.FleetService/Unload", change(Role::Operator, "robot.unload")),
    ("/drover.v1.FleetService/Send", change(Role::Operator, "robot.send")),
    ("/drover.v1.FloorService/Next", look(Role::Viewer)),
    ("/drover.v1.FloorService/Confirm", change(Role::Operator, "leg.confirm")),
    ("/drover.v1.FloorService/ShortPick", change(Role::Operator, "leg.short_pick")),
    ("/drover.v1.SiteService/GetLayout", look(Role::Viewer)),
    ("/drover.v1.SiteService/ListZones", look(Role::Viewer)),
    ("/drover.v1.SiteService/StopZone", change(Role::Operator, "zone.stop")),
    ("/drover.v1.SiteService/ResumeZone", change(Role::Operator, "zone.resume")),
    ("/drover.v1.SiteService/BlockEdge", change(Role::Operator, "edge.block")),
    ("/drover.v1.SiteService/UnblockEdge", change(Role::Operator, "edge.unblock")),
    ("/drover.v1.SiteService/ReloadLayout", change(Role::Operator, "layout.change")),
    ("/drover.v1.SiteService/ListBlockedEdges", look(Role::Viewer)),
    ("/drover.v1.SiteService/ListDevices", look(Role::Viewer)),
    ("/drover.v1.SiteService/WatchDevices", look(Role::Viewer)),
    ("/drover.v1.SiteService/WatchStatus", look(Role::Viewer)),
    ("/drover.v1.AuditService/List", look(Role::Operator)),
    ("/drover.v1.AuditService/Watch", look(Role::Operator)),
    ("/grpc.health.v1.Health/Check", open()),
    ("/grpc.health.v1.Health/Watch", open()),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", open()),
];

/// The rule of a method, by its path.
pub(crate) fn rule(path: &str) -> Rule {
    RULES.iter().find(|(known, _)| *known == path).map_or(UNKNOWN, |(_, rule)| *rule)
}

/// What a refused change was to be done to, as far as its message tells.
pub(crate) fn subject(action: &str, message: &[u8]) -> String {
    let robots = |robots: Vec<v1::RobotId>| {
        let names = robots.iter().map(|robot| format!("{}/{}", robot.manufacturer, robot.serial));
        let names: Vec<String> = names.take(SUBJECTS_MAX).collect();
        if names.is_empty() { "all".to_owned() } else { names.join(" ") }
    };
    match action {
        "zone.stop" => v1::StopZoneRequest::decode(message).map(|request| request.zone),
        "zone.resume" => v1::ResumeZoneRequest::decode(message).map(|request| request.zone),
        "edge.block" => v1::BlockEdgeRequest::decode(message).map(|request| request.edge),
        "edge.unblock" => v1::UnblockEdgeRequest::decode(message).map(|request| request.edge),
        "robot.pause" => v1::PauseRobotsRequest::decode(message).map(|request| robots(request.robots)),
        "robot.release" => v1::ReleaseRobotRequest::decode(message)
            .map(|request| robots(request.robot.into_iter().collect())),
        "robot.resume" => v1::ResumeRobotsRequest::decode(message).map(|request| robots(request.robots)),
        "job.cancel" => v1::CancelJobRequest::decode(message).map(|request| request.job_id),
        "job.update" => v1::UpdateJobRequest::decode(message).map(|request| request.job_id),
        "job.submit" => v1::SubmitJobRequest::decode(message)
            .map(|request| request.job.map(|job| job.job_id).unwrap_or_default()),
        "leg.confirm" => v1::ConfirmRequest::decode(message).map(|request| request.task_id),
        _ => return String::new(),
    }
    .unwrap_or_default()
}

/// Robots named in one subject, at most.
const SUBJECTS_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// As much of `google.protobuf.FileDescriptorSet` as names methods.
    #[derive(Message)]
    struct Files {
        #[prost(message, repeated, tag = "1")]
        file: Vec<File>,
    }

    #[derive(Message)]
    struct File {
        #[prost(string, tag = "2")]
        package: String,
        #[prost(message, repeated, tag = "6")]
        service: Vec<Service>,
    }

    #[derive(Message)]
    struct Service {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(message, repeated, tag = "2")]
        method: Vec<Method>,
    }

    #[derive(Message)]
    struct Method {
        #[prost(string, tag = "1")]
        name: String,
    }

    fn paths(descriptors: &[u8]) -> Vec<String> {
        let files = Files::decode(descriptors).unwrap().file;
        let mut paths = Vec::new();
        for file in files {
            for service in file.service {
                let path = |method: Method| format!("/{}.{}/{}", file.package, service.name, method.name);
                paths.extend(service.method.into_iter().map(path));
            }
        }
        paths
    }

    #[test]
    fn every_method_of_the_contract_stands_in_the_table() {
        let mut served = paths(drover_proto::grpc::FILE_DESCRIPTOR_SET);
        assert!(served.len() >= 26, "{served:?}");
        served.extend(paths(tonic_health::pb::FILE_DESCRIPTOR_SET));
        served.extend(paths(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET));
        for path in &served {
            assert!(RULES.iter().any(|(known, _)| known == path), "{path} has no rule");
        }
        for (known, _) in RULES {
            assert!(served.iter().any(|path| path == known), "{known} is no method");
        }
    }

    #[test]
    fn an_unknown_method_is_for_administrators() {
        assert_eq!(rule("/drover.v1.JobService/Explode").need, Need::Role(Role::Admin));
        assert_eq!(rule("/").need, Need::Role(Role::Admin));
    }

    #[test]
    fn every_change_needs_more_than_a_viewer() {
        for (path, rule) in RULES.iter().filter(|(_, rule)| !rule.action.is_empty()) {
            assert!(rule.need >= Need::Role(Role::Operator), "{path}");
        }
    }
}
