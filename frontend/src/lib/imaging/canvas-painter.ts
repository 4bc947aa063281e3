/** Draws an image into the page: its values as greys on a canvas of its own size, which the compositor lays on the screen. */
import type { Affine } from "./coordinates";
import type { Image } from "./image";
import { type GreyTable, greyTable, isSameShading, paint, paintReduced, type Shading } from "./shading";

/**
 * By the browser's 2D canvas and a CSS transform, not WebGL: every machine draws the same greys, also one without a
 * graphics card; a slice costs its own pixels, and zoom and pan cost nothing but the compositor's next frame.
 */
export class CanvasPainter {
  readonly canvas = document.createElement("canvas");
  private readonly context = this.canvas.getContext("2d", { alpha: false }) as CanvasRenderingContext2D;
  private pixels: ImageData | null = null;
  private drawn: { image: Image; shading: Shading; table: GreyTable; factor: number } | null = null;

  constructor() {
    this.canvas.style.cssText =
      "position:absolute;left:0;top:0;transform-origin:0 0;will-change:transform;visibility:hidden";
  }

  draw(image: Image, shading: Shading, toCanvas: Affine): void {
    const factor = reductionOf(toCanvas, window.devicePixelRatio || 1);
    this.develop(image, shading, factor);
    const { a, b, c, d, e, f } = toCanvas;
    this.canvas.style.transform = `matrix(${[a * factor, b * factor, c * factor, d * factor, e, f].join(",")})`;
    this.canvas.style.visibility = "visible";
  }

  clear(): void {
    this.canvas.style.visibility = "hidden";
    this.drawn = null;
  }

  /** What the screen shows of a pane of this size, as a JPEG. */
  pictureOf(toCanvas: Affine, { width, height }: { width: number; height: number }): string {
    const { a, b, c, d, e, f } = toCanvas;
    const factor = this.drawn?.factor ?? 1;
    const made = document.createElement("canvas");
    made.width = width;
    made.height = height;
    const context = made.getContext("2d", { alpha: false }) as CanvasRenderingContext2D;
    context.setTransform(a * factor, b * factor, c * factor, d * factor, e, f);
    context.drawImage(this.canvas, 0, 0);
    return made.toDataURL("image/jpeg", 0.85);
  }

  /** The canvas with this image in these greys, unless it is there already. */
  private develop(image: Image, shading: Shading, factor: number): void {
    const { drawn } = this;
    const sameGreys = drawn !== null && isSameShading(drawn.shading, shading);
    if (sameGreys && drawn.image === image && drawn.factor === factor) return;
    const sameType = drawn?.image.values.constructor === image.values.constructor;
    const table = drawn && sameGreys && sameType ? drawn.table : greyTable(shading, image.values);
    const [columns, rows] = [Math.ceil(image.columns / factor), Math.ceil(image.rows / factor)];
    if (this.pixels?.width !== columns || this.pixels.height !== rows) {
      this.pixels = new ImageData(columns, rows);
      this.canvas.width = columns;
      this.canvas.height = rows;
    }
    const words = new Uint32Array(this.pixels.data.buffer);
    if (factor === 1) paint(image, table, words);
    else paintReduced(image, table, factor, words);
    this.context.putImageData(this.pixels, 0, 0);
    this.drawn = { image, shading, table, factor };
  }
}

/**
 * How many image pixels, along each side, become one of the canvas: as many as fall on one pixel of the screen. Their
 * mean is drawn; the compositor alone would take a few of them and let fine structures come and go with the zoom.
 */
export function reductionOf({ a, b, c, d }: Affine, devicePixelRatio: number): number {
  const smallest = Math.min(Math.hypot(a, b), Math.hypot(c, d)) * devicePixelRatio;
  return Math.max(1, Math.floor(1 / smallest + 1e-6));
}
