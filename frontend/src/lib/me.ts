import { type Mutation, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
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

type ChangeOfMe = Partial<Pick<Me, "language" | "key_bindings" | "tour_seen" | "room">>;

const UPDATE_ME = ["me", "update"] as const;

/** What a mutation would change of the account; null where it is about something else. */
export function changeOfMe({ options, state }: Mutation): ChangeOfMe | null {
  return options.mutationKey === UPDATE_ME ? ((state.variables ?? null) as ChangeOfMe | null) : null;
}

export function useUpdateMe() {
  const client = useQueryClient();
  return useMutation({
    mutationKey: UPDATE_ME,
    mutationFn: (change: ChangeOfMe) => api.patch<Me>("/me/", change),
    onSuccess: (me) => client.setQueryData(ME, me),
  });
}
