import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { IdentityTable, KnownIdentity } from "@/lib/api-types";
import { projectKey } from "@/lib/project";

const key = (slug: string) => ["identities", slug] as const;
const root = (slug: string) => `/projects/${slug}/identities/`;

/** Whether the archive keeps a table of identities, and whether the caller may open it. */
export function useIdentityTable(slug: string) {
  return useQuery({
    queryKey: key(slug),
    queryFn: ({ signal }) => api.get<IdentityTable>(root(slug), { signal }),
  });
}

export function useSwitchTable(slug: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (wanted: { keeps: boolean; reason: string }) => api.put<IdentityTable>(root(slug), wanted),
    onSuccess: (table) => {
      client.setQueryData(key(slug), table);
      void client.invalidateQueries({ queryKey: projectKey(slug) });
    },
  });
}

/** One look; its answer is kept by no cache and forgotten with the page. */
export function useLookUp(slug: string) {
  return useMutation({
    mutationFn: (wanted: { pseudonym: string; reason: string }) =>
      api.post<{ results: KnownIdentity[] }>(`${root(slug)}look-up/`, wanted),
    gcTime: 0,
  });
}
