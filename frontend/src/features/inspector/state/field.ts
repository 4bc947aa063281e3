import type { SeenLayer } from "@/lib/api-types";
import type { Arrays } from "./arrays";

/** A rectangle of the network's input, in its pixels. */
export interface Rectangle {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** What one value of a layer's maps sees of the input; null where that cannot be told. */
export function fieldOf(layer: SeenLayer, arrays: Arrays, row: number, column: number): Rectangle | null {
  if (!layer.spans) return null;
  const [rows, columns] = layer.spans;
  const [top, bottom] = rows.map((end) => arrays.shorts(end)[row]);
  const [left, right] = columns.map((end) => arrays.shorts(end)[column]);
  if (top === undefined || bottom === undefined || left === undefined || right === undefined) return null;
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}
