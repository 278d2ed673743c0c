// Wheel, drag, pinch and press on the map.
import type { Point } from "./layout";
import type { Scene } from "./scene";

const PRESS_MAX_PX = 6;
const ARROW_PX = 60;

export function listenToGestures(canvas: HTMLCanvasElement, scene: Scene): () => void {
  const fingers = new Map<number, Point>();
  let movedPx = 0;
  const off = new AbortController();
  const on = <K extends keyof HTMLElementEventMap>(type: K, then: (event: HTMLElementEventMap[K]) => void) =>
    canvas.addEventListener(type, then, { signal: off.signal, passive: false });
  const where = (event: MouseEvent): Point => ({ x: event.offsetX, y: event.offsetY });

  on("wheel", (event) => {
    event.preventDefault();
    scene.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), where(event));
  });
  on("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (fingers.size === 0) movedPx = 0;
    fingers.set(event.pointerId, where(event));
  });
  on("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    const now = where(event);
    if (!before) {
      canvas.style.cursor = scene.hover(now) ? "pointer" : "grab";
      return;
    }
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    movedPx += Math.hypot(now.x - before.x, now.y - before.y);
    fingers.set(event.pointerId, now);
    if (other) pinch(scene, before, now, other);
    else if (movedPx > PRESS_MAX_PX) scene.pan(now.x - before.x, now.y - before.y);
  });
  const end = (event: PointerEvent) => {
    const wasOnly = fingers.delete(event.pointerId) && fingers.size === 0;
    if (event.type === "pointerup" && wasOnly && movedPx <= PRESS_MAX_PX) scene.press(where(event));
  };
  on("pointerup", end);
  on("pointercancel", end);
  on("pointerleave", () => scene.hover(undefined));
  on("keydown", (event) => {
    const act = KEYS[event.key];
    if (!act || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act(scene);
  });
  return () => off.abort();
}

const KEYS: Record<string, (scene: Scene) => void> = {
  ArrowLeft: (scene) => scene.pan(ARROW_PX, 0),
  ArrowRight: (scene) => scene.pan(-ARROW_PX, 0),
  ArrowUp: (scene) => scene.pan(0, ARROW_PX),
  ArrowDown: (scene) => scene.pan(0, -ARROW_PX),
  "+": (scene) => scene.zoom(1.3),
  "=": (scene) => scene.zoom(1.3),
  "-": (scene) => scene.zoom(1 / 1.3),
  "0": (scene) => scene.fit(),
};

function pinch(scene: Scene, before: Point, now: Point, other: Point): void {
  const spread = (a: Point) => Math.hypot(a.x - other.x, a.y - other.y);
  const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
  scene.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  if (spread(before) > 0) scene.zoom(spread(now) / spread(before), middle);
}
