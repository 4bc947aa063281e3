/** What hangs together with a seed: voxels whose value lies in a range, no further from the seed than a radius. */
import type { MaskGrid, Triple } from "./mask-grid";
import { cropped } from "./mask-volume";

export interface Voxels {
  frames: number;
  rows: number;
  columns: number;
  /** Millimetres, or any one unit, from frame to frame, row to row, column to column. */
  spacing: Triple;
  /** null where the frame is not there. */
  value: (frame: number, row: number, column: number) => number | null;
}

export interface Growth {
  seed: Triple;
  low: number;
  high: number;
  radius: number;
}

/** The frames, rows and columns that the radius reaches: first and last. */
export function reachOf(
  { spacing, ...voxels }: Omit<Voxels, "value">,
  { seed, radius }: Growth,
): [Triple, Triple] {
  const sizes: Triple = [voxels.frames, voxels.rows, voxels.columns];
  const steps = spacing.map((step) => Math.floor(radius / step)) as Triple;
  return [
    seed.map((at, axis) => Math.max(0, at - (steps[axis] as number))) as Triple,
    seed.map((at, axis) => Math.min((sizes[axis] as number) - 1, at + (steps[axis] as number))) as Triple,
  ];
}

/** Through faces, also from slice to slice; null when the seed itself is out of range. */
export function grown(voxels: Voxels, growth: Growth): MaskGrid | null {
  const { seed, low, high, radius } = growth;
  const [first, last] = reachOf(voxels, growth);
  const shape: Triple = [last[0] - first[0] + 1, last[1] - first[1] + 1, last[2] - first[2] + 1];
  const [, rows, columns] = shape;
  const data = new Uint8Array(shape[0] * rows * columns);
  const seen = new Uint8Array(data.length);
  const stack: number[] = [];
  const squares = voxels.spacing.map((step) => step * step) as Triple;
  const visit = (frame: number, row: number, column: number) => {
    if (frame < first[0] || row < first[1] || column < first[2]) return;
    if (frame > last[0] || row > last[1] || column > last[2]) return;
    const at = ((frame - first[0]) * rows + row - first[1]) * columns + column - first[2];
    if (seen[at]) return;
    seen[at] = 1;
    const [df, dr, dc] = [frame - seed[0], row - seed[1], column - seed[2]];
    if (df * df * squares[0] + dr * dr * squares[1] + dc * dc * squares[2] > radius * radius) return;
    const value = voxels.value(frame, row, column);
    if (value === null || value < low || value > high) return;
    data[at] = 1;
    stack.push(at);
  };
  visit(...seed);
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const column = (at % columns) + first[2];
    const row = (Math.floor(at / columns) % rows) + first[1];
    const frame = Math.floor(at / (columns * rows)) + first[0];
    visit(frame, row, column - 1);
    visit(frame, row, column + 1);
    visit(frame, row - 1, column);
    visit(frame, row + 1, column);
    visit(frame - 1, row, column);
    visit(frame + 1, row, column);
  }
  return cropped({ origin: first, shape, data });
}

/** Mean ± `spread` standard deviations of the values around a place on its own frame: the range of a dynamic brush. */
export function rangeAround(
  voxels: Pick<Voxels, "rows" | "columns" | "value">,
  [frame, row, column]: Triple,
  radius: number,
  spread: number,
): { low: number; high: number } | null {
  const values: (number | null)[] = [];
  const reach = Math.max(1, Math.round(radius));
  for (let r = Math.max(0, row - reach); r <= Math.min(voxels.rows - 1, row + reach); r++) {
    for (let c = Math.max(0, column - reach); c <= Math.min(voxels.columns - 1, column + reach); c++) {
      if (Math.hypot(r - row, c - column) > reach) continue;
      values.push(voxels.value(frame, r, c));
    }
  }
  return rangeOf(values, spread);
}

/** Mean ± `spread` standard deviations of some values; null where one is missing, or all. */
export function rangeOf(values: readonly (number | null)[], spread: number): { low: number; high: number } | null {
  let [n, mean, squares] = [0, 0, 0];
  for (const value of values) {
    if (value === null) return null;
    n += 1;
    const off = value - mean;
    mean += off / n;
    squares += off * (value - mean);
  }
  if (n === 0) return null;
  // A flat patch still takes its own value and the noise of one step.
  const half = Math.max(1, spread * Math.sqrt(squares / n));
  return { low: mean - half, high: mean + half };
}
