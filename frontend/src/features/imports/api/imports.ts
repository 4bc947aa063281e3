import { useMutation, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, request } from "@/lib/api-client";
import type { ImportFormat, ImportItem, ImportOptions, ImportRun, ItemState, Quarantine } from "@/lib/api-types";

export const PAGE_SIZE = 100;
const root = (slug: string) => `/projects/${slug}/imports/`;

/** Other systems send when they like: how often it is looked whether one has begun. */
const ARRIVALS = 10_000;

/** Runs of the project, newest first; asked again while the page is visible. */
export function useImportRuns(slug: string) {
  return useQuery({
    queryKey: ["imports", slug],
    queryFn: async ({ signal }) => {
      const answer = await api.get<ImportRun[] | { results: ImportRun[] }>(root(slug), { signal });
      return Array.isArray(answer) ? answer : answer.results;
    },
    refetchInterval: ARRIVALS,
  });
}

const BUSY: ReadonlySet<ImportRun["state"]> = new Set(["receiving", "queued", "running"]);
const isBusy = (run: ImportRun | undefined) => run !== undefined && BUSY.has(run.state);

/** One run; asked again each second while the server works on it and the page is visible. */
export function useImportRun(slug: string, id: string | undefined) {
  return useQuery({
    queryKey: ["imports", slug, id],
    queryFn: ({ signal }) => api.get<ImportRun>(`${root(slug)}${id}/`, { signal }),
    enabled: Boolean(id),
    staleTime: 0,
    refetchInterval: (query) => (isBusy(query.state.data) ? 1000 : false),
  });
}

/** How many images of the project wait for a lead's look, whichever import brought them. */
export function useHeldCount(slug: string) {
  return useQuery({
    queryKey: ["quarantine", slug, "count"],
    queryFn: ({ signal }) =>
      api.get<Quarantine>(`/projects/${slug}/quarantine/`, { signal, query: { kind: "held", limit: 0 } }),
    select: (found) => found.counts.held,
    staleTime: 5_000,
  });
}

/** The formats that readings of other programs come in, and the options of each. */
export function useImportFormats(slug: string) {
  return useQuery({
    queryKey: ["import-formats", slug],
    queryFn: ({ signal }) => api.get<ImportFormat[]>(`${root(slug)}formats/`, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

interface Items {
  total: number;
  results: ImportItem[];
}

function itemsPage(slug: string, id: string, state: ItemState | "", page: number, revision: number) {
  return {
    // The revision (files settled so far) asks for rows again while a run goes on.
    queryKey: ["imports", slug, id, "items", state, page, revision] as const,
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      api.get<Items>(`${root(slug)}${id}/items/`, {
        signal,
        query: { state, offset: page * PAGE_SIZE, limit: PAGE_SIZE },
      }),
    staleTime: 5_000,
    placeholderData: (previous: Items | undefined) => previous,
  };
}

/** Result of every file, worst first; only the pages in sight are fetched. */
export function useImportItems(
  slug: string,
  id: string,
  state: ItemState | "",
  pages: number[],
  revision: number,
): (index: number) => ImportItem | undefined {
  const answers = useQueries({ queries: pages.map((page) => itemsPage(slug, id, state, page, revision)) });
  const byPage = new Map(pages.map((page, at) => [page, answers[at]?.data]));
  return (index) => byPage.get(Math.floor(index / PAGE_SIZE))?.results[index % PAGE_SIZE];
}

/** Where the spreadsheet of a run's results is. */
export const itemsCsv = (slug: string, id: string) => `/api/v1${root(slug)}${id}/items/?format=csv`;

// Plain functions: the upload lives longer than the page that began it.

export const createImport = (slug: string, files: { name: string; size: number }[], options: ImportOptions) =>
  api.post<ImportRun>(root(slug), { files, options });

/** Hand the run to a worker; `skipUnfinished`: what has not arrived is given up. */
export const startImport = (slug: string, id: string, skipUnfinished = false) =>
  api.post<ImportRun>(`${root(slug)}${id}/start/`, { skip_unfinished: skipUnfinished });

export function useStartWithout(slug: string, id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => startImport(slug, id, true),
    onSuccess: () => client.invalidateQueries({ queryKey: ["imports", slug] }),
  });
}

/** All files of a run that the server still waits for. */
export async function filesToUpload(slug: string, id: string): Promise<ImportItem[]> {
  const found: ImportItem[] = [];
  for (;;) {
    const page = await api.get<Items>(`${root(slug)}${id}/items/`, {
      query: { state: "uploading", offset: found.length, limit: 500 },
    });
    found.push(...page.results);
    if (page.results.length === 0 || found.length >= page.total) return found;
  }
}

export async function putPiece(
  slug: string,
  run: string,
  item: string,
  offset: number,
  piece: Blob,
  signal: AbortSignal,
): Promise<number> {
  const answer = await request<{ received: number }>("PUT", `${root(slug)}${run}/files/${item}/`, {
    body: piece,
    contentType: "application/octet-stream",
    query: { offset },
    signal,
  });
  return answer.data.received;
}
