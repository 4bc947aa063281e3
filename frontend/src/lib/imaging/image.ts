/** A decoded frame: stored values, as the file has them before any look-up table. */
import type { ImageFormat } from "./image-format";

export type StoredValues = Uint8Array | Int8Array | Uint16Array | Int16Array;

export interface Image {
  rows: number;
  columns: number;
  /** Samples of a pixel: 1 of grey, 3 (red, green, blue, side by side) of colour. */
  parts: number;
  /** Row by row, the first pixel top left. */
  values: StoredValues;
}

/** Decoded samples as the image that the format promises; throws where they are another size. */
export function imageOf(bytes: Uint8Array<ArrayBuffer>, format: ImageFormat): Image {
  const { rows, columns, parts } = format;
  const values = valuesIn(bytes, format);
  if (values.length < rows * columns * parts) {
    throw new Error(`The frame has ${values.length} samples where ${rows * columns * parts} are due`);
  }
  return { rows, columns, parts, values: values.subarray(0, rows * columns * parts) };
}

function valuesIn(bytes: Uint8Array<ArrayBuffer>, { bitsAllocated, isSigned }: ImageFormat): StoredValues {
  // Words begin at even places only.
  const { buffer, byteOffset, byteLength } =
    bitsAllocated > 8 && bytes.byteOffset % 2 === 1 ? bytes.slice() : bytes;
  if (bitsAllocated <= 8) return isSigned ? new Int8Array(buffer, byteOffset, byteLength) : bytes;
  const words = byteLength >> 1;
  return isSigned ? new Int16Array(buffer, byteOffset, words) : new Uint16Array(buffer, byteOffset, words);
}
