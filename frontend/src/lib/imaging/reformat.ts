/** A plane cut out of frames in memory, sampled for the screen: coronal and sagittal views, and the magnifier. */
import type { Point3 } from "./coordinates";

export interface SampledFrames {
  columns: number;
  rows: number;
  /** Values row by row, null where a frame is not loaded. */
  frames: readonly (ArrayLike<number> | null)[];
  /** 1, or 3 and 4 for colour with and without opacity. */
  parts: number;
}

/** Where the first pixel of the picture lies (index i, j, k), and the steps to the next one to the right and down. */
export interface Cut {
  start: Point3;
  right: Point3;
  down: Point3;
  width: number;
  height: number;
}

const BACKGROUND = 0;

/** The picture as RGBA, linear between pixels and frames; black outside and where nothing is loaded. */
export function reformatted(
  from: SampledFrames,
  { start, right, down, width, height }: Cut,
  grey: (value: number) => number,
): Uint8ClampedArray<ArrayBuffer> {
  const picture = new Uint8ClampedArray(width * height * 4);
  const colours = from.parts >= 3 ? 3 : 1;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 4) {
      const i = start[0] + x * right[0] + y * down[0];
      const j = start[1] + x * right[1] + y * down[1];
      const k = start[2] + x * right[2] + y * down[2];
      for (let part = 0; part < 3; part++) {
        if (part < colours) {
          const value = sampleAt(from, i, j, k, part);
          const shade = value === null ? BACKGROUND : colours === 3 ? value : grey(value) * 255;
          picture[to + part] = shade;
        } else picture[to + part] = picture[to] as number;
      }
      picture[to + 3] = 255;
    }
  }
  return picture;
}

/** The value at a place between pixel centres; null outside the outermost pixels' edges. */
export function sampleAt(from: SampledFrames, i: number, j: number, k: number, part = 0): number | null {
  const { columns, rows, frames, parts } = from;
  const depth = frames.length;
  if (i < -0.5 || j < -0.5 || k < -0.5 || i > columns - 0.5 || j > rows - 0.5 || k > depth - 0.5) return null;
  const i0 = Math.min(columns - 1, Math.max(0, Math.floor(i)));
  const j0 = Math.min(rows - 1, Math.max(0, Math.floor(j)));
  const k0 = Math.min(depth - 1, Math.max(0, Math.floor(k)));
  const i1 = Math.min(columns - 1, i0 + 1);
  const j1 = Math.min(rows - 1, j0 + 1);
  const [fi, fj, fk] = [Math.max(0, i - i0), Math.max(0, j - j0), Math.max(0, k - k0)];
  const inFrame = (frame: ArrayLike<number>): number => {
    const at = (row: number, column: number) => frame[(row * columns + column) * parts + part] as number;
    if (fi === 0) return fj === 0 ? at(j0, i0) : at(j0, i0) * (1 - fj) + at(j1, i0) * fj;
    const upper = at(j0, i0) * (1 - fi) + at(j0, i1) * fi;
    if (fj === 0) return upper;
    return upper * (1 - fj) + (at(j1, i0) * (1 - fi) + at(j1, i1) * fi) * fj;
  };
  const near = frames[k0];
  const far = fk > 0 ? frames[Math.min(depth - 1, k0 + 1)] : near;
  if (!near || !far) {
    // Between a loaded and a missing frame the nearer one decides.
    const one = fk < 0.5 ? near : far;
    return one ? inFrame(one) : null;
  }
  return fk === 0 || near === far ? inFrame(near) : inFrame(near) * (1 - fk) + inFrame(far) * fk;
}
