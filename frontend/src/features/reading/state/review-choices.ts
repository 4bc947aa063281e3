/** What may be decided on a reading now; where something may not, why (a key of the words file). */
import type { ReviewRow } from "@/lib/api-types";

export type Choice = "agree" | "edit" | "sendBack";
export type WhyNot = "offline" | "agreed" | "edited" | "blinded" | "notNow";

export function choicesFor(row: ReviewRow, isOnline: boolean): Record<Choice, WhyNot | null> {
  if (!isOnline) return { agree: "offline", edit: "offline", sendBack: "offline" };
  const { review } = row;
  const isEdit = review?.decision === "edited";
  if (isEdit && review.replacement?.state === "submitted") {
    return { agree: "edited", edit: "edited", sendBack: "edited" };
  }
  const mayNot = row.arm === "blinded" ? "blinded" : "notNow";
  const agreed = review?.decision === "agreed" && review.is_mine ? "agreed" : null;
  return { agree: agreed, edit: null, sendBack: row.may_send_back ? null : mayNot };
}

/** Whether one's own edit was begun: it is gone on with, or put aside by any other decision. */
export function isEditBegun(row: ReviewRow): boolean {
  const { review } = row;
  return review?.decision === "edited" && review.is_mine && review.replacement?.state === "draft";
}
