import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { ReviewQueue, ReviewState } from "@/lib/api-types";

export interface QueueView {
  state: ReviewState;
  /** Username; "" for every reader. */
  reader: string;
}

/** The readings that wait for a decision, or have one; each next page is fetched when the list comes near its end. */
export function useQueue(slug: string, { state, reader }: QueueView) {
  return useInfiniteQuery({
    queryKey: ["reviews", slug, state, reader],
    queryFn: ({ signal, pageParam }) =>
      api.get<ReviewQueue>(`/projects/${slug}/reviews/`, { signal, query: { state, reader, cursor: pageParam } }),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData,
    staleTime: 5_000,
  });
}
