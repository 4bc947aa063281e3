import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type CaseQuery, searchOf } from "@/features/models/state/chosen";
import { api } from "@/lib/api-client";
import type { EvaluatedCases, Job, ModelRow, ModelVersion } from "@/lib/api-types";

const root = (slug: string) => `/projects/${slug}/models/`;

export function useModels(slug: string) {
  return useQuery({
    queryKey: ["models", slug],
    queryFn: ({ signal }) => api.get<ModelRow[]>(root(slug), { signal }),
  });
}

export function useModel(slug: string, number: number | null | undefined) {
  return useQuery({
    queryKey: ["models", slug, number],
    queryFn: ({ signal }) => api.get<ModelVersion>(`${root(slug)}${number}/`, { signal }),
    enabled: typeof number === "number",
  });
}

/** The cases of the newest evaluation on VALIDATION behind a point or row, worst first. */
export function useEvaluatedCases(slug: string, number: number, query: CaseQuery) {
  const search = searchOf(query);
  return useQuery({
    queryKey: ["models", slug, number, "cases", search],
    queryFn: ({ signal }) =>
      api.get<EvaluatedCases>(`${root(slug)}${number}/cases/${search ? `?${search}` : ""}`, { signal }),
    placeholderData: keepPreviousData,
  });
}

function useAct(slug: string, number: number, verb: "promote" | "release") {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => api.post<ModelVersion>(`${root(slug)}${number}/${verb}/`),
    onSuccess: async () => {
      for (const key of ["models", "learning", "worklist"])
        await client.invalidateQueries({ queryKey: [key, slug] });
    },
  });
}

export const usePromote = (slug: string, number: number) => useAct(slug, number, "promote");
export const useRelease = (slug: string, number: number) => useAct(slug, number, "release");

/** Order one look at HOLDOUT; answers the job that does it. */
export function useEvaluateHoldout(slug: string, number: number) {
  return useMutation({ mutationFn: () => api.post<{ job: string }>(`${root(slug)}${number}/evaluate-holdout/`) });
}

const ENDED = new Set(["succeeded", "failed", "cancelled"]);

/** A job until it has ended; then the version is asked for again. */
export function useJob(slug: string, id: string | undefined, number: number) {
  const client = useQueryClient();
  return useQuery({
    queryKey: ["job", slug, id],
    queryFn: async ({ signal }) => {
      const job = await api.get<Job>(`/projects/${slug}/jobs/${id}/`, { signal });
      if (ENDED.has(job.state)) await client.invalidateQueries({ queryKey: ["models", slug, number] });
      return job;
    },
    enabled: Boolean(id),
    staleTime: 0,
    refetchInterval: (query) => (query.state.data && ENDED.has(query.state.data.state) ? false : 1000),
  });
}
