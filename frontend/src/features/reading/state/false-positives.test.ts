import { expect, test } from "vitest";
import type { Froc } from "@/lib/api-types";
import { falsePositivesAt } from "./false-positives";

const FROC: Froc = {
  n_cases: 48,
  points: [
    [0.9, 0, 0.2],
    [0.7, 0.25, 0.5],
    [0.4, 1.5, 0.8],
  ],
};

test("the false positives at a threshold are those of the scores that reach it", () => {
  expect([0.95, 0.9, 0.8, 0.7, 0.5, 0.4, 0.1].map((at) => falsePositivesAt(FROC, at))).toEqual([
    0, 0, 0, 0.25, 0.25, 1.5, 1.5,
  ]);
});
