import { describe, expect, test } from "vitest";
import type { Point } from "@/lib/imaging/coordinates";
import { crossesItself, withoutTails } from "./crossing";
import { distances, interpolated } from "./interpolate";
import { WIRE_REACH, Wire } from "./livewire";
import { isInside } from "./mark";
import type { MaskGrid, Triple } from "./mask-grid";
import {
  copiedFrame,
  cropped,
  filledHoles,
  isSet,
  markedFrames,
  pieces,
  planeOf,
  united,
  voxelCount,
  without,
} from "./mask-volume";
import { diametersOf, measuredBy, withShortAxis } from "./measurement";
import { maskOfPoints, rasterised } from "./rasterise";
import { grown, rangeAround, reachOf, type Voxels } from "./region-grow";
import { snapped } from "./snap";
import { splineOutline } from "./spline";
import { statisticsOf } from "./statistics";

/** Frames of text, "#" is set, at an origin. */
function mask(origin: Triple, ...frames: string[][]): MaskGrid {
  const lines = frames.flat();
  const shape: Triple = [frames.length, frames[0]?.length ?? 0, lines[0]?.length ?? 0];
  return { origin, shape, data: Uint8Array.from([...lines.join("")].map((letter) => (letter === "#" ? 1 : 0))) };
}

const text = (grid: MaskGrid) =>
  Array.from({ length: grid.shape[0] }, (_, f) => {
    const plane = [...planeOf(grid, grid.origin[0] + f)].map((value) => (value ? "#" : ".")).join("");
    return Array.from({ length: grid.shape[1] }, (_, r) =>
      plane.slice(r * grid.shape[2], (r + 1) * grid.shape[2]),
    );
  });

function disc(frame: number, row: number, column: number, radius: number): MaskGrid {
  const points: Point[] = [
    [column - radius, row],
    [column + radius, row],
    [column, row - radius],
    [column, row + radius],
  ];
  return maskOfPoints("ellipse", points, frame, { rows: 200, columns: 200 }) as MaskGrid;
}

describe("a mask as one body through the slices", () => {
  test("is cropped to what is set and keeps its place", () => {
    const grid = cropped(mask([4, 10, 20], ["....", "....", "...."], ["....", ".##.", "...."]));
    expect(grid?.origin).toEqual([5, 11, 21]);
    expect(grid && text(grid)).toEqual([["##"]]);
    expect(cropped(mask([0, 0, 0], [".."]))).toBeNull();
  });

  test("joins what lies on different slices and at different places", () => {
    const joined = united([mask([2, 0, 0], ["##"]), mask([4, 1, 3], ["#"])]) as MaskGrid;
    expect(joined.origin).toEqual([2, 0, 0]);
    expect(text(joined)).toEqual([
      ["##..", "...."],
      ["....", "...."],
      ["....", "...#"],
    ]);
    expect(markedFrames(joined)).toEqual([2, 4]);
  });

  test("gives up what another mask takes", () => {
    expect(text(without(mask([0, 0, 0], ["###", "###"]), mask([0, 0, 1], ["#", "#"])) as MaskGrid)).toEqual([
      ["#.#", "#.#"],
    ]);
    expect(without(mask([0, 0, 0], ["#"]), mask([0, 0, 0], ["#"]))).toBeNull();
  });

  test("is copied to the next slice and nothing else changes", () => {
    const copied = copiedFrame(mask([3, 5, 5], ["#.", "##"]), 3, 4);
    expect(text(copied)).toEqual([
      ["#.", "##"],
      ["#.", "##"],
    ]);
    expect(copied.origin).toEqual([3, 5, 5]);
  });

  test("fills what a slice encloses, not what is open to a side", () => {
    const filled = filledHoles(mask([0, 0, 0], ["####", "#..#", "####"], ["####", "#...", "####"]));
    expect(text(filled)).toEqual([
      ["####", "####", "####"],
      ["####", "#...", "####"],
    ]);
  });

  test("falls apart into pieces that do not touch, the largest first; corners and slices hold together", () => {
    const parts = pieces(mask([0, 0, 0], ["#....", ".#..#", "....."], [".....", ".....", "..#.."]));
    expect(parts.map(voxelCount)).toEqual([3, 1]);
    expect(parts[1]?.origin).toEqual([0, 1, 4]);
  });
});

