import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { Inquiry } from "@/lib/api-types";

export type Kind = Inquiry["kind"];

export const isAnswering = ({ state }: Inquiry) => state === "queued" || state === "running";
const keyOf = (slug: string, kind: Kind) => ["inquiry", slug, kind] as const;
const pathOf = (slug: string, kind: Kind) => `/projects/${slug}/inquiries/${kind}/`;

/** A question to the labels, asked for each second while it is being answered (304 when nothing changed). */
export function useInquiry(slug: string, kind: Kind) {
  return useQuery({
    queryKey: keyOf(slug, kind),
    queryFn: ({ signal }) => api.get<Inquiry>(pathOf(slug, kind), { signal }),
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data && isAnswering(state.data) ? 1000 : 30_000),
  });
}

function useAct(slug: string, kind: Kind, path: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => api.post<Inquiry>(path),
    onSuccess: (told) => client.setQueryData(keyOf(slug, kind), told),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["jobs", slug] });
      return client.invalidateQueries({ queryKey: keyOf(slug, kind) });
    },
  });
}

export const useAskInquiry = (slug: string, kind: Kind) => useAct(slug, kind, pathOf(slug, kind));
export const useStopInquiry = (slug: string, kind: Kind) => useAct(slug, kind, `${pathOf(slug, kind)}cancel/`);
