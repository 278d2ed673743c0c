import { describe, expect, it } from "vitest";
import { Motion, type Pose, turnBetween } from "./motion";

const pose = (x: number, y: number, theta = 0): Pose => ({ x, y, theta });

function at(motion: Motion, now: number): Pose {
  const out = pose(0, 0);
  motion.at(now, out);
  return out;
}

/** A robot that reported once a second for a while. */
function steady(metres: number): Motion {
  const motion = new Motion(pose(0, 0), 0);
  for (let s = 1; s <= 20; s += 1) motion.report(pose(s * metres, 0), [], s * 1_000);
  return motion;
}

describe("a robot between two reports", () => {
  it("never goes beyond the last one", () => {
    const motion = steady(1.5);
    for (let now = 20_000; now < 40_000; now += 16) expect(at(motion, now).x).toBeLessThanOrEqual(30);
    expect(at(motion, 40_000).x).toBe(30);
    expect(motion.isMoving(40_000)).toBe(false);
  });

  it("never goes back while the robot drives on", () => {
    const motion = new Motion(pose(0, 0), 0);
    let last = 0;
    for (let s = 1; s <= 10; s += 1) {
      motion.report(pose(s, 0), [], s * 1_000 + (s % 3) * 120);
      for (let now = s * 1_000 + (s % 3) * 120; now < (s + 1) * 1_000; now += 16) {
        const { x } = at(motion, now);
        expect(x).toBeGreaterThanOrEqual(last);
        last = x;
      }
    }
  });

  it("moves all the time when reports come evenly", () => {
    const motion = steady(1);
    const steps: number[] = [];
    let last = at(motion, 20_000).x;
    for (let now = 20_016; now < 20_990; now += 16) {
      const { x } = at(motion, now);
      steps.push(x - last);
      last = x;
    }
    expect(Math.min(...steps)).toBeGreaterThan(0);
  });

  it("takes the corner that it passed", () => {
    const motion = new Motion(pose(0, 0), 0);
    motion.report(pose(0, 0), [], 1_000);
    motion.report(pose(10, 10, Math.PI / 2), [{ x: 10, y: 0 }], 2_000);
    for (let now = 2_000; now < 5_000; now += 16) {
      const { x, y } = at(motion, now);
      expect(y < 0.01 || x > 9.99).toBe(true);
    }
    expect(at(motion, 6_000)).toMatchObject({ x: 10, y: 10 });
  });

  it("doesn't slide across the site when it was carried", () => {
    const motion = new Motion(pose(0, 0), 0);
    motion.report(pose(500, 0), [], 1_000);
    expect(at(motion, 1_000).x).toBe(500);
  });

  it("turns the short way and not too far", () => {
    const motion = new Motion(pose(0, 0, 3), 0);
    motion.report(pose(0, 0, -3), [], 1_000);
    for (let now = 1_000; now < 4_000; now += 16) {
      const turned = turnBetween(3, at(motion, now).theta);
      expect(turned).toBeGreaterThanOrEqual(-1e-9);
      expect(turned).toBeLessThanOrEqual(turnBetween(3, -3) + 1e-9);
    }
  });
});
