import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { Person } from "@/lib/api-types";

/** Everybody who has an account here. */
export function usePeople() {
  return useQuery({
    queryKey: ["people"],
    queryFn: async ({ signal }) => {
      const answer = await api.get<Person[] | { results: Person[] }>("/users/", { signal });
      return Array.isArray(answer) ? answer : answer.results;
    },
    staleTime: 60_000,
  });
}

export interface NewPerson {
  username: string;
  full_name: string;
}

/** Make an account (administrators only); its first password is told once. */
export function useCreatePerson() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (person: NewPerson) =>
      api.post<{ username: string; one_time_password: string }>("/users/", person),
    onSuccess: () => client.invalidateQueries({ queryKey: ["people"] }),
  });
}
