// The mock's world in the words of the contract.
import { create } from "@bufbuild/protobuf";
import { Mode, type Robot, RobotSchema, RobotStatus } from "../../src/gen/drover/v1/fleet_pb";
import { type GetLayoutResponse, GetLayoutResponseSchema, type SiteStatus, SiteStatusSchema } from "../../src/gen/drover/v1/site_pb";
import type { MockRobot } from "./robots";
import type { World } from "./world";

const mm = (metres: number) => BigInt(Math.round(metres * 1000));

export function robotMessage(world: World, robot: MockRobot): Robot {
  const status = world.robots.status(robot, world.now());
  const isOffline = status === RobotStatus.OFFLINE || status === RobotStatus.LOST;
  const hasLoad = robot.job !== undefined && robot.leg > 0;
  return create(RobotSchema, {
    id: { manufacturer: "drover", serial: robot.serial },
    robotType: "tote-amr",
    status,
    mode: status === RobotStatus.NOT_OURS ? Mode.MANUAL : Mode.AUTOMATIC,
    online: !isOffline,
    pose: { map: world.site.map, xMm: mm(robot.x), yMm: mm(robot.y), thetaMdeg: Math.round((robot.theta * 180_000) / Math.PI) },
    lastNode: robot.node,
    base: robot.path.slice(0, 4),
    horizon: robot.path.slice(4, 30),
    battery: { chargePercent: robot.charge, charging: robot.isCharging, reachM: BigInt(Math.round(robot.charge * 75)) },
    loads: hasLoad ? [{ id: robot.job!.spec!.legs[0]!.load!.id, type: "tote" }] : [],
    loadsKnown: true,
    jobId: robot.job?.spec?.jobId ?? "",
    errors: status === RobotStatus.ERROR ? [{ type: "bumperPressed", fatal: true, description: "front bumper was pressed", sinceMs: BigInt(world.now()) }] : [],
    waitsFor: robot.waitsFor,
    lastStateAtMs: BigInt(world.now() - (isOffline ? 190_000 : 0)),
    speedMmS: status === RobotStatus.DRIVING ? 1_500 : 0,
  });
}

export function layoutMessage(world: World): GetLayoutResponse {
  const { site } = world;
  return create(GetLayoutResponseSchema, {
    site: site.name,
    version: "mock",
    nodes: [...site.nodes.values()].map(({ id, x, y }) => ({ id, map: site.map, xMm: mm(x), yMm: mm(y) })),
    edges: site.edges.map(({ id, from, to, length }) => ({ id, from, to, lengthMm: mm(length), speedMmS: 1_500 })),
    stations: site.stations.map(({ id, nodes }) => ({ id, name: id, nodes })),
    zones: world.zones,
  });
}

export function statusMessage(world: World, user: string, role: string): SiteStatus {
  return create(SiteStatusSchema, {
    site: world.site.name,
    nowMs: BigInt(Math.round(world.now())),
    speed: world.options.speed,
    seq: world.seq,
    leads: !world.options.standby,
    zones: world.zones,
    devices: world.doors.all.map(({ id, kind, edges, state, requested, online }) => ({
      id, kind, edges, state, requested, online, lastStateAtMs: BigInt(Math.round(world.now())),
    })),
    alarms: world.alarms.map(({ id, atMs, code, robot, device }) => ({
      id, atMs, code, device: device ?? "", robot: robot ? { manufacturer: "drover", serial: robot } : undefined, text: `${code}, from the mock`,
    })),
    user,
    role,
  });
}
