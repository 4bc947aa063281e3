import { describe, expect, test } from "vitest";
import {
  affineFromCorners,
  canvasFromScoord,
  indexFromScoord,
  scoordFromCanvas,
  scoordFromIndex,
  scoordFromWorld,
  worldFromScoord,
  zoomOf,
} from "./coordinates";

describe("SCOORD and the index", () => {
  test("the first pixel's centre is (0.5, 0.5) in SCOORD and 0, 0 as an index", () => {
    expect(indexFromScoord([0.5, 0.5])).toEqual([0, 0]);
    expect(scoordFromIndex([0, 0])).toEqual([0.5, 0.5]);
    expect(scoordFromIndex([-0.5, -0.5])).toEqual([0, 0]);
  });

  test("world and back is the same point, on an oblique plane too", () => {
    const s = Math.SQRT1_2;
    const plane = {
      origin: [-166.5, -171.7, 1180] as [number, number, number],
      alongRow: [s, s, 0] as [number, number, number],
      downColumn: [-s, s, 0] as [number, number, number],
      columnSpacing: 0.703,
      rowSpacing: 0.625,
    };
    const there = worldFromScoord([341.5, 262.25], plane);
    const back = scoordFromWorld(there, plane);
    expect(back[0]).toBeCloseTo(341.5, 9);
    expect(back[1]).toBeCloseTo(262.25, 9);
    expect(worldFromScoord([0.5, 0.5], plane)).toEqual(plane.origin);
  });
});

describe("the view's affine", () => {
  test("maps the image's corners to where they are drawn, flipped and turned too", () => {
    // Turned by 90 degrees and flipped: columns run down, rows run to the left.
    const to = affineFromCorners([500, 20], [500, 420], [100, 20], 200, 100);
    expect(canvasFromScoord([0, 0], to)).toEqual([500, 20]);
    expect(canvasFromScoord([200, 100], to)).toEqual([100, 420]);
    expect(scoordFromCanvas([100, 420], to)).toEqual([200, 100]);
    expect(zoomOf(to)).toBe(4);
  });
});
