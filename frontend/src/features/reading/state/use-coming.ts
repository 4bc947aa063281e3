/** The readings that come after one in the queue of reviews: looked for while that one is looked at. */
import { type QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import type { ReviewRow } from "@/lib/api-types";
import { waitingReviews } from "../api/review-api";
import { comingAfter, type Place } from "./review-queue";
import type { RoomSession } from "./room-session";

const AHEAD = 3;

const comingQuery = (slug: string, reader: string, place: Place) =>
  queryOptions({
    queryKey: ["reviews", slug, "coming", reader, place.reading],
    queryFn: () => comingAfter(place, AHEAD, (cursor) => waitingReviews(slug, reader, cursor)),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Where the room stands in the queue: at the reading under review, or at the one that is edited. */
export function placeOf({ room, review }: RoomSession): Place | null {
  if (review) return review;
  const { revises } = room.reading;
  if (!revises) return null;
  const original = room.others.find(({ id }) => id === revises.reading);
  return { reading: revises.reading, submitted_at: original?.submitted_at ?? null };
}

const NONE: ReviewRow[] = [];

export function useComing(session: RoomSession, reader: string): ReviewRow[] {
  const place = placeOf(session);
  const coming = useQuery({
    ...comingQuery(session.project.slug, reader, place ?? { reading: "", submitted_at: null }),
    enabled: place !== null,
  });
  return coming.data ?? NONE;
}

/** The next one; at the end of what was known the server is asked once more, for others may have submitted meanwhile. */
export async function nextOf(
  client: QueryClient,
  slug: string,
  reader: string,
  place: Place,
): Promise<ReviewRow | null> {
  const query = comingQuery(slug, reader, place);
  const known = client.getQueryData(query.queryKey)?.[0];
  return known ?? (await client.fetchQuery({ ...query, staleTime: 0 }))[0] ?? null;
}
