/** What the pixels inside a region are like: how many, mean, standard deviation, least and greatest. */
import type { MaskGrid } from "./mask-grid";

export interface Statistics {
  n: number;
  mean: number;
  /** Of the pixels themselves (population). */
  sd: number;
  min: number;
  max: number;
}

/** Over every set voxel; null when the mask is empty or a frame's values are not there. */
export function statisticsOf(
  { origin, shape, data }: MaskGrid,
  value: (frame: number, row: number, column: number) => number | null,
): Statistics | null {
  let [n, mean, squares, min, max] = [0, 0, 0, Infinity, -Infinity];
  let at = 0;
  for (let f = 0; f < shape[0]; f++) {
    for (let r = 0; r < shape[1]; r++) {
      for (let c = 0; c < shape[2]; c++, at++) {
        if (!data[at]) continue;
        const here = value(origin[0] + f, origin[1] + r, origin[2] + c);
        if (here === null) return null;
        n += 1;
        const off = here - mean;
        mean += off / n;
        squares += off * (here - mean);
        min = Math.min(min, here);
        max = Math.max(max, here);
      }
    }
  }
  return n ? { n, mean, sd: Math.sqrt(squares / n), min, max } : null;
}