describe("rasterising", () => {
  test("a pixel belongs to the outline that its centre lies in", () => {
    const outline: Point[] = [
      [1.2, 0.7],
      [9.4, 2.1],
      [7.7, 8.9],
      [2.1, 6.2],
    ];
    const { top, left, rows, columns, data } = rasterised([outline], { rows: 20, columns: 20 });
    for (let row = 0; row < 20; row++) {
      for (let column = 0; column < 20; column++) {
        const [r, c] = [row - top, column - left];
        const set = r >= 0 && c >= 0 && r < rows && c < columns && data[r * columns + c] === 1;
        expect(set).toBe(isInside([column + 0.5, row + 0.5], outline));
      }
    }
  });

  test("what an outline encloses twice is outside, and what lies off the image is cut", () => {
    const twice: Point[] = [
      [0, 0],
      [6, 0],
      [6, 6],
      [0, 6],
      [0, 2],
      [4, 2],
      [4, 4],
      [0, 4],
    ];
    expect(crossesItself(twice)).toBe(false);
    const grid = maskOfPoints(
      "polygon",
      [
        [-5, -5],
        [3, -5],
        [3, 2],
        [-5, 2],
      ],
      7,
      { rows: 10, columns: 10 },
    ) as MaskGrid;
    expect([grid.origin, grid.shape]).toEqual([
      [7, 0, 0],
      [1, 2, 3],
    ]);
  });
});

describe("interpolation between marked slices", () => {
  test("distances are those of brute force", () => {
    const plane = mask([0, 0, 0], ["......", "..#...", "....#.", "......"]).data;
    const found = distances(plane, 4, 6, 2, 0.5, 1);
    for (let at = 0; at < 24; at++) {
      const [row, column] = [Math.floor(at / 6), at % 6];
      const least = Math.min(
        Math.hypot((row - 1) * 2, (column - 2) / 2),
        Math.hypot((row - 2) * 2, (column - 4) / 2),
      );
      expect(found[at]).toBeCloseTo(least, 9);
    }
  });

  test("between a small and a large disc lies one of middle size, at the middle place", () => {
    const grid = united([disc(10, 60, 60, 8), disc(14, 60, 100, 16)]) as MaskGrid;
    const between = interpolated(grid);
    expect(markedFrames(between)).toEqual([10, 11, 12, 13, 14]);
    const plane = planeOf(between, 12);
    let [n, row, column] = [0, 0, 0];
    plane.forEach((value, at) => {
      if (!value) return;
      n += 1;
      row += Math.floor(at / between.shape[2]) + between.origin[1] + 0.5;
      column += (at % between.shape[2]) + between.origin[2] + 0.5;
    });
    expect(Math.sqrt(n / Math.PI)).toBeCloseTo(12, 0);
    expect(Math.abs(row / n - 60)).toBeLessThan(0.6);
    expect(Math.abs(column / n - 80)).toBeLessThan(0.6);
  });

  test("marked slices stay exactly as they were, and nothing is added outside of them", () => {
    const grid = united([disc(3, 50, 50, 9), disc(6, 52, 55, 4)]) as MaskGrid;
    const between = interpolated(grid, 0.7, 0.7);
    expect(markedFrames(between)).toEqual([3, 4, 5, 6]);
    for (const frame of [3, 6]) {
      for (let row = 30; row < 80; row++) {
        for (let column = 30; column < 80; column++) {
          expect(isSet(between, frame, row, column)).toBe(isSet(grid, frame, row, column));
        }
      }
    }
    expect(interpolated(disc(3, 50, 50, 9))).toEqual(disc(3, 50, 50, 9));
  });
});

