// The demo site as the mock knows it: the layout file and what LIF can't say.
import { readFileSync } from "node:fs";
import { parse } from "smol-toml";

export interface Place {
  id: string;
  x: number;
  y: number;
}

export interface Way {
  id: string;
  from: string;
  to: string;
  length: number;
}

export interface SiteZone {
  id: string;
  temperature: string;
  outline: [number, number][];
}

export interface SiteDoor {
  id: string;
  kind: string;
  edges: string[];
}

export interface Site {
  name: string;
  map: string;
  nodes: Map<string, Place>;
  edges: Way[];
  ways: Map<string, Way[]>;
  stations: { id: string; nodes: string[] }[];
  zones: SiteZone[];
  doors: SiteDoor[];
  chargers: string[];
}

interface Lif {
  layouts: {
    layoutId: string;
    nodes: { nodeId: string; mapId: string; nodePosition: { x: number; y: number } }[];
    edges: { edgeId: string; startNodeId: string; endNodeId: string }[];
    stations: { stationId: string; interactionNodeIds: string[] }[];
  }[];
}

interface SiteFile {
  zone: { id: string; temperature: string; polygon: [number, number][] }[];
  charger: { nodes: string[] }[];
  device: SiteDoor[];
}

export function readSite(folder: string): Site {
  const lif = JSON.parse(readFileSync(`${folder}/layout.lif.json`, "utf8")) as Lif;
  const file = parse(readFileSync(`${folder}/site.toml`, "utf8")) as unknown as SiteFile;
  const plan = lif.layouts[0]!;
  const nodes = new Map(plan.nodes.map(({ nodeId, nodePosition: { x, y } }) => [nodeId, { id: nodeId, x, y }]));
  const edges = plan.edges.map(({ edgeId, startNodeId, endNodeId }) => {
    const [a, b] = [nodes.get(startNodeId)!, nodes.get(endNodeId)!];
    return { id: edgeId, from: startNodeId, to: endNodeId, length: Math.hypot(a.x - b.x, a.y - b.y) };
  });
  const ways = new Map<string, Way[]>([...nodes.keys()].map((id) => [id, []]));
  for (const edge of edges) ways.get(edge.from)!.push(edge);
  return {
    name: plan.layoutId,
    map: plan.nodes[0]!.mapId,
    nodes,
    edges,
    ways,
    stations: plan.stations.map(({ stationId, interactionNodeIds }) => ({ id: stationId, nodes: interactionNodeIds })),
    zones: file.zone.map(({ id, temperature, polygon }) => ({ id, temperature, outline: polygon })),
    doors: file.device,
    chargers: file.charger.flatMap(({ nodes }) => nodes),
  };
}

export function isInside([...outline]: [number, number][], { x, y }: Place): boolean {
  let inside = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i, i += 1) {
    const [[xi, yi], [xj, yj]] = [outline[i]!, outline[j]!];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** Nodes after `from` up to `to` by the shortest way that avoids some nodes and edges; undefined when there is none. */
export function route(site: Site, from: string, to: string, isClosed: (way: Way) => boolean): string[] | undefined {
  const cost = new Map([[from, 0]]);
  const cameFrom = new Map<string, string>();
  const open = new Set([from]);
  while (open.size > 0) {
    let here = "";
    let least = Infinity;
    for (const id of open) if (cost.get(id)! < least) [here, least] = [id, cost.get(id)!];
    if (here === to) break;
    open.delete(here);
    for (const way of site.ways.get(here)!) {
      const total = least + way.length;
      if (isClosed(way) || total >= (cost.get(way.to) ?? Infinity)) continue;
      cost.set(way.to, total);
      cameFrom.set(way.to, here);
      open.add(way.to);
    }
  }
  if (!cameFrom.has(to)) return from === to ? [] : undefined;
  const path: string[] = [];
  for (let id = to; id !== from; id = cameFrom.get(id)!) path.unshift(id);
  return path;
}
