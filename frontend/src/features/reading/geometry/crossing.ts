/** Outlines that cross themselves. The even-odd rule holds for them, so what is enclosed twice is outside. */
import type { Point } from "@/lib/imaging/coordinates";

/** Whether two edges of the closed outline cross; neighbours and touching ends do not count. */
export function crossesItself(outline: readonly Point[]): boolean {
  return crossings(outline, true).length > 0;
}

interface Crossing {
  /** Indices of the first vertices of the two edges. */
  edges: [number, number];
  at: Point;
}

/**
 * A freehand line without the tails that stand over where its end crossed its beginning: the loop between is what was
 * meant. `share`: how much of the line at each end may be tail.
 */
export function withoutTails(line: readonly Point[], share = 0.2): Point[] {
  const reach = line.length * share;
  const found = crossings(line, false)
    .filter(({ edges: [one, other] }) => one < reach && other >= line.length - 1 - reach)
    .sort((p, q) => q.edges[1] - q.edges[0] - (p.edges[1] - p.edges[0]))[0];
  if (!found) return [...line];
  const [one, other] = found.edges;
  return [found.at, ...line.slice(one + 1, other + 1)];
}

/** Sorted by their left ends, so that an edge is compared only with those beside it. */
function crossings(line: readonly Point[], closed: boolean): Crossing[] {
  const n = line.length;
  const edges = Array.from({ length: closed ? n : n - 1 }, (_, i) => {
    const [p, q] = [line[i] as Point, line[(i + 1) % n] as Point];
    return { i, p, q, left: Math.min(p[0], q[0]), right: Math.max(p[0], q[0]) };
  }).sort((one, other) => one.left - other.left);
  const found: Crossing[] = [];
  for (let a = 0; a < edges.length; a++) {
    const one = edges[a] as (typeof edges)[number];
    for (let b = a + 1; b < edges.length; b++) {
      const other = edges[b] as (typeof edges)[number];
      if (other.left > one.right) break;
      const apart = Math.abs(one.i - other.i);
      if (apart < 2 || (closed && apart === n - 1)) continue;
      const at = meeting(one.p, one.q, other.p, other.q);
      if (at) found.push({ edges: one.i < other.i ? [one.i, other.i] : [other.i, one.i], at });
    }
  }
  return found;
}

/** Where the open segments cross; null when they do not. */
function meeting(p: Point, q: Point, r: Point, s: Point): Point | null {
  const [ux, uy, vx, vy] = [q[0] - p[0], q[1] - p[1], s[0] - r[0], s[1] - r[1]];
  const cross = ux * vy - uy * vx;
  if (cross === 0) return null;
  const t = ((r[0] - p[0]) * vy - (r[1] - p[1]) * vx) / cross;
  const u = ((r[0] - p[0]) * uy - (r[1] - p[1]) * ux) / cross;
  if (t <= 0 || t >= 1 || u <= 0 || u >= 1) return null;
  return [p[0] + t * ux, p[1] + t * uy];
}
