import type { ArrayRef, ScaledMaps } from "@/lib/api-types";

/** One feature map as bytes between its lowest and its highest value. */
export interface ByteMap {
  rows: number;
  columns: number;
  bytes: Uint8Array;
  low: number;
  high: number;
}

/** The arrays of a look inside; nothing is copied. */
export class Arrays {
  constructor(private readonly buffer: ArrayBuffer) {}

  bytes(ref: ArrayRef): Uint8Array {
    return new Uint8Array(this.buffer, ref.offset, lengthOf(ref));
  }

  shorts(ref: ArrayRef): Int16Array {
    return new Int16Array(this.buffer, ref.offset, lengthOf(ref));
  }

  floats(ref: ArrayRef): Float32Array {
    return new Float32Array(this.buffer, ref.offset, lengthOf(ref));
  }

  map(maps: ScaledMaps, index: number): ByteMap {
    const [, rows = 1, columns = 1] = maps.array.shape;
    const area = rows * columns;
    const bytes = new Uint8Array(this.buffer, maps.array.offset + index * area, area);
    return { rows, columns, bytes, low: maps.low[index] ?? 0, high: maps.high[index] ?? 0 };
  }
}

function lengthOf(ref: ArrayRef): number {
  return ref.shape.reduce((all, extent) => all * extent, 1);
}

/** The value of a map at a row and column, to the precision of a byte. */
export function valueAt(map: ByteMap, row: number, column: number): number {
  return map.low + ((map.bytes[row * map.columns + column] ?? 0) / 255) * (map.high - map.low);
}

/** Rows and columns of a map that the image fills; the rest of the square grid is empty. */
export function filled(map: { rows: number; columns: number }, size: number, content: [number, number]) {
  return {
    rows: Math.max(1, Math.round((map.rows * content[0]) / size)),
    columns: Math.max(1, Math.round((map.columns * content[1]) / size)),
  };
}

/** Mean of a map where the lesion is and where it is not, over what the image fills. */
export function meansByMask(
  map: ByteMap,
  mask: Uint8Array,
  size: number,
  content: [number, number],
): { inside: number; outside: number } | null {
  const { rows, columns } = filled(map, size, content);
  const sums = [0, 0];
  const counts = [0, 0];
  for (let row = 0; row < rows; row++) {
    const y = Math.min(size - 1, Math.floor(((row + 0.5) * size) / map.rows));
    for (let column = 0; column < columns; column++) {
      const x = Math.min(size - 1, Math.floor(((column + 0.5) * size) / map.columns));
      const at = mask[y * size + x] ? 0 : 1;
      sums[at] = (sums[at] ?? 0) + valueAt(map, row, column);
      counts[at] = (counts[at] ?? 0) + 1;
    }
  }
  const [inside = 0, outside = 0] = counts;
  if (!inside || !outside) return null;
  return { inside: (sums[0] ?? 0) / inside, outside: (sums[1] ?? 0) / outside };
}

/** The border of a mask as closed lines along the edges of its pixels, for an SVG path. */
export function outlineOf(mask: Uint8Array, size: number): string {
  const at = (row: number, column: number) =>
    row >= 0 && column >= 0 && row < size && column < size && mask[row * size + column] === 1;
  // Each edge from corner to corner, the lesion at its right; where two pixels touch by a corner two begin there.
  const next = new Map<number, number[]>();
  const corner = (row: number, column: number) => row * (size + 1) + column;
  const add = (from: number, to: number) => next.set(from, [...(next.get(from) ?? []), to]);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      if (!at(row, column)) continue;
      if (!at(row - 1, column)) add(corner(row, column), corner(row, column + 1));
      if (!at(row, column + 1)) add(corner(row, column + 1), corner(row + 1, column + 1));
      if (!at(row + 1, column)) add(corner(row + 1, column + 1), corner(row + 1, column));
      if (!at(row, column - 1)) add(corner(row + 1, column), corner(row, column));
    }
  }
  const lines: string[] = [];
  for (const start of next.keys()) {
    const points: string[] = [];
    let here: number | undefined = start;
    while (here !== undefined) {
      const to: number | undefined = next.get(here)?.pop();
      if (to === undefined) break;
      points.push(`${here % (size + 1)} ${Math.floor(here / (size + 1))}`);
      here = to;
    }
    if (points.length) lines.push(`M${points.join("L")}Z`);
  }
  return lines.join("");
}
