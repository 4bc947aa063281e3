import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { ImportOptions, WatchedFiles, WatchedSource, WatchedSources } from "@/lib/api-types";

const key = (slug: string) => ["watched", slug] as const;
const root = (slug: string) => `/projects/${slug}/watched-sources/`;

/** What is followed; asked again while the page is visible, for a look changes it. */
export function useWatched(slug: string) {
  return useQuery({
    queryKey: key(slug),
    queryFn: ({ signal }) => api.get<WatchedSources>(root(slug), { signal }),
    refetchInterval: (query) => (query.state.data?.results.some((one) => one.is_enabled) ? 5000 : false),
  });
}

export function useRefusedFiles(slug: string, id: string, count: number) {
  return useQuery({
    queryKey: [...key(slug), id, "refused", count],
    queryFn: ({ signal }) =>
      api.get<WatchedFiles>(`${root(slug)}${id}/files/`, { signal, query: { state: "refused" } }),
    enabled: count > 0,
  });
}

function useChange<Given, Told = unknown>(slug: string, write: (given: Given) => Promise<Told>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: write,
    onSuccess: () => client.invalidateQueries({ queryKey: key(slug) }),
  });
}

export interface NewSource {
  kind: "folder" | "bucket";
  location: string;
  region?: string;
  endpoint?: string;
  credentials?: { access_key_id: string; secret_access_key: string };
  delete_after: boolean;
  options?: ImportOptions;
}

export const useCreateWatched = (slug: string) =>
  useChange(slug, (wanted: NewSource) => api.post<WatchedSource>(root(slug), wanted));

export const usePauseWatched = (slug: string) =>
  useChange(slug, (source: WatchedSource) =>
    api.patch<WatchedSource>(`${root(slug)}${source.id}/`, { is_enabled: !source.is_enabled }),
  );

export const useRetryWatched = (slug: string) =>
  useChange(slug, (id: string) => api.post<{ files: number }>(`${root(slug)}${id}/retry/`, {}));

export const useDeleteWatched = (slug: string) =>
  useChange(slug, (id: string) => api.delete(`${root(slug)}${id}/`));
