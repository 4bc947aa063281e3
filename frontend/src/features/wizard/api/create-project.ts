import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { type Draft, projectOf } from "@/features/wizard/draft";
import { api } from "@/lib/api-client";
import type { Project } from "@/lib/api-types";
import { ME } from "@/lib/me";

/** Make the project, then set its thresholds and policy. Trying again after a failure does not make it twice. */
export function useCreateProject() {
  const client = useQueryClient();
  const made = useRef<Project>(undefined);
  return useMutation({
    mutationFn: async (draft: Draft) => {
      made.current ??= await api.post<Project>("/projects/", projectOf(draft));
      const root = `/projects/${made.current.slug}`;
      await api.patch(`${root}/`, {
        display_threshold: draft.display_threshold,
        false_positives_allowed: draft.false_positives_allowed,
      });
      await api.patch(`${root}/policy/`, draft.policy);
      return made.current;
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ME });
      await client.invalidateQueries({ queryKey: ["projects"] });
    },
  });
}
