import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type CaseQuery, searchOf } from "@/features/models/state/chosen";
import { api } from "@/lib/api-client";
import type { CardWords, Comparison, EvaluatedCases, ModelCard, ModelRow, ModelVersion } from "@/lib/api-types";

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

/** Two versions case by case; `by`: the difference by which the cases are sorted. */
export function useComparison(slug: string, number: number, other: number | null, by: string) {
  return useQuery({
    queryKey: ["models", slug, number, "compare", other, by],
    queryFn: ({ signal }) =>
      api.get<Comparison>(`${root(slug)}${number}/compare/?other=${other}&by=${by}`, { signal }),
    enabled: other !== null,
    placeholderData: keepPreviousData,
  });
}

export function useModelCard(slug: string, number: number) {
  return useQuery({
    queryKey: ["models", slug, number, "card"],
    queryFn: ({ signal }) => api.get<ModelCard>(`${root(slug)}${number}/card/`, { signal }),
  });
}

/** The lead's words stand on the card of every version. */
export function useSaveCardWords(slug: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (words: Partial<CardWords>) => api.patch<CardWords>(`/projects/${slug}/card-text/`, words),
    onSuccess: () => client.invalidateQueries({ queryKey: ["models", slug] }),
  });
}

/** Where the exported file is; and the order to export it, answered by the job that does it. */
export const onnxUrl = (slug: string, number: number) => `/api/v1${root(slug)}${number}/onnx/`;
export function useExportOnnx(slug: string, number: number) {
  return useMutation({ mutationFn: () => api.post<{ job: string }>(`${root(slug)}${number}/onnx/`) });
}

function useActed(slug: string) {
  const client = useQueryClient();
  return async () => {
    for (const key of ["models", "learning", "worklist"])
      await client.invalidateQueries({ queryKey: [key, slug] });
  };
}

export function usePromote(slug: string, number: number) {
  const onSuccess = useActed(slug);
  const mutationFn = (reason: string) => api.post<ModelVersion>(`${root(slug)}${number}/promote/`, { reason });
  return useMutation({ mutationFn, onSuccess });
}

export function useRelease(slug: string, number: number) {
  const onSuccess = useActed(slug);
  return useMutation({ mutationFn: () => api.post<ModelVersion>(`${root(slug)}${number}/release/`), onSuccess });
}

/** Order one look at HOLDOUT; answers the job that does it. */
export function useEvaluateHoldout(slug: string, number: number) {
  return useMutation({ mutationFn: () => api.post<{ job: string }>(`${root(slug)}${number}/evaluate-holdout/`) });
}
