import { useQuery } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { SecondLook } from "@/lib/api-types";

/** Labels that a model doubts, and near-duplicates that were read differently. */
export function useSecondLook(slug: string) {
  return useQuery({
    queryKey: ["second-look", slug],
    queryFn: ({ signal }) => api.get<SecondLook>(`/projects/${slug}/second-look/`, { signal }),
    staleTime: 0,
  });
}
