/** A second person's decision on a submitted reading, as the room asks for it and gives it. */
import { api } from "@/lib/api-client";
import type { ReviewQueue, ReviewRow } from "@/lib/api-types";

const base = (slug: string) => `/projects/${encodeURIComponent(slug)}/reviews/`;

/** The readings of one case that this person may review, or somebody has. */
export const reviewsOfCase = (slug: string, caseId: string) =>
  api.get<ReviewQueue>(base(slug), { query: { case: caseId } }).then(({ results }) => results);

/** What waits, the oldest first; of one reader, or of all (""). */
export const waitingReviews = (slug: string, reader: string, cursor: string | null) =>
  api.get<ReviewQueue>(base(slug), { query: { state: "waiting", reader, cursor } });

interface Reviewed {
  reading: string;
  revision: number;
}

export const decideReview = (
  slug: string,
  { reading, revision }: Reviewed,
  decision: "agreed" | "sent_back",
  comment?: string,
) => api.post<ReviewRow>(base(slug), { reading, revision, decision, ...(comment ? { comment } : {}) });

/** One's own draft that begins from the reviewed reading. */
export const beginEdit = (slug: string, { reading, revision }: Reviewed) =>
  api.post<{ case: string; reading: string }>(`${base(slug)}edit/`, { reading, revision });
