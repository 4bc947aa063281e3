/** The room of a case with another person's reading in the place of one's own, to be looked at and decided on. */
import { ApiError } from "@/lib/api-client";
import type { Reading, ReviewRow, Room } from "@/lib/api-types";
import { readRoom } from "../api/reading-api";
import { reviewsOfCase } from "../api/review-api";

/** A room as it was opened: to be read, or (`review`) to review another's reading. */
export interface OpenedRoom extends Room {
  review?: ReviewRow;
}

/** It is not there to be reviewed now: a draft again, withdrawn, or the case is still to be read on one's own. */
export class ReviewGone extends Error {}

/** Looking does not open the case: nothing is leased, and no reading of one's own begins. */
export async function openForReview(slug: string, caseId: string, reading: string): Promise<OpenedRoom> {
  const [room, rows] = await Promise.all([readRoom(slug, caseId), reviewsOfCase(slug, caseId)]).catch(
    (error: unknown) => {
      if (error instanceof ApiError && error.status === 404) throw new ReviewGone();
      throw error;
    },
  );
  const row = rows.find((one) => one.reading === reading);
  return underReview(room, row, reading);
}

export function underReview(room: Room, row: ReviewRow | undefined, reading: string): OpenedRoom {
  const reviewed = room.others.find(({ id }) => id === reading);
  if (!reviewed || !row) throw new ReviewGone();
  const others = room.others.filter(({ id }) => id !== reading);
  // One's own reading of the case stands beside the reviewed one, as another's does.
  const own = room.reading as Reading | null;
  if (own?.state === "submitted") others.unshift(own);
  return { ...room, reading: reviewed, others, readonly: "submitted", first_look: false, next: [], review: row };
}
