// Doors that open for whoever comes, two that don't.
import type { Site } from "./site";

export interface MockDoor {
  id: string;
  kind: string;
  edges: string[];
  state: "open" | "opening" | "closing" | "closed" | "fault" | "unknown";
  requested: "open" | "closed";
  online: boolean;
  sinceMs: number;
  wantedAtMs: number;
}

const MOVES_MS = 2_500;
const STAYS_OPEN_MS = 4_000;

export class Doors {
  readonly all: MockDoor[];
  private readonly byEdge = new Map<string, MockDoor>();

  constructor(site: Site, hasTrouble: boolean) {
    this.all = site.doors.map(({ id, kind, edges }) => ({
      id, kind, edges, state: "closed", requested: "closed", online: true, sinceMs: 0, wantedAtMs: -Infinity,
    }));
    for (const door of this.all) for (const edge of door.edges) this.byEdge.set(edge, door);
    if (!hasTrouble) return;
    const [stuck, silent] = [this.all[7], this.all[12]];
    if (stuck) Object.assign(stuck, { state: "fault", requested: "open" });
    if (silent) Object.assign(silent, { state: "unknown", online: false });
  }

  at(edge: string): MockDoor | undefined {
    return this.byEdge.get(edge);
  }

  isBroken(edge: string): boolean {
    const door = this.at(edge);
    return door !== undefined && (door.state === "fault" || !door.online);
  }

  want(door: MockDoor, nowMs: number): void {
    door.wantedAtMs = nowMs;
  }

  step(nowMs: number): void {
    for (const door of this.all) {
      if (door.state === "fault" || !door.online) continue;
      const isWanted = nowMs - door.wantedAtMs < STAYS_OPEN_MS;
      door.requested = isWanted ? "open" : "closed";
      const isMoved = nowMs - door.sinceMs > MOVES_MS;
      if (isWanted && (door.state === "closed" || door.state === "closing")) set(door, "opening", nowMs);
      else if (!isWanted && door.state === "open") set(door, "closing", nowMs);
      else if (door.state === "opening" && isMoved) set(door, "open", nowMs);
      else if (door.state === "closing" && isMoved) set(door, "closed", nowMs);
    }
  }
}

function set(door: MockDoor, state: MockDoor["state"], nowMs: number): void {
  door.state = state;
  door.sinceMs = nowMs;
}
