/** Pointing at a lesion: what was clicked and boxed so far, and the outline that needs no model. All pure. */
import type { Point } from "@/lib/imaging/coordinates";
import { ellipseInBox } from "./mark";
import type { MaskGrid, Triple } from "./mask-grid";
import { filledHoles, isSet, united, without } from "./mask-volume";
import { maskOfPoints } from "./rasterise";
import { grown, rangeAround, rangeOf, type Voxels } from "./region-grow";

/** One act of the reader: a click or a stroke on the lesion or beside it, or a box around it. */
export type PointAct =
  | { kind: "click"; at: Point; on: boolean }
  | { kind: "stroke"; points: Point[]; on: boolean }
  | { kind: "box"; from: Point; to: Point };

export interface Pointed {
  positive: Point[];
  negative: Point[];
  box: [Point, Point] | null;
  /** Left out where there are none. */
  strokes?: { positive: boolean; points: Point[] }[];
}

/** All acts together; of several boxes the last. */
export function pointed(acts: readonly PointAct[]): Pointed {
  const found: Pointed = { positive: [], negative: [], box: null };
  for (const act of acts) {
    if (act.kind === "box") found.box = [act.from, act.to];
    else if (act.kind === "stroke") {
      found.strokes = [...(found.strokes ?? []), { positive: act.on, points: act.points }];
    } else (act.on ? found.positive : found.negative).push(act.at);
  }
  return found;
}

/** Whether anything says where the lesion is: what lies beside it alone does not. */
export const saysWhere = ({ positive, box, strokes = [] }: Pointed): boolean =>
  positive.length > 0 || box !== null || strokes.some((stroke) => stroke.positive);

/** Places along a stroke whose values say what it is like where no model outlines, and from how many its region grows. */
const PLACES_OF_STROKE = 33;
const SEEDS_OF_STROKE = 5;

/** As many places, evenly along the line and both its ends among them. */
export function spreadAlong(line: readonly Point[], count: number): Point[] {
  const lengths = line
    .slice(1)
    .map((to, i) => Math.hypot(to[0] - (line[i] as Point)[0], to[1] - (line[i] as Point)[1]));
  const whole = lengths.reduce((sum, one) => sum + one, 0);
  return Array.from({ length: count }, (_, n) => {
    let left = (whole * n) / (count - 1);
    const at = lengths.findIndex((one) => {
      if (left <= one) return true;
      left -= one;
      return false;
    });
    if (at < 0) return line.at(-1) as Point;
    const [from, to] = [line[at] as Point, line[at + 1] as Point];
    const share = lengths[at] ? left / (lengths[at] as number) : 0;
    return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
  });
}

/** Pixels around a click whose values begin its range, and how many standard deviations the range is wide. */
const SEED_RADIUS = 2;
const SPREAD = 3;

/** Pixels around a click beside the lesion that are taken where all that is like it would take the lesion itself. */
const LEAST_TAKEN = 3;

/**
 * The ellipse in the box, with what hangs together with the clicks and strokes on the lesion, without what hangs together
 * with those beside it; on one frame. A stroke's region has values like those along it. null when nothing is left.
 */
export function outlinedWithoutModel(
  voxels: Voxels,
  frame: number,
  { positive, negative, box, strokes = [] }: Pointed,
  radius: number,
): MaskGrid | null {
  const flat: Voxels = { ...voxels, frames: 1, value: (_, row, column) => voxels.value(frame, row, column) };
  const seedOf = (at: Point): Triple => [
    0,
    Math.min(voxels.rows - 1, Math.floor(at[1])),
    Math.min(voxels.columns - 1, Math.floor(at[0])),
  ];
  const ofClick = (at: Point): MaskGrid | null => {
    const range = rangeAround(flat, seedOf(at), SEED_RADIUS, SPREAD);
    return range && grown(flat, { seed: seedOf(at), ...range, radius });
  };
  const ofStroke = (points: readonly Point[]): MaskGrid | null => {
    const passed = spreadAlong(points, PLACES_OF_STROKE).map((at) => flat.value(...seedOf(at)));
    const range = rangeOf(passed, SPREAD);
    const seeds = range ? spreadAlong(points, SEEDS_OF_STROKE) : [];
    const parts = seeds.map((at) => range && grown(flat, { seed: seedOf(at), ...range, radius }));
    return united(parts.filter((part) => part !== null));
  };
  const little = (points: readonly Point[]) =>
    united(
      points
        .map((at) =>
          grown(flat, { seed: seedOf(at), low: -Infinity, high: Infinity, radius: LEAST_TAKEN * flat.spacing[1] }),
        )
        .filter((part) => part !== null),
    );
  const whole = { rows: voxels.rows, columns: voxels.columns };
  const ellipse = box && maskOfPoints("ellipse", ellipseInBox(...box), 0, whole);
  const drawn = (on: boolean) => strokes.filter((one) => one.positive === on).map(({ points }) => points);
  // Noise leaves pinholes that nobody means; what lies in the middle of what does not belong may well belong.
  const parts = [ellipse, ...positive.map(ofClick), ...drawn(true).map(ofStroke)];
  let mask = united(parts.filter((part) => part !== null).map(filledHoles));
  const kept = [...positive, ...drawn(true).flatMap((points) => spreadAlong(points, SEEDS_OF_STROKE))];
  const takeAway = (region: MaskGrid | null, instead: () => MaskGrid | null) => {
    const tooMuch = region && kept.some((at) => isSet(region, ...seedOf(at)));
    const taken = tooMuch ? instead() : region;
    if (mask && taken) mask = without(mask, taken);
  };
  for (const at of negative) takeAway(ofClick(at), () => little([at]));
  for (const points of drawn(false))
    takeAway(ofStroke(points), () => little(spreadAlong(points, PLACES_OF_STROKE)));
  return mask && { ...mask, origin: [frame, mask.origin[1], mask.origin[2]] };
}
