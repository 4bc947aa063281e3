import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { WorkingReader } from "@/lib/api-types";

/** Who has what; for leads. */
export function useReaders(slug: string, enabled = true) {
  return useQuery({
    queryKey: ["worklist", slug, "readers"],
    queryFn: ({ signal }) => api.get<WorkingReader[]>(`/projects/${slug}/readers/`, { signal }),
    staleTime: 5_000,
    enabled,
  });
}

/** Give cases to a member, or (null) take them back from whoever holds them. */
export function useHandOver(slug: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ cases, to }: { cases: string[]; to: string | null }) => {
      for (const id of cases) {
        const address = `/projects/${slug}/cases/${id}`;
        if (to === null) await api.post(`${address}/release/`);
        else await api.post(`${address}/give/`, { username: to });
      }
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["worklist", slug] }),
  });
}
