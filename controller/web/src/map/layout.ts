// The site's layout in metres, indexed by name. What a place is for is read from the names of its nodes.
import type { GetLayoutResponse, Zone } from "../gen/drover/v1/site_pb";
import { Topic } from "../store/topic";

export interface Point {
  x: number;
  y: number;
}

export interface Node extends Point {
  id: string;
  map: string;
}

export interface Edge {
  id: string;
  from: Node;
  to: Node;
}

export type PlaceKind = "pick" | "dock" | "charger";

export interface Place extends Point {
  id: string;
  kind: PlaceKind;
  map: string;
}

export interface Area {
  id: string;
  temperature: string;
  outline: Point[];
  map: string;
}

export interface Layout {
  site: string;
  nodes: Map<string, Node>;
  edges: Map<string, Edge>;
  ways: Map<string, Node[]>;
  places: Place[];
  areas: Area[];
  maps: string[];
}

/** Room around a zone that is given by its nodes, in metres. */
const MARGIN = 1;

export const layoutChanged = new Topic(0);
let current: Layout | undefined;

export function layout(): Layout | undefined {
  return current;
}

export function setLayout(next: Layout): void {
  current = next;
  layoutChanged.flush();
}

export function toLayout(answer: GetLayoutResponse): Layout {
  const nodes = new Map<string, Node>();
  for (const node of answer.nodes) {
    nodes.set(node.id, { id: node.id, map: node.map, x: Number(node.xMm) / 1000, y: Number(node.yMm) / 1000 });
  }
  const edges = new Map<string, Edge>();
  const ways = new Map<string, Node[]>();
  for (const edge of answer.edges) {
    const from = nodes.get(edge.from);
    const to = nodes.get(edge.to);
    if (!from || !to) continue;
    edges.set(edge.id, { id: edge.id, from, to });
    ways.set(from.id, [...(ways.get(from.id) ?? []), to]);
  }
  const maps = [...new Set([...nodes.values()].map((node) => node.map))];
  const areas = answer.zones.map((zone) => toArea(zone, nodes)).filter((area) => area.outline.length > 2);
  return { site: answer.site, nodes, edges, ways, places: places(answer, nodes), areas, maps };
}

function places(answer: GetLayoutResponse, nodes: Map<string, Node>): Place[] {
  const found: Place[] = [];
  const taken = new Set<string>();
  for (const station of answer.stations) {
    const node = nodes.get(station.nodes[0] ?? "");
    if (!node) continue;
    station.nodes.forEach((id) => taken.add(id));
    found.push({ id: station.name || station.id, kind: stationKind(station.id), map: node.map, x: node.x, y: node.y });
  }
  for (const node of nodes.values()) {
    if (/^charge/i.test(node.id) && !taken.has(node.id)) found.push({ ...node, kind: "charger" });
  }
  return found;
}

function stationKind(id: string): PlaceKind {
  if (/^(dock|ship|truck)/i.test(id)) return "dock";
  return /^charge/i.test(id) ? "charger" : "pick";
}

function toArea(zone: Zone, nodes: Map<string, Node>): Area {
  const inside = zone.nodes.flatMap((id) => nodes.get(id) ?? []);
  const outline = zone.outline.map((point) => ({ x: Number(point.xMm) / 1000, y: Number(point.yMm) / 1000 }));
  return {
    id: zone.id,
    temperature: zone.temperature,
    outline: outline.length > 2 ? outline : hull(inside.flatMap(corners)),
    map: inside[0]?.map ?? "",
  };
}

function corners({ x, y }: Point): Point[] {
  return [-MARGIN, MARGIN].flatMap((dx) => [-MARGIN, MARGIN].map((dy) => ({ x: x + dx, y: y + dy })));
}

/** Andrew's monotone chain. */
export function hull(points: Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a.x - b.x || a.y - b.y);
  const half = (list: Point[]) => {
    const chain: Point[] = [];
    for (const point of list) {
      while (chain.length > 1 && turn(chain[chain.length - 2]!, chain[chain.length - 1]!, point) <= 0) chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

function turn(a: Point, b: Point, c: Point): number {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

export function bounds(of: Layout, map: string): { min: Point; max: Point } {
  const points = [...of.nodes.values(), ...of.areas.flatMap((area) => (area.map === map ? area.outline : []))].filter(
    (point) => !("map" in point) || point.map === map,
  );
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  return { min: { x: Math.min(...xs), y: Math.min(...ys) }, max: { x: Math.max(...xs), y: Math.max(...ys) } };
}
