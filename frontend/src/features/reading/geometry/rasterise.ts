/**
 * Marks with points to pixels, by the server's rule: a pixel belongs to a mark when its centre lies inside; a centre on
 * an edge belongs to what is to its right or below; what an odd number of outlines encloses is inside.
 */
import type { MarkKind } from "@/lib/api-types";
import type { Point } from "@/lib/imaging/coordinates";
import { boundsOf, outlineOf } from "./mark";
import type { MaskGrid } from "./mask-grid";
import { singleFrame } from "./mask-volume";

/** A part of an image: rows × columns from (top, left). */
export interface Patch {
  top: number;
  left: number;
  rows: number;
  columns: number;
  data: Uint8Array;
}

/** The closed outlines as pixels, in the smallest patch around them; `extent` cuts off what lies outside the image. */
export function rasterised(
  outlines: readonly (readonly Point[])[],
  extent: { rows: number; columns: number },
): Patch {
  const bounds = boundsOf(outlines.flat());
  const top = Math.max(0, Math.floor(bounds.top));
  const left = Math.max(0, Math.floor(bounds.left));
  const rows = Math.max(0, Math.min(extent.rows, Math.ceil(bounds.bottom)) - top);
  const columns = Math.max(0, Math.min(extent.columns, Math.ceil(bounds.right)) - left);
  const data = new Uint8Array(rows * columns);
  const crossings: number[][] = Array.from({ length: rows }, () => []);
  for (const outline of outlines) {
    outline.forEach((start, i) => {
      const end = outline[(i + 1) % outline.length] as Point;
      const [upper, lower] = start[1] <= end[1] ? [start, end] : [end, start];
      const first = Math.max(top, Math.ceil(upper[1] - 0.5));
      const last = Math.min(top + rows, Math.ceil(lower[1] - 0.5));
      const slope = (lower[0] - upper[0]) / (lower[1] - upper[1]);
      for (let row = first; row < last; row++) {
        crossings[row - top]?.push(upper[0] + (row + 0.5 - upper[1]) * slope);
      }
    });
  }
  crossings.forEach((line, row) => {
    line.sort((p, q) => p - q);
    for (let i = 0; i + 1 < line.length; i += 2) {
      const from = Math.max(0, Math.ceil((line[i] as number) - 0.5) - left);
      const to = Math.min(columns, Math.ceil((line[i + 1] as number) - 0.5) - left);
      if (to > from) data.fill(1, row * columns + from, row * columns + to);
    }
  });
  return { top, left, rows, columns, data };
}

/** A mark with points as a mask of one frame; null when it covers no pixel. A point is the pixel that it lies in. */
export function maskOfPoints(
  kind: MarkKind,
  points: readonly Point[],
  frame: number,
  extent: { rows: number; columns: number },
): MaskGrid | null {
  if (kind === "point") {
    const [x, y] = points[0] as Point;
    const row = Math.min(extent.rows - 1, Math.max(0, Math.floor(y)));
    const column = Math.min(extent.columns - 1, Math.max(0, Math.floor(x)));
    return { origin: [frame, row, column], shape: [1, 1, 1], data: new Uint8Array([1]) };
  }
  const { top, left, rows, columns, data } = rasterised([outlineOf(kind, points)], extent);
  return rows && columns ? singleFrame(frame, top, left, rows, columns, data) : null;
}
