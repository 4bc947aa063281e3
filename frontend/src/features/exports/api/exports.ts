import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { ExportFormat, ExportOrder, ExportPreview, ExportRun } from "@/lib/api-types";

const root = (slug: string) => `/projects/${slug}/exports/`;

/** The formats that readings go out in. */
export function useExportFormats(slug: string) {
  return useQuery({
    queryKey: ["exports", slug, "formats"],
    queryFn: ({ signal }) => api.get<ExportFormat[]>(`${root(slug)}formats/`, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** What an export would hold, and what its format cannot carry. */
export function useExportPreview(slug: string, order: ExportOrder) {
  return useQuery({
    queryKey: ["exports", slug, "preview", order],
    queryFn: () => api.post<ExportPreview>(`${root(slug)}preview/`, order),
    placeholderData: (previous: ExportPreview | undefined) => previous,
    staleTime: 10_000,
  });
}

const isBusy = (run: ExportRun) =>
  run.state === "queued" || run.state === "running" || run.verifying !== null || Boolean(run.publication?.doing);

/** Exports, newest first; asked again each second while one is being written or verified. */
export function useExports(slug: string) {
  return useQuery({
    queryKey: ["exports", slug, "runs"],
    queryFn: ({ signal }) => api.get<ExportRun[]>(root(slug), { signal }),
    refetchInterval: (query) => (query.state.data?.some(isBusy) ? 1000 : false),
  });
}

/** Where the file of an export is. */
export const exportFile = (slug: string, id: string) => `/api/v1${root(slug)}${id}/file/`;

function useRefreshing<Input>(slug: string, act: (input: Input) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: () => client.invalidateQueries({ queryKey: ["exports", slug, "runs"] }),
  });
}

export const useStartExport = (slug: string) =>
  useRefreshing(slug, (order: ExportOrder) => api.post<ExportRun>(root(slug), order));

export const useVerifyExport = (slug: string) =>
  useRefreshing(slug, (id: string) => api.post<ExportRun>(`${root(slug)}${id}/verify/`, {}));

export const useCancelExport = (slug: string) =>
  useRefreshing(slug, (id: string) => api.post<ExportRun>(`${root(slug)}${id}/cancel/`, {}));

export const usePublishExport = (slug: string) =>
  useRefreshing(slug, (id: string) => api.post<ExportRun>(`${root(slug)}${id}/publish/`, {}));

export const useWithdrawExport = (slug: string) =>
  useRefreshing(slug, (id: string) => api.post<ExportRun>(`${root(slug)}${id}/withdraw/`, {}));

export const useDeleteExport = (slug: string) =>
  useRefreshing(slug, (id: string) => api.delete(`${root(slug)}${id}/`));
