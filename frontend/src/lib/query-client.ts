import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/lib/api-client";

/** A refusal (4xx) is an answer and is not asked again; a failing network is tried twice. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      refetchOnWindowFocus: true,
      retry: (failures, error) => failures < 2 && !(error instanceof ApiError && error.status < 500),
    },
    mutations: { retry: false },
  },
});