describe("region growing", () => {
  /** A bright ball of radius 6 mm at (5, 40, 40) in dark tissue, with a bright vessel through it; counts what is read. */
  function ball(rows = 100, columns = 100) {
    const read = { count: 0 };
    const voxels: Voxels = {
      frames: 12,
      rows,
      columns,
      spacing: [2, 1, 1],
      value: (frame, row, column) => {
        read.count += 1;
        const inBall = Math.hypot((frame - 5) * 2, row - 40, column - 40) <= 6;
        return inBall || (frame === 5 && row === 40) ? 50 : -800;
      },
    };
    return { voxels, read };
  }

  test("takes what hangs together in the range, through the slices", () => {
    const { voxels } = ball();
    const grid = grown(voxels, { seed: [5, 40, 40], low: 0, high: 100, radius: 8 }) as MaskGrid;
    expect(markedFrames(grid)).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect(isSet(grid, 2, 40, 40)).toBe(true);
    expect(isSet(grid, 5, 40, 48)).toBe(true);
    expect(isSet(grid, 5, 40, 49)).toBe(false);
    expect(isSet(grid, 4, 40, 47)).toBe(false);
    expect(grown(voxels, { seed: [5, 10, 10], low: 0, high: 100, radius: 8 })).toBeNull();
  });

  test("reads no more than the ball of the radius, however large the image is", () => {
    const growth = { seed: [5, 40, 40] as Triple, low: 0, high: 100, radius: 8 };
    const [small, large] = [ball(), ball(3000, 3000)];
    grown(small.voxels, growth);
    grown(large.voxels, growth);
    expect(large.read.count).toBe(small.read.count);
    const [first, last] = reachOf(large.voxels, growth);
    expect(large.read.count).toBeLessThanOrEqual(
      [0, 1, 2].reduce((size, axis) => size * ((last[axis] as number) - (first[axis] as number) + 1), 1),
    );
  });

  test("the range of a dynamic brush is that of the tissue under it", () => {
    const { voxels } = ball();
    expect(rangeAround(voxels, [5, 40, 40], 3, 2)).toEqual({ low: 49, high: 51 });
    const mixed = rangeAround(voxels, [5, 40, 46], 3, 2);
    expect(mixed && mixed.low < -800 && mixed.high > 50).toBe(true);
  });
});

describe("contours", () => {
  const square: Point[] = [
    [10, 10],
    [50, 10],
    [50, 50],
    [10, 50],
  ];

  test("a spline passes through its places and stays near them", () => {
    const line = splineOutline(square);
    for (const control of square)
      expect(line.some((p) => Math.hypot(p[0] - control[0], p[1] - control[1]) < 1e-6)).toBe(true);
    for (const [x, y] of line) {
      expect(x).toBeGreaterThan(0);
      expect(y).toBeLessThan(60);
    }
    expect(crossesItself(line)).toBe(false);
  });

  test("a figure of eight is known for one, a square is not", () => {
    expect(crossesItself(square)).toBe(false);
    expect(crossesItself([square[0], square[2], square[1], square[3]] as Point[])).toBe(true);
  });

  test("tails that stand over where a freehand line closes are cut off, and a plain line stays as it is", () => {
    const line: Point[] = [
      [10, 20],
      [50, 20],
      [50, 50],
      [20, 50],
      [20, 10],
    ];
    expect(crossesItself(line)).toBe(true);
    expect(withoutTails(line)).toEqual([
      [20, 20],
      [50, 20],
      [50, 50],
      [20, 50],
    ]);
    expect(withoutTails(square)).toEqual(square);
  });

  /** A disc of 30 at (100, 100) in a large image; counts what is read. */
  function image(rows = 200, columns = 200) {
    const read = { count: 0 };
    const value = (row: number, column: number) => {
      read.count += 1;
      return Math.hypot(row + 0.5 - 100, column + 0.5 - 100) < 30 ? 200 : 20;
    };
    return { read, grey: { rows, columns, value } };
  }

  test("a live wire follows the edge and not the straight way", () => {
    const wire = new Wire(image().grey, [130, 100]);
    const line = wire.to([100, 70]);
    expect(line[0]).toEqual([130, 100]);
    expect(line.at(-1)).toEqual([100, 70]);
    expect(line.length).toBeGreaterThan(30);
    for (const [x, y] of line) expect(Math.abs(Math.hypot(x - 100, y - 100) - 30)).toBeLessThan(3);
  });

  test("a live wire costs the same on a radiograph of 3000 × 3000", () => {
    const [small, large] = [image(), image(3000, 3000)];
    new Wire(small.grey, [100, 100]);
    new Wire(large.grey, [1500, 1500]);
    expect(large.read.count).toBeLessThanOrEqual(12 * (2 * WIRE_REACH + 1) ** 2);
    expect(large.read.count).toBeLessThan(small.read.count * 1.1);
  });

  test("a rough outline is pulled onto the edge", () => {
    const rough = Array.from({ length: 40 }, (_, i): Point => {
      const angle = (i / 40) * 2 * Math.PI;
      return [102 + 35 * Math.cos(angle), 97 + 27 * Math.sin(angle)];
    });
    const line = snapped(rough, image().grey) as Point[];
    for (const [x, y] of line) expect(Math.abs(Math.hypot(x - 100, y - 100) - 30)).toBeLessThan(2);
    const hook: Point[] = [
      [80, 80],
      [120, 80],
      [120, 82],
      [82, 82],
      [82, 118],
      [120, 118],
      [120, 120],
      [80, 120],
    ];
    expect(snapped(hook, image().grey)).toBeNull();
  });
});

