import { useQuery } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { SplitCounts } from "@/lib/api-types";

/** How many cases fell into each split, and which are embargoed (leads only). */
export function useSplits(slug: string) {
  return useQuery({
    queryKey: ["splits", slug],
    queryFn: ({ signal }) => api.get<SplitCounts>(`/projects/${slug}/splits/`, { signal }),
  });
}
