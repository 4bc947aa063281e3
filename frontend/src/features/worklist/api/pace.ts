import { useQuery } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { Pace } from "@/lib/api-types";

/** How far and how fast this reader is, and the case left open. */
export function usePace(slug: string) {
  return useQuery({
    queryKey: ["worklist", slug, "pace"],
    queryFn: ({ signal }) => api.get<Pace>(`/projects/${slug}/worklist/pace/`, { signal }),
    staleTime: 5_000,
  });
}
