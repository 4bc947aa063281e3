import { describe, expect, test } from "vitest";
import type { Review, ReviewRow } from "@/lib/api-types";
import { wayTo } from "./way-to";

const row = (review: Partial<Review> | null = null): ReviewRow => ({
  reading: "r1",
  revision: 2,
  case: { id: "c1", name: "US-0001", number: 1, modality: "US", thumbnail: "/t" },
  reader: { username: "amina", name: "Amina" },
  verdict: "lesions",
  n_lesions: 1,
  submitted_at: "2026-11-01T10:00:00Z",
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
});
const begun = { reading: "r2", case: "c1", state: "draft" as const };

describe("a row of the queue", () => {
  test("leads into the room in review, and keeps the reader that the queue is of", () => {
    expect(wayTo("breast", row())).toBe("/p/breast/read/c1?review=r1");
    expect(wayTo("breast", row(), "amina")).toBe("/p/breast/read/c1?reader=amina&review=r1");
    expect(wayTo("breast", row({ decision: "agreed" }))).toBe("/p/breast/read/c1?review=r1");
  });

  test("leads to one's own edit where that was begun, never to another's", () => {
    expect(wayTo("breast", row({ decision: "edited", replacement: begun }))).toBe("/p/breast/read/c1");
    expect(wayTo("breast", row({ decision: "edited", replacement: begun }), "amina")).toBe(
      "/p/breast/read/c1?reader=amina",
    );
    expect(wayTo("breast", row({ decision: "edited", is_mine: false, replacement: begun }))).toContain(
      "review=r1",
    );
    expect(
      wayTo("breast", row({ decision: "edited", replacement: { ...begun, state: "submitted" as const } })),
    ).toContain("review=r1");
  });

  test("leads nowhere while its reading is the reader's draft again", () => {
    expect(wayTo("breast", row({ decision: "sent_back" }))).toBeNull();
  });
});
