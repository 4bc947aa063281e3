/** What is known of a frame's samples before they are decoded (PS3.3 C.7.6.3). */
import { type FrameHeader, numbersOf, TAG } from "./header";

export interface ImageFormat {
  rows: number;
  columns: number;
  /** Samples per pixel: 1, or 3 of colour. */
  parts: number;
  /** 8 or 16: the archive stores nothing else. */
  bitsAllocated: number;
  isSigned: boolean;
}

export function imageFormatOf(of: FrameHeader): ImageFormat {
  const number = (tag: string, otherwise: number) => numbersOf(of, tag)[0] ?? otherwise;
  return {
    rows: number(TAG.rows, 0),
    columns: number(TAG.columns, 0),
    parts: number(TAG.samplesPerPixel, 1),
    bitsAllocated: number(TAG.bitsAllocated, 16),
    isSigned: number(TAG.pixelRepresentation, 0) === 1,
  };
}
