/** Where a row of the queue leads. */
import type { ReviewRow } from "@/lib/api-types";

/**
 * Into the room, in review; into one's own edit where one has begun it. A reading that was sent back is its reader's draft
 * again: there is nothing to look at until it is submitted anew.
 */
export function wayTo(slug: string, { case: one, reading, review }: ReviewRow, reader = ""): string | null {
  if (review?.decision === "sent_back") return null;
  const room = `/p/${slug}/read/`;
  const query = new URLSearchParams(reader ? { reader } : {});
  if (review?.is_mine && review.replacement?.state === "draft") {
    return `${room}${review.replacement.case}${query.size ? `?${query}` : ""}`;
  }
  query.set("review", reading);
  return `${room}${one.id}?${query}`;
}
