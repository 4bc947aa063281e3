import { describe, expect, test } from "vitest";
import type { FramePlacement } from "./frames";
import { edgeLetters, lettersOf } from "./orientation";
import { presetsOf, rangeWindow } from "./windows";

const AXIAL: FramePlacement = { alongRow: [1, 0, 0], downColumn: [0, 1, 0], position: [0, 0, 0], letters: null };
const upright = { a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 };

describe("letters at the edges", () => {
  test("of an axial slice are A above, P below, R at the left, L at the right", () => {
    expect(edgeLetters(AXIAL, upright)).toEqual({ top: "A", bottom: "P", left: "R", right: "L" });
  });

  test("follow a flip and a turn", () => {
    const flipped = { a: -1, b: 0, c: 0, d: 1, e: 100, f: 0 };
    expect(edgeLetters(AXIAL, flipped)).toMatchObject({ left: "L", right: "R", top: "A" });
    const turned = { a: 0, b: 1, c: -1, d: 0, e: 100, f: 0 };
    expect(edgeLetters(AXIAL, turned)).toEqual({ right: "A", left: "P", top: "R", bottom: "L" });
  });

  test("of a radiograph come from PatientOrientation, and there are none where nothing is told", () => {
    const film: FramePlacement = { alongRow: null, downColumn: null, position: null, letters: ["L", "F"] };
    expect(edgeLetters(film, upright)).toEqual({ top: "H", bottom: "F", left: "R", right: "L" });
    expect(edgeLetters({ ...film, letters: null }, upright)).toBeNull();
  });

  test("are two where the plane is oblique", () => {
    expect(lettersOf([0.8, 0.6, 0])).toBe("LP");
    expect(lettersOf([0.99, 0.1, 0])).toBe("L");
  });
});

describe("windows", () => {
  test("of CT are the five that every reader knows, then the header's own and the automatic one", () => {
    const names = presetsOf("CT").map(({ name }) => name);
    expect(names).toEqual(["lung", "mediastinum", "bone", "brain", "abdomen", "header", "automatic"]);
  });

  test("from the pixels leave the extremes and the padding out", () => {
    const values = Array.from({ length: 1001 }, (_, i) => i);
    expect(rangeWindow(values, 0.01, 0.99)).toMatchObject({ width: 980, centre: 500 });
    expect(rangeWindow([7, 7, 7], 0, 1)?.width).toBe(1);
    expect(rangeWindow([-2000, -2000, 0, 10, Number.NaN], 0, 1, [-2000, -2000])).toMatchObject({
      width: 10,
      centre: 5,
    });
    expect(rangeWindow([5, 5], 0, 1, [5, 5])).toBeNull();
  });
});
