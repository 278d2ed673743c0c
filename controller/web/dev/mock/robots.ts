// Simulated robots: they drive the layout's ways, one per node, and do the jobs. A toy, with no planner behind it.
import { type Job, JobState } from "../../src/gen/drover/v1/job_pb";
import { RobotStatus } from "../../src/gen/drover/v1/fleet_pb";
import type { Doors } from "./doors";
import type { Jobs } from "./jobs";
import { route, type Site } from "./site";

export interface MockRobot {
  serial: string;
  index: number;
  node: string;
  path: string[];
  /** Metres driven on the way to `path[0]`; it holds that node then. */
  driven: number;
  isDriving: boolean;
  x: number;
  y: number;
  theta: number;
  charge: number;
  job: Job | undefined;
  leg: number;
  busyUntilMs: number;
  isPaused: boolean;
  isCharging: boolean;
  waitsFor: string[];
  waitsSinceMs: number;
  trouble: RobotStatus | undefined;
}

const SPEED = 1.5;
const TURN = Math.PI / 2;
const DWELL_MS = 6_000;

export class Robots {
  readonly all: MockRobot[] = [];
  private readonly holders = new Map<string, MockRobot>();
  isStopped: (robot: MockRobot) => boolean = () => false;

  constructor(private readonly site: Site, private readonly doors: Doors, private readonly jobs: Jobs, count: number, hasTrouble: boolean, private readonly areGhosts: boolean) {
    const free = [...site.nodes.values()].filter(({ id }) => id.startsWith("P") && !id.startsWith("PICK"));
    for (let i = 0; i < count; i += 1) {
      const place = free[Math.floor((i * free.length) / count)]!;
      const robot: MockRobot = {
        serial: `r${String(i + 1).padStart(2, "0")}`, index: i, node: place.id, path: [], driven: 0, isDriving: false,
        x: place.x, y: place.y, theta: 0, charge: 26 + ((i * 37) % 74), job: undefined, leg: 0, busyUntilMs: 0,
        isPaused: false, isCharging: false, waitsFor: [], waitsSinceMs: 0, trouble: undefined,
      };
      this.all.push(robot);
      this.holders.set(place.id, robot);
    }
    if (!hasTrouble) return;
    const troubles = [RobotStatus.LOST, RobotStatus.ERROR, RobotStatus.NOT_OURS, RobotStatus.OFFLINE];
    troubles.forEach((trouble, i) => {
      const robot = this.all[Math.floor(((i + 0.5) * count) / 4)];
      if (robot && count > 12) robot.trouble = trouble;
    });
  }

  step(dtMs: number, nowMs: number): void {
    for (const robot of this.all) if (robot.trouble === undefined) this.stepOne(robot, dtMs, nowMs);
  }

  status(robot: MockRobot, nowMs: number): RobotStatus {
    if (robot.trouble !== undefined) return robot.trouble;
    if (robot.isPaused || this.isStopped(robot)) return RobotStatus.PAUSED;
    if (robot.isCharging) return RobotStatus.CHARGING;
    if (robot.busyUntilMs > nowMs) return RobotStatus.ACTING;
    if (robot.isDriving) return RobotStatus.DRIVING;
    return robot.waitsFor.length > 0 ? RobotStatus.WAITING : RobotStatus.IDLE;
  }

  private stepOne(robot: MockRobot, dtMs: number, nowMs: number): void {
    if (robot.isCharging) robot.charge = Math.min(100, robot.charge + dtMs / 1_200);
    if (robot.isCharging && robot.charge < 80) return;
    robot.isCharging = false;
    if (robot.isPaused || this.isStopped(robot) || robot.busyUntilMs > nowMs) return;
    robot.charge = Math.max(4, robot.charge - dtMs / 45_000);
    if (robot.path.length === 0) this.decide(robot, nowMs);
    if (robot.path.length > 0) this.drive(robot, dtMs, nowMs);
  }

  private decide(robot: MockRobot, nowMs: number): void {
    if (this.site.chargers.includes(robot.node) && robot.charge < 70) {
      robot.isCharging = true;
      return;
    }
    if (robot.job) this.arrive(robot, robot.job, nowMs);
    if (robot.busyUntilMs > nowMs) return;
    if (!robot.job && robot.charge < 25) return this.go(robot, this.site.chargers[robot.index % this.site.chargers.length]!);
    robot.job ??= this.takeJob(robot, nowMs);
    const target = robot.job ? this.jobs.nodeOf(robot.job.spec!.legs[robot.leg]!.station) : this.anywhere(robot, nowMs);
    if (target !== robot.node) this.go(robot, target);
  }

