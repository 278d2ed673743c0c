// Robots as they stand now: body with its nose, load, battery, label, and a mark on those that need a person.
import { type Robot, RobotStatus } from "../gen/drover/v1/fleet_pb";
import type { Seen } from "../fleet/robots";
import { Bodies } from "./bodies";
import { font } from "./floorLayer";
import type { Layout } from "./layout";
import type { Palette } from "./palette";
import { drawOnce } from "./stamp";
import { type Size, type View, toScreen } from "./view";

export interface RobotScene {
  robots: Iterable<Seen>;
  count: number;
  map: string;
  view: View;
  size: Size;
  palette: Palette;
  dpr: number;
  selected: string | undefined;
  hovered: string | undefined;
  layout: Layout;
}

/** A robot is drawn at least this long, however far away it is seen from. */
const LENGTH_MIN_PX = 17;
const LENGTH_M = 1.25;
/** From this scale on every robot has its label; the more robots, the nearer one must look. */
const LABELS_FROM_SCALE = 8;
const LABELS_CALM = 60;
const SIGNS: Partial<Record<RobotStatus, string>> = {
  [RobotStatus.ERROR]: "!",
  [RobotStatus.LOST]: "?",
  [RobotStatus.OFFLINE]: "×",
  [RobotStatus.PAUSED]: "II",
};

export class RobotLayer {
  private labels = new Map<string, ImageBitmap>();
  private labelsFor = "";
  private labelsFromScale = LABELS_FROM_SCALE;
  private readonly bodies = new Bodies();

  draw(ctx: CanvasRenderingContext2D, scene: RobotScene): void {
    const look = `${scene.dpr} ${scene.palette.ink} ${scene.palette.panel}`;
    if (look !== this.labelsFor) this.labels.clear();
    this.labelsFor = look;
    const length = bodyLength(scene.view);
    this.labelsFromScale = LABELS_FROM_SCALE + Math.max(0, scene.count - LABELS_CALM) / 20;
    const { width, height } = scene.size;
    let front: Seen | undefined;
    for (const seen of scene.robots) {
      if ((seen.robot.pose?.map ?? "") !== scene.map) continue;
      if (seen.key === scene.selected) {
        front = seen;
        continue;
      }
      const { x, y } = toScreen(scene.view, scene.size, seen.drawn);
      if (x < -40 || y < -40 || x > width + 40 || y > height + 40) continue;
      this.drawRobot(ctx, scene, seen, x, y, length);
    }
    if (!front) return;
    drawWay(ctx, scene, front);
    const { x, y } = toScreen(scene.view, scene.size, front.drawn);
    this.drawRobot(ctx, scene, front, x, y, length * 1.15);
  }

  private drawRobot(ctx: CanvasRenderingContext2D, scene: RobotScene, seen: Seen, x: number, y: number, length: number): void {
    const { palette } = scene;
    const isChosen = seen.key === scene.selected;
    const isNear = isChosen || seen.key === scene.hovered;
    if (isNear) ring(ctx, x, y, length * 0.95, palette.accent, isChosen ? 3 : 2);
    const body = this.bodies.get(seen.robot, seen.drawn.theta, length, scene);
    const side = body.width / scene.dpr;
    ctx.drawImage(body, x - side / 2, y - side / 2, side, side);
    drawBattery(ctx, seen.robot, x, y + length * 0.56 + 1, length, palette);
    const sign = SIGNS[seen.robot.status];
    if (sign) drawSign(ctx, sign, x + length * 0.55, y - length * 0.55, palette.robots[seen.robot.status], palette.panel);
    if (!isNear && !sign && scene.view.scale < this.labelsFromScale) return;
    const label = this.label(seen.label, scene);
    const [w, h] = [label.width / scene.dpr, label.height / scene.dpr];
    ctx.drawImage(label, Math.round(x - w / 2), Math.round(y - length * 0.6 - h), w, h);
  }

  private label(text: string, { dpr, palette }: RobotScene): ImageBitmap {
    const known = this.labels.get(text);
    if (known) return known;
    const made = drawOnce(dpr, (ctx) => {
      ctx.font = font(11, 650);
      return { width: Math.ceil(ctx.measureText(text).width) + 6, height: 14 };
    }, (ctx, { width }) => {
      ctx.font = font(11, 650);
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      ctx.lineJoin = "round";
      ctx.lineWidth = 3;
      ctx.strokeStyle = palette.panel;
      ctx.strokeText(text, width / 2, 7.5);
      ctx.fillStyle = palette.ink;
      ctx.fillText(text, width / 2, 7.5);
    });
    this.labels.set(text, made);
    return made;
  }
}

export function bodyLength(view: View): number {
  return Math.max(LENGTH_MIN_PX, view.scale * LENGTH_M);
}

function drawBattery(ctx: CanvasRenderingContext2D, robot: Robot, x: number, y: number, length: number, palette: Palette): void {
  if (!robot.battery) return;
  const share = Math.min(1, Math.max(0, robot.battery.chargePercent / 100));
  const width = length * 0.9;
  ctx.fillStyle = palette.edge;
  ctx.fillRect(x - width / 2 - 0.5, y - 0.5, width + 1, 4);
  ctx.fillStyle = share < 0.15 ? palette.danger : share < 0.3 ? palette.warn : palette.ok;
  ctx.fillRect(x - width / 2, y, Math.max(1.5, width * share), 3);
}

function drawSign(ctx: CanvasRenderingContext2D, sign: string, x: number, y: number, colour: string, ink: string): void {
  ctx.fillStyle = colour;
  ctx.strokeStyle = ink;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.arc(x, y, 6.5, 0, Math.PI * 2);
  ctx.fill();
  ctx.stroke();
  ctx.fillStyle = ink;
  ctx.font = font(9.5, 800);
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(sign, x, y + 0.5);
}

function ring(ctx: CanvasRenderingContext2D, x: number, y: number, radius: number, colour: string, width: number): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, Math.PI * 2);
  ctx.stroke();
}

function drawWay(ctx: CanvasRenderingContext2D, scene: RobotScene, { robot, drawn }: Seen): void {
  const points = (names: string[]) => names.flatMap((id) => scene.layout.nodes.get(id) ?? []);
  const base = [drawn, ...points(robot.base)];
  const horizon = [base[base.length - 1]!, ...points(robot.horizon)];
  ctx.strokeStyle = scene.palette.accent;
  ctx.lineJoin = "round";
  ctx.lineCap = "round";
  for (const [way, dash, width] of [[base, [], 3.5], [horizon, [2, 7], 3]] as const) {
    ctx.setLineDash([...dash]);
    ctx.lineWidth = width;
    ctx.beginPath();
    way.forEach((point, i) => {
      const { x, y } = toScreen(scene.view, scene.size, point);
      if (i === 0) ctx.moveTo(x, y);
      else ctx.lineTo(x, y);
    });
    ctx.stroke();
  }
  ctx.setLineDash([]);
}
