/** What lies under the pointer, in canvas pixels so that the reach is the same at any zoom. */
import { type Affine, canvasFromScoord, type Point } from "@/lib/cornerstone/coordinates";
import { distanceToSegment } from "./brush";
import { type Handle, isInside } from "./mark";
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
  let edge: { id: string; distance: number } | null = null;
  let inside: { id: string; area: number } | null = null;
  for (const mark of marks) {
    for (const outline of mark.outlines) {
      const line = outline.map((point) => canvasFromScoord(point, to));
      const distance = distanceToOutline(pointer, line);
      if (distance <= EDGE_REACH && (!edge || distance < edge.distance)) edge = { id: mark.id, distance };
      if (line.length > 2 && isInside(pointer, line)) {
        const area = Math.abs(signedArea(line));
        if (!inside || area < inside.area) inside = { id: mark.id, area };
      }
    }
  }
  if (edge) return { id: edge.id, part: "edge" };
  return inside ? { id: inside.id, part: "inside" } : null;
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
