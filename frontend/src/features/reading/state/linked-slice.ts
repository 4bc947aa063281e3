/** Which slice of another series lies where this one's does: by millimetres in the patient, else by its share. */
import type { Point3 } from "@/lib/imaging/coordinates";
import type { FramePlacement } from "@/lib/imaging/frames";

/** Where the slices of a series lie along their normal, in mm. */
export interface SliceLine {
  normal: Point3;
  at: number[];
}

/** Slices tilted against each other by more than this have no common place: 25 degrees. */
const PARALLEL = 0.9;

/** Null where a frame has no place, where the frames are tilted against each other, or where all lie in one place. */
export function sliceLineOf(placements: readonly FramePlacement[]): SliceLine | null {
  const first = placements[0];
  if (!first?.alongRow || !first.downColumn) return null;
  const normal = cross(first.alongRow, first.downColumn);
  const at: number[] = [];
  for (const { alongRow, downColumn, position } of placements) {
    if (!alongRow || !downColumn || !position) return null;
    if (dot(cross(alongRow, downColumn), normal) < 0.99) return null;
    at.push(dot(position, normal));
  }
  return at.every((one) => one === at[0]) ? null : { normal, at };
}

export interface Slices {
  count: number;
  line: SliceLine | null;
}

/** `index` of one series as a slice of the other, whose places are `shift` mm further; null where they cannot follow. */
export function followedSlice(index: number, from: Slices, to: Slices, shift = 0): number | null {
  if (from.line && to.line) {
    const sign = dot(from.line.normal, to.line.normal);
    if (Math.abs(sign) < PARALLEL) return null;
    const place = (from.line.at[index] as number) * Math.sign(sign) + shift;
    return nearest(to.line.at, place);
  }
  if (from.count < 2 || to.count < 2) return null;
  return Math.round((index / (from.count - 1)) * (to.count - 1));
}

/**
 * How much further (mm) the same place of the patient lies in the other series: nothing in one frame of reference, nor
 * where two examinations cover each other at least by half; else their middles are taken for the same place.
 */
export function shiftBetween(from: Slices, to: Slices, sameFrameOfReference: boolean): number {
  if (sameFrameOfReference || !from.line || !to.line) return 0;
  const sign = Math.sign(dot(from.line.normal, to.line.normal));
  const [a, b] = endsOf(from.line.at.map((one) => one * sign));
  const [c, d] = endsOf(to.line.at);
  const common = Math.min(b, d) - Math.max(a, c);
  if (common >= Math.min(b - a, d - c) / 2) return 0;
  return (c + d) / 2 - (a + b) / 2;
}

/** The shift under which two slices lie at the same place; zero where there is no place. */
export function shiftOf(index: number, from: Slices, toIndex: number, to: Slices): number {
  if (!from.line || !to.line) return 0;
  const sign = Math.sign(dot(from.line.normal, to.line.normal));
  return (to.line.at[toIndex] as number) - (from.line.at[index] as number) * sign;
}

function nearest(places: readonly number[], place: number): number {
  let best = 0;
  places.forEach((one, index) => {
    if (Math.abs(one - place) < Math.abs((places[best] as number) - place)) best = index;
  });
  return best;
}

function endsOf(places: readonly number[]): [number, number] {
  return [Math.min(...places), Math.max(...places)];
}

function dot(u: Point3, v: Point3): number {
  return u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
}

function cross(u: Point3, v: Point3): Point3 {
  return [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
}
