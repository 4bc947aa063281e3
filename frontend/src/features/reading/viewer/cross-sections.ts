/** Where the outlines of lesions are cut by a plane that runs across the slices. */
import type { Point } from "@/lib/imaging/coordinates";

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
