// The mock's world: its clock, robots, doors, jobs, stopped zones and alarms.
import type { Zone } from "../../src/gen/drover/v1/site_pb";
import { create } from "@bufbuild/protobuf";
import { ZoneSchema } from "../../src/gen/drover/v1/site_pb";
import { Broadcast } from "./broadcast";
import { Doors } from "./doors";
import { Jobs } from "./jobs";
import { type MockRobot, Robots } from "./robots";
import { isInside, type Site } from "./site";

export interface Options {
  port: number;
  robots: number;
  hz: number;
  speed: number;
  auth: boolean;
  standby: boolean;
  calm: boolean;
  ghosts: boolean;
  breakEveryS: number;
}

export interface MockAlarm {
  id: bigint;
  atMs: bigint;
  code: string;
  robot?: string;
  device?: string;
}

const STEP_MS = 100;
const ALARMS_MAX = 50;

export class World {
  readonly jobs: Jobs;
  readonly doors: Doors;
  readonly robots: Robots;
  readonly zones: Zone[];
  readonly reports = new Broadcast<MockRobot>();
  alarms: MockAlarm[] = [];
  seq = 1n;
  private nowMs = Date.now();
  private readonly zoneOf = new Map<string, Zone>();

  constructor(readonly site: Site, readonly options: Options) {
    this.jobs = new Jobs(site, this.nowMs);
    if (!options.calm) this.jobs.backdate(0.21, this.nowMs);
    this.doors = new Doors(site, !options.calm);
    this.robots = new Robots(site, this.doors, this.jobs, options.robots, !options.calm, options.ghosts);
    this.zones = site.zones.map(({ id, temperature, outline }) =>
      create(ZoneSchema, {
        id,
        temperature,
        outline: outline.map(([x, y]) => ({ xMm: BigInt(Math.round(x * 1000)), yMm: BigInt(Math.round(y * 1000)) })),
        nodes: [...site.nodes.values()].filter((node) => isInside(outline, node)).map((node) => node.id),
      }),
    );
    for (const zone of this.zones) for (const node of zone.nodes) this.zoneOf.set(node, zone);
    this.robots.isStopped = (robot) => this.zoneOf.get(robot.node)?.stopped === true;
    this.firstAlarms();
  }

  now(): number {
    return this.nowMs;
  }

  robotsIn(zone: Zone): MockRobot[] {
    return this.robots.all.filter((robot) => this.zoneOf.get(robot.node) === zone);
  }

  alarm(code: string, about: { robot?: string; device?: string }, atMs = this.nowMs): void {
    const id = BigInt((Number(this.alarms[0]?.id ?? 0n) || 0) + 1);
    this.alarms = [{ id, atMs: BigInt(Math.round(atMs)), code, ...about }, ...this.alarms].slice(0, ALARMS_MAX);
  }

  start(): void {
    let turn = 0;
    setInterval(() => {
      const dt = STEP_MS * this.options.speed;
      for (let done = 0; done < dt; done += STEP_MS) {
        this.nowMs += STEP_MS;
        this.doors.step(this.nowMs);
        this.robots.step(STEP_MS, this.nowMs);
      }
      // Each robot reports in its own slot of the period, as real ones do.
      const slots = Math.max(1, Math.round(1_000 / STEP_MS / this.options.hz));
      for (const robot of this.robots.all) if (robot.index % slots === turn % slots) this.reports.send(robot);
      turn += 1;
    }, STEP_MS);
    setInterval(() => this.jammed(), 15_000);
  }

  private jammed(): void {
    const stuck = this.robots.all.find((robot) => robot.waitsFor.length > 0 && this.nowMs - robot.waitsSinceMs > 15_000);
    if (stuck) this.alarm("JAMMED", { robot: stuck.serial });
  }

  private firstAlarms(): void {
    if (this.options.calm) return;
    const ago = (s: number) => this.nowMs - s * 1_000;
    const troubled = this.robots.all.filter((robot) => robot.trouble !== undefined).map((robot) => robot.serial);
    this.alarm("DEVICE_BACK", { device: this.site.doors[3]?.id }, ago(5_400));
    this.alarm("ORDER_REFUSED", { robot: this.robots.all[4]?.serial }, ago(1_900));
    this.alarm("DEVICE_LOST", { device: this.site.doors[12]?.id }, ago(740));
    this.alarm("ROBOT_LOST", { robot: troubled[0] }, ago(190));
    this.alarm("ROBOT_FAULTED", { robot: troubled[1] }, ago(64));
    this.alarm("DEVICE_STUCK", { device: this.site.doors[7]?.id }, ago(25));
    this.alarm("SOMETHING_NEW", { robot: this.robots.all[0]?.serial }, ago(8));
  }
}
