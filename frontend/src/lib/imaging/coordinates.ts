/**
 * The one place where image coordinates change their convention.
 *
 * SCOORD (DICOM PS3.3 C.18.6.1.1) is what is stored and sent: [column, row] in pixels, the top-left corner of the
 * image is (0, 0), the first pixel's centre (0.5, 0.5). Canvas is CSS pixels.
 */

export type Point = [number, number];
export type Point3 = [number, number, number];

/** canvas = (a·x + c·y + e, b·x + d·y + f) for x, y in SCOORD. */
export interface Affine {
  a: number;
  b: number;
  c: number;
  d: number;
  e: number;
  f: number;
}

export function canvasFromScoord([x, y]: Point, to: Affine): Point {
  return [to.a * x + to.c * y + to.e, to.b * x + to.d * y + to.f];
}

export function scoordFromCanvas([x, y]: Point, to: Affine): Point {
  const det = to.a * to.d - to.b * to.c;
  const dx = x - to.e;
  const dy = y - to.f;
  return [(to.d * dx - to.c * dy) / det, (to.a * dy - to.b * dx) / det];
}

/** CSS pixels per image pixel, along the longer-sampled axis. */
export function zoomOf(to: Affine): number {
  return Math.max(Math.hypot(to.a, to.b), Math.hypot(to.c, to.d));
}

/** CSS pixels per image pixel along a row. */
export function zoomAlongRow(to: Affine): number {
  return Math.hypot(to.a, to.b);
}

/** Half the width and half the height, in CSS pixels, of what a disc of that radius in image pixels is on the canvas. */
export function discOnCanvas(radius: number, to: Affine): Point {
  return [radius * Math.hypot(to.a, to.c), radius * Math.hypot(to.b, to.d)];
}
