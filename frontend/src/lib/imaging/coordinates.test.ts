import { describe, expect, test } from "vitest";
import { canvasFromScoord, discOnCanvas, scoordFromCanvas, zoomAlongRow, zoomOf } from "./coordinates";

describe("the view's affine", () => {
  test("maps the image's corners to where they are drawn, flipped and turned too", () => {
    // Of 200 by 100 pixels, turned by 90 degrees and flipped: columns run down, rows run to the left.
    const to = { a: 0, b: 2, c: -4, d: 0, e: 500, f: 20 };
    expect(canvasFromScoord([0, 0], to)).toEqual([500, 20]);
    expect(canvasFromScoord([200, 100], to)).toEqual([100, 420]);
    expect(scoordFromCanvas([100, 420], to)).toEqual([200, 100]);
    expect(zoomOf(to)).toBe(4);
  });

  test("tells rows from columns where they lie differently far apart, turned too", () => {
    const upright = { a: 2, b: 0, c: 0, d: 6, e: 0, f: 0 };
    const turned = { a: 0, b: 2, c: -6, d: 0, e: 500, f: 20 };
    expect([zoomAlongRow(upright), zoomAlongRow(turned)]).toEqual([2, 2]);
    expect([discOnCanvas(5, upright), discOnCanvas(5, turned)]).toEqual([
      [10, 30],
      [30, 10],
    ]);
  });
});
