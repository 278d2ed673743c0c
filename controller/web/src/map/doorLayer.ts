// Doors across the ways they close. How far one is open follows its state softly.
import { type Look, lookOf } from "../devices/words";
import type { Device } from "../gen/drover/v1/site_pb";
import { font } from "./floorLayer";
import type { Layout, Point } from "./layout";
import type { Palette } from "./palette";
import { type Size, type View, toScreen } from "./view";

interface Door {
  middle: Point;
  /** Unit vector along the leaf, in metres of the floor. */
  along: Point;
  half: number;
  map: string;
}

/** How far the leaf reaches beyond the outermost way, in metres. */
const JAMB_M = 1.2;
const MOVE_MS = 350;
const OPENNESS: Record<Look, number> = { open: 1, opening: 0.55, closing: 0.4, closed: 0, fault: 0.25, unknown: 0 };

export class DoorLayer {
  private doors = new Map<string, Door>();
  private openness = new Map<string, number>();
  private drawnAt = 0;
  private planned: Layout | undefined;

  /** True while a leaf still moves. */
  draw(ctx: CanvasRenderingContext2D, scene: DoorScene): boolean {
    if (this.planned !== scene.layout) {
      this.doors.clear();
      this.planned = scene.layout;
    }
    const step = Math.min(1, (scene.now - this.drawnAt) / MOVE_MS);
    this.drawnAt = scene.now;
    let isMoving = false;
    for (const device of scene.devices) {
      const door = this.place(device, scene.layout);
      if (!door || door.map !== scene.map) continue;
      const look = lookOf(device);
      const before = this.openness.get(device.id) ?? OPENNESS[look];
      const now = before + (OPENNESS[look] - before) * step;
      isMoving ||= Math.abs(OPENNESS[look] - now) > 0.01;
      this.openness.set(device.id, now);
      drawDoor(ctx, scene, door, look, now, device.id);
    }
    return isMoving;
  }

  private place(device: Device, layout: Layout): Door | undefined {
    const known = this.doors.get(device.id);
    if (known) return known;
    const edges = device.edges.flatMap((id) => layout.edges.get(id) ?? []);
    const first = edges[0];
    if (!first) return undefined;
    const middles = edges.map(({ from, to }) => ({ x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 }));
    const length = Math.hypot(first.to.x - first.from.x, first.to.y - first.from.y) || 1;
    const along = { x: -(first.to.y - first.from.y) / length, y: (first.to.x - first.from.x) / length };
    const middle = middles.reduce((sum, one) => ({ x: sum.x + one.x / middles.length, y: sum.y + one.y / middles.length }), { x: 0, y: 0 });
    const reach = middles.map((one) => Math.abs((one.x - middle.x) * along.x + (one.y - middle.y) * along.y));
    const door = { middle, along, half: Math.max(...reach) + JAMB_M, map: first.from.map };
    this.doors.set(device.id, door);
    return door;
  }
}

export interface DoorScene {
  devices: readonly Device[];
  layout: Layout;
  map: string;
  view: View;
  size: Size;
  palette: Palette;
  now: number;
}

export function doorColour(look: Look, palette: Palette): string {
  if (look === "open") return palette.ok;
  if (look === "fault") return palette.danger;
  if (look === "closed") return palette.ink;
  return look === "unknown" ? palette.muted : palette.warn;
}

function drawDoor(ctx: CanvasRenderingContext2D, scene: DoorScene, door: Door, look: Look, openness: number, name: string): void {
  const { view, size, palette } = scene;
  const at = (share: number) =>
    toScreen(view, size, { x: door.middle.x + door.along.x * door.half * share, y: door.middle.y + door.along.y * door.half * share });
  const thick = Math.min(9, Math.max(3.5, view.scale * 0.34));
  const gap = openness * 0.62;
  const leaves = [
    [at(-1), at(-gap)],
    [at(gap), at(1)],
  ] as const;
  ctx.lineCap = "butt";
  for (const [colour, width] of [
    [palette.panel, thick + 2.5],
    [doorColour(look, palette), thick],
  ] as const) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = width;
    ctx.setLineDash(look === "unknown" ? [thick, thick * 0.7] : []);
    ctx.beginPath();
    for (const [a, b] of leaves) {
      ctx.moveTo(a.x, a.y);
      ctx.lineTo(b.x, b.y);
    }
    ctx.stroke();
  }
  ctx.setLineDash([]);
  const middle = at(0);
  if (look === "fault" || look === "unknown") drawSign(ctx, middle, look === "fault" ? "!" : "?", doorColour(look, palette), palette.panel);
  if (view.scale >= 16) drawName(ctx, at(1), name, palette);
}

function drawSign(ctx: CanvasRenderingContext2D, { x, y }: Point, sign: string, colour: string, ink: string): void {
  ctx.fillStyle = colour;
  ctx.beginPath();
  ctx.arc(x, y, 8, 0, Math.PI * 2);
  ctx.fill();
  ctx.fillStyle = ink;
  ctx.font = font(12, 800);
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(sign, x, y + 0.5);
}

function drawName(ctx: CanvasRenderingContext2D, { x, y }: Point, name: string, palette: Palette): void {
  ctx.font = font(11, 600);
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.lineWidth = 3;
  ctx.strokeStyle = palette.panel;
  ctx.strokeText(name, x + 6, y);
  ctx.fillStyle = palette.ink;
  ctx.fillText(name, x + 6, y);
}
