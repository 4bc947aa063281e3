import { describe, expect, test } from "vitest";
import type { Review, ReviewRow } from "@/lib/api-types";
import { choicesFor, isEditBegun } from "./review-choices";

const row = (extra: Partial<ReviewRow> = {}, review: Partial<Review> | null = null) =>
  ({
    arm: "assisted",
    may_send_back: true,
    ...extra,
    review: review && { decision: "agreed", is_mine: true, replacement: null, ...review },
  }) as ReviewRow;
const draft = { reading: "x", case: "c", state: "draft" as const };

describe("what may be decided", () => {
  test("is everything on a reading that waits", () => {
    expect(choicesFor(row(), true)).toEqual({ agree: null, edit: null, sendBack: null });
  });

  test("is nothing without a network", () => {
    expect(new Set(Object.values(choicesFor(row(), false)))).toEqual(new Set(["offline"]));
  });

  test("never sends back what was read blinded: what is said would unblind it", () => {
    const choices = choicesFor(row({ arm: "blinded", may_send_back: false }), true);
    expect(choices).toEqual({ agree: null, edit: null, sendBack: "blinded" });
  });

  test("can be changed by who agreed, and given beside by another", () => {
    expect(choicesFor(row({}, {}), true)).toEqual({ agree: "agreed", edit: null, sendBack: null });
    expect(choicesFor(row({}, { is_mine: false }), true).agree).toBeNull();
  });

  test("is everything, too, once one's own edit was begun: another decision puts that aside", () => {
    const begun = row({}, { decision: "edited", replacement: draft });
    expect(choicesFor(begun, true)).toEqual({ agree: null, edit: null, sendBack: null });
    expect([isEditBegun(begun), isEditBegun(row({}, { is_mine: false })), isEditBegun(row())]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("is nothing more once an edit has taken its place", () => {
    const done = row(
      {},
      { decision: "edited", is_mine: false, replacement: { ...draft, state: "submitted" as const } },
    );
    expect(new Set(Object.values(choicesFor(done, true)))).toEqual(new Set(["edited"]));
  });
});
