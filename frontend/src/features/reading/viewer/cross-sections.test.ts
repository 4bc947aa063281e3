import { expect, test } from "vitest";
import type { Point } from "@/lib/imaging/coordinates";
import { outlinesAcross, stretchesOn } from "./cross-sections";

const square: Point[] = [
  [10, 20],
  [30, 20],
  [30, 60],
  [10, 60],
];
const hole: Point[] = [
  [15, 30],
  [25, 30],
  [25, 40],
  [15, 40],
];

test("a plane across the slices cuts an outline where it runs through it, holes left out", () => {
  expect(stretchesOn([square], "column", 12)).toEqual([[20, 60]]);
  expect(stretchesOn([square], "row", 35)).toEqual([[10, 30]]);
  expect(stretchesOn([square, hole], "column", 20)).toEqual([
    [20, 30],
    [40, 60],
  ]);
  expect(stretchesOn([square], "column", 31)).toEqual([]);
});

test("a plane through a corner cuts it once, and one along an edge does not come out odd", () => {
  const diamond: Point[] = [
    [0, 10],
    [10, 0],
    [20, 10],
    [10, 20],
  ];
  expect(stretchesOn([diamond], "column", 10)).toEqual([[0, 20]]);
  expect(stretchesOn([square], "column", 10)).toEqual([]);
  expect(stretchesOn([square], "column", 30)).toEqual([[20, 60]]);
});

test("what neighbouring slices hold is one outline, what lies apart are two, and a hole stays one", () => {
  const sorted = (outlines: Point[][]) => outlines.map((one) => one.map(String).sort());
  expect(sorted(outlinesAcross([[[10, 20]], [[10, 20]], [[15, 30]]]))).toEqual([
    ["10,0", "10,2", "15,2", "15,3", "20,0", "20,2", "30,2", "30,3"],
  ]);
  expect(outlinesAcross([[[10, 20]], [], [[10, 20]]])).toHaveLength(2);
  const ring: [number, number][][] = [
    [[0, 9]],
    [
      [0, 3],
      [6, 9],
    ],
    [[0, 9]],
  ];
  expect(sorted(outlinesAcross(ring))).toEqual([
    ["0,0", "0,3", "9,0", "9,3"],
    ["3,1", "3,2", "6,1", "6,2"],
  ]);
  expect(outlinesAcross([[], []])).toEqual([]);
});
