import { describe, expect, it } from "vitest";
import { t } from "../i18n";
import { FleetClock } from "./fleetClock";
import { countdown, duration, urgency } from "./format";

describe("the fleet's clock", () => {
  it("runs on by itself, as fast as the fleet's", () => {
    const clock = new FleetClock();
    clock.hear(1_000_000, 20, 0);
    expect(clock.at(500)).toBe(1_010_000);
  });

  it("is unknown before the first word", () => {
    expect(new FleetClock().at(0)).toBeUndefined();
  });

  it("never creeps back because of a late word", () => {
    const clock = new FleetClock();
    clock.hear(1_000_000, 1, 0);
    const before = clock.at(1_000)!;
    clock.hear(1_000_600, 1, 1_000);
    expect(clock.at(1_001)).toBeGreaterThanOrEqual(before);
  });

  it("takes up small errors little by little", () => {
    const clock = new FleetClock();
    for (let s = 0; s <= 60; s += 1) clock.hear(1_000_000 + s * 1_000 + (s > 0 ? 400 : 0), 1, s * 1_000);
    expect(Math.abs(clock.at(60_000)! - 1_060_400)).toBeLessThan(5);
  });

  it("jumps, back too, when it was far off", () => {
    const clock = new FleetClock();
    clock.hear(1_000_000, 1, 0);
    clock.hear(500_000, 1, 1_000);
    expect(clock.at(1_000)).toBe(500_000);
  });

  it("takes no speed for the real one", () => {
    const clock = new FleetClock();
    clock.hear(1_000, 0, 0);
    expect(clock.at(1_000)).toBe(2_000);
  });
});

describe("a cut-off", () => {
  it.each([
    [0, "0:00", "soon"],
    [59_999, "0:59", "soon"],
    [299_999, "4:59", "soon"],
    [300_000, "5:00", "calm"],
    [4_325_000, "72:05", "calm"],
    [-1, "\u22120:01", "late"],
    [-192_000, "\u22123:12", "late"],
  ])("%i ms away is %s and %s", (left, text, how) => {
    expect(countdown(left)).toBe(text);
    expect(urgency(left)).toBe(how);
  });
});

describe("an age", () => {
  it.each([
    [-5, "0초"],
    [59_999, "59초"],
    [60_000, "1분"],
    [7_200_000, "2시간"],
    [200_000_000, "2일"],
  ])("of %i ms is %s", (ms, text) => {
    expect(duration(ms, t)).toBe(text);
  });
});
