// Which part of the floor is shown: metres to CSS pixels and back. North is up.
import type { Point } from "./layout";

export interface View {
  /** Pixels per metre. */
  scale: number;
  /** The place in the middle of the screen, in metres. */
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface Bounds {
  min: Point;
  max: Point;
}

const PADDING_PX = 14;
const SCALE_MAX = 120;

export function fit({ min, max }: Bounds, size: Size): View {
  const width = Math.max(1, max.x - min.x);
  const height = Math.max(1, max.y - min.y);
  const room = { width: Math.max(1, size.width - 2 * PADDING_PX), height: Math.max(1, size.height - 2 * PADDING_PX) };
  return { scale: Math.min(room.width / width, room.height / height), x: (min.x + max.x) / 2, y: (min.y + max.y) / 2 };
}

export function toScreen(view: View, size: Size, point: Point): Point {
  return { x: size.width / 2 + (point.x - view.x) * view.scale, y: size.height / 2 - (point.y - view.y) * view.scale };
}

export function toFloor(view: View, size: Size, point: Point): Point {
  return { x: view.x + (point.x - size.width / 2) / view.scale, y: view.y - (point.y - size.height / 2) / view.scale };
}

/** Zooms so that the place under `at` stays there. */
export function zoomAt(view: View, size: Size, at: Point, factor: number, scaleMin: number): View {
  const scale = Math.min(SCALE_MAX, Math.max(scaleMin, view.scale * factor));
  const anchor = toFloor(view, size, at);
  return {
    scale,
    x: anchor.x - (at.x - size.width / 2) / scale,
    y: anchor.y + (at.y - size.height / 2) / scale,
  };
}

export function pan(view: View, dx: number, dy: number): View {
  return { ...view, x: view.x - dx / view.scale, y: view.y + dy / view.scale };
}

/** The middle of the screen never leaves the floor. */
export function keepOnFloor(view: View, { min, max }: Bounds): View {
  return { ...view, x: Math.min(max.x, Math.max(min.x, view.x)), y: Math.min(max.y, Math.max(min.y, view.y)) };
}
