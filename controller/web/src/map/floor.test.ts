import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { GetLayoutResponseSchema } from "../gen/drover/v1/site_pb";
import { bounds, hull, toLayout } from "./layout";
import { passed } from "./route";
import { fit, toFloor, toScreen, zoomAt } from "./view";

const layout = toLayout(
  create(GetLayoutResponseSchema, {
    site: "small",
    nodes: [
      { id: "A", map: "m", xMm: 0n, yMm: 0n },
      { id: "B", map: "m", xMm: 4_000n, yMm: 0n },
      { id: "C", map: "m", xMm: 4_000n, yMm: 3_000n },
      { id: "CHARGE-1", map: "m", xMm: 0n, yMm: 3_000n },
    ],
    edges: [
      { id: "A:B", from: "A", to: "B" },
      { id: "B:C", from: "B", to: "C" },
      { id: "C:X", from: "C", to: "nowhere" },
    ],
    stations: [{ id: "DOCK-1", nodes: ["C"] }, { id: "PICK-1", nodes: ["B"] }],
    zones: [{ id: "z", temperature: "frozen", nodes: ["A", "B", "C"] }],
  }),
);

describe("the layout", () => {
  it("drops edges that lead nowhere", () => {
    expect([...layout.edges.keys()]).toEqual(["A:B", "B:C"]);
  });

  it("knows docks, picks and chargers by their names", () => {
    expect(layout.places.map(({ id, kind }) => [id, kind])).toEqual([["DOCK-1", "dock"], ["PICK-1", "pick"], ["CHARGE-1", "charger"]]);
  });

  it("draws a zone that has no outline around its nodes", () => {
    expect(layout.areas[0]?.outline.length).toBeGreaterThan(3);
    expect(bounds(layout, "m").min).toEqual({ x: -1, y: -1 });
  });

  it("has a hull without the points inside", () => {
    expect(hull([{ x: 0, y: 0 }, { x: 2, y: 0 }, { x: 1, y: 1 }, { x: 2, y: 2 }, { x: 0, y: 2 }])).toHaveLength(4);
  });
});

describe("the way between two reports", () => {
  it("is the one that lay ahead", () => {
    expect(passed(layout, "A", ["B", "C"], "C").map(({ x, y }) => [x, y])).toEqual([[4, 0], [4, 3]]);
  });

  it("is looked up when it was another", () => {
    expect(passed(layout, "A", [], "C")).toHaveLength(2);
  });

  it("is empty when there is none", () => {
    expect(passed(layout, "C", [], "A")).toEqual([]);
    expect(passed(layout, "A", [], "unknown")).toEqual([]);
  });
});

describe("the view", () => {
  const size = { width: 800, height: 600 };
  const view = fit({ min: { x: 0, y: 0 }, max: { x: 100, y: 50 } }, size);

  it("shows all of the floor", () => {
    for (const point of [{ x: 0, y: 0 }, { x: 100, y: 50 }]) {
      const { x, y } = toScreen(view, size, point);
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(size.width);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(size.height);
    }
  });

  it("has north up", () => {
    expect(toScreen(view, size, { x: 50, y: 50 }).y).toBeLessThan(toScreen(view, size, { x: 50, y: 0 }).y);
  });

  it("keeps the place under the finger when it zooms", () => {
    const finger = { x: 200, y: 100 };
    const before = toFloor(view, size, finger);
    const after = toFloor(zoomAt(view, size, finger, 2, 1), size, finger);
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
  });
});
