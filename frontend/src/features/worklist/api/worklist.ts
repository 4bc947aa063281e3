import { keepPreviousData, type QueryClient, useQueries, useQuery } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { WorkFilter, Worklist, WorkOrder, WorkRow } from "@/lib/api-types";

export const PAGE_SIZE = 100;

/** Each "" while it narrows nothing. */
export interface WorklistFilters {
  finding: string;
  score: string;
  modality: string;
  changed_from: string;
  changed_to: string;
  study_from: string;
  study_to: string;
  split: string;
  arm: string;
  reader: string;
  burnt_in: string;
}

export const NO_FILTERS: WorklistFilters = {
  finding: "",
  score: "",
  modality: "",
  changed_from: "",
  changed_to: "",
  study_from: "",
  study_to: "",
  split: "",
  arm: "",
  reader: "",
  burnt_in: "",
};

export interface WorklistView extends WorklistFilters {
  state: WorkFilter;
  search: string;
  order: WorkOrder;
}

export const isFiltered = (view: WorklistView): boolean =>
  (Object.keys(NO_FILTERS) as (keyof WorklistFilters)[]).some((name) => view[name] !== "");

const pageQuery = (slug: string, view: WorklistView, page: number) => ({
  queryKey: ["worklist", slug, view, page] as const,
  queryFn: ({ signal, client }: { signal: AbortSignal; client: QueryClient }) => {
    // Going on after a known row costs the server what the first page costs, and misses none when rows above have gone.
    const before = client.getQueryData<Worklist>(["worklist", slug, view, page - 1])?.results;
    const past = before?.length === PAGE_SIZE ? (before.at(-1)?.id ?? "") : "";
    return api.get<Worklist>(`/projects/${slug}/worklist/`, {
      signal,
      query: { ...view, offset: page * PAGE_SIZE, limit: PAGE_SIZE, past },
    });
  },
  staleTime: 5_000,
});

/** The first page: counts, total and the rows that every visit begins with. */
export function useWorklistStart(slug: string, view: WorklistView) {
  return useQuery({ ...pageQuery(slug, view, 0), placeholderData: keepPreviousData });
}

/** Rows of any place in the list; only the pages that are in sight are fetched. */
export function useWorklistRows(
  slug: string,
  view: WorklistView,
  pages: number[],
): (index: number) => WorkRow | undefined {
  const answers = useQueries({ queries: pages.map((page) => pageQuery(slug, view, page)) });
  const byPage = new Map(pages.map((page, at) => [page, answers[at]?.data]));
  return (index) => byPage.get(Math.floor(index / PAGE_SIZE))?.results[index % PAGE_SIZE];
}
