import { describe, expect, test } from "vitest";
import { neighbourOf, nextLayout, placed, rearranged } from "./arrangement";

describe("the panes", () => {
  test("go from one to two to four and back, and from the planes to one", () => {
    expect([nextLayout("1x1"), nextLayout("1x2"), nextLayout("2x2"), nextLayout("mpr")]).toEqual([
      ...["1x2", "2x2", "1x1", "1x1"],
    ]);
  });

  test("change places when what hangs in one is dropped on the other", () => {
    expect(placed(["own", "a", "b", null], 0, "b", "own")).toEqual(["b", "a", "own", null]);
  });

  test("never lose the case: what is dropped on it moves it to a free place, or to the next", () => {
    expect(placed(["own", null], 0, "a", "own")).toEqual(["a", "own"]);
    expect(placed(["own", "a", null, "b"], 0, "c", "own")).toEqual(["c", "a", "own", "b"]);
    expect(placed(["a", "own"], 1, "b", "own")).toEqual(["own", "b"]);
  });

  test("take what was dropped instead of what hung there", () => {
    expect(placed(["own", "a"], 1, "b", "own")).toEqual(["own", "b"]);
  });

  test("begin with the usual arrangement and keep what was hung by hand", () => {
    expect(rearranged(["own"], "2x2", ["a", "own", null, "b"], "own")).toEqual(["a", "own", null, "b"]);
    expect(rearranged(["own", "x"], "2x2", ["own", "a", "b", "c"], "own")).toEqual(["own", "x", "a", "b"]);
    expect(rearranged(["a", "b", "c", "own"], "1x2", [], "own")).toEqual(["a", "own"]);
    expect(rearranged(["a", "own"], "1x1", [], "own")).toEqual(["own"]);
  });

  test("are gone through in a circle, empty ones left out", () => {
    expect(neighbourOf(["own", null, "a", "b"], "own", 1)).toBe("a");
    expect(neighbourOf(["own", null, "a", "b"], "own", -1)).toBe("b");
    expect(neighbourOf(["own", null], "own", 1)).toBe("own");
  });
});
