import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { InspectableCases, Inspection } from "@/lib/api-types";

/** What is looked at: a version, an image of a case, and for saliency alone a lesion that a person marked. */
export interface Look {
  slug: string;
  number: number;
  caseId: string;
  frame: number;
  lesion?: string | undefined;
}

const UNDER_WAY = new Set(["queued", "running"]);
const path = ({ slug, number, caseId }: Look) => `/projects/${slug}/models/${number}/inspections/${caseId}/`;
const queryOf = ({ frame, lesion }: Look) => ({ frame, lesion });
const keyOf = (look: Look) => ["inspection", look.slug, look.number, look.caseId, look.frame, look.lesion ?? ""];

/** Asks for the look inside, orders it where nobody has, and follows it until it is there. */
export function useInspection(look: Look, enabled = true) {
  return useQuery({
    queryKey: keyOf(look),
    queryFn: async ({ signal }) => {
      const known = await api.get<Inspection>(path(look), { query: queryOf(look), signal });
      return known.state === "none" ? api.post<Inspection>(path(look), {}, { query: queryOf(look) }) : known;
    },
    enabled,
    retry: false,
    refetchInterval: (query) => (UNDER_WAY.has(query.state.data?.state ?? "") ? 700 : false),
  });
}

/** All arrays of a look that is there. */
export function usePictures(look: Look, enabled: boolean) {
  return useQuery({
    queryKey: [...keyOf(look), "pictures"],
    queryFn: ({ signal }) => api.get<ArrayBuffer>(`${path(look)}pictures/`, { query: queryOf(look), signal }),
    enabled,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Order it again after it failed. */
export function useOrderAgain(look: Look) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => api.post<Inspection>(path(look), {}, { query: queryOf(look) }),
    onSuccess: (found) => client.setQueryData(keyOf(look), found),
  });
}

/** Cases that a lead may look into. */
export function useInspectableCases(slug: string, search: string) {
  return useQuery({
    queryKey: ["inspection", slug, "cases", search],
    queryFn: ({ signal }) =>
      api.get<InspectableCases>(`/projects/${slug}/inspection-cases/`, { query: { search }, signal }),
    placeholderData: (earlier) => earlier,
  });
}
