import { useQuery } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { Worklist } from "@/lib/api-types";

/** More than this are told as so many. */
export const MOST = 30;

/** This reader's cases that a reviewer sent back: they come first of what is in progress. */
export function useSentBack(slug: string) {
  return useQuery({
    queryKey: ["worklist", slug, "sent-back"],
    queryFn: ({ signal }) =>
      api.get<Worklist>(`/projects/${slug}/worklist/`, {
        signal,
        query: { state: "in_progress", order: "priority", limit: MOST },
      }),
    select: ({ results }) => results.filter((row) => row.sent_back !== null),
    staleTime: 5_000,
  });
}
