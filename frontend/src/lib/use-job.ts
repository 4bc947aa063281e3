import { type QueryKey, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { Job } from "@/lib/api-types";

const ENDED = new Set(["succeeded", "failed", "cancelled"]);

export const hasEnded = (job: Job) => ENDED.has(job.state);

/** A job until it has ended; what it changed is asked for again before it is told that it has. */
export function useJob(slug: string, id: string | undefined, ...changes: QueryKey[]) {
  const client = useQueryClient();
  return useQuery({
    queryKey: ["job", slug, id],
    queryFn: async ({ signal }) => {
      const job = await api.get<Job>(`/projects/${slug}/jobs/${id}/`, { signal });
      if (hasEnded(job)) await Promise.all(changes.map((queryKey) => client.invalidateQueries({ queryKey })));
      return job;
    },
    enabled: Boolean(id),
    staleTime: 0,
    refetchInterval: (query) => (query.state.data && hasEnded(query.state.data) ? false : 1000),
  });
}
