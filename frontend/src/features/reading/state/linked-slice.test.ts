import { describe, expect, test } from "vitest";
import type { Point3 } from "@/lib/imaging/coordinates";
import { followedSlice, type Slices, shiftBetween, shiftOf, sliceLineOf } from "./linked-slice";

const AXIAL: [Point3, Point3] = [
  [1, 0, 0],
  [0, 1, 0],
];
const SAGITTAL: [Point3, Point3] = [
  [0, 1, 0],
  [0, 0, -1],
];

function series(count: number, first: number, step: number, [alongRow, downColumn] = AXIAL): Slices {
  const placements = Array.from({ length: count }, (_, i) => ({
    ...{ alongRow, downColumn, letters: null },
    // Sagittal slices lie along x, axial ones along z.
    position: (alongRow[0] === 0 ? [first + i * step, 0, 0] : [0, 0, first + i * step]) as Point3,
  }));
  return { count, line: sliceLineOf(placements) };
}
const without = (count: number): Slices => ({ count, line: null });

describe("a linked series", () => {
  test("shows the slice that is nearest in millimetres, whatever the thickness", () => {
    const [thin, thick] = [series(100, -200, 1), series(40, -200, 2.5)];
    expect(followedSlice(50, thin, thick)).toBe(20);
    expect(followedSlice(20, thick, thin)).toBe(50);
    expect(followedSlice(99, thin, series(10, -200, 1))).toBe(9);
  });

  test("is followed from the other end where its slices run the other way", () => {
    const up = series(11, 0, 10);
    const upsideDown: [Point3, Point3] = [
      [1, 0, 0],
      [0, -1, 0],
    ];
    const down = series(11, 100, -10, upsideDown);
    expect(followedSlice(3, up, down)).toBe(7);
    expect(followedSlice(7, down, up)).toBe(3);
  });

  test("goes by its share where one has no places, and not at all where the slices are tilted", () => {
    expect(followedSlice(5, without(11), series(101, 0, 1))).toBe(50);
    expect(followedSlice(5, series(11, 0, 1), without(1))).toBeNull();
    expect(followedSlice(5, series(11, 0, 1), series(11, 0, 1, SAGITTAL))).toBeNull();
  });

  test("of another examination is shifted only where the two hardly cover each other", () => {
    const now = series(101, -300, 1);
    expect(shiftBetween(now, series(101, -280, 1), false)).toBe(0);
    expect(shiftBetween(now, series(101, 700, 1), false)).toBe(1000);
    expect(shiftBetween(now, series(101, 700, 1), true)).toBe(0);
    expect(followedSlice(50, now, series(101, 700, 1), 1000)).toBe(50);
  });

  test("keeps the distance that it had when it was linked", () => {
    const [now, before] = [series(50, 0, 2), series(50, 10, 2)];
    const shift = shiftOf(10, now, 12, before);
    expect(followedSlice(11, now, before, shift)).toBe(13);
    expect(followedSlice(13, before, now, -shift)).toBe(11);
  });

  test("has no places where frames lack a position, are tilted or lie in one place", () => {
    const [alongRow, downColumn] = AXIAL;
    const at = (position: Point3 | null) => ({ alongRow, downColumn, letters: null, position });
    expect(sliceLineOf([at([0, 0, 1]), at(null)])).toBeNull();
    expect(sliceLineOf([at([0, 0, 1]), at([0, 0, 1])])).toBeNull();
    const [along, down] = SAGITTAL;
    expect(sliceLineOf([at([0, 0, 1]), { ...at([0, 0, 2]), alongRow: along, downColumn: down }])).toBeNull();
    expect(sliceLineOf([])).toBeNull();
  });
});
