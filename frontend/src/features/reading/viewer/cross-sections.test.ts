import { expect, test } from "vitest";
import type { Point } from "@/lib/imaging/coordinates";
import { stretchesOn } from "./cross-sections";

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