describe("measuring", () => {
  const points: Point[] = [
    [10, 10],
    [40, 50],
  ];

  test("lengths and areas are millimetres where the spacing is known, pixels where not", () => {
    expect(measuredBy("length", points, null)).toEqual({ kind: "length", length: 50, unit: "px" });
    const found = measuredBy("length", points, [0.5, 2]);
    expect(found.kind === "length" && found.length).toBeCloseTo(Math.hypot(60, 20));
    const roi: Point[] = [
      [0, 10],
      [20, 10],
      [10, 5],
      [10, 15],
    ];
    const area = measuredBy("roi", roi, [2, 0.5]);
    expect(area.kind === "roi" && area.area).toBeCloseTo(Math.PI * 50);
  });

  test("an angle is one of the patient", () => {
    const arms: Point[] = [
      [10, 0],
      [0, 0],
      [10, 10],
    ];
    const found = measuredBy("angle", arms, [Math.sqrt(3), 1]);
    expect(found.kind === "angle" && found.degrees).toBeCloseTo(60);
  });

  test("the short diameter stands square to the long one in millimetres", () => {
    const [a, b, c, d] = withShortAxis([10, 10], [40, 30], [0.5, 2]) as [Point, Point, Point, Point];
    const long = [(b[0] - a[0]) * 2, (b[1] - a[1]) * 0.5] as const;
    const short = [(d[0] - c[0]) * 2, (d[1] - c[1]) * 0.5] as const;
    expect(long[0] * short[0] + long[1] * short[1]).toBeCloseTo(0);
    expect(Math.hypot(...short) / Math.hypot(...long)).toBeCloseTo(0.6);
  });

  test("an ellipse's own diameters are its axes", () => {
    const outline = Array.from({ length: 120 }, (_, i): Point => {
      const angle = (i / 120) * 2 * Math.PI;
      return [100 + 30 * Math.cos(angle), 80 + 12 * Math.sin(angle)];
    });
    const found = diametersOf(outline, null) as Point[];
    const size = measuredBy("bidirectional", found, null);
    expect(size.kind === "bidirectional" && [size.long, size.short].map((mm) => Math.round(mm))).toEqual([60, 24]);
  });

  test("statistics of a region are those of its pixels", () => {
    const values = [1, 2, 3, 4];
    const found = statisticsOf(
      mask([0, 0, 0], ["##", "##"]),
      (_, row, column) => values[row * 2 + column] as number,
    );
    expect(found).toEqual({ n: 4, mean: 2.5, sd: Math.sqrt(1.25), min: 1, max: 4 });
    expect(statisticsOf(mask([0, 0, 0], ["#"]), () => null)).toBeNull();
  });
});
