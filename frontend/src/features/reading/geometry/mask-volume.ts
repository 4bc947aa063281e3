/** A lesion's mask as one body through the slices: joined, split, filled, cleaned, copied from slice to slice. All pure. */
import { coversFrame, type MaskGrid, type Triple } from "./mask-grid";

/** Whether a voxel (frame, row, column of the series grid) is set. */
export function isSet({ origin, shape, data }: MaskGrid, frame: number, row: number, column: number): boolean {
  const [f, r, c] = [frame - origin[0], row - origin[1], column - origin[2]];
  if (f < 0 || r < 0 || c < 0 || f >= shape[0] || r >= shape[1] || c >= shape[2]) return false;
  return data[(f * shape[1] + r) * shape[2] + c] === 1;
}

/** One frame of the mask as it is cropped: rows × columns of the mask's own box. */
export function planeOf({ origin, shape, data }: MaskGrid, frame: number): Uint8Array {
  const size = shape[1] * shape[2];
  const from = (frame - origin[0]) * size;
  return data.subarray(from, from + size);
}

/** The frames on which something is set, ascending. */
export function markedFrames(grid: MaskGrid): number[] {
  const [first] = grid.origin;
  const all = Array.from({ length: grid.shape[0] }, (_, i) => first + i);
  return all.filter((frame) => planeOf(grid, frame).includes(1));
}

/** The same mask cropped to what is set; null when nothing is. */
export function cropped(grid: MaskGrid): MaskGrid | null {
  const [frames, rows, columns] = grid.shape;
  const low: Triple = [frames, rows, columns];
  const high: Triple = [-1, -1, -1];
  let at = 0;
  for (let f = 0; f < frames; f++) {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++, at++) {
        if (!grid.data[at]) continue;
        if (f < low[0]) low[0] = f;
        if (f > high[0]) high[0] = f;
        if (r < low[1]) low[1] = r;
        if (r > high[1]) high[1] = r;
        if (c < low[2]) low[2] = c;
        if (c > high[2]) high[2] = c;
      }
    }
  }
  if (high[0] < 0) return null;
  const origin: Triple = [grid.origin[0] + low[0], grid.origin[1] + low[1], grid.origin[2] + low[2]];
  const shape: Triple = [high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1];
  return laidIn(origin, shape, [grid]);
}

/** A box of the series grid with everything that these masks set inside of it. */
function laidIn(origin: Triple, shape: Triple, grids: readonly MaskGrid[]): MaskGrid {
  const data = new Uint8Array(shape[0] * shape[1] * shape[2]);
  for (const grid of grids) {
    const from = (axis: 0 | 1 | 2) => Math.max(origin[axis], grid.origin[axis]);
    const to = (axis: 0 | 1 | 2) => Math.min(origin[axis] + shape[axis], grid.origin[axis] + grid.shape[axis]);
    for (let f = from(0); f < to(0); f++) {
      const plane = planeOf(grid, f);
      for (let r = from(1); r < to(1); r++) {
        const line = (r - grid.origin[1]) * grid.shape[2] - grid.origin[2];
        const into = ((f - origin[0]) * shape[1] + r - origin[1]) * shape[2] - origin[2];
        for (let c = from(2); c < to(2); c++) if (plane[line + c]) data[into + c] = 1;
      }
    }
  }
  return { origin, shape, data };
}

/** Everything that any of these masks sets. */
export function united(grids: readonly MaskGrid[]): MaskGrid | null {
  if (grids.length === 0) return null;
  const least = (axis: 0 | 1 | 2) => Math.min(...grids.map((grid) => grid.origin[axis]));
  const most = (axis: 0 | 1 | 2) => Math.max(...grids.map((grid) => grid.origin[axis] + grid.shape[axis]));
  const origin: Triple = [least(0), least(1), least(2)];
  return laidIn(origin, [most(0) - origin[0], most(1) - origin[1], most(2) - origin[2]], grids);
}

