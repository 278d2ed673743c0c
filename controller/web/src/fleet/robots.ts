// Every robot of the site as last reported. Drawn each frame without React; panels read it twice a second.
import { type Robot, RobotStatus, type RobotUpdate } from "../gen/drover/v1/fleet_pb";
import type { RobotId } from "../gen/drover/v1/common_pb";
import { layout } from "../map/layout";
import { Motion, type Pose } from "../map/motion";
import { passed } from "../map/route";
import { Topic } from "../store/topic";

export interface Seen {
  key: string;
  label: string;
  robot: Robot;
  motion: Motion;
  /** Where it is now, between its reports. */
  drawn: Pose;
  /** Where the picture shows it. */
  painted: Pose;
}

/** A way is looked up when the robot moved farther than this between two reports, in metres. */
const LOOK_UP_M = 1;

export const robotsChanged = new Topic(500);
export const selectionChanged = new Topic(0);
const robots = new Map<string, Seen>();
let selected: string | undefined;
let unconfirmed: Set<string> | undefined;

export function keyOf(id: RobotId | undefined): string {
  return id ? `${id.manufacturer}/${id.serial}` : "";
}

export function allRobots(): ReadonlyMap<string, Seen> {
  return robots;
}

export function selectedKey(): string | undefined {
  return selected;
}

export function select(key: string | undefined): void {
  selected = key;
  selectionChanged.flush();
}

/** A new stream begins: whoever it doesn't name before `complete` is gone. */
export function beginPicture(): void {
  unconfirmed = new Set(robots.keys());
}

export function apply(update: RobotUpdate, at: number): void {
  const { change } = update;
  if (change.case === "robot") put(change.value, at);
  else if (change.case === "removed") robots.delete(keyOf(change.value));
  else if (change.case === "complete") {
    unconfirmed?.forEach((key) => robots.delete(key));
    unconfirmed = undefined;
  }
  robotsChanged.touch();
}

function put(robot: Robot, at: number): void {
  const key = keyOf(robot.id);
  unconfirmed?.delete(key);
  const pose = poseOf(robot);
  const seen = robots.get(key);
  if (!seen || (seen.robot.pose?.map ?? "") !== (robot.pose?.map ?? "")) {
    robots.set(key, { key, label: robot.id?.serial ?? key, robot, motion: new Motion(pose, at), drawn: { ...pose }, painted: { ...pose } });
    return;
  }
  seen.motion.report(pose, way(seen.robot, robot), at);
  seen.robot = robot;
}

function way(before: Robot, now: Robot): ReturnType<typeof passed> {
  const plan = layout();
  if (!plan || !before.pose || !now.pose) return [];
  const moved = Math.hypot(Number(now.pose.xMm - before.pose.xMm), Number(now.pose.yMm - before.pose.yMm)) / 1000;
  if (moved < LOOK_UP_M) return [];
  return passed(plan, before.lastNode, [...before.base, ...before.horizon], now.lastNode);
}

function poseOf(robot: Robot): Pose {
  const { xMm = 0n, yMm = 0n, thetaMdeg = 0 } = robot.pose ?? {};
  return { x: Number(xMm) / 1000, y: Number(yMm) / 1000, theta: (thetaMdeg / 180_000) * Math.PI };
}

export function countByStatus(): Map<RobotStatus, number> {
  const counts = new Map<RobotStatus, number>();
  for (const { robot } of robots.values()) counts.set(robot.status, (counts.get(robot.status) ?? 0) + 1);
  return counts;
}
