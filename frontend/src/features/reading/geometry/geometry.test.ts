import { describe, expect, test } from "vitest";
import type { Lesion } from "@/lib/api-types";
import type { Point } from "@/lib/imaging/coordinates";
import { nextBrushSize, paintStroke } from "./brush";
import { hitHandle, hitMark } from "./hit-test";
import {
  boxPoints,
  centreOf,
  coversPixel,
  ellipseInBox,
  handlesOf,
  outlineOf,
  pulledHandle,
  settled,
  shifted,
  staysInside,
} from "./mark";
import { gridFromBlob, type MaskGrid, sliceOf, storeMask, withSlice } from "./mask-grid";
import { sizeOf } from "./measure";
import { cornersOnly, crackOutlines, signedArea, simplifyOutline, smoothOutline } from "./outline";
import { decodeRuns, encodeRuns } from "./run-length";
import { sha256 } from "./sha256";

const EXTENT = { columns: 100, rows: 80 };

/** The same numbers on every run. */
function random(seed: number) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

describe("sha256", () => {
  test("gives what WebCrypto gives, at every length around a block's end", async () => {
    const next = random(1);
    for (const length of [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 1000, 70_001]) {
      const bytes = Uint8Array.from({ length }, () => Math.floor(next() * 256));
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
      expect(sha256(bytes)).toBe(hex);
    }
  });
});

describe("run lengths", () => {
  test("are little-endian 32-bit numbers that begin with the zeros", () => {
    expect([...encodeRuns(Uint8Array.from([0, 0, 1]))]).toEqual([2, 0, 0, 0, 1, 0, 0, 0]);
    expect([...encodeRuns(Uint8Array.from([1, 1, 0]))]).toEqual([0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]);
  });

  test("come back as the same mask", () => {
    const next = random(2);
    for (let round = 0; round < 50; round++) {
      const data = Uint8Array.from({ length: 1 + Math.floor(next() * 300) }, () => (next() > 0.6 ? 1 : 0));
      expect(decodeRuns(encodeRuns(data), data.length)).toEqual(data);
    }
  });

  test("that do not fill the shape are refused", () => {
    const blob = encodeRuns(Uint8Array.from([0, 1, 1]));
    expect(() => decodeRuns(blob, 4)).toThrow(/cover 3/);
    expect(() => decodeRuns(blob, 2)).toThrow(/more than 2/);
    expect(() => decodeRuns(new Uint8Array(3), 3)).toThrow();
  });
});

describe("masks", () => {
  test("are cropped to what is set and laid back at the same place", () => {
    const slice = { rows: 6, columns: 8, data: new Uint8Array(48) };
    slice.data[2 * 8 + 3] = 1;
    slice.data[4 * 8 + 6] = 1;
    const grid = withSlice(null, 5, slice) as MaskGrid;
    expect(grid.origin).toEqual([5, 2, 3]);
    expect(grid.shape).toEqual([1, 3, 4]);
    expect(sliceOf(grid, 5, 6, 8).data).toEqual(slice.data);
    expect(sliceOf(grid, 4, 6, 8).data.some(Boolean)).toBe(false);
    const stored = storeMask(grid);
    expect(gridFromBlob(stored.ref, stored.blob)).toEqual(grid);
  });

  test("grow and shrink through slices and vanish when the last pixel goes", () => {
    const at = (column: number, row: number) => {
      const slice = { rows: 10, columns: 10, data: new Uint8Array(100) };
      slice.data[row * 10 + column] = 1;
      return slice;
    };
    let grid = withSlice(null, 3, at(1, 1));
    grid = withSlice(grid, 5, at(8, 7));
    expect(grid?.origin).toEqual([3, 1, 1]);
    expect(grid?.shape).toEqual([3, 7, 8]);
    grid = withSlice(grid, 3, { rows: 10, columns: 10, data: new Uint8Array(100) });
    expect(grid).toEqual({ origin: [5, 7, 8], shape: [1, 1, 1], data: Uint8Array.from([1]) });
    expect(withSlice(grid, 5, { rows: 10, columns: 10, data: new Uint8Array(100) })).toBeNull();
  });
});

