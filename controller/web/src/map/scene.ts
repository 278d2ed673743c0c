// The map's frames: the still floor is copied from its own canvas, doors and robots are drawn over it.
import { allRobots, type Seen, select, selectedKey } from "../fleet/robots";
import { lang, t } from "../i18n";
import { status } from "../store/site";
import { DoorLayer } from "./doorLayer";
import { drawFloor } from "./floorLayer";
import { Frames } from "./frames";
import { bounds, layout, type Point } from "./layout";
import { type Palette, readPalette } from "./palette";
import { bodyLength, RobotLayer } from "./robotLayer";
import { fit, keepOnFloor, pan, type Size, toScreen, type View, zoomAt } from "./view";

const TOUCH_PX = 22;

export class Scene {
  readonly frames = new Frames();
  private readonly ctx: CanvasRenderingContext2D;
  private readonly floor = document.createElement("canvas");
  private readonly doors = new DoorLayer();
  private readonly robots = new RobotLayer();
  private palette: Palette = readPalette();
  private size: Size = { width: 1, height: 1 };
  private dpr = 1;
  private view: View | undefined;
  private isFitted = true;
  private floorFor = "";
  private isDirty = true;
  private handle = 0;
  private paintedAt = 0;
  private doorsMove = false;
  private hovered: string | undefined;
  map = "";

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.ctx = canvas.getContext("2d", { alpha: false })!;
    this.handle = requestAnimationFrame(this.frame);
  }

  stop(): void {
    cancelAnimationFrame(this.handle);
  }

  /** Something beside the robots' places changed. */
  invalidate(): void {
    this.isDirty = true;
  }

  /** Another layout is in use. */
  relay(): void {
    this.floorFor = "";
    if (this.isFitted) this.fit();
    this.isDirty = true;
  }

  recolour(): void {
    this.palette = readPalette();
    this.floorFor = "";
    this.isDirty = true;
  }

  resize(size: Size, dpr: number): void {
    this.size = size;
    this.dpr = dpr;
    for (const canvas of [this.canvas, this.floor]) {
      canvas.width = Math.max(1, Math.round(size.width * dpr));
      canvas.height = Math.max(1, Math.round(size.height * dpr));
    }
    this.floorFor = "";
    if (this.isFitted) this.fit();
    this.isDirty = true;
    this.drawNow(performance.now());
  }

  fit(): void {
    this.isFitted = true;
    const plan = layout();
    if (!plan) return;
    if (!plan.maps.includes(this.map)) this.map = plan.maps[0] ?? "";
    this.view = fit(bounds(plan, this.map), this.size);
    this.isDirty = true;
  }

  zoom(factor: number, at: Point = { x: this.size.width / 2, y: this.size.height / 2 }): void {
    const plan = layout();
    if (!this.view || !plan) return;
    const floor = bounds(plan, this.map);
    const scaleMin = fit(floor, this.size).scale * 0.8;
    this.view = keepOnFloor(zoomAt(this.view, this.size, at, factor, scaleMin), floor);
    this.isFitted = false;
    this.isDirty = true;
  }

  pan(dx: number, dy: number): void {
    const plan = layout();
    if (!this.view || !plan) return;
    this.view = keepOnFloor(pan(this.view, dx, dy), bounds(plan, this.map));
    this.isFitted = false;
    this.isDirty = true;
  }

  hover(at: Point | undefined): boolean {
    const found = at && this.robotAt(at);
    if (found !== this.hovered) this.isDirty = true;
    this.hovered = found;
    return found !== undefined;
  }

  press(at: Point): void {
    select(this.robotAt(at));
  }

  /** Where a robot is on the page's canvas now, in CSS pixels. */
  screenOf(point: Point): Point | undefined {
    return this.view && toScreen(this.view, this.size, point);
  }

  private robotAt(at: Point): string | undefined {
    if (!this.view) return undefined;
    let [best, bestDistance] = [undefined as string | undefined, Math.max(TOUCH_PX, bodyLength(this.view) * 0.8)];
    for (const seen of allRobots().values()) {
      if ((seen.robot.pose?.map ?? "") !== this.map) continue;
      const { x, y } = toScreen(this.view, this.size, seen.drawn);
      const distance = Math.hypot(x - at.x, y - at.y);
      if (distance < bestDistance) [best, bestDistance] = [seen.key, distance];
    }
    return best;
  }

  private readonly frame = (at: number): void => {
    this.handle = requestAnimationFrame(this.frame);
    this.frames.begin(at);
    this.drawNow(at);
  };

  private drawNow(at: number): void {
    const plan = layout();
    if (plan && !this.view) this.fit();
    if (!plan || !this.view) return this.paintNothing();
    let isDue = this.isDirty || (this.doorsMove && at - this.paintedAt >= SMALL_STEP_MS);
    for (const seen of allRobots().values()) {
      if (!seen.motion.isMoving(at)) continue;
      seen.motion.at(at, seen.drawn);
      isDue ||= looksDifferent(seen, this.view.scale, at - this.paintedAt);
    }
    if (!isDue) return;
    this.paintedAt = at;
    const began = performance.now();
    this.isDirty = false;
    this.paint(this.view, plan, at);
    for (const { painted, drawn } of allRobots().values()) Object.assign(painted, drawn);
    this.frames.drew(performance.now() - began);
  }

  private paintNothing(): void {
    if (!this.isDirty) return;
    this.isDirty = false;
    this.ctx.fillStyle = this.palette.ground;
    this.ctx.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  private paint(view: View, plan: NonNullable<ReturnType<typeof layout>>, now: number): void {
    const { ctx, palette, size, map, dpr } = this;
    this.paintFloor(view, plan);
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.drawImage(this.floor, 0, 0);
    ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
    const devices = status()?.devices ?? [];
    this.doorsMove = this.doors.draw(ctx, { devices, layout: plan, map, view, size, palette, now });
    const [selected, hovered, robots] = [selectedKey(), this.hovered, allRobots()];
    this.robots.draw(ctx, { robots: robots.values(), count: robots.size, map, view, size, palette, dpr, selected, hovered, layout: plan });
  }

  private paintFloor(view: View, plan: NonNullable<ReturnType<typeof layout>>): void {
    const stopped = new Set(status()?.zones.filter((zone) => zone.stopped).map((zone) => zone.id));
    const blocked = new Set(status()?.blockedEdges.map(({ edge }) => edge));
    const wanted = [view.scale, view.x, view.y, this.map, lang(), [...stopped].join(), [...blocked].join()].join("|");
    if (wanted === this.floorFor) return;
    this.floorFor = wanted;
    const ctx = this.floor.getContext("2d", { alpha: false })!;
    ctx.setTransform(this.dpr, 0, 0, this.dpr, 0, 0);
    drawFloor(ctx, { layout: plan, map: this.map, view, size: this.size, palette: this.palette, stopped, blocked, t });
  }
}

/** A robot that moved by less than this isn't worth a new picture. */
const SEEN_PX = 0.5;
const SEEN_TURN = 0.05;
/** Small steps are shown thirty times a second, great ones at once. */
const SMALL_PX = 2;
const SMALL_STEP_MS = 30;

function looksDifferent({ drawn, painted }: Seen, scale: number, sinceMs: number): boolean {
  const movedPx = Math.hypot(drawn.x - painted.x, drawn.y - painted.y) * scale;
  if (sinceMs < SMALL_STEP_MS) return movedPx >= SMALL_PX;
  return movedPx >= SEEN_PX || Math.abs(drawn.theta - painted.theta) >= SEEN_TURN;
}
