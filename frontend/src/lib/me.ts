import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { Me } from "@/lib/api-types";

export const ME = ["me"] as const;

/** Who is signed in, with their projects and roles. */
export function useMe() {
  return useQuery({ queryKey: ME, queryFn: ({ signal }) => api.get<Me>("/me/", { signal }), staleTime: 60_000 });
}

export function useUpdateMe() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: Partial<Pick<Me, "language" | "key_bindings">>) => api.patch<Me>("/me/", change),
    onSuccess: (me) => client.setQueryData(ME, me),
  });
}
