// A small picture drawn once and copied often. As a bitmap: a canvas as a source would be copied itself each time.
import type { Size } from "./view";

type Context = OffscreenCanvasRenderingContext2D;

export function drawOnce(dpr: number, measure: (ctx: Context) => Size, draw: (ctx: Context, size: Size) => void): ImageBitmap {
  const canvas = new OffscreenCanvas(1, 1);
  const size = measure(canvas.getContext("2d")!);
  canvas.width = Math.ceil(size.width * dpr);
  canvas.height = Math.ceil(size.height * dpr);
  const ctx = canvas.getContext("2d")!;
  ctx.scale(dpr, dpr);
  draw(ctx, size);
  return canvas.transferToImageBitmap();
}
