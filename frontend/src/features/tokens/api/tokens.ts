import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { Token } from "@/lib/api-types";

const KEY = ["tokens"] as const;

export function useTokens() {
  return useQuery({ queryKey: KEY, queryFn: ({ signal }) => api.get<Token[]>("/me/tokens/", { signal }) });
}

export interface NewToken {
  name: string;
  scopes: string[];
  expires_at: string | null;
}

export function useCreateToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (wanted: NewToken) => api.post<Token & { token: string }>("/me/tokens/", wanted),
    onSuccess: () => client.invalidateQueries({ queryKey: KEY }),
  });
}

export function useRevokeToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) => api.delete(`/me/tokens/${id}/`),
    onSuccess: () => client.invalidateQueries({ queryKey: KEY }),
  });
}
