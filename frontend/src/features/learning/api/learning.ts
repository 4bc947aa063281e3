import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { Learning, Policy, Round } from "@/lib/api-types";

const ENDS = new Set<Round["state"]>(["done", "failed", "cancelled"]);
export const isLive = (round: Round) => !ENDS.has(round.state);

export const learningKey = (slug: string) => ["learning", slug] as const;

export function useLearning(slug: string) {
  return useQuery({
    queryKey: learningKey(slug),
    queryFn: ({ signal }) => api.get<Learning>(`/projects/${slug}/learning/`, { signal }),
    refetchInterval: 10_000,
    staleTime: 2_000,
  });
}

/** A round, asked for each second while it runs and the page is visible (304 when nothing changed). */
export function useRound(slug: string, number: number | undefined, live: boolean) {
  return useQuery({
    queryKey: ["round", slug, number],
    queryFn: ({ signal }) => api.get<Round>(`/projects/${slug}/rounds/${number}/`, { signal }),
    enabled: number !== undefined,
    staleTime: 0,
    refetchInterval: live ? 1000 : false,
  });
}

function useInvalidate(slug: string) {
  const client = useQueryClient();
  return () => {
    void client.invalidateQueries({ queryKey: ["jobs", slug] });
    return client.invalidateQueries({ queryKey: learningKey(slug) });
  };
}

export function useStartRound(slug: string) {
  const refresh = useInvalidate(slug);
  return useMutation({
    mutationFn: (track: Round["track"]) => api.post<Round>(`/projects/${slug}/rounds/`, { track }),
    onSettled: refresh,
  });
}

export function useCancelRound(slug: string) {
  const refresh = useInvalidate(slug);
  return useMutation({
    mutationFn: (number: number) => api.post<Round>(`/projects/${slug}/rounds/${number}/cancel/`),
    onSettled: refresh,
  });
}

export function useSavePolicy(slug: string) {
  const refresh = useInvalidate(slug);
  return useMutation({
    mutationFn: (change: Partial<Policy>) => api.patch<Policy>(`/projects/${slug}/policy/`, change),
    onSuccess: refresh,
  });
}
