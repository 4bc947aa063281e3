/** The brush: which pixels a stroke of a given diameter (image pixels) sets or clears. */
import type { Point } from "@/lib/imaging/coordinates";
import type { Slice } from "./mask-grid";

/**
 * Paint the straight stroke from `from` to `to` (SCOORD): every pixel whose centre lies within half the diameter of it,
 * and always the pixel under the cursor, so that size 1 is exactly that pixel.
 */
export function paintStroke(
  slice: Slice,
  from: Point,
  to: Point,
  diameter: number,
  value: 0 | 1,
  /** Which pixels the brush takes at all; every one when it is left out. */
  takes: (row: number, column: number) => boolean = () => true,
): void {
  const radius = diameter / 2;
  const lowRow = Math.max(0, Math.floor(Math.min(from[1], to[1]) - radius));
  const highRow = Math.min(slice.rows - 1, Math.ceil(Math.max(from[1], to[1]) + radius));
  const lowColumn = Math.max(0, Math.floor(Math.min(from[0], to[0]) - radius));
  const highColumn = Math.min(slice.columns - 1, Math.ceil(Math.max(from[0], to[0]) + radius));
  if (diameter > 1) {
    for (let row = lowRow; row <= highRow; row++) {
      for (let column = lowColumn; column <= highColumn; column++) {
        if (distanceToSegment([column + 0.5, row + 0.5], from, to) <= radius && takes(row, column)) {
          slice.data[row * slice.columns + column] = value;
        }
      }
    }
  }
  const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) * 2));
  for (let step = 0; step <= steps; step++) {
    const t = step / steps;
    const column = Math.floor(from[0] + (to[0] - from[0]) * t);
    const row = Math.floor(from[1] + (to[1] - from[1]) * t);
    if (column < 0 || row < 0 || column >= slice.columns || row >= slice.rows) continue;
    if (takes(row, column)) slice.data[row * slice.columns + column] = value;
  }
}

export function distanceToSegment(point: Point, from: Point, to: Point): number {
  const dx = to[0] - from[0];
  const dy = to[1] - from[1];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : ((point[0] - from[0]) * dx + (point[1] - from[1]) * dy) / length;
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(point[0] - from[0] - t * dx, point[1] - from[1] - t * dy);
}

/** Diameter of a ball of `diameter` where a plane `apart` from its middle cuts it (one unit of length); 0 beyond it. */
export function cutDiameter(diameter: number, apart: number): number {
  return 2 * Math.sqrt(Math.max(0, (diameter / 2) ** 2 - apart ** 2));
}

export const BRUSH_SIZES = [1, 2, 3, 5, 7, 9, 12, 16, 20, 26, 34, 44, 60, 80] as const;

/** The next smaller or larger size. */
export function nextBrushSize(size: number, direction: -1 | 1): number {
  const index = BRUSH_SIZES.findIndex((known) => known >= size);
  const from = index < 0 ? BRUSH_SIZES.length - 1 : index;
  return BRUSH_SIZES[Math.min(BRUSH_SIZES.length - 1, Math.max(0, from + direction))] as number;
}