describe("the brush", () => {
  const empty = () => ({ rows: 5, columns: 6, data: new Uint8Array(30) });
  const set = (slice: { data: Uint8Array; columns: number }) =>
    [...slice.data.entries()]
      .filter(([, v]) => v)
      .map(([i]) => [i % slice.columns, Math.floor(i / slice.columns)]);

  test("of size 1 in the top-left corner sets pixel (0, 0) and no other", () => {
    for (const at of [
      [0.01, 0.01],
      [0.5, 0.5],
      [0.99, 0.99],
    ] as Point[]) {
      const slice = empty();
      paintStroke(slice, at, at, 1, 1);
      expect(set(slice)).toEqual([[0, 0]]);
    }
  });

  test("sets the pixels whose centres lie within half its diameter", () => {
    const slice = empty();
    paintStroke(slice, [2.5, 2.5], [2.5, 2.5], 3, 1);
    expect(set(slice)).toEqual(
      [
        [2, 1],
        [1, 2],
        [2, 2],
        [3, 2],
        [2, 3],
        [1, 1],
        [3, 1],
        [1, 3],
        [3, 3],
      ].sort((p, q) => (p[1] as number) - (q[1] as number) || (p[0] as number) - (q[0] as number)),
    );
  });

  test("leaves no gap on a fast stroke and nothing outside the image", () => {
    const slice = empty();
    paintStroke(slice, [-3, 1.5], [9, 1.5], 1, 1);
    expect(set(slice)).toEqual([0, 1, 2, 3, 4, 5].map((column) => [column, 1]));
    paintStroke(slice, [0.5, 1.5], [5.5, 1.5], 1, 0);
    expect(set(slice)).toEqual([]);
  });

  test("sizes step up and down and stop at the ends", () => {
    expect(nextBrushSize(1, -1)).toBe(1);
    expect(nextBrushSize(9, 1)).toBe(12);
    expect(nextBrushSize(80, 1)).toBe(80);
  });
});

describe("outlines of a mask", () => {
  test("follow the cracks between pixels, a hole runs the other way", () => {
    // biome-ignore format: a picture of the mask
    const ring = Uint8Array.from([
      1, 1, 1,
      1, 0, 1,
      1, 1, 1,
    ]);
    const outlines = crackOutlines(ring, 3, 3);
    expect(outlines.map((outline) => signedArea(outline)).sort((a, b) => b - a)).toEqual([9, -1]);
    expect(cornersOnly(outlines[0] as Point[])).toEqual([
      [0, 0],
      [3, 0],
      [3, 3],
      [0, 3],
    ]);
  });

  test("of pixels that touch at a corner are two", () => {
    const outlines = crackOutlines(Uint8Array.from([1, 0, 0, 1]), 2, 2);
    expect(outlines.map((outline) => signedArea(outline))).toEqual([1, 1]);
  });

  test("smooth to a diamond for one pixel and simplify to few corners", () => {
    const one = crackOutlines(Uint8Array.from([1]), 1, 1)[0] as Point[];
    expect(smoothOutline(one)).toEqual([
      [0.5, 0],
      [1, 0.5],
      [0.5, 1],
      [0, 0.5],
    ]);
    const circle = Array.from({ length: 200 }, (_, i): Point => {
      const angle = (i / 200) * 2 * Math.PI;
      return [50 + 20 * Math.cos(angle), 40 + 20 * Math.sin(angle)];
    });
    const few = simplifyOutline(circle, 0.5);
    expect(few.length).toBeLessThan(24);
    expect(Math.abs(signedArea(few))).toBeGreaterThan(0.95 * Math.PI * 400);
  });
});

