// The bodies of robots, one stamp per look and heading: filling two hundred shapes a picture is what costs most.
import { type Robot, RobotStatus } from "../gen/drover/v1/fleet_pb";
import type { Palette } from "./palette";
import { drawOnce } from "./stamp";

const HEADINGS = 90;
/** Looks change with the zoom; old ones are thrown away all at once. */
const KEPT_MAX = 2_000;

export class Bodies {
  private readonly stamps = new Map<string, ImageBitmap>();
  private palette: Palette | undefined;

  get(robot: Robot, theta: number, lengthPx: number, { dpr, palette }: { dpr: number; palette: Palette }): ImageBitmap {
    if (this.palette !== palette || this.stamps.size > KEPT_MAX) this.stamps.clear();
    this.palette = palette;
    const turn = Math.round((theta / (2 * Math.PI)) * HEADINGS) % HEADINGS;
    const heading = turn < 0 ? turn + HEADINGS : turn;
    const length = Math.round(lengthPx);
    const isLoaded = robot.loads.length > 0;
    const key = `${robot.status} ${isLoaded} ${heading} ${length} ${dpr}`;
    const known = this.stamps.get(key);
    if (known) return known;
    const side = Math.ceil(length * 1.35 + 4);
    const size = { width: side, height: side };
    const made = drawOnce(dpr, () => size, (ctx) => {
      ctx.translate(side / 2, side / 2);
      ctx.rotate((-heading / HEADINGS) * 2 * Math.PI);
      drawBody(ctx, robot.status, isLoaded, length, palette);
    });
    this.stamps.set(key, made);
    return made;
  }
}

function drawBody(ctx: OffscreenCanvasRenderingContext2D, status: RobotStatus, isLoaded: boolean, length: number, palette: Palette): void {
  const half = length / 2;
  const wide = length * 0.34;
  ctx.beginPath();
  ctx.moveTo(-half, -wide);
  ctx.lineTo(half - wide * 0.75, -wide);
  ctx.lineTo(half, 0);
  ctx.lineTo(half - wide * 0.75, wide);
  ctx.lineTo(-half, wide);
  ctx.closePath();
  ctx.lineJoin = "round";
  const isHollow = status === RobotStatus.OFFLINE || status === RobotStatus.NOT_OURS;
  ctx.fillStyle = isHollow ? palette.panel : palette.robots[status];
  ctx.strokeStyle = isHollow ? palette.robots[status] : palette.panel;
  ctx.lineWidth = isHollow ? 2 : 1.2;
  ctx.fill();
  ctx.stroke();
  if (!isLoaded) return;
  const box = wide * 1.15;
  ctx.fillStyle = palette.panel;
  ctx.fillRect(-half * 0.62, -box / 2, box, box);
  ctx.fillStyle = palette.ink;
  ctx.fillRect(-half * 0.62 + 1.4, -box / 2 + 1.4, box - 2.8, box - 2.8);
}