/** What the first sets and the second does not. */
export function without(grid: MaskGrid, taken: MaskGrid): MaskGrid | null {
  const data = grid.data.slice();
  const [frames, rows, columns] = grid.shape;
  const [f0, r0, c0] = grid.origin;
  let at = 0;
  for (let f = 0; f < frames; f++) {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++, at++) if (data[at] && isSet(taken, f0 + f, r0 + r, c0 + c)) data[at] = 0;
    }
  }
  return cropped({ ...grid, data });
}

/** A mask of one frame, from a plane of rows × columns at a place of the image. */
export function singleFrame(
  frame: number,
  top: number,
  left: number,
  rows: number,
  columns: number,
  data: Uint8Array,
): MaskGrid | null {
  return cropped({ origin: [frame, top, left], shape: [1, rows, columns], data });
}

/** What is set on `from` also on `to`; the same mask when `from` is empty. */
export function copiedFrame(grid: MaskGrid, from: number, to: number): MaskGrid {
  if (!coversFrame(grid, from)) return grid;
  const [, top, left] = grid.origin;
  const copy = singleFrame(to, top, left, grid.shape[1], grid.shape[2], planeOf(grid, from).slice());
  return copy ? (united([grid, copy]) as MaskGrid) : grid;
}

/** The mask with every hole filled that its slice encloses. */
export function filledHoles(grid: MaskGrid): MaskGrid {
  const [frames, rows, columns] = grid.shape;
  const data = grid.data.slice();
  for (let f = 0; f < frames; f++)
    fillPlane(data.subarray(f * rows * columns, (f + 1) * rows * columns), rows, columns);
  return { ...grid, data };
}

/** Unset pixels that no path of edge neighbours leads out of. */
function fillPlane(plane: Uint8Array, rows: number, columns: number): void {
  const outside = new Uint8Array(rows * columns);
  const stack: number[] = [];
  const reach = (row: number, column: number) => {
    const at = row * columns + column;
    if (row < 0 || column < 0 || row >= rows || column >= columns || plane[at] || outside[at]) return;
    outside[at] = 1;
    stack.push(at);
  };
  for (let row = 0; row < rows; row++) {
    reach(row, 0);
    reach(row, columns - 1);
  }
  for (let column = 0; column < columns; column++) {
    reach(0, column);
    reach(rows - 1, column);
  }
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const row = Math.floor(at / columns);
    const column = at - row * columns;
    reach(row - 1, column);
    reach(row + 1, column);
    reach(row, column - 1);
    reach(row, column + 1);
  }
  for (let at = 0; at < plane.length; at++) if (!plane[at] && !outside[at]) plane[at] = 1;
}

/** The pieces of a mask that do not touch (not even by a corner, through the slices too), the largest first. */
export function pieces(grid: MaskGrid): MaskGrid[] {
  const [frames, rows, columns] = grid.shape;
  const seen = new Uint8Array(grid.data.length);
  const found: { size: number; grid: MaskGrid }[] = [];
  for (let start = 0; start < grid.data.length; start++) {
    if (!grid.data[start] || seen[start]) continue;
    const data = new Uint8Array(grid.data.length);
    const stack = [start];
    let size = 0;
    seen[start] = 1;
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      data[at] = 1;
      size += 1;
      const column = at % columns;
      const row = Math.floor(at / columns) % rows;
      const frame = Math.floor(at / (columns * rows));
      for (let f = Math.max(0, frame - 1); f <= Math.min(frames - 1, frame + 1); f++) {
        for (let r = Math.max(0, row - 1); r <= Math.min(rows - 1, row + 1); r++) {
          for (let c = Math.max(0, column - 1); c <= Math.min(columns - 1, column + 1); c++) {
            const next = (f * rows + r) * columns + c;
            if (!grid.data[next] || seen[next]) continue;
            seen[next] = 1;
            stack.push(next);
          }
        }
      }
    }
    found.push({ size, grid: cropped({ ...grid, data }) as MaskGrid });
  }
  return found.sort((p, q) => q.size - p.size).map((one) => one.grid);
}

/** How many voxels are set. */
export function voxelCount(grid: MaskGrid): number {
  let count = 0;
  for (const value of grid.data) count += value;
  return count;
}
