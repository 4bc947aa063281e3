import type { Rectangle } from "@/lib/api-types";

export interface Size {
  rows: number;
  columns: number;
}

/** The rectangle between two points in pixels of the image, whole and inside it; null if it would be less than a pixel. */
export function between(from: [number, number], to: [number, number], { rows, columns }: Size): Rectangle | null {
  const bound = (value: number, most: number) => Math.min(Math.max(value, 0), most);
  const left = Math.floor(bound(Math.min(from[0], to[0]), columns));
  const top = Math.floor(bound(Math.min(from[1], to[1]), rows));
  const right = Math.ceil(bound(Math.max(from[0], to[0]), columns));
  const bottom = Math.ceil(bound(Math.max(from[1], to[1]), rows));
  return right - left >= 1 && bottom - top >= 1 ? [left, top, right - left, bottom - top] : null;
}

/** A rectangle with one of its numbers changed, kept inside the image. */
export function changed(rectangle: Rectangle, place: number, value: number, { rows, columns }: Size): Rectangle {
  const next = [...rectangle] as Rectangle;
  next[place] = Math.round(value);
  const left = Math.min(Math.max(next[0], 0), columns - 1);
  const top = Math.min(Math.max(next[1], 0), rows - 1);
  return [left, top, Math.min(Math.max(next[2], 1), columns - left), Math.min(Math.max(next[3], 1), rows - top)];
}

/** A strip over the upper end, where names mostly stand. */
export function strip({ rows, columns }: Size): Rectangle {
  return [0, 0, columns, Math.max(1, Math.round(rows / 12))];
}
