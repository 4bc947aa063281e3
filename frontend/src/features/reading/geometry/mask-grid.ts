/** A binary mask cropped to its bounding box in the series grid: frames in series order, rows, columns. */
import type { MaskRef } from "@/lib/api-types";
import { decodeRuns, encodeRuns } from "./run-length";
import { sha256 } from "./sha256";

export type Triple = [number, number, number];

export interface MaskGrid {
  origin: Triple;
  shape: Triple;
  data: Uint8Array;
}

/** One frame of the image, whole, as the brush paints on it. */
export interface Slice {
  rows: number;
  columns: number;
  data: Uint8Array;
}

export interface StoredMask {
  ref: MaskRef;
  grid: MaskGrid;
  blob: Uint8Array<ArrayBuffer>;
}

export function storeMask(grid: MaskGrid): StoredMask {
  const blob = encodeRuns(grid.data);
  return { grid, blob, ref: { origin: grid.origin, shape: grid.shape, digest: sha256(blob) } };
}

export function gridFromBlob(ref: MaskRef, blob: Uint8Array): MaskGrid {
  const [frames, rows, columns] = ref.shape;
  return { origin: ref.origin, shape: ref.shape, data: decodeRuns(blob, frames * rows * columns) };
}

export function coversFrame(mask: { origin: Triple; shape: Triple }, frame: number): boolean {
  return frame >= mask.origin[0] && frame < mask.origin[0] + mask.shape[0];
}

/** Frame `frame` of the mask laid at its place in the whole image; all zero where the mask does not reach. */
export function sliceOf(mask: MaskGrid | null, frame: number, rows: number, columns: number): Slice {
  const slice: Slice = { rows, columns, data: new Uint8Array(rows * columns) };
  if (!mask || !coversFrame(mask, frame)) return slice;
  const [, height, width] = mask.shape;
  const first = (frame - mask.origin[0]) * height * width;
  for (let row = 0; row < height; row++) {
    const from = first + row * width;
    slice.data.set(mask.data.subarray(from, from + width), (row + mask.origin[1]) * columns + mask.origin[2]);
  }
  return slice;
}

/** The mask with one frame replaced and cropped anew; null when nothing is left. */
export function withSlice(mask: MaskGrid | null, frame: number, slice: Slice): MaskGrid | null {
  const frames = new Map<number, { box: Box; read: (row: number, column: number) => number }>();
  if (mask) {
    const [count, height, width] = mask.shape;
    for (let f = 0; f < count; f++) {
      if (mask.origin[0] + f === frame) continue;
      const part = mask.data.subarray(f * height * width, (f + 1) * height * width);
      const box = boxOf(part, height, width);
      if (!box) continue;
      const [, top, left] = mask.origin;
      frames.set(mask.origin[0] + f, {
        box: { top: box.top + top, left: box.left + left, bottom: box.bottom + top, right: box.right + left },
        read: (row, column) => part[(row - top) * width + column - left] as number,
      });
    }
  }
  const box = boxOf(slice.data, slice.rows, slice.columns);
  if (box) {
    frames.set(frame, { box, read: (row, column) => slice.data[row * slice.columns + column] as number });
  }
  if (frames.size === 0) return null;
  return assemble(frames);
}

interface Box {
  top: number;
  left: number;
  bottom: number;
  right: number;
}

function assemble(frames: Map<number, { box: Box; read: (row: number, column: number) => number }>): MaskGrid {
  const boxes = [...frames.values()].map((part) => part.box);
  const top = Math.min(...boxes.map((box) => box.top));
  const left = Math.min(...boxes.map((box) => box.left));
  const height = Math.max(...boxes.map((box) => box.bottom)) - top;
  const width = Math.max(...boxes.map((box) => box.right)) - left;
  const first = Math.min(...frames.keys());
  const count = Math.max(...frames.keys()) - first + 1;
  const data = new Uint8Array(count * height * width);
  for (const [frame, { box, read }] of frames) {
    const offset = (frame - first) * height * width;
    for (let row = box.top; row < box.bottom; row++) {
      for (let column = box.left; column < box.right; column++) {
        if (read(row, column)) data[offset + (row - top) * width + column - left] = 1;
      }
    }
  }
  return { origin: [first, top, left], shape: [count, height, width], data };
}

/** The box around what is set (bottom and right exclusive), null when nothing is. */
export function boxOf(data: Uint8Array, rows: number, columns: number): Box | null {
  let top = -1;
  let bottom = -1;
  let left = columns;
  let right = -1;
  for (let row = 0; row < rows; row++) {
    const line = data.subarray(row * columns, (row + 1) * columns);
    const first = line.indexOf(1);
    if (first < 0) continue;
    if (top < 0) top = row;
    bottom = row;
    left = Math.min(left, first);
    right = Math.max(right, line.lastIndexOf(1));
  }
  return top < 0 ? null : { top, left, bottom: bottom + 1, right: right + 1 };
}
