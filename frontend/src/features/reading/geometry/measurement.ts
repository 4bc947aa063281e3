/** What a measurement measures, in the patient's plane: millimetres where the header tells the spacing, else pixels. */
import type { MeasurementKind } from "@/lib/api-types";
import type { Point } from "@/lib/imaging/coordinates";
import { axesOf } from "./mark";
import type { Spacing } from "./measure";

export const POINTS_OF: Record<MeasurementKind, number> = {
  length: 2,
  bidirectional: 4,
  angle: 3,
  arrow: 2,
  roi: 4,
};

export type Measured =
  | { kind: "length"; length: number; unit: "mm" | "px" }
  | { kind: "bidirectional"; long: number; short: number; unit: "mm" | "px" }
  | { kind: "angle"; degrees: number }
  | { kind: "roi"; area: number; unit: "mm" | "px" }
  | { kind: "arrow" };

export function measuredBy(kind: MeasurementKind, points: readonly Point[], spacing: Spacing): Measured {
  const [perRow, perColumn] = spacing ?? [1, 1];
  const unit = spacing ? "mm" : "px";
  const length = (i: number, j: number) => {
    const [p, q] = [points[i] as Point, points[j] as Point];
    return Math.hypot((q[0] - p[0]) * perColumn, (q[1] - p[1]) * perRow);
  };
  if (kind === "length") return { kind, length: length(0, 1), unit };
  if (kind === "bidirectional") {
    const [one, other] = [length(0, 1), length(2, 3)];
    return { kind, long: Math.max(one, other), short: Math.min(one, other), unit };
  }
  if (kind === "angle") {
    const [p, vertex, q] = points as [Point, Point, Point];
    const one = [(p[0] - vertex[0]) * perColumn, (p[1] - vertex[1]) * perRow] as const;
    const other = [(q[0] - vertex[0]) * perColumn, (q[1] - vertex[1]) * perRow] as const;
    const across = one[0] * other[1] - one[1] * other[0];
    const along = one[0] * other[0] + one[1] * other[1];
    return { kind, degrees: (Math.atan2(Math.abs(across), along) * 180) / Math.PI };
  }
  if (kind === "roi") {
    const { first, second } = axesOf(points);
    const area = Math.PI * Math.abs(first[0] * second[1] - first[1] * second[0]) * perRow * perColumn;
    return { kind, area, unit };
  }
  return { kind };
}

/**
 * The short diameter that RECIST asks for beside a long one: square to it in millimetres, through its middle, `share`
 * of its length. Points: ends of the long, then of the short diameter.
 */
export function withShortAxis(from: Point, to: Point, spacing: Spacing, share = 0.6): Point[] {
  const [perRow, perColumn] = spacing ?? [1, 1];
  const [dx, dy] = [(to[0] - from[0]) * perColumn, (to[1] - from[1]) * perRow];
  const middle: Point = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
  const half: Point = [((-dy / perColumn) * share) / 2, ((dx / perRow) * share) / 2];
  return [from, to, [middle[0] - half[0], middle[1] - half[1]], [middle[0] + half[0], middle[1] + half[1]]];
}

/** The longest diameter of an outline and the widest one square to it, both in millimetres: RECIST by itself. */
export function diametersOf(outline: readonly Point[], spacing: Spacing): Point[] | null {
  const [perRow, perColumn] = spacing ?? [1, 1];
  const mm = outline.map(([x, y]): Point => [x * perColumn, y * perRow]);
  let [most, a, b] = [0, 0, 0];
  for (let i = 0; i < mm.length; i++) {
    for (let j = i + 1; j < mm.length; j++) {
      const [p, q] = [mm[i] as Point, mm[j] as Point];
      const apart = Math.hypot(q[0] - p[0], q[1] - p[1]);
      if (apart > most) [most, a, b] = [apart, i, j];
    }
  }
  if (most === 0) return null;
  const [p, q] = [mm[a] as Point, mm[b] as Point];
  const along: Point = [(q[0] - p[0]) / most, (q[1] - p[1]) / most];
  const chord = widestChord(mm, p, along, most);
  const back = ([x, y]: Point): Point => [x / perColumn, y / perRow];
  return chord && [back(p), back(q), back(chord[0]), back(chord[1])];
}

const CHORDS = 64;

/** The longest chord of the closed outline square to `along`. */
function widestChord(mm: readonly Point[], from: Point, along: Point, length: number): [Point, Point] | null {
  const across: Point = [-along[1], along[0]];
  const local = mm.map(([x, y]): Point => {
    const [dx, dy] = [x - from[0], y - from[1]];
    return [dx * along[0] + dy * along[1], dx * across[0] + dy * across[1]];
  });
  let best: { at: number; low: number; high: number } | null = null;
  for (let step = 1; step < CHORDS; step++) {
    const at = (length * step) / CHORDS;
    let [low, high] = [Infinity, -Infinity];
    local.forEach((p, i) => {
      const q = local[(i + 1) % local.length] as Point;
      if (p[0] === q[0] || Math.min(p[0], q[0]) > at || Math.max(p[0], q[0]) < at) return;
      const y = p[1] + ((q[1] - p[1]) * (at - p[0])) / (q[0] - p[0]);
      low = Math.min(low, y);
      high = Math.max(high, y);
    });
    if (high > low && (!best || high - low > best.high - best.low)) best = { at, low, high };
  }
  if (!best) return null;
  const place = (at: number, y: number): Point => [
    from[0] + along[0] * at + across[0] * y,
    from[1] + along[1] * at + across[1] * y,
  ];
  return [place(best.at, best.low), place(best.at, best.high)];
}