  private takeJob(robot: MockRobot, nowMs: number): Job | undefined {
    const job = this.jobs.next();
    robot.leg = 0;
    if (!job) return undefined;
    this.jobs.tell(job, JobState.ASSIGNED, nowMs, { robot: { manufacturer: "drover", serial: robot.serial } });
    this.jobs.tell(job, JobState.STARTED, nowMs);
    return job;
  }

  private anywhere(robot: MockRobot, nowMs: number): string {
    const { stations } = this.site;
    return stations[(robot.index * 7 + Math.floor(nowMs / 1_000)) % stations.length]!.nodes[0]!;
  }

  private arrive(robot: MockRobot, job: Job, nowMs: number): void {
    const leg = job.spec!.legs[robot.leg]!;
    if (this.jobs.nodeOf(leg.station) !== robot.node) return;
    this.jobs.tell(job, JobState.LEG_DONE, nowMs, { leg: robot.leg });
    robot.leg += 1;
    robot.busyUntilMs = nowMs + DWELL_MS;
    if (robot.leg < job.spec!.legs.length) {
      if (job.spec!.jobId.endsWith("7")) this.jobs.tell(job, JobState.AT_RISK, nowMs);
      return;
    }
    const fails = job.spec!.jobId.endsWith("55");
    this.jobs.tell(job, fails ? JobState.FAILED : JobState.DONE, nowMs, fails ? { code: "ACTION_FAILED", reason: "the lift reported a fault" } : {});
    robot.job = undefined;
  }

  private go(robot: MockRobot, to: string): void {
    const isJammed = robot.waitsFor.length > 0;
    const isClosed = (way: { id: string; to: string }) =>
      this.doors.isBroken(way.id) || (isJammed && way.to !== to && this.holders.has(way.to) && this.holders.get(way.to) !== robot);
    robot.path = route(this.site, robot.node, to, isClosed) ?? route(this.site, robot.node, to, (way) => this.doors.isBroken(way.id)) ?? [];
  }

  private drive(robot: MockRobot, dtMs: number, nowMs: number): void {
    const [from, to] = [this.site.nodes.get(robot.node)!, this.site.nodes.get(robot.path[0]!)!];
    const length = Math.hypot(to.x - from.x, to.y - from.y);
    const heading = Math.atan2(to.y - from.y, to.x - from.x);
    for (const next of robot.path.slice(0, 3)) this.callDoor(robot, next, nowMs);
    const turn = Math.atan2(Math.sin(heading - robot.theta), Math.cos(heading - robot.theta));
    robot.isDriving = true;
    if (Math.abs(turn) > 0.01 && robot.driven === 0) {
      robot.theta += Math.sign(turn) * Math.min(Math.abs(turn), (TURN * dtMs) / 1_000);
      return;
    }
    if (robot.driven === 0 && !this.enter(robot, nowMs)) {
      robot.isDriving = false;
      return;
    }
    robot.driven = Math.min(length, robot.driven + (SPEED * dtMs) / 1_000);
    robot.x = from.x + ((to.x - from.x) * robot.driven) / (length || 1);
    robot.y = from.y + ((to.y - from.y) * robot.driven) / (length || 1);
    if (robot.driven < length) return;
    if (this.holders.get(robot.node) === robot) this.holders.delete(robot.node);
    robot.node = robot.path.shift()!;
    robot.driven = 0;
    robot.isDriving = robot.path.length > 0;
  }

  private callDoor(robot: MockRobot, next: string, nowMs: number): void {
    const before = robot.path[robot.path.indexOf(next) - 1] ?? robot.node;
    const door = this.doors.at(`${before}:${next}`);
    if (door) this.doors.want(door, nowMs);
  }

  private enter(robot: MockRobot, nowMs: number): boolean {
    const next = robot.path[0]!;
    const door = this.doors.at(`${robot.node}:${next}`);
    const holder = this.areGhosts ? undefined : this.holders.get(next);
    const blockers = [door && door.state !== "open" ? door.id : "", holder && holder !== robot ? `drover/${holder.serial}` : ""].filter(Boolean);
    if (blockers.length === 0) {
      robot.waitsFor = [];
      this.holders.set(next, robot);
      return true;
    }
    if (robot.waitsFor.length === 0) robot.waitsSinceMs = nowMs;
    robot.waitsFor = blockers;
    const waited = nowMs - robot.waitsSinceMs;
    // The toy has no planner: after a while it tries another way, then drives through.
    if (holder && waited > 20_000) {
      this.holders.set(next, robot);
      robot.waitsFor = [];
      return true;
    }
    if (holder && waited > 4_000 && waited % 4_000 < 120) this.go(robot, robot.path[robot.path.length - 1]!);
    return false;
  }
}
