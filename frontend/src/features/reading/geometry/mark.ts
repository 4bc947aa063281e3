/** Marks with points: their outline, their handles, and how they are moved. All in SCOORD, all pure. */
import type { MarkKind } from "@/lib/api-types";
import type { Point } from "@/lib/imaging/coordinates";

export interface Extent {
  columns: number;
  rows: number;
}

/** A ten-thousandth of a pixel is finer than any pointer and keeps what is sent readable. */
export function rounded([x, y]: Point): Point {
  return [Math.round(x * 1e4) / 1e4, Math.round(y * 1e4) / 1e4];
}

export function clamped([x, y]: Point, { columns, rows }: Extent): Point {
  return [Math.min(columns, Math.max(0, x)), Math.min(rows, Math.max(0, y))];
}

export interface Bounds {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export function boundsOf(points: readonly Point[]): Bounds {
  const bounds = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const [x, y] of points) {
    bounds.left = Math.min(bounds.left, x);
    bounds.top = Math.min(bounds.top, y);
    bounds.right = Math.max(bounds.right, x);
    bounds.bottom = Math.max(bounds.bottom, y);
  }
  return bounds;
}

const ELLIPSE_STEPS = 72;

/** The closed outline of a mark with points; a point gives itself alone. */
export function outlineOf(kind: MarkKind, points: readonly Point[]): Point[] {
  if (kind === "box") {
    const { left, top, right, bottom } = boundsOf(points);
    return [
      [left, top],
      [right, top],
      [right, bottom],
      [left, bottom],
    ];
  }
  if (kind === "ellipse") {
    const { centre, first, second } = axesOf(points);
    return Array.from({ length: ELLIPSE_STEPS }, (_, i) => {
      const angle = (i / ELLIPSE_STEPS) * 2 * Math.PI;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      return [centre[0] + first[0] * cos + second[0] * sin, centre[1] + first[1] * cos + second[1] * sin] as Point;
    });
  }
  return [...points];
}

interface Axes {
  centre: Point;
  first: Point;
  second: Point;
}

/** Centre and half axes of an ellipse's four points. */
export function axesOf(points: readonly Point[]): Axes {
  const [p, q, r, s] = points as [Point, Point, Point, Point];
  return {
    centre: [(p[0] + q[0] + r[0] + s[0]) / 4, (p[1] + q[1] + r[1] + s[1]) / 4],
    first: [(q[0] - p[0]) / 2, (q[1] - p[1]) / 2],
    second: [(s[0] - r[0]) / 2, (s[1] - r[1]) / 2],
  };
}

/** The four points of an ellipse, the longer axis first, as they are stored. */
export function ellipsePoints({ centre, first, second }: Axes): Point[] {
  const [major, minor] = Math.hypot(...first) >= Math.hypot(...second) ? [first, second] : [second, first];
  const at = (axis: Point, sign: number): Point =>
    rounded([centre[0] + sign * axis[0], centre[1] + sign * axis[1]]);
  return [at(major, -1), at(major, 1), at(minor, -1), at(minor, 1)];
}

/** The upright ellipse that fills the box between two corners. */
export function ellipseInBox(from: Point, to: Point): Point[] {
  const centre: Point = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
  return ellipsePoints({
    centre,
    first: [Math.abs(to[0] - from[0]) / 2, 0],
    second: [0, Math.abs(to[1] - from[1]) / 2],
  });
}

/**
 * The circle (in the patient: an ellipse where pixels are not square) about `centre` through `through`, made smaller
 * where it would reach out of the image. `spacing`: between rows, between columns.
 */
export function circlePoints(
  centre: Point,
  through: Point,
  [perRow, perColumn]: readonly [number, number],
  { columns, rows }: Extent,
): Point[] {
  const wanted = Math.hypot((through[0] - centre[0]) * perColumn, (through[1] - centre[1]) * perRow);
  const across = Math.min(centre[0], columns - centre[0]) * perColumn;
  const down = Math.min(centre[1], rows - centre[1]) * perRow;
  const radius = Math.min(wanted, across, down);
  return ellipsePoints({ centre, first: [radius / perColumn, 0], second: [0, radius / perRow] });
}

export function boxPoints(from: Point, to: Point): Point[] {
  const { left, top, right, bottom } = boundsOf([from, to]);
  return [rounded([left, top]), rounded([right, bottom])];
}

export interface Handle {
  id: number;
  at: Point;
}

/** Where a selected mark can be grabbed. A freehand outline has no handles: its line itself is pulled. */
export function handlesOf(kind: MarkKind, points: readonly Point[]): Handle[] {
  if (kind === "box") {
    const { left, top, right, bottom } = boundsOf(points);
    const x = (left + right) / 2;
    const y = (top + bottom) / 2;
    const ring: Point[] = [
      [left, top],
      [x, top],
      [right, top],
      [right, y],
      [right, bottom],
      [x, bottom],
      [left, bottom],
      [left, y],
    ];
    return ring.map((at, id) => ({ id, at }));
  }
  if (kind === "ellipse" || kind === "polygon" || kind === "point") return points.map((at, id) => ({ id, at }));
  return [];
}

