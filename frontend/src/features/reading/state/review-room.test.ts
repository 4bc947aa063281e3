import { describe, expect, test } from "vitest";
import type { Reading, ReviewRow, Room } from "@/lib/api-types";
import { ReviewGone, underReview } from "./review-room";

const reading = (id: string, state = "submitted") => ({ id, state, lesions: [] }) as unknown as Reading;
const row = { reading: "theirs" } as ReviewRow;
const room = (own: Reading | null, others: Reading[]) =>
  ({ reading: own, others, readonly: null, first_look: true, next: [{ id: "n" }] }) as unknown as Room;

describe("a room in review", () => {
  test("has the reviewed reading in the place of one's own, and cannot be written in", () => {
    const opened = underReview(room(null, [reading("theirs"), reading("third")]), row, "theirs");
    expect(opened.reading.id).toBe("theirs");
    expect(opened.readonly).toBe("submitted");
    expect(opened.others.map(({ id }) => id)).toEqual(["third"]);
    expect(opened.review).toBe(row);
  });

  test("shows one's own submitted reading beside it, never one's draft", () => {
    expect(underReview(room(reading("own"), [reading("theirs")]), row, "theirs").others).toHaveLength(1);
    expect(underReview(room(reading("own", "draft"), [reading("theirs")]), row, "theirs").others).toEqual([]);
  });

  test("is none where the reading is not to be seen, or not to be reviewed", () => {
    expect(() => underReview(room(null, []), row, "theirs")).toThrow(ReviewGone);
    expect(() => underReview(room(null, [reading("theirs")]), undefined, "theirs")).toThrow(ReviewGone);
  });
});
