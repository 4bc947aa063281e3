import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { Me } from "@/lib/api-types";

export const ME = ["me"] as const;

export const meQuery = queryOptions({
  queryKey: ME,
  queryFn: ({ signal }) => api.get<Me>("/me/", { signal }),
  staleTime: 60_000,
});

/** Who is signed in, with their projects and roles. */
export function useMe() {
  return useQuery(meQuery);
}

export function useUpdateMe() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: Partial<Pick<Me, "language" | "key_bindings" | "tour_seen" | "room">>) =>
      api.patch<Me>("/me/", change),
    onSuccess: (me) => client.setQueryData(ME, me),
  });
}