/** The points after the handle was pulled to `to`. */
export function pulledHandle(kind: MarkKind, points: readonly Point[], id: number, to: Point): Point[] {
  if (kind === "box") return pulledBox(points, id, to);
  if (kind === "ellipse") return pulledEllipse(points, id, to);
  return points.map((point, i) => (i === id ? rounded(to) : point));
}

function pulledBox(points: readonly Point[], id: number, to: Point): Point[] {
  const { left, top, right, bottom } = boundsOf(points);
  const x = [0, 6, 7].includes(id) ? [to[0], right] : [2, 3, 4].includes(id) ? [left, to[0]] : [left, right];
  const y = [0, 1, 2].includes(id) ? [to[1], bottom] : [4, 5, 6].includes(id) ? [top, to[1]] : [top, bottom];
  return boxPoints([x[0] as number, y[0] as number], [x[1] as number, y[1] as number]);
}

/** The pulled axis follows the pointer, the other keeps its length and stays square to it. */
function pulledEllipse(points: readonly Point[], id: number, to: Point): Point[] {
  const { centre, first, second } = axesOf(points);
  const sign = id % 2 === 0 ? -1 : 1;
  const pulled: Point = [sign * (to[0] - centre[0]), sign * (to[1] - centre[1])];
  const length = Math.hypot(...pulled);
  if (length < 0.5) return [...points];
  const other = id < 2 ? second : first;
  const reach = Math.hypot(...other);
  const square: Point = [(-pulled[1] / length) * reach, (pulled[0] / length) * reach];
  // Unsorted on purpose: the grabbed handle keeps its number until the drag ends.
  const ends = (axis: Point): [Point, Point] => [
    rounded([centre[0] - axis[0], centre[1] - axis[1]]),
    rounded([centre[0] + axis[0], centre[1] + axis[1]]),
  ];
  const other2: Point = [-square[0], -square[1]];
  return id < 2 ? [...ends(pulled), ...ends(square)] : [...ends(other2), ...ends(pulled)];
}

/** The order in which points are stored, restored after a drag. */
export function settled(kind: MarkKind, points: readonly Point[]): Point[] {
  return kind === "ellipse" ? ellipsePoints(axesOf(points)) : [...points];
}

/** Shifted as a whole, stopped at the image's border. */
export function shifted(kind: MarkKind, points: readonly Point[], by: Point, extent: Extent): Point[] {
  const { left, top, right, bottom } = boundsOf(outlineOf(kind, points));
  const dx = Math.min(extent.columns - right, Math.max(-left, by[0]));
  const dy = Math.min(extent.rows - bottom, Math.max(-top, by[1]));
  return points.map(([x, y]) => rounded([x + dx, y + dy]));
}

/** Vertices within `reach` of the grabbed place follow it, the nearer the more. */
export function pulledLine(
  points: readonly Point[],
  grabbed: Point,
  by: Point,
  reach: number,
  extent: Extent,
): Point[] {
  return points.map((point) => {
    const distance = Math.hypot(point[0] - grabbed[0], point[1] - grabbed[1]);
    if (distance >= reach) return point;
    const share = (1 + Math.cos((Math.PI * distance) / reach)) / 2;
    return rounded(clamped([point[0] + by[0] * share, point[1] + by[1] * share], extent));
  });
}

/** Whether the outline stays inside the image; a tilted ellipse reaches further than its four points. */
export function staysInside(kind: MarkKind, points: readonly Point[], { columns, rows }: Extent): boolean {
  const { left, top, right, bottom } = boundsOf(outlineOf(kind, points));
  return left >= -0.005 && top >= -0.005 && right <= columns + 0.005 && bottom <= rows + 0.005;
}

/** Whether at least one pixel's centre lies inside: the server refuses a mark that covers none. */
export function coversPixel(kind: MarkKind, points: readonly Point[]): boolean {
  if (kind === "point") return true;
  const outline = outlineOf(kind, points);
  const { left, top, right, bottom } = boundsOf(outline);
  for (let row = Math.floor(top); row < bottom; row++) {
    for (let column = Math.floor(left); column < right; column++) {
      if (isInside([column + 0.5, row + 0.5], outline)) return true;
    }
  }
  return false;
}

/** Even-odd rule, as the server reads outlines. */
export function isInside([x, y]: Point, outline: readonly Point[]): boolean {
  let inside = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
    const [xi, yi] = outline[i] as Point;
    const [xj, yj] = outline[j] as Point;
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** Centre of area of a mark with points. */
export function centreOf(kind: MarkKind, points: readonly Point[]): Point {
  const outline = outlineOf(kind, points);
  let area = 0;
  let x = 0;
  let y = 0;
  outline.forEach((point, i) => {
    const next = outline[(i + 1) % outline.length] as Point;
    const cross = point[0] * next[1] - next[0] * point[1];
    area += cross;
    x += (point[0] + next[0]) * cross;
    y += (point[1] + next[1]) * cross;
  });
  if (Math.abs(area) < 1e-9) {
    const { left, top, right, bottom } = boundsOf(outline);
    return [(left + right) / 2, (top + bottom) / 2];
  }
  return [x / (3 * area), y / (3 * area)];
}
