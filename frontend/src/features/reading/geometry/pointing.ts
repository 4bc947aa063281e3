/** Pointing at a lesion: what was clicked and boxed so far, and the outline that needs no model. All pure. */
import type { Point } from "@/lib/imaging/coordinates";
import { ellipseInBox } from "./mark";
import type { MaskGrid, Triple } from "./mask-grid";
import { filledHoles, isSet, united, without } from "./mask-volume";
import { maskOfPoints } from "./rasterise";
import { grown, rangeAround, type Voxels } from "./region-grow";

/** One act of the reader: a click on the lesion or beside it, or a box around it. */
export type PointAct = { kind: "click"; at: Point; on: boolean } | { kind: "box"; from: Point; to: Point };

export interface Pointed {
  positive: Point[];
  negative: Point[];
  box: [Point, Point] | null;
}

/** All acts together; of several boxes the last. */
export function pointed(acts: readonly PointAct[]): Pointed {
  const found: Pointed = { positive: [], negative: [], box: null };
  for (const act of acts) {
    if (act.kind === "box") found.box = [act.from, act.to];
    else (act.on ? found.positive : found.negative).push(act.at);
  }
  return found;
}

/** Pixels around a click whose values begin its range, and how many standard deviations the range is wide. */
const SEED_RADIUS = 2;
const SPREAD = 3;

/** Pixels around a click beside the lesion that are taken where all that is like it would take the lesion itself. */
const LEAST_TAKEN = 3;

/**
 * The ellipse in the box, with what hangs together with the clicks on the lesion, without what hangs together with those
 * beside it; on one frame. null when nothing is left.
 */
export function outlinedWithoutModel(
  voxels: Voxels,
  frame: number,
  { positive, negative, box }: Pointed,
  radius: number,
): MaskGrid | null {
  const flat: Voxels = { ...voxels, frames: 1, value: (_, row, column) => voxels.value(frame, row, column) };
  const seedOf = (at: Point): Triple => [
    0,
    Math.min(voxels.rows - 1, Math.floor(at[1])),
    Math.min(voxels.columns - 1, Math.floor(at[0])),
  ];
  const region = (at: Point): MaskGrid | null => {
    const range = rangeAround(flat, seedOf(at), SEED_RADIUS, SPREAD);
    return range && grown(flat, { seed: seedOf(at), ...range, radius });
  };
  const little = (at: Point) =>
    grown(flat, {
      ...{ seed: seedOf(at), low: -Infinity, high: Infinity },
      radius: LEAST_TAKEN * flat.spacing[1],
    });
  const whole = { rows: voxels.rows, columns: voxels.columns };
  const ellipse = box && maskOfPoints("ellipse", ellipseInBox(...box), 0, whole);
  // Noise leaves pinholes that nobody means; what lies in the middle of what does not belong may well belong.
  const parts = [ellipse, ...positive.map(region)].filter((part) => part !== null).map(filledHoles);
  let mask = united(parts);
  for (const at of negative) {
    let taken = region(at);
    if (taken && positive.some((kept) => isSet(taken as MaskGrid, ...seedOf(kept)))) taken = little(at);
    if (mask && taken) mask = without(mask, taken);
  }
  return mask && { ...mask, origin: [frame, mask.origin[1], mask.origin[2]] };
}
