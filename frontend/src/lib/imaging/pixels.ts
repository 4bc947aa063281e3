/** The values of frames that are loaded, in modality units (HU for CT); of colour the luma. */
import { frameStore } from "./frame-memory";
import { type FrameRef, placementOf } from "./frames";
import { greyScaleOf, modalityValue, NO_SCALE } from "./grey-scale";
import { headerOf } from "./header";
import type { Image } from "./image";

export interface FramePixels {
  rows: number;
  columns: number;
  value: (row: number, column: number) => number;
}

/** null while the frame is not loaded. */
export function pixelsOf(frame: FrameRef): FramePixels | null {
  const image = frameStore.get(frame.imageId);
  return image && readerOf(frame, image);
}

/** Load frames that are not there yet; rejects when one cannot be had. */
export async function loadPixels(frames: readonly FrameRef[]): Promise<FramePixels[]> {
  return Promise.all(frames.map(async (frame) => readerOf(frame, await frameStore.load(frame.imageId))));
}

function readerOf(frame: FrameRef, { rows, columns, parts, values }: Image): FramePixels {
  if (parts >= 3) {
    const luma = (at: number) =>
      0.299 * (values[at] as number) + 0.587 * (values[at + 1] as number) + 0.114 * (values[at + 2] as number);
    return { rows, columns, value: (row, column) => luma((row * columns + column) * parts) };
  }
  const header = headerOf(frame.imageId);
  const scale = header ? greyScaleOf(header) : NO_SCALE;
  return { rows, columns, value: (row, column) => modalityValue(scale, values[row * columns + column] as number) };
}

/** Millimetres between the planes of two neighbouring frames; null where the header does not place them. */
export function sliceSpacing(frames: readonly FrameRef[], index: number): number | null {
  const [one, other] =
    index + 1 < frames.length ? [frames[index], frames[index + 1]] : [frames[index - 1], frames[index]];
  if (!one || !other) return null;
  const [from, to] = [placementOf(one), placementOf(other)];
  if (!from.position || !to.position || !from.alongRow || !from.downColumn) return null;
  const [u, v] = [from.alongRow, from.downColumn];
  const normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
  const apart = [0, 1, 2].reduce(
    (sum, axis) =>
      sum + ((to.position?.[axis as 0] ?? 0) - (from.position?.[axis as 0] ?? 0)) * (normal[axis] as number),
    0,
  );
  return Math.abs(apart) > 1e-4 ? Math.abs(apart) : null;
}
