import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { ForeignModel } from "@/lib/api-types";

const key = (slug: string) => ["foreign-models", slug] as const;
const root = (slug: string) => `/projects/${slug}/foreign-models/`;

export function useForeignModels(slug: string) {
  return useQuery({
    queryKey: key(slug),
    queryFn: ({ signal }) => api.get<ForeignModel[]>(root(slug), { signal }),
  });
}

/** Show readers this model's findings instead of the serving version's, or no longer. */
export function useShowForeignModel(slug: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (model: ForeignModel) =>
      api.patch<ForeignModel>(`${root(slug)}${model.id}/`, { is_shown: !model.is_shown }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: key(slug) });
      await client.invalidateQueries({ queryKey: ["worklist", slug] });
    },
  });
}
