// Which nodes a robot passed between two of its reports, so that it is drawn on its way and not through a wall.
import type { Layout, Point } from "./layout";

/** Nodes looked at before the search gives up: a robot doesn't come far between two reports. */
const LOOKED_AT_MAX = 400;

/** Nodes after `from` up to and including `to`, by the fewest edges; empty when there is no short way. */
export function between(layout: Layout, from: string, to: string): Point[] {
  const cameFrom = new Map<string, string>([[from, ""]]);
  const queue = [from];
  for (let i = 0; i < queue.length && i < LOOKED_AT_MAX; i += 1) {
    const here = queue[i]!;
    if (here === to) return trace(layout, cameFrom, from, to);
    for (const next of layout.ways.get(here) ?? []) {
      if (cameFrom.has(next.id)) continue;
      cameFrom.set(next.id, here);
      queue.push(next.id);
    }
  }
  return [];
}

function trace(layout: Layout, cameFrom: Map<string, string>, from: string, to: string): Point[] {
  const path: Point[] = [];
  for (let id = to; id !== from && id !== ""; id = cameFrom.get(id) ?? "") {
    const node = layout.nodes.get(id);
    if (node) path.unshift(node);
  }
  return path;
}

/** Nodes passed, by the way the robot had ahead of it, else by the shortest one. */
export function passed(layout: Layout, lastNode: string, ahead: string[], nowNode: string): Point[] {
  if (lastNode === nowNode || !layout.nodes.has(nowNode)) return [];
  const index = ahead.indexOf(nowNode);
  if (index < 0) return between(layout, lastNode, nowNode);
  return ahead.slice(0, index + 1).flatMap((id) => layout.nodes.get(id) ?? []);
}
