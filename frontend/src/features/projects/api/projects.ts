import { useQuery } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { Project } from "@/lib/api-types";

/** The projects whose member I am, with how far each is. */
export function useProjects() {
  return useQuery({
    queryKey: ["projects"],
    queryFn: ({ signal }) => api.get<Project[]>("/projects/", { signal }),
  });
}
