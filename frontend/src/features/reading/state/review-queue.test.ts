import { describe, expect, test } from "vitest";
import type { Review, ReviewRow } from "@/lib/api-types";
import { comingAfter, queueAddress, reviewAddress, rowsAfter } from "./review-queue";

function row(reading: string, minute: number, review: Partial<Review> | null = null): ReviewRow {
  return {
    reading,
    revision: 1,
    case: { id: `case-${reading}`, name: reading, number: 1, modality: "US", thumbnail: "/t" },
    reader: { username: "amina", name: "Amina" },
    verdict: "lesions",
    n_lesions: 1,
    submitted_at: `2026-11-01T10:${String(minute).padStart(2, "0")}:00Z`,
    arm: "assisted",
    may_send_back: true,
    review: review && {
      decision: "agreed",
      comment: "",
      reviewer: { username: "rui", name: "Rui" },
      decided_at: "2026-11-02T10:00:00Z",
      is_mine: true,
      replacement: null,
      ...review,
    },
  };
}

const names = (rows: ReviewRow[]) => rows.map(({ reading }) => reading);
const queue = [row("a", 1), row("b", 2), row("c", 3), row("d", 4)];
/** Pages of two. */
const paged = (rows: ReviewRow[]) => {
  const asked: (string | null)[] = [];
  const pageAt = async (cursor: string | null) => {
    asked.push(cursor);
    const from = Number(cursor ?? 0);
    return { results: rows.slice(from, from + 2), next: from + 2 < rows.length ? String(from + 2) : null };
  };
  return { asked, pageAt };
};

describe("what comes next in the queue", () => {
  test("is what stands after the reading, which is still there when it was skipped", () => {
    expect(names(rowsAfter(queue, row("b", 2)))).toEqual(["c", "d"]);
    expect(rowsAfter(queue, row("d", 4))).toEqual([]);
  });

  test("is what was submitted after it, once it was decided on and has left", () => {
    expect(names(rowsAfter([row("a", 1), row("c", 3)], row("b", 2)))).toEqual(["c"]);
  });

  test("leaves out edits that were begun", () => {
    const begun = row("c", 3, {
      decision: "edited",
      replacement: { reading: "x", case: "case-c", state: "draft" },
    });
    expect(names(rowsAfter([row("a", 1), begun, row("d", 4)], row("a", 1)))).toEqual(["d"]);
  });

  test("is looked for page by page, and no further than needed", async () => {
    const { asked, pageAt } = paged(queue);
    expect(names(await comingAfter(row("a", 1), 1, pageAt))).toEqual(["b"]);
    expect(asked).toEqual([null]);
    expect(names(await comingAfter(row("b", 2), 3, pageAt))).toEqual(["c", "d"]);
    expect(await comingAfter(row("d", 4), 3, pageAt)).toEqual([]);
  });

  test("is never a reading that was skipped, also where two were submitted at one time", async () => {
    const { pageAt } = paged([row("a", 1), row("b", 1), row("c", 1), row("d", 1)]);
    expect(names(await comingAfter(row("c", 1), 3, pageAt))).toEqual(["d"]);
  });
});

test("the room in review keeps the reader whose part of the queue is gone through", () => {
  expect(reviewAddress("breast", row("a", 1), "")).toBe("/p/breast/read/case-a?review=a");
  expect(reviewAddress("breast", row("a", 1), "amina")).toBe("/p/breast/read/case-a?reader=amina&review=a");
  expect(queueAddress("breast", "")).toBe("/p/breast/review");
  expect(queueAddress("breast", "amina")).toBe("/p/breast/review?reader=amina");
});
