/** Where the outlines of lesions are cut by a plane that runs across the slices. */
import type { Point } from "@/lib/imaging/coordinates";
import { cornersOnly, crackOutlines } from "../geometry/outline";

/**
 * The stretches of a line that lie inside of closed outlines (SCOORD), by the even-odd rule: of the line column = `at`
 * as rows, or of row = `at` as columns.
 */
export function stretchesOn(outlines: readonly Point[][], line: "column" | "row", at: number): [number, number][] {
  const [held, along] = line === "column" ? ([0, 1] as const) : ([1, 0] as const);
  const crossings: number[] = [];
  for (const outline of outlines) {
    outline.forEach((from, index) => {
      const to = outline[(index + 1) % outline.length] as Point;
      const [a, b] = [from[held] - at, to[held] - at];
      // A corner on the line belongs to one of its two edges.
      if (a < 0 === b < 0) return;
      crossings.push(from[along] + (to[along] - from[along]) * (a / (a - b)));
    });
  }
  crossings.sort((p, q) => p - q);
  const stretches: [number, number][] = [];
  for (let i = 0; i + 1 < crossings.length; i += 2) {
    stretches.push([crossings[i] as number, crossings[i + 1] as number]);
  }
  return stretches;
}

/**
 * The closed outlines of what several slices hold between them: [along, slice] with slice borders at whole numbers, the
 * first slice from 0 to 1. Neighbouring slices become one shape, not a pile of boxes.
 */
export function outlinesAcross(slices: readonly [number, number][][]): Point[][] {
  const borders = [...new Set(slices.flat(2))].sort((p, q) => p - q);
  const place = new Map(borders.map((border, index) => [border, index]));
  const columns = Math.max(0, borders.length - 1);
  const held = new Uint8Array(slices.length * columns);
  slices.forEach((stretches, slice) => {
    for (const [from, until] of stretches)
      held.fill(1, slice * columns + (place.get(from) ?? 0), slice * columns + (place.get(until) ?? 0));
  });
  return crackOutlines(held, slices.length, columns).map((outline) =>
    cornersOnly(outline).map(([column, slice]): Point => [borders[column] as number, slice]),
  );
}
