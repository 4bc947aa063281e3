import { describe, expect, test } from "vitest";
import type { Point } from "@/lib/imaging/coordinates";
import { isSet, voxelCount } from "./mask-volume";
import { outlinedWithoutModel, type PointAct, pointed, saysWhere, spreadAlong } from "./pointing";
import type { Voxels } from "./region-grow";

/** Two bright squares of 8 × 8 on dark ground, on the second of three frames. */
const voxels: Voxels = {
  ...{ frames: 3, rows: 40, columns: 40, spacing: [1, 1, 1] },
  value: (frame, row, column) => {
    const inside = (top: number, left: number) =>
      row >= top && row < top + 8 && column >= left && column < left + 8;
    return frame === 1 && (inside(4, 4) || inside(4, 24)) ? 200 : 20;
  },
};
const click = (at: Point, on = true): PointAct => ({ kind: "click", at, on });
const outlined = (acts: PointAct[], frame = 1) => outlinedWithoutModel(voxels, frame, pointed(acts), 30);

describe("what is pointed at", () => {
  test("is all clicks and the last box", () => {
    const acts: PointAct[] = [
      click([1, 2]),
      { kind: "box", from: [0, 0], to: [5, 5] },
      click([3, 4], false),
      { kind: "box", from: [1, 1], to: [6, 6] },
    ];
    expect(pointed(acts)).toEqual({
      ...{ positive: [[1, 2]], negative: [[3, 4]] },
      box: [
        [1, 1],
        [6, 6],
      ],
    });
  });

  test("is outlined without a model: what hangs together with a click, on its own frame alone", () => {
    const grid = outlined([click([8, 8])]);
    expect(grid?.origin).toEqual([1, 4, 4]);
    expect(grid?.shape).toEqual([1, 8, 8]);
    expect(voxelCount(grid as NonNullable<typeof grid>)).toBe(64);
  });

  test("grows by each click on it and shrinks by each beside it", () => {
    const both = outlined([click([8, 8]), click([28, 8])]);
    expect(voxelCount(both as NonNullable<typeof both>)).toBe(128);
    const beside: PointAct[] = [{ kind: "box", from: [2, 2], to: [34, 14] }, click([18, 8], false)];
    const cut = outlined(beside) as NonNullable<ReturnType<typeof outlined>>;
    expect([isSet(cut, 1, 8, 8), isSet(cut, 1, 8, 18), isSet(cut, 1, 8, 28)]).toEqual([true, false, true]);
  });

  test("never loses what was clicked on: a click beside it takes a little where all that is like it is the lesion", () => {
    const left = outlined([click([8, 8]), click([10.5, 10.5], false)]) as NonNullable<ReturnType<typeof outlined>>;
    expect([isSet(left, 1, 7, 6), isSet(left, 1, 10, 10)]).toEqual([true, false]);
    expect(voxelCount(left)).toBeGreaterThan(30);
  });

  test("is all strokes, of which one on the lesion says where it is", () => {
    const stroke = (on: boolean): PointAct => ({ kind: "stroke", points: [[1, 1], [3, 3]], on }); // biome-ignore format: pairs
    expect(pointed([stroke(true), stroke(false)]).strokes?.map(({ positive }) => positive)).toEqual([true, false]);
    expect([stroke(true), stroke(false), click([1, 1], false)].map((act) => saysWhere(pointed([act])))).toEqual([
      ...[true, false, false],
    ]);
    expect(pointed([click([1, 2])])).not.toHaveProperty("strokes");
  });

  test("of a stroke without a model: regions from places along it", () => {
    const along = spreadAlong([[0, 0], [4, 0], [4, 4]], 5); // biome-ignore format: pairs
    expect(along).toEqual([[0, 0], [2, 0], [4, 0], [4, 2], [4, 4]]); // biome-ignore format: pairs
    expect(spreadAlong([[2, 2], [2, 2]], 3)).toEqual([[2, 2], [2, 2], [2, 2]]); // biome-ignore format: pairs
    const over = outlined([{ kind: "stroke", points: [[5, 8], [11, 8]], on: true }]); // biome-ignore format: pairs
    expect(voxelCount(over as NonNullable<typeof over>)).toBe(64);
    const box: PointAct = { kind: "box", from: [2, 2], to: [34, 14] };
    const cut = outlined([box, { kind: "stroke", points: [[14, 8], [20, 8]], on: false }]); // biome-ignore format: pairs
    expect([8, 18].map((column) => isSet(cut as NonNullable<typeof cut>, 1, 8, column))).toEqual([true, false]);
  });

  test("is the ellipse in a box; the pixel in the corner of the image counts as any other", () => {
    const grid = outlined([{ kind: "box", from: [10, 20], to: [30, 30] }]);
    expect(grid?.origin).toEqual([1, 20, 10]);
    expect(grid?.shape).toEqual([1, 10, 20]);
    const corner = outlined([click([40, 40])], 0);
    expect(corner && isSet(corner, 0, 39, 39)).toBe(true);
  });
});
