import { describe, expect, test } from "vitest";
import { holds, joined, SlicesRead } from "./slices-read";

describe("slices that were on screen", () => {
  test("are ranges, joined where they touch and in order", () => {
    expect(
      joined([
        [7, 9],
        [0, 2],
        [3, 3],
        [8, 12],
      ]),
    ).toEqual([
      [0, 3],
      [7, 12],
    ]);
    expect(joined([])).toEqual([]);
    expect(holds([[0, 3]], [[1, 2]])).toBe(true);
    expect(holds([[0, 3]], [[3, 4]])).toBe(false);
    expect(holds([], [])).toBe(true);
  });

  test("are recorded from the first opening on, or where they were before", () => {
    const fresh = SlicesRead.of({ slices_read: null, revision: 0 }, true);
    fresh.add([[4, 4]]);
    fresh.add([[5, 5]]);
    expect(fresh.seen).toEqual([[4, 5]]);
    const begun = SlicesRead.of({ slices_read: [[0, 1]], revision: 3 }, true);
    begun.add([[2, 2]]);
    expect(begun.seen).toEqual([[0, 2]]);
  });

  test("are not recorded of a reading that was begun without them, nor of one image or what is only looked at", () => {
    const older = SlicesRead.of({ slices_read: null, revision: 3 }, true);
    const image = SlicesRead.of({ slices_read: null, revision: 0 }, false);
    for (const one of [older, image]) {
      one.add([[4, 4]]);
      expect([one.seen, one.isUntold]).toEqual([null, false]);
    }
  });

  test("tell nobody anew while nothing new was seen", () => {
    const slices = SlicesRead.of({ slices_read: null, revision: 0 }, true);
    let told = 0;
    slices.store.subscribe(() => {
      told += 1;
    });
    slices.add([[4, 4]]);
    slices.add([[4, 4]]);
    expect(told).toBe(1);
  });

  test("are those of all tabs together", () => {
    const slices = SlicesRead.of({ slices_read: [[0, 1]], revision: 1 }, true);
    slices.add([[5, 6]]);
    slices.take({ slices_read: [[0, 3]], revision: 2 });
    expect(slices.seen).toEqual([
      [0, 3],
      [5, 6],
    ]);
    expect(slices.isUntold).toBe(true);
    slices.take({ slices_read: [[0, 9]], revision: 3 });
    expect(slices.isUntold).toBe(false);
  });
});
