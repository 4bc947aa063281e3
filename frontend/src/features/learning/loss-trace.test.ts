import { describe, expect, it } from "vitest";
import { lossRows } from "@/features/learning/loss-trace";
import type { Round } from "@/lib/api-types";

const round = (loss: [number, number][], second_from: number | null) => ({ loss, second_from }) as Round;

describe("the loss of a round as a table", () => {
  it("has every step of the chart with its running mean", () => {
    const rows = lossRows(
      round(
        [
          [10, 3],
          [20, 2],
          [30, 1],
        ],
        null,
      ),
    );
    expect(rows).toEqual([
      ["training", "step", "loss", "running_mean"],
      [1, 10, 3, 2.5],
      [1, 20, 2, 2],
      [1, 30, 1, 1.5],
    ]);
  });
  it("tells two trainings apart, and takes no mean over both", () => {
    const rows = lossRows(
      round(
        [
          [10, 1],
          [20, 1],
          [30, 4],
          [40, 4],
        ],
        20,
      ),
    );
    expect(rows.slice(1)).toEqual([
      [1, 10, 1, 1],
      [1, 20, 1, 1],
      [2, 30, 4, 4],
      [2, 40, 4, 4],
    ]);
  });
});
