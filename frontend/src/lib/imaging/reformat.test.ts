import { describe, expect, test } from "vitest";
import type { Point3 } from "./coordinates";
import { reformatted, sampleAt } from "./reformat";
import { gridOf, indexAt, patientAt, planesOf } from "./volume-grid";

const stack = (
  alongRow: Point3,
  downColumn: Point3,
  step: Point3,
  origin: Point3 = [-166.5, -171.7, 1180],
  count = 5,
) =>
  Array.from({ length: count }, (_, k) => ({
    placement: {
      alongRow,
      downColumn,
      position: origin.map((one, axis) => one + k * (step[axis] as number)) as Point3,
      letters: null,
    },
    rows: 4,
    columns: 6,
    spacing: [0.625, 0.703] as [number, number],
  }));

describe("the grid of a series", () => {
  test("takes indices to the patient and back, on an oblique stack too", () => {
    const s = Math.SQRT1_2;
    const grid = gridOf(stack([s, s, 0], [0, 0, -1], [-2 * s, 2 * s, 0]));
    if (!grid) throw new Error("no grid");
    const there = patientAt(grid, [2, 1, 3]);
    expect(there[2]).toBeCloseTo(1180 - 0.625, 9);
    for (const [axis, value] of indexAt(grid, there).entries())
      expect(value).toBeCloseTo([2, 1, 3][axis] as number, 9);
  });

  test("is none where frames are missing, turned, sheared, unplaced or too few", () => {
    const whole = stack([1, 0, 0], [0, 1, 0], [0, 0, 2]);
    expect(gridOf(whole)).not.toBeNull();
    expect(gridOf(whole.filter((_, k) => k !== 2))).toBeNull();
    expect(gridOf(whole.slice(0, 2))).toBeNull();
    expect(gridOf(stack([1, 0, 0], [0, 1, 0], [0, 0.5, 2]))).toBeNull();
    expect(gridOf(whole.map((frame, k) => (k === 1 ? { ...frame, rows: 5 } : frame)))).toBeNull();
    const unplaced = { alongRow: null, downColumn: null, position: null, letters: null };
    expect(gridOf(whole.map((frame) => ({ ...frame, placement: unplaced })))).toBeNull();
  });

  test("is hung as radiologists do: right of the patient at the left, head above", () => {
    const towardsHead = gridOf(stack([1, 0, 0], [0, 1, 0], [0, 0, 2]));
    const towardsFeet = gridOf(stack([1, 0, 0], [0, 1, 0], [0, 0, -2]));
    if (!towardsHead || !towardsFeet) throw new Error("no grid");
    const coronal = (grid: typeof towardsHead) => planesOf(grid).find(({ name }) => name === "coronal");
    expect(coronal(towardsHead)).toMatchObject({
      held: 1,
      across: 0,
      down: 2,
      acrossFlipped: false,
      downFlipped: true,
    });
    expect(coronal(towardsFeet)).toMatchObject({ downFlipped: false });
  });

  test("of a sagittal acquisition has its own slices as the sagittal plane", () => {
    const grid = gridOf(stack([0, 1, 0], [0, 0, -1], [3, 0, 0]));
    if (!grid) throw new Error("no grid");
    expect(planesOf(grid).map(({ name, held, across, down }) => [name, held, across, down])).toEqual([
      ["axial", 1, 2, 0],
      ["coronal", 0, 2, 1],
      ["sagittal", 2, 0, 1],
    ]);
  });
});

describe("a cut", () => {
  // value = 100 k + 10 j + i
  const frames = [0, 1, 2].map((k) =>
    Array.from({ length: 12 }, (_, at) => 100 * k + 10 * Math.floor(at / 4) + (at % 4)),
  );
  const volume = { columns: 4, rows: 3, frames, parts: 1 };

  test("is linear between pixels and frames, and nothing beyond the outermost edges", () => {
    expect(sampleAt(volume, 1, 2, 1)).toBe(121);
    expect(sampleAt(volume, 1.5, 0.5, 0.25)).toBe(25 + 5 + 1.5);
    expect(sampleAt(volume, 3.4, 2.4, 2.4)).toBe(223);
    expect(sampleAt(volume, 3.6, 0, 0)).toBeNull();
  });

  test("waits for frames that are not there, without making up what lies beyond them", () => {
    const partly = { ...volume, frames: [frames[0] as number[], null, frames[2] as number[]] };
    expect(sampleAt(partly, 0, 0, 0.4)).toBe(0);
    expect(sampleAt(partly, 0, 0, 0.6)).toBeNull();
    expect(sampleAt(partly, 0, 0, 1.6)).toBe(200);
  });

  test("shows a sagittal plane with the head above", () => {
    // Column 3: rows run to the right, frames upwards.
    const cut = {
      start: [3, 0, 2] as Point3,
      right: [0, 1, 0] as Point3,
      down: [0, 0, -1] as Point3,
      width: 3,
      height: 3,
    };
    const picture = reformatted(volume, cut, (value) => value / 255);
    const reds = Array.from({ length: 9 }, (_, at) => picture[at * 4]);
    expect(reds).toEqual([203, 213, 223, 103, 113, 123, 3, 13, 23]);
    expect(picture[3]).toBe(255);
  });

  test("keeps colours", () => {
    const colour = { columns: 1, rows: 1, frames: [[9, 8, 7]], parts: 3 };
    const cut = {
      start: [0, 0, 0] as Point3,
      right: [1, 0, 0] as Point3,
      down: [0, 1, 0] as Point3,
      width: 1,
      height: 1,
    };
    expect([...reformatted(colour, cut, () => 0)]).toEqual([9, 8, 7, 255]);
  });
});
