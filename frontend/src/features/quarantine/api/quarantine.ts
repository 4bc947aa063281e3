import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { PixelRule, Quarantine, Rectangle } from "@/lib/api-types";

const root = (slug: string) => `/projects/${slug}/quarantine/`;

/** As many as can be decided about at once. */
const MOST = 1000;

/** What waits, of one reason or of all; asked again while released images are on their way into the project. */
export function useQuarantine(slug: string, kind: "held" | "refused", group: string) {
  return useQuery({
    queryKey: ["quarantine", slug, kind, group],
    queryFn: ({ signal }) =>
      api.get<Quarantine>(root(slug), { signal, query: { kind, group: group || undefined, limit: MOST } }),
    placeholderData: (previous: Quarantine | undefined, query) =>
      query?.queryKey[2] === kind ? previous : undefined,
    refetchInterval: (query) => (query.state.data?.counts.decided ? 2000 : false),
  });
}

export function usePixelRules(slug: string) {
  return useQuery({
    queryKey: ["quarantine", slug, "rules"],
    queryFn: ({ signal }) => api.get<PixelRule[]>(`/projects/${slug}/pixel-rules/`, { signal }),
  });
}

/** Where the picture of a held image is; each look at it is written down. */
export const previewOf = (slug: string, id: string) => `/api/v1${root(slug)}${id}/preview/`;

/** Where the original of a file is. */
export const downloadOf = (slug: string, id: string) => `/api/v1${root(slug)}${id}/file/`;

interface Release {
  files: string[];
  rectangles: Rectangle[];
  whole_device: boolean;
  reason?: string;
}

interface Discard {
  files: string[];
  reason: string;
}

function useChange<Given, Answer>(slug: string, change: (given: Given) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => {
      for (const key of ["quarantine", "imports", "splits", "project", "worklist"])
        void client.invalidateQueries({ queryKey: [key, slug] });
    },
  });
}

export const useRelease = (slug: string) =>
  useChange(slug, (given: Release) => api.post<{ job: string; files: number }>(`${root(slug)}release/`, given));

interface Retried {
  imports: string[];
  jobs: string[];
  files: number;
}

/** Import refused files once more; they stay until they are used. */
export const useRetry = (slug: string) =>
  useChange(slug, (given: { files: string[] }) => api.post<Retried>(`${root(slug)}retry/`, given));

export const useDiscard = (slug: string) =>
  useChange(slug, (given: Discard) => api.post<{ files: number }>(`${root(slug)}discard/`, given));

export const useRemoveRule = (slug: string) =>
  useChange(slug, (id: number) => api.delete<void>(`/projects/${slug}/pixel-rules/${id}/`));
