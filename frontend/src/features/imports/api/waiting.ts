import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { WaitingReadings } from "@/lib/api-types";

const root = (slug: string) => `/projects/${slug}/waiting-readings/`;

/** Readings of other programs that wait for their images. */
export function useWaiting(slug: string) {
  return useQuery({
    queryKey: ["waiting", slug],
    queryFn: ({ signal }) => api.get<WaitingReadings>(root(slug), { signal }),
  });
}

export function useDropWaiting(slug: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.delete(`${root(slug)}${id}/`),
    onSuccess: () => client.invalidateQueries({ queryKey: ["waiting", slug] }),
  });
}
