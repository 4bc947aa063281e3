/**
 * From modality values to grey (PS3.3 C.11.2, PS3.4 N.2): windows and tables as one curve of points.
 *
 * Pure arithmetic; what draws takes the curve. Grey is 0 (black) to 1 (white).
 */
import type { Window } from "./windows";

export type VoiFunction = "LINEAR" | "LINEAR_EXACT" | "SIGMOID";

/** A look-up table: `values[i]` is the output, of `bits` bits, for the input `first + i`; the ends hold beyond. */
export interface LookupTable {
  first: number;
  bits: number;
  values: ArrayLike<number>;
  name: string;
}

export type Voi = { kind: "window"; window: Window } | { kind: "table"; table: LookupTable };

/** [value, grey], by rising value; linear between, and level beyond the ends. */
export type Curve = [number, number][];

/** Between these modality values a window goes from black to white; a sigmoid has no ends and gets its shoulders. */
export function rangeOf({ width, centre, curve = "LINEAR" }: Window): { lower: number; upper: number } {
  if (curve === "SIGMOID") return { lower: centre - width / 2, upper: centre + width / 2 };
  if (curve === "LINEAR_EXACT") return { lower: centre - width / 2, upper: centre + width / 2 };
  if (width <= 1) return { lower: centre - 0.5, upper: centre - 0.5 };
  return { lower: centre - 0.5 - (width - 1) / 2, upper: centre - 0.5 + (width - 1) / 2 };
}

/** The grey of one modality value. */
export function greyOf(value: number, voi: Voi): number {
  if (voi.kind === "table") return tableAt(voi.table, value) / (2 ** voi.table.bits - 1);
  const { window } = voi;
  if (window.curve === "SIGMOID") return 1 / (1 + Math.exp((-4 * (value - window.centre)) / window.width));
  const { lower, upper } = rangeOf(window);
  if (upper === lower) return value > lower ? 1 : 0;
  return Math.min(1, Math.max(0, (value - lower) / (upper - lower)));
}

export function tableAt({ first, values }: LookupTable, input: number): number {
  const at = Math.min(values.length - 1, Math.max(0, Math.round(input) - first));
  return values[at] as number;
}

const SIGMOID_POINTS = 256;
/** Where a step stands between two whole numbers. */
const STEP = 0.25;

/** The curve over modality values. */
export function curveOf(voi: Voi): Curve {
  if (voi.kind === "table") {
    const { first, values } = voi.table;
    return sampled(first, first + values.length - 1).map((value) => [value, greyOf(value, voi)]);
  }
  const { window } = voi;
  if (window.curve === "SIGMOID") {
    const { centre, width } = window;
    return Array.from({ length: SIGMOID_POINTS + 1 }, (_, i) => {
      const value = centre + ((4 * i) / SIGMOID_POINTS - 2) * width;
      return [value, greyOf(value, voi)];
    });
  }
  const { lower, upper } = rangeOf(window);
  if (upper === lower)
    return [
      [lower - STEP, 0],
      [lower + STEP, 1],
    ];
  return [
    [lower, 0],
    [upper, 1],
  ];
}

/** The curve over stored values, where a table and no rescale leads to modality values. */
export function curveThrough(table: LookupTable, voi: Voi): Curve {
  return sampled(table.first, table.first + table.values.length - 1).map((stored) => [
    stored,
    greyOf(tableAt(table, stored), voi),
  ]);
}

/** Whole numbers from first to last, all of them or evenly as many as are worth it. */
function sampled(first: number, last: number): number[] {
  const count = Math.min(last - first + 1, FINEST_STEPS);
  if (count < 2) return [first, first + 1];
  return Array.from({ length: count }, (_, i) => Math.round(first + (i * (last - first)) / (count - 1)));
}

/** The curve over x' where x = slope·x' + intercept: from modality values back to those that the pixels hold. */
export function overStored(curve: Curve, slope: number, intercept: number): Curve {
  const moved = curve.map(([value, grey]): [number, number] => [(value - intercept) / slope, grey]);
  return slope < 0 ? moved.reverse() : moved;
}

/** The curve as a function, quick enough for every pixel of a screen. */
export function shaderOf(curve: Curve): (value: number) => number {
  const values = Float64Array.from(curve, ([value]) => value);
  const greys = Float64Array.from(curve, ([, grey]) => grey);
  const last = values.length - 1;
  return (value) => {
    if (value <= (values[0] as number)) return greys[0] as number;
    if (value >= (values[last] as number)) return greys[last] as number;
    let [low, high] = [0, last];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((values[middle] as number) <= value) low = middle;
      else high = middle;
    }
    const [x0, x1] = [values[low] as number, values[high] as number];
    const [y0, y1] = [greys[low] as number, greys[high] as number];
    return x1 === x0 ? y1 : y0 + ((y1 - y0) * (value - x0)) / (x1 - x0);
  };
}

export function invertedCurve(curve: Curve): Curve {
  return curve.map(([value, grey]) => [value, 1 - grey]);
}

export function curveAt(curve: Curve, value: number): number {
  const after = curve.findIndex(([x]) => x >= value);
  if (after < 0) return (curve.at(-1) as [number, number])[1];
  const [x1, y1] = curve[after] as [number, number];
  if (after === 0 || x1 === value) return y1;
  const [x0, y0] = curve[after - 1] as [number, number];
  return y0 + ((y1 - y0) * (value - x0)) / (x1 - x0);
}

const ALMOST_BLACK = 1 / 512;

/** Into how many steps a curve is cut where it is drawn. */
export const FINEST_STEPS = 4096;

/** Black for the padding between two values (inclusive), whatever the curve makes of them. */
export function withoutPadding(curve: Curve, [low, high]: [number, number]): Curve {
  if (curveAt(curve, low) < ALMOST_BLACK && curveAt(curve, high) < ALMOST_BLACK) return curve;
  const [first, last] = [curve[0]?.[0] ?? low, curve.at(-1)?.[0] ?? high];
  const step = (Math.max(last, high + 1) - Math.min(first, low - 1)) / FINEST_STEPS;
  // Wide enough that no step of the drawn curve lies half inside; whole values beside it stay where the range allows.
  const inner = Math.max(0.6, 1.5 * step);
  const outer = Math.max(0.95, inner + step / 4);
  return [
    ...curve.filter(([value]) => value < low - outer),
    [low - outer, curveAt(curve, low - outer)],
    [low - inner, 0],
    [high + inner, 0],
    [high + outer, curveAt(curve, high + outer)],
    ...curve.filter(([value]) => value > high + outer),
  ];
}
