/** Names that somebody saw burnt into stored images, as they were reported to the project's leads. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { NameReport } from "@/lib/api-types";

const base = (slug: string) => `/projects/${encodeURIComponent(slug)}/burnt-in-reports/`;
export const nameReports = (slug: string) => ["name-reports", slug];

/** One's report of what one sees; it names the place, never what stands there. */
export const reportName = (slug: string, place: { sop_instance_uid: string; frame: number }) =>
  api.post<void>(base(slug), place);

/** The open reports; for leads. */
export function useNameReports(slug: string) {
  return useQuery({
    queryKey: nameReports(slug),
    queryFn: ({ signal }) => api.get<NameReport[]>(base(slug), { signal }),
  });
}

/** A lead looked, and no name stands there. */
export function useDismissReports(slug: string, caseId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (reason: string) =>
      api.post<void>(`/projects/${encodeURIComponent(slug)}/cases/${caseId}/burnt-in-reports/dismiss/`, {
        reason,
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: nameReports(slug) }),
  });
}
