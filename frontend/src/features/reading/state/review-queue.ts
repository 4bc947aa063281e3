/** Which reading comes after the one under review: the room goes through the queue in its order, once. */
import type { ReviewQueue, ReviewRow } from "@/lib/api-types";

/** More pages than this are not walked for one step: 50 readings a page. */
const MOST_PAGES = 40;

export interface Place {
  reading: string;
  submitted_at: string | null;
}

/** An edit that somebody has begun is his to finish. */
const isOpen = ({ review }: ReviewRow) => review?.decision !== "edited";

/**
 * The rows after a place in the queue, those of one page of it: none while the place is still to come.
 *
 * A reading that was decided on has left the queue; what was submitted after it comes next.
 */
export function rowsAfter(rows: readonly ReviewRow[], place: Place): ReviewRow[] {
  const at = rows.findIndex(({ reading }) => reading === place.reading);
  if (at >= 0) return rows.slice(at + 1).filter(isOpen);
  const since = place.submitted_at ?? "";
  return rows.filter((row) => (row.submitted_at ?? "") >= since && isOpen(row));
}

/** Up to `count` of the readings that come after a place; fewer at the end of the queue. */
export async function comingAfter(
  place: Place,
  count: number,
  pageAt: (cursor: string | null) => Promise<Pick<ReviewQueue, "results" | "next">>,
): Promise<ReviewRow[]> {
  const coming: ReviewRow[] = [];
  let cursor: string | null = null;
  let isPast = false;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { results, next }: Pick<ReviewQueue, "results" | "next"> = await pageAt(cursor);
    const has = results.some(({ reading }) => reading === place.reading);
    // What is taken for "after" by its time alone stands before the place if the place comes further on.
    if (has) coming.length = 0;
    coming.push(...(isPast ? results.filter(isOpen) : rowsAfter(results, place)));
    isPast = isPast || has;
    if (coming.length >= count || !next) break;
    cursor = next;
  }
  return coming.slice(0, count);
}

/** The room in review, and the reader whose part of the queue is gone through. */
export function reviewAddress(slug: string, { reading, case: one }: ReviewRow, reader: string): string {
  const query = new URLSearchParams(reader ? { reader } : {});
  query.set("review", reading);
  return `/p/${slug}/read/${one.id}?${query}`;
}

export function queueAddress(slug: string, reader: string): string {
  return `/p/${slug}/review${reader ? `?${new URLSearchParams({ reader })}` : ""}`;
}