describe("marks", () => {
  test("a box keeps its two corners sorted however it is drawn or pulled", () => {
    const box = boxPoints([30, 40], [10, 20]);
    expect(box).toEqual([
      [10, 20],
      [30, 40],
    ]);
    expect(pulledHandle("box", box, 0, [50, 60])).toEqual([
      [30, 40],
      [50, 60],
    ]);
    expect(pulledHandle("box", box, 3, [35, 0])).toEqual([
      [10, 20],
      [35, 40],
    ]);
    expect(handlesOf("box", box)).toHaveLength(8);
  });

  test("an ellipse stores the ends of its major axis first", () => {
    expect(ellipseInBox([10, 10], [20, 40])).toEqual([
      [15, 10],
      [15, 40],
      [10, 25],
      [20, 25],
    ]);
  });

  test("a pulled ellipse axis turns the other with it, and the order is settled at the end", () => {
    const ellipse = ellipseInBox([10, 10], [20, 40]);
    const pulled = pulledHandle("ellipse", ellipse, 3, [45, 25]);
    expect(pulled[3]).toEqual([45, 25]);
    expect(settled("ellipse", pulled)[1]).toEqual([45, 25]);
    expect(centreOf("ellipse", pulled)[0]).toBeCloseTo(15, 6);
  });

  test("a shift stops at the image's border", () => {
    expect(shifted("box", boxPoints([10, 10], [20, 20]), [-50, 500], EXTENT)).toEqual([
      [0, 70],
      [10, 80],
    ]);
  });

  test("covers a pixel only when a centre lies inside", () => {
    expect(coversPixel("box", boxPoints([0.6, 0.6], [1.4, 1.4]))).toBe(false);
    expect(coversPixel("box", boxPoints([0.4, 0.4], [0.7, 0.7]))).toBe(true);
  });

  test("a tilted ellipse can leave the image though its four points do not", () => {
    const tilted: Point[] = [
      [2, 2],
      [22, 22],
      [20, 4],
      [4, 20],
    ];
    expect(staysInside("ellipse", tilted, EXTENT)).toBe(false);
    expect(outlineOf("ellipse", tilted)).toHaveLength(72);
  });
});

describe("sizes", () => {
  const lesion = (kind: Lesion["kind"], points: Point[]): Lesion => ({
    id: "a",
    finding_type: 1,
    kind,
    sop_instance_uid: "1.2",
    frame: 1,
    points,
    mask: null,
    drawn_as: null,
    attributes: {},
    score: null,
    origin: "drawn",
    origin_lesion: null,
    origin_score: null,
    moved_pixels: null,
  });

  test("are millimetres by the spacing of rows and columns, pixels without", () => {
    const box = lesion("box", boxPoints([0, 0], [10, 20]));
    expect(sizeOf(box, [0.5, 0.7], null)).toEqual({ long: 7, short: 10, unit: "mm" });
    expect(sizeOf(box, null, null)).toEqual({ long: 10, short: 20, unit: "px" });
  });

  test("of an outline are its longest diameter and the width square to it", () => {
    const diamond = lesion("polygon", [
      [0, 5],
      [20, 0],
      [40, 5],
      [20, 10],
    ]);
    const size = sizeOf(diamond, null, null);
    expect(size?.long).toBeCloseTo(40);
    expect(size?.short).toBeCloseTo(10);
  });

  test("of a mask are those of its largest slice", () => {
    const slice = { rows: 9, columns: 9, data: new Uint8Array(81) };
    paintStroke(slice, [2, 4.5], [6, 4.5], 1, 1);
    const grid = withSlice(null, 0, slice);
    const size = sizeOf(lesion("mask", []), null, grid);
    expect(size?.long).toBeCloseTo(Math.hypot(5, 1), 5);
  });
});

describe("the pointer", () => {
  const to = { a: 2, b: 0, c: 0, d: 2, e: 10, f: 10 };
  const square = { id: "square", outlines: [boxToOutline([10, 10], [20, 20])] };
  const around = { id: "around", outlines: [boxToOutline([0, 0], [40, 40])] };

  test("takes the nearest edge, else the smallest mark around it", () => {
    expect(hitMark([31, 40], [around, square], to)).toEqual({ id: "square", part: "edge" });
    expect(hitMark([40, 40], [around, square], to)).toEqual({ id: "square", part: "inside" });
    expect(hitMark([70, 70], [around, square], to)).toEqual({ id: "around", part: "inside" });
    expect(hitMark([200, 200], [around, square], to)).toBeNull();
  });

  test("grabs a handle within nine pixels", () => {
    const handles = handlesOf("box", boxPoints([10, 10], [20, 20]));
    expect(hitHandle([40, 40], handles, to)).toBeNull();
    expect(hitHandle([32, 33], handles, to)?.id).toBe(0);
  });

  function boxToOutline(from: Point, corner: Point): Point[] {
    return outlineOf("box", boxPoints(from, corner));
  }
});
