/**
 * The one place where image coordinates change their convention.
 *
 * SCOORD (DICOM PS3.3 C.18.6.1.1) is what is stored and sent: [column, row] in pixels, the top-left corner of the
 * image is (0, 0), the first pixel's centre (0.5, 0.5). Indices count from that centre: index = SCOORD - 0.5. World is
 * patient millimetres (LPS). Canvas is CSS pixels.
 */

export type Point = [number, number];
export type Point3 = [number, number, number];

const CENTRE_OF_FIRST_PIXEL = 0.5;

export function indexFromScoord([column, row]: Point): Point {
  return [column - CENTRE_OF_FIRST_PIXEL, row - CENTRE_OF_FIRST_PIXEL];
}

export function scoordFromIndex([i, j]: Point): Point {
  return [i + CENTRE_OF_FIRST_PIXEL, j + CENTRE_OF_FIRST_PIXEL];
}

/** Where a frame lies in the world: centre of its first pixel, unit vectors along a row and down a column, mm per step. */
export interface ImagePlane {
  origin: Point3;
  alongRow: Point3;
  downColumn: Point3;
  columnSpacing: number;
  rowSpacing: number;
}

export function worldFromScoord(point: Point, plane: ImagePlane): Point3 {
  const [i, j] = indexFromScoord(point);
  const at = (axis: 0 | 1 | 2) =>
    plane.origin[axis] +
    i * plane.columnSpacing * plane.alongRow[axis] +
    j * plane.rowSpacing * plane.downColumn[axis];
  return [at(0), at(1), at(2)];
}

export function scoordFromWorld(world: Point3, plane: ImagePlane): Point {
  const shift: Point3 = [world[0] - plane.origin[0], world[1] - plane.origin[1], world[2] - plane.origin[2]];
  return scoordFromIndex([
    dot(shift, plane.alongRow) / plane.columnSpacing,
    dot(shift, plane.downColumn) / plane.rowSpacing,
  ]);
}

/** canvas = (a·x + c·y + e, b·x + d·y + f) for x, y in SCOORD. */
export interface Affine {
  a: number;
  b: number;
  c: number;
  d: number;
  e: number;
  f: number;
}

/** The affine of a flat view, from where the image's top-left, top-right and bottom-left corners lie on the canvas. */
export function affineFromCorners(
  topLeft: Point,
  topRight: Point,
  bottomLeft: Point,
  columns: number,
  rows: number,
): Affine {
  return {
    a: (topRight[0] - topLeft[0]) / columns,
    b: (topRight[1] - topLeft[1]) / columns,
    c: (bottomLeft[0] - topLeft[0]) / rows,
    d: (bottomLeft[1] - topLeft[1]) / rows,
    e: topLeft[0],
    f: topLeft[1],
  };
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

function dot(u: Point3, v: Point3): number {
  return u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
}
