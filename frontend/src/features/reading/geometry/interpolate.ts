/**
 * Shape-based interpolation of a mask between its marked slices: each slice becomes a field of signed distances to its
 * border, the two neighbours' fields are blended and cut at zero (Raya and Udupa, IEEE TMI 1990). The fields are first
 * moved onto the line between the two centres, so that a lesion that shifts from slice to slice does not vanish.
 */
import type { MaskGrid } from "./mask-grid";
import { cropped, markedFrames, planeOf, united } from "./mask-volume";

/** The mask with every empty slice between two marked ones filled; `perRow`, `perColumn` in any one unit of length. */
export function interpolated(grid: MaskGrid, perRow = 1, perColumn = 1): MaskGrid {
  const marked = markedFrames(grid);
  const made: MaskGrid[] = [grid];
  marked.forEach((before, i) => {
    const after = marked[i + 1];
    if (after === undefined || after - before < 2) return;
    const [one, other] = [fieldOf(grid, before, perRow, perColumn), fieldOf(grid, after, perRow, perColumn)];
    for (let frame = before + 1; frame < after; frame++) {
      const part = blended(one, other, (frame - before) / (after - before));
      const slice = cropped({
        ...part,
        origin: [frame, grid.origin[1] + part.origin[1], grid.origin[2] + part.origin[2]],
      });
      if (slice) made.push(slice);
    }
  });
  return united(made) as MaskGrid;
}

interface Field {
  rows: number;
  columns: number;
  /** Positive inside. */
  distance: Float64Array;
  /** Centre of what is set: row, column. */
  centre: [number, number];
}

function fieldOf(grid: MaskGrid, frame: number, perRow: number, perColumn: number): Field {
  const [, rows, columns] = grid.shape;
  const plane = planeOf(grid, frame);
  const inside = distances(plane, rows, columns, perRow, perColumn, 0);
  const outside = distances(plane, rows, columns, perRow, perColumn, 1);
  const distance = new Float64Array(rows * columns);
  let [row, column, n] = [0, 0, 0];
  for (let at = 0; at < distance.length; at++) {
    // The border lies half a pixel from the centres on both sides of it.
    distance[at] = plane[at]
      ? (inside[at] as number) - Math.min(perRow, perColumn) / 2
      : Math.min(perRow, perColumn) / 2 - (outside[at] as number);
    if (!plane[at]) continue;
    row += Math.floor(at / columns);
    column += at % columns;
    n += 1;
  }
  return { rows, columns, distance, centre: [row / n, column / n] };
}

/** The blend at `share` of the way, over a patch as large as both; its origin is relative to the fields' grid. */
function blended(one: Field, other: Field, share: number): MaskGrid {
  const { rows, columns } = one;
  const data = new Uint8Array(rows * columns);
  const centre = [0, 1].map(
    (axis) => (one.centre[axis] as number) * (1 - share) + (other.centre[axis] as number) * share,
  ) as [number, number];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const near = sample(one, row - centre[0] + one.centre[0], column - centre[1] + one.centre[1]);
      const far = sample(other, row - centre[0] + other.centre[0], column - centre[1] + other.centre[1]);
      if (near * (1 - share) + far * share > 0) data[row * columns + column] = 1;
    }
  }
  return { origin: [0, 0, 0], shape: [1, rows, columns], data };
}

/** Bilinear, beyond the grid continued from its border outward. */
function sample({ rows, columns, distance }: Field, row: number, column: number): number {
  const inRow = Math.min(rows - 1, Math.max(0, row));
  const inColumn = Math.min(columns - 1, Math.max(0, column));
  const [r, c] = [Math.min(rows - 2, Math.floor(inRow)), Math.min(columns - 2, Math.floor(inColumn))];
  const at = (i: number, j: number) =>
    distance[Math.min(rows - 1, Math.max(0, i)) * columns + Math.min(columns - 1, Math.max(0, j))] as number;
  const [fr, fc] = [inRow - r, inColumn - c];
  const value =
    at(r, c) * (1 - fr) * (1 - fc) +
    at(r + 1, c) * fr * (1 - fc) +
    at(r, c + 1) * (1 - fr) * fc +
    at(r + 1, c + 1) * fr * fc;
  return value - Math.hypot(row - inRow, column - inColumn);
}

/**
 * Exact Euclidean distance from every pixel to the nearest one of `value` (beyond the plane everything is 0), by lower
 * envelopes of parabolas (Felzenszwalb and Huttenlocher, Theory of Computing 2012).
 */
export function distances(
  plane: Uint8Array,
  rows: number,
  columns: number,
  perRow: number,
  perColumn: number,
  value: 0 | 1,
): Float64Array {
  const [height, width] = [rows + 2, columns + 2];
  const squared = new Float64Array(height * width).fill(value === 0 ? 0 : Infinity);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      squared[(row + 1) * width + column + 1] = plane[row * columns + column] === value ? 0 : Infinity;
    }
  }
  for (let column = 0; column < width; column++) {
    const line = Float64Array.from({ length: height }, (_, row) => squared[row * width + column] as number);
    envelope(line, perRow).forEach((found, row) => {
      squared[row * width + column] = found;
    });
  }
  const result = new Float64Array(rows * columns);
  for (let row = 1; row <= rows; row++) {
    const line = envelope(squared.slice(row * width, (row + 1) * width), perColumn);
    for (let column = 0; column < columns; column++) {
      result[(row - 1) * columns + column] = Math.sqrt(line[column + 1] as number);
    }
  }
  return result;
}

/** For each place the least of f(q) + (step · (p - q))². */
function envelope(f: Float64Array, step: number): Float64Array {
  const n = f.length;
  const places: number[] = [];
  const starts: number[] = [];
  const s2 = step * step;
  for (let q = 0; q < n; q++) {
    const fq = f[q] as number;
    if (fq === Infinity) continue;
    let start = -Infinity;
    while (places.length) {
      const p = places.at(-1) as number;
      start = (fq + s2 * q * q - ((f[p] as number) + s2 * p * p)) / (2 * s2 * (q - p));
      if (start > (starts.at(-1) as number)) break;
      places.pop();
      starts.pop();
      start = -Infinity;
    }
    places.push(q);
    starts.push(start);
  }
  const result = new Float64Array(n).fill(Infinity);
  let k = 0;
  for (let p = 0; p < n && places.length; p++) {
    while (k + 1 < places.length && (starts[k + 1] as number) < p) k += 1;
    const q = places[k] as number;
    result[p] = (f[q] as number) + s2 * (p - q) * (p - q);
  }
  return result;
}
