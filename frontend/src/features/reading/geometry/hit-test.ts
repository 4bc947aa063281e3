/** What lies under the pointer, in canvas pixels so that the reach is the same at any zoom. */
import { type Affine, canvasFromScoord, type Point, scoordFromCanvas } from "@/lib/imaging/coordinates";
import { distanceToSegment } from "./brush";
import { type Bounds, boundsOf, type Handle, isInside } from "./mark";
import { signedArea } from "./outline";

const HANDLE_REACH = 9;
const EDGE_REACH = 6;

export interface Drawn {
  id: string;
  /** Closed outlines in SCOORD; several for a mask. */
  outlines: Point[][];
}

export type Hit = { id: string; part: "edge" | "inside" };

export function hitHandle(pointer: Point, handles: readonly Handle[], to: Affine): Handle | null {
  let nearest: Handle | null = null;
  let least = HANDLE_REACH;
  for (const handle of handles) {
    const at = canvasFromScoord(handle.at, to);
    const distance = Math.max(Math.abs(at[0] - pointer[0]), Math.abs(at[1] - pointer[1]));
    if (distance <= least) {
      least = distance;
      nearest = handle;
    }
  }
  return nearest;
}

/** The mark whose edge is nearest within reach, else the smallest that the pointer lies in. */
export function hitMark(pointer: Point, marks: readonly Drawn[], to: Affine): Hit | null {
  return hitMarks(pointer, marks, to)[0] ?? null;
}

/** Every mark under the pointer: those whose edge is within reach, the nearest first, then by size, the smallest first. */
export function hitMarks(pointer: Point, marks: readonly Drawn[], to: Affine): Hit[] {
  const at = scoordFromCanvas(pointer, to);
  const reach = EDGE_REACH / Math.max(1e-9, Math.min(Math.hypot(to.a, to.b), Math.hypot(to.c, to.d)));
  const edges: { id: string; distance: number }[] = [];
  const insides: { id: string; area: number }[] = [];
  for (const mark of marks) {
    let distance = Infinity;
    let area = Infinity;
    for (const outline of mark.outlines) {
      const { left, top, right, bottom } = boundsKept(outline);
      // Most of two hundred lesions are nowhere near: they cost one comparison.
      if (at[0] < left - reach || at[0] > right + reach || at[1] < top - reach || at[1] > bottom + reach) continue;
      const line = outline.map((point) => canvasFromScoord(point, to));
      distance = Math.min(distance, distanceToOutline(pointer, line));
      if (line.length > 2 && isInside(pointer, line)) area = Math.min(area, Math.abs(signedArea(line)));
    }
    if (distance <= EDGE_REACH) edges.push({ id: mark.id, distance });
    else if (area < Infinity) insides.push({ id: mark.id, area });
  }
  edges.sort((one, other) => one.distance - other.distance);
  insides.sort((one, other) => one.area - other.area);
  return [
    ...edges.map(({ id }): Hit => ({ id, part: "edge" })),
    ...insides.map(({ id }): Hit => ({ id, part: "inside" })),
  ];
}

const known = new WeakMap<readonly Point[], Bounds>();

/** An outline never changes; a new one is a new array. */
function boundsKept(outline: readonly Point[]): Bounds {
  const kept = known.get(outline);
  if (kept) return kept;
  const bounds = boundsOf(outline);
  known.set(outline, bounds);
  return bounds;
}

export function distanceToOutline(pointer: Point, line: readonly Point[]): number {
  let least = Infinity;
  for (let i = 0; i < line.length; i++) {
    least = Math.min(least, distanceToSegment(pointer, line[i] as Point, line[(i + 1) % line.length] as Point));
  }
  return least;
}

/** The edge (index of its first vertex) nearest to the pointer, to put a new vertex on it. */
export function nearestEdge(pointer: Point, line: readonly Point[]): number {
  let least = Infinity;
  let at = 0;
  for (let i = 0; i < line.length; i++) {
    const distance = distanceToSegment(pointer, line[i] as Point, line[(i + 1) % line.length] as Point);
    if (distance < least) {
      least = distance;
      at = i;
    }
  }
  return at;
}
