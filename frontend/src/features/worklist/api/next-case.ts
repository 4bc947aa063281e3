import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { api } from "@/lib/api-client";

/** Take the next case of the worklist and go to it. */
export function useNextCase(slug: string) {
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () => api.post<{ case: string | null }>(`/projects/${slug}/worklist/next/`),
    onSuccess: (answer) => {
      if (answer.case) void navigate(`/p/${slug}/read/${answer.case}`);
    },
  });
}
