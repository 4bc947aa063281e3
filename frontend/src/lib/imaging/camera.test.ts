import { describe, expect, test } from "vitest";
import { affineOf, boxOf, type Camera, FITTED, flipped, panned, scaleOf, turned, zoomed } from "./camera";
import { canvasFromScoord, type Point, scoordFromCanvas } from "./coordinates";

const SIZE = { width: 800, height: 600 };
const TALL = { columns: 100, rows: 200, spacing: [1, 1] as [number, number] };
const at = (camera: Camera, point: Point, extent = TALL) =>
  canvasFromScoord(point, affineOf(camera, extent, SIZE));

describe("a fitted image", () => {
  test("fills the shorter side and stands in the middle", () => {
    expect(boxOf(affineOf(FITTED, TALL, SIZE), TALL)).toEqual({ left: 250, top: 0, width: 300, height: 600 });
  });

  test("has its pixels' proportions", () => {
    const flat = { columns: 100, rows: 100, spacing: [0.5, 1] as [number, number] };
    const { a, b, c, d } = affineOf(FITTED, flat, SIZE);
    expect([a, b, c, d]).toEqual([8, 0, 0, 4]);
  });

  test("turned a quarter fits again, its top edge at the right", () => {
    const quarter = turned(FITTED);
    expect(boxOf(affineOf(quarter, TALL, SIZE), TALL)).toEqual({ left: 0, top: 100, width: 800, height: 400 });
    expect(at(quarter, [0, 0])).toEqual([800, 100]);
    expect(at(quarter, [100, 0])).toEqual([800, 500]);
  });

  test("turned four times is as it was", () => {
    expect(affineOf(turned(turned(turned(turned(FITTED)))), TALL, SIZE)).toEqual(affineOf(FITTED, TALL, SIZE));
  });
});

describe("a flip", () => {
  const moved = panned(zoomed(turned(FITTED), 4, 2, [30, -20]), 8, [13, 17]);

  test.each(["horizontal", "vertical"] as const)("mirrors the %s of what one sees, turned or not", (axis) => {
    for (const camera of [FITTED, turned(FITTED), moved, flipped(moved, "vertical")]) {
      for (const point of [
        [10, 20],
        [99, 3],
      ] as Point[]) {
        const [x, y] = at(camera, point);
        const [mx, my] = at(flipped(camera, axis), point);
        expect(mx).toBeCloseTo(axis === "horizontal" ? SIZE.width - x : x, 9);
        expect(my).toBeCloseTo(axis === "vertical" ? SIZE.height - y : y, 9);
      }
    }
  });

  test("done twice is none", () => {
    const twice = flipped(flipped(moved, "horizontal"), "horizontal");
    expect(affineOf(twice, TALL, SIZE)).toEqual(affineOf(moved, TALL, SIZE));
  });
});

describe("zoom and pan", () => {
  test("leave what lies under the pointer where it is", () => {
    for (const camera of [FITTED, turned(FITTED), flipped(FITTED, "horizontal")]) {
      const scale = scaleOf(camera, TALL, SIZE);
      const pointer: Point = [333, 444];
      const under = scoordFromCanvas(pointer, affineOf(camera, TALL, SIZE));
      const closer = zoomed(camera, scale, 3.7, [333 - 400, 444 - 300]);
      const [x, y] = at(closer, under);
      expect(x).toBeCloseTo(333, 9);
      expect(y).toBeCloseTo(444, 9);
      expect(scaleOf(closer, TALL, SIZE)).toBeCloseTo(scale * 3.7, 9);
    }
  });

  test("move the image with the pointer, whatever its flips and turns", () => {
    for (const camera of [FITTED, turned(flipped(FITTED, "vertical"))]) {
      const [x, y] = at(camera, [50, 50]);
      expect(at(panned(camera, scaleOf(camera, TALL, SIZE), [12, -7]), [50, 50])).toEqual([x + 12, y - 7]);
    }
  });

  test("a fitted image stays fitted in a pane of another size, a moved one keeps its share", () => {
    const small = { width: 400, height: 300 };
    expect(boxOf(affineOf(FITTED, TALL, small), TALL).height).toBe(300);
    const closer = zoomed(FITTED, scaleOf(FITTED, TALL, SIZE), 2, [0, 0]);
    expect(boxOf(affineOf(closer, TALL, small), TALL)).toEqual({ left: 50, top: -150, width: 300, height: 600 });
  });
});
