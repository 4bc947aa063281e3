import { describe, expect, it } from "vitest";
import { ACCENT, colourDifference, confusions, nextColour, PALETTE, seenAs, VISIONS } from "@/lib/colours";

function smallest(colours: readonly string[]): number {
  const all = colours.flatMap((one, at) => colours.slice(at + 1).map((other) => colourDifference(one, other)));
  return Math.min(...all);
}

describe("the palette", () => {
  it("keeps 30 between any two in normal vision and 24 under the three simulations", () => {
    expect(Math.round(smallest(PALETTE))).toBeGreaterThanOrEqual(30);
    for (const vision of VISIONS)
      expect(smallest(PALETTE.map((one) => seenAs(one, vision)))).toBeGreaterThan(23.5);
  });
  it("keeps 36 to the accent", () => {
    for (const one of PALETTE) expect(colourDifference(one, ACCENT)).toBeGreaterThanOrEqual(35.5);
  });
  it("is given out in its order and then repeats", () => {
    expect(nextColour([])).toBe(PALETTE[0]);
    expect(nextColour([PALETTE[0], PALETTE[2]])).toBe(PALETTE[1]);
    expect(nextColour(PALETTE)).toBe(PALETTE[0]);
    expect(confusions([...PALETTE, PALETTE[0]])).toEqual([]);
  });
});

describe("confusions", () => {
  it("name two types whose colours are near, and one that looks like a button", () => {
    expect(confusions(["#eaaa1c", "#e8a81e"])).toEqual([{ one: 0, other: 1 }]);
    expect(confusions(["#62b0f0"])).toEqual([{ one: 0, other: "accent" }]);
    expect(confusions(["#eaaa1c", "#6c88fe"])).toEqual([]);
  });
});
