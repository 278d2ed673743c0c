// What stands still: zones, ways, stations, chargers. Drawn once per view into a canvas that isn't shown.
import type { Translate } from "../i18n";
import { zoneKey } from "../zones/words";
import type { Area, Layout, Place, Point } from "./layout";
import type { Palette } from "./palette";
import { type Size, type View, toScreen } from "./view";

export interface FloorPicture {
  layout: Layout;
  map: string;
  view: View;
  size: Size;
  palette: Palette;
  stopped: ReadonlySet<string>;
  /** Ways that nobody is led over. */
  blocked: ReadonlySet<string>;
  t: Translate;
}

const FONT = '"Pretendard Variable", Pretendard, "Noto Sans KR", "Noto Sans CJK KR", system-ui, sans-serif';

export function font(px: number, weight = 500): string {
  return `${weight} ${px}px ${FONT}`;
}

export function drawFloor(ctx: CanvasRenderingContext2D, picture: FloorPicture): void {
  const { layout, map, size, palette } = picture;
  ctx.fillStyle = palette.ground;
  ctx.fillRect(0, 0, size.width, size.height);
  const areas = layout.areas.filter((area) => area.map === map || area.map === "");
  for (const area of areas) drawArea(ctx, picture, area);
  drawWays(ctx, picture);
  drawBlocked(ctx, picture);
  for (const place of layout.places) if (place.map === map) drawPlace(ctx, picture, place);
  for (const area of areas) drawAreaName(ctx, picture, area);
}

function outline(picture: FloorPicture, points: Point[]): Path2D {
  const path = new Path2D();
  points.forEach((point, i) => {
    const { x, y } = toScreen(picture.view, picture.size, point);
    if (i === 0) path.moveTo(x, y);
    else path.lineTo(x, y);
  });
  path.closePath();
  return path;
}

function drawArea(ctx: CanvasRenderingContext2D, picture: FloorPicture, area: Area): void {
  const { palette } = picture;
  const colours = palette.zones[area.temperature] ?? palette.zones[""]!;
  const path = outline(picture, area.outline);
  ctx.fillStyle = colours.fill;
  ctx.fill(path);
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = colours.line;
  ctx.stroke(path);
  if (!picture.stopped.has(area.id)) return;
  ctx.save();
  ctx.clip(path);
  ctx.globalAlpha = 0.16;
  ctx.strokeStyle = palette.danger;
  ctx.lineWidth = 7;
  ctx.stroke(hatch(picture.size));
  ctx.globalAlpha = 1;
  ctx.lineWidth = 6;
  ctx.stroke(path);
  ctx.restore();
}

function hatch({ width, height }: Size): Path2D {
  const lines = new Path2D();
  for (let x = -height; x < width; x += 22) {
    lines.moveTo(x, height);
    lines.lineTo(x + height, 0);
  }
  return lines;
}

function drawAreaName(ctx: CanvasRenderingContext2D, picture: FloorPicture, area: Area): void {
  const { palette, t, view, size } = picture;
  const colours = palette.zones[area.temperature] ?? palette.zones[""]!;
  const left = Math.min(...area.outline.map((point) => point.x));
  const top = Math.max(...area.outline.map((point) => point.y));
  const { x, y } = toScreen(view, size, { x: left, y: top });
  const isStopped = picture.stopped.has(area.id);
  const name = `${t(zoneKey(area.temperature))} · ${area.id}${isStopped ? ` · ${t("zones.stopped")}` : ""}`;
  ctx.font = font(13, 650);
  const width = ctx.measureText(name).width + 16;
  ctx.fillStyle = isStopped ? palette.danger : colours.fill;
  ctx.beginPath();
  ctx.roundRect(x + 6, y + 6, width, 22, 6);
  ctx.fill();
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillStyle = isStopped ? palette.panel : colours.ink;
  ctx.fillText(name, x + 14, y + 17.5);
}

function drawWays(ctx: CanvasRenderingContext2D, picture: FloorPicture): void {
  const path = new Path2D();
  for (const { from, to } of picture.layout.edges.values()) {
    if (from.map !== picture.map) continue;
    const a = toScreen(picture.view, picture.size, from);
    const b = toScreen(picture.view, picture.size, to);
    path.moveTo(a.x, a.y);
    path.lineTo(b.x, b.y);
  }
  ctx.lineCap = "round";
  ctx.lineWidth = Math.min(10, Math.max(1, picture.view.scale * 0.09));
  ctx.strokeStyle = picture.palette.edge;
  ctx.stroke(path);
}

function drawBlocked(ctx: CanvasRenderingContext2D, picture: FloorPicture): void {
  const path = new Path2D();
  const arm = Math.min(12, Math.max(4, picture.view.scale * 0.4));
  for (const id of picture.blocked) {
    const edge = picture.layout.edges.get(id);
    if (!edge || edge.from.map !== picture.map) continue;
    const a = toScreen(picture.view, picture.size, edge.from);
    const b = toScreen(picture.view, picture.size, edge.to);
    const [x, y] = [(a.x + b.x) / 2, (a.y + b.y) / 2];
    path.moveTo(a.x, a.y);
    path.lineTo(b.x, b.y);
    path.moveTo(x - arm, y - arm);
    path.lineTo(x + arm, y + arm);
    path.moveTo(x - arm, y + arm);
    path.lineTo(x + arm, y - arm);
  }
  ctx.lineCap = "round";
  ctx.lineWidth = Math.min(6, Math.max(2, picture.view.scale * 0.14));
  ctx.strokeStyle = picture.palette.danger;
  ctx.stroke(path);
}

function drawPlace(ctx: CanvasRenderingContext2D, picture: FloorPicture, place: Place): void {
  const { palette, view, size } = picture;
  const { x, y } = toScreen(view, size, place);
  const side = Math.max(5, Math.min(40, view.scale * 0.8));
  const colour = palette[place.kind];
  ctx.fillStyle = palette.panel;
  ctx.strokeStyle = colour;
  ctx.lineWidth = Math.max(1.2, side / 9);
  ctx.beginPath();
  if (place.kind === "dock") ctx.roundRect(x - side * 0.85, y - side * 0.6, side * 1.7, side * 1.2, side * 0.2);
  else if (place.kind === "charger") ctx.arc(x, y, side * 0.6, 0, Math.PI * 2);
  else ctx.roundRect(x - side / 2, y - side / 2, side, side, side * 0.15);
  ctx.fill();
  ctx.stroke();
  if (place.kind === "charger") drawBolt(ctx, x, y, side * 0.42, colour);
  if (view.scale < (place.kind === "dock" ? 8.5 : 18)) return;
  ctx.font = font(Math.min(14, Math.max(9, view.scale * 0.55)), 600);
  ctx.fillStyle = place.kind === "dock" ? palette.ink : palette.muted;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  const label = place.kind === "dock" && view.scale < 14 ? place.id.replace(/^\D+/, "") : place.id;
  ctx.fillText(label, x, y + side * 0.75);
}

function drawBolt(ctx: CanvasRenderingContext2D, x: number, y: number, r: number, colour: string): void {
  ctx.fillStyle = colour;
  ctx.beginPath();
  ctx.moveTo(x + r * 0.25, y - r);
  ctx.lineTo(x - r * 0.6, y + r * 0.2);
  ctx.lineTo(x - r * 0.02, y + r * 0.2);
  ctx.lineTo(x - r * 0.25, y + r);
  ctx.lineTo(x + r * 0.6, y - r * 0.2);
  ctx.lineTo(x + r * 0.02, y - r * 0.2);
  ctx.fill();
}
