/** How large a mark is: millimetres where the header tells the pixel spacing, else pixels. */
import type { Lesion } from "@/lib/api-types";
import type { Point } from "@/lib/imaging/coordinates";
import { axesOf, boundsOf } from "./mark";
import type { MaskGrid } from "./mask-grid";
import { crackOutlines } from "./outline";

/** PixelSpacing: between rows first, between columns second. */
export type Spacing = [number, number] | null;

export interface Size {
  long: number;
  short: number;
  unit: "mm" | "px";
}

/** Long and short diameter of a lesion; null for a point and for a mask that is not loaded yet. */
export function sizeOf(lesion: Lesion, spacing: Spacing, mask: MaskGrid | null): Size | null {
  const unit = spacing ? "mm" : "px";
  const [perRow, perColumn] = spacing ?? [1, 1];
  if (lesion.kind === "point") return null;
  if (lesion.kind === "box") {
    const { left, top, right, bottom } = boundsOf(lesion.points);
    return { long: (right - left) * perColumn, short: (bottom - top) * perRow, unit };
  }
  if (lesion.kind === "ellipse") {
    const { first, second } = axesOf(lesion.points);
    const length = (axis: Point) => 2 * Math.hypot(axis[0] * perColumn, axis[1] * perRow);
    return { long: length(first), short: length(second), unit };
  }
  const scaled = (points: readonly Point[]) => points.map(([x, y]): Point => [x * perColumn, y * perRow]);
  if (lesion.kind !== "mask") return { ...diameters(scaled(lesion.points)), unit };
  if (!mask) return null;
  let largest: Size | null = null;
  const [frames, rows, columns] = mask.shape;
  for (let frame = 0; frame < frames; frame++) {
    const data = mask.data.subarray(frame * rows * columns, (frame + 1) * rows * columns);
    const corners = crackOutlines(data, rows, columns).flat();
    if (corners.length === 0) continue;
    const size = { ...diameters(scaled(corners)), unit } as Size;
    if (!largest || size.long > largest.long) largest = size;
  }
  return largest;
}

/** The longest diameter of a set of points and the width square to it. */
export function diameters(points: readonly Point[]): { long: number; short: number } {
  const hull = convexHull(points);
  let long = 0;
  let direction: Point = [1, 0];
  for (const [i, p] of hull.entries()) {
    for (const q of hull.slice(i + 1)) {
      const length = Math.hypot(q[0] - p[0], q[1] - p[1]);
      if (length > long) {
        long = length;
        direction = [(q[0] - p[0]) / length, (q[1] - p[1]) / length];
      }
    }
  }
  const across = hull.map(([x, y]) => y * direction[0] - x * direction[1]);
  return { long, short: across.length ? Math.max(...across) - Math.min(...across) : 0 };
}

/** Andrew's monotone chain. */
function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((p, q) => p[0] - q[0] || p[1] - q[1]);
  if (sorted.length < 3) return sorted;
  const half = (line: Point[]) => {
    const chain: Point[] = [];
    for (const point of line) {
      while (chain.length >= 2) {
        const [a, b] = [chain[chain.length - 2] as Point, chain[chain.length - 1] as Point];
        if ((b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]) > 0) break;
        chain.pop();
      }
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half([...sorted].reverse())];
}
