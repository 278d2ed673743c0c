// Where a robot is drawn between two reports: along the way it took, by wall clock, never beyond its last report.
import type { Point } from "./layout";

export interface Pose extends Point {
  /** Radians, anticlockwise from the x axis. */
  theta: number;
}

/** A pause in the reports longer than this says nothing about their rhythm. */
const RHYTHM_MAX_MS = 3_000;
const GLIDE_MIN_MS = 80;
const GLIDE_MAX_MS = 1_600;
/** A little longer than the rhythm, so that a late report doesn't make the robot stand. */
const SLACK = 1.15;
/** A node nearer than this to the reported place is that place. */
const SAME_M = 0.6;
/** A robot that is farther away than this was carried, or wasn't watched. */
const LEAP_M = 80;
/** How quickly the drawn heading follows. */
const TURN_MS = 90;

export class Motion {
  private path: Point[];
  private lengths: number[] = [0];
  private startedAt: number;
  private glideMs = 0;
  private rhythmMs = 500;
  private from: number;
  private target: Pose;
  private heading: number;
  private headedAt: number;

  constructor(pose: Pose, at: number) {
    this.path = [pose];
    this.target = pose;
    this.from = this.heading = pose.theta;
    this.startedAt = this.headedAt = at;
  }

  /** A new report; `via` are the nodes passed since the one before, in order. */
  report(pose: Pose, via: Point[], at: number): void {
    const gap = at - this.startedAt;
    if (gap < RHYTHM_MAX_MS) this.rhythmMs += (gap - this.rhythmMs) * 0.3;
    const here = this.place(at);
    const rest = this.path.slice(here.segment + 1);
    const last = via[via.length - 1];
    const nodes = last && distance(last, pose) < SAME_M ? via.slice(0, -1) : via;
    this.path = distinct([here.point, ...rest, ...nodes, pose]);
    this.lengths = cumulate(this.path);
    if (this.length() > LEAP_M) [this.path, this.lengths] = [[pose], [0]];
    this.from = this.heading;
    this.target = pose;
    this.startedAt = at;
    this.glideMs = Math.min(GLIDE_MAX_MS, Math.max(GLIDE_MIN_MS, this.rhythmMs * SLACK));
  }

  isMoving(at: number): boolean {
    return this.share(at) < 1 || Math.abs(turnBetween(this.heading, this.target.theta)) > 0.01;
  }

  at(now: number, out: Pose): void {
    const { point, segment } = this.place(now);
    out.x = point.x;
    out.y = point.y;
    const step = 1 - Math.exp(-Math.max(0, now - this.headedAt) / TURN_MS);
    this.heading += turnBetween(this.heading, this.wantedHeading(segment, now)) * step;
    this.headedAt = now;
    out.theta = this.heading;
  }

  private wantedHeading(segment: number, now: number): number {
    const isLast = segment >= this.path.length - 2;
    if (!isLast) return this.along(segment);
    return this.path.length > 2 ? this.target.theta : this.from + turnBetween(this.from, this.target.theta) * this.share(now);
  }

  /** Direction of a segment as the robot drives it: backwards when it arrives so. */
  private along(segment: number): number {
    const direction = (i: number) => {
      const [a, b] = [this.path[i]!, this.path[i + 1]!];
      return Math.atan2(b.y - a.y, b.x - a.x);
    };
    const isBackwards = Math.abs(turnBetween(this.target.theta, direction(this.path.length - 2))) > Math.PI * 0.75;
    return direction(segment) + (isBackwards ? Math.PI : 0);
  }

  private share(at: number): number {
    if (this.glideMs === 0) return 1;
    return Math.min(1, Math.max(0, (at - this.startedAt) / this.glideMs));
  }

  private length(): number {
    return this.lengths[this.lengths.length - 1]!;
  }

  private place(at: number): { point: Point; segment: number } {
    const share = this.share(at);
    if (share >= 1 || this.path.length === 1) return { point: this.path[this.path.length - 1]!, segment: this.path.length - 1 };
    const driven = share * this.length();
    let i = 0;
    while (i < this.path.length - 2 && this.lengths[i + 1]! <= driven) i += 1;
    const [a, b] = [this.path[i]!, this.path[i + 1]!];
    const span = this.lengths[i + 1]! - this.lengths[i]!;
    const k = span > 0 ? (driven - this.lengths[i]!) / span : 1;
    return { point: { x: a.x + (b.x - a.x) * k, y: a.y + (b.y - a.y) * k }, segment: i };
  }
}

export function turnBetween(from: number, to: number): number {
  const turn = (to - from) % (2 * Math.PI);
  if (turn > Math.PI) return turn - 2 * Math.PI;
  return turn < -Math.PI ? turn + 2 * Math.PI : turn;
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function distinct(points: Point[]): Point[] {
  return points.filter((point, i) => i === 0 || i === points.length - 1 || distance(point, points[i - 1]!) > 0.001);
}

function cumulate(path: Point[]): number[] {
  let sum = 0;
  return path.map((point, i) => (sum += i === 0 ? 0 : distance(path[i - 1]!, point)));
}
